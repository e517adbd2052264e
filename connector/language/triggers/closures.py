"""A tree to closures: an event in, true or false out. Nothing is parsed or looked up by name per event.

Comparing follows Segment's published runtime: strict, numbers only with numbers; where a field is missing, `!=` of a
text is true, and `!contains` and `!match` are false.
"""

import operator
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from connector.language.paths import Keys, walk
from connector.language.triggers.functions import FUNCTIONS
from connector.language.triggers.globs import compile_glob
from connector.language.triggers.tree import (
    And,
    Choices,
    Compare,
    Constant,
    Contains,
    Field,
    Match,
    Member,
    Not,
    Operand,
    Or,
    Scalar,
    Trigger,
)
from connector.values import JSON, MISSING, Value

_Event: TypeAlias = dict[str, JSON]
Holds: TypeAlias = Callable[[_Event], bool]
_Test: TypeAlias = Callable[[object], bool]

_ORDER: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_trigger(tree: Trigger) -> Holds:
    """Compile a trigger, or a part of one, into a function of an event. The function never raises."""
    match tree:
        case And(parts):
            return _all_of([compile_trigger(part) for part in parts])
        case Or(parts):
            return _any_of([compile_trigger(part) for part in parts])
        case Not(part):
            holds = compile_trigger(part)
            return lambda event: not holds(event)
        case Compare(Field(keys), ("=" | "!=") as sign, Constant(str(text))) if len(keys) <= 2:
            return _text_equality(keys, text, equal=sign == "=")
        case Compare():
            return _on(tree.operand, _comparison(tree))
        case Contains(operand, Constant(part), negated):
            return _on(operand, _contains(str(part), negated=negated))
        case Match(operand, Constant(pattern), negated):
            return _on(operand, _matches(str(pattern), negated=negated))
        case Member():
            return _member(tree)


def compile_operand(operand: Operand) -> Callable[[_Event], Value]:
    """Compile an operand into a function of an event that gives its value, MISSING where there is none."""
    if isinstance(operand, Field):
        keys = operand.keys
        return lambda event: walk(cast(Value, event), keys)
    read, call = compile_operand(operand.argument), FUNCTIONS[operand.name].call
    return lambda event: call(read(event))


def _all_of(parts: list[Holds]) -> Holds:
    if len(parts) == 2:
        first, second = parts
        return lambda event: first(event) and second(event)
    if len(parts) == 3:
        first, second, third = parts
        return lambda event: first(event) and second(event) and third(event)

    def holds(event: _Event) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs more than the parts do
            if not part(event):
                return False
        return True

    return holds


def _any_of(parts: list[Holds]) -> Holds:
    if len(parts) == 2:
        first, second = parts
        return lambda event: first(event) or second(event)
    if len(parts) == 3:
        first, second, third = parts
        return lambda event: first(event) or second(event) or third(event)

    def holds(event: _Event) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs more than the parts do
            if part(event):
                return True
        return False

    return holds


# -- reading ---------------------------------------------------------------------------------------------------------


def _text_equality(keys: Keys, text: str, *, equal: bool) -> Holds:
    """The clause that most triggers are made of, for a field at the root or one below."""
    first, second = keys[0], keys[-1]
    if len(keys) == 1:
        return (lambda event: event.get(first) == text) if equal else (lambda event: event.get(first) != text)

    def equals(event: _Event) -> bool:
        inner = event.get(first)
        return (inner.get(second) if type(inner) is dict else _walk(inner, second)) == text

    def differs(event: _Event) -> bool:
        inner = event.get(first)
        return (inner.get(second) if type(inner) is dict else _walk(inner, second)) != text

    return equals if equal else differs


def _walk(value: object, *keys: str) -> Value:
    """The way for what is no object: missing parents, texts and lists."""
    return walk(cast(Value, value), keys)


def _on(operand: Operand, test: _Test) -> Holds:
    match operand:
        case Field((key,)):
            return lambda event: test(event.get(key, MISSING))
        case Field((first, second)):
            return _on_two(first, second, test)
        case Field((first, second, third)):
            return _on_three(first, second, third, test)
        case _:
            read = compile_operand(operand)
            return lambda event: test(read(event))


def _on_two(first: str, second: str, test: _Test) -> Holds:
    def holds(event: _Event) -> bool:
        inner = event.get(first, MISSING)
        return test(inner.get(second, MISSING) if type(inner) is dict else _walk(inner, second))

    return holds


def _on_three(first: str, second: str, third: str, test: _Test) -> Holds:
    def holds(event: _Event) -> bool:
        inner = event.get(first, MISSING)
        if type(inner) is dict:
            inner = inner.get(second, MISSING)
            return test(inner.get(third, MISSING) if type(inner) is dict else _walk(inner, third))
        return test(_walk(inner, second, third))

    return holds


# -- comparing -------------------------------------------------------------------------------------------------------


def _comparison(clause: Compare) -> _Test:
    if isinstance(clause.value, Choices):
        return _list_equality([item.value for item in clause.value.items], equal=clause.operator == "=")
    match clause.operator, clause.value.value:
        case ("<" | "<=" | ">" | ">=") as sign, int() | float() as number:
            return _ordered(_ORDER[sign], number)
        case "=", wanted:
            return _equality(wanted)
        case _, unwanted:
            return _inequality(unwanted)


def _equality(wanted: Scalar) -> _Test:
    match wanted:
        case str():
            return lambda value: value == wanted
        case None:
            return lambda value: value is None or value is MISSING
        case bool():
            return lambda value: value is wanted
        case _:
            return lambda value: value == wanted and type(value) is not bool


def _inequality(unwanted: Scalar) -> _Test:
    match unwanted:
        case str():
            return lambda value: value != unwanted
        case None:
            return lambda value: value is not None and value is not MISSING
        case bool():
            return lambda value: value is not unwanted
        case _:
            return lambda value: (type(value) is int or type(value) is float) and value != unwanted


def _ordered(compare: Callable[[float, float], bool], number: int | float) -> _Test:
    return lambda value: (type(value) is int or type(value) is float) and compare(value, number)


def _list_equality(wanted: list[Scalar], *, equal: bool) -> _Test:
    tests = [_equality(item) for item in wanted]

    def equals(value: object) -> bool:
        if type(value) is not list or len(value) != len(tests):
            return False
        return all(test(item) for test, item in zip(tests, value, strict=True))

    return equals if equal else lambda value: not equals(value)


def _contains(part: str, *, negated: bool) -> _Test:
    if negated:
        return lambda value: type(value) is str and part not in value
    return lambda value: type(value) is str and part in value


def _matches(pattern: str, *, negated: bool) -> _Test:
    glob = compile_glob(pattern)
    if negated:
        return lambda value: type(value) is str and not glob(value)
    return lambda value: type(value) is str and glob(value)


def _member(clause: Member) -> Holds:
    item, choices = clause.item, clause.choices
    if isinstance(choices, Choices):
        assert not isinstance(item, Constant)  # the grammar has no constant in constants
        return _on(item, _one_of([choice.value for choice in choices.items]))
    if isinstance(item, Constant):
        return _on(choices, _holds_item(_equality(item.value)))
    read_item, read_choices = compile_operand(item), compile_operand(choices)

    def holds(event: _Event) -> bool:
        value = read_item(event)
        if isinstance(value, list | dict):
            return False
        return _holds_item(_equality(None if value is MISSING else value))(read_choices(event))

    return holds


def _one_of(choices: list[Scalar]) -> _Test:
    texts = frozenset(choice for choice in choices if isinstance(choice, str))
    others = [_equality(choice) for choice in choices if not isinstance(choice, str)]
    if not others:
        return lambda value: type(value) is str and value in texts
    return lambda value: value in texts if type(value) is str else any(test(value) for test in others)


def _holds_item(test: _Test) -> _Test:
    return lambda value: type(value) is list and any(test(item) for item in value)
