"""A mapping at work on one event: what each of its nodes gave, on the way through which branches.

In: a tree, then an event's data. Out: steps that form the part of the tree that was worked through. The closures at
work are the real ones, each with an ear at its door; so a trace is slow, and says what happens.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from connector.errors import Path, ResolveError
from connector.language.builtins import if_test
from connector.language.compiler import Closures
from connector.language.directives import (
    Call,
    Constant,
    Fields,
    Items,
    Node,
    PathText,
    TemplateText,
    is_falsy,
    walk_nodes,
)
from connector.language.paths import Keys, Resolver, quote_keys
from connector.values import JSON, MISSING, Value, dump_json

Written: TypeAlias = Callable[[Path], str | None]
_LONGEST: Final = 60  # characters of a text in a description


class Step(msgspec.Struct, frozen=True):
    """One node at work: `value` is what it gave, MISSING where nothing.

    `branch` is of an @if `then`, `else`, or `none` where it did not hold and has no else; of a @case `text`, or `other`
    for what has no case. `steps` are what was resolved on the way, in order; of an @if the test and the branch taken,
    once where they are the same path. `inner`: its paths start at a list's item or at what @transform has made.
    """

    node: Node
    value: Value
    branch: str
    steps: tuple["Step", ...]
    inner: bool

    def __repr__(self) -> str:
        return f"Step({self.node.path!r}, {self.branch!r})"  # the value is a person's


class Traced(msgspec.Struct, frozen=True):
    """What a mapping made of an event: the payload (None after an error), and a step for each field of the mapping."""

    payload: dict[str, JSON] | None
    steps: tuple[Step, ...]
    error: str = ""

    def __repr__(self) -> str:
        return f"Traced({self.steps!r}, {self.error!r})"


class _Ear(Closures, frozen=True):
    """Compiles as Closures do, and hears of every node at work; `heard` has a list for each that is not done yet."""

    heard: list[list[Step]]
    inner: frozenset[int]

    def whole(self, node: Node) -> Resolver:
        return msgspec.structs.replace(self, drops=False, nulls=False).same(node)

    def clean(self, node: Node) -> Resolver:
        return msgspec.structs.replace(self, drops=True, nulls=False).same(node)

    def same(self, node: Node) -> Resolver:
        resolve, heard, inner = super().same(node), self.heard, id(node) in self.inner

        def listen(event: Value) -> Value:
            value: Value = MISSING
            heard.append([])
            try:
                value = resolve(event)
            finally:
                steps = tuple(heard.pop())
                heard[-1].append(Step(node, value, _branch(node, steps), steps, inner))
            return value

        return listen


def compile_trace(node: Node) -> Callable[[dict[str, JSON]], Traced]:
    """Compile a mapping into a function from an event's data to what every node of it did.

    Its payload is the one of `compile_mapping`. The function never raises, and must not be called in two threads.
    """
    heard: list[list[Step]] = [[]]
    resolve = _Ear(drops=True, nulls=True, heard=heard, inner=frozenset(map(id, _inner_nodes(node)))).same(node)

    def trace(event: dict[str, JSON]) -> Traced:
        error = ""
        payload: Value = None
        try:
            payload = resolve(event)  # type: ignore[arg-type]  # JSON is a Value without MISSING; dicts are invariant
        except ResolveError as fault:
            error = str(fault)
        (root,) = heard[0]
        heard[:] = [[]]
        steps = root.steps if isinstance(node, Fields) else (root,)
        return Traced(payload, steps, error)  # type: ignore[arg-type]  # as compile_mapping: an object

    return trace


def _branch(node: Node, steps: tuple[Step, ...]) -> str:
    if not isinstance(node, Call) or not steps:
        return "other" if isinstance(node, Call) and node.directive.name == "@case" else ""
    if node.directive.name == "@case":
        return "text" if isinstance(steps[0].value, str) else "other"
    if node.directive.name != "@if":
        return ""
    if if_test(node)(steps[0].value):
        return "then"
    return _otherwise(node)


def _otherwise(node: Call) -> str:
    otherwise = node.options.get("else")
    return "none" if otherwise is None or is_falsy(otherwise) else "else"


def branches(node: Node) -> tuple[tuple[Node, str], ...]:
    """List every node that has branches with each branch that a trace can show, in the file's order."""
    found: list[tuple[Node, str]] = []
    for inner in walk_nodes(node):
        if isinstance(inner, Call) and inner.directive.name == "@if":
            found += [(inner, "then"), (inner, _otherwise(inner))]
        elif isinstance(inner, Call) and inner.directive.name == "@case":
            found += [(inner, "text"), (inner, "other")]
    return tuple(found)


def walk_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """List steps and all below them, from the outside in, in the order of the work."""
    for step in steps:
        yield step
        yield from walk_steps(step.steps)


def _inner_nodes(node: Node) -> Iterator[Node]:
    for child in walk_nodes(node):
        if isinstance(child, Call):
            for inner in child.having("inside"):
                yield from walk_nodes(inner)


def describe(node: Node, written: Written = lambda _: None) -> str:
    """Write a node in one line, as short as it can be: `$.context.traits.email`, `@case lower`, `"{{a}} b"`.

    `written` gives what the file has at a path where that is not what was read: `${NAME}`.
    """
    match node:
        case Constant(value, path):
            return _cut(dump_json(value if (text := written(path)) is None else text).decode())
        case PathText(keys, path):
            return written(path) or describe_path(keys)
        case TemplateText(_, text, path):
            return _cut(dump_json(written(path) or text).decode())
        case Fields(fields):
            return _cut(f"{{{', '.join(key for key, _ in fields)}}}")
        case Items(items):
            return f"a list of {len(items)}"
        case Call(directive, options):
            return _describe_call(directive.name, options, written)


def describe_path(keys: Keys) -> str:
    """Write keys as a mapping does: `$.context.traits.email`; the whole event is `$.`."""
    return f"$.{quote_keys(keys)}"


def _describe_call(name: str, options: Mapping[str, Node], written: Written) -> str:
    match name:
        case "@path" | "@template" | "@literal" | "@excludeWhenNull":
            inner = describe(next(iter(options.values())), written)
            return inner if name in ("@path", "@template") else f"{name} {inner}"
        case "@if":
            test = "exists" if "exists" in options else "blank"
            return f"@if {test} {describe(options[test], written)}"
        case "@liquid":
            return f"@liquid {describe(options['template'], written)}"
        case "@case":
            return f"@case {_word(options['operator'], written)}"
        case "@replace":
            return f"@replace {describe(options['pattern'], written)}"
        case "@json":
            return f"@json {_word(options['mode'], written)}"
        case "@arrayPath":
            return f"@arrayPath {describe(options['path'], written)}"
        case _:
            return name


def _word(node: Node, written: Written) -> str:
    return written(node.path) or str(node.value) if isinstance(node, Constant) else describe(node, written)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
