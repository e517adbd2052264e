"""Mappings: a tree of plain values becomes a frozen tree of nodes, and that becomes one closure.

`parse_mapping` finds every fault of a mapping at once; `compile_mapping` gives a function from event to payload that
changes neither. Nothing is parsed, looked up by name or checked on an event.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, cast

import msgspec

from connector.errors import Fault, LanguageError, Path, closest, nearest
from connector.language.builtins import DIRECTIVES
from connector.language.directives import (
    Call,
    Constant,
    Directive,
    Fields,
    Items,
    Node,
    Option,
    PathText,
    TemplateText,
)
from connector.language.generator import generate
from connector.language.liquid import compile_liquid, liquid_reads
from connector.language.paths import Keys, Resolver, compile_path, parse_path
from connector.language.templates import Placeholder, compile_template, parse_template
from connector.values import JSON, MISSING, Value, type_name, utf16_length

DEEPEST: Final = 100
_METADATA: Final = "_metadata"  # Segment's web form keeps notes of its own under this key


def parse_mapping(value: JSON, *, shorthands: bool = False) -> Node:
    """Read a mapping, its directives and their options. Raises LanguageError with all faults.

    With `shorthands` a text that starts with `$.` is a @path and a text with `{{` is a @template (in YAML only).
    """
    parser = _Parser(shorthands=shorthands)
    node = parser.value(value, ())
    if parser.faults:
        raise LanguageError(*parser.faults)
    return node


class _Parser:
    """Collects faults while it reads a tree; a faulty part becomes a null."""

    def __init__(self, *, shorthands: bool) -> None:
        self.faults: list[Fault] = []
        self._shorthands = shorthands

    def fault(self, code: str, message: str, help: str, path: Path, *, end: int = 0, instead: str = "") -> Node:
        self.faults.append(Fault(code, message, help, path, 0, end, instead or None))
        return Constant(None, path)

    def value(self, value: JSON, path: Path, *, shorthands: bool = True) -> Node:
        if len(path) > DEEPEST:
            return self.fault("too_deep", f"more than {DEEPEST} levels", "write a flatter mapping", path)
        match value:
            case dict() if any(key.startswith("@") for key in value):
                return self.call(value, path)
            case dict():
                return Fields(
                    tuple((key, self.value(item, (*path, key), shorthands=shorthands)) for key, item in value.items()),
                    path,
                )
            case list():
                return Items(
                    tuple(self.value(item, (*path, at), shorthands=shorthands) for at, item in enumerate(value)), path
                )
            case str() if shorthands and self._shorthands:
                return self.shorthand(value, path)
            case _:
                return Constant(value, path)

    def shorthand(self, text: str, path: Path) -> Node:
        if text.startswith("$."):
            name, option = "@path", "path"
        elif "{{" in text:
            name, option = "@template", "template"
        else:
            return Constant(text, path)
        directive = DIRECTIVES.get(name)
        assert directive is not None
        return Call(directive, {option: self.text(directive.options[0], text, path)}, path)

    def call(self, value: dict[str, JSON], path: Path) -> Node:
        names = [key for key in value if key.startswith("@")]
        others = [key for key in value if not key.startswith("@") and key != _METADATA]
        if len(names) > 1 or others:
            beside = ", ".join([*names[1:], *others])
            return self.fault(
                "directive_not_alone",
                f"{names[0]} must be the only key, beside it stands {beside}",
                "nest them, or merge with @merge",
                path,
            )
        directive = DIRECTIVES.get(names[0])
        if directive is None:
            help = closest(names[0], DIRECTIVES.names()) or f"known are {', '.join(DIRECTIVES.names())}"
            near = nearest(names[0], DIRECTIVES.names())
            return self.fault("unknown_directive", f"there is no directive {names[0]}", help, path, instead=near)
        options = self.options(directive, value[names[0]], (*path, names[0]))
        return Call(directive, options, path)

    def options(self, directive: Directive, value: JSON, path: Path) -> dict[str, Node]:
        given = self.given(directive, value, path)
        if given is None:
            return {}
        for option in directive.options:
            if option.required and option.name not in given:
                self.missing(directive, option.name, path)
        if directive.one_of and sum(name in given for name in directive.one_of) != 1:
            names = " or ".join(directive.one_of)
            self.fault(
                "missing_option", f"{directive.name} takes exactly one of {names}", f"write one of {names}", path
            )
        known = {option.name: option for option in directive.options}
        return {
            name: self.option(directive, known[name], item, at)
            for name, (item, at) in given.items()
            if name in known and not (item is None and known[name].kind == "text" and known[name].default is not None)
        }

    def missing(self, directive: Directive, name: str, path: Path) -> None:
        self.fault("missing_option", f"{directive.name} needs {name!r}", _form(directive), path)

    def given(self, directive: Directive, value: JSON, path: Path) -> dict[str, tuple[JSON, Path]] | None:
        """Pair each option with its value and place, however the directive writes them."""
        if directive.form == "bare":
            return {directive.options[0].name: (value, path)}
        if directive.form == "positional":
            if not isinstance(value, list) or len(value) > len(directive.options):
                self.fault("wrong_form", f"{directive.name} takes a list, not {_a(value)}", _form(directive), path)
                return None
            return {
                option.name: (item, (*path, at))
                for at, (option, item) in enumerate(zip(directive.options, value, strict=False))
            }
        if not isinstance(value, dict) or any(key.startswith("@") for key in value):
            found = "a directive" if isinstance(value, dict) else _a(value)
            self.fault("wrong_form", f"{directive.name} takes an object, not {found}", _form(directive), path)
            return None
        names = [option.name for option in directive.options]
        for key in value:
            if key not in names:
                help = closest(key, names) or f"it takes {', '.join(names)}"
                message, near = f"{directive.name} has no option {key!r}", nearest(key, names)
                self.fault("unknown_option", message, help, (*path, key), instead=near)
        return {key: (item, (*path, key)) for key, item in value.items()}

    def option(self, directive: Directive, option: Option, value: JSON, path: Path) -> Node:
        what = f"{option.name!r} of {directive.name}" if directive.form != "bare" else directive.name
        is_directive = isinstance(value, dict) and any(key.startswith("@") for key in value)
        if is_directive and (option.dynamic or option.kind in ("value", "object")):
            return self.value(value, path)
        if option.truthy and not value and not isinstance(value, dict | list):
            return self.fault("empty_option", f"{what} must not be empty, null, false or 0", option.summary, path)
        match option.kind:
            case "value":
                return self.value(value, path, shorthands=directive.name != "@literal")
            case "text" | "choice" | "path" | "template" | "liquid":
                return self.checked_text(what, option, value, path)
            case "flag":
                if isinstance(value, bool):
                    return Constant(value, path)
                return self.fault(
                    "wrong_option", f"{what} must be true or false, not {_a(value)}", option.summary, path
                )
            case "object":
                return self.object(what, option, value, path)
            case "objects":
                return self.objects(what, option, value, path)

    def object(self, what: str, option: Option, value: JSON, path: Path) -> Node:
        shorthand = isinstance(value, str) and self._shorthands and (value.startswith("$.") or "{{" in value)
        if isinstance(value, dict) or shorthand:
            return self.value(value, path)
        return self.fault(
            "wrong_option", f"{what} must be an object or a directive, not {_a(value)}", option.summary, path
        )

    def objects(self, what: str, option: Option, value: JSON, path: Path) -> Node:
        if isinstance(value, list):
            return Items(
                tuple(self.object(f"an item of {what}", option, item, (*path, at)) for at, item in enumerate(value)),
                path,
            )
        return self.fault("wrong_option", f"{what} must be a list of objects, not {_a(value)}", option.summary, path)

    def checked_text(self, what: str, option: Option, value: JSON, path: Path) -> Node:
        wanted = "a text or a directive" if option.dynamic else "a text"
        if not isinstance(value, str):
            return self.fault("wrong_option", f"{what} must be {wanted}, not {_a(value)}", option.summary, path)
        if option.choices and value not in option.choices:
            help = closest(value, option.choices) or f"write {' or '.join(option.choices)}"
            message, near = (
                f"{what} must be {' or '.join(option.choices)}, not {value!r}",
                nearest(value, option.choices),
            )
            return self.fault("wrong_option", message, help, path, end=len(value), instead=near)
        length = utf16_length(value)
        if option.longest is not None and length > option.longest:
            message = f"{what} has {length} characters, at most {option.longest} are allowed"
            return self.fault("too_long", message, "write a shorter text", path, end=len(value))
        if length < option.shortest:
            return self.fault("empty_option", f"{what} must not be empty", option.summary, path)
        return self.text(option, value, path)

    def text(self, option: Option, value: str, path: Path) -> Node:
        try:
            match option.kind:
                case "path":
                    return PathText(parse_path(value), path)
                case "template":
                    return TemplateText(parse_template(value), value, path)
                case "liquid":
                    compile_liquid(value)
                    return Constant(value, path)
                case _ if option.dynamic and self._shorthands:
                    return self.shorthand(value, path)
                case _:
                    return Constant(value, path)
        except LanguageError as error:
            self.faults += [fault.under(*path) for fault in error.faults]
            return Constant(None, path)


def _form(directive: Directive) -> str:
    names = ", ".join(f"{option.name}{'' if option.required else '?'}" for option in directive.options)
    brackets = {"bare": "{}", "named": "{{{}}}", "positional": "[{}]"}[directive.form]
    return f"write {{{directive.name}: {brackets.format(names)}}}"


def _a(value: JSON) -> str:
    name = type_name(value)
    return name if name == "null" else f"an {name}" if name[0] in "aeiou" else f"a {name}"


def compile_mapping(node: Node) -> Callable[[dict[str, JSON]], dict[str, JSON]]:
    """Compile a mapping into a function from event to payload; what is missing is left out, in lists it is null.

    The function raises ResolveError for an event on which a @transform or @liquid cannot work. A mapping that is one
    directive may give any value, MISSING included.
    """
    resolve = generate(node, _FINAL.same) if isinstance(node, Fields) else _FINAL.same(node)
    return cast("Callable[[dict[str, JSON]], dict[str, JSON]]", resolve)


class Closures(msgspec.Struct, frozen=True):
    """Compiles nodes. `drops`: objects leave MISSING out as they are made. `nulls`: lists have null in its place.

    All that a node is made of goes through `same`: who overrides it sees every node at work.
    """

    drops: bool
    nulls: bool

    def whole(self, node: Node) -> Resolver:
        """As Compiler says."""
        return _WHOLE.same(node)

    def clean(self, node: Node) -> Resolver:
        """As Compiler says."""
        return _CLEAN.same(node)

    def finish(self, resolve: Resolver) -> Resolver:
        """As Compiler says."""
        if not self.drops:
            return resolve
        nulls = self.nulls
        return lambda event: _without_missing(resolve(event), nulls=nulls)

    def same(self, node: Node) -> Resolver:
        """Compile a node as this one compiles."""
        match node:
            case Constant(value):
                return lambda _: value
            case PathText(keys):
                return compile_path(keys)
            case TemplateText(pieces, text):
                return compile_template(text, pieces)
            case Call(directive):
                return directive.compile(node, self)
            case Items(items):
                return self._items([self.same(item) for item in items])
            case Fields(fields):
                return self._fields([(key, self.same(item)) for key, item in fields])

    def _items(self, makers: list[Resolver]) -> Resolver:
        if not self.nulls:
            return lambda event: [make(event) for make in makers]
        return lambda event: [None if (value := make(event)) is MISSING else value for make in makers]

    def _fields(self, makers: list[tuple[str, Resolver]]) -> Resolver:
        if not self.drops:
            return lambda event: {key: make(event) for key, make in makers}
        return lambda event: {key: value for key, make in makers if (value := make(event)) is not MISSING}


_WHOLE: Final = Closures(drops=False, nulls=False)
_CLEAN: Final = Closures(drops=True, nulls=False)
_FINAL: Final = Closures(drops=True, nulls=True)


def _without_missing(value: Value, *, nulls: bool) -> Value:
    if isinstance(value, dict):
        return {key: _without_missing(item, nulls=nulls) for key, item in value.items() if item is not MISSING}
    if isinstance(value, list):
        items = [_without_missing(item, nulls=nulls) for item in value]
        return [None if item is MISSING else item for item in items] if nulls else items
    return value


def mapping_reads(node: Node) -> frozenset[Keys] | None:
    """Name every path of the event that a mapping can read; None when it may read anything."""
    found = list(_reads(node))
    return None if any(keys is None or keys == () for keys in found) else frozenset(keys for keys in found if keys)


def _reads(node: Node) -> Iterator[Keys | None]:
    match node:
        case PathText(keys):
            yield keys
        case TemplateText(pieces):
            yield from (None if piece.triple else piece.keys for piece in pieces if isinstance(piece, Placeholder))
        case Items(items):
            yield from _read_by_all(items)
        case Fields(fields):
            yield from _read_by_all(item for _, item in fields)
        case Call():
            yield from _read_by_call(node)


def _read_by_all(nodes: Iterable[Node]) -> Iterator[Keys | None]:
    for node in nodes:
        yield from _reads(node)


def _read_by_call(call: Call) -> Iterator[Keys | None]:
    """Read what a directive reads of the event; what stands inside a source reads that, and not the event."""
    if call.directive.name == "@liquid":
        template = call.options["template"]
        assert isinstance(template, Constant)
        found = liquid_reads(str(template.value))
        yield from [None] if found is None else found
        return
    yield from _read_by_all(call.having("given", "changed", "source", "test", "word"))
