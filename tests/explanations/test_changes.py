"""Changes between two stages of a value: what was removed, converted and left out, with its place."""

import pytest

from connector.explanations.changes import changes
from connector.values import JSON, MISSING, Value

CASES: list[tuple[JSON, JSON, list[tuple[str, tuple[str | int, ...], Value, Value]]]] = [
    ("a", "a", []),
    (1, 1, []),
    (1, True, [("converted", (), 1, True)]),
    (7, "7", [("converted", (), 7, "7")]),
    (["a"], "a", [("converted", (), ["a"], "a")]),
    ({"a": None, "b": "", "c": 1}, {"c": 1}, [("removed", ("a",), None, MISSING), ("removed", ("b",), "", MISSING)]),
    ({"x": 1}, {}, [("left_out", ("x",), 1, MISSING)]),
    ({"a": {"b": [1, 2]}}, {"a": {"b": ["1", 2]}}, [("converted", ("a", "b", 0), 1, "1")]),
    (
        [None, 1, None, 2],
        ["1", 2],
        [("removed", (0,), None, MISSING), ("converted", (1,), 1, "1"), ("removed", (2,), None, MISSING)],
    ),
    ([1, 2], [1], [("left_out", (1,), 2, MISSING)]),
    ({}, {"new": 1}, []),
]


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_what_was_changed(
    before: JSON, after: JSON, expected: list[tuple[str, tuple[str | int, ...], Value, Value]]
) -> None:
    """Each change is told once, at the innermost value that it concerns."""
    assert [(one.kind, one.path, one.before, one.after) for one in changes(before, after)] == expected
