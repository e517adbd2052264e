"""The grammar's middle: one clause, and the ways in which people miss one."""

from typing import Final, NoReturn, cast

from connector.language.tokens import Token
from connector.language.triggers.cursor import Cursor
from connector.language.triggers.fields import is_field, is_text
from connector.language.triggers.functions import FUNCTIONS
from connector.language.triggers.operands import TESTS, choices, constant, operand, starts_constant, wrong_arguments
from connector.language.triggers.repairs import Edit, none_of
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
    Operator,
)

_FLIPPED: Final[dict[str, Operator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_OPERATORS: Final = "the operators are = != < <= > >= and in"
_FOREIGN: Final = {
    **dict.fromkeys(("=~", "~", "~=", "!~", "like", "matches"), 'use match(field, "text*"): * is any characters'),
    "is": "write = or !=",
    "equals": "write =",
    "contains": 'write contains(field, "text")',
    "match": 'write match(field, "text*"): * is any characters',
    "startswith": 'use match(field, "text*")',
    "endswith": 'use match(field, "*text")',
}


def clause(cursor: Cursor) -> Clause:
    """clause = test | operand comparison | constant "in" operand"""
    token = cursor.token
    if cursor.sees("function", *TESTS):
        return test(cursor, None)
    if starts_constant(token):
        return _constant_first(cursor, constant(cursor))
    if token.kind not in ("word", "function"):
        found = f"'{token.text}' stands" if token.text else "the trigger ends"
        cursor.stop("clause", f"{found} where a clause should", 'write one, such as type = "page"', token)
    return _comparison(cursor, operand(cursor))


def _comparison(cursor: Cursor, left: Operand) -> Clause:
    """comparison = operator ( constant | choices ) | "in" ( choices | operand )"""
    if cursor.sees("operator"):
        sign = cursor.next()
        cursor.apart(sign)
        operator = cast(Operator, sign.text)  # the table of tokens has no other
        value = choices(cursor) if cursor.sees("list_open") else constant(cursor)
        return Compare(left, operator, value, left.start, value.end)
    if cursor.sees("keyword", "in"):
        cursor.next()
        return _member(cursor, left)
    if cursor.sees("odd_keyword"):
        return _not_in(cursor, left)
    return _odd_comparison(cursor, left)


def _member(cursor: Cursor, item: Operand | Constant) -> Member:
    right: Choices | Operand
    if cursor.sees("list_open") and not isinstance(item, Constant):
        right = choices(cursor)
    elif cursor.sees("word") or cursor.sees("function", *FUNCTIONS):
        right = operand(cursor)
    else:
        _no_choices(cursor)
    return Member(item, right, item.start, right.end)


def _no_choices(cursor: Cursor) -> NoReturn:
    token = cursor.token
    if token.kind == "list_open":
        cursor.stop("value_left", "a constant in a list of constants", "put a field before in", token)
    edits: tuple[Edit, ...] = ()
    if token.kind == "text":
        edits = ((token.start, token.start, "["), (token.end, token.end, "]"))
    elif token.kind == "group_open":
        closing = next((later for later in cursor.rest() if later.kind == "group_close"), cursor.tokens[-1])
        edits = ((token.start, token.end, "["), (closing.start, closing.end, "]"))
    cursor.stop("list", "'in' wants a list after it", 'write it in brackets, as ["a", "b"]', token, edits)


def _not_in(cursor: Cursor, left: Operand) -> Member:
    word = cursor.next()
    if not cursor.sees("keyword", "in"):
        cursor.stop("operator", f"'{word.text}' is not an operator", _OPERATORS, word)
    cursor.next()
    member = _member(cursor, left)
    message = f"'{word.text} in' is not an operator"
    items = member.choices.items if isinstance(member.choices, Choices) else ()
    if items and not any(isinstance(item.value, bool) for item in items):
        apart = none_of(
            cursor.source(left), [cursor.source(item) for item in items], left.start, member.end, cursor.text
        )
        cursor.report("not", message, "compare with each by !=", word, ((left.start, member.end, apart),))
        return member
    edits = ((left.start, left.start, "!("), (left.end, word.end, ""), (member.end, member.end, ")"))
    cursor.report("not", message, "put ! before the clause in parentheses", word, edits)
    return member


def _odd_comparison(cursor: Cursor, left: Operand) -> Compare:
    token = cursor.token
    if starts_constant(token):
        edits = ((token.start, token.start, "= "),)
        message = f"no operator between {cursor.source(left)} and {token.text}"
        cursor.report("operator", message, "write one", token, edits)
        value = constant(cursor)
        return Compare(left, "=", value, left.start, value.end)
    if token.kind == "bang" and cursor.ahead(2)[1].text.lower() in TESTS:
        cursor.next()
        _foreign_operator(cursor, left, bang="!")
    if token.kind in ("word", "function", "foreign"):
        _foreign_operator(cursor, left)
    return _bare(cursor, left)


def _foreign_operator(cursor: Cursor, left: Operand, *, bang: str = "") -> NoReturn:
    token, after, later = cursor.ahead(3)
    if token.text.lower() in TESTS and after.kind == "text":
        written = f"{bang}{token.text.lower()}({cursor.source(left)}, {cursor.source(after)})"
        message = f"'{token.text}' is not an operator but a function"
        help = f'write {token.text.lower()}(field, "text")'
        cursor.stop("operator", message, help, token, ((left.start, after.end, written),))
    edits: tuple[Edit, ...] = ()
    if token.text.lower() == "is":
        negated = after.text.lower() == "not"
        edits = ((token.start, later.start, "!= "),) if negated else ((token.start, token.end, "="),)
    help = _FOREIGN.get(token.text.lower(), _OPERATORS)
    cursor.stop("operator", f"'{token.text}' is not an operator", help, token, edits)


def _bare(cursor: Cursor, left: Operand) -> Compare:
    source = cursor.source(left)
    message = f"{source} is compared with nothing: Segment takes what follows for its operator"
    truth = ((left.end, left.end, " = true"),)
    if isinstance(left, Field) and not is_text(left.keys):
        cursor.report("bare", message, f"write {source} != null for its presence, or for its truth", left, truth)
    else:
        edits = truth if isinstance(left, Call) and left.name == "bool" else ()
        cursor.report("bare", message, "write an operator and a value behind it", left, edits)
    return Compare(left, "=", Constant(True, left.end, left.end), left.start, left.end)


def _constant_first(cursor: Cursor, left: Constant) -> Clause:
    """membership = constant "in" operand; before any other operator a constant is the wrong way round"""
    if cursor.sees("keyword", "in"):
        cursor.next()
        return _member(cursor, left)
    source = cursor.source(left)
    if not cursor.sees("operator"):
        cursor.stop("value_left", f"{source} stands where a field should", 'write a clause: type = "page"', left)
    operator = _FLIPPED[cursor.next().text]
    if cursor.token.kind not in ("word", "function"):
        cursor.stop("value_left", "two constants are compared", "put a field on the left", left)
    right = operand(cursor)
    edits = ((left.start, right.end, f"{cursor.source(right)} {operator} {source}"),)
    cursor.report(
        "value_left", f"{source} stands on the left, where Segment looks for a field", "turn it round", left, edits
    )
    return Compare(right, operator, left, left.start, right.end)


def test(cursor: Cursor, bang: Token | None) -> Contains | Match:
    """test = [ "!" ] ( "contains" | "match" ) "(" operand "," text ")" """
    name = cursor.next()
    opening = cursor.next()
    takes = f"{name.text} takes a field and a text"
    example = f'{name.text}(event, "text")'
    left = _tested(cursor, name)
    if not cursor.sees("comma"):
        wrong_arguments(cursor, opening, takes, example)
    cursor.next()
    text = _text_argument(cursor, name)
    if not cursor.sees("group_close"):
        wrong_arguments(cursor, opening, takes, example)
    start, end = (bang or name).start, cursor.next().end
    node = Contains if name.text == "contains" else Match
    tested = node(left, text, bang is not None, start, end)
    if cursor.sees("operator", "=", "!="):
        _compared_test(cursor, tested)
    return tested


def _tested(cursor: Cursor, name: Token) -> Operand:
    if starts_constant(cursor.token):
        first, comma, second, closing = cursor.ahead(4)
        turned = (comma.kind, second.kind, closing.kind) == ("comma", "word", "group_close")
        edits = ((first.start, second.end, f"{second.text}, {first.text}"),) if turned else ()
        cursor.stop("arguments", f"{name.text} takes the field first", "write the field, then the text", first, edits)
    return operand(cursor)


def _text_argument(cursor: Cursor, name: Token) -> Constant:
    token = cursor.token
    if token.kind == "function" or (token.kind == "word" and is_field(token)):
        cursor.stop("arguments", f"{name.text} takes a text second, not a field", "write a text in quotes", token)
    text = constant(cursor)
    if not isinstance(text.value, str):
        edits = ((token.start, token.end, quoted(token.text)),)
        cursor.report("arguments", f"{name.text} takes a text, not {token.text}", "put it in quotes", token, edits)
        return Constant(token.text, token.start, token.end)
    return text


def _compared_test(cursor: Cursor, tested: Contains | Match) -> None:
    operator, value = cursor.next(), constant(cursor)
    edits: list[Edit] = [(tested.end, value.end, "")]
    if (operator.text == "=") is (value.value is False):
        edits.append((tested.start, tested.start + 1, "") if tested.negated else (tested.start, tested.start, "!"))
    message = "contains(...) and match(...) are true or false by themselves: Segment passes over this"
    known = edits if isinstance(value.value, bool) else ()
    cursor.report(
        "test", message, "let it stand alone, or with ! before it", Token("", "", operator.start, value.end), known
    )
