"""Each field of a mapping on its way: what its directives gave, and what the action's schema made of that.

In: a mapping, then an event's data. Out: a Field for each, and where the mapping failed when it did.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import TypeAlias

from msgspec.structs import replace

from connector.destination import Mapping
from connector.explanations.changes import changes
from connector.explanations.model import Change, Failed, Field
from connector.language.directives import Fields, Node
from connector.language.tracing import Step, Traced, compile_trace
from connector.schemas import Checked, Checker, flat_schema, required_names, write_only_names
from connector.values import JSON, MISSING, Value

Tell: TypeAlias = Callable[[dict[str, JSON]], tuple[tuple[Field, ...], Failed | None]]


def compile_fields(mapping: Mapping) -> Tell:
    """Compile a mapping into a function from an event's data to its fields, and where it failed."""
    trace = compile_trace(mapping.fields)
    assert isinstance(mapping.fields, Fields)  # a destination file names the fields of an action
    nodes = mapping.fields.fields

    def tell(event: dict[str, JSON]) -> tuple[tuple[Field, ...], Failed | None]:
        traced = trace(event)
        failed = _failed(mapping, traced) if traced.error else None
        return tuple(_fields(mapping, nodes, traced)), failed

    return tell


def _fields(mapping: Mapping, nodes: tuple[tuple[str, Node], ...], traced: Traced) -> Iterator[Field]:
    required, hidden = required_names(mapping.action), write_only_names(mapping.action)
    steps = dict(zip((name for name, _ in nodes), traced.steps, strict=False))
    for name, node in nodes:
        location = mapping.location(("fields", *node.path))
        checked = None if traced.payload is None else _check(mapping.action, name, traced.payload)
        yield Field(
            name,
            node,
            location,
            steps.get(name),
            given=_given(steps.get(name)) if traced.payload is None else _value(traced.payload, name),
            result=MISSING if checked is None else _value(checked.payload, name),
            changes=() if checked is None else _changes(name, traced.payload, checked.payload),
            problems=() if checked is None else checked.problems,
            required=name in required,
            secret=name in hidden,
        )


def _given(step: Step | None) -> Value:
    """Give what a field came to in a mapping that failed."""
    return MISSING if step is None else step.value


def _value(payload: dict[str, JSON], name: str) -> Value:
    return payload.get(name, MISSING)  # type: ignore[return-value]  # JSON is a Value without MISSING


def _check(action: str, name: str, payload: dict[str, JSON]) -> Checked:
    """Put a field's value through its own part of the schema."""
    return _checker(action, name).repair({name: payload[name]} if name in payload else {})


def _changes(name: str, before: dict[str, JSON] | None, after: dict[str, JSON]) -> tuple[Change, ...]:
    """Compare a field alone; the paths start at its value."""
    only = {name: before[name]} if before and name in before else {}
    return tuple(replace(change, path=change.path[1:]) for change in changes(only, after))


@cache
def _checker(action: str, name: str) -> Checker:
    """Compile the part of an action's schema that is for one field."""
    schema = flat_schema(action)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    required: list[JSON] = [name] if name in required_names(action) else []
    return Checker({"type": "object", "required": required, "properties": {name: properties[name]}})


def _failed(mapping: Mapping, traced: Traced) -> Failed:
    """Find the innermost node that was at work when the mapping failed."""
    step: Step = traced.steps[-1]
    while step.steps:
        step = step.steps[-1]
    return Failed(traced.error, step.node, mapping.location(("fields", *step.node.path)))
