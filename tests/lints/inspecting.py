"""Destinations as the tests of the warnings write them, and what is found in those."""

import json
from pathlib import Path

from connector.destination import Destination, load
from connector.errors import Problem
from connector.lints import inspect, without_allowed

HEAD = "destination: rupt\nsettings: {client_id: client-1, new_account_url: https://h.example/}\nmappings:\n"
TESTS = "    tests: [{event: {type: alias, userId: u, previousId: v}, expect_filtered: true}]\n"


def mapping(trigger: str, fields: str = "account: $.userId", *, name: str = "Mine", action: str = "attach") -> str:
    """Write a mapping; its fields stand between braces, its trigger in double quotes of YAML."""
    lines = [f"name: {name}", f"action: {action}", f"trigger: {json.dumps(trigger)}", f"fields: {{{fields}}}"]
    return f"  - {lines[0]}\n" + "".join(f"    {line}\n" for line in lines[1:])


def destination_of(folder: Path, *mappings: str) -> Destination:
    """Load a destination file with these mappings."""
    file = folder / "rupt.yaml"
    file.write_text(HEAD + "".join(mappings), encoding="utf-8")
    return load(file, {})


def found_in(folder: Path, *mappings: str, notes: bool = False) -> list[Problem]:
    """List the warnings of a destination with these mappings, as `check` does."""
    destination = destination_of(folder, *mappings)
    problems = without_allowed(destination, inspect(destination))
    return [problem for problem in problems if notes or problem.severity == "warning"]


def shown_by(problem: Problem, folder: Path) -> str:
    """Give the text of the file that a problem's carets are under."""
    line = (folder / "rupt.yaml").read_text(encoding="utf-8").splitlines()[problem.line - 1]
    return line[problem.column - 1 : problem.column - 1 + problem.width]


def fixed(problem: Problem, folder: Path) -> str:
    """Give the file as it is after a problem's fix."""
    text = (folder / "rupt.yaml").read_text(encoding="utf-8")
    assert problem.fix is not None
    for edit in sorted(problem.fix.edits, key=lambda edit: -edit.start):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
