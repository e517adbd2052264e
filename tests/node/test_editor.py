"""Editors: yaml-language-server itself completes and explains every registered name, and finds what is wrong."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
import yaml

from connector.actions import ACTIONS
from connector.case_keys import CASE_KEYS, SUITE_KEYS
from connector.destination import load, mappings_folder, preset_names
from connector.drafts import DESTINATION_KEYS, INCLUDED_KEYS, MAPPING_KEYS
from connector.language.builtins import DIRECTIVES
from connector.schemas import load_schema
from connector.settings import DELIVERY, DELIVERY_SUMMARY, SETTINGS
from connector.values import JSON
from tests.cli.command import call
from tests.node.editor import Editor, editing
from tests.node.installing import install_modules
from tests.readme import README, read_blocks
from tests.test_destination_schema import BAD, GOOD

EXAMPLES = [block for block in read_blocks(README.read_text(encoding="utf-8")) if block.language == "yaml"]
MODELINE = "# yaml-language-server: $schema={}.schema.json\n"
HEAD = "destination: rupt\nsettings:\n  client_id: an-id\n  new_account_url: https://app.example.com\n"
SERVER = Path("yaml-language-server", "bin", "yaml-language-server")


class Desk(NamedTuple):
    """An editor, and the folder in which its documents and the schemas are."""

    editor: Editor
    folder: Path

    def complete(self, place: "Place", key: str = "") -> list[dict[str, Any]]:
        """Ask what may stand at a place, after the beginning of a key."""
        file, line, column = self._show(place, key)
        return self.editor.complete(file, line, column + len(key))

    def hover(self, place: "Place", key: str, value: str = "x") -> str:
        """Ask what a key at a place means; without the signs that Markdown escapes."""
        written = f'"{key}"' if key.startswith("@") else key
        file, line, column = self._show(place, f"{written}: {value}")
        return self.editor.hover(file, line, column + 2).replace("\\", "").replace("&nbsp;", " ")

    def _show(self, place: "Place", written: str) -> tuple[Path, int, int]:
        before = MODELINE.format(place.schema) + place.text
        file = self.folder / f"{place.schema}.yaml"
        self.editor.show(file, before + written + "\n")
        lines = before.split("\n")
        return file, len(lines) - 1, len(lines[-1])


class Place(NamedTuple):
    """A place in a document, given as the text before it, and the keys that may stand there with their meanings."""

    name: str
    text: str
    keys: dict[str, str]
    schema: str = "destination"


@pytest.fixture(scope="module")
def desk(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Run the server over a folder into which `schema --write` has written."""
    modules, folder = install_modules(pytestconfig), tmp_path_factory.mktemp("project")
    assert call("schema", "--write", folder).code == 0
    with editing(["node", str(modules / SERVER), "--stdio"]) as editor:
        yield Desk(editor, folder)


def meanings(schema: JSON) -> dict[str, str]:
    """Give the described keys of a part of a JSON Schema, without those that are not to be used any more."""
    keys = cast(dict[str, dict[str, str]], cast(dict[str, JSON], schema).get("properties", {}))
    return {name: key["description"] for name, key in keys.items() if not key.get("deprecated")}


def within(action: str) -> str:
    """Begin a mapping of an action, down to its fields."""
    return HEAD + f'mappings:\n  - name: A\n    action: {action}\n    trigger: type = "page"\n'


def field_of(action: str, name: str) -> JSON:
    """Give a field's own schema."""
    return cast(dict[str, JSON], load_schema(action)["properties"])[name]


def but(key: str) -> dict[str, str]:
    """Give the keys of a mapping without one that is there already."""
    return {name: meaning for name, meaning in MAPPING_KEYS.items() if name != key}


IN_FIELDS = "    fields:\n"
MAPPING = within("attach") + IN_FIELDS + "      account: $.userId\n"
PRESET = f"{HEAD}mappings:\n  - preset: detach-on-sign-out\n    "
IN_VALUE = MAPPING + "      email:\n"
IN_TEST = MAPPING + "    tests:\n      - "
ATTACH, EVENT = meanings(load_schema("attach")), meanings(load_schema("event"))
GROUP = meanings(cast(Any, load_schema("attach"))["$defs"]["group"])
LIMITS = meanings(field_of("attach", "limit_config"))
CASES = {key.name: key.description for key in CASE_KEYS}
ALL_KEYS = {**MAPPING_KEYS, **DESTINATION_KEYS, **INCLUDED_KEYS}
ALL_SETTINGS = {**{setting.name: setting.summary for setting in SETTINGS}, "delivery": DELIVERY_SUMMARY}
ANY_VALUE = {directive.name: directive.summary for directive in DIRECTIVES}
OPTIONS = [
    Place(
        f"options of {directive.name}",
        f'{IN_VALUE}        "{directive.name}":\n          ',
        {option.name: option.summary for option in directive.options},
    )
    for directive in DIRECTIVES
    if directive.form == "named"
]
PLACES = [
    Place("an empty file", "", ALL_KEYS),
    Place("a destination file", HEAD, {key: DESTINATION_KEYS[key] for key in ("include", "mappings")}),
    Place("the settings", "destination: rupt\nsettings:\n  ", ALL_SETTINGS),
    Place("delivery", f"{HEAD}  delivery:\n    ", {setting.name: setting.summary for setting in DELIVERY}),
    Place("a mapping", f"{HEAD}mappings:\n  - ", MAPPING_KEYS),
    Place("a mapping from a preset", PRESET, but("preset")),
    Place("a file of one mapping", "action: attach\n", but("action")),
    *(Place(f"fields of {name}", f"{within(name)}{IN_FIELDS}      ", meanings(load_schema(name))) for name in ACTIONS),
    Place("fields of a preset", f"{PRESET}fields:\n      ", meanings(load_schema("detach"))),
    Place("limits", f"{MAPPING}      limit_config:\n        ", LIMITS),
    Place("a group", f"{MAPPING}      groups:\n        ", GROUP),
    Place("a group in a list", f"{MAPPING}      groups:\n        - ", GROUP),
    Place("a value", f"{IN_VALUE}        ", ANY_VALUE),
    Place("a value in an object", f"{MAPPING}      metadata:\n        plan:\n          ", ANY_VALUE),
    Place("a value in a directive", f'{IN_VALUE}        "@if":\n          then:\n            ', ANY_VALUE),
    Place("a value in a list", f'{IN_VALUE}        "@merge":\n          objects:\n            - ', ANY_VALUE),
    *OPTIONS,
    Place("a test", IN_TEST, {key.name: key.description for key in CASE_KEYS if not key.of_suites}),
    Place("an event of a test", f"{IN_TEST}event:\n          ", EVENT),
    Place("a payload of a test", f"{IN_TEST}expect:\n          ", ATTACH),
    Place("a file of tests", "", {key.name: key.description for key in SUITE_KEYS}, "tests"),
    Place("a test in a file of tests", "tests:\n  - ", CASES, "tests"),
    Place("an event in a file of tests", "tests:\n  - event:\n      ", EVENT, "tests"),
]
OFFERED_TOO = re.compile(r".*: an example|mapping: .*|test|_metadata|Settings|Mapping|Tests|@.*")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_key_is_completed(place: Place, desk: Desk) -> None:
    """At each place every registered key is offered with its meaning, and no key of another place."""
    found = {item["label"]: item for item in desk.complete(place)}
    assert place.keys
    assert list(place.keys.keys() - found.keys()) == []
    assert [key for key in place.keys if not found[key].get("documentation")] == []
    assert [label for label in found if label not in place.keys and not OFFERED_TOO.fullmatch(label)] == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_key_is_explained(place: Place, desk: Desk) -> None:
    """Over each registered key its meaning is shown."""
    for key, meaning in place.keys.items():
        assert meaning in desk.hover(place, key), key


def words_of(schema: JSON) -> dict[str, str]:
    """Give the words that a schema allows, each with its meaning where that is said."""
    words = cast(dict[str, list[str]], schema)
    return dict(zip(words["enum"], words.get("enumDescriptions", [""] * len(words["enum"])), strict=True))


VALUES = [
    *(
        Place(setting.name, f"{HEAD}  {setting.name}: ", words_of(setting.kind.schema))
        for setting in SETTINGS
        if "enum" in setting.kind.schema
    ),
    Place("action", f"{HEAD}mappings:\n  - action: ", {name: action.summary for name, action in ACTIONS.items()}),
    Place("tolerance", f"{MAPPING}      tolerance: ", words_of(field_of("attach", "tolerance"))),
    Place("type", f"{IN_TEST}event:\n          type: ", words_of(field_of("event", "type"))),
    *(
        Place(
            f"{directive.name} {option.name}",
            f'{IN_VALUE}        "{directive.name}":\n          {option.name}: ',
            dict.fromkeys(option.choices, ""),
        )
        for directive in DIRECTIVES
        for option in directive.options
        if option.choices
    ),
]


@pytest.mark.parametrize("place", VALUES, ids=lambda place: place.name)
def test_every_word_is_completed(place: Place, desk: Desk) -> None:
    """Where a key takes one of a few words, each is offered, with what it means where that is said."""
    found = {item["label"]: item for item in desk.complete(place)}
    assert list(place.keys.keys() - found.keys()) == []
    assert {key: found[key].get("documentation") for key, meaning in place.keys.items() if meaning} == {
        key: meaning for key, meaning in place.keys.items() if meaning
    }


def test_presets_are_completed(desk: Desk) -> None:
    """Each preset is offered by name, with its own description."""
    place = Place("preset", f"{HEAD}mappings:\n  - preset: ", {})
    found = {item["label"]: item.get("documentation") for item in desk.complete(place)}
    for name in preset_names():
        described = yaml.safe_load((mappings_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
        assert found[name] == described["description"]


def test_triggers_are_completed(desk: Desk) -> None:
    """Where a trigger is to stand, examples of triggers are offered."""
    found = desk.complete(Place("trigger", f"{HEAD}mappings:\n  - trigger: ", {}))
    assert 'type = "page"' in {item["insertText"] for item in found}


def filled(snippet: str) -> str:
    """Give what a snippet inserts when nothing in it is changed."""
    chosen = re.sub(r"\$\{\d+\|([^,|]*)[^}]*\|\}", r"\1", snippet)
    shown = re.sub(r"\$\{\d+:((?:[^}\\]|\\.)*)\}|\$\d+", r"\1", chosen)
    return re.sub(r"\\([$}\\])", r"\1", shown)


def write_inserted(place: Place, snippet: str, folder: Path) -> Path:
    """Write the document with a snippet inserted at the place, indented as editors do."""
    indent = " " * len(place.text.rpartition("\n")[2].replace("- ", "  ", 1))
    file = folder / "inserted.yaml"
    lines = filled(snippet).rstrip().split("\n")
    if place.text.rpartition("\n")[2].strip() == "-":  # in a list the server indents by itself
        indent = indent[:-2]
    file.write_text(place.text + f"\n{indent}".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_inserted_for_a_field_loads(action: str, desk: Desk, tmp_path: Path) -> None:
    """The example that comes with a field is right: the file loads with it."""
    required = cast(list[str], load_schema(action)["required"])
    text = within(action).replace("an-id\n", "an-id\n  api_secret: s\n")
    for item in desk.complete(Place("", f"{text}{IN_FIELDS}      ", {})):
        others = "".join(f"      {name}: $.userId\n" for name in required if name != item["label"])
        place = Place("", f"{text}{IN_FIELDS}{others}      ", {})
        if item["insertText"].strip().partition(":")[2] not in ("", " ", " $1", " ${1}"):
            assert load(write_inserted(place, item["insertText"], tmp_path), {}).mappings, item["label"]


def test_what_is_inserted_for_a_directive_loads(desk: Desk, tmp_path: Path) -> None:
    """The example that comes with a directive is right: the file loads with it."""
    place = Place("", f"{MAPPING}      metadata:\n        value:\n          ", {})
    found = {item["label"]: item["insertText"] for item in desk.complete(place)}
    for name in DIRECTIVES.names():
        assert load(write_inserted(place, found[name], tmp_path), {}).mappings, name


def test_a_whole_mapping_is_inserted(desk: Desk, tmp_path: Path) -> None:
    """In the list of mappings there is a mapping of each action, and one from a preset, and each loads."""
    place = Place("", HEAD.replace("an-id\n", "an-id\n  api_secret: s\n") + "mappings:\n  - ", {})
    found = [item for item in desk.complete(place) if item["label"].startswith("mapping: ")]
    assert [item["label"] for item in found] == [*(f"mapping: {name}" for name in ACTIONS), "mapping: preset"]
    for item in found:
        assert len(load(write_inserted(place, item["insertText"], tmp_path), {}).mappings) == 1


def test_right_files_have_no_problems(desk: Desk, tmp_path: Path) -> None:
    """Nothing is found wrong in the presets, the README's examples, what `init` writes, and what loads."""
    assert call("init", tmp_path / "rupt.yaml").code == 0
    texts = {name: (mappings_folder() / f"{name}.yaml").read_text(encoding="utf-8") for name in preset_names()}
    texts["init"] = (tmp_path / "rupt.yaml").read_text(encoding="utf-8")
    texts |= {f"readme-{block.line}": block.text for block in EXAMPLES if is_destination(block.text)}
    texts |= {f"good-{at}": text for at, text in enumerate(GOOD)}
    found = diagnose(desk, texts)
    assert {name: messages for name, messages in found.items() if messages} == {}


def test_wrong_files_have_problems(desk: Desk) -> None:
    """Something is found wrong in everything that does not load."""
    found = diagnose(desk, {f"bad-{at}": text for at, text in enumerate(BAD)})
    assert [BAD[int(name.removeprefix("bad-"))] for name, messages in found.items() if not messages] == []


def is_destination(text: str) -> bool:
    """Say whether an example is for the schema of destination files, and not a list or a file of tests."""
    value = yaml.safe_load(text)
    return isinstance(value, dict) and ("tests" not in value or not value.keys().isdisjoint({"action", "preset"}))


def diagnose(desk: Desk, texts: dict[str, str]) -> dict[str, list[str]]:
    """Ask what is wrong in documents, each with the schema of this project."""
    bodies = {name: re.sub(r"^# yaml-language-server:.*\n", "", text) for name, text in texts.items()}
    found = desk.editor.diagnose(
        {desk.folder / f"{name}.yaml": MODELINE.format("destination") + text for name, text in bodies.items()}
    )
    return {name.removesuffix(".yaml"): messages for name, messages in found.items()}
