"""The grammar's upper half, clauses joined by and, or, `!` and parentheses: a text to a tree, or to all its faults.

What can be read on after a fault is read on. What a clause may compare with what is the business of checks.py.
"""

from typing import NamedTuple, NoReturn

from connector.errors import Fault, LanguageError
from connector.language.tokens import Token
from connector.language.triggers.checks import check_clause
from connector.language.triggers.clauses import clause, test
from connector.language.triggers.cursor import Cursor, Stop
from connector.language.triggers.fields import is_field
from connector.language.triggers.functions import FUNCTIONS
from connector.language.triggers.operands import TESTS
from connector.language.triggers.repairs import Edit, Finding, with_correction
from connector.language.triggers.tree import And, Not, Or, Trigger, clauses


class _Part(NamedTuple):
    """A part of an `and`/`or` chain; its place includes its parentheses."""

    node: Trigger
    start: int
    end: int


def parse_trigger(text: str) -> Trigger:
    """Read a trigger. Raises LanguageError with all faults ordered by place, each help ending in the right text."""
    tree, findings = _read(text)
    if tree is None or findings:
        raise LanguageError(*with_correction(text, findings, lambda corrected: _read(corrected)[1]))
    return tree


def _read(text: str) -> tuple[Trigger | None, list[Finding]]:
    try:
        cursor = Cursor(text)
    except LanguageError as error:
        return None, [Finding(fault, _rewritten(fault)) for fault in error.faults]
    try:
        tree = _trigger(cursor)
    except Stop:
        return None, cursor.findings
    meaning = [finding for part in clauses(tree) for finding in check_clause(part, text)]
    return tree, [*cursor.findings, *meaning]


def _rewritten(fault: Fault) -> tuple[Edit, ...]:
    """Mend what is no token: a typographic quote, and the `$.` that a path has elsewhere."""
    instead = {"trigger_quote": '"', "trigger_path": ""}.get(fault.code)
    return () if instead is None else ((fault.start, fault.end, instead),)


def _trigger(cursor: Cursor) -> Trigger:
    """trigger = chain end"""
    if cursor.sees("end"):
        help = 'to take every event, write type != ""'
        cursor.stop("empty", "an empty trigger: at Segment it holds for no event", help, cursor.token)
    tree = _chain(cursor)
    if not cursor.sees("end"):
        _trailing(cursor)
    return tree


def _chain(cursor: Cursor) -> Trigger:
    """chain = part { ( "and" | "or" ) part }, where `and` binds tighter than `or`"""
    parts = [_part(cursor)]
    connectives: list[Token] = []
    while connective := _connective(cursor):
        connectives.append(connective)
        parts.append(_part(cursor))
    return _joined(cursor, parts, connectives)


def _connective(cursor: Cursor) -> Token | None:
    if cursor.sees("keyword", "and", "or"):
        cursor.apart(cursor.token)
        return cursor.next()
    token = cursor.token
    starts_part = token.kind in ("group_open", "bang") or cursor.sees("function", *TESTS, *FUNCTIONS)
    if not starts_part and not (token.kind == "word" and is_field(token)):
        return None
    edits = ((token.start, token.start, "and "),)
    cursor.report("connective", "nothing joins this to the clause before it", "write and, or or", token, edits)
    return Token("keyword", "and", token.start, token.start)


def _joined(cursor: Cursor, parts: list[_Part], connectives: list[Token]) -> Trigger:
    runs = [[parts[0]]]
    for connective, part in zip(connectives, parts[1:], strict=True):
        if connective.text == "or":
            runs.append([part])
        else:
            runs[-1].append(part)
    tight = [run for run in runs if len(run) > 1]
    if tight and len(runs) > 1:
        _mixed(cursor, connectives, tight)
    joined = tuple(_conjunction(run) for run in runs)
    return joined[0] if len(joined) == 1 else Or(joined, parts[0].start, parts[-1].end)


def _conjunction(run: list[_Part]) -> Trigger:
    if len(run) == 1:
        return run[0].node
    return And(tuple(part.node for part in run), run[0].start, run[-1].end)


def _mixed(cursor: Cursor, connectives: list[Token], tight: list[list[_Part]]) -> None:
    first = connectives[0].text
    other = next(token for token in connectives if token.text != first)
    message = f"'{other.text}' beside '{first}' without parentheses: Segment lets the last of them decide for all"
    edits = [edit for run in tight for edit in ((run[0].start, run[0].start, "("), (run[-1].end, run[-1].end, ")"))]
    cursor.report("mixed", message, "write the parentheses", other, edits)


def _part(cursor: Cursor) -> _Part:
    """part = negation | group | clause"""
    start = cursor.token.start
    if cursor.sees("bang"):
        node = _negation(cursor)
    elif cursor.sees("group_open"):
        node = _group(cursor)
    else:
        node = clause(cursor)
    return _Part(node, start, cursor.last_end)


def _negation(cursor: Cursor) -> Trigger:
    """negation = "!" ( test | group )"""
    bang = cursor.next()
    if cursor.sees("function", *TESTS):
        return test(cursor, bang)
    cursor.enter(bang)
    after = cursor.token.kind
    inner = _part(cursor)
    cursor.leave()
    if after == "bang":
        both = ((bang.start, inner.start + 1, ""),)
        cursor.report("not", "'!' twice takes itself back", "remove both", bang, both)
    elif after != "group_open":
        message = "'!' stands before contains(...), match(...) or a group; Segment passes over it here"
        edits = ((inner.start, inner.start, "("), (inner.end, inner.end, ")"))
        cursor.report("not", message, "write parentheses", bang, edits)
    return Not(inner.node, bang.start, inner.end)


def _group(cursor: Cursor) -> Trigger:
    """group = "(" chain ")" """
    opening = cursor.next()
    cursor.enter(opening)
    if cursor.sees("group_close"):
        both = Token("", "", opening.start, cursor.token.end)
        cursor.stop("group", "an empty group", "write a clause in it, or remove it", both)
    node = _chain(cursor)
    if cursor.sees("end"):
        cursor.unclosed(opening, ")")
    if not cursor.sees("group_close"):
        _trailing(cursor)
    cursor.next()
    cursor.leave()
    return node


def _trailing(cursor: Cursor) -> NoReturn:
    token = cursor.token
    if token.kind == "group_close":
        cursor.stop("group", "this ')' closes nothing", "remove it", token, ((token.start, token.end, ""),))
    help = "join clauses with and, or or; put a text in quotes"
    cursor.stop("trailing", f"'{token.text}' cannot follow a finished clause", help, token)
