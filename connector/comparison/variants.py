"""One version of a mapping with a single edit as the other version has it, and which edits show only that way.

In: a pair of mappings. Out: functions that plan events, compiled when they are first needed; and the edits that change
what is made of an event, though another edit hides it.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from connector.comparison.edits import Comparison, Pair
from connector.comparison.outcomes import kind_of, payload_of, same_json
from connector.comparison.setting_edits import ADDRESS, CREDENTIALS, MADE_BY, without
from connector.comparison.trees import Difference, Output, overlaps, turned, undo, value_at
from connector.comparison.versions import Edit
from connector.destination import Mapping, Settings
from connector.errors import ResolveError
from connector.events import Cutoff
from connector.language.compiler import compile_mapping
from connector.language.directives import Fields, Node
from connector.language.triggers import Holds
from connector.pipeline import Plan, Planned, Planner, compile_plan
from connector.values import JSON

_AGE: Final = "max_event_age"
_SWITCHES: Final = ("added", "removed", "enabled", "disabled")


class Variants:
    """Plans of a mapping in one version; `differences` lead from the other version to this one."""

    def __init__(
        self, mapping: Mapping, settings: Settings, other: Settings, differences: tuple[Difference, ...], action: str
    ) -> None:
        self._mapping, self._settings, self._other = mapping, settings, other
        self._differences, self._action = differences, action
        self._known: dict[int | str, Planner] = {}
        self._same: dict[int, Holds] = {}

    def field(self, number: int) -> Planner:
        """Plan with one difference of the fields undone, by its number."""
        return self._find(number, lambda: self._without_field(self._differences[number]))

    def is_same(self, number: int) -> Holds:
        """Tell whether an event has the same in a field with a difference undone, which costs less than planning it."""
        if number not in self._same:
            fields, found = self._mapping.fields, self._differences[number]
            undone = undo(fields, found)
            both = isinstance(fields, Fields) and isinstance(undone, Fields) and found.output
            self._same[number] = compile_same(fields, undone, {found.output[0]}) if both else _never
        return self._same[number]

    def setting(self, name: str) -> Planner:
        """Plan with one setting as the other version has it."""
        return self._find(name, lambda: compile_plan(self._mapping, without(self._settings, name, self._other)))

    def action(self) -> Planner:
        """Plan with the other version's action."""
        changed = replace(self._mapping, action=self._action)
        return self._find("action", lambda: compile_plan(changed, self._settings))

    def as_it_is(self) -> Planner:
        """Plan with nothing undone."""
        return self._find("", lambda: compile_plan(self._mapping, self._settings))

    def _find(self, key: int | str, compile: Callable[[], Planner]) -> Planner:
        if key not in self._known:
            self._known[key] = compile()
        return self._known[key]

    def _without_field(self, found: Difference) -> Planner:
        fields = undo(self._mapping.fields, found)
        return compile_plan(replace(self._mapping, fields=fields, resolve=compile_mapping(fields)), self._settings)


def compile_same(old: Node, new: Node, names: set[str]) -> Holds:
    """Compile whether two objects of fields give the same for an event under some of their names."""
    before, after = compile_mapping(_only(old, names)), compile_mapping(_only(new, names))

    def is_same(event: dict[str, JSON]) -> bool:
        try:
            return same_json(before(event), after(event))
        except ResolveError:
            return False

    return is_same


def _only(node: Node, names: set[str]) -> Node:
    assert isinstance(node, Fields)
    return Fields(tuple((name, inner) for name, inner in node.fields if name in names), node.path)


def _never(_: dict[str, JSON]) -> bool:
    return False


def variants_of(comparison: Comparison, pair: Pair) -> tuple[Variants | None, Variants | None]:
    """Give what makes one edit alone in the old version, and what undoes one in the new version."""
    before, after = comparison.old.destination.settings, comparison.new.destination.settings
    found = tuple(difference for difference, _ in pair.fields)
    back = tuple(map(turned, found))
    old, new = pair.old, pair.new
    return (
        Variants(old, before, after, back, new.action if new else old.action) if old else None,
        Variants(new, after, before, found, old.action if old else new.action) if new else None,
    )


class Hidden:
    """Finds edits of a mapping, and settings, that no event was said to change for, though one alone would.

    `behind` leads from such an edit to those that hid it.
    """

    def __init__(self, comparison: Comparison, pair: Pair, oldest: tuple[Cutoff | None, Cutoff | None]) -> None:
        self._sides, self._oldest = variants_of(comparison, pair), oldest
        self.behind: dict[Edit, dict[Edit, None]] = {}
        self._outputs = tuple(found.output for found, _ in pair.fields)
        self._alone = {number for number in range(len(self._outputs)) if is_alone(number, self._outputs)}
        self._waiting: list[tuple[Edit, int | str]] = [(edit, number) for number, (_, edit) in enumerate(pair.fields)]
        names = (_AGE, *MADE_BY, *CREDENTIALS, ADDRESS)
        self._waiting += [(comparison.settings[name], name) for name in names if name in comparison.settings]
        if action := pair.edit("action"):
            self._waiting.append((action, "action"))
        self._holds = _holds(pair.old, pair.new), _holds(pair.new, pair.old)
        self._switched_on = tuple(mapping is not None and mapping.enabled for mapping in (pair.old, pair.new))
        taking = (comparison.settings.get("consent_categories"), pair.edit(*_SWITCHES), pair.edit("trigger"))
        self._taking = tuple((at, edit) for at, edit in enumerate(taking) if edit)
        self.watches = len(self._taking) > 1
        """Whether events that neither version takes have to be looked at."""

    def look(self, event: dict[str, JSON], old: Plan | None, new: Plan | None, causes: tuple[Edit, ...]) -> None:
        """Look at an event that changes for these causes; a plan is None where that version makes nothing of it."""
        if self._waiting:
            self._waiting = [one for one in self._waiting if one[0] not in causes]
            for one in [one for one in self._waiting if self._shows(one[1], event, old, new)]:
                self._waiting.remove(one)
                self.behind[one[0]] = dict.fromkeys(causes)

    def look_away(self, event: dict[str, JSON], *, let: tuple[bool, bool]) -> None:
        """Look at an event that neither version takes, each for its own reason; `let` says of which consent lets it."""
        old, new = ((let[at], self._switched_on[at], self._holds[at](event)) for at in (0, 1))
        others = [(at, edit) for at, edit in self._taking if old[at] != new[at]]
        for at, edit in others if len(others) > 1 else ():
            if edit not in self.behind and (_with(old, at) or _with(new, at)):
                self.behind[edit] = {other: None for _, other in others if other is not edit}

    def _shows(self, what: int | str, event: dict[str, JSON], old: Plan | None, new: Plan | None) -> bool:
        if isinstance(what, int) and self._is_equal(what, old, new):
            return False
        return any(self._differs(what, at, event, plan) for at, plan in enumerate((old, new)) if plan is not None)

    def _is_equal(self, number: int, old: Plan | None, new: Plan | None) -> bool:
        """Say whether both versions made the same where a field was edited, and no other edit can be why."""
        output = self._outputs[number]
        if not (isinstance(old, Planned) and isinstance(new, Planned)) or number not in self._alone:
            return False
        return same_json(value_at(old.payload, output), value_at(new.payload, output))

    def _differs(self, what: int | str, at: int, event: dict[str, JSON], plan: Plan) -> bool:
        if what in CREDENTIALS:
            return isinstance(plan, Planned) and plan.request.auth == CREDENTIALS[str(what)]
        if what == ADDRESS:
            return isinstance(plan, Planned)
        side = self._sides[at]
        assert side is not None
        oldest = self._oldest[1 - at if what == _AGE else at]
        if isinstance(what, int) and side.is_same(what)(event):
            return False
        planner = _planner(side, what)
        other = planner(event, oldest)
        return kind_of(plan, other) is not None or not same_json(payload_of(plan), payload_of(other))


def _holds(mapping: Mapping | None, other: Mapping | None) -> Holds:
    found = mapping or other
    assert found is not None
    return found.matches


def _with(conditions: tuple[bool, bool, bool], number: int) -> bool:
    """Say whether all conditions hold when one of them does."""
    return all(holds or at == number for at, holds in enumerate(conditions))


def _planner(side: Variants, what: int | str) -> Planner:
    if isinstance(what, int):
        return side.field(what)
    if what == "action":
        return side.action()
    return side.as_it_is() if what == _AGE else side.setting(what)


def is_alone(number: int, outputs: tuple[Output, ...]) -> bool:
    """Say whether no other difference is in the same part of the payload."""
    own = outputs[number]
    return not any(overlaps(own, other) for at, other in enumerate(outputs) if at != number)
