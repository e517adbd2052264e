"""Compare HTTP clients for delivery: 64 attach requests in flight against a loopback server in its own process.

`python -m tests.bench.transport_bench [--one-core] [--seconds 1.5] [--warm 3] [--rounds 3] [--only NAME ...]` prints
requests/s, CPU per request, and both in relation to Node's fetch. Each run is a process of its own, warmed up before it
counts; the candidates take turns, and one that is not installed is left out. `transport` and `wire` are
connector.transport and connector.wire, with all that they do around their libraries, on asyncio's loop and on uvloop.
"""

import argparse
import asyncio
import json
import os
import resource
import select
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Final, NamedTuple

import msgspec
import uvloop

IN_FLIGHT: Final = 64
TIMEOUT: Final = 10.0
HEADERS: Final = {
    "Authorization": "Basic client-id:",
    "Content-Type": "application/json",
    "User-Agent": "rupt-connector",
}
ANSWER: Final = (
    b'{"success":true,"attached_devices":1,"device_id":"65f1c0ffee65f1c0ffee65f1","default_device_limit":2,'
    b'"block_over_usage":false,"suspended":false,"new_device":false,"access":"65f1c0ffee65f1c0ffee65f2",'
    b'"metadata":{},"verification_status":"verified"}'
)

Post = Callable[[], Awaitable[bytes]]


class Run(NamedTuple):
    """One process's measure: requests per second of wall time, microseconds of CPU per request, did it exit well."""

    rate: float
    cpu: float
    crashed: bool = False


def attach_body(kind: str) -> bytes:
    """Make the two bodies that are sent: `plain` of some 350 bytes, `signals` of some 5 KB."""
    body: dict[str, object] = {
        "user": "user-42",
        "email": "ada@example.com",
        "phone": "+4915112345678",
        "metadata": {"plan": "pro", "title": "Pricing"},
        "fingerprint": "8a3f6c1e-6f0b-4d1c-9f5a-2b7c1d3e4f50",
        "page": "/account",
        "callbacks": {"on_challenge": False, "limit_exceeded": False},
        "redirects": {"new_account": True, "logout": True},
        "client": "segment",
    }
    if kind == "signals":
        math = {f"function{number}": number / 7 for number in range(24)}
        fonts = [f"Some Font Family {number}" for number in range(60)]
        body |= {"fingerprint": "b5bea41b6c623f7c" * 106, "last_fingerprint": None}
        body["signals"] = {"math": {"value": math}, "fonts": {"value": fonts}, "timezone": {"value": "UTC"}}
    return json.dumps(body, separators=(",", ":")).encode()


def serve() -> None:
    """Answer every request with the same 200 from one epoll loop, cheaper than any client; print the port first."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(ANSWER),
        ANSWER,
    )
    poll, peers, pending = select.epoll(), dict[int, socket.socket](), dict[int, bytes]()
    poll.register(listener.fileno(), select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                peer, _ = listener.accept()
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peers[peer.fileno()], pending[peer.fileno()] = peer, b""
                poll.register(peer.fileno(), select.EPOLLIN)
            elif not _answer(peers[number], number, pending, answer):
                poll.unregister(number)
                peers.pop(number).close()


def _answer(peer: socket.socket, number: int, pending: dict[int, bytes], answer: bytes) -> bool:
    try:
        chunk = peer.recv(65536)
    except ConnectionError:
        return False
    data = pending[number] + chunk
    head = data.find(b"\r\n\r\n")
    if head >= 0:
        start = data[:head].lower().find(b"content-length:") + 15
        end = data.find(b"\r", start)
        if len(data) >= head + 4 + int(data[start:end]):
            peer.sendall(answer)
            data = b""
    pending[number] = data
    return bool(chunk)


@asynccontextmanager
async def _aiohttp(url: str, body: bytes) -> AsyncIterator[Post]:
    import aiohttp  # each candidate is loaded only where it is measured

    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as session:

        async def post() -> bytes:
            async with session.post(url, data=body, headers=HEADERS, allow_redirects=False) as response:
                return await response.read()

        yield post


@asynccontextmanager
async def _httpx(url: str, body: bytes, layer: str = "") -> AsyncIterator[Post]:
    import httpx

    transport: httpx.AsyncBaseTransport | None = None
    if layer == "aiohttp":
        from httpx_aiohttp import AiohttpTransport  # type: ignore[import-not-found, unused-ignore]  # seldom installed

        transport = AiohttpTransport(limits=httpx.Limits(max_connections=IN_FLIGHT))
    elif layer == "pyreqwest":
        from pyreqwest.compatibility.httpx import HttpxTransport

        transport = HttpxTransport()
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(transport=transport, limits=limits, timeout=TIMEOUT) as client:

        async def post() -> bytes:
            return (await client.post(url, content=body, headers=HEADERS)).content

        yield post


@asynccontextmanager
async def _pyreqwest(url: str, body: bytes) -> AsyncIterator[Post]:
    from pyreqwest.client import ClientBuilder

    builder = ClientBuilder().timeout(timedelta(seconds=TIMEOUT)).follow_redirects(False).no_proxy()
    async with builder.pool_max_idle_per_host(IN_FLIGHT).build() as client:

        async def post() -> bytes:
            response = await client.post(url).headers(HEADERS).body_bytes(body).build().send()
            return bytes(await response.bytes())

        yield post


@asynccontextmanager
async def _pyreqwest_capped(url: str, body: bytes) -> AsyncIterator[Post]:
    """The same with a streamed answer, of which at most 1 MiB is read."""
    from pyreqwest.client import ClientBuilder

    builder = ClientBuilder().timeout(timedelta(seconds=TIMEOUT)).follow_redirects(False).no_proxy()
    async with builder.pool_max_idle_per_host(IN_FLIGHT).build() as client:

        async def post() -> bytes:
            request = client.post(url).headers(HEADERS).body_bytes(body).build_streamed()
            async with request as response:
                return bytes(await response.body_reader.read(1 << 20) or b"")

        yield post


@asynccontextmanager
async def _pyreqwest_transport(url: str, body: bytes) -> AsyncIterator[Post]:
    """Its httpx transport called directly: what a vcrpy cassette can record."""
    import httpx
    from pyreqwest.client import ClientBuilder
    from pyreqwest.compatibility.httpx import HttpxTransport

    builder = ClientBuilder().timeout(timedelta(seconds=TIMEOUT)).follow_redirects(False).no_proxy()
    transport = HttpxTransport(builder.pool_max_idle_per_host(IN_FLIGHT).build())
    parsed = httpx.URL(url)
    async with transport:

        async def post() -> bytes:
            request = httpx.Request("POST", parsed, headers=HEADERS, content=body)
            response = await transport.handle_async_request(request)
            return bytes(await response.aread())

        yield post


@asynccontextmanager
async def _ours(url: str, body: bytes, name: str) -> AsyncIterator[Post]:
    from connector.rupt import Credentials, Request, Response
    from connector.transport import Transport
    from connector.wire import Wire

    base, path = url[: url.index("/v2")], url[url.index("/v2") :]
    request, credentials = Request("POST", path, msgspec.json.decode(body)), Credentials("client-id", None, base)
    made = (Wire if name == "wire" else Transport)(concurrency=IN_FLIGHT, timeout=TIMEOUT)
    async with made as transport:

        async def post() -> bytes:
            answer = await transport.send(request, credentials)
            assert isinstance(answer, Response)
            return answer.body

        yield post


CANDIDATES: Final[dict[str, Callable[[str, bytes], AbstractAsyncContextManager[Post]]]] = {
    "wire": lambda url, body: _ours(url, body, "wire"),
    "wire, uvloop": lambda url, body: _ours(url, body, "wire"),
    "transport": lambda url, body: _ours(url, body, "transport"),
    "transport, uvloop": lambda url, body: _ours(url, body, "transport"),
    "aiohttp": _aiohttp,
    "httpx": _httpx,
    "httpx over aiohttp": lambda url, body: _httpx(url, body, "aiohttp"),
    "httpx over pyreqwest": lambda url, body: _httpx(url, body, "pyreqwest"),
    "pyreqwest's httpx transport": _pyreqwest_transport,
    "pyreqwest": _pyreqwest,
    "pyreqwest, capped body": _pyreqwest_capped,
}

NODE: Final = """
const [url, body, headers, seconds, warm, inFlight] = process.argv.slice(1);
const options = {method: 'POST', headers: JSON.parse(headers), body};
const lane = async (until) => { let n = 0; while (performance.now() < until) {
  await (await fetch(url, options)).arrayBuffer(); n++; } return n; };
const all = async (s) => { const until = performance.now() + s * 1000;
  return (await Promise.all(Array.from({length: +inFlight}, () => lane(until)))).reduce((a, b) => a + b); };
await all(+warm);
const cpu = process.cpuUsage(), start = performance.now();
const count = await all(+seconds);
const wall = (performance.now() - start) / 1000, used = process.cpuUsage(cpu);
console.log(JSON.stringify([count / wall, (used.user + used.system) / count]));
"""


async def _lane(post: Post, until: float) -> int:
    count = 0
    while time.perf_counter() < until:
        assert await post() == ANSWER
        count += 1
    return count


async def _all(post: Post, seconds: float) -> int:
    until = time.perf_counter() + seconds
    return sum(await asyncio.gather(*(_lane(post, until) for _ in range(IN_FLIGHT))))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(name: str, url: str, body: bytes, seconds: float, warm: float) -> Run:
    """Warm up, then count."""
    async with CANDIDATES[name](url, body) as post:
        await _all(post, warm)
        cpu, start = _cpu(), time.perf_counter()
        count = await _all(post, seconds)
        return Run(count / (time.perf_counter() - start), (_cpu() - cpu) / count * 1e6)


def run(name: str, url: str, kind: str, seconds: float, warm: float) -> Run | None:
    """Measure one candidate in a process of its own; nothing when it is not installed."""
    if name == "Node's fetch":
        body, headers = attach_body(kind).decode(), json.dumps(HEADERS)
        given = [url, body, headers, str(seconds), str(warm), str(IN_FLIGHT)]
        script = ["node", "--input-type=module", "-e", NODE, "--", *given]
    else:
        script = [sys.executable, "-m", __spec__.name, "--child", name, url, kind, str(seconds), str(warm)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if not done.stdout:
        raise RuntimeError(f"{name}: {done.stderr.strip()}")
    rate, cpu, *_ = json.loads(done.stdout)
    return Run(rate, cpu, crashed=done.returncode != 0)


def run_child(name: str, url: str, kind: str, seconds: str, warm: str) -> None:
    """Measure one candidate in this process, on the event loop of its name."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if name.endswith(", uvloop") else None) as runner:
        print(json.dumps(runner.run(measure(name, url, attach_body(kind), float(seconds), float(warm)))))


def table(results: dict[str, list[Run]]) -> None:
    """Print the medians, the fastest last."""
    median = {
        name: (statistics.median(run.rate for run in runs), statistics.median(run.cpu for run in runs))
        for name, runs in results.items()
    }
    base = median.get("Node's fetch")
    print(f"  {'client':<30}{'requests/s':>12}{'CPU µs each':>13}{'rate x Node':>13}{'CPU x Node':>12}")
    for name, (rate, cpu) in sorted(median.items(), key=lambda item: item[1]):
        ratios = f"{rate / base[0]:>13.2f}{cpu / base[1]:>12.2f}" if base else ""
        crashes = sum(run.crashed for run in results[name])
        note = f"  crashed at exit: {crashes} of {len(results[name])}" if crashes else ""
        print(f"  {name:<30}{rate:>12,.0f}{cpu:>13.0f}{ratios}{note}")


def main() -> None:
    """Start the server, let the candidates take turns, print a table for each body."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--warm", type=float, default=3.0, help="seconds before it counts: engines get faster")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[*CANDIDATES, "Node's fetch"])
    parser.add_argument("--one-core", action="store_true", help="each client on the first core, the server on the last")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    if options.child:
        return run_child(*options.child)
    cores = sorted(os.sched_getaffinity(0))
    names = [name for name in options.only if name != "Node's fetch" or shutil.which("node")]
    server = subprocess.Popen([sys.executable, "-m", __spec__.name, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        if options.one_core:  # the clients inherit it, Node and every thread of theirs
            os.sched_setaffinity(server.pid, cores[-1:])
            os.sched_setaffinity(0, cores[:1])
        compare(names, f"http://127.0.0.1:{int(server.stdout.readline())}/v2/device/attach", options)
    finally:
        server.kill()
        server.wait()
    return None


def compare(names: list[str], url: str, options: argparse.Namespace) -> None:
    """Run every candidate with both bodies, in turns."""
    for kind in ("plain", "signals"):
        results: dict[str, list[Run]] = {}
        for _ in range(options.rounds):
            for name in names:
                if (result := run(name, url, kind, options.seconds, options.warm)) is not None:
                    results.setdefault(name, []).append(result)
        print(f"\n{kind}: {len(attach_body(kind)):,} bytes, {IN_FLIGHT} in flight, median of {options.rounds}")
        table(results)


if __name__ == "__main__":
    main()
