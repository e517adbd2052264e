"""`plan` beside one `replay --dry-run` of the same recording: whole processes in turn, CPU seconds, medians and ratios.

`python -m tests.bench.plan_bench` makes its own recordings in a temporary folder: mixed events of 700 bytes, all of
which one of five mappings takes. Three edits: none, one field of one of the five mappings, and all that there is. Then
the peak memory over a short and a long recording. It judges nothing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.bench.replay_bench import FIELDS, Run, fallback, spread, write_events

TRIGGERS = {
    "Pages": 'type = "page"',
    "Screens": 'type = "screen"',
    "Identifies": 'type = "identify"',
    "Signed Up": 'type = "track" and event = "Signed Up"',
    "Other tracks": 'type = "track" and event != "Signed Up"',
}


def destination() -> dict[str, Any]:
    """Write five mappings that take almost all events."""
    return {
        "destination": "rupt",
        "settings": {"client_id": "bench", "new_account_url": "https://app.example.com/", "max_event_age": "none"},
        "mappings": [
            {"name": name, "action": "attach", "trigger": trigger, "fields": deepcopy(FIELDS)}
            for name, trigger in TRIGGERS.items()
        ],
    }


def one_field() -> dict[str, Any]:
    """Edit a field of one mapping, so that some of its payloads change."""
    edited = destination()
    edited["mappings"][4]["fields"]["metadata"]["plan"] = {"@path": "$.properties.plan"}
    return edited


def five_fields() -> dict[str, Any]:
    """Edit the same field of all mappings."""
    edited = destination()
    for mapping in edited["mappings"]:
        mapping["fields"]["metadata"]["plan"] = {"@path": "$.properties.plan"}
    return edited


def everything() -> dict[str, Any]:
    """Edit every trigger, every field of every mapping, and a setting that every request tells of."""
    edited = destination()
    edited["settings"]["logout_url"] = "https://app.example.com/logout"
    for mapping in edited["mappings"]:
        mapping["trigger"] += ' and userId != "user-1"'
        mapping["fields"] = {
            "account": {"@template": "{{userId}}-a"},
            "email": fallback("$.traits.email", "$.context.traits.email"),
            "phone": {"@path": "$.context.traits.phone"},
            "metadata": {"plan": {"@path": "$.properties.plan"}, "title": {"@path": "$.name"}},
            "include_page": False,
        }
    return edited


EDITS = {
    "identical": destination,
    "one field of one mapping": one_field,
    "one field of each of five mappings": five_fields,
    "everything edited": everything,
}


def run(*words: str | Path, folder: Path) -> Run:
    """Run the installed command to its end, and ask the operating system what it took; plan may end with 5."""
    installed = Path(sysconfig.get_path("scripts")) / "rupt-connector"
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "connector"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [*start, *map(str, words)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 5):
        sys.exit(f"exit code {process.returncode}: {' '.join(command)}")
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(folder: Path, recording: Path, turns: int) -> None:
    """Run the dry run and the three plans in turn; print CPU seconds, and ratios turn by turn."""
    old = folder / "old.yaml"
    old.write_text(json.dumps(destination()), encoding="utf-8")  # JSON is YAML
    plans = {}
    for number, (name, make) in enumerate(EDITS.items()):
        plans[name] = folder / f"new-{number}.yaml"
        plans[name].write_text(json.dumps(make()), encoding="utf-8")
    taken: list[dict[str, float]] = []
    for number in range(turns + 1):
        turn = {"dry run": run("replay", "--dry-run", "--config", old, recording, folder=folder).cpu}
        turn |= {n: run("plan", "--from", old, "--to", new, recording, folder=folder).cpu for n, new in plans.items()}
        if number:  # the first turn warms the caches up
            taken.append(turn)
    print(f"{turns} turns                                  CPU s   min median    max   times the dry run")
    for name in taken[0]:
        ratio = statistics.median(turn[name] / turn["dry run"] for turn in taken)
        print(f"  {name:<36}      {spread([turn[name] for turn in taken])}   {ratio:.2f}", flush=True)


def main() -> None:
    """Make the data, run everything, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--longest", type=int, default=1_000_000, help="events of the longest file, for memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = folder / "events.ndjson"
        write_events(recording, options.events)
        size = recording.stat().st_size / options.events
        print(f"{options.events:,} events of {size:.0f} bytes, Python {sys.version}", flush=True)
        compare(folder, recording, options.runs)
        print("\npeak memory and CPU of a plan in which one field of each mapping was edited")
        for count in dict.fromkeys((options.events, options.longest)):
            write_events(recording, count)
            new = folder / f"new-{list(EDITS).index('one field of each of five mappings')}.yaml"
            done = run("plan", "--from", folder / "old.yaml", "--to", new, recording, folder=folder)
            print(f"  {count:>9,} events {done.memory:6.0f} MB {done.cpu:8.1f} s", flush=True)


if __name__ == "__main__":
    main()
