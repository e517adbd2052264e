"""What of an event a mapping's fields read, each path with its place, and which values become a payload's.

In: the tree of the fields. Out: paths of the event itself; what reads inside a list's items or a transformed object is
left out.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from connector.errors import Path
from connector.language.directives import Call, Constant, Fields, Items, Node, PathText, Role, TemplateText
from connector.language.liquid import liquid_reads
from connector.language.paths import Keys
from connector.language.templates import Placeholder

_OF_THE_EVENT: Final[tuple[Role, ...]] = ("given", "changed", "source", "word")  # not what reads inside a source


class Read(msgspec.Struct, frozen=True):
    """A path that is read: its keys, the text that holds it, and where in that text it starts (None: unknown)."""

    keys: Keys
    path: Path
    start: int | None


def reads_of(node: Node, *, only_sent: bool = False) -> Iterator[Read]:
    """List the paths of the event that a tree reads; `only_sent`: not what an @if asks, which is sent to nobody."""
    match node:
        case PathText(keys, path):
            yield Read(keys, path, 0)
        case TemplateText(pieces, _, path):
            yield from (Read(piece.keys, path, piece.start) for piece in pieces if isinstance(piece, Placeholder))
        case Items(items):
            for item in items:
                yield from reads_of(item, only_sent=only_sent)
        case Fields(fields):
            for _, item in fields:
                yield from reads_of(item, only_sent=only_sent)
        case Call():
            yield from _reads_of_call(node, only_sent=only_sent)


def _reads_of_call(call: Call, *, only_sent: bool) -> Iterator[Read]:
    template = call.options.get("template")
    if call.directive.name == "@liquid" and isinstance(template, Constant):
        for keys in sorted(liquid_reads(str(template.value)) or ()):
            yield Read(keys, template.path, None)
        return
    for option in call.having(*_OF_THE_EVENT) if only_sent else call.having(*_OF_THE_EVENT, "test"):
        yield from reads_of(option, only_sent=only_sent)


def results_of(node: Node) -> Iterator[Node]:
    """List what a tree may give: itself, and of a directive the values that it gives on."""
    yield node
    if isinstance(node, Call):
        for option in node.having("given", "inside"):
            for inner in option.items if isinstance(option, Items) else (option,):
                yield from results_of(inner)


def values_of(node: Node) -> Iterator[Node]:
    """List all nodes that stand where any value may: not the words by which a directive is told what to do."""
    yield node
    match node:
        case Items(items):
            inner: Sequence[Node] = items
        case Fields(fields):
            inner = [item for _, item in fields]
        case Call(directive, options) if directive.name != "@literal":
            kinds = {option.name: option.kind for option in directive.options}
            inner = [option for name, option in options.items() if kinds[name] in ("value", "object", "objects")]
        case _:
            inner = ()
    for item in inner:
        yield from values_of(item)


def without_places(node: Node) -> object:
    """Give a tree as a value that is equal to that of any other tree which means the same text for text."""
    match node:
        case Constant(value):
            return ("constant", type(value).__name__, value)
        case PathText(keys):
            return ("path", keys)
        case TemplateText(_, text):
            return ("template", text)
        case Items(items):
            return ("items", *map(without_places, items))
        case Fields(fields):
            return ("fields", frozenset((name, without_places(item)) for name, item in fields))
        case Call(directive, options):
            return (directive.name, frozenset((name, without_places(option)) for name, option in options.items()))
