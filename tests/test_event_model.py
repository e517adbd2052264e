"""The event schema is the one definition of an event: what else names types and fields of events agrees with it."""

from pathlib import Path
from typing import Any

import pytest

from connector.destination import load
from connector.event_model import event_model
from connector.events import EVENT_TYPES
from connector.language.triggers.fields import FIELDS, IN_CONTEXT
from connector.lints import inspect
from connector.lints.satisfying import FIELD_TYPES, TYPES
from connector.schemas import load_schema
from tests.cli.command import write_config

ROOT = event_model().root
FREE = ("version",)  # a number or a text


def test_the_types_are_those_that_are_taken_in() -> None:
    """The schema, what decodes events and the lints know the same types."""
    assert event_model().types == EVENT_TYPES == frozenset(TYPES)


def test_a_trigger_can_name_the_fields_of_the_schema() -> None:
    """A trigger knows the fields of an event, and what each holds."""
    assert set(FIELDS) == set(ROOT.inner)
    for name, kind in FIELDS.items():
        place = ROOT.inner[name]
        assert place.is_text == (kind == "text"), name
        assert ("object" in place.types) == (kind == "object"), name
    assert [name for name, kind in FIELDS.items() if kind == "any"] == [*FREE]


def test_a_trigger_knows_keys_of_the_context() -> None:
    """What a trigger looks for in the context is there, and nowhere at the root."""
    assert set(ROOT.inner["context"].inner) - set(ROOT.inner) > IN_CONTEXT


def test_the_schema_tells_which_events_have_a_field() -> None:
    """Fields of some events alone say so; the lints take it from there."""
    assert {name: place.events for name, place in ROOT.inner.items() if place.events} == {
        "event": ("track",),
        "name": ("page", "screen"),
        "category": ("page", "screen"),
        "groupId": ("group",),
        "previousId": ("alias",),
        "properties": ("page", "screen", "track"),
        "traits": ("group", "identify"),
    }
    assert set(FIELD_TYPES) == {"event", "name", "category", "groupId", "previousId"}


def test_every_event_that_needs_a_field_has_it() -> None:
    """What events of a type must have is what the specification demands."""
    needs = {(keys, name) for types, keys in event_model().needs for name in types}
    assert needs == {
        (("event",), "track"),
        (("groupId",), "group"),
        (("previousId",), "alias"),
        (("userId",), "alias"),
        (("userId",), "delete"),
    }
    assert event_model().either == ((("userId",), ("anonymousId",)),)


def test_places_are_found_by_their_path() -> None:
    """A place that the schema names is found, one that it does not name is not."""
    email, screen = event_model().at(("context", "traits", "email")), event_model().at(("context", "screen"))
    assert email is None
    assert screen is not None
    assert screen.types == ("object", "null")
    assert event_model().at(()) == ROOT
    campaign = event_model().at(("context", "campaign"))
    assert campaign is not None
    assert "source" in campaign.inner


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("context.campaign.sorce", "context.campaign.source"),
        ("context.network.wifi", ""),
        ("context.sesionId", "context.sessionId"),
        ("context.device.adTrackingEnabld", "context.device.adTrackingEnabled"),
        ("projectid", "projectId"),
    ],
)
def test_the_lints_know_the_keys_of_the_schema(path: str, meant: str, tmp_path: Path) -> None:
    """A path that misses a key of the schema by a letter is told, with the path that was meant."""
    mapping = f"{{name: A, action: attach, trigger: 'type = \"page\"', fields: {{account: x, email: $.{path}}}}}"
    found = [each for each in inspect(load(write_config(tmp_path, mapping), {})) if each.code == "unknown_path"]
    assert [each.help for each in found] == ([f"did you mean $.{meant}?"] if meant else [])


def test_every_key_is_explained() -> None:
    """Each key of the schema has a title and a sentence, which editors show."""
    schema: Any = load_schema("event")
    waiting, seen = [schema, schema["$defs"]["context"]], 0
    while waiting:
        for inner in waiting.pop().get("properties", {}).values():
            assert inner["title"], inner
            assert inner["description"].endswith("."), inner
            seen += 1
            waiting.append(inner)
    assert seen > 60
