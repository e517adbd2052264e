"""The part of the editors' schema that describes the settings of a destination file.

In: the registered settings. Out: a definition of JSON Schema, with the defaults that hold.
"""

from collections.abc import Iterable
from typing import Final, cast

from connector.editors.spelling import Schema, title_of
from connector.settings import DELIVERY, DELIVERY_SUMMARY, SETTINGS, Delivery, Setting, Settings
from connector.values import JSON

_UNITS: Final = ((3_600.0, "h"), (60.0, "m"), (1.0, "s"))
_VARIABLE: Final[Schema] = {"$ref": "#/$defs/variable"}
_NOTHING: Final[Schema] = {"$ref": "#/$defs/nothing"}


def settings_definition(description: str) -> Schema:
    """Make the definition of `settings`."""
    delivery: Schema = {
        "title": title_of("delivery"),
        "description": DELIVERY_SUMMARY,
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": _properties(DELIVERY, Delivery()),
    }
    return {
        "title": "Settings",
        "description": description,
        "type": "object",
        "required": [setting.name for setting in SETTINGS if setting.required],
        "additionalProperties": False,
        "properties": {**_properties(SETTINGS, Settings("", "")), "delivery": delivery},
    }


def _properties(settings: Iterable[Setting], defaults: Settings | Delivery) -> Schema:
    return {setting.name: _property(setting, getattr(defaults, setting.name)) for setting in settings}


def _property(setting: Setting, default: object) -> Schema:
    kind = setting.kind
    summary = f"{setting.summary} {kind.note}".strip()
    shapes = cast(list[JSON], kind.schema["anyOf"]) if "anyOf" in kind.schema else [kind.schema]
    others = [_VARIABLE] if setting.required else [_VARIABLE, _NOTHING]
    found: Schema = {"title": title_of(setting.name), "description": summary, "anyOf": [*shapes, *others]}
    if default not in (None, "", ()):
        said = _spelled(default) if "string" in kind.types and isinstance(default, float) else cast(JSON, default)
        text = str(said).lower() if isinstance(said, bool) else said
        found |= {"default": said, "markdownDescription": f"{summary}\n\nWithout it: `{text}`."}
    if setting.examples:
        found["examples"] = [*setting.examples]
    return found


def _spelled(seconds: float) -> str:
    """Write a duration as people do: 14,400 seconds are 4h."""
    unit, name = next((unit, name) for unit, name in _UNITS if seconds % unit == 0)
    return f"{int(seconds // unit)}{name}"
