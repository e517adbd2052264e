"""What a payload becomes, and what is said of one that does not fit, as Segment's runtime has it."""

import base64
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Final

import jsonschema
import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import connector
from connector.schemas import (
    Checker,
    checker,
    field_names,
    label,
    load_schema,
    required_names,
    schemas_folder,
    write_only_names,
)
from connector.values import JSON, dump_json, load_json

ACTIONS: Final = ("attach", "detach", "update_user")
HERE: Final = Path(__file__).parent

REMOVED: Final = object()


def is_same(one: object, other: object) -> bool:
    """Compare as JSON text does: True is not 1, and the order of keys counts."""
    return dump_json(one) == dump_json(other)


def sentences(payload: dict[str, JSON], action: str = "attach") -> list[str]:
    """Check a payload for its problems only."""
    return list(checker(action).check(payload).problems)


# --------------------------------------------------------------------------------------------------------- conformance


def conformance() -> list[dict[str, JSON]]:
    """Read the cases that Segment's published runtime made."""
    lines = (HERE / "payload.jsonl").read_bytes().splitlines()
    return [case for line in lines if isinstance(case := load_json(line), dict)]


def test_every_recorded_case_of_the_published_runtime_agrees() -> None:
    """A payload gives the same result, or the same sentences in the same order, as in Segment's published runtime."""
    cases, different = conformance(), []
    for case in cases:
        assert isinstance(case["payload"], dict)
        checked = checker("attach").check(case["payload"])
        found = {"error": " ".join(checked.problems)} if checked.problems else {"result": checked.payload}
        if not is_same({"payload": case["payload"], **found}, case):
            different.append((case, found))
    assert different == []
    assert len(cases) == 500


# -------------------------------------------------------------------------------------- every type, every kind of value

STRING: Final[list[tuple[JSON, object]]] = [
    ("text", "text"),
    (" ", " "),
    ("", REMOVED),
    (None, REMOVED),
    (0, "0"),
    (42, "42"),
    (-1.5, "-1.5"),
    (2.50, "2.5"),
    (10.0, "10"),
    (1e21, "1e+21"),
    (1e-7, "1e-7"),
    (True, "true"),
    (False, "false"),
    (["x"], "x"),
    ([7], "7"),
    ([True], "true"),
    ([""], ""),
    ([None], ""),
    ([], "Email must be a string but it was an array."),
    (["x", "y"], "Email must be a string but it was an array."),
    ([["x"]], "Email must be a string but it was an array."),
    ([{"a": 1}], "Email must be a string but it was an object."),
    ({}, "Email must be a string but it was an object."),
]

BOOLEAN: Final[list[tuple[JSON, object]]] = [
    (True, True),
    (False, False),
    ("true", True),
    ("false", False),
    (1, True),
    (0, False),
    (1.0, True),
    (-0.0, False),
    (None, REMOVED),
    ("", REMOVED),
    ([True], True),
    (["false"], False),
    ([1], True),
    ([None], False),
    (2, "Include Page must be a boolean but it was a number."),
    ("1", "Include Page must be a boolean but it was a string."),
    ("TRUE", "Include Page must be a boolean but it was a string."),
    ("yes", "Include Page must be a boolean but it was a string."),
    (" ", "Include Page must be a boolean but it was a string."),
    ([""], "Include Page must be a boolean but it was a string."),
    ([], "Include Page must be a boolean but it was an array."),
    ([[True]], "Include Page must be a boolean but it was an array."),
    ({"a": 1}, "Include Page must be a boolean but it was an object."),
]

OBJECT: Final[list[tuple[JSON, object]]] = [
    ({"plan": None, "empty": "", "deep": [None, {"x": ""}]}, {"plan": None, "empty": "", "deep": [None, {"x": ""}]}),
    ({}, {}),
    (None, REMOVED),
    ("", REMOVED),
    ("{}", "Metadata must be an object but it was a string."),
    (5, "Metadata must be an object but it was a number."),
    (False, "Metadata must be an object but it was a boolean."),
    ([], "Metadata must be an object but it was an array."),
    ([{"a": 1}], "Metadata must be an object but it was an array."),
]

CHOICE: Final[list[tuple[JSON, object]]] = [
    ("lenient", "lenient"),
    (["strict"], "strict"),
    ("", REMOVED),
    (None, REMOVED),
    ("Strict", 'Tolerance must be one of: "default", "strict", or "lenient".'),
    (5, 'Tolerance must be one of: "default", "strict", or "lenient".'),
    (
        {"a": 1},
        'Tolerance must be a string but it was an object. Tolerance must be one of: "default", "strict", or "lenient".',
    ),
]

GROUPS: Final[list[tuple[JSON, object]]] = [
    ({"id": "g1", "name": "Acme"}, {"id": "g1", "name": "Acme"}),
    ([{"id": 7}, {"id": ["g2"], "extra": 1}], [{"id": "7"}, {"id": "g2"}]),
    ([], []),
    ({"name": "Acme"}, {"name": "Acme"}),
    ({"id": "", "name": None, "metadata": ""}, {"id": ""}),
    ([None, {"id": "g1", "name": None, "metadata": None}, ""], [{"id": "g1"}]),
    (None, REMOVED),
    ("", REMOVED),
    ("team", "The value at /groups/0 must be an object but it was a string."),
    (["team", 7], "The value at /groups/0 must be an object but it was a string. "
     "The value at /groups/1 must be an object but it was a number."),
    ([[{"id": "g1"}]], "The value at /groups/0 must be an object but it was an array."),
    ({"id": {}}, "Group ID must be a string but it was an object."),
    ([{"id": "g1", "metadata": []}], "Group Metadata must be an object but it was an array."),
]  # fmt: skip


NUMBER: Final[list[tuple[JSON, object]]] = [
    (3, 3),
    (1.5, 1.5),
    (True, 1),
    (False, 0),
    (None, REMOVED),
    ("", REMOVED),
    ([4], 4),
    ([None], 0),
    ("3", 3),
    (" 3\n", 3),
    ("\ufeff3\u00a0", 3),
    ("1e3", 1000),
    ("-.5", -0.5),
    ("5.", 5),
    ("0x10", 16),
    ("0b11", 3),
    ("0o17", 15),
    (" ", 0),
    ("-0", 0),
    ("1e-7", 1e-7),
    ("1e21", 1e21),
    ([1, 2], "Overall Device Limit must be a number but it was an array."),
    ({}, "Overall Device Limit must be a number but it was an object."),
]
NO_NUMBER: Final[list[JSON]] = [
    *("three", "1_0", "nan", "1e999", "Infinity", "0x", "+0x1", f"0x{'f' * 400}", "\x1c1", "\u0661", "--1", ".", "e1"),
    *("1" * 50_000 + "x", " " * 50_000 + "x"),
    [""],
]

TABLE: Final = [
    *(("email", value, expected) for value, expected in STRING),
    *(("include_page", value, expected) for value, expected in BOOLEAN),
    *(("metadata", value, expected) for value, expected in OBJECT),
    *(("tolerance", value, expected) for value, expected in CHOICE),
    *(("groups", value, expected) for value, expected in GROUPS),
]


@pytest.mark.parametrize(("name", "value", "expected"), TABLE, ids=lambda part: json.dumps(part, default=str)[:40])
def test_a_value_is_converted_removed_or_told(name: str, value: JSON, expected: object) -> None:
    """Each kind of value gives for each type what AJV makes of it, nothing when it is empty, or Segment's sentence."""
    checked = checker("attach").check({"account": "user-42", name: value})
    if isinstance(expected, str) and expected.endswith("."):
        assert " ".join(checked.problems) == expected
    else:
        assert checked.problems == ()
        assert is_same(
            checked.payload, {"account": "user-42"} if expected is REMOVED else {"account": "user-42", name: expected}
        )


@pytest.mark.parametrize(("value", "expected"), NUMBER, ids=lambda part: json.dumps(part, default=str)[:40])
def test_a_number_is_read_as_javascript_reads_it(value: JSON, expected: object) -> None:
    """A text becomes the number that JavaScript's Number makes of it."""
    checked = checker("attach").check({"account": "user-42", "limit_config": {"overall_device_limit": value}})
    if isinstance(expected, str):
        assert checked.problems == (expected,)
    else:
        limits = {} if expected is REMOVED else {"overall_device_limit": expected}
        assert checked.problems == ()
        assert is_same(checked.payload, {"account": "user-42", "limit_config": limits})


@pytest.mark.parametrize("value", NO_NUMBER, ids=lambda value: json.dumps(value)[:40])
def test_what_javascript_does_not_read_is_no_number(value: JSON) -> None:
    """What JavaScript reads as NaN stays a wrong string, and so does infinity, which is no JSON."""
    payload: dict[str, JSON] = {"account": "user-42", "limit_config": {"overall_device_limit": value}}
    assert sentences(payload) == ["Overall Device Limit must be a number but it was a string."]


def test_an_integer_keeps_every_digit() -> None:
    """A numeric id beyond 2^53 becomes a text with all its digits."""
    assert checker("attach").check({"account": 9007199254740993}).payload == {"account": "9007199254740993"}


# -------------------------------------------------------------------------------------------------------- all problems


def test_problems_of_all_fields_come_at_once_in_the_order_of_the_schema() -> None:
    """What is missing is told first, then every field in the order of the schema, whatever the payload's order."""
    payload: dict[str, JSON] = {
        "version": {},
        "groups": [{"id": ["a", "b"]}],
        "limit_config": {"people_limit": "many", "overall_device_limit": []},
        "include_page": "yes",
        "email": {},
        "tolerance": "x",
        "account": None,
    }
    assert sentences(payload) == [
        "The root value is missing the required field 'account'.",
        "Email must be a string but it was an object.",
        "Include Page must be a boolean but it was a string.",
        "Group ID must be a string but it was an array.",
        "Overall Device Limit must be a number but it was an array.",
        "People Limit must be a number but it was a string.",
        'Tolerance must be one of: "default", "strict", or "lenient".',
        "Version must be a string but it was an object.",
    ]


def test_each_missing_field_has_its_sentence() -> None:
    """Two missing fields give two sentences."""
    assert sentences({}, "detach") == [
        "The root value is missing the required field 'account'.",
        "The root value is missing the required field 'device'.",
    ]


def test_a_field_with_a_problem_stays_as_it_was() -> None:
    """The payload of a failed check shows the wrong value as given, and the right ones converted."""
    checked = checker("attach").check({"account": 42, "email": [{"a": 1}]})
    assert checked.payload == {"account": "42", "email": [{"a": 1}]}


def test_a_type_of_three_is_listed_with_commas() -> None:
    """Three types read `a, b, or c`."""
    schema: dict[str, JSON] = {
        "type": "object",
        "properties": {"x": {"title": "X", "type": ["string", "number", "boolean"]}},
    }
    assert Checker(schema).check({"x": {}}).problems == (
        "X must be a string, number, or boolean but it was an object.",
    )


def test_a_value_without_title_is_named_by_its_place() -> None:
    """A schema without a title gives the value's place as a JSON pointer, null is named without an article."""
    schema: dict[str, JSON] = {
        "type": "object",
        "properties": {"list": {"type": "array", "items": {"type": "array", "items": {"type": "object"}}}},
    }
    assert Checker(schema).check({"list": [[{}], ["a", {}]]}).problems == (
        "The value at /list/1/0 must be an object but it was a string.",
    )


def test_null_is_told_without_an_article() -> None:
    """A list whose one element is null is told as null."""
    schema: dict[str, JSON] = {"type": "object", "properties": {"x": {"title": "X", "type": ["object", "number"]}}}
    assert Checker(schema).check({"x": [{}, 1]}).problems == ("X must be an object or number but it was an array.",)


def test_required_fields_inside_a_field_are_told_by_its_label() -> None:
    """A missing key of an object names the object by its title."""
    inside: JSON = {"title": "Box", "type": "object", "required": ["lid"], "properties": {"lid": {"type": "string"}}}
    schema: dict[str, JSON] = {"type": "object", "properties": {"box": inside}}
    assert Checker(schema).check({"box": {"lid": None}}).problems == ("Box is missing the required field 'lid'.",)


@pytest.mark.parametrize("name", ["01-attach", "03-attach"])
def test_what_the_browser_sends_can_be_mapped_whole(name: str) -> None:
    """Every field of a body that Rupt's own SDK sent passes as it is; null goes, and what no mapping fills."""
    body = json.loads((HERE / "samples" / "rupt" / f"{name}.json").read_bytes())["body"]
    checked = checker("attach").check({"account": body.pop("user"), **body})
    del body["callbacks"], body["redirects"]
    assert checked.problems == ()
    assert checked.payload == {"account": "user-13", **{key: value for key, value in body.items() if value is not None}}


# ----------------------------------------------------------------------------------------------------------- properties

SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers(-3, 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", " ", "0", "1", "true", "false", "1e3", "strict", "x", "\ud800"])
    | st.text(max_size=5)
)
VALUES: Final = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "metadata", "people_limit", "z"]), inner, max_size=3)
    ),
    max_leaves=6,
)
GOOD: Final[dict[str, JSON]] = {
    "metadata": {"plan": "pro"},
    "signals": {},
    "include_page": True,
    "groups": [{"id": "g"}],
    "limit_config": {"people_limit": 1},
    "tolerance": "strict",
}
PAYLOADS: Final = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.just(GOOD.get(name, "x")) | VALUES for name in field_names("attach")},
        "unknown": VALUES,
        "\udfff": VALUES,
    },
)
MANY: Final = settings(max_examples=300, deadline=None)


@MANY
@given(PAYLOADS)
def test_the_payload_given_is_never_changed(payload: dict[str, JSON]) -> None:
    """A check leaves its payload, and everything in it, as it was."""
    before = deepcopy(payload)
    checker("attach").check(payload)
    assert payload == before
    assert list(payload) == list(before)


@MANY
@given(PAYLOADS)
def test_the_short_cut_gives_what_the_long_way_gives(payload: dict[str, JSON]) -> None:
    """A payload that is passed through at once would come out of removal and conversion unchanged."""
    short, long = checker("attach").check(payload), checker("attach").repair(payload)
    assert repr(short) == repr(long)


@MANY
@given(PAYLOADS)
def test_what_passes_is_valid_and_passes_again_unchanged(payload: dict[str, JSON]) -> None:
    """A payload without problems is valid by its JSON Schema; checking it again only takes emptied texts out."""
    checked = checker("attach").check(payload)
    if not checked.problems and not has_surrogate(checked.payload):
        assert jsonschema_rs.is_valid(load_schema("attach"), checked.payload)
        again = checker("attach").check(checked.payload)
        kept = {name: value for name, value in checked.payload.items() if value != ""}
        assert is_same(again.payload, kept)


def has_surrogate(value: object) -> bool:
    """Tell whether a lone surrogate is anywhere in a value."""
    return any("\ud800" <= char <= "\udfff" for char in json.dumps(value, ensure_ascii=False))


def test_a_right_payload_is_given_back_itself() -> None:
    """A payload with which nothing is to be done is not copied."""
    payload: dict[str, JSON] = {"account": "a", "metadata": {"empty": "", "none": None}, "include_page": False}
    assert checker("attach").check(payload).payload is payload


def test_fields_keep_the_order_of_the_payload() -> None:
    """Removing and converting change no order."""
    payload: dict[str, JSON] = {"version": 2, "unknown": 1, "email": None, "account": 42, "client": "c"}
    assert list(checker("attach").check(payload).payload) == ["version", "account", "client"]


@pytest.mark.parametrize("payload", [{"account": "a", "tolerance": "\ud800"}, {"account": "a", "\ud800": 1}])
def test_a_lone_surrogate_breaks_nothing(payload: dict[str, JSON]) -> None:
    """Half a character in a key or a value is judged like any other text."""
    assert checker("attach").check(payload).payload["account"] == "a"


def test_deep_metadata_breaks_nothing() -> None:
    """Metadata nested 5,000 deep passes."""
    deep: JSON = {}
    for _ in range(5_000):
        deep = {"a": deep}
    assert sentences({"account": 42, "metadata": deep}) == []


# --------------------------------------------------------------------------------------------------- the schemas' facts

LABELS: Final = {
    "attach": [
        "Account", "Email", "Phone", "Metadata", "Include Page", "Page", "Groups", "Limit Config", "Event",
        "Tolerance", "Secret", "Fingerprint", "Last Fingerprint", "Signals", "Client", "Version",
    ],
    "update_user": ["Account", "Email", "Phone", "Metadata", "Groups"],
    "detach": ["Account", "Device"],
}  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_tells_its_fields_and_their_labels(action: str) -> None:
    """Fields and labels come from the schema, in its order."""
    assert [label(action, name) for name in field_names(action)] == LABELS[action]


def test_an_action_tells_what_it_cannot_do_without() -> None:
    """Required fields come from the schema."""
    assert {action: required_names(action) for action in ACTIONS} == {
        "attach": ("account",),
        "detach": ("account", "device"),
        "update_user": ("account",),
    }


def test_the_secret_is_the_one_field_that_no_output_shows() -> None:
    """`writeOnly` marks the fields that are not shown."""
    assert {action: write_only_names(action) for action in ACTIONS} == {
        "attach": ("secret",),
        "detach": (),
        "update_user": (),
    }


def properties_of(node: JSON) -> Iterator[tuple[str, dict[str, JSON]]]:
    """Walk through every property of a schema, at any depth."""
    if isinstance(node, list):
        for item in node:
            yield from properties_of(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "properties" and isinstance(value, dict):
                yield from ((name, own) for name, own in value.items() if isinstance(own, dict))
            yield from properties_of(value)


@pytest.mark.parametrize("name", [*ACTIONS, "event"])
def test_a_schema_is_a_json_schema_that_stands_alone(name: str) -> None:
    """Each file is valid 2020-12, has an id and a description, and refers to nothing outside itself."""
    schema = load_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:rupt-connector:schema:{name}"
    assert schema["title"]
    assert schema["description"]
    text = json.dumps(schema)
    assert text.count('"$ref": "') == text.count('"$ref": "#/$defs/')


@pytest.mark.parametrize("name", [*ACTIONS, "event"])
def test_every_property_says_what_it_is(name: str) -> None:
    """An editor can show a title, with a capital letter, and a sentence for every property."""
    conditions = {"allOf", "has_user_id", "has_anonymous_id"}
    schema = load_schema(name)
    definitions = schema.get("$defs", {})
    assert isinstance(definitions, dict)
    shown: dict[str, JSON] = {key: value for key, value in {**schema, **definitions}.items() if key not in conditions}
    for key, own in properties_of({key: value for key, value in shown.items() if key != "$defs"}):
        assert str(own.get("title"))[:1].isupper(), key
        assert str(own.get("description")).endswith("."), key


@pytest.mark.parametrize("action", ACTIONS)
def test_every_object_with_fields_is_closed(action: str) -> None:
    """What a schema does not name is removed, at every level: the short cut relies on it."""
    schema = load_schema(action)
    nested = [own for _, own in properties_of(schema) if "properties" in own]
    definitions = schema.get("$defs", {})
    assert isinstance(definitions, dict)
    assert all(isinstance(own, dict) and own["additionalProperties"] is False for own in (schema, *nested))
    assert all(isinstance(own, dict) and own["additionalProperties"] is False for own in definitions.values())


@pytest.mark.parametrize("action", ACTIONS)
def test_every_example_passes_its_own_field(action: str) -> None:
    """An example that an editor offers is a value that the field takes as it stands."""
    properties = load_schema(action)["properties"]
    assert isinstance(properties, dict)
    needed: dict[str, JSON] = dict.fromkeys(required_names(action), "x")
    for name, own in properties.items():
        assert isinstance(own, dict)
        examples = own.get("examples", [])
        assert isinstance(examples, list)
        for example in examples:
            payload = {**needed, name: example}
            assert checker(action).check(payload).payload is payload


def test_shared_fields_mean_the_same_to_both_actions() -> None:
    """What attach and update_user both take has one label and one type."""
    attach, update = load_schema("attach"), load_schema("update_user")
    assert attach["$defs"] == update["$defs"]
    one, other = attach["properties"], update["properties"]
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    told = ("description", "examples")
    for name, own in other.items():
        both = (own, one[name])
        assert all(isinstance(field, dict) for field in both)
        plain = [{key: value for key, value in dict(field).items() if key not in told} for field in both]  # type: ignore[arg-type]
        assert plain[0] == plain[1]


def test_a_keyword_that_a_check_does_not_know_does_not_load() -> None:
    """No rule of a schema can be overlooked."""
    with pytest.raises(msgspec.ValidationError, match="pattern"):
        Checker({"type": "object", "properties": {"x": {"type": "string", "pattern": "^a"}}})


def test_an_unknown_schema_is_not_found() -> None:
    """The name of no schema says so."""
    with pytest.raises(FileNotFoundError, match=r"nothing\.schema\.json"):
        load_schema("nothing")


def test_a_source_checkout_has_the_schemas_beside_the_package() -> None:
    """Without package data the folder is the one that an editor sees."""
    assert {f"{name}.schema.json" for name in (*ACTIONS, "event")} <= {path.name for path in schemas_folder().iterdir()}


def test_an_installed_package_brings_its_own_schemas(tmp_path: Path) -> None:
    """Package data comes before a folder that happens to stand beside the package."""
    package = tmp_path / "connector"
    shutil.copytree(Path(connector.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "schemas").mkdir()
    (package / "_data").mkdir(exist_ok=True)
    shutil.copytree(schemas_folder(), package / "_data" / "schemas", dirs_exist_ok=True)
    code = "from connector.schemas import field_names, schemas_folder; print(schemas_folder(), field_names('detach'))"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout == f"{package / '_data' / 'schemas'} ('account', 'device')\n"


# --------------------------------------------------------------------------------------------------------- event.schema

EVENT: Final = jsonschema.Draft202012Validator(load_schema("event"))


def recorded_events() -> list[JSON]:
    """Take the events out of the requests that Segment's SDKs were recorded with."""
    events: list[JSON] = []
    for path in sorted((HERE / "samples" / "sdk").glob("*.json")):
        request = json.loads(path.read_bytes())
        packed = "body_base64" in request
        body = json.loads(gzip.decompress(base64.b64decode(request["body_base64"])) if packed else request["body"])
        events += body.get("batch", [body])
    return events


def test_every_recorded_event_is_an_event() -> None:
    """What Segment's own SDKs send is valid."""
    events = recorded_events()
    assert [list(EVENT.iter_errors(event)) for event in events] == [[]] * len(events)
    assert {event["type"] for event in events if isinstance(event, dict)} == {
        "identify", "track", "page", "screen", "group", "alias",
    }  # fmt: skip


GOOD_EVENTS: Final[list[JSON]] = [
    {"type": "page", "userId": None, "anonymousId": "a", "name": None, "properties": None},
    {"type": "delete", "userId": "u"},
    {"type": "track", "event": "x", "userId": "u", "integrations": {"All": False, "Rupt": {"a": 1}}},
    {"type": "page", "userId": "u", "context": {"consent": {"categoryPreferences": {"Advertising": True}}}, "own": 1},
]
BAD_EVENTS: Final[list[JSON]] = [
    [],
    {"userId": "u"},
    {"type": "metrics", "userId": "u"},
    {"type": "page"},
    {"type": "page", "userId": None, "anonymousId": ""},
    {"type": "page", "userId": 42},
    {"type": "page", "userId": "u", "messageId": "m" * 100},
    {"type": "page", "userId": "u", "name": 7},
    {"type": "page", "userId": "u", "properties": []},
    {"type": "page", "userId": "u", "context": {"traits": "x"}},
    {"type": "page", "userId": "u", "integrations": {"All": "no"}},
    {"type": "identify", "userId": "u", "traits": "x"},
    {"type": "track", "userId": "u"},
    {"type": "track", "userId": "u", "event": None},
    {"type": "track", "userId": "u", "event": ""},
    {"type": "group", "userId": "u"},
    {"type": "alias", "userId": "u"},
    {"type": "alias", "anonymousId": "a", "previousId": "p"},
    {"type": "delete", "anonymousId": "a"},
]


@pytest.mark.parametrize("event", GOOD_EVENTS, ids=dump_json)
def test_what_can_be_accepted_is_an_event(event: JSON) -> None:
    """Null stands for absent, unknown keys are kept."""
    assert EVENT.is_valid(event)


@pytest.mark.parametrize("event", BAD_EVENTS, ids=dump_json)
def test_what_would_be_discarded_is_no_event(event: JSON) -> None:
    """An event without type, ids or its own needed fields, or with fields of wrong types, is marked by an editor."""
    assert not EVENT.is_valid(event)
