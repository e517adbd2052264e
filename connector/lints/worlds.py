"""What a trigger can meet: for each operand, every combination of what its clauses can say.

In: the clauses that look at one operand, and what its field can be in events of one type. Out: at least all answers
that an event can bring about; an answer too many only keeps a warning from being given. None: too many to tell.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, pairwise
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from connector.language.triggers import (
    FUNCTIONS,
    Call,
    Choices,
    Clause,
    Compare,
    Constant,
    Contains,
    Field,
    Match,
    Member,
    Operand,
    compile_trigger,
)
from connector.language.triggers.functions import TYPE_NAMES
from connector.language.triggers.globs import Wild, parse_glob
from connector.language.triggers.tree import Scalar
from connector.lints.texts import Pattern, texts_apart
from connector.values import MISSING, Missing, Value

Answers: TypeAlias = tuple[bool, ...]
"""What the clauses of one operand say, in their order."""

Kind: TypeAlias = "Literal['text', 'filled', 'any'] | Known"
"""What a field can be: a text, null or missing; a text that is not empty; anything; one value."""

Key: TypeAlias = tuple[str, ...]
"""An operand without its place: the functions from the outside, then the keys of the field."""


class Known(msgspec.Struct, frozen=True):
    """A field that is always the same in events of a type; MISSING where they do not have it."""

    value: str | Literal[Missing.MISSING]


_X: Final = Field(("x",), 0, 0)
_MOST_MEMBERS: Final = 6  # constants looked for in one list: each doubles the lists to try
_SEEN_THROUGH: Final = ("typeof", "bool")  # what they give is worked out from the field's own value
_STABLE: Final[dict[str, Callable[[str], bool]]] = {
    "lowercase": lambda letter: letter.lower() == letter,
    "uppercase": lambda letter: letter.upper() == letter,
    "snakecase": lambda letter: letter != " ",
    "kebabcase": lambda letter: letter != " ",
}
_FRESH_ITEM: Final[Value] = {}


def variable_of(operand: Operand) -> Key:
    """Name what an operand's value hangs on: its field, or its functions together with the field."""
    if isinstance(operand, Field):
        return ("", *operand.keys)
    if operand.name in _SEEN_THROUGH and isinstance(operand.argument, Field):
        return ("", *operand.argument.keys)
    return _key(operand)


def _key(operand: Operand) -> Key:
    return ("", *operand.keys) if isinstance(operand, Field) else (operand.name, *_key(operand.argument))


def possible_answers(variable: Key, clauses: Sequence[Clause], kind: Kind) -> dict[Answers, Value] | None:
    """Give the answers that clauses can have together, each with a value of `variable` that brings them about.

    All the clauses look at `variable`, whose field is of that kind.
    """
    values = _values(variable, clauses, kind)
    if values is None:
        return None
    tests = [_test_of(clause, variable) for clause in clauses]
    return {tuple(test(value) for test in tests): value for value in values}


def _test_of(clause: Clause, variable: Key) -> Callable[[Value], bool]:
    """Make a test of the variable's value of a clause, with the closures that run on events."""
    operand = clause.choices if isinstance(clause, Member) and isinstance(clause.item, Constant) else _operand(clause)
    assert isinstance(operand, Field | Call)
    inside: Operand = Call(operand.name, _X, 0, 0) if not variable[0] and isinstance(operand, Call) else _X
    holds = compile_trigger(_with_operand(clause, inside))
    return lambda value: holds({} if value is MISSING else {"x": value})


def _operand(clause: Clause) -> Operand | Constant:
    return clause.item if isinstance(clause, Member) else clause.operand


def _with_operand(clause: Clause, operand: Operand) -> Clause:
    if not isinstance(clause, Member):
        return replace(clause, operand=operand)
    return replace(clause, choices=operand) if isinstance(clause.item, Constant) else replace(clause, item=operand)


# -------------------------------------------------------------------------------------------------------------- values


def _values(variable: Key, clauses: Sequence[Clause], kind: Kind) -> list[Value] | None:
    function = variable[0]
    if isinstance(kind, Known):
        return [_through(variable, kind.value)]
    if function:
        return _given_by(function, clauses)
    texts = _texts(clauses)
    if texts is None or kind == "filled":
        return None if texts is None else [text for text in texts if text]
    if kind == "text":
        return [MISSING, None, *texts]
    lists = _lists(clauses)
    if lists is None:
        return None
    return [MISSING, None, True, False, *_numbers(clauses), *texts, *lists, {}, {"y": 1}]


def _through(variable: Key, value: Value) -> Value:
    """Work out what a variable's functions make of its field's value."""
    for name in reversed(variable[: variable.index("")]):
        value = FUNCTIONS[name].call(value)
    return value


def _given_by(function: str, clauses: Sequence[Clause]) -> list[Value] | None:
    match FUNCTIONS[function].gives:
        case "boolean":
            return [True, False]
        case "number" if function == "length":
            return [None, *(number for number in _whole_numbers(clauses) if number >= 0)]
        case "number":
            return [None, *_numbers(clauses)]
    if function == "typeof":
        return list(TYPE_NAMES)
    texts = _texts(clauses, may_hold=_STABLE.get(function, lambda _: True))
    return None if texts is None else [None, *texts]


def _constants(clauses: Sequence[Clause]) -> Iterator[Scalar]:
    """List the constants that the clauses compare a value with, those in lists of choices among them."""
    for clause in clauses:
        match clause:
            case Compare(value=Constant(value)):
                yield value
            case Member(item=Field() | Call(), choices=Choices(items)):
                yield from (item.value for item in items)


def _texts(clauses: Sequence[Clause], *, may_hold: Callable[[str], bool] = lambda _: True) -> list[str] | None:
    wholes = ["", "false", *(value for value in _constants(clauses) if isinstance(value, str))]
    patterns: list[Pattern] = []
    for clause in clauses:
        if isinstance(clause, Contains):
            patterns.append((Wild.MANY, str(clause.part.value), Wild.MANY))
        elif isinstance(clause, Match):
            patterns.append(parse_glob(str(clause.pattern.value)))
    return texts_apart(wholes, list(dict.fromkeys(patterns)), may_hold=may_hold)


def _numbers(clauses: Sequence[Clause]) -> list[int | float]:
    points = sorted({0, *_number_constants(clauses)})
    between = [middle for low, high in pairwise(points) for middle in _between(low, high)]
    return [math.floor(points[0]) - 1, *points, *between, math.ceil(points[-1]) + 1]


def _number_constants(clauses: Sequence[Clause]) -> list[int | float]:
    return [value for value in _constants(clauses) if isinstance(value, int | float) and not isinstance(value, bool)]


def _whole_numbers(clauses: Sequence[Clause]) -> list[int]:
    points = sorted({0, *_number_constants(clauses)})
    near = chain.from_iterable((math.floor(point), math.floor(point) + 1, math.ceil(point) - 1) for point in points)
    return sorted({*near, math.ceil(points[-1]) + 1})


def _between(low: int | float, high: int | float) -> Iterator[int | float]:
    """Give a number between two others, a whole one where there is one."""
    if math.floor(low) + 1 < high:
        yield math.floor(low) + 1
    try:
        middle = low / 2 + high / 2
    except OverflowError:  # integers that no float holds
        return
    if low < middle < high:
        yield middle


def _lists(clauses: Sequence[Clause]) -> list[Value] | None:
    """Give the lists that clauses compare with, and one for each set of what they look for in a list."""
    wanted: dict[tuple[bool, Scalar], Scalar] = {}  # true is not 1
    whole: list[Value] = [[]]
    for clause in clauses:
        match clause:
            case Member(item=Constant(value)):
                wanted[isinstance(value, bool), value] = value
            case Compare(value=Choices(items)):
                whole.append([item.value for item in items])
    if len(wanted) > _MOST_MEMBERS:
        return None
    sets = chain.from_iterable(combinations(wanted.values(), size) for size in range(len(wanted) + 1))
    return [*whole, *([*chosen, _FRESH_ITEM] for chosen in sets)]
