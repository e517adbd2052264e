"""A dry-run replay beside Segment's own runtime: whole processes, in turn, over one file of 100,000 mixed events.

`python -m tests.bench.replay_bench` (or `make bench`) needs Node 18 or later and npm. It makes its own data and its own
npm folder in a temporary directory. It prints CPU seconds (user and system) as the operating system counts them, the
ratios pair by pair, and the peak memory over files of growing length. It judges nothing.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PACKAGES = ("@segment/actions-core@3.170.0", "@segment/destination-subscriptions@3.37.0", "liquidjs@10.27.2")
NAMES = ["Order Completed", "Signed Up", "Trial Started", "Product Viewed", "Button Clicked"]


class Run(NamedTuple):
    """One finished process: CPU seconds and peak memory in MB."""

    cpu: float
    memory: float


def make_event(number: int, dice: random.Random) -> dict[str, object]:
    """Make one realistic event of some 700 bytes; four in ten are pages."""
    kind = dice.choices(["page", "track", "identify", "group", "screen"], [40, 40, 12, 4, 4])[0]
    user = f"user-{dice.randrange(5000)}"
    event: dict[str, object] = {
        "type": kind,
        "messageId": f"ajs-next-{1795235293571 + number}-{dice.getrandbits(64):016x}",
        "timestamp": "2026-11-21T04:28:13.571Z",
        "originalTimestamp": "2026-11-21T04:28:13.500Z",
        "anonymousId": f"54bbee5b-5e73-4d73-878e-{dice.getrandbits(48):012x}",
        "userId": user,
        "integrations": {},
        "context": {
            "ip": "203.0.113.7",
            "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)",
            "locale": "en-US",
            "timezone": "Europe/Paris",
            "traits": {"email": f"{user}@example.com", "phone": "+14155550100", "plan": dice.choice(["free", "pro"])},
            "page": {"path": "/home", "url": "https://app.example.com/home?q=1", "title": "Home", "search": "?q=1"},
            "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
        },
    }
    if kind in ("page", "screen"):
        event |= {"name": "Home", "properties": {"path": "/home", "title": "Home page", "category": "docs"}}
    if kind == "track":
        event |= {"event": dice.choice(NAMES), "properties": {"revenue": 9.5, "plan": "pro"}}
    if kind in ("identify", "group"):
        event["traits"] = {"email": f"{user}@example.com", "plan": "pro"}
    if kind == "group":
        event["groupId"] = "team-7"
    return event


def write_events(path: Path, count: int) -> None:
    """Write a recording of `count` events, the same each time."""
    dice = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(make_event(number, dice), separators=(",", ":")) + "\n")


def fallback(first: str, second: str) -> dict[str, object]:
    """Write the @if of Segment's own preset: the first path, else the second."""
    return {"@if": {"exists": {"@path": first}, "then": {"@path": first}, "else": {"@path": second}}}


FIELDS: dict[str, object] = {
    "account": {"@path": "$.userId"},
    "email": fallback("$.context.traits.email", "$.properties.email"),
    "phone": fallback("$.context.traits.phone", "$.properties.phone"),
    "metadata": {"plan": {"@path": "$.context.traits.plan"}, "title": {"@template": "{{properties.title}} ({{name}})"}},
    "include_page": True,
}


def triggers(mappings: int) -> list[str]:
    """Name the triggers: one for pages, which four in ten events match, the others for tracks that do not come."""
    return ['type = "page"'] + [f'type = "track" and event = "Event {number}"' for number in range(1, mappings)]


def write_config(folder: Path, mappings: int) -> tuple[Path, Path]:
    """Write the same mappings for both: a destination file, and Segment's subscriptions."""
    entries = [(f"Mapping {number}", trigger) for number, trigger in enumerate(triggers(mappings))]
    config = {
        "destination": "rupt",
        "settings": {
            "client_id": "bench",
            "new_account_url": "https://app.example.com/sign-up",
            "max_event_age": "none",
        },
        "mappings": [
            {"name": name, "action": "attach", "trigger": trigger, "fields": FIELDS} for name, trigger in entries
        ],
    }
    subscriptions = [
        {"name": name, "partnerAction": "attach", "enabled": True, "subscribe": trigger, "mapping": FIELDS}
        for name, trigger in entries
    ]
    ours, theirs = folder / f"rupt-{mappings}.yaml", folder / f"subscriptions-{mappings}.json"
    ours.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    theirs.write_text(json.dumps(subscriptions), encoding="utf-8")
    return ours, theirs


def measure(command: list[str], *, folder: Path) -> Run:
    """Run a command to its end, its output thrown away, and ask the operating system what it took."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"exit code {process.returncode}: {' '.join(command)}")
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def command_of_ours(config: Path, events: Path) -> list[str]:
    """Give the installed command, as a user runs it."""
    installed = Path(sysconfig.get_path("scripts")) / "rupt-connector"
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "connector"]
    return [*start, "replay", "--dry-run", "--json", "--config", str(config), str(events)]


def spread(values: list[float]) -> str:
    """Print minimum, median and maximum."""
    return f"{min(values):6.2f} {statistics.median(values):6.2f} {max(values):6.2f}"


def compare(mappings: int, folder: Path, events: Path, runs: int, say: Callable[[str], None]) -> None:
    """Run Segment's runtime with and without printing rows, and ours, in turn; print CPU seconds and ratios by turn."""
    ours, theirs = write_config(folder, mappings)
    script = ["node", str(folder / "actions_core.cjs"), str(events), str(theirs)]
    turns = []
    for number in range(runs + 1):
        turn = [
            measure(command, folder=folder).cpu
            for command in (script, [*script, "rows"], command_of_ours(ours, events))
        ]
        if number:  # the first turn warms the caches up
            turns.append(turn)
    say(f"\n{mappings} mapping{'s' if mappings > 1 else ''}, {runs} turns                            min median    max")
    say(f"  actions-core onEvent, CPU s                   {spread([quiet for quiet, _, _ in turns])}")
    say(f"  the same, printing a row of JSON each, CPU s  {spread([rows for _, rows, _ in turns])}")
    say(f"  replay --dry-run --json, CPU s                {spread([connector for _, _, connector in turns])}")
    say(f"  times as fast as onEvent                      {spread([quiet / mine for quiet, _, mine in turns])}")
    say(f"  times as fast as onEvent with rows            {spread([rows / mine for _, rows, mine in turns])}")


def main() -> None:
    """Make the data, run everything, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--longest", type=int, default=1_000_000, help="events of the longest file for memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = folder / "events.ndjson"
        write_events(events, options.events)
        size = events.stat().st_size / options.events
        print(f"{options.events:,} events of {size:.0f} bytes, Python {sys.version}", flush=True)
        if shutil.which("npm") is None:
            print("no npm here: only memory is measured")
        else:
            shutil.copy(HERE / "actions_core.cjs", folder)
            subprocess.run(["npm", "install", "--silent", "--no-fund", *PACKAGES], cwd=folder, check=True)
            for mappings in (1, 50):
                compare(mappings, folder, events, options.runs, lambda line: print(line, flush=True))
        print("\npeak memory, MB")
        config, _ = write_config(folder, 50)
        for count in (options.events, options.longest):
            write_events(events, count)
            run = measure(command_of_ours(config, events), folder=folder)
            print(f"  {count:>9,} events {run.memory:6.0f}", flush=True)


if __name__ == "__main__":
    main()
