"""Which edits bring a change: those without which something else would become of the event.

In: an event and what both versions make of it. Out: the edits to blame, at least one. Where each of several edits is
enough alone, all that were made of the mapping are named.
"""

from collections.abc import Iterator
from typing import Final

from connector.comparison.edits import Comparison, Pair, clause_edit
from connector.comparison.outcomes import Kind, kind_of, payload_of, same_json
from connector.comparison.setting_edits import ADDRESS, CREDENTIALS, MADE_BY
from connector.comparison.trees import value_at
from connector.comparison.triggers import Change, Decider
from connector.comparison.variants import is_alone, variants_of
from connector.comparison.versions import Edit
from connector.events import Cutoff
from connector.language.triggers import Trigger
from connector.pipeline import STALE, Plan, Planned, Planner, Skipped
from connector.values import JSON


class Blame:
    """Finds the causes of what changes by one mapping; `oldest` are the moments before which events are stale."""

    def __init__(self, comparison: Comparison, pair: Pair, oldest: tuple[Cutoff | None, Cutoff | None]) -> None:
        self._comparison, self._pair, self._oldest = comparison, pair, oldest
        self._settings = comparison.settings
        self._taking = _taking(pair, comparison)
        self._making = tuple(_making(pair, comparison))
        self._clauses: dict[Change, Edit] = {}
        self._decider = Decider(pair.old.trigger, pair.new.trigger) if pair.old and pair.new else None
        self._undone = variants_of(comparison, pair)[1]
        outputs = tuple(found.output for found, _ in pair.fields)
        self._alone = {at for at in range(len(outputs)) if is_alone(at, outputs)}

    def of_match(self, event: dict[str, JSON], *, consent: bool) -> tuple[Edit, ...]:
        """Say why an event is taken now, or no longer; `consent` when the event's consent decides it."""
        return tuple(self._of_match(event, consent=consent)) or self._taking

    def _of_match(self, event: dict[str, JSON], *, consent: bool) -> Iterator[Edit]:
        """List each condition that holds in one version alone: all must hold for an event to be taken."""
        pair = self._pair
        yield from (edit for edit in pair.edits if edit.kind in ("added", "removed", "enabled", "disabled"))
        if consent and "consent_categories" in self._settings:
            yield self._settings["consent_categories"]
        if self._decider is not None and pair.edit("trigger") and self._is_decisive(event):
            yield from map(self._clause, self._decider.decide(event))

    def _is_decisive(self, event: dict[str, JSON]) -> bool:
        old, new = self._pair.old, self._pair.new
        return old is not None and new is not None and old.matches(event) != new.matches(event)

    def _clause(self, change: Change) -> Edit:
        if change not in self._clauses:
            old, new = _span(change.old), _span(change.new)
            self._clauses[change] = clause_edit(self._comparison, self._pair, old, new)
        return self._clauses[change]

    def of_duplicate(self) -> tuple[Edit, ...]:
        """Say why an event is a duplicate now, or no longer: an earlier one of the same messageId is (not) taken."""
        return self._taking

    def of_making(self, event: dict[str, JSON], kind: Kind, old: Plan, new: Plan) -> tuple[Edit, ...]:
        """Say why something else is made of an event that the mapping takes in both versions."""
        if len(self._making) <= 1:
            return self._making
        if is_stale(old) != is_stale(new) and (age := self._settings.get("max_event_age")):
            return (age,)
        if action := self._pair.edit("action"):
            return (action,)
        found = tuple(self._found(event, kind, old, new))
        return found or self._making

    def _found(self, event: dict[str, JSON], kind: Kind, old: Plan, new: Plan) -> Iterator[Edit]:
        before, after, undone = payload_of(old), payload_of(new), self._undone
        assert undone is not None
        for number, (found, edit) in enumerate(self._pair.fields):
            if kind == "payload_changed":  # most changes are: what differs there is looked at before anything is tried
                if same_json(value_at(before, found.output), value_at(after, found.output)):
                    continue
                if number in self._alone:
                    yield edit
                    continue
            if self._differs(undone.field(number), event, kind, new):
                yield edit
        for name in MADE_BY:
            if name in self._settings and self._differs(undone.setting(name), event, kind, new):
                yield self._settings[name]
        if isinstance(old, Planned) and isinstance(new, Planned):
            yield from self._sent_otherwise(new)

    def _differs(self, undone: Planner, event: dict[str, JSON], kind: Kind, new: Plan) -> bool:
        """Say whether without an edit something else would become of the event."""
        found = kind_of(undone(event, self._oldest[1]), new)
        return found is not None and (kind in _OF_PAYLOAD or found not in _OF_PAYLOAD)

    def _sent_otherwise(self, new: Planned) -> Iterator[Edit]:
        for name, auth in CREDENTIALS.items():
            if name in self._settings and new.request.auth == auth:
                yield self._settings[name]
        if ADDRESS in self._settings:
            yield self._settings[ADDRESS]


_OF_PAYLOAD: Final = frozenset({"payload_changed", "request_changed"})


def _taking(pair: Pair, comparison: Comparison) -> tuple[Edit, ...]:
    """List the edits that decide which events a mapping takes."""
    kinds = ("added", "removed", "enabled", "disabled", "trigger")
    edits = tuple(edit for edit in pair.edits if edit.kind in kinds)
    consent = comparison.settings.get("consent_categories")
    return (*edits, *((consent,) if consent else ()))


def _making(pair: Pair, comparison: Comparison) -> Iterator[Edit]:
    """List the edits that decide what a mapping makes of events."""
    yield from (edit for edit in pair.edits if edit.kind in ("action", "field"))
    names = ("max_event_age", *MADE_BY, *CREDENTIALS, ADDRESS)
    yield from (comparison.settings[name] for name in names if name in comparison.settings)


def _span(part: Trigger | None) -> tuple[int, int] | None:
    return None if part is None else (part.start, part.end)


def is_stale(plan: Plan) -> bool:
    """Say whether an event is skipped for its age."""
    return isinstance(plan, Skipped) and plan.reason == STALE
