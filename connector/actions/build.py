"""What every action shares: its registration, what it is told of the settings, and what it gives."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from connector.rupt import Request
from connector.values import JSON

DeviceIdentity: TypeAlias = Literal["auto", "strict", "optional"]


class Options(msgspec.Struct, frozen=True):
    """What actions need to know of the settings: whether the redirect URLs are set, and how to name devices."""

    new_account: bool = False
    logout: bool = False
    device_identity: DeviceIdentity = "auto"


class Built(msgspec.Struct, frozen=True, gc=False):
    """A request ready to be sent, with what had to be left out of it; without warnings the request alone is given."""

    request: Request
    warnings: tuple[str, ...]


class Unfit(msgspec.Struct, frozen=True):
    """A valid payload from which no request may be made; the event is skipped with this reason."""

    reason: str


Build: TypeAlias = Callable[[dict[str, JSON], dict[str, JSON]], Request | Built | Unfit]


class Action(msgspec.Struct, frozen=True):
    """One action: its name in YAML and among the schemas, what it does, and its compiler.

    `compile(options, mapped)` gives a function from a valid payload and its event to a request; a payload has no other
    fields than those `mapped`. `reads` are the event paths it looks at beside the mapping. `needs_secret` tells that it
    works with the API secret only.
    """

    name: str
    summary: str
    reads: frozenset[tuple[str, ...]]
    compile: Callable[[Options, frozenset[str]], Build]
    needs_secret: bool = False
