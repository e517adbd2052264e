"""The part of an event that somebody reads, as a type for the JSON decoder; the rest of its text is skipped.

In: the paths that are read. Out: a type whose decoder passes ordinary events and refuses all that need a closer look.
"""

import sys
from collections.abc import Callable
from types import GenericAlias
from typing import Annotated, Final, Literal, Required, TypeAlias, TypedDict

import msgspec

Reads: TypeAlias = frozenset[tuple[str, ...]] | None
_Tree: TypeAlias = dict[str, "_Tree | None"]  # None: the whole value; an object: only these keys of it

MAX_MESSAGE_ID: Final = 99  # "under 100 characters" in Segment's limits
LEVELS: Final = 4


def projection(reads: Reads) -> type | None:
    """Make the type that decodes at least these paths of an event, or None when that is all of it.

    A decoder of it raises for an event that is not of a common type, has no messageId or timestamp, has a field of
    another type than it should, or a value nested more than LEVELS deep under a path. What is skipped is checked to be
    JSON, but not to be UTF-8.
    """
    tree = _tree_of(reads)
    if tree is None:
        return None
    fields = {key: _field(below, (key,)) for key, below in tree.items() if key not in _FIELDS}
    return _typed_dict("Projection", _FIELDS | fields, total=False)


_typed_dict: Callable[..., type] = TypedDict  # type: ignore[assignment]  # its fields are known at run time only
_FIELDS: Final[dict[str, object]] = {
    # Alias and delete are too rare to be fast.
    "type": Required[Literal["identify", "track", "page", "screen", "group"]],
    "messageId": Required[Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_MESSAGE_ID)]],
    "timestamp": Required[str],  # so that an event's other times need not be decoded
    "anonymousId": str | None,
    "userId": str | None,
    "event": str | None,
    "name": str | None,
    "groupId": str | None,
}
_OBJECT_PATHS: Final = {("properties",), ("traits",), ("context", "traits")}


def _tree_of(reads: Reads) -> _Tree | None:
    """Fold paths into one tree, which always has the objects that are checked; None when all of the event is read."""
    tree: _Tree = {"properties": {}, "traits": {}, "context": {"traits": {}}}
    for path in reads if reads is not None else {()}:
        known = _known_keys(path)
        if known in ((), ("context",)):  # a whole context cannot be typed and its traits be checked at once
            return None
        _add_path(tree, known)
    return tree


def _known_keys(path: tuple[str, ...]) -> tuple[str, ...]:
    """Cut a path before a list position or `length`: the value there may be a list or a string, and is read whole."""
    cuts = (index for index, key in enumerate(path) if index and (key == "length" or key.isdecimal()))
    return tuple(map(sys.intern, path[: next(cuts, len(path))]))  # so that keys of events are found by identity


def _add_path(tree: _Tree, path: tuple[str, ...]) -> None:
    for key in path[:-1]:
        below = tree.setdefault(key, {})
        if below is None:
            return
        tree = below
    tree[path[-1]] = None


def _field(below: _Tree | None, path: tuple[str, ...]) -> object:
    if below is None:
        return _OBJECT if path in _OBJECT_PATHS else _ANYTHING
    fields = {key: _field(deeper, (*path, key)) for key, deeper in below.items()}
    return _typed_dict("Projection", fields, total=False) | None


def _nested(levels: int) -> object:
    """Type a value of so many levels: whoever reads it meets no unlimited nesting, and no event pays for counting."""
    scalar = str | int | float | bool | None
    value: object = scalar
    for _ in range(levels):
        value = scalar | GenericAlias(list, (value,)) | GenericAlias(dict, (str, value))
    return value


_ANYTHING: Final = _nested(LEVELS)
_OBJECT: Final = GenericAlias(dict, (str, _nested(LEVELS - 1))) | None
