"""The schemas for editors: they are what is registered, explain every key, and agree with the loader.

What they leave to the loader are the languages inside texts (paths, templates, Liquid, triggers), names that two
mappings share, and files that are not there. An object with paths in it, where only a text fits, they refuse: it loads,
and `check` warns that every event is invalid.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml
from jsonschema import Draft202012Validator

from connector.actions import ACTIONS
from connector.cases import read_cases
from connector.cli.schema_files import editor_files
from connector.destination import load, mappings_folder, preset_names
from connector.documents import Part, read_document
from connector.drafts import DESTINATION_KEYS, INCLUDED_KEYS, MAPPING_KEYS
from connector.editors import SCHEMAS
from connector.editors.guides import TRIGGER_EXAMPLES
from connector.errors import DestinationError
from connector.language.builtins import DIRECTIVES
from connector.language.directives import Directive
from connector.language.triggers import FUNCTIONS, parse_trigger
from connector.schemas import load_schema, required_names, schemas_folder
from connector.setting_kinds import read_duration
from connector.settings import DELIVERY, SETTINGS, Settings
from connector.values import JSON

Schema = dict[str, JSON]
SCHEMA = load_schema("destination")
VALIDATOR = Draft202012Validator(SCHEMA)
SUITES = Draft202012Validator(load_schema("tests"))


def definition(name: str) -> Schema:
    """Give a definition of the schema of destination files."""
    return cast(Schema, cast(Schema, SCHEMA["$defs"])[name])


def value_of(text: str) -> JSON:
    """Read YAML as an editor does, which fills in no variables."""
    return cast(JSON, yaml.safe_load(text))


def test_the_files_are_what_is_registered() -> None:
    """The schemas in the repository are those that are made now: `schema --write schemas` makes them so."""
    texts = editor_files(schemas_folder()).texts
    assert {path.name for path in texts} == {f"{name}.schema.json" for name in SCHEMAS}
    assert [path.name for path, text in texts.items() if path.read_bytes() != text] == []


def test_functions_are_not_listed_as_operators() -> None:
    """What is said of triggers shows contains and match as they are written, with parentheses."""
    told = str(MAPPING_KEYS["trigger"])
    for written in ('contains(name, "text")', 'match(name, "text*")'):
        assert written in told
        parse_trigger(written)


@pytest.mark.parametrize("name", SCHEMAS)
def test_they_are_schemas(name: str) -> None:
    """Each is a JSON Schema of 2020-12."""
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def keys_of(schema: JSON, path: str = "") -> Iterator[tuple[str, Schema]]:
    """List every key that a schema describes, with its own schema; conditions describe nothing."""
    if isinstance(schema, list):
        for at, inner in enumerate(schema):
            yield from keys_of(inner, f"{path}/{at}")
    if not isinstance(schema, dict):
        return
    for word, inner in schema.items():
        if word in ("properties", "$defs"):
            for key, value in cast(Schema, inner).items():
                if word == "properties":
                    yield f"{path}/{key}", cast(Schema, value)
                yield from keys_of(value, f"{path}/{key}")
        elif word not in ("if", "not", "defaultSnippets", "examples", "enum", "default"):
            yield from keys_of(inner, f"{path}/{word}")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_is_described(name: str) -> None:
    """An editor can explain every key of every part: in a sentence, or several."""
    keys = [(path, key) for path, key in keys_of(load_schema(name)) if not key.get("doNotSuggest")]
    assert len(keys) > 30
    assert [path for path, key in keys if not str(key.get("description", "")).endswith(".")] == []


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("destination_file", DESTINATION_KEYS),
        ("mapping", MAPPING_KEYS),
        ("settings", [*(setting.name for setting in SETTINGS), "delivery"]),
        ("value", [*DIRECTIVES.names(), "_metadata"]),
        *((f"{action}_fields", cast(Schema, load_schema(action)["properties"])) for action in ACTIONS),
    ],
)
def test_keys_are_those_of_the_loader(name: str, keys: "list[str] | Schema") -> None:
    """Each part has the keys that the loader knows, in its order, and takes no other."""
    assert list(cast(Schema, definition(name)["properties"])) == list(keys)
    assert definition(name)["additionalProperties"] is False


def test_an_empty_file_is_offered_the_keys_of_every_kind() -> None:
    """Before a file says what it is, all that it may begin with is offered."""
    offered = cast(Schema, definition("included_file")["properties"])
    assert set(offered) == {*DESTINATION_KEYS, *INCLUDED_KEYS, *MAPPING_KEYS}


def test_what_must_be_there_is_required() -> None:
    """Settings that must be there are required, and so are the fields of a mapping without a preset."""
    assert definition("settings")["required"] == [setting.name for setting in SETTINGS if setting.required]
    for action in ACTIONS:
        fields = dict.fromkeys(required_names(action), "$.userId")
        mapping: Schema = {"name": "A", "action": action, "trigger": "x", "fields": {**fields}}
        assert VALIDATOR.is_valid(mapping)
        for name in fields:
            less: Schema = {**mapping, "fields": {key: value for key, value in fields.items() if key != name}}
            assert not VALIDATOR.is_valid(less)


def test_defaults_are_those_of_the_loader(tmp_path: Path) -> None:
    """Writing out every default of the schema changes nothing."""
    settings = cast(Schema, definition("settings")["properties"])
    delivery = cast(Schema, cast(Schema, settings["delivery"])["properties"])
    lines = [f"  {name}: {default}" for name, default in defaults_of(settings)]
    lines += ["  delivery:", *(f"    {name}: {default}" for name, default in defaults_of(delivery))]
    head = "destination: rupt\nsettings:\n  client_id: an-id\n  new_account_url: https://app.example.com\n"
    path = tmp_path / "rupt.yaml"
    path.write_text(head + "\n".join(lines), encoding="utf-8")
    assert len(lines) == 11
    assert load(path, {}).settings == Settings("an-id", "https://app.example.com")


def defaults_of(keys: Schema) -> list[tuple[str, str]]:
    """List the defaults among some keys, as YAML writes them."""
    found = [(name, cast(Schema, key)) for name, key in keys.items()]
    return [(name, str(key["default"]).replace("False", "false")) for name, key in found if "default" in key]


@pytest.mark.parametrize("directive", list(DIRECTIVES), ids=lambda directive: directive.name)
def test_examples_of_directives_pass(directive: Directive) -> None:
    """The examples of a directive are values of a field."""
    fields = {"account": "$.userId", "metadata": {"value": [example.mapping for example in directive.examples]}}
    mapping = {"name": "A", "action": "attach", "trigger": 'type = "page"', "fields": fields}
    assert [error.message for error in VALIDATOR.iter_errors(mapping)] == []


def test_the_guide_to_triggers_is_right() -> None:
    """Its examples are triggers, and every function is in it."""
    trigger = cast(Schema, cast(Schema, definition("mapping")["properties"])["trigger"])
    guide = str(trigger["markdownDescription"])
    for example in TRIGGER_EXAMPLES:
        parse_trigger(example)
        assert f"trigger: {example}" in guide
        assert value_of(f"trigger: {example}") == {"trigger": example}
    assert all(f"`{name}(field)`" in guide for name in FUNCTIONS)


@pytest.mark.parametrize("name", preset_names())
def test_presets_pass(name: str) -> None:
    """A preset is what the schema says."""
    text = (mappings_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    assert [error.message for error in VALIDATOR.iter_errors(value_of(text))] == []


HEAD = "destination: rupt\nsettings: {client_id: i, new_account_url: https://a.example, api_secret: s}\n"
PAGE = 'mappings: [{name: A, action: attach, trigger: type = "page", fields: {account: $.userId, '
GOOD = [
    HEAD,
    HEAD.replace("i,", '"${ID:-i}", debug: "${D:-true}", max_event_age: none, delivery: {timeout: 5s, rate: 2},'),
    HEAD.replace("i,", "i, logout_url: null, delivery: null, ordering: null,"),
    HEAD + "include: []",
    HEAD + "include:\nmappings:",
    HEAD + "mappings: [{preset: attach-device}]",
    HEAD + "mappings: [{preset: attach-device, name: B, fields: {email: null, tolerance: strict, page: $.name}}]",
    HEAD + "mappings: [{preset: attach-device, name: null, action: null, fields: null, tests: null, enabled: null}]",
    HEAD + "mappings: [{preset: detach-on-sign-out, fields: {device: $.x}}]",
    HEAD + 'mappings: [{preset: attach-device, action: "${ACTION:-attach}", enabled: "${ON:-false}"}]',
    HEAD + PAGE + "groups: [{id: $.g}]}}]",
    HEAD + PAGE + "include_page: 'true', metadata: {a: {b: [1]}}}}]",
    HEAD + PAGE + "limit_config: {people_limit: 3}, tolerance: {'@path': $.x}}}]",
    HEAD + 'mappings: [{name: A, action: update_user, trigger: type != "", fields: {account: {"@path": $.userId}}}]',
]
BAD = [
    HEAD.replace("rupt", "segment"),
    HEAD.replace("client_id", "clientid"),
    HEAD.replace("i,", "null,"),
    HEAD.replace("https://a", "a"),
    HEAD.replace("i,", "i, debug: maybe,"),
    HEAD.replace("i,", "i, device_identity: maybe,"),
    HEAD.replace("i,", "i, max_event_age: soon,"),
    HEAD.replace("i,", "i, delivery: {concurrency: 0},"),
    HEAD.replace("i,", "i, delivery: {rat: 1},"),
    HEAD + "mappings: {}",
    HEAD + "mapping: []",
    HEAD + "mappings: [{name: A}]",
    HEAD + "mappings: [{preset: atach-device}]",
    HEAD + "mappings: [{preset: null, name: A}]",
    HEAD + "mappings: [{preset: attach-device, fields: {emial: $.x}}]",
    HEAD + "mappings: [{preset: attach-device, fields: {tolerance: lax}}]",
    HEAD + "mappings: [{preset: attach-device, fields: {include_page: 'on'}}]",
    HEAD + "mappings: [{preset: attach-device, fields: {metadata: [1]}}]",
    HEAD + "mappings: [{preset: detach-on-sign-out, fields: {email: $.x}}]",
    HEAD + 'mappings: [{name: A, action: send, trigger: type = "page", fields: {account: $.userId}}]',
    HEAD + 'mappings: [{name: A, action: attach, trigger: type = "page", fields: {email: $.userId}}]',
    HEAD + 'mappings: [{name: A, action: attach, trigger: type = "page", fields: {account: null}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@iff": $.x}}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@case": {value: $.x}}}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@path": $.x, "@template": x}}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@if": {exists: $.x, blank: $.x, then: 1}}}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@if": {exists: "", then: 1}}}}]',
    HEAD + "mappings: [{preset: attach-device, tests: [{event: {}}]}]",
    HEAD + "mappings: [{preset: attach-device, tests: [{event: {}, expect: {}, expect_filtered: true}]}]",
]


def loads(text: str, folder: Path) -> bool:
    """Say whether a destination file loads."""
    path = folder / "rupt.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load(path, {})
    except DestinationError:
        return False
    return True


@pytest.mark.parametrize(("text", "is_good"), [*((text, True) for text in GOOD), *((text, False) for text in BAD)])
def test_the_schema_and_the_loader_agree(text: str, is_good: bool, tmp_path: Path) -> None:
    """What the editor takes loads, and what it refuses does not."""
    assert (VALIDATOR.is_valid(value_of(text)), loads(text, tmp_path)) == (is_good, is_good)


LISTS: list[JSON] = [[], ["a"], [1], [""]]
VALUES: tuple[JSON, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, 64, 5_000, "", " ", "a", "true", "none", "auto", "strict", "hold", "account"),
    *("https://app.example.com/x?y", "HTTP://a.example", "ftp://a", "http://", "https://u:p@a.example", "a b", "a@b"),
    *("localhost:8080", "[::1]:80", "é", "24h", "1h30m", "250ms", "1.5h", "h", "1 h", "${X:-1}"),
    *LISTS,
    {},
)


@pytest.mark.parametrize("name", [*(setting.name for setting in SETTINGS), *(f"delivery.{s.name}" for s in DELIVERY)])
def test_each_setting_agrees(name: str, tmp_path: Path) -> None:
    """Of a setting, too, the editor takes what the loader takes."""
    given: Schema = {"client_id": "i", "new_account_url": "https://a.example"}
    for value in VALUES:
        own: Schema = {"delivery": {name.partition(".")[2]: value}} if "." in name else {name: value}
        text = yaml.safe_dump({"destination": "rupt", "settings": {**given, **own}})
        if "${" in text and not loads(text, tmp_path):
            continue  # what a variable will hold, no editor knows
        assert VALIDATOR.is_valid(value_of(text)) == loads(text, tmp_path), value


def test_examples_of_settings_pass() -> None:
    """The example of each setting is one, and a default that is a duration reads as the setting does."""
    for setting in (*SETTINGS, *DELIVERY):
        for example in setting.examples:
            assert "${" in str(example) or setting.kind.read(example) == example
    age = cast(Schema, cast(Schema, definition("settings")["properties"])["max_event_age"])
    assert read_duration(str(age["default"])) == Settings("", "").max_event_age


LISTED: list[JSON] = [[], ["a"], ["a", "b"], [{}], [{"id": 1}]]
OBJECTS: list[JSON] = [{}, {"a": 1}, {"@path": "$.x"}, {"@path": 5}, {"@other": "x"}]
FIELD_VALUES: tuple[JSON, ...] = (None, True, 1, 1.5, "", "a", "true", "$.x", "{{x}}", *LISTED, *OBJECTS)


@pytest.mark.parametrize("action", ACTIONS)
def test_each_field_agrees(action: str, tmp_path: Path) -> None:
    """Of a field, too, the editor takes what the loader takes: types, constants, shorthands and directives."""
    for name in cast(Schema, load_schema(action)["properties"]):
        for value in FIELD_VALUES:
            fields: Schema = {**dict.fromkeys(required_names(action), "$.userId"), name: value}
            mapping: Schema = {"name": "A", "action": action, "trigger": 'type = "page"', "fields": fields}
            assert VALIDATOR.is_valid(mapping) == loads(destination_of(mapping), tmp_path), (name, value)


def destination_of(mapping: Schema) -> str:
    """Write a destination file with one mapping."""
    settings = {"client_id": "i", "new_account_url": "https://a.example", "api_secret": "s"}
    return str(yaml.safe_dump({"destination": "rupt", "settings": settings, "mappings": [mapping]}))


@pytest.mark.parametrize("directive", [each for each in DIRECTIVES if each.form == "named"], ids=lambda each: each.name)
def test_each_option_agrees(directive: Directive, tmp_path: Path) -> None:
    """Of an option, too, the editor takes what the loader takes, and knows which may be left out."""
    example = directive.examples[0].mapping
    assert isinstance(example, dict)
    given = cast(Schema, example[directive.name])
    for option in directive.options:
        changed = [{**given, option.name: value} for value in FIELD_VALUES]
        changed.append({key: value for key, value in given.items() if key != option.name})
        for options in changed:
            fields: Schema = {"metadata": {"a": {directive.name: {**options}}}}
            mapping: Schema = {"preset": "attach-device", "fields": fields}
            assert VALIDATOR.is_valid(mapping) == loads(destination_of(mapping), tmp_path), options


EVENT = "event: {type: page}"
CASES = [
    (f"{{{EVENT}, expect: {{}}}}", True, False),
    (f"{{{EVENT}, expect: {{}}, mapping: A}}", False, True),
    (f"{{{EVENT}, expect: {{}}, expect_request: {{method: POST}}}}", True, False),
    (f"{{{EVENT}, expect: {{}}, expect_skipped: no_device}}", True, False),
    (f"{{{EVENT}, expect: {{}}, expect_invalid: true}}", False, False),
    (f"{{{EVENT}, expect_skipped: true, expect_invalid: true}}", False, False),
    (f"{{{EVENT}, expect_invalid: [a, b]}}", True, False),
    (f"{{{EVENT}, expect_filtered: true}}", True, True),
    (f"{{{EVENT}, expect_filtered: 1}}", False, False),
    (f"{{{EVENT}, expect_request: {{}}}}", False, False),
    (f"{{{EVENT}, expect_request: {{verb: POST}}}}", False, False),
    (f"{{{EVENT}}}", False, False),
    ("{expect_filtered: true}", False, False),
    (f"{{{EVENT}, events: a.ndjson, expect_filtered: true}}", False, False),
    ("{events: a.ndjson, only: [m-1], expect_filtered: true}", True, True),
    (f"{{{EVENT}, only: m-1, expect_filtered: true}}", False, False),
    ("{events: a.ndjson, expect_rows: b.ndjson}", True, True),
    (f"{{{EVENT}, expect_rows: b.ndjson}}", False, False),
    (f"{{{EVENT}, expect_mappings: [A]}}", False, True),
    (f"{{{EVENT}, expect_mappings: {{A: true, B: {{expect: {{account: a}}}}}}}}", False, True),
    (f"{{{EVENT}, expect_mappings: {{A: {{expect_filtered: true}}}}}}", False, False),
    (f"{{{EVENT}, expect_mappings: [A], mapping: A}}", False, False),
    (f"{{{EVENT}, expect_mappings: [A], expect_filtered: true}}", False, False),
    (f"{{{EVENT}, unknown: 1, expect_filtered: true}}", False, False),
    ("{event: [], expect_filtered: true}", False, False),
]


@pytest.mark.parametrize(("case", "in_mapping", "in_suite"), CASES)
def test_the_schemas_and_the_reader_of_tests_agree(case: str, in_mapping: bool, in_suite: bool) -> None:
    """A test that the editor takes, beside a mapping or in a *_test.yaml, is one; and one that it refuses is not."""
    part = Part(read_document(f"tests: [{case}]".encode(), file="f.yaml", environment={}), ("tests",))
    beside, alone = read_cases(part), read_cases(part, in_suite=True)
    assert (beside[1] == [], alone[1] == []) == (in_mapping, in_suite)
    assert VALIDATOR.is_valid({"preset": "attach-device", "tests": [value_of(case)]}) == in_mapping
    assert SUITES.is_valid({"tests": [value_of(case)]}) == in_suite


def test_how_many_mappings_and_how_long() -> None:
    """More mappings than a destination takes and a duration of nothing are refused by the schema already."""
    head = {"destination": "rupt", "settings": {"client_id": "c", "new_account_url": "https://example.com"}}
    one: JSON = {"preset": "attach-device"}
    assert VALIDATOR.is_valid({**head, "mappings": [one] * 50})
    assert not VALIDATOR.is_valid({**head, "mappings": [one] * 51})
    for age, is_right in (("0s", False), ("0.0h0m", False), ("10s", True), ("0.5h", True), ("none", True)):
        settings = {**cast(Schema, head["settings"]), "max_event_age": age}
        assert VALIDATOR.is_valid({**head, "settings": settings}) == is_right, age
