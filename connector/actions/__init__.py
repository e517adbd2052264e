"""The actions that a mapping can name: one file each, one registration each.

An action's fields, types, labels and requiredness stand in its JSON Schema alone; here stands what a valid payload
becomes on the wire. Nothing is sent from here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connector.actions.attach import ATTACH
from connector.actions.build import Action, Build, Built, Options, Unfit
from connector.actions.detach import DETACH
from connector.actions.update_user import UPDATE_USER

ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {action.name: action for action in (ATTACH, DETACH, UPDATE_USER)}
)

__all__ = ["ACTIONS", "Action", "Build", "Built", "Options", "Unfit"]
