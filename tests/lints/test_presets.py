"""The presets that come with the connector are examples to follow."""

from pathlib import Path

import pytest

from connector.destination import load, preset_names
from connector.lints import inspect
from tests.lints.inspecting import HEAD


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_gives_no_warning(name: str, tmp_path: Path) -> None:
    """Nothing in a preset is warned of."""
    file = tmp_path / "rupt.yaml"
    settings = HEAD.replace("client_id:", "api_secret: s3cret-1, client_id:")
    file.write_text(f"{settings}  - {{preset: {name}}}\n", encoding="utf-8")
    assert [problem for problem in inspect(load(file, {})) if problem.severity != "note"] == []
