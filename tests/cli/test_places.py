"""Places as a person reads them."""

from pathlib import Path

import pytest

from connector.cli.places import short_file, short_place, split_place
from connector.destination import mappings_folder


def test_a_preset_is_called_by_its_name() -> None:
    """Where the connector is installed is of no interest to a reader."""
    assert short_place(f"{mappings_folder() / 'attach-device.yaml'}:7:12") == "preset attach-device.yaml:7:12"


def test_a_file_below_this_folder_is_named_from_here_on() -> None:
    """Other files keep their names."""
    assert short_file(str(Path.cwd() / "a" / "rupt.yaml")) == "a/rupt.yaml"
    assert short_file("/elsewhere/rupt.yaml") == "/elsewhere/rupt.yaml"
    assert short_file("../rupt.yaml") == "../rupt.yaml"


@pytest.mark.parametrize(
    ("location", "parts"),
    [
        ("rupt.yaml:7:12", ("rupt.yaml", ":7:12")),
        ("rupt.yaml:7", ("rupt.yaml", ":7")),
        ("rupt.yaml", ("rupt.yaml", "")),
        ("a:b.yaml:7:12", ("a:b.yaml", ":7:12")),
        ("HEAD:rupt.yaml", ("HEAD:rupt.yaml", "")),
    ],
)
def test_a_place_is_split_from_its_file(location: str, parts: tuple[str, str]) -> None:
    """A colon in the name of a file is part of the name."""
    assert split_place(location) == parts
