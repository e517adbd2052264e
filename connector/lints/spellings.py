"""Spellings of a trigger that are right here and documented, and that Segment's own parser reads otherwise.

In: a mapping. Out: a warning where that parser would take other events and another spelling is right for both; a note
where it just cannot read the trigger or a field of it. Facts about it: destination-subscriptions 3.170.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from connector.errors import Fix, Problem, Severity
from connector.language.triggers import (
    And,
    Call,
    Choices,
    Clause,
    Compare,
    Constant,
    Contains,
    Match,
    Member,
    Not,
    Operand,
    Or,
    Trigger,
    clauses,
    field_of,
    operands,
)
from connector.language.triggers.globs import Wild, parse_glob
from connector.language.triggers.spelling import quoted, tokenize
from connector.mappings import Mapping

_Placed: TypeAlias = Trigger | Constant | Operand
_READ: Final = frozenset({"type", "event", "name", "userId", "properties", "traits", "context"})
_LOOKED_INTO: Final = _READ - {"type"}  # by contains and match
_HERE: Final = "it is right here; it matters only where the trigger runs at Segment too"


def check_spellings(mapping: Mapping) -> Iterator[Problem]:
    """Say what of a trigger Segment's own parser would read otherwise."""
    yield from _Checker(mapping).all()


class _Checker:
    """One trigger and its text."""

    def __init__(self, mapping: Mapping) -> None:
        self._tree = mapping.trigger
        self._text = mapping.trigger_text
        self._part = mapping.draft.parts["trigger"]

    def all(self) -> Iterator[Problem]:
        yield from self._single_quotes()
        inside = list(self._inside(self._tree))
        if nested := self._nested():
            yield nested
            if not inside:
                return  # it reads nothing, so the rest is all the same
        yield from inside
        for clause, above in _with_above(self._tree, None):
            yield from self._clause(clause, above)

    def _tell(
        self, message: str, help: str, at: _Placed, fix: Fix | None = None, *, severity: Severity = "warning"
    ) -> Problem:
        return self._tell_span(message, help, (at.start, at.end), fix, severity=severity)

    def _tell_span(
        self, message: str, help: str, span: tuple[int, int], fix: Fix | None = None, *, severity: Severity
    ) -> Problem:
        code = "segment_reads_otherwise" if severity == "warning" else "segment_cannot_read"
        return self._part.problem(code, message, start=span[0], end=span[1], help=help, severity=severity, fix=fix)

    def _note(self, what: str, at: _Placed) -> Problem:
        message = f"Segment's own parser does not read {what}: there fewer events are taken, or none"
        return self._tell(message, _HERE, at, severity="note")

    def _fixed(self, node: _Placed, text: str) -> Fix | None:
        return self._part.replaced(node.start, node.end, text)

    def _source(self, node: _Placed) -> str:
        return self._text[node.start : node.end]

    # ------------------------------------------------------------------------------------------------------ constants

    def _single_quotes(self) -> Iterator[Problem]:
        """Warn of texts in single quotes, all of which one fix turns."""
        found = [constant for constant in _constants(self._tree) if self._source(constant).startswith("'")]
        text = self._text
        for constant in sorted(found, key=lambda constant: -constant.start):
            text = text[: constant.start] + quoted(str(constant.value)) + text[constant.end :]
        fix = self._part.rewritten(text) if found and not any('"' in str(one.value) for one in found) else None
        for constant in found:
            message = f"Segment takes the single quotes of {self._source(constant)} for a part of the text"
            yield self._tell(message, f"write {quoted(str(constant.value))}", constant, fix)
        for constant in _constants(self._tree):
            if self._source(constant).startswith('"') and '\\"' in self._source(constant):
                message = "Segment ends this text at the backslash before its first inner quote"
                yield self._tell(message, "match(…) or contains(…) may do without the quote", constant)

    # --------------------------------------------------------------------------------------------------------- groups

    def _inside(self, node: Trigger) -> Iterator[Problem]:
        if isinstance(node, Not):
            yield self._negation(node)
            yield from self._inside(node.part)
        elif isinstance(node, And | Or):
            for part in node.parts:
                yield from self._inside(part)
        elif isinstance(node, Contains | Match) and self._is_before_others_in_group(node):
            message = "Segment ends a group at the parenthesis of a function in it, and takes other events"
            yield self._tell(message, "put it last in its group; a second one goes outside, or in a mapping", node)

    def _is_before_others_in_group(self, node: Trigger) -> bool:
        behind = self._text[node.end :].lstrip()
        return not behind.startswith(")") and any(start < node.start < end for start, end, _ in self._parentheses())

    def _nested(self) -> Problem | None:
        """Note parentheses in parentheses, be they needed or not; of several the first."""
        for start, end, depth in self._parentheses():
            if depth > 1:
                message = "Segment's own parser does not read parentheses in parentheses: there no events are taken"
                return self._tell_span(message, _HERE, (start, end), severity="note")
        return None

    def _parentheses(self) -> list[tuple[int, int, int]]:
        """List the groups of the text from left to right: from, to, and how deep they are. Functions are none."""
        found: list[tuple[int, int, int]] = []
        opened: list[tuple[int, bool]] = []
        before = ""
        for token in tokenize(self._text):
            if token.kind == "group_open":
                opened.append((token.start, before != "function"))
            elif token.kind == "group_close" and opened:
                start, is_group = opened.pop()
                if is_group:
                    found.append((start, token.end, 1 + sum(group for _, group in opened)))
            before = token.kind
        return sorted(found)

    def _negation(self, node: Not) -> Problem:
        message = "Segment passes over this `!`, and takes just the other events"
        inner, fix = node.part, None
        if isinstance(inner, Compare) and (turned := self._turned(inner)):
            fix = self._fixed(node, turned)
            return self._tell(message, f"write {turned}", node, fix)
        return self._tell(message, "write it without `!`: != for a text, or the clauses turned one by one", node)

    def _turned(self, clause: Compare) -> str:
        """Spell a comparison that holds where another does not, if there is one."""
        value, field = clause.value, clause.operand
        if not isinstance(value, Constant) or isinstance(field, Call) or clause.operator not in ("=", "!="):
            return ""
        if value.value is not None and not isinstance(value.value, str):
            return ""
        if value.value is None and field.keys in (("type",), ("event",)):
            return ""
        operator = "!=" if clause.operator == "=" else "="
        return f"{self._source(field)} {operator} {self._source(value)}"

    # -------------------------------------------------------------------------------------------------------- clauses

    def _clause(self, clause: Clause, above: Trigger | None) -> Iterator[Problem]:
        if any(isinstance(operand, Call) for operand in operands(clause)):
            yield self._note("this function", clause)
        elif _is_passed_over(clause):
            yield self._passed_over(clause, above)
        elif isinstance(clause, Member):
            yield self._note("`in`", clause)
        elif isinstance(clause, Compare) and isinstance(clause.value, Choices):
            yield self._note("a comparison with a list", clause)
        elif isinstance(clause, Match):
            yield from self._pattern(clause)

    def _passed_over(self, clause: Clause, above: Trigger | None) -> Problem:
        """Tell of a clause that is left out: where all must hold, more events are taken then.

        Where any of a group's clauses would do, or nothing is left of it, fewer are.
        """
        name = field_of(next(operands(clause))).keys[0]
        what = f"{name} in contains(…) and match(…)" if name in _READ else f"the field {name}"
        is_group = self._text[: clause.start].rstrip().endswith("(") and self._text[clause.end :].lstrip()[:1] == ")"
        if isinstance(above, And) and not is_group and not all(map(_is_passed_over, above.parts)):
            message = f"Segment's own parser passes over {what}, and takes more events"
            return self._tell(message, _HERE, clause, severity="note")  # nothing can be written here in its place
        return self._note(what, clause)

    def _pattern(self, clause: Match) -> Iterator[Problem]:
        """Warn of patterns but `text*` and `*text`, which Segment takes for one of these all the same."""
        pieces = parse_glob(str(clause.pattern.value))
        fixed = self._same_without_glob(clause)
        match pieces:
            case (Wild.MANY,) if clause.pattern.value == "*":
                return
            case (str(text), Wild.MANY) | (Wild.MANY, str(text)) if text in str(clause.pattern.value) and (
                str(clause.pattern.value).strip("*") == text and len(str(clause.pattern.value)) == len(text) + 1
            ):
                return
            case _:
                message = 'Segment reads no pattern but "text*" and "*text", and takes this for another one'
                help = f"write {fixed}" if fixed else "split it: match(…) for each end, contains(…) for the middle"
                yield self._tell(message, help, clause, self._fixed(clause, fixed) if fixed else None)

    def _same_without_glob(self, clause: Match) -> str:
        """Spell a pattern as a clause that Segment reads right, if there is one that is the same."""
        field, bang = self._source(clause.operand), "!" if clause.negated else ""
        match parse_glob(str(clause.pattern.value)):
            case () if not clause.negated:
                return f'{field} = ""'
            case (str(text),) if not clause.negated:
                return f"{field} = {quoted(text)}"
            case (Wild.MANY, str(text), Wild.MANY):
                return f"{bang}contains({field}, {quoted(text)})"
            case (Wild.MANY,):
                return f'{bang}match({field}, "*")'
        return ""


def _is_passed_over(node: Trigger) -> bool:
    """Say whether Segment's own parser leaves a clause out, because of its field."""
    if isinstance(node, And | Or | Not) or any(isinstance(operand, Call) for operand in operands(node)):
        return False
    known = _LOOKED_INTO if isinstance(node, Contains | Match) else _READ
    fields = [field_of(operand).keys[0] for operand in operands(node)]
    return len(fields) == 1 and fields[0] not in known


def _with_above(node: Trigger, above: Trigger | None) -> Iterator[tuple[Clause, Trigger | None]]:
    """List the clauses of a tree, each with what it is a part of."""
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _with_above(part, node)
        case Not(part):
            yield from _with_above(part, node)
        case _:
            yield node, above


def _constants(tree: Trigger) -> Iterator[Constant]:
    """List the constants of a trigger, from left to right."""
    for clause in clauses(tree):
        match clause:
            case Compare(value=Constant() as constant):
                yield constant
            case Compare(value=Choices(items)):
                yield from items
            case Contains(part=constant) | Match(pattern=constant):
                yield constant
            case Member(item, choices):
                yield from (item,) if isinstance(item, Constant) else ()
                yield from choices.items if isinstance(choices, Choices) else ()
