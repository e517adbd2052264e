"""Expressions of `@liquid`: python-liquid's trees to closures, with the operators and filters of liquidjs 10.27.2.

Filters are looked up and their arguments counted here, once.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from liquid.builtin.expressions import Filter, FilteredExpression, Nil, Path, PositionalArgument, StringLiteral
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, Literal, RangeLiteral
from liquid.expression import Expression

from connector.errors import closest
from connector.language.liquid.filters import DISABLED_FILTERS, FILTERS, UNREPEATABLE_FILTERS
from connector.language.liquid.rendering import Build, Read, Rendering, weigh
from connector.language.liquid.values import (
    BLANK,
    EMPTY,
    NIL,
    contains,
    is_equal,
    is_true,
    order,
    read_member,
    to_number,
)
from connector.values import Value, text_of


def compile_value(expression: Expression, build: Build) -> Read:
    """Compile an expression into a function that reads its value; faults and reads go into `build`."""
    match expression:
        case FilteredExpression():
            return _compile_filtered(expression, build)
        case Path():
            return _compile_path(expression, build)
        case Nil() | Empty() | Blank():
            word = NIL if isinstance(expression, Nil) else EMPTY if isinstance(expression, Empty) else BLANK
            return lambda _: word
        case Literal(value=value):
            return lambda _: value
        case RangeLiteral():
            return _compile_range(expression, build)
        case LogicalNotExpression():
            return _compile_not(expression, build)
        case _:
            return _compile_operator(expression, build)


def _compile_path(path: Path, build: Build) -> Read:
    head, *rest = path.path
    _note_reads(path, build)
    if isinstance(head, Path) or any(isinstance(key, Path) for key in rest):
        return _compile_dynamic_path(path, build)
    name, keys = str(head), [key for key in rest if not isinstance(key, Path)]

    def read(rendering: Rendering) -> Value:
        value = rendering.read(name)
        for key in keys:
            value = read_member(value, key)
        return value

    return read


def _compile_dynamic_path(path: Path, build: Build) -> Read:
    keys = [_compile_path(key, build) if isinstance(key, Path) else _constant(key) for key in path.path]

    def read(rendering: Rendering) -> Value:
        value = rendering.read(text_of(keys[0](rendering)))
        for key in keys[1:]:
            value = read_member(value, key(rendering))
        return value

    return read


def _constant(value: Value) -> Read:
    return lambda _: value


_COMPUTED: Final = frozenset({"size", "first", "last", "length"})


def _note_reads(path: Path, build: Build) -> None:
    """Note the part of a path that names keys; what is counted or taken by position needs all above it."""
    keys: list[str] = []
    for key in path.path:
        if not isinstance(key, str) or ((key in _COMPUTED or key.isdecimal()) and keys):
            break
        keys.append(key)
    if keys:
        build.reads.add(tuple(keys))
    else:
        build.reads_known = False


def _compile_range(expression: RangeLiteral, build: Build) -> Read:
    start, stop = compile_value(expression.start, build), compile_value(expression.stop, build)

    def read(rendering: Rendering) -> Value:
        low, count = to_number(start(rendering)), to_number(stop(rendering)) - to_number(start(rendering)) + 1
        rendering.spend(max(0, count))
        return [low + at for at in range(math.ceil(count))] if count > 0 else []

    return read


_TESTS: Final[dict[type[Expression], Callable[[Value, Value], bool]]] = {
    EqExpression: is_equal,
    NeExpression: lambda left, right: not is_equal(left, right),
    LtExpression: lambda left, right: order(left, right) == -1,
    LeExpression: lambda left, right: order(left, right) in (-1, 0),
    GtExpression: lambda left, right: order(left, right) == 1,
    GeExpression: lambda left, right: order(left, right) in (0, 1),
    ContainsExpression: contains,
    LogicalAndExpression: lambda left, right: is_true(left) and is_true(right),
    LogicalOrExpression: lambda left, right: is_true(left) or is_true(right),
}


def _compile_operator(expression: Expression, build: Build) -> Read:
    test, (left, right) = _TESTS[type(expression)], _compile_all(expression.children(), build)
    return lambda rendering: test(left(rendering), right(rendering))


def _compile_all(expressions: Iterable[Expression], build: Build) -> list[Read]:
    return [compile_value(expression, build) for expression in expressions]


def _compile_not(expression: LogicalNotExpression, build: Build) -> Read:
    """Compile `not`, which binds tighter than `and` and `or` in liquidjs and looser than them in python-liquid."""
    right = expression.right
    if isinstance(right, LogicalNotExpression):
        right = _bind_not(right)
    if isinstance(right, LogicalAndExpression | LogicalOrExpression):
        return compile_value(_bind_not(expression), build)
    read = compile_value(right, build)
    return lambda rendering: not is_true(read(rendering))


def _bind_not(expression: LogicalNotExpression) -> Expression:
    right = expression.right
    if isinstance(right, LogicalNotExpression):
        right = _bind_not(right)
    if isinstance(right, LogicalAndExpression | LogicalOrExpression):
        return type(right)(right.token, LogicalNotExpression(expression.token, right.left), right.right)
    return LogicalNotExpression(expression.token, right)


# Filters.

_Apply: TypeAlias = Callable[[Rendering, Value], Value]


def _compile_filtered(expression: FilteredExpression, build: Build) -> Read:
    filters = expression.filters or []
    _refuse_present_time(expression.left, filters, build)
    read, steps = compile_value(expression.left, build), [_compile_filter(filter, build) for filter in filters]
    if not steps:
        return read

    def apply(rendering: Rendering) -> Value:
        value = read(rendering)
        for step in steps:
            value = step(rendering, value)
            rendering.spend(weigh(value))
        return value

    return apply


def _compile_filter(filter: Filter, build: Build) -> _Apply:
    function = FILTERS.get(filter.name)
    if function is None:
        _refuse_filter(filter, build)
        return lambda _, value: value
    _check_arguments(filter, function, build)
    arguments = [compile_value(a.value, build) for a in filter.args if isinstance(a, PositionalArgument)]
    named = {a.name: compile_value(a.value, build) for a in filter.args if not isinstance(a, PositionalArgument)}
    if named:
        return lambda rendering, value: function(
            value, *[read(rendering) for read in arguments], **{name: read(rendering) for name, read in named.items()}
        )
    if len(arguments) == 1:
        (argument,) = arguments
        return lambda rendering, value: function(value, argument(rendering))
    return lambda rendering, value: function(value, *[read(rendering) for read in arguments])


def _refuse_filter(filter: Filter, build: Build) -> None:
    name = filter.name
    if name in DISABLED_FILTERS:
        help = "use a directive of the mapping, or a filter on a single value"
        build.fault("liquid_disabled_filter", f"the filter {name!r} is disabled", help, filter.token)
    elif name in UNREPEATABLE_FILTERS:
        help = "take the item that you want with first, last or [0]"
        build.fault("liquid_unrepeatable", f"the filter {name!r} answers at random", help, filter.token)
    else:
        help = closest(name, FILTERS) or f"known are {', '.join(FILTERS)}"
        build.fault("liquid_unknown_filter", f"there is no filter {name!r}", help, filter.token)


def _refuse_present_time(left: Expression, filters: Sequence[Filter], build: Build) -> None:
    is_time = isinstance(left, StringLiteral) and left.value in ("now", "today")
    if is_time and filters and filters[0].name.startswith("date"):
        help = "write {{ timestamp | date: ... }}"
        build.fault("liquid_unrepeatable", f"{left.token.value!r} is another time at every replay", help, left.token)


def _check_arguments(filter: Filter, function: Callable[..., Value], build: Build) -> None:
    """Note too few, too many or unknown arguments: liquidjs reads the first as `undefined` and ignores the others."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    least, most = sum(p.default is p.empty for p in positional), len(positional)
    given = sum(isinstance(argument, PositionalArgument) for argument in filter.args)
    if not least <= given <= most:
        takes = f"{least}" if least == most else f"{least} to {most}"
        message = f"the filter {filter.name!r} takes {takes} argument{'s' * (most != 1)}, here it has {given}"
        build.fault("liquid_arguments", message, f"write | {_usage(filter.name, positional)}", filter.token)
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    for argument in filter.args:
        if not isinstance(argument, PositionalArgument) and argument.name not in known:
            message = f"the filter {filter.name!r} has no option {argument.name!r}"
            help = closest(argument.name, known) or f"write | {_usage(filter.name, positional)}"
            build.fault("liquid_arguments", message, help, argument.token)


def _usage(name: str, positional: list[inspect.Parameter]) -> str:
    arguments = ", ".join(p.name if p.default is p.empty else f"[{p.name}]" for p in positional)
    return f"{name}: {arguments}" if arguments else name
