"""A Rupt that costs next to nothing: one epoll loop that answers every request with the same 200.

`python -m tests.bench.serve_target` prints its port. `GET /count` tells how many requests it has answered with 200;
after `GET /faults/0.01` every hundredth gets 500 or 429 instead. It ends with its process.
"""

import select
import socket
from typing import Final

from tests.bench.transport_bench import ANSWER

_HEAD: Final = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
_FINE: Final = _HEAD % (b"200 OK", len(ANSWER), ANSWER)
_FAULTS: Final = (
    _HEAD % (b"500 Internal Server Error", 2, b"{}"),
    _HEAD % (b"429 Too Many Requests\r\nRetry-After: 1", 2, b"{}"),
)


class Target:
    """Answers on a listening socket, for ever."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener, self._faults = listener, 0.0
        self._poll = select.epoll()
        self._poll.register(listener.fileno(), select.EPOLLIN)
        self._peers: dict[int, socket.socket] = {}
        self._rests: dict[int, bytes] = {}
        self.count = 0
        self._spoiled, self._owed = 0, 0.0

    def run(self) -> None:
        """Serve until the process ends."""
        own, peers, take = self._listener.fileno(), self._peers, self._take
        while True:
            for number, _ in self._poll.poll():
                if number == own:
                    self._greet()
                else:
                    take(number, peers[number])

    def _greet(self) -> None:
        peer, _ = self._listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peers[peer.fileno()], self._rests[peer.fileno()] = peer, b""
        self._poll.register(peer.fileno(), select.EPOLLIN)

    def _take(self, number: int, peer: socket.socket) -> None:
        try:
            chunk = peer.recv(65536)
        except ConnectionError:
            chunk = b""
        if not chunk:
            self._poll.unregister(number)
            del self._rests[number]
            self._peers.pop(number).close()
            return
        rest = self._rests[number]
        data = rest + chunk if rest else chunk
        while (end := _end(data)) <= len(data) and data:
            self._answer(peer, data)
            data = data[end:]
        self._rests[number] = data

    def _answer(self, peer: socket.socket, data: bytes) -> None:
        if data.startswith(b"GET"):
            path = data.split(b" ", 2)[1]
            if path.startswith(b"/faults/"):
                self._faults = float(path.removeprefix(b"/faults/"))
            text = b"%d" % self.count
            peer.sendall(_HEAD % (b"200 OK", len(text), text))
            return
        self._owed += self._faults
        if self._owed >= 1:
            self._owed -= 1
            self._spoiled += 1
            peer.sendall(_FAULTS[self._spoiled % 2])
            return
        self.count += 1
        peer.sendall(_FINE)


def _end(data: bytes) -> int:
    """Say where the first request ends, which may be beyond what has come."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return len(data) + 1
    start = data.find(b"ontent-", 0, head)  # the header's name as aiohttp and Node write it, in either case
    while start >= 0 and data[start + 7 : start + 13].lower() != b"length":
        start = data.find(b"ontent-", start + 7, head)
    if start < 0:
        return head + 4
    return head + 4 + int(data[start + 14 : data.find(b"\r", start)])


def main() -> None:
    """Listen on a free port and print it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    Target(listener).run()


if __name__ == "__main__":
    main()
