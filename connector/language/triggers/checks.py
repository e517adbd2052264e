"""What a clause may compare with what: a right tree to what is wrong with its meaning.

Refused is what Segment's published runtime silently compares in another way than its documentation says, and what can
never hold. The rest of a trigger's strictness is in the grammar.
"""

from collections.abc import Iterator
from typing import Final

from connector.errors import Fault, LanguageError
from connector.language.triggers.cursor import Placed
from connector.language.triggers.fields import is_text
from connector.language.triggers.functions import FUNCTIONS, TYPE_NAMES, Kind
from connector.language.triggers.globs import parse_glob
from connector.language.triggers.operands import is_numeral
from connector.language.triggers.repairs import Edit, Finding, grouped, none_of
from connector.language.triggers.spelling import quoted
from connector.language.triggers.tree import (
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
    operands,
)

_ORDER: Final = ("<", "<=", ">", ">=")
_KIND_WORDS: Final = {
    "text": "a text",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "list": "a list",
}
"""How a message names a kind."""


def check_clause(clause: Clause, text: str) -> Iterator[Finding]:
    """List what is wrong with a clause; `text` is the whole trigger."""
    for operand in operands(clause):
        yield from _check_calls(operand)
    match clause:
        case Compare(value=Constant() as value):
            yield from _check_compare(clause, value, text)
        case Compare(value=Choices() as choices):
            yield from _check_list(clause, choices, text)
        case Member():
            yield from _check_member(clause, text)
        case Contains() | Match():
            yield from _check_test(clause, text)


def _finding(code: str, message: str, help: str, at: Placed, *edits: Edit) -> Finding:
    return Finding(Fault(f"trigger_{code}", message, help, (), at.start, at.end), edits)


def _kind(operand: Operand) -> Kind | None:
    """The kind of value that an operand can only have; None when it may have any."""
    if isinstance(operand, Call):
        return FUNCTIONS[operand.name].gives
    return "text" if is_text(operand.keys) else None


def _kind_of(constant: Constant) -> Kind:
    match constant.value:
        case str():
            return "text"
        case bool():
            return "boolean"
        case None:
            return "null"
        case _:
            return "number"


def _check_calls(operand: Operand) -> Iterator[Finding]:
    while isinstance(operand, Call):
        inner, takes = operand.argument, FUNCTIONS[operand.name].takes
        kind = _kind(inner) if isinstance(inner, Call) else None
        if kind and kind not in takes:
            message = f"{operand.name} takes {_list_kinds(takes)}, not {_KIND_WORDS[kind]}"
            yield _finding("type", message, "apply it to a field", inner)
        operand = inner


def _list_kinds(kinds: frozenset[Kind]) -> str:
    return " or ".join(word for kind, word in _KIND_WORDS.items() if kind in kinds and kind != "null")


def _check_compare(clause: Compare, value: Constant, text: str) -> Iterator[Finding]:
    kind, given = _kind(clause.operand), _kind_of(value)
    if value.start == value.end:
        return  # nothing was written, and the grammar has said so
    if clause.operator in _ORDER:
        yield from _check_order(clause, value, text)
    elif given == "null":
        yield from _check_null(clause, text)
    elif kind and kind != given and not _is_user_id(clause.operand, given):
        yield _never(clause.operand, kind, value, text)
    elif given == "boolean" and clause.operator == "!=":
        yield _not_boolean(clause, value, text)
    else:
        yield from _check_type_name(clause.operand, value)


def _is_user_id(operand: Operand, given: Kind) -> bool:
    """Segment's runtime compares only this one of the text fields with true and false as it is written."""
    return isinstance(operand, Field) and operand.keys == ("userId",) and given == "boolean"


def _check_order(clause: Compare, value: Constant, text: str) -> Iterator[Finding]:
    kind = _kind(clause.operand)
    if not isinstance(value.value, int | float) or isinstance(value.value, bool):
        number = value.value if isinstance(value.value, str) and is_numeral(value.value) else ""
        edits = [(value.start, value.end, number)] if number else []
        message = f"'{clause.operator}' compares numbers only, not {text[value.start : value.end]}"
        yield _finding("order", message, "write a number", value, *edits)
    elif isinstance(clause.operand, Call) and kind != "number":
        message = f"{clause.operand.name} does not give a number: this never holds"
        yield _finding("type", message, "use length(...) or number(...), or compare with = or !=", clause)


def _check_null(clause: Compare, text: str) -> Iterator[Finding]:
    operand, absent = clause.operand, clause.operator == "="
    source, place = text[operand.start : operand.end], (clause.start, clause.end)
    if isinstance(operand, Call):
        if operand.name == "typeof":
            edit = (*place, f'{source} {clause.operator} "null"')
            yield _finding("type", "typeof gives a text", "compare it with one", clause, edit)
        elif operand.name == "length":
            edit = (*place, f"{source} {clause.operator} 0")
            yield _finding("type", "length gives 0 for null", "compare it with that", clause, edit)
        elif operand.name == "bool":
            yield _finding("type", "bool never gives null", "compare it with true or false", clause)
    elif operand.keys == ("type",):
        edits = [] if absent else [(*place, 'type != ""')]
        message = "every event has a type: Segment compares it with the text null"
        yield _finding(
            "null", message, 'leave it out; for a clause that always holds, write type != ""', clause, *edits
        )
    elif operand.keys == ("event",):
        edit = (*place, f'type {"!=" if absent else "="} "track"')
        message = "Segment compares event with the text null; track events have one, others have none"
        yield _finding("null", message, "ask for the type", clause, edit)


def _never(operand: Operand, kind: Kind, value: Constant, text: str) -> Finding:
    source, spelled = text[operand.start : operand.end], text[value.start : value.end]
    if isinstance(operand, Field):
        message = f"{source} is a text: Segment compares it with the text {spelled}"
    else:
        message = f"{source} gives {_KIND_WORDS[kind]}, never {spelled}"
    instead = {"text": quoted(spelled), "number": _unquoted(value), "boolean": _unquoted(value)}.get(kind, "")
    edits = [(value.start, value.end, instead)] if instead else []
    return _finding("type", message, f"write {_KIND_WORDS[kind]}", value, *edits)


def _unquoted(value: Constant) -> str:
    plain = str(value.value)
    return plain if is_numeral(plain) or plain in ("true", "false") else ""


def _not_boolean(clause: Compare, value: Constant, text: str) -> Finding:
    source = text[clause.operand.start : clause.operand.end]
    here, other = ("true", "false") if value.value else ("false", "true")
    message = f"Segment compares with the text {here}, so this holds for nearly every event"
    if isinstance(clause.operand, Call):
        return _finding("boolean", message, "turn it", clause, (clause.start, clause.end, f"{source} = {other}"))
    if clause.operand.keys == ("userId",):
        edit = (clause.start, clause.end, f'{source} != "{here}"')
        return _finding("boolean", message, "say that the text is meant", clause, edit)
    either = grouped(f"{source} = {other} or {source} = null", clause.start, clause.end, text)
    help = f"write {source} = {other}, or for a missing value too"
    return _finding("boolean", message, help, clause, (clause.start, clause.end, either))


def _check_type_name(operand: Operand, value: Constant) -> Iterator[Finding]:
    if isinstance(operand, Call) and operand.name == "typeof" and value.value not in TYPE_NAMES:
        known = {"boolean": "bool", "array": "list", "int": "number", "float": "number", "map": "object"}
        instead = known.get(str(value.value), "")
        help = f"did you mean {quoted(instead)}? Write it" if instead else f"the types are {', '.join(TYPE_NAMES)}"
        edits = [(value.start, value.end, quoted(instead))] if instead else []
        yield _finding("type", f"typeof never gives {quoted(str(value.value))}", help, value, *edits)


def _check_list(clause: Compare, value: Choices, text: str) -> Iterator[Finding]:
    source, spelled = text[clause.operand.start : clause.operand.end], text[value.start : value.end]
    if clause.operator in _ORDER:
        yield _finding("order", f"'{clause.operator}' compares numbers only, not lists", "write a number", value)
    elif _kind(clause.operand):
        items = [text[item.start : item.end] for item in value.items]
        instead = f"{source} in {spelled}" if clause.operator == "=" else f"!({source} in {spelled})"
        help = "ask whether it is in the list" if clause.operator == "=" else "compare it with each item"
        if clause.operator == "!=" and items:
            instead = none_of(source, items, clause.start, clause.end, text)
        edit = (clause.start, clause.end, instead)
        yield _finding("list", f"{source} is never a list", help, clause, edit)


def _check_member(clause: Member, text: str) -> Iterator[Finding]:
    match clause:
        case Member(item=Field() | Call() as item, choices=Choices(items)):
            kind = _kind(item)
            for choice in items:
                if kind and _kind_of(choice) not in (kind, "null"):
                    yield _never(item, kind, choice, text)
                else:
                    yield from _check_type_name(item, choice) if choice.value is not None else ()
        case Member(choices=Field() | Call() as choices) if _kind(choices):
            source = text[choices.start : choices.end]
            help = f'for a part of a text, write contains({source}, "text")'
            yield _finding("list", f"{source} is never a list", help, choices)


def _check_test(clause: Contains | Match, text: str) -> Iterator[Finding]:
    kind = _kind(clause.operand)
    if kind and kind != "text":
        name = "contains" if isinstance(clause, Contains) else "match"
        yield _finding(
            "type", f"{name} looks into a text, not {_KIND_WORDS[kind]}", "compare it with =", clause.operand
        )
    if isinstance(clause, Match):
        yield from _check_pattern(clause.pattern, text)


def _check_pattern(pattern: Constant, text: str) -> Iterator[Finding]:
    """Read the pattern as it is spelled, so that places are right: a backslash before a quote makes no difference."""
    if text[pattern.start] not in "\"'":
        return  # a finding already
    try:
        parse_glob(text[pattern.start + 1 : pattern.end - 1])
    except LanguageError as error:
        for fault in error.faults:
            start = pattern.start + 1 + fault.start
            yield Finding(Fault(fault.code, fault.message, fault.help, (), start, start + fault.end - fault.start))
