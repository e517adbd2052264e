"""The schema for editors: it explains every key, and says the same as the loader and the registers."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml
from jsonschema import Draft202012Validator

from connector.actions import ACTIONS
from connector.destination import load, mappings_folder, preset_names
from connector.drafts import DESTINATION_KEYS, INCLUDED_KEYS, MAPPING_KEYS
from connector.errors import DestinationError
from connector.language.builtins import DIRECTIVES
from connector.language.directives import Directive, Option
from connector.schemas import load_schema
from connector.settings import DELIVERY, SETTINGS, Settings
from connector.values import JSON

Schema = dict[str, JSON]
SCHEMA = load_schema("destination")
VALIDATOR = Draft202012Validator(SCHEMA)


def under(schema: Schema, *keys: str) -> Schema:
    """Walk down a schema by keys, following references."""
    for key in keys:
        schema = cast(Schema, schema[key])
        while "$ref" in schema:
            name = str(schema["$ref"]).removeprefix("#/$defs/")
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**under(SCHEMA, "$defs", name), **rest}
    return schema


def definition(name: str) -> Schema:
    """Give the properties of a definition."""
    return under(SCHEMA, "$defs", name, "properties")


def value_of(text: str) -> JSON:
    """Read YAML as an editor does, which fills in no variables."""
    return cast(JSON, yaml.safe_load(text))


def test_it_is_a_schema() -> None:
    """The file is a JSON Schema of 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def _keys(node: JSON, path: str = "") -> Iterator[tuple[str, Schema]]:
    if isinstance(node, dict):
        for name, inner in node.items():
            if name == "properties" and isinstance(inner, dict) and "/if" not in path and "/then" not in path:
                yield from ((f"{path}/{key}", under(inner, key)) for key in inner)
            yield from _keys(inner, f"{path}/{name}")
    elif isinstance(node, list):
        for at, inner in enumerate(node):
            yield from _keys(inner, f"{path}/{at}")


def test_every_key_is_described() -> None:
    """An editor can explain every key of every part."""
    keys = list(_keys(SCHEMA))
    assert len(keys) > 100
    assert [
        path for path, key in keys if not str(key.get("description", "")).endswith((".", "}}", "schema.json"))
    ] == []


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("destination_file", DESTINATION_KEYS),
        ("included_file", INCLUDED_KEYS),
        ("mapping", MAPPING_KEYS),
        ("settings", (*(setting.name for setting in SETTINGS), "delivery")),
        ("test", ("name", "event", "expect", "expect_skipped", "expect_invalid", "expect_filtered")),
        ("value", (*DIRECTIVES.names(), "_metadata")),
    ],
)
def test_keys_are_those_of_the_loader(name: str, keys: tuple[str, ...]) -> None:
    """Each part has the keys that the loader knows, and takes no other."""
    assert set(definition(name)) == set(keys)
    assert under(SCHEMA, "$defs", name)["additionalProperties"] is False


def test_settings_are_those_of_the_loader() -> None:
    """The delivery settings are the registered ones, and what must be there must be there."""
    assert set(under(definition("settings"), "delivery", "properties")) == {setting.name for setting in DELIVERY}
    required = [setting.name for setting in SETTINGS if setting.required]
    assert under(SCHEMA, "$defs", "settings")["required"] == required


def test_defaults_are_those_of_the_loader(tmp_path: Path) -> None:
    """Writing out every default of the schema changes nothing."""
    parts = {"settings": definition("settings"), "delivery": under(definition("settings"), "delivery", "properties")}
    defaults = {
        part: [
            f"    {'  ' * (part == 'delivery')}{name}: {under(keys, name)['default']}"
            for name in keys
            if "default" in under(keys, name)
        ]
        for part, keys in parts.items()
    }
    head = "destination: rupt\nsettings:\n    client_id: an-id\n    new_account_url: https://app.example.com\n"
    lines = [*defaults["settings"], "    delivery:", *defaults["delivery"]]
    path = tmp_path / "rupt.yaml"
    path.write_text(head + "\n".join(lines).replace("False", "false"), encoding="utf-8")
    assert len(lines) > 8
    assert load(path, {}).settings == Settings("an-id", "https://app.example.com")


@pytest.mark.parametrize("action", list(ACTIONS))
def test_fields_are_those_of_the_actions_schema(action: str) -> None:
    """The fields of an action have the names, titles and descriptions of its own schema, in its order."""
    own, here = load_schema(action), definition(f"{action}_fields")
    fields = under(own, "properties")
    assert list(here) == list(fields)
    for name in fields:
        for key in ("title", "description", "deprecated"):
            assert under(here, name).get(key) == cast(Schema, fields[name]).get(key), name


def explained(schema: Schema) -> dict[str, str]:
    """Give the values that a schema offers, each with its explanation."""
    values, texts = cast(list[str], schema["enum"]), cast(list[str], schema["enumDescriptions"])
    return dict(zip(values, texts, strict=True))


def test_actions_are_explained() -> None:
    """The values of `action` are the actions, each with its summary."""
    summaries = {name: action.summary for name, action in ACTIONS.items()}
    assert explained(under(definition("mapping"), "action")) == summaries


def test_presets_are_explained() -> None:
    """The values of `preset` are the presets, each with its own description."""
    described = {}
    for name in preset_names():
        text = (mappings_folder() / f"{name}.yaml").read_text(encoding="utf-8")
        described[name] = cast(Schema, value_of(text))["description"]
    choices = cast(list[Schema], under(definition("mapping"), "preset")["anyOf"])
    assert explained(choices[0]) == described


@pytest.mark.parametrize("directive", list(DIRECTIVES), ids=lambda directive: directive.name)
def test_directives_are_those_of_the_register(directive: Directive) -> None:
    """Each directive has its summary and its options, with their summaries and limits."""
    here = under(definition("value"), directive.name)
    assert str(here["description"]).startswith(directive.summary)
    if directive.form == "bare":
        _same_option(
            directive.options[0],
            {**here, "description": str(here["description"]).removeprefix(f"{directive.summary} ")},
        )
    elif directive.form == "named":
        assert list(under(here, "properties")) == [option.name for option in directive.options]
        assert here.get("required", []) == [option.name for option in directive.options if option.required]
        assert [choice["required"] for choice in cast(list[Schema], here.get("oneOf", []))] == [
            [name] for name in directive.one_of
        ]
        for option in directive.options:
            _same_option(option, under(here, "properties", option.name))
    else:
        for option, item in zip(directive.options, cast(list[Schema], here["prefixItems"]), strict=True):
            _same_option(option, item)


def _same_option(option: Option, here: Schema) -> None:
    texts = [here, *(cast(list[Schema], here["anyOf"]) if "anyOf" in here else [])]
    assert here["description"] == option.summary
    assert here.get("enum", []) == list(option.choices)
    if option.longest is not None:
        assert option.longest in [text.get("maxLength") for text in texts]
    if option.default:
        assert here["default"] == option.default


@pytest.mark.parametrize("directive", list(DIRECTIVES), ids=lambda directive: directive.name)
def test_examples_of_directives_pass(directive: Directive) -> None:
    """The examples of a directive are values of a field."""
    fields = {"account": "$.userId", "metadata": {"value": [example.mapping for example in directive.examples]}}
    mapping = {"name": "A", "action": "attach", "trigger": 'type = "page"', "fields": fields}
    assert [error.message for error in VALIDATOR.iter_errors(mapping)] == []


@pytest.mark.parametrize("name", preset_names())
def test_presets_pass(name: str) -> None:
    """A preset is what the schema says."""
    text = (mappings_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    assert [error.message for error in VALIDATOR.iter_errors(value_of(text))] == []


HEAD = "destination: rupt\nsettings: {client_id: i, new_account_url: https://a.example, api_secret: s}\n"
GOOD = [
    HEAD,
    HEAD.replace("i,", '"${ID:-i}", debug: "${D:-true}", max_event_age: none, delivery: {timeout: 5s, rate: 2},'),
    HEAD + "include: []",
    HEAD + "mappings: [{preset: attach-device}]",
    HEAD + "mappings: [{preset: attach-device, name: B, fields: {email: null, tolerance: strict, page: $.name}}]",
    HEAD + "mappings: [{preset: detach-on-sign-out, fields: {device: $.x}}]",
    HEAD
    + 'mappings: [{name: A, action: attach, trigger: type = "page", fields: {account: $.userId, groups: [{id: $.g}]}}]',
    HEAD + 'mappings: [{name: A, action: update_user, trigger: type != "", fields: {account: {"@path": $.userId}}}]',
]
BAD = [
    HEAD.replace("rupt", "segment"),
    HEAD.replace("client_id", "clientid"),
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
    HEAD + "mappings: [{preset: attach-device, fields: {emial: $.x}}]",
    HEAD + "mappings: [{preset: attach-device, fields: {tolerance: lax}}]",
    HEAD + "mappings: [{preset: attach-device, fields: {include_page: 'on'}}]",
    HEAD + "mappings: [{preset: detach-on-sign-out, fields: {email: $.x}}]",
    HEAD + 'mappings: [{name: A, action: send, trigger: type = "page", fields: {account: $.userId}}]',
    HEAD + 'mappings: [{name: A, action: attach, trigger: type = "page", fields: {email: $.userId}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@iff": $.x}}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@case": {value: $.x}}}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@path": $.x, "@template": x}}}]',
    HEAD + 'mappings: [{preset: attach-device, fields: {email: {"@if": {exists: $.x, blank: $.x, then: 1}}}}]',
    HEAD + "mappings: [{preset: attach-device, tests: [{event: {}}]}]",
    HEAD + "mappings: [{preset: attach-device, tests: [{event: {}, expect: {}, expect_filtered: true}]}]",
]


@pytest.mark.parametrize(("text", "is_good"), [*((text, True) for text in GOOD), *((text, False) for text in BAD)])
def test_the_schema_and_the_loader_agree(text: str, is_good: bool, tmp_path: Path) -> None:
    """What the editor takes loads, and what it refuses does not."""
    path = tmp_path / "rupt.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load(path, {})
        loads = True
    except DestinationError:
        loads = False
    assert (VALIDATOR.is_valid(value_of(text)), loads) == (is_good, is_good)
