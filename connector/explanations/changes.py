"""What was done to a value between two stages: removed, converted, left out, each with its place in the value."""

from collections.abc import Iterator

from connector.errors import Path
from connector.explanations.model import Change
from connector.values import JSON, type_name


def changes(before: JSON, after: JSON, path: Path = ()) -> Iterator[Change]:
    """Compare a value with what became of it; keys that came to it are no change of what was there."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from changes(value, after[key], (*path, key)) if key in after else [_lost(value, (*path, key))]
    elif isinstance(before, list) and isinstance(after, list):
        yield from _changed_items(before, after, path)
    elif type_name(before) != type_name(after) or before != after:
        yield Change("converted", path, before, after)  # type: ignore[arg-type]  # JSON is a Value; dicts are invariant


def _changed_items(before: list[JSON], after: list[JSON], path: Path) -> Iterator[Change]:
    """Compare lists of which only empty items may be gone."""
    at = 0
    for number, item in enumerate(before):
        missing = len(before) - number - (len(after) - at)
        if missing > 0 and (item is None or item == "" or at >= len(after)):
            yield _lost(item, (*path, number))
        elif at < len(after):
            yield from changes(item, after[at], (*path, number))
            at += 1


def _lost(value: JSON, path: Path) -> Change:
    is_empty = value is None or value == ""
    return Change("removed" if is_empty else "left_out", path, value)  # type: ignore[arg-type]  # as above
