"""The rules of an action's schema for what a mapping fills, each put to the test by the values that events bring.

In: a mapping, then payloads as its fields gave them. Out: for each rule whether it was tested, broken, or kept only
after a conversion. Fields inside an object count where the mapping spells that object out.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, TypeAlias, cast

import msgspec

from connector.language.directives import Call, Fields, Items, Node
from connector.schemas import Checker, flat_schema, required_names
from connector.values import JSON, dump_json, type_name

Outcome: TypeAlias = Literal["kept", "converted", "refused"]
_Schema: TypeAlias = dict[str, JSON]
_Test: TypeAlias = Callable[[JSON], Outcome]
_Place: TypeAlias = tuple[str, ...]
_ITEMS: Final = "[]"


class Rule(msgspec.Struct, frozen=True):
    """One rule: `place` leads to its values in a payload, `[]` standing for every item; `node` is what fills it."""

    text: str
    place: _Place
    node: Node
    test: _Test | None  # None: the field is required, which any payload tests

    def outcomes(self, payload: dict[str, JSON]) -> Iterator[Outcome]:
        """Say how each value of a payload, as the fields gave it, stands to the rule."""
        found = _values(payload, self.place)
        if self.test is None:
            yield "kept" if any(value is not None and value != "" for value in found) else "refused"
            return
        for value in found:
            if value is not None and (value != "" or len(self.place) > 1):  # what is empty is removed before
                yield self.test(value)


def _values(value: JSON, place: _Place) -> Iterator[JSON]:
    if not place:
        yield value
    elif place[0] == _ITEMS:
        for item in value if isinstance(value, list) else ():
            yield from _values(item, place[1:])
    elif isinstance(value, dict) and place[0] in value:
        yield from _values(value[place[0]], place[1:])


def rules_of(action: str, fields: Iterable[tuple[str, Node]]) -> Iterator[Rule]:
    """List the rules that a mapping's fields are held to, field by field in the file's order.

    What is spelt out in several places, as in both branches of an @if, has one rule, with the first place.
    """
    properties = _object(flat_schema(action).get("properties"))
    required = required_names(action)
    for name, node in fields:
        if name in required:
            yield Rule(f"{name} is required", (name,), node, None)
        seen: set[str] = set()
        for rule in _value_rules(_object(properties.get(name)), node, (name,)):
            if rule.text not in seen:
                yield rule
            seen.add(rule.text)


def _value_rules(schema: _Schema, node: Node, place: _Place) -> Iterator[Rule]:
    name = ".".join(place).replace(".[]", "[]")
    kinds = cast("list[str]", schema.get("type") or [])
    if kinds:
        yield Rule(f"{name} is {' or '.join(map(_a, kinds))}", place, node, _type_test(kinds))
    if enum := schema.get("enum"):
        allowed = cast("list[JSON]", enum)
        words = ", ".join(dump_json(value).decode() for value in allowed)
        yield Rule(f"{name} is one of {words}", place, node, _enum_test(kinds, allowed))
    yield from _inner_rules(schema, node, place)


def _inner_rules(schema: _Schema, node: Node, place: _Place) -> Iterator[Rule]:
    """Go into what the mapping spells out itself: objects, lists, and what directives make the value of."""
    properties, items = _object(schema.get("properties")), _object(schema.get("items"))
    match node:
        case Fields(fields):
            for name, inner in fields:
                if name in properties:
                    yield from _value_rules(_object(properties[name]), inner, (*place, name))
        case Items(inners) if items:
            for inner in inners:
                yield from _inner_rules(items, inner, (*place, _ITEMS))
        case Call(directive, options) if directive.name == "@arrayPath":
            if items and "item" in options:
                yield from _inner_rules(items, options["item"], (*place, _ITEMS))
        case Call():
            for inner in _made_of(node):
                yield from _inner_rules(schema, inner, place)
        case _:
            pass


def _made_of(call: Call) -> Iterator[Node]:
    """List the options of which a directive gives the one or the other as it is, or all keys of them."""
    for inner in call.having("given", "inside"):
        if isinstance(inner, Items) and call.directive.name == "@merge":
            yield from inner.items
        else:
            yield inner


def _type_test(kinds: list[str]) -> _Test:
    convert = _converter(kinds)

    def test(value: JSON) -> Outcome:
        if type_name(value) in kinds:
            return "kept"
        return "refused" if convert(value) is None else "converted"

    return test


def _enum_test(kinds: list[str], allowed: list[JSON]) -> _Test:
    convert = _converter(kinds)

    def test(value: JSON) -> Outcome:
        if value in allowed:
            return "kept"
        return "converted" if convert(value) in allowed else "refused"

    return test


def _converter(kinds: list[str]) -> Callable[[JSON], JSON]:
    """Make a function that converts to the types of a schema as a check does; None where that cannot be done."""
    check = Checker({"type": ["object"], "properties": {"value": {"type": list(kinds)}}}).repair

    def convert(value: JSON) -> JSON:
        checked = check({"value": value})
        return None if checked.problems else checked.payload.get("value")

    return convert


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _object(value: JSON) -> _Schema:
    return value if isinstance(value, dict) else {}
