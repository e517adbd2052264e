"""The schemas that editors complete and explain destination files with, made of what is registered.

In: the registers of settings, keys, actions, directives, functions and presets. Out: JSON Schemas of 2020-12, with what
yaml-language-server reads beside (defaultSnippets, markdownDescription, enumDescriptions). Nothing is written.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from connector.editors.files import destination_schema, tests_schema
from connector.editors.spelling import Schema

SCHEMAS: Final[Mapping[str, Callable[[], Schema]]] = MappingProxyType(
    {"destination": destination_schema, "tests": tests_schema}
)
"""The schemas by name, each made when it is asked for: `destination` of destination files, `tests` of *_test.yaml."""

__all__ = ["SCHEMAS", "Schema", "destination_schema", "tests_schema"]
