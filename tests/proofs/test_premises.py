"""What a trigger proves of the events that it lets through."""

import pytest

from connector.language.paths import parse_path
from connector.language.triggers import parse_trigger
from connector.proofs.kinds import words
from connector.proofs.premises import MOST, premises

PROVEN = [
    ('type = "page"', "userId", "missing, null or a text"),
    ('type = "page"', "type", "a text"),
    ('type = "page"', "context.traits.email", "missing, null, a text, true or false, a number, a list or an object"),
    ('type = "page"', "context.page.path", "missing, null or a text"),
    ('type = "track"', "event", "a text"),
    ('type = "group"', "groupId", "a text"),
    ('type = "delete"', "userId", "a text"),
    ("userId != null", "userId", "a text"),
    ("userId = null", "anonymousId", "a text"),
    ("userId = null", "userId", "missing or null"),
    ('context.traits.email = "x"', "context.traits", "an object"),
    ('context.traits.email != "x"', "context.traits", "missing, null or an object"),
    ("properties.total > 7", "properties.total", "a number"),
    ("properties.on = true", "properties.on", "true"),
    ('contains(properties.name, "a")', "properties.name", "a text"),
    ('!(properties.name != "a")', "properties.name", "a text"),
    ('typeof(properties.x) = "list"', "properties.x", "a list"),
    ('"a" in properties.x', "properties.x", "a list"),
    ('!(type = "page" or userId = null)', "userId", "a text"),
    ('userId != null and (type = "page" or type = "screen")', "userId", "a text"),
    ("bool(properties.on) = false", "properties.on", "missing, null, a text, false, 0, a list or an object"),
]


@pytest.mark.parametrize(("trigger", "path", "expected"), PROVEN)
def test_what_a_trigger_proves(trigger: str, path: str, expected: str) -> None:
    """A clause leaves of a path only the kinds for which it can hold."""
    (facts,) = premises(parse_trigger(trigger))
    assert words(facts.at(parse_path(path))) == expected


def test_types_are_known() -> None:
    """The types of the events are those that the trigger leaves."""
    (facts,) = premises(parse_trigger('type in ["page", "screen"] and type != "page"'))
    assert facts.types == {"screen"}


def test_texts_are_known() -> None:
    """A field that is compared with texts has only those."""
    (facts,) = premises(parse_trigger('type = "track" and event in ["A", "B", "C"] and !match(event, "B*")'))
    assert facts.texts["event",] == {"A", "C"}


def test_two_ways_are_two_premises() -> None:
    """Where one part or another holds, each is a case of its own."""
    cases = premises(parse_trigger('userId != null or (type = "track" and context.traits.id != null)'))
    assert [words(facts.at(("context", "traits"))) for facts in cases] == ["missing, null or an object", "an object"]


def test_the_premises_are_few() -> None:
    """Many ways become few cases, of which less is known."""
    text = " or ".join(f"properties.k{number} != null" for number in range(40))
    assert len(premises(parse_trigger(text))) <= MOST


NEVER = ['type = "page" and type = "track"', 'type = "nothing"', 'type = "group" and groupId = ""']


@pytest.mark.parametrize("text", NEVER)
def test_a_trigger_that_never_holds_has_no_premises(text: str) -> None:
    """A trigger that lets nothing through leaves no case."""
    assert premises(parse_trigger(text)) == []
