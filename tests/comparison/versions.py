"""Two versions of a destination, as tests of the comparison write them."""

from pathlib import Path
from typing import Any

from connector.comparison.edits import Comparison, compare
from connector.comparison.versions import Version
from connector.destination import load
from connector.documents import read_document
from connector.events import Event
from connector.rehearsing.passes import Pass
from connector.rehearsing.tallies import Tally
from tests.cli.command import write_config


def version(folder: Path, name: str, *mappings: str, settings: tuple[str, ...] = ()) -> Version:
    """Write a destination file and load it; events of any age are taken."""
    below = folder / name
    below.mkdir()
    file = write_config(below, *mappings, settings=("max_event_age: none", *settings))
    document = read_document(file.read_bytes(), file=str(file), environment={})
    return Version(load(file, {}), document, f"{folder}/", "")


def compared(folder: Path, old: str | tuple[str, ...], new: str | tuple[str, ...], **settings: Any) -> Comparison:
    """Compare two destinations of one mapping each, or of several."""
    both = [(one,) if isinstance(one, str) else one for one in (old, new)]
    before = version(folder, "old", *both[0], settings=settings.get("before", ()))
    return compare(before, version(folder, "new", *both[1], settings=settings.get("after", ())))


def gone_through(comparison: Comparison, *events: dict[str, Any]) -> Tally:
    """Take events through both versions."""
    work = Pass(comparison, (None, None), say=lambda _: None)
    work.run(
        ("events.jsonl", line, Event(str(event["type"]), str(event["messageId"]), event, b""))
        for line, event in enumerate(events, 1)
    )
    return work.tally


def mapping(trigger: str = 'type = "page"', fields: str = "{account: $.userId}", **more: str) -> str:
    """Write a mapping on a line."""
    rest = "".join(f", {key}: {value}" for key, value in more.items() if key not in ("name", "action"))
    head = f"name: {more.get('name', 'One')}, action: {more.get('action', 'attach')}"
    return f"{{{head}, trigger: '{trigger}', fields: {fields}{rest}}}"
