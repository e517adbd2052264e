"""Evaluates the fields of one mapping for every event that its trigger lets through: a FieldProof for each.

In: a compiled Mapping. Out: the kinds that each field can have, when there is none and when its schema refuses it. Said
of events that keep to the event schema; what a directive refuses on an event (a @transform of a text) is not looked at.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from connector.errors import Path
from connector.language.directives import Call, Fields, Node, walk_nodes
from connector.language.paths import Keys
from connector.lints.holding import taken_types
from connector.mappings import Mapping
from connector.proofs.evaluation import Branch, Evaluation
from connector.proofs.facts import Facts, first_facts
from connector.proofs.judging import FieldSchema, action_schema, inner_values, is_refused, judge
from connector.proofs.kinds import ABSENT, EMPTY, FALSE, PRESENT, TEXT, ZERO
from connector.proofs.premises import premises
from connector.proofs.shapes import Case, Ref, Shape, flat, kinds_of, only, texts_of

_TRUTHY: Final = PRESENT & ~(EMPTY | FALSE | ZERO)


class When(msgspec.Struct, frozen=True):
    """One way in which a field comes to have these kinds: the conditions on paths that must hold together.

    `types` are the events concerned, None for all that the trigger lets through. `source` is the path that is taken,
    None where the mapping makes the value. A `vague` one may never come to be. `texts` are all that a text can be.
    """

    kinds: int
    path: Path
    conditions: tuple[tuple[Keys, int], ...]
    types: frozenset[str] | None = None
    source: Keys | None = None
    vague: bool = False
    texts: frozenset[str] | None = None


class FieldProof(msgspec.Struct, frozen=True):
    """What is proven of one field, or of a place in it that its schema knows (`groups.id`, `groups[].name`).

    `kinds` are all that the mapping can give there. `gone`: when that is left out; `refused`: when it may not pass;
    `fails`: when it cannot pass. `passes` is false when there is no case in which it does. `hollow`: when a required
    one is nothing but its template's own text. What is not `whole` has more cases than are looked at, and may be more
    than is said.
    """

    name: str
    path: Path
    schema: FieldSchema
    required: bool
    kinds: int
    gone: tuple[When, ...]
    refused: tuple[When, ...]
    fails: tuple[When, ...]
    passes: bool
    hollow: tuple[When, ...] = ()
    whole: bool = True


class DeadBranch(msgspec.Struct, frozen=True):
    """A branch of an @if that no event takes."""

    node: Call
    branch: str


class MappingProof(msgspec.Struct, frozen=True):
    """What is proven of a mapping; nothing when its trigger `takes` no event."""

    fields: tuple[FieldProof, ...]
    dead: tuple[DeadBranch, ...]
    takes: bool = True


def prove_mapping(mapping: Mapping) -> MappingProof:
    """Evaluate all fields of a mapping."""
    worlds = premises(mapping.trigger) if taken_types(mapping) else []
    if not worlds:
        return MappingProof((), (), takes=False)
    proof = prove_fields(mapping.fields, worlds, action_schema(mapping.action))
    return replace(proof, fields=tuple(_printable(mapping, field) for field in proof.fields))


def _printable(mapping: Mapping, field: FieldProof) -> FieldProof:
    """Forget texts that variables were filled into: they may be secrets, and are told nobody."""
    part = mapping.draft.fields[str(field.path[0])]
    nodes = (node for node in walk_nodes(mapping.fields) if node.path[:1] == field.path[:1])
    parts = (mapping.draft.parts["trigger"], *(part.child(*node.path[1:]) for node in nodes))
    if not any(part.is_filled for part in parts):
        return field
    gone, refused, fails = (
        tuple(replace(when, texts=None) for when in whens) for whens in (field.gone, field.refused, field.fails)
    )
    return replace(field, gone=gone, refused=refused, fails=fails)


def prove_fields(node: Node, worlds: list[Facts], schema: FieldSchema) -> MappingProof:
    """Evaluate an object of fields for what is known of the event: one of the `worlds` holds."""
    proofs: list[FieldProof] = []
    dead: list[DeadBranch] = []
    types = frozenset(name for world in worlds for name in world.types)
    for name, field in node.fields if isinstance(node, Fields) and worlds else ():
        evaluation = Evaluation()
        cases = [case for world in worlds for case in evaluation.cases(field, world)]
        below = schema.properties.get(name)
        if below is not None:
            first, *inner = _proofs(name, field.path, cases, below, types, required=name in schema.required)
            if first.required:
                first = replace(first, hollow=_hollow(evaluation, cases, types))
            proofs += [replace(each, whole=evaluation.is_whole) for each in (first, *inner)]
        if evaluation.is_whole:
            dead += [DeadBranch(*one) for one in _dead(field, evaluation.reached)]
    return MappingProof(tuple(proofs), tuple(dead))


def _proofs(
    name: str,
    path: Path,
    cases: list[Case],
    schema: FieldSchema,
    types: frozenset[str],
    *,
    required: bool = False,
    at_root: bool = True,
) -> Iterator[FieldProof]:
    gone: list[When] = []
    refused: list[When] = []
    fails: list[When] = []
    kinds, passes = 0, False
    for case in cases:
        kinds |= kinds_of(case.value, case.facts)
        verdict = judge(case.value, case.facts, schema, at_root=at_root)
        gone += [when for part in (ABSENT, EMPTY) for when in _whens(case, verdict.gone & part, types)]
        (fails if is_refused(verdict) and not _is_of_a_kind(case) else refused).extend(
            _whens(case, verdict.refused, types)
        )
        passes = passes or bool(verdict.taken | verdict.converted)
    told = [_once(whens, types) for whens in (gone, refused, fails)]
    yield FieldProof(name, path, schema, required, kinds, told[0], told[1], told[2], passes)
    yield from _inner(name, cases, types, schema)


def _hollow(evaluation: Evaluation, cases: list[Case], types: frozenset[str]) -> tuple[When, ...]:
    """Find the templates without an insertion among the nodes that give a field's value."""
    given = {case.path for case in cases}
    return _once(
        (when for case in evaluation.hollow if case.path in given for when in _whens(case, TEXT, types)), types
    )


def _is_of_a_kind(case: Case) -> bool:
    """Say whether a case is one of the kinds of a free field, told apart by a directive and not by an @if."""
    usual = first_facts()
    return any(kinds & PRESENT and usual.at(keys) & _TRUTHY & ~kinds for keys, kinds in case.facts.stated.items())


def _inner(name: str, cases: list[Case], types: frozenset[str], schema: FieldSchema) -> Iterator[FieldProof]:
    """Look into the objects and lists that the mapping makes itself."""
    found: dict[str, tuple[FieldSchema, list[Case]]] = {}
    for case in cases:
        for suffix, value, below in inner_values(case.value, schema):
            ways = [Case(facts, inner, case.path) for facts, inner in flat(value, case.facts)]
            found.setdefault(suffix, (below, []))[1].extend(_placed(way, value) for way in ways)
    for suffix, (below, ways) in found.items():
        yield from _proofs(name + suffix, ways[0].path, ways, below, types, at_root=False)


def _placed(way: Case, value: object) -> Case:
    """Say that a case stands where the node stands that gave it."""
    for case in getattr(value, "cases", ()):
        if case.value is way.value:
            return Case(way.facts, way.value, case.path)
    return way


def _whens(case: Case, kinds: int, types: frozenset[str]) -> Iterator[When]:
    for facts, value in only((case.facts, case.value), kinds) if kinds else ():
        yield When(
            kinds_of(value, facts),
            case.path,
            tuple(facts.stated.items()),
            None if facts.types == types else facts.types,
            value.keys if isinstance(value, Ref) else None,
            isinstance(value, Shape) and value.vague,
            texts_of(value, facts),
        )


def _once(whens: Iterable[When], types: frozenset[str]) -> tuple[When, ...]:
    """Leave out what is said twice, as the cases of a trigger do."""
    found: dict[tuple[object, ...], When] = {}
    for when in whens:
        key = (when.path, when.kinds, when.conditions, when.source)
        known = found.setdefault(key, when)
        if known.types is not None:
            together = types if when.types is None else known.types | when.types
            found[key] = replace(known, types=None if together == types else together)
    return tuple(found.values())


def _dead(field: Node, reached: set[Branch]) -> Iterator[tuple[Call, str]]:
    for node in walk_nodes(field):
        if isinstance(node, Call) and (node.path, "") in reached:
            yield from (
                (node, name) for name in ("then", "else") if name in node.options and (node.path, name) not in reached
            )
