"""The thirteen directives of Segment's mapping language, one registration each.

Meanings are those of Segment's published runtime (mapping-kit of actions-core); where it fails on an event for a wrong
option, the mistake is found when the mapping is loaded.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from connector.errors import ResolveError
from connector.language.directives import (
    Call,
    Compiler,
    Constant,
    Directive,
    Example,
    Fields,
    Option,
    PathText,
    Register,
    TemplateText,
    is_falsy,
    read_same_path,
)
from connector.language.liquid import compile_liquid
from connector.language.paths import Resolver, code_units, compile_path
from connector.language.templates import compile_template
from connector.values import JSON, MISSING, Value, load_json, stringify, text_of

DIRECTIVES: Final = Register()

_PAGE: Final[dict[str, JSON]] = {
    "type": "page",
    "userId": "user-42",
    "name": "Home",
    "context": {"traits": {"email": "ada@example.com", "plan": None}},
    "properties": {"title": "Home page", "total": 12.50, "items": [{"id": 7, "name": "Tea"}, {"id": 8}]},
}


def _compile_path(call: Call, _: Compiler) -> Resolver:
    node = call.options["path"]
    assert isinstance(node, PathText)
    return compile_path(node.keys)


DIRECTIVES.add(
    Directive(
        "@path",
        "Reads a value from the event.",
        "bare",
        (Option("path", "path", "Keys joined by dots; `$.` in front is optional.", required=True),),
        (
            Example({"@path": "$.context.traits.email"}, _PAGE, "ada@example.com"),
            Example({"@path": "properties.items[0]['name']"}, _PAGE, "Tea", "positions and quoted keys"),
            Example({"@path": "$.properties.items.length"}, _PAGE, 2, "how long a list or text is"),
        ),
        _compile_path,
    )
)


def _compile_template(call: Call, _: Compiler) -> Resolver:
    node = call.options["template"]
    assert isinstance(node, TemplateText)
    return compile_template(node.text, node.pieces)


DIRECTIVES.add(
    Directive(
        "@template",
        "Puts values of the event into a text.",
        "bare",
        (Option("template", "template", "A text with {{paths}}; what is missing inserts nothing.", required=True),),
        (
            Example({"@template": "{{properties.title}} ({{name}})"}, _PAGE, "Home page (Home)"),
            Example({"@template": "{{properties.total}} EUR{{missing}}"}, _PAGE, "12.5 EUR", "numbers as JavaScript's"),
        ),
        _compile_template,
    )
)

DIRECTIVES.add(
    Directive(
        "@literal",
        "Takes a value as it is written; in YAML it escapes the shorthands `$.` and `{{`.",
        "bare",
        (Option("value", "value", "Any value.", required=True, role="given"),),
        (
            Example({"@literal": "$.userId"}, _PAGE, "$.userId"),
            Example({"@literal": None}, _PAGE, None),
        ),
        lambda call, compiler: compiler.same(call.options["value"]),
    )
)


def _compile_if(call: Call, compiler: Compiler) -> Resolver:
    options = call.options
    test = options.get("exists", options.get("blank"))
    assert test is not None
    then = compiler.same(options["then"]) if "then" in options else _nothing
    otherwise = compiler.same(options["else"]) if "else" in options and not is_falsy(options["else"]) else _nothing
    if "exists" in options and read_same_path(test, options.get("then")):
        return _first_present(then, otherwise)
    return _choose(compiler.same(test), if_test(call), then, otherwise)


def if_test(call: Call) -> Callable[[Value], bool]:
    """Give the test of an @if: whether it holds for what its `exists` or `blank` gave."""
    return _is_present if "exists" in call.options else _is_not_blank


def _first_present(then: Resolver, otherwise: Resolver) -> Resolver:
    def resolve(event: Value) -> Value:
        value = then(event)
        return otherwise(event) if value is None or value is MISSING else value

    return resolve


def _choose(test: Resolver, holds: Callable[[Value], bool], then: Resolver, otherwise: Resolver) -> Resolver:
    def resolve(event: Value) -> Value:
        return then(event) if holds(test(event)) else otherwise(event)

    return resolve


def _nothing(_: Value) -> Value:
    return MISSING


def _is_present(value: Value) -> bool:
    return value is not None and value is not MISSING


def _is_not_blank(value: Value) -> bool:
    """Present and, in JavaScript's loose sense, not equal to '': 0, false and lists that print as nothing are."""
    if value is None or value is MISSING or isinstance(value, str | bool | int | float):
        return bool(value)
    return isinstance(value, dict) or text_of(value) != ""


DIRECTIVES.add(
    Directive(
        "@if",
        "Takes `then` when a value is there, else `else`.",
        "named",
        (
            Option("exists", "value", "Holds when this is neither missing nor null.", truthy=True, role="test"),
            Option("blank", "value", "Holds when this is there and not '', 0 or false.", truthy=True, role="test"),
            Option("then", "value", "The value when it holds.", role="given"),
            Option("else", "value", "The value when it does not; null, false, 0 and '' count as none.", role="given"),
        ),
        (
            Example(
                {"@if": {"exists": {"@path": "$.properties.email"}, "then": "a", "else": {"@path": "$.userId"}}},
                _PAGE,
                "user-42",
            ),
            Example({"@if": {"blank": {"@path": "$.name"}, "then": "named"}}, _PAGE, "named"),
        ),
        _compile_if,
        one_of=("exists", "blank"),
    )
)


def _compile_array_path(call: Call, compiler: Compiler) -> Resolver:
    read = compiler.same(call.options["path"])
    shape = call.options.get("item")
    if not isinstance(shape, Call) and not (isinstance(shape, Fields) and shape.fields):
        return read
    resolve_item = compiler.same(shape)

    def resolve(event: Value) -> Value:
        root = read(event)
        if isinstance(root, dict):
            root = [root]
        return [resolve_item(item) for item in root] if isinstance(root, list) else root

    return compiler.finish(resolve)


DIRECTIVES.add(
    Directive(
        "@arrayPath",
        "Reads a list and gives each item a new shape; one object counts as a list of one.",
        "positional",
        (
            Option(
                "path", "path", "Where the list is; a text or a directive.", required=True, dynamic=True, role="source"
            ),
            Option("item", "value", "The shape of an item; its paths start at the item.", role="inside"),
        ),
        (
            Example(
                {"@arrayPath": ["$.properties.items", {"sku": {"@path": "$.id"}, "label": {"@path": "$.name"}}]},
                _PAGE,
                [{"sku": 7, "label": "Tea"}, {"sku": 8}],
            ),
            Example(
                {"@arrayPath": ["$.context.traits", {"mail": {"@path": "$.email"}}]},
                _PAGE,
                [{"mail": "ada@example.com"}],
            ),
        ),
        _compile_array_path,
    )
)


def _compile_case(call: Call, compiler: Compiler) -> Resolver:
    change = str.lower if _text(call, "operator") == "lower" else str.upper
    read = _compile_truthy_value(call, compiler)

    def resolve(event: Value) -> Value:
        value = read(event)
        return change(value) if isinstance(value, str) else value

    return resolve


def _compile_truthy_value(call: Call, compiler: Compiler) -> Resolver:
    """Compile the option `value`; an absent or empty one gives MISSING, as `if (opts.value)` does."""
    node = call.options.get("value")
    return _nothing if node is None or is_falsy(node) else compiler.same(node)


def _text(call: Call, option: str, default: str = "") -> str:
    node = call.options.get(option)
    return node.value if isinstance(node, Constant) and isinstance(node.value, str) else default


def _flag(call: Call, option: str, *, default: bool) -> bool:
    node = call.options.get(option)
    return node.value if isinstance(node, Constant) and isinstance(node.value, bool) else default


DIRECTIVES.add(
    Directive(
        "@case",
        "Makes a text lower or upper case; anything else stays as it is.",
        "named",
        (
            Option("operator", "choice", "Which case.", required=True, choices=("lower", "upper")),
            Option("value", "text", "The text; usually a directive.", dynamic=True, role="changed"),
        ),
        (Example({"@case": {"operator": "upper", "value": {"@path": "$.name"}}}, _PAGE, "HOME"),),
        _compile_case,
    )
)


def _compile_replace(call: Call, compiler: Compiler) -> Resolver:
    read = _compile_truthy_value(call, compiler)
    if read is _nothing:
        return _nothing
    exact = not _flag(call, "ignorecase", default=False)
    count = -1 if _flag(call, "global", default=True) else 1
    pairs = [("pattern", "replacement")] + ([("pattern2", "replacement2")] if _text(call, "pattern2") else [])
    steps = [_replacer(_text(call, find), _text(call, put), exact=exact, count=count) for find, put in pairs]

    def resolve(event: Value) -> Value:
        value = read(event)
        if isinstance(value, bool | int | float):
            value = text_of(value)
        if not isinstance(value, str):
            return ""
        for step in steps:
            value = step(value)
        return value

    return resolve


def _replacer(pattern: str, replacement: str, *, exact: bool, count: int) -> Callable[[str], str]:
    if exact and "$" not in replacement:
        return lambda text: text.replace(pattern, replacement, count)
    fold: Callable[[str], str] = (lambda text: text) if exact else _fold
    folded = fold(pattern)

    def replace(text: str) -> str:
        starts = _find(fold(text), folded, count)
        ends = [0, *(start + len(pattern) for start in starts)]
        kept = [text[end:start] for end, start in zip(ends, [*starts, len(text)], strict=True)]
        put = [_expand(replacement, text, start, start + len(pattern)) for start in starts]
        return "".join(part for pair in zip(kept, [*put, ""], strict=True) for part in pair)

    return replace


def _find(text: str, pattern: str, count: int) -> list[int]:
    starts: list[int] = []
    at = text.find(pattern)
    while at >= 0 and len(starts) != count:
        starts.append(at)
        at = text.find(pattern, at + len(pattern))
    return starts


def _fold(text: str) -> str:
    """Fold case as a JavaScript RegExp with flag `i` and without `u` does: character by character, to upper case."""
    return text.upper() if text.isascii() else "".join(map(_fold_char, text))


def _fold_char(char: str) -> str:
    upper = char.upper()
    if len(upper) != 1 or ord(char) > 0xFFFF or (ord(char) >= 128 and ord(upper) < 128):
        return char
    return upper


def _expand(replacement: str, text: str, start: int, end: int) -> str:
    """Fill in what JavaScript's String.replace knows: `$$`, `$&`, and the texts before and after the match."""
    known = {"$": "$", "&": text[start:end], "`": text[:start], "'": text[end:]}
    made, skip = [], False
    for char, following in pairwise([*replacement, ""]):
        if skip:
            skip = False
        elif char == "$" and following in known:
            made.append(known[following])
            skip = True
        else:
            made.append(char)
    return "".join(made)


DIRECTIVES.add(
    Directive(
        "@replace",
        "Replaces a literal text in a text; numbers and booleans become texts first, other values an empty text.",
        "named",
        (
            Option("pattern", "text", "What to find; not a regular expression.", required=True, longest=10, shortest=1),
            Option("replacement", "text", "What to put; `$&` is what was found.", longest=10, default=""),
            Option("pattern2", "text", "A second text to find, in the result of the first.", longest=10),
            Option("replacement2", "text", "What to put for the second.", longest=10, default=""),
            Option(
                "value",
                "text",
                "The text to work on; usually a directive.",
                required=True,
                dynamic=True,
                role="changed",
            ),
            Option("ignorecase", "flag", "Whether case does not matter.", default=False),
            Option("global", "flag", "Whether every place is replaced, or only the first.", default=True),
        ),
        (
            Example(
                {"@replace": {"pattern": " ", "replacement": "_", "value": {"@path": "$.properties.title"}}},
                _PAGE,
                "Home_page",
            ),
            Example(
                {"@replace": {"pattern": "HOME", "replacement": "[$&]", "ignorecase": True, "value": "home"}},
                _PAGE,
                "[home]",
            ),
        ),
        _compile_replace,
    )
)


def _compile_merge(call: Call, compiler: Compiler) -> Resolver:
    objects = call.options["objects"]
    resolve_objects = compiler.whole(objects)
    leftwards = _text(call, "direction") == "left"

    def resolve(event: Value) -> Value:
        found = resolve_objects(event)
        assert isinstance(found, list)
        merged: dict[str, Value] = {}
        for value in reversed(found) if leftwards else found:
            merged.update(_own_keys(value))
        return merged

    return compiler.finish(resolve)


def _own_keys(value: Value) -> dict[str, Value]:
    """Spread a value as Object.assign does: lists and texts give their items by position, other scalars nothing."""
    if isinstance(value, dict):
        return value
    items = code_units(value) if isinstance(value, str) else value if isinstance(value, list) else []
    return {str(at): item for at, item in enumerate(items)}


DIRECTIVES.add(
    Directive(
        "@merge",
        "Makes one object of several.",
        "named",
        (
            Option("objects", "objects", "The objects, or directives that give them.", required=True, role="given"),
            Option(
                "direction",
                "choice",
                "Which wins where a key stands in several: with right the last, with left the first.",
                required=True,
                choices=("left", "right"),
            ),
        ),
        (
            Example(
                {"@merge": {"objects": [{"@path": "$.context.traits"}, {"plan": "pro"}], "direction": "right"}},
                _PAGE,
                {"email": "ada@example.com", "plan": "pro"},
            ),
        ),
        _compile_merge,
    )
)


def _compile_transform(call: Call, compiler: Compiler) -> Resolver:
    apply, resolve_mapping = compiler.clean(call.options["apply"]), compiler.same(call.options["mapping"])

    def resolve(event: Value) -> Value:
        if not isinstance(event, dict):
            raise ResolveError(f"@transform works on an object, and here it was given {text_of(type(event).__name__)}")
        return resolve_mapping(apply(event))

    return compiler.finish(resolve)


DIRECTIVES.add(
    Directive(
        "@transform",
        "Makes a new object of the event with `apply`, then resolves `mapping` on that.",
        "named",
        (
            Option("apply", "object", "The new object.", required=True, role="source"),
            Option(
                "mapping",
                "object",
                "What to make of it; its paths start at the new object.",
                required=True,
                role="inside",
            ),
        ),
        (
            Example(
                {
                    "@transform": {
                        "apply": {"who": {"@path": "$.userId"}},
                        "mapping": {"@template": "user {{who}}"},
                    }
                },
                _PAGE,
                "user user-42",
            ),
        ),
        _compile_transform,
    )
)


def _compile_flatten(call: Call, compiler: Compiler) -> Resolver:
    read, separator = compiler.whole(call.options["value"]), _text(call, "separator")
    keep_lists = _flag(call, "omitArrays", default=False)

    def resolve(event: Value) -> Value:
        flat: dict[str, Value] = {}
        _flatten(read(event), "", separator, keep_lists=keep_lists, into=flat)
        return flat

    return compiler.finish(resolve)


def _flatten(value: Value, prefix: str, separator: str, *, keep_lists: bool, into: dict[str, Value]) -> None:
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list) and not keep_lists:
        pairs = [(str(at), item) for at, item in enumerate(value)]
    else:
        into[prefix] = value
        return
    for key, item in pairs:
        name = f"{prefix}{separator}{key}" if prefix else key
        _flatten(item, name, separator, keep_lists=keep_lists, into=into)


DIRECTIVES.add(
    Directive(
        "@flatten",
        "Turns an object in objects into one level, its keys joined by a separator.",
        "named",
        (
            Option("value", "value", "The object; usually a directive.", required=True, role="changed"),
            Option("separator", "text", "What joins the keys.", required=True, shortest=1),
            Option("omitArrays", "flag", "Whether lists stay lists.", default=False),
        ),
        (
            Example(
                {"@flatten": {"value": {"@path": "$.context"}, "separator": "_"}},
                _PAGE,
                {"traits_email": "ada@example.com", "traits_plan": None},
            ),
        ),
        _compile_flatten,
    )
)


def _compile_json(call: Call, compiler: Compiler) -> Resolver:
    if _text(call, "mode") == "encode":
        encoded = compiler.whole(call.options["value"])
        return lambda event: stringify(encoded(event))
    read = compiler.same(call.options["value"])

    def decode(event: Value) -> Value:
        value = read(event)
        if not isinstance(value, str):
            return value
        try:
            return load_json(value)  # type: ignore[return-value]  # JSON is a Value without MISSING; lists are invariant
        except ValueError:
            return value

    return decode


DIRECTIVES.add(
    Directive(
        "@json",
        "Writes a value as a JSON text, or reads one; a text that is not JSON stays as it is.",
        "named",
        (
            Option("value", "value", "The value or the text.", required=True, truthy=True, role="changed"),
            Option("mode", "choice", "Which way.", required=True, choices=("encode", "decode")),
        ),
        (
            Example(
                {"@json": {"value": {"@path": "$.context.traits"}, "mode": "encode"}},
                _PAGE,
                '{"email":"ada@example.com","plan":null}',
            ),
            Example({"@json": {"value": '{"a":1}', "mode": "decode"}}, _PAGE, {"a": 1}),
        ),
        _compile_json,
    )
)


def _compile_exclude_when_null(call: Call, compiler: Compiler) -> Resolver:
    read = compiler.same(call.options["value"])

    def resolve(event: Value) -> Value:
        value = read(event)
        return MISSING if value is None else _without_nulls(value)

    return resolve


def _without_nulls(value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


DIRECTIVES.add(
    Directive(
        "@excludeWhenNull",
        "Leaves a value out when it is null, and inside objects every key that is null.",
        "bare",
        (Option("value", "value", "The value; usually a directive.", required=True, role="given"),),
        (Example({"@excludeWhenNull": {"@path": "$.context.traits"}}, _PAGE, {"email": "ada@example.com"}),),
        _compile_exclude_when_null,
    )
)


def _compile_liquid(call: Call, _: Compiler) -> Resolver:
    return compile_liquid(_text(call, "template"))


DIRECTIVES.add(
    Directive(
        "@liquid",
        "Renders a Liquid template of at most 1,000 characters, without loops and without list-changing filters.",
        "bare",
        (Option("template", "liquid", "The Liquid text.", required=True, longest=1000),),
        (
            Example({"@liquid": "{{ properties.title | upcase }}"}, _PAGE, "HOME PAGE"),
            Example({"@liquid": '{% if type == "page" %}P{% else %}N{% endif %}'}, _PAGE, "P"),
        ),
        _compile_liquid,
    )
)
