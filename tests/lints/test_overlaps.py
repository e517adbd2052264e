"""Mappings that send the same twice."""

from pathlib import Path

import pytest

from tests.lints.inspecting import found_in, mapping, shown_by


@pytest.mark.parametrize(
    ("first", "second", "at"),
    [
        ('type = "page"', 'type = "page"', "B"),
        ('type = "page" or type = "screen"', 'type in ["screen", "page"]', "B"),
        ('type = "page"', 'type = "page" and name = "x"', "B"),
        ('type = "page" and name = "x"', 'type = "page"', "A"),
    ],
)
def test_the_same_twice(first: str, second: str, at: str, tmp_path: Path) -> None:
    """Two mappings with equal fields are a warning when one takes all that the other takes, however it is spelled."""
    mappings = mapping(first, name="A"), mapping(second, name="B")
    (problem,) = [one for one in found_in(tmp_path, *mappings) if one.code == "duplicate_mapping"]
    assert shown_by(problem, tmp_path) == at


@pytest.mark.parametrize(
    ("second", "fields", "more"),
    [
        ('type = "screen"', "account: $.userId", ""),
        ('type = "page"', "account: $.anonymousId", ""),
        ('type = "page"', "account: $.userId, email: x", ""),
        ('type = "page"', "account: $.userId", "    enabled: false\n"),
    ],
)
def test_what_is_not_sent_twice(second: str, fields: str, more: str, tmp_path: Path) -> None:
    """Other events, other fields, or a mapping that is switched off make no pair."""
    mappings = mapping('type = "page"', name="A"), mapping(second, fields, name="B") + more
    assert [problem.code for problem in found_in(tmp_path, *mappings)] == []
