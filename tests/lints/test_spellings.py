"""What Segment's own parser reads otherwise: warned of where it takes other events, noted where it takes fewer."""

from pathlib import Path

import pytest

from tests.lints.inspecting import found_in, mapping


@pytest.mark.parametrize(
    ("trigger", "instead"),
    [
        ("type = 'page'", 'type = "page"'),
        ("type = 'page' and contains(name, 'x')", 'type = "page" and contains(name, "x")'),
        ('type = "track" and !(event = "x")', 'type = "track" and event != "x"'),
        ('type = "page" and !(name = null)', 'type = "page" and name != null'),
        ('match(name, "*x*")', 'contains(name, "x")'),
        ('!match(name, "*x*")', '!contains(name, "x")'),
        ('match(name, "abc")', 'name = "abc"'),
        ('match(name, "**")', 'match(name, "*")'),
    ],
)
def test_a_spelling_that_can_be_mended(trigger: str, instead: str, tmp_path: Path) -> None:
    """Where one spelling is right for both, the fix writes it."""
    problem = found_in(tmp_path, mapping(trigger))[0]
    assert problem.code == "segment_reads_otherwise"
    assert problem.fix is not None
    assert problem.fix.title == f"write {instead!r}"


@pytest.mark.parametrize(
    "trigger",
    [
        'type = "track" and (contains(event, "a") or match(event, "b*"))',
        '!(contains(name, "x"))',
        'type = "track" and !(properties.n = 5)',
        'type = "page" and (contains(context.page.path, "/b") or context.page.path = "/a")',
        'match(name, "a?c")',
        'name = "a \\"b\\""',
        "name = 'a \"b\"'",
    ],
)
def test_a_spelling_that_takes_other_events(trigger: str, tmp_path: Path) -> None:
    """Where Segment would take other events and no spelling is right for both, the warning has no fix."""
    problems = found_in(tmp_path, mapping(trigger))
    assert {problem.code for problem in problems} == {"segment_reads_otherwise"}
    assert all(problem.fix is None for problem in problems)


@pytest.mark.parametrize(
    "trigger",
    [
        'type = "track" and event in ["a", "b"]',
        '"a" in properties.tags',
        'properties.tags = ["a"]',
        'lowercase(event) = "a"',
        'type = "track" and (event = "a" or (event = "b" and name = "c") or (name = "d" and (userId = "e")))',
        'type = "page" and anonymousId != null',
        'type = "page" and anonymousId in ["a", "b"]',
        '(type = "page" and category = "docs") or type = "track"',
        'category = "x"',
        'contains(category, "x")',
        'type = "page" and (userId != null or anonymousId != null)',
        'type = "page" and (category = "docs")',
        'type = "page" and (category = "docs" or groupId = "g")',
        '((properties.plan = "free"))',
        '(type = "page" and (userId = "u" or contains(userId, "z")))',
        'type = "page" and userId in ["a", "b"]',
    ],
)
def test_documented_spellings_are_only_noted(trigger: str, tmp_path: Path) -> None:
    """What Segment documents and only its parser lacks is a note: nothing can be written here in its place."""
    codes = {problem.code for problem in found_in(tmp_path, mapping(trigger), notes=True)}
    assert codes - {"never_holds"} == {"segment_cannot_read", "no_tests"}


@pytest.mark.parametrize(
    "trigger",
    [
        'type = "page"',
        '(type = "page" or type = "screen") and name = "x"',
        'type = "track" and contains(event, "it\'s (not) a group") and name != "(" and match(event, "*)")',
        'type = "page" and !contains(name, "x")',
        "properties.a\\ b = 1.50",
        'match(name, "x*") or match(name, "*")',
        'type = "page" and (context.page.path = "/a" or contains(context.page.path, "/b"))',
        'type = "page" and (context.page.path = "/a" or !contains(context.page.path, "/b") )',
        '(contains(context.page.path, "/b"))',
        '(contains(context.page.path, "/b")) and userId = "u"',
    ],
)
def test_what_both_read_alike_is_not_told_of(trigger: str, tmp_path: Path) -> None:
    """What Segment's parser reads as it stands is neither warned of nor noted."""
    codes = {problem.code for problem in found_in(tmp_path, mapping(trigger), notes=True)}
    assert codes & {"segment_reads_otherwise", "segment_cannot_read"} == set()
