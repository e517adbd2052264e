"""The presets that come with the connector: each loads, says what it is for, and passes the tests inside it."""

from pathlib import Path

import pytest

from connector.destination import Destination, load, mappings_folder, preset_names
from connector.expectations import run_tests
from connector.values import JSON

HEAD = """\
destination: rupt
settings: {client_id: an-id, new_account_url: https://app.example.com/sign-up, api_secret: a-secret}
"""
PRESETS = preset_names()


def load_presets(folder: Path, *names: str) -> Destination:
    """Load a destination of nothing but presets."""
    entries = "".join(f"  - preset: {name}\n" for name in names)
    path = folder / "rupt.yaml"
    path.write_text(f"{HEAD}mappings:\n{entries}", encoding="utf-8")
    return load(path, {})


def test_the_presets() -> None:
    """These presets come with the connector."""
    assert PRESETS == [
        "attach-device",
        "attach-on-identify",
        "attach-on-screen",
        "conversions",
        "detach-on-sign-out",
        "update-user",
    ]


def test_all_presets_together(tmp_path: Path) -> None:
    """All presets fit into one destination, for their names differ."""
    assert len(load_presets(tmp_path, *PRESETS).mappings) == len(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_passes_its_tests(name: str, tmp_path: Path) -> None:
    """The tests inside a preset pass, and show at least an event that it takes and one that it does not."""
    destination = load_presets(tmp_path, name)
    (mapping,) = destination.mappings
    count, failed = run_tests(destination)
    assert [failure.problem.render() for failure in failed] == []
    assert count == len(mapping.tests)
    assert {"planned", "filtered"} <= {case.outcome for case in mapping.tests}
    assert all(case.name and not case.name.startswith("test ") for case in mapping.tests)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_described(name: str, tmp_path: Path) -> None:
    """A preset says what it is for, is on, and names its schema for editors."""
    (mapping,) = load_presets(tmp_path, name).mappings
    assert mapping.description.endswith(".")
    assert mapping.enabled
    first, _, rest = (mappings_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")
    assert first == "# yaml-language-server: $schema=../schemas/destination.schema.json"
    assert rest.startswith("description:")


def test_the_presets_can_be_included(tmp_path: Path) -> None:
    """A folder of presets can be included as it stands, each file being one mapping."""
    path = tmp_path / "rupt.yaml"
    path.write_text(f"{HEAD}include: ['{mappings_folder()}/*.yaml']\n", encoding="utf-8")
    assert len(load(path, {}).mappings) == len(PRESETS)


def test_attach_device_is_the_preset_of_segment(tmp_path: Path) -> None:
    """The fields are those of Segment's own destination: no metadata, no include_page, traits before properties."""
    (mapping,) = load_presets(tmp_path, "attach-device").mappings
    event: dict[str, JSON] = {
        "type": "page",
        "userId": "user-42",
        "context": {"traits": {"email": "context@example.com", "phone": None}},
        "properties": {"email": "properties@example.com", "phone": "+14155550100"},
    }
    assert mapping.trigger_text == 'type = "page"'
    assert mapping.resolve(event) == {"account": "user-42", "email": "context@example.com", "phone": "+14155550100"}


@pytest.mark.parametrize(
    ("event", "conversion"), [("Signed Up", "sign_up"), ("Trial Started", "trial_started"), ("Upgraded", "upgrade")]
)
def test_conversions(event: str, conversion: str, tmp_path: Path) -> None:
    """Each of the three track events is the conversion that Rupt knows."""
    (mapping,) = load_presets(tmp_path, "conversions").mappings
    data: dict[str, JSON] = {"type": "track", "event": event, "userId": "user-42"}
    assert mapping.matches(data)
    assert mapping.resolve(data) == {"account": "user-42", "event": conversion}
