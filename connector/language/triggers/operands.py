"""The grammar's lower half: what stands on the left and on the right of an operator."""

import difflib
import math
import re
from typing import Final, NoReturn

from connector.language.tokens import Token
from connector.language.triggers.cursor import Cursor
from connector.language.triggers.fields import is_field, read_field
from connector.language.triggers.functions import FUNCTIONS
from connector.language.triggers.repairs import Edit
from connector.language.triggers.spelling import escaped, quoted, text_value
from connector.language.triggers.tree import Call, Choices, Constant, Field, Operand

TESTS: Final = ("contains", "match")
_DIGITS: Final = 300  # of a number: more than any event holds, and less than Python's limit on reading them
_NUMERAL: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}


def starts_constant(token: Token) -> bool:
    """Can a constant start with this token, a text without quotes left aside?"""
    return token.kind in ("text", "number", "odd_number") or (token.kind == "keyword" and token.text in _WORDS)


def operand(cursor: Cursor) -> Operand:
    """operand = field | function "(" operand ")" """
    token = cursor.next()
    if token.kind == "word":
        if cursor.sees("list_open"):
            _brackets(cursor)
        keys, findings = read_field(token)
        cursor.findings += findings
        return Field(keys, token.start, token.end)
    if token.kind != "function":
        found = f"not '{token.text}'" if token.text else "and nothing is"
        cursor.stop("arguments", f"a field should stand here, {found}", "name one, such as properties.plan", token)
    return _call(cursor, token)


def _brackets(cursor: Cursor) -> NoReturn:
    opening, key, closing = cursor.ahead(3)
    edits: tuple[Edit, ...] = ()
    if closing.kind == "list_close" and key.kind in ("number", "text"):
        name = text_value(key) if key.kind == "text" else key.text
        edits = ((opening.start, closing.end, f".{escaped(name)}"),)
    help = r"a key of a path stands after a dot: .\0 is the first item of a list, .product\ 1 has a space"
    cursor.stop("brackets", "a field has no brackets", help, opening, edits)


def _call(cursor: Cursor, name: Token) -> Call:
    """call = function "(" operand ")" """
    if name.text not in FUNCTIONS:
        _unknown_function(cursor, name)
    opening = cursor.next()
    cursor.enter(opening)
    if cursor.token.kind not in ("word", "function"):
        wrong_arguments(cursor, opening, f"{name.text} takes one field", f"{name.text}(properties.plan)")
    argument = operand(cursor)
    if not cursor.sees("group_close"):
        wrong_arguments(cursor, opening, f"{name.text} takes one field", f"{name.text}({cursor.source(argument)})")
    cursor.leave()
    return Call(name.text, argument, name.start, cursor.next().end)


def wrong_arguments(cursor: Cursor, opening: Token, message: str, example: str) -> NoReturn:
    """Say what a function takes, or that its parenthesis is open where the trigger ends. Raises Stop."""
    if cursor.sees("end"):
        cursor.unclosed(opening, ")")
    cursor.stop("arguments", message, f"write {example}", cursor.token)


def _unknown_function(cursor: Cursor, name: Token) -> NoReturn:
    if name.text in TESTS:
        message = f"{name.text}(...) is true or false, not a value"
        cursor.stop("function", message, "let it stand alone as a clause", name)
    names = (*TESTS, *FUNCTIONS)
    close = difflib.get_close_matches(name.text.lower(), names, n=1)
    help = f"did you mean {close[0]}? Write it" if close else f"the functions are {', '.join(names)}"
    edits = [(name.start, name.end, instead) for instead in close]
    cursor.stop("function", f"there is no function '{name.text}'", help, name, edits)


def choices(cursor: Cursor) -> Choices:
    """choices = "[" [ constant { "," constant } ] "]" """
    opening = cursor.next()
    items: list[Constant] = []
    while not cursor.sees("list_close"):
        items.append(constant(cursor))
        if not cursor.sees("list_close"):
            _comma(cursor, opening)
    return Choices(tuple(items), opening.start, cursor.next().end)


def _comma(cursor: Cursor, opening: Token) -> None:
    token = cursor.token
    if starts_constant(token):
        cursor.report(
            "list", "no comma between two items", "write one", token, ((cursor.last_end, cursor.last_end, ","),)
        )
        return
    if token.kind != "comma":
        cursor.unclosed(opening, "]")
    cursor.next()
    if cursor.sees("list_close"):
        edits = ((token.start, token.end, ""),)
        cursor.report("list", "a comma before the end of the list", "remove it", token, edits)


def constant(cursor: Cursor) -> Constant:
    """constant = text | number | "true" | "false" | "null" """
    if cursor.sees("word"):
        return _unquoted(cursor)
    if not starts_constant(cursor.token):
        _no_constant(cursor)
    token = cursor.next()
    if token.kind == "text":
        cursor.apart(token)
        return Constant(text_value(token), token.start, token.end)
    if token.kind == "keyword":
        return Constant(_WORDS[token.text], token.start, token.end)
    return Constant(_number(cursor, token), token.start, token.end)


def _number(cursor: Cursor, token: Token) -> int | float:
    if len(token.text) > _DIGITS:
        cursor.stop("number", f"a number of {len(token.text)} characters", "no event holds it", token)
    if token.kind == "number":
        return float(token.text) if "." in token.text else int(token.text)
    number = _odd_number(token.text)
    if number is None:
        edits = ((token.start, token.end, quoted(token.text)),)
        cursor.report("number", f"'{token.text}' is not a number", "put a text in quotes", token, edits)
        return 0
    message = f"Segment does not read '{token.text}' as this number"
    edits = ((token.start, token.end, repr(number)),)
    cursor.report("number", message, "write its digits", token, () if "e" in repr(number) else edits)
    return number


def is_numeral(text: str) -> bool:
    """Does a text look like a number that a trigger can have?"""
    return _NUMERAL.fullmatch(text) is not None


def _odd_number(text: str) -> int | float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _unquoted(cursor: Cursor) -> Constant:
    first = last = cursor.next()
    if is_field(first) and "." in first.text:
        help = "two fields cannot be compared; a text stands in quotes"
        cursor.report("unquoted", f"Segment reads {first.text} here as a text", help, first)
        return Constant(first.text, first.start, first.end)
    while cursor.token.kind in ("word", "number", "odd_number") and not is_field(cursor.token):
        last = cursor.next()
    text = cursor.text[first.start : last.end]
    where = Constant(text, first.start, last.end)
    edits = ((first.start, last.end, quoted(text)),)
    cursor.report("unquoted", "a text without quotes", "put it in quotes", where, edits)
    return where


def _no_constant(cursor: Cursor) -> NoReturn:
    token = cursor.token
    if token.kind == "function":
        cursor.stop("value", "a function stands on the left of an operator", "compare it with a constant", token)
    if token.kind == "list_open":
        cursor.stop("value", "a list cannot hold a list", "write its items side by side", token)
    found = f"not '{token.text}'" if token.text else "and nothing is"
    cursor.stop(
        "value", f"a value should stand here, {found}", "write a text in quotes, a number, true, false or null", token
    )
