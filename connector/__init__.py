"""A self-hosted, Segment-style destination for Rupt; its public API is ten names, each loaded when it is asked for.

`load` a destination file; or compile a mapping and a trigger alone with `parse_mapping`, `compile_mapping`,
`parse_trigger` and `compile_trigger`; read events with `event_reader`; find an event's mappings with `Routes`; make its
requests with `compile_plan`; every error is a `ConnectorError`, and text or trees that do not compile are a
`LanguageError`.
"""

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector.destination import load
    from connector.errors import ConnectorError, LanguageError
    from connector.events import event_reader
    from connector.language.compiler import compile_mapping, parse_mapping
    from connector.language.triggers import compile_trigger, parse_trigger
    from connector.pipeline import compile_plan
    from connector.routes import Routes

__all__ = [
    "ConnectorError",
    "LanguageError",
    "Routes",
    "compile_mapping",
    "compile_plan",
    "compile_trigger",
    "event_reader",
    "load",
    "parse_mapping",
    "parse_trigger",
]

_HOMES: Final = {
    "ConnectorError": "connector.errors",
    "LanguageError": "connector.errors",
    "Routes": "connector.routes",
    "compile_mapping": "connector.language.compiler",
    "compile_plan": "connector.pipeline",
    "compile_trigger": "connector.language.triggers",
    "event_reader": "connector.events",
    "load": "connector.destination",
    "parse_mapping": "connector.language.compiler",
    "parse_trigger": "connector.language.triggers",
}


def __getattr__(name: str) -> object:
    """Load a name from its module when it is first asked for: importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
