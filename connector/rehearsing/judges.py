"""One mapping in both versions, at work on events: each is matched and resolved once where nothing of that was edited.

Duplicates are those of a dry run: the same messageId, a second time for the same mapping of the same version.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from connector.comparison.causes import Blame, is_stale
from connector.comparison.edits import Comparison, Pair
from connector.comparison.outcomes import Kind, kind_of, outcome_of, shown_leaves, side
from connector.comparison.setting_edits import CREDENTIALS
from connector.comparison.variants import Hidden, compile_same
from connector.comparison.versions import Edit
from connector.destination import Mapping
from connector.events import Cutoff, Event, is_before
from connector.language.directives import Fields
from connector.pipeline import Plan, Planned, Planner, Skipped, compile_plan, options_of
from connector.queue.seen import Recent
from connector.rehearsing.tallies import PairTally, Sample, Tally
from connector.replay.rehearsal import DUPLICATE
from connector.rows import requests_base
from connector.values import JSON

OLD: Final = 1
NEW: Final = 2
CHANGED: Final = 4
STALE_IN_BOTH: Final = 8
BOTH: Final = OLD | NEW

Oldest: TypeAlias = tuple[Cutoff | None, Cutoff | None]
Judge: TypeAlias = Callable[[Event, str, int, int], int]
"""Takes an event, its file and line, and which versions let it through (OLD, NEW).

Says which took it, whether something else becomes of it (CHANGED), and whether it is too old for both (STALE_IN_BOTH).
"""
_Make: TypeAlias = Callable[[dict[str, JSON]], tuple[Plan, Plan]]
_Holds: TypeAlias = Callable[[dict[str, JSON]], bool]


def compile_judge(
    comparison: Comparison, number: int, oldest: Oldest, tally: Tally, limit: int
) -> tuple[Judge, "Memory"]:
    """Compile what is done with each event that may concern a mapping; `limit` is how many messageIds it remembers."""
    pair, counts = comparison.pairs[number], tally.pairs[number]
    memory = Memory(limit, together=_takes_the_same(pair, comparison))
    if memory.together and _makes_the_same(pair, comparison, oldest):
        assert pair.new is not None
        plan = compile_plan(pair.new, comparison.new.destination.settings)
        return _unchanged(pair.new.matches, plan, oldest=oldest[1], tally=tally, counts=counts, memory=memory), memory
    return _Edited(comparison, pair, oldest, tally=tally, counts=counts, memory=memory).judge, memory


class Memory:
    """The messageIds that a mapping has taken, in each version: `together` where both take the same."""

    def __init__(self, limit: int, *, together: bool) -> None:
        self.together = together
        self.old = Recent(limit)
        self.new = self.old if together else Recent(limit)

    def turn(self) -> None:
        """Forget what is old, when it is time."""
        self.old.turn()
        if not self.together:
            self.new.turn()


def is_known(recent: Recent, message_id: str) -> bool:
    """Say whether a messageId came before, and remember it."""
    if message_id in recent.young or message_id in recent.old:
        return True
    recent.young.add(message_id)
    return False


def _takes_the_same(pair: Pair, comparison: Comparison) -> bool:
    edited = pair.edit("added", "removed", "enabled", "disabled", "trigger")
    return edited is None and "consent_categories" not in comparison.settings


def _makes_the_same(pair: Pair, comparison: Comparison, oldest: Oldest) -> bool:
    if pair.edit("action", "field") or oldest[0] != oldest[1]:
        return False
    old, new = comparison.old.destination.settings, comparison.new.destination.settings
    sent = all(getattr(old, name) == getattr(new, name) for name in (*CREDENTIALS, "domain"))
    return sent and options_of(old) == options_of(new)


def _unchanged(
    matches: _Holds, plan: Planner, *, oldest: Cutoff | None, tally: Tally, counts: PairTally, memory: Memory
) -> Judge:
    """Take events through a mapping that does in both versions the same: once."""
    young, aged, before, after = memory.new.young, memory.new.old, tally.before, tally.after

    def judge(event: Event, _file: str, _line: int, _let: int) -> int:
        data, message_id = event.data, event.message_id
        if not matches(data):
            return 0
        counts.took_before += 1
        counts.took_after += 1
        counts.took_both += 1
        outcome, stale = "skipped", 0
        if message_id not in young and message_id not in aged:
            young.add(message_id)
            made = plan(data, oldest)
            outcome = "planned"
            if type(made) is not Planned:
                outcome = outcome_of(made)
                stale = STALE_IN_BOTH * is_stale(made)
        before[outcome] += 1
        after[outcome] += 1
        return BOTH | stale

    return judge


class _Edited:
    """A mapping of which something was edited, or on which an edit of the settings has an effect."""

    def __init__(
        self, comparison: Comparison, pair: Pair, oldest: Oldest, *, tally: Tally, counts: PairTally, memory: Memory
    ) -> None:
        settings = comparison.old.destination.settings, comparison.new.destination.settings
        self._matches = _matches(pair.old), _matches(pair.new)
        self._same_trigger = pair.edit("added", "removed", "enabled", "disabled", "trigger") is None
        self._plan_old, self._plan_new = (
            compile_plan(mapping, chosen) if mapping else None
            for mapping, chosen in zip((pair.old, pair.new), settings, strict=True)
        )
        self._make = _compile_making(comparison, pair, oldest)
        self._oldest, self._tally, self._counts, self._memory = oldest, tally, counts, memory
        self._blame, self._hidden = Blame(comparison, pair, oldest), Hidden(comparison, pair, oldest)
        counts.hidden = self._hidden.behind
        self._bases = requests_base(settings[0]), requests_base(settings[1])
        self._actions = (pair.old or pair.new).action, (pair.new or pair.old).action  # type: ignore[union-attr]  # one is
        self._authorized = {CREDENTIALS[name] for name in CREDENTIALS if name in comparison.settings}

    def judge(self, event: Event, file: str, line: int, let: int) -> int:
        """See what both versions make of an event, and count what differs."""
        data = event.data
        old_takes, new_takes = self._taken(data, let)
        if not (old_takes or new_takes):
            if self._hidden.watches:
                self._hidden.look_away(data, let=(bool(let & OLD), bool(let & NEW)))
            return 0
        old, new = self._plans(event, old_takes, new_takes)
        if old is not None:
            self._counts.took_before += 1
            self._tally.before[outcome_of(old)] += 1
        if new is not None:
            self._counts.took_after += 1
            self._tally.after[outcome_of(new)] += 1
        self._counts.took_both += old_takes and new_takes
        bits = old_takes * OLD + new_takes * NEW
        if old is not None and new is not None and is_stale(old) and is_stale(new):
            bits |= STALE_IN_BOTH
        kind = self._kind(old, new)
        if kind is None:
            return bits
        self._count(event, file, line, kind, (old, new), consent=let != BOTH)
        return bits | CHANGED

    def _taken(self, data: dict[str, JSON], let: int) -> tuple[bool, bool]:
        old, new = self._matches
        if self._same_trigger:
            holds = new is not None and new(data)
            return holds and bool(let & OLD), holds and bool(let & NEW)
        return (
            bool(let & OLD) and old is not None and old(data),
            bool(let & NEW) and new is not None and new(data),
        )

    def _plans(self, event: Event, old_takes: bool, new_takes: bool) -> tuple[Plan | None, Plan | None]:
        memory, message_id, data = self._memory, event.message_id, event.data
        if memory.together:
            return (_DUPLICATE, _DUPLICATE) if is_known(memory.new, message_id) else self._make(data)
        old_known = old_takes and is_known(memory.old, message_id)
        new_known = new_takes and is_known(memory.new, message_id)
        if old_takes and new_takes and not old_known and not new_known:
            return self._make(data)
        old: Plan | None = _DUPLICATE if old_known else None
        new: Plan | None = _DUPLICATE if new_known else None
        if old_takes and not old_known and self._plan_old:
            old = self._plan_old(data, self._oldest[0])
        if new_takes and not new_known and self._plan_new:
            new = self._plan_new(data, self._oldest[1])
        return old, new

    def _kind(self, old: Plan | None, new: Plan | None) -> Kind | None:
        also = type(new) is Planned and (self._bases[0] != self._bases[1] or new.request.auth in self._authorized)
        if old is new:
            return "request_changed" if also else None
        return kind_of(old, new, also=also)

    def _count(
        self, event: Event, file: str, line: int, kind: Kind, plans: tuple[Plan | None, Plan | None], *, consent: bool
    ) -> None:
        old, new = plans
        self._counts.kinds[kind] += 1
        causes = self._causes(event.data, kind, old, new, consent=consent)
        self._hidden.look(event.data, _made(old), _made(new), causes)
        groups = self._counts.groups_of(kind, causes)
        if any(group.is_looking for group in groups):
            found = tuple(shown_leaves(old, new, self._actions, self._bases))
            sample = Sample(event.message_id, file, line, side(old), side(new), found)
            for group in groups:
                if group.is_looking:
                    group.offer(sample)
        for group in groups:
            group.count += 1

    def _causes(
        self, data: dict[str, JSON], kind: Kind, old: Plan | None, new: Plan | None, *, consent: bool
    ) -> tuple[Edit, ...]:
        if old is None or new is None:
            return self._blame.of_match(data, consent=consent)
        if old is _DUPLICATE or new is _DUPLICATE:
            return self._blame.of_duplicate()
        return self._blame.of_making(data, kind, old, new)


_DUPLICATE: Final = Skipped(DUPLICATE)


def _made(plan: Plan | None) -> Plan | None:
    return None if plan is _DUPLICATE else plan


def _matches(mapping: Mapping | None) -> _Holds | None:
    return mapping.matches if mapping is not None and mapping.enabled else None


def _compile_making(comparison: Comparison, pair: Pair, oldest: Oldest) -> _Make:
    """Compile what both versions make of an event, so that what is the same is made once, and is the same object."""
    if pair.old is None or pair.new is None:
        return _never
    settings = comparison.old.destination.settings, comparison.new.destination.settings
    old, new = compile_plan(pair.old, settings[0]), compile_plan(pair.new, settings[1])
    first, second = oldest
    ages_differ = first != second

    def make_both(data: dict[str, JSON]) -> tuple[Plan, Plan]:
        return old(data, first), new(data, second)

    if options_of(settings[0]) != options_of(settings[1]) or pair.edit("action"):
        return make_both
    is_same = _same_fields(pair)
    if is_same is None:
        return make_both

    def make(data: dict[str, JSON]) -> tuple[Plan, Plan]:
        if ages_differ and _is_older(data, first) != _is_older(data, second):
            return old(data, first), new(data, second)
        if is_same(data):
            made = new(data, second)
            return made, made
        return old(data, first), new(data, second)

    return make


def _never(_: dict[str, JSON]) -> tuple[Plan, Plan]:
    raise AssertionError("a mapping of one version alone makes nothing in both")


def _is_older(data: dict[str, JSON], oldest: Cutoff | None) -> bool:
    return oldest is not None and is_before(data, oldest)


def _same_fields(pair: Pair) -> _Holds | None:
    """Compile whether edited fields give the same for an event; None where most were edited, and it costs too much."""
    assert pair.old is not None
    assert pair.new is not None
    old, new = pair.old.fields, pair.new.fields
    if not pair.fields:
        return lambda _: True
    names = {found.output[0] for found, _ in pair.fields if found.output}
    if not (isinstance(old, Fields) and isinstance(new, Fields)) or 2 * len(names) > len(new.fields):
        return None
    return compile_same(old, new, names)
