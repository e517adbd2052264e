"""Nothing is proven that a run can refute: random mappings, triggers and events, and the recorded cases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connector.errors import Path as ErrorPath
from connector.errors import ResolveError
from connector.language.compiler import compile_mapping
from connector.language.directives import Fields
from connector.language.paths import walk
from connector.language.tracing import Step, compile_trace
from connector.language.triggers import compile_trigger, parse_trigger
from connector.proofs.evaluation import Evaluation
from connector.proofs.facts import Facts
from connector.proofs.judging import action_schema
from connector.proofs.kinds import kind_of
from connector.proofs.premises import premises
from connector.proofs.rows import When, prove_fields
from connector.schemas import checker, load_schema
from connector.values import JSON, MISSING, load_json
from tests.proofs.worlds import MAPPED, TRIGGERS, agrees, events, holds, parsed

RECORDED = Path(__file__).parents[1] / "language" / "mapping.jsonl"
ANY = premises(parse_trigger('type != ""'))
is_event = jsonschema_rs.Draft202012Validator(load_schema("event")).is_valid
quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def is_proven(node: Fields, worlds: list[Facts], event: dict[str, JSON], payload: dict[str, Any]) -> bool:
    """Say whether for each field a case holds for the event and has the value that the run gave."""
    return all(
        any(
            holds(case.facts, event) and agrees(case.value, case.facts, payload.get(name, MISSING), event)
            for world in worlds
            for case in Evaluation().cases(field, world)
        )
        for name, field in node.fields
    )


@quick
@given(events())
def test_the_random_events_keep_to_the_schema(event: dict[str, JSON]) -> None:
    """The events of these tests are events."""
    assert is_event(event)


@quick
@given(events(), TRIGGERS)
def test_premises_hold(event: dict[str, JSON], text: str) -> None:
    """An event that a trigger lets through is in one of the cases that were proven of it."""
    tree = parse_trigger(text)
    assume(compile_trigger(tree)(event))
    assert any(holds(facts, event) for facts in premises(tree))


@quick
@given(events(), MAPPED, TRIGGERS)
def test_a_run_agrees_with_the_proof(event: dict[str, JSON], mapped: JSON, text: str) -> None:
    """What a mapping gives for an event is what was proven that it gives, in a case whose conditions hold."""
    tree, node = parse_trigger(text), parsed({"email": mapped})
    assume(isinstance(node, Fields) and compile_trigger(tree)(event))
    assert isinstance(node, Fields)
    try:
        payload = compile_mapping(node)(event)
    except ResolveError:
        return
    assert is_proven(node, premises(tree), event, payload)


def test_recorded_runs_agree_with_the_proof() -> None:
    """What Segment's runtime made of an event that keeps to the schema is what was proven."""
    cases: list[Any] = [load_json(line) for line in RECORDED.read_bytes().splitlines()]
    kept = [case for case in cases if is_event(case["event"])]
    refuted = []
    for case in kept:
        node = parsed(case["mapping"])
        if isinstance(node, Fields) and not is_proven(node, ANY, case["event"], compile_mapping(node)(case["event"])):
            refuted.append(case)
    assert refuted == []
    assert len(kept) > 500


FIELDS = ("email", "include_page", "tolerance", "groups", "limit_config", "metadata")
SCHEMA = action_schema("attach")


def told(whens: tuple[When, ...], value: object, event: dict[str, Any]) -> bool:
    """Say whether one of the ways in which something comes to be is that of the event."""
    return any(
        when.kinds & kind_of(value)
        and (when.types is None or event["type"] in when.types)
        and all(kind_of(walk(event, keys)) & kinds for keys, kinds in when.conditions)
        for when in whens
    )


@quick
@given(events(), MAPPED, st.sampled_from(FIELDS), TRIGGERS)
def test_the_schema_agrees_with_the_proof(event: dict[str, JSON], mapped: JSON, name: str, text: str) -> None:
    """What is left out or refused was proven to be possible, under conditions that hold for the event."""
    tree, node = parse_trigger(text), parsed({name: mapped})
    assume(isinstance(node, Fields) and compile_trigger(tree)(event))
    assert isinstance(node, Fields)
    try:
        payload: dict[str, Any] = compile_mapping(node)(event)
    except ResolveError:
        return
    checked = checker("attach").repair({"account": "u", **payload})
    proof, *below = prove_fields(node, premises(tree), SCHEMA).fields
    value = payload.get(name, MISSING)
    assert kind_of(value) & proof.kinds
    if name not in checked.payload:
        assert told(proof.gone, value, event)
    elif checked.problems:
        refused = [*proof.refused, *proof.fails, *(when for each in below for when in (*each.refused, *each.fails))]
        assert refused
        assert below or told(tuple(refused), value, event)
    else:
        assert proof.passes
        assert not any(when.conditions for when in proof.fails if told((when,), value, event))


@quick
@given(
    events(), st.lists(st.sampled_from(["{{userId}}", "{{own.a}}", "{{name}}", "u-", "{{{context.own}}}"])), TRIGGERS
)
def test_a_template_that_nothing_fills_was_told(event: dict[str, JSON], pieces: list[str], text: str) -> None:
    """Where a required template gives its own text alone, as all that it inserts is missing, that was proven."""
    tree, node = parse_trigger(text), parsed({"account": {"@template": "".join(pieces)}})
    assume(isinstance(node, Fields) and compile_trigger(tree)(event))
    assert isinstance(node, Fields)
    keys = [tuple(piece.strip("{}").split(".")) for piece in pieces if piece != "u-"]
    found: list[object] = [walk(event, one) for one in keys]  # type: ignore[arg-type]  # dicts are invariant
    if not found or "u-" not in pieces or any(value is not None and value is not MISSING for value in found):
        return
    (proof,) = prove_fields(node, premises(tree), SCHEMA).fields
    assert told(proof.hollow, "u-", event)


@quick
@given(events(), MAPPED, TRIGGERS)
def test_no_event_takes_a_dead_branch(event: dict[str, JSON], mapped: JSON, text: str) -> None:
    """A branch that was proven never to be taken is never taken."""
    tree, node = parse_trigger(text), parsed({"email": mapped})
    assume(isinstance(node, Fields) and compile_trigger(tree)(event))
    assert isinstance(node, Fields)
    dead = {(each.node.path, each.branch) for each in prove_fields(node, premises(tree), SCHEMA).dead}
    assert not dead & set(taken(compile_trace(node)(event).steps))


def taken(steps: tuple[Step, ...]) -> Iterator[tuple[ErrorPath, str]]:
    """List the branches that a run took."""
    for step in steps:
        yield step.node.path, step.branch
        yield from taken(step.steps)
