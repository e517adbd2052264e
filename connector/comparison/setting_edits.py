"""Which settings two versions of a destination differ in, with their values as the files have them.

In: two Versions. Out: an Edit for each setting that has another value, in the order of the settings.
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from connector.comparison.versions import Edit, Place, Version
from connector.destination import Settings
from connector.documents import Part
from connector.errors import Path
from connector.settings import DELIVERY, SETTINGS, Delivery
from connector.values import dump_json

CREDENTIALS: Final = {"client_id": "client", "api_secret": "secret"}
"""The settings that authorize requests, and the kind of request that each is for."""
MADE_BY: Final = ("new_account_url", "logout_url", "device_identity")
"""The settings that actions look at."""
ADDRESS: Final = "domain"
"""The setting that says where requests go."""
_OF_DELIVERY: Final = {f"delivery.{setting.name}" for setting in DELIVERY}


def setting_edits(old: Version, new: Version) -> Iterator[Edit]:
    """Compare all settings, those of the delivery among them."""
    before, after = old.destination.settings, new.destination.settings
    values: list[tuple[str, Path]] = [(setting.name, ("settings", setting.name)) for setting in SETTINGS]
    values += [(f"delivery.{setting.name}", ("settings", "delivery", setting.name)) for setting in DELIVERY]
    for name, path in values:
        first, second = _value(before, name), _value(after, name)
        if first != second:
            yield Edit(
                "setting",
                None,
                name,
                "",
                _setting_place(old, path),
                _setting_place(new, path),
                _written(old, name, path, first),
                _written(new, name, path, second),
            )


def _value(settings: Settings, name: str) -> object:
    part: Settings | Delivery = settings.delivery if name in _OF_DELIVERY else settings
    return getattr(part, name.removeprefix("delivery."))


def _setting_place(version: Version, path: Path) -> Place | None:
    part = Part(version.document, path)
    return version.place(part, text=".".join(map(str, path[1:]))) if part.exists else None


def _written(version: Version, name: str, path: Path, value: object) -> str:
    """Print a setting's value as the file has it, its variables not filled in; of a default what it is."""
    if name in CREDENTIALS:
        return "(hidden)"
    part = Part(version.document, path)
    if not part.exists or part.value is None:
        return "(not set)" if value is None else f"{_text(value)} (default)"
    filled = version.document.variables(path)
    return filled.written if filled else _text(part.value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else dump_json(value).decode()


def without(settings: Settings, name: str, others: Settings) -> Settings:
    """Give settings with one of them as the others have it."""
    return replace(settings, **{name: getattr(others, name)})
