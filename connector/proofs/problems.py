"""What is proven of a destination's mappings, as problems with their places: warnings, and notes worth knowing.

A required field that can be missing is a warning, unless a test in the file says that it is meant.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from connector.documents import Part
from connector.errors import Path, Problem
from connector.language.directives import Call, PathText
from connector.language.paths import Keys
from connector.language.templates import parse_template
from connector.lints.event_paths import leads_nowhere
from connector.mappings import Mapping
from connector.proofs.asking import all_lead_nowhere, clause_fix, clause_words, missing_clause
from connector.proofs.kinds import ABSENT, EMPTY, words
from connector.proofs.rows import DeadBranch, FieldProof, When, prove_mapping
from connector.proofs.skips import certain_skip
from connector.proofs.wording import (
    both,
    conditions,
    counts_as_its_item,
    failing_words,
    path_text,
    refused_words,
    wanted,
)

# Every event that is taken in has these, but one of an old recording may not: true, and nothing to be told of.
_STAMPED: Final = frozenset({("messageId",), ("timestamp",), ("receivedAt",)})


def mapping_problems(mapping: Mapping) -> Iterator[Problem]:
    """Tell what can be proven wrong, or worth knowing, of a mapping's fields."""
    proof = prove_mapping(mapping)
    if not proof.takes:
        return
    for field in proof.fields:
        if field.whole:
            yield from _field_problems(mapping, field)
    for dead in proof.dead:
        yield _dead_problem(mapping, dead)
    reason = certain_skip(mapping, proof.fields)
    if reason:
        yield _skipped(mapping, reason)


def _field_problems(mapping: Mapping, field: FieldProof) -> Iterator[Problem]:
    if not field.passes and not _is_vague(field.gone):
        yield _never(mapping, field)
        return
    gone = [when for when in field.gone if not _is_stamped(when)]
    if gone and not field.required and not all_lead_nowhere(mapping, gone):
        yield _optional(mapping, field, gone)
    elif gone and not _is_expected(mapping, field.name):
        yield from _required(mapping, field, gone)
    for when in field.hollow:
        yield from _hollow(mapping, field, when)
    for when in field.fails:
        yield _failing(mapping, field, when)
    refused = tuple(when for when in field.refused if when.source is None or not leads_nowhere(mapping, when.source))
    if refused:
        yield _refused(mapping, replace(field, refused=refused))


def _is_vague(whens: tuple[When, ...]) -> bool:
    return bool(whens) and any(when.vague for when in whens)


def _is_stamped(when: When) -> bool:
    return any(keys in _STAMPED and not kinds & ~(ABSENT | EMPTY) for keys, kinds in when.conditions)


def _is_expected(mapping: Mapping, name: str) -> bool:
    """Say whether a test of the mapping expects an event to be invalid for want of a field.

    So may one of the preset that both the field and the trigger come from.
    """
    word = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
    expected = [case.expected for case in mapping.tests if case.expected is not None and case.outcome == "invalid"]
    reasons = [reason for each in expected for reason in each.reasons]
    return any(map(word.search, [*reasons, *_preset_reasons(mapping, name)]))


def _preset_reasons(mapping: Mapping, name: str) -> list[str]:
    field = mapping.draft.fields.get(name)
    document = mapping.draft.parts["trigger"].document
    if field is None or field.document is not document or document is mapping.draft.part.document:
        return []
    tests = document.get(("tests",))
    given = [test.get("expect_invalid") for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []
    return [reason for reason in given if isinstance(reason, str)]


def _part(mapping: Mapping, path: Path) -> Part:
    """Find a node's place; that of a directive with one text is the text."""
    part = mapping.draft.fields[str(path[0])].child(*path[1:])
    value = part.value
    name = next(iter(value), "") if isinstance(value, dict) else ""
    inner = part.child(name)
    return inner if name.startswith("@") and isinstance(inner.value, str) else part


def _never(mapping: Mapping, field: FieldProof) -> Problem:
    if field.fails or field.refused:
        gone = "" if not field.gone else " when it is there"
        events = "every event" if field.required or not field.gone else "every event that has it"
        found = failing_words([*field.fails, *field.refused], field.schema)
        message = f"{field.name} is always {found}{gone}, and must be {wanted(field.schema)}: {events} is invalid"
        help = "name a value of the right type"
    else:
        then = "every event is invalid" if field.required else "it is never sent"
        message = f"{field.name} is always {words(field.kinds)}: {then}"
        help = "correct the path, or remove the field"
    path = (field.fails or field.gone)[0].path
    return replace(_part(mapping, path).problem("proof_never", message, help=help), severity="warning")


def _required(mapping: Mapping, field: FieldProof, gone: list[When]) -> Iterator[Problem]:
    """Warn of what makes an event invalid; that an id may be an empty text is only noted.

    Of a path that no event has the lints tell.
    """
    missing = [when for when in gone if not when.vague and not _is_of_empty(when)]
    whens = missing or gone
    if all_lead_nowhere(mapping, missing):
        return
    message = f"{_can_be(field, whens)}: the event is then invalid"
    meant = f"say with a test that this is meant: `expect_invalid: missing the required field '{field.name}'`"
    part = _own_part(mapping, _part(mapping, whens[0].path))
    if not missing:
        yield replace(part.problem("proof_empty", message, help=meant), severity="note")
        return
    clause = missing_clause(mapping, missing)
    problem = part.problem("proof_required", message, help=f"{clause_words(clause)}, or {meant}")
    yield replace(problem, severity="warning", fix=clause_fix(mapping, clause))


def _hollow(mapping: Mapping, field: FieldProof, when: When) -> Iterator[Problem]:
    """Warn of a template of which an event leaves only its own text: it names nobody, and passes."""
    if all_lead_nowhere(mapping, [when]):
        return
    part = _part(mapping, when.path)
    pieces = [piece for piece in parse_template(str(part.value)) if isinstance(piece, str)]
    own = "its template's text" if part.is_filled else f'"{"".join(pieces)}"'
    state = f"{own} {conditions([when])}".rstrip()
    message = f"{field.name} is no more than {state}: it is then the same for all such events"
    clause = missing_clause(mapping, [when])
    problem = _own_part(mapping, part).problem("proof_template", message, help=clause_words(clause))
    yield replace(problem, severity="warning", fix=clause_fix(mapping, clause))


def _skipped(mapping: Mapping, reason: str) -> Problem:
    """Warn at the action, which has nothing to do with what is mapped, or at the preset that names it."""
    part, own = mapping.draft.parts["action"], mapping.draft.part
    part = part if part.document is own.document else own.child("preset")
    problem = part.problem("proof_skipped", f"every event is skipped: {reason}", help="fill a field that it can send")
    return replace(problem, severity="warning")


def _is_of_empty(when: When) -> bool:
    return any(kinds == EMPTY for _, kinds in when.conditions)


def _own_part(mapping: Mapping, part: Part) -> Part:
    """Give the place in the file that has the mapping, where the field itself stands in a preset."""
    own = mapping.draft.part
    if part.document is own.document:
        return part
    trigger = mapping.draft.parts["trigger"]
    return trigger if trigger.document is own.document else own.child("preset")


def _can_be(field: FieldProof, whens: list[When]) -> str:
    kinds = 0
    for when in whens:
        kinds |= when.kinds & (ABSENT | EMPTY)
    certain = [when for when in whens if not when.vague]
    return f"{field.name} can be {words(kinds)} {conditions(certain)}".rstrip()


def _optional(mapping: Mapping, field: FieldProof, gone: list[When]) -> Problem:
    missing, empty = ([when for when in gone if when.kinds & kinds] for kinds in (ABSENT, EMPTY))
    whens = missing or empty
    message = f"{_can_be(field, whens)}; it is then left out"
    help = _empty_help(missing, empty) if missing and empty and "string" in field.schema.type else ""
    return replace(_part(mapping, whens[0].path).problem("proof_optional", message, help=help), severity="note")


def _empty_help(missing: list[When], empty: list[When]) -> str:
    """Say what an empty text does; one that an `exists` takes keeps the else from being taken."""
    for one in empty:
        others = [when for when in missing if when.path != one.path and when.source != one.source]
        if one.source is not None and any(keys == one.source for when in others for keys, _ in when.conditions):
            found = path_text(one.source)
            return f"an empty {found} counts as there, and is left out: with `blank` for `exists` the else is taken"
    return "an empty text is left out too"


def _failing(mapping: Mapping, field: FieldProof, when: When) -> Problem:
    """Warn of a branch whose value never passes; where its condition cannot be told, it only can be taken."""
    found = failing_words([when], field.schema)
    given = conditions([when])
    is_so = f"is {found} {given}" if given else f"can be {found}"
    message = f"{field.name} {is_so}, and must be {wanted(field.schema)}: the event is then invalid"
    problem = _part(mapping, when.path).problem("proof_type", message, help="name a value of the right type")
    return replace(problem, severity="warning")


def _refused(mapping: Mapping, field: FieldProof) -> Problem:
    sources = list(dict.fromkeys(path_text(when.source) for when in field.refused if when.source is not None))
    like = f", as {both(sources)} can" if sources else ""
    message = f"{field.name} can be {refused_words(field.refused, field.schema)}{like}: the event is then invalid"
    converted = "; a number, true and false become one" if field.schema.type == ("string",) else ""
    counts = "; a list of one counts as its item" if counts_as_its_item(field.refused, field.schema) else ""
    help = f"it must be {wanted(field.schema)}{'' if field.schema.enum else converted}{counts}"
    problem = _part(mapping, field.refused[0].path).problem("proof_refused", message, help=help)
    return replace(problem, severity="note")


def _dead_problem(mapping: Mapping, dead: DeadBranch) -> Problem:
    kind = "exists" if "exists" in dead.node.options else "blank"
    state = {"exists": "there", "blank": "filled"}[kind]
    how = f"never {state}" if dead.branch == "then" else f"always {state}"
    message = f"`{dead.branch}` is never taken: {_tested(dead.node, kind)} is {how}"
    part = _part(mapping, dead.node.options[dead.branch].path)
    help = f"remove it, or correct what `{kind}` asks for"
    if dead.branch == "then":
        return replace(part.problem("proof_branch", message, help=help), severity="warning")
    return replace(part.problem("proof_else", message, help=help), severity="note")


def _tested(node: Call, kind: str) -> str:
    test = node.options[kind]
    keys: Keys | None = None
    if isinstance(test, Call) and isinstance(inner := test.options.get("path"), PathText):
        keys = inner.keys
    return path_text(keys) if keys else f"what `{kind}` asks for"
