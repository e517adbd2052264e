"""What a mapping is made of: the tree of nodes, and the register in which a directive is one entry.

A `Directive` holds a name, a summary, options, examples and its compiler; builtins.py registers thirteen of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, Protocol, TypeAlias

import msgspec

from connector.errors import Path
from connector.language.paths import Keys, Resolver
from connector.language.templates import Piece
from connector.values import JSON

Kind: TypeAlias = Literal["value", "text", "path", "template", "liquid", "choice", "flag", "object", "objects"]
Role: TypeAlias = Literal["given", "changed", "source", "inside", "test", "word"]


class Constant(msgspec.Struct, frozen=True):
    """A value written in the mapping itself: a text, number, boolean or null."""

    value: str | int | float | bool | None
    path: Path


class Items(msgspec.Struct, frozen=True):
    """A list, item by item."""

    items: tuple["Node", ...]
    path: Path


class Fields(msgspec.Struct, frozen=True):
    """An object, key by key."""

    fields: tuple[tuple[str, "Node"], ...]
    path: Path


class PathText(msgspec.Struct, frozen=True):
    """A path that was read at load."""

    keys: Keys
    path: Path


class TemplateText(msgspec.Struct, frozen=True):
    """A template that was read at load; `text` is its source."""

    pieces: tuple[Piece, ...]
    text: str
    path: Path


class Call(msgspec.Struct, frozen=True):
    """A directive with its options, each read at load; options that were not given are absent."""

    directive: "Directive"
    options: "Mapping[str, Node]"
    path: Path

    def having(self, *roles: Role) -> "list[Node]":
        """Give the options that play one of these roles, of those that were given."""
        names = {option.name for option in self.directive.options if option.role in roles}
        return [node for name, node in self.options.items() if name in names]


Node: TypeAlias = Constant | Items | Fields | PathText | TemplateText | Call


class Compiler(Protocol):
    """What a directive's compiler may ask for: closures of its options.

    JavaScript keeps a key whose value is `undefined` until a mapping ends, and so do we with MISSING: a @merge lets it
    override, a @flatten counts it. `whole` keeps it everywhere, `clean` (what @transform applies) drops it in objects.
    """

    def whole(self, node: Node) -> Resolver:
        """Compile a node so that MISSING stays inside objects and lists."""

    def clean(self, node: Node) -> Resolver:
        """Compile a node so that objects leave MISSING out, and lists keep it."""

    def same(self, node: Node) -> Resolver:
        """Compile a node as the directive itself was asked for."""

    def finish(self, resolve: Resolver) -> Resolver:
        """Clean what a closure gives from inside the directive, as the directive itself was asked for."""


class Option(msgspec.Struct, frozen=True):
    """One option of a directive: what may stand there, and what it does.

    `kind`: value (anything, directives too), text (a literal text), path, template, liquid, choice (one of `choices`),
    flag (true or false), object (an object or a directive), objects (a list of those). `longest` counts UTF-16 units.
    `dynamic` texts may also be a directive. `truthy` options must not be null, false, 0 or empty.

    `role`: given (the directive gives its value on, or a part of it), changed (it gives on what it makes of it), source
    (what the options inside read), inside (as given, but its paths start at an item or object of the source), test (it
    decides, and is not given on), word (how the directive works, or what it reads by itself).
    """

    name: str
    kind: Kind
    summary: str
    required: bool = False
    choices: tuple[str, ...] = ()
    longest: int | None = None
    shortest: int = 0
    dynamic: bool = False
    truthy: bool = False
    default: JSON = None
    role: Role = "word"


class Example(msgspec.Struct, frozen=True):
    """A directive at work: `mapping` resolved on `event` gives `result`. Run as a test and printed in the reference."""

    mapping: JSON
    event: dict[str, JSON]
    result: JSON
    note: str = ""


class Directive(msgspec.Struct, frozen=True):
    """One directive. `form` says how its options are written.

    bare: `{"@path": OPTION}`; named: `{"@if": {exists: OPTION, …}}`; positional: `{"@arrayPath": [OPTION, OPTION]}`.
    `one_of` names options of which exactly one must be given.
    """

    name: str
    summary: str
    form: Literal["bare", "named", "positional"]
    options: tuple[Option, ...]
    examples: tuple[Example, ...]
    compile: Callable[[Call, Compiler], Resolver]
    one_of: tuple[str, ...] = ()


class Register:
    """The directives by name, in the order of their registration."""

    def __init__(self) -> None:
        self._directives: dict[str, Directive] = {}

    def add(self, directive: Directive) -> None:
        """Register a directive. Raises ValueError when its name is taken: a mistake in our own code."""
        if directive.name in self._directives:
            raise ValueError(f"{directive.name} is registered twice")
        self._directives[directive.name] = directive

    def get(self, name: str) -> Directive | None:
        """Find a directive by its name, `@` included."""
        return self._directives.get(name)

    def names(self) -> list[str]:
        """Name all directives."""
        return list(self._directives)

    def __iter__(self) -> Iterator[Directive]:
        return iter(self._directives.values())


def children(node: Node) -> Iterable[Node]:
    """List what a node is made of, in the file's order."""
    match node:
        case Items(items):
            return items
        case Fields(fields):
            return [item for _, item in fields]
        case Call(_, options):
            return options.values()
        case _:
            return ()


def walk_nodes(node: Node) -> Iterator[Node]:
    """List a node and all below it, from the outside in, in the file's order."""
    yield node
    for child in children(node):
        yield from walk_nodes(child)


def read_same_path(one: Node | None, other: Node | None) -> bool:
    """Say whether two nodes are a @path to the same place: a value that is tested and taken is read once."""
    first, second = _path_of(one), _path_of(other)
    return first is not None and second is not None and first.keys == second.keys


def _path_of(node: Node | None) -> PathText | None:
    inner = node.options.get("path") if isinstance(node, Call) and node.directive.name == "@path" else None
    return inner if isinstance(inner, PathText) else None


def is_falsy(node: Node) -> bool:
    """Say whether JavaScript takes a written option for absent: null, false, 0 and the empty text."""
    return isinstance(node, Constant) and not node.value
