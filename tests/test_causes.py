"""Causes: what a reason or a problem is called, which field it is about, and which jobs are one cluster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from connector.actions import ACTIONS
from connector.cause_clusters import Clusters
from connector.causes import ENUM, REQUIRED, TYPE, Finding, find, place_of, titles
from connector.destination import Destination, load
from connector.schemas import checker, flat_schema
from connector.values import JSON

FILE = """\
destination: rupt
settings:
  client_id: client-1
  new_account_url: https://app.example.com/sign-up
  max_event_age: 24h
mappings:
  - name: Attach Device
    action: attach
    trigger: type = "page"
    fields:
      account: $.userId
      email: {"@if": {exists: $.a, then: $.a, else: $.b}}
      groups:
        id: $.context.groupId
      metadata: $.traits
  - preset: attach-on-identify
"""


@pytest.fixture
def destination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Destination:
    """Give a destination file that is loaded from the folder it is in."""
    (tmp_path / "rupt.yaml").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return load("rupt.yaml", {})


PAYLOADS: list[tuple[str, dict[str, JSON], list[tuple[str, str]]]] = [
    ("attach", {}, [("required", "account")]),
    ("detach", {"account": "a"}, [("required", "device")]),
    ("attach", {"account": {}, "email": ["a", "b"]}, [("type", "account"), ("type", "email")]),
    ("attach", {"account": "a", "tolerance": "hard"}, [("enum", "tolerance")]),
    ("attach", {"account": "a", "limit_config": {"people_limit": "x"}}, [("type", "limit_config.people_limit")]),
    ("attach", {"account": "a", "groups": {"id": {}}}, [("type", "groups.id")]),
    ("attach", {"account": "a", "groups": [{"id": {}}, {"id": []}]}, [("type", "groups.id")]),
    ("attach", {"account": "a", "groups": ["x"]}, [("type", "groups")]),
    ("update_user", {"account": "a", "groups": [{"metadata": 1}]}, [("type", "groups.metadata")]),
]


@pytest.mark.parametrize(("action", "payload", "expected"), PAYLOADS)
def test_a_sentence_leads_back_to_its_field(
    action: str, payload: dict[str, JSON], expected: list[tuple[str, str]]
) -> None:
    """Each sentence of a check is led back, by the schema's titles and places, to the field it is about."""
    found = find("invalid", "", checker(action).check(payload).problems, action)
    assert [(one.code, one.field) for one in found] == expected


Schema: TypeAlias = dict[str, Any]
Broken: TypeAlias = tuple[JSON, list[tuple[str, str]]]  # a value, and what a check has to say of it: code and field


def filled(schema: Schema) -> JSON:
    """Make a value that a schema takes, with no more in it than is required."""
    samples: dict[str, JSON] = {"string": "x", "number": 1, "boolean": True, "array": []}
    if schema["type"][0] == "object":
        return {name: filled(schema["properties"][name]) for name in schema.get("required", ())}
    return schema["enum"][0] if "enum" in schema else samples[schema["type"][0]]


def broken(schema: Schema, field: str = "") -> Iterator[Broken]:
    """Break each rule of a schema and of all that is in it, one at a time."""
    if field:
        is_enum = [("enum", field)] if "enum" in schema else []
        yield "what" if "object" in schema["type"] else {}, [("type", field), *is_enum]
    if "enum" in schema:
        yield "what", [("enum", field)]
    if required := schema.get("required"):
        yield {}, [("required", ".".join(filter(None, (field, name)))) for name in required]
    whole = filled(schema) if "properties" in schema else {}
    assert isinstance(whole, dict)
    for name, inner in schema.get("properties", {}).items():
        for value, expected in broken(inner, f"{field}.{name}" if field else name):
            yield {**whole, name: value}, expected
    if "items" in schema:
        for value, expected in broken(schema["items"], field):
            yield [value], expected
            yield [filled(schema["items"]), value, value], expected


def every_sentence() -> Iterator[tuple[str, JSON, list[tuple[str, str]]]]:
    """List the payloads that break one rule of an action."""
    for action in ACTIONS:
        yield from ((action, *one) for one in broken(flat_schema(action)))


@pytest.mark.parametrize(("action", "payload", "expected"), list(every_sentence()))
def test_every_sentence_of_a_check_is_read_back(
    action: str, payload: dict[str, JSON], expected: list[tuple[str, str]]
) -> None:
    """Whatever rule of a schema is broken, however deep, its sentence gives the code and the field."""
    problems = checker(action).check(payload).problems
    assert problems
    assert [(one.code, one.field) for one in find("invalid", "", problems, action)] == expected


def test_every_rule_is_broken_somewhere() -> None:
    """The payloads above break every kind of rule, and name every field that a sentence can name."""
    told = [(action, *one) for action, _, expected in every_sentence() for one in expected]
    assert {code for _, code, _ in told} == {REQUIRED, TYPE, ENUM}
    for action in ACTIONS:
        assert {field for one, _, field in told if one == action} >= set(titles(action).values())


@pytest.mark.parametrize("action", ["attach", "detach", "update_user"])
def test_every_title_names_one_field(action: str) -> None:
    """No two fields of an action have the same title, so that a sentence tells the field."""
    assert "" not in titles(action).values()


@pytest.mark.parametrize(
    ("reason", "code", "field"),
    [
        ("400 bad request: user is required and is a text", "400", "account"),
        ("400 bad request: the value of email is no address", "400", "email"),
        ("400 bad request: 'page' is too long", "400", "page"),
        ("400 bad request: this user has no page", "400", ""),
        ("400 bad request: groups[0].id is no text", "400", "groups.id"),
        ("400 bad request: neither email nor phone can be reached", "400", ""),
        ("400 bad request: [email] is no address", "400", ""),
        ("400 bad request: no user-email", "400", ""),
        ("404 not found: there is no such email", "404", ""),
        ("200 success is false: phone is blocked", "200", "phone"),
        ("503 unavailable: email is down; gave up after 10 attempts", "503", ""),
        ("timeout: no answer in time; gave up after 10 attempts", "timeout", ""),
        ("gave up after 10 attempts: in doubt, it may have landed", "gave_up", ""),
        ("internal error: KeyError", "internal_error", ""),
        ("401 no valid client id: check settings.client_id", "401", "settings.client_id"),
        ("in doubt, it may have landed: timeout: no answer in time", "in_doubt", ""),
        ("mapping_gone: no mapping of the destination file has this name any more", "mapping_gone", ""),
        ("stale: the event is older than max_event_age", "stale", "settings.max_event_age"),
        ("account_not_addressable: the account id cannot stand in a URL", "account_not_addressable", "account"),
        ("dropped by hand", "dropped", ""),
        ("what nobody knows", "other", ""),
    ],
)
def test_a_reason_has_a_name_and_perhaps_a_field(reason: str, code: str, field: str) -> None:
    """A reason is called as in metrics and logs; Rupt's words name a field when they name exactly one."""
    (found,) = find("dead", reason, (), "attach")
    assert (found.code, found.field, found.sentence) == (code, field, reason)


def test_what_cannot_be_resolved_or_read() -> None:
    """A mapping that cannot be resolved is a cause of its own, and so is a stored text that is no event."""
    assert find("invalid", "", ("@transform works on an object",), "attach") == (
        Finding("resolve", "", "@transform works on an object"),
    )
    assert find("invalid", "", ("no_user_id: userId is missing",), "attach")[0].code == "no_user_id"


def test_a_sentence_names_nobody() -> None:
    """What could name a person is taken out of a sentence, whoever wrote it."""
    (found,) = find("invalid", "", ("the date 'ada@example.com' is none",), "attach")
    assert found.sentence == "the date '[email]' is none"


def test_without_its_action_a_field_is_not_told() -> None:
    """A job whose mapping is not known has a code, but no field that only the schema could tell."""
    assert find("invalid", "", ("Email must be a string but it was an object.",), None)[0].field == ""


@pytest.mark.parametrize(
    ("mapping", "field", "place"),
    [
        ("Attach Device", "email", "rupt.yaml:12:7"),
        ("Attach Device", "groups.id", "rupt.yaml:14:13"),
        ("Attach Device", "groups.name", "rupt.yaml:13:7"),
        ("Attach Device", "metadata", "rupt.yaml:15:17"),
        ("Attach Device", "phone", "rupt.yaml:10:5"),
        ("Attach Device", "", "rupt.yaml:7:5"),
        ("Attach Device", "settings.max_event_age", "rupt.yaml:5:18"),
        ("Gone", "email", "-"),
    ],
)
def test_where_a_field_stands(mapping: str, field: str, place: str, destination: Destination) -> None:
    """A place is that of the field's value, or of what is nearest above it; nothing stands anywhere when it is gone."""
    found = {one.name: one for one in destination.mappings}
    assert place_of(destination, found.get(mapping), field) == place


def test_a_field_of_a_preset_stands_in_the_preset(destination: Destination) -> None:
    """A value that comes from a preset stands in the preset's file."""
    assert "attach-on-identify.yaml:" in place_of(destination, destination.mappings[1], "account")


def test_clusters_are_told_by_code_and_field(destination: Destination) -> None:
    """Of one mapping and state, sentences about the same field are one cluster, and numbers in words make no other."""
    clusters = Clusters(destination)
    for kind in ("object", "array"):
        clusters.of("Attach Device", "invalid", "", (f"Email must be a string but it was an {kind}.",)).add(
            1, 2, 2, (1,)
        )
    for number in (7, 8):
        clusters.of("Attach Device", "dead", f"404 not found: no thing {number}", ()).add(2, 1, 3, (2, 3))
    clusters.of("Attach Device", "dead", "404 not found: no place", ()).add(1, 5, 5, (4,))
    found = [(one.count, one.key.code, one.key.field, one.first, one.last) for one in clusters.largest()]
    assert found == [(4, "404", "", 1, 3), (2, "type", "email", 2, 2), (1, "404", "", 5, 5)]
    assert clusters.largest()[0].numbers == (2, 3, 2)


def test_the_number_of_clusters_is_bounded() -> None:
    """However many different answers there are, clusters stay few, and no job is lost."""
    clusters = Clusters(None)
    for at in range(20_000):
        word = "".join(chr(97 + int(digit)) for digit in str(at))
        clusters.of("M", "dead", f"400 bad request: {word}", ()).add(1, 0, 0, ())
    assert len(clusters.largest()) == 101
    assert sum(one.count for one in clusters.largest()) == 20_000
    assert clusters.largest()[0].sentences == ("several answers in different words",)


def test_what_is_not_there_is_what_the_path_names() -> None:
    """When Rupt finds nothing at the path of a detach, the field is the device that the path names."""
    assert find("dead", "404: there is no such device", (), "detach")[0].field == "device"
    assert find("dead", "404: there is no such route", (), "attach")[0].field == ""
