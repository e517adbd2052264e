"""The hot half of a mapping as one generated Python function: paths, templates, `@if exists` and nested objects inline.

Every other node is called as the closure it compiles to, so that a directive has one meaning in one place. What two
fields read in common (`context.traits`) is read once. Twice as fast as closures alone on an Attach Device mapping.
"""

from collections.abc import Callable
from typing import Final

from connector.language.directives import (
    Call,
    Constant,
    Fields,
    Node,
    PathText,
    TemplateText,
    is_falsy,
    read_same_path,
)
from connector.language.paths import Keys, Resolver, walk
from connector.language.templates import Placeholder, insert
from connector.values import MISSING

_DEEPEST: Final = 16  # of nested conditions; Python's own parser has a limit too
_LONGEST: Final = 32  # keys of a path and pieces of a template, for the same reason


def generate(fields: Fields, closure: Callable[[Node], Resolver]) -> Resolver:
    """Compile an object of fields into one function of the event (an object); `closure` compiles any other node."""
    writer = _Writer(closure)
    result = writer.fields(fields)
    lines = ["def resolve(e):", *writer.boxes, *writer.lines, f"    return {result}"]
    scope: dict[str, object] = {"M": MISSING, "W": walk, "S": insert, **writer.closures}
    exec(compile("\n".join(lines), "<mapping>", "exec"), scope)  # built from reprs alone, never from a mapping's text
    resolve = scope["resolve"]
    assert callable(resolve)
    return resolve


class _Writer:
    """Writes lines of Python. Names: e the event, bN what paths start at, dN an object, rN a closure, tN a value."""

    def __init__(self, closure: Callable[[Node], Resolver]) -> None:
        self.boxes: list[str] = []
        self.lines: list[str] = []
        self.closures: dict[str, object] = {}
        self._closure = closure
        self._names: dict[Keys, str] = {(): "e"}
        self._count = 0

    def fields(self, node: Fields) -> str:
        name = self._name("d")
        self.lines.append(f"    {name} = {{}}")
        for key, item in node.fields:
            self._field(f"{name}[{key!r}]", item)
        return name

    def _field(self, target: str, node: Node) -> None:
        expression, may_miss = (self.fields(node), False) if isinstance(node, Fields) else self.expression(node, 0)
        if not may_miss:
            self.lines.append(f"    {target} = {expression}")
            return
        value = self._name("t")
        self.lines += [f"    {value} = {expression}", f"    if {value} is not M: {target} = {value}"]

    def expression(self, node: Node, depth: int) -> tuple[str, bool]:
        """Write one expression; say whether its value can be MISSING."""
        match node:
            case Constant(value):
                return repr(value), False
            case Call(directive, options) if (
                directive.name == "@path"
                and isinstance(path := options["path"], PathText)
                and len(path.keys) <= _LONGEST
            ):
                return self._read(path.keys), True
            case Call(directive, options) if directive.name == "@template" and isinstance(
                template := options["template"], TemplateText
            ):
                return self._template(template) or self._call(node), False
            case Call(directive, options) if directive.name == "@if" and "exists" in options and depth < _DEEPEST:
                return self._condition(options["exists"], options.get("then"), options.get("else"), depth + 1), True
            case _:
                return self._call(node), True

    def _call(self, node: Node) -> str:
        name = self._name("r")
        self.closures[name] = self._closure(node)
        return f"{name}(e)"

    def _read(self, keys: Keys) -> str:
        if not keys:
            return "e"
        box = self._box(keys[:-1])
        return f"e.get({keys[-1]!r}, M)" if box == "e" else _step(box, keys[-1])

    def _box(self, keys: Keys) -> str:
        if keys not in self._names:
            above = self._box(keys[:-1])
            name = self._names[keys] = self._name("b")
            self.boxes.append(f"    {name} = {_step(above, keys[-1])}")
        return self._names[keys]

    def _template(self, node: TemplateText) -> str | None:
        """Write a template; None where its closure must do: it is read in two passes, or is very long."""
        if len(node.pieces) > _LONGEST or any(isinstance(piece, Placeholder) and piece.triple for piece in node.pieces):
            return None
        parts = [repr(piece) if isinstance(piece, str) else self._inserted(piece) for piece in node.pieces]
        return f"({' + '.join(parts)})" if parts else "''"

    def _inserted(self, piece: Placeholder) -> str:
        value = self._name("t")
        read = self._read(piece.keys) if len(piece.keys) <= _LONGEST else f"W(e, {piece.keys!r})"
        return f"({value} if type({value} := {read}) is str else S({value}))"

    def _condition(self, test: Node, then: Node | None, otherwise: Node | None, depth: int) -> str:
        value = self._name("t")
        holds = f"({value} := {self.expression(test, depth)[0]}) is not None and {value} is not M"
        if otherwise is not None and is_falsy(otherwise):
            otherwise = None
        taken = "M" if then is None else value if read_same_path(test, then) else self.expression(then, depth)[0]
        other = "M" if otherwise is None else self.expression(otherwise, depth)[0]
        return f"({taken} if {holds} else {other})"

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"


def _step(box: str, key: str) -> str:
    return f"({box}.get({key!r}, M) if type({box}) is dict else W({box}, ({key!r},)))"
