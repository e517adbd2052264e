"""Where two trees of fields differ, and a tree with one of the differences undone.

In: the nodes of two mappings. Out: the innermost nodes that differ. Where a node stands in its file never counts.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from connector.language.directives import Call, Directive, Fields, Items, Node, walk_nodes
from connector.values import JSON, MISSING, Missing

Output: TypeAlias = tuple[str, ...]
_PLACES: Final = frozenset({"start", "end", "path"})


class Difference(msgspec.Struct, frozen=True, eq=False):
    """A part of the fields that was changed: `output` leads to what it makes in the payload, `("metadata", "plan")`.

    `old` is None where it was added, `new` where it was removed.
    """

    output: Output
    old: Node | None
    new: Node | None


def overlaps(one: Output, other: Output) -> bool:
    """Say whether one is the other or a part of it."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def value_at(value: JSON, path: Output) -> "JSON | Missing":
    """Give what stands at a place in a payload."""
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def shape(value: object) -> object:
    """Give what a node says, without where it stands: two nodes of the same shape do the same."""
    if isinstance(value, Directive):
        return value.name
    if isinstance(value, msgspec.Struct):
        names = (name for name in value.__struct_fields__ if name not in _PLACES)
        return (type(value).__name__, *(shape(getattr(value, name)) for name in names))
    if isinstance(value, tuple):
        return tuple(map(shape, value))
    if isinstance(value, dict):
        return tuple(sorted((key, shape(item)) for key, item in value.items()))
    return type(value).__name__, value  # 1, 1.0 and true are equal to Python


def differences(old: Node, new: Node) -> tuple[Difference, ...]:
    """Find the innermost parts in which two trees of fields differ. The order of a payload's keys is no difference."""
    return tuple(_in_payload(old, new, ()))


def _in_payload(old: Node, new: Node, output: Output) -> Iterator[Difference]:
    """Compare what makes a part of the payload: two objects key by key."""
    if not (isinstance(old, Fields) and isinstance(new, Fields)):
        yield from _in_value(old, new, output)
        return
    before, after = dict(old.fields), dict(new.fields)
    for key in [*after, *(key for key in before if key not in after)]:
        if key in before and key in after:
            yield from _in_payload(before[key], after[key], (*output, key))
        else:
            yield Difference((*output, key), before.get(key), after.get(key))


def _in_value(old: Node, new: Node, output: Output) -> Iterator[Difference]:
    """Compare what makes one value: as deep as both are built alike."""
    if shape(old) == shape(new):
        return
    pairs = _parts_of_both(old, new)
    found = [inner for one, other in pairs for inner in _in_value(one, other, output)]
    yield from found or [Difference(output, old, new)]


def _parts_of_both(old: Node, new: Node) -> list[tuple[Node, Node]]:
    """Pair the parts of two nodes of one make; none where they are not."""
    match old, new:
        case Call(first, given), Call(second, taken) if first.name == second.name and given.keys() == taken.keys():
            return [(given[name], taken[name]) for name in given]
        case Items(items), Items(others) if len(items) == len(others):
            return list(zip(items, others, strict=True))
        case Fields(fields), Fields(others) if [key for key, _ in fields] == [key for key, _ in others]:
            return [(one, other) for (_, one), (_, other) in zip(fields, others, strict=True)]
        case _:
            return []


def undo(tree: Node, difference: Difference) -> Node:
    """Give the new tree as it would be without one of its differences from the old one."""
    if difference.new is None:
        assert difference.old is not None
        return _with_field(tree, difference.output, difference.old)
    return _put(tree, difference.new, difference.old) or tree


def turned(difference: Difference) -> Difference:
    """Give the difference that leads the other way: undone in the old tree, it is made there."""
    return Difference(difference.output, difference.new, difference.old)


def _put(tree: Node, wanted: Node, other: Node | None) -> Node | None:
    """Put another node in the place of one, found by its identity; None takes it out of its object."""
    if tree is wanted:
        return other
    if not _holds(tree, wanted):
        return tree  # the same object: it may be wanted itself the next time
    match tree:
        case Fields(fields):
            made = ((key, _put(node, wanted, other)) for key, node in fields)
            return replace(tree, fields=tuple((key, node) for key, node in made if node is not None))
        case Items(items):
            return replace(tree, items=tuple(node for item in items if (node := _put(item, wanted, other))))
        case Call(_, options):
            changed = {name: _put(node, wanted, other) for name, node in options.items()}
            return replace(tree, options={name: node for name, node in changed.items() if node is not None})
        case _:
            return tree


def _holds(tree: Node, wanted: Node) -> bool:
    return any(node is wanted for node in walk_nodes(tree))


def _with_field(tree: Node, output: Output, node: Node) -> Node:
    """Put a field back to where it was removed from."""
    if not isinstance(tree, Fields):
        return tree
    key, *rest = output
    if not rest:
        return replace(tree, fields=(*tree.fields, (key, node)))
    below = tuple(rest)
    fields = ((name, _with_field(item, below, node) if name == key else item) for name, item in tree.fields)
    return replace(tree, fields=tuple(fields))
