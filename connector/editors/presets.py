"""The presets as an editor needs them: what each is for, its action, and how it fills the fields.

In: the folder of presets. Out: a Preset each. Their files are read as a destination reads them.
"""

from collections.abc import Iterator, Mapping

import msgspec

from connector.documents import Part
from connector.drafts import Files, mappings_folder, preset_names
from connector.values import JSON


class Preset(msgspec.Struct, frozen=True):
    """A preset: its name, the mapping's action, what it is for, and its fields as they are written."""

    name: str
    action: str
    description: str
    fields: Mapping[str, JSON]


def read_presets() -> tuple[Preset, ...]:
    """Read every preset that comes with the connector."""
    return tuple(_read_presets())


def _read_presets() -> Iterator[Preset]:
    files = Files({})
    for name in preset_names():
        document = files.read(str(mappings_folder() / f"{name}.yaml"))
        assert document is not None, name
        draft = files.draft(Part(document))
        fields = {key: part.value for key, part in draft.fields.items()}
        yield Preset(name, str(draft.parts["action"].value), str(draft.parts["description"].value), fields)


def written_fields(presets: tuple[Preset, ...], action: str) -> dict[str, JSON]:
    """Give each field of an action as the first preset that fills it does."""
    found: dict[str, JSON] = {}
    for preset in presets:
        if preset.action == action:
            found = {**preset.fields, **found}
    return found
