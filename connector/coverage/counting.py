"""Counts what events reach of a destination's mappings. No output, no I/O; memory does not grow with the events."""

from connector.coverage.items import (
    Branch,
    Counter,
    branch_counters,
    fields_of,
    rule_counters,
    taken_branches,
    trigger_counters,
)
from connector.coverage.report import CoverageReport, MappingCoverage
from connector.coverage.traffic import Traffic
from connector.destination import Destination, Mapping
from connector.errors import ResolveError
from connector.language.tracing import compile_trace
from connector.values import JSON


class Coverage:
    """The counters of one destination, for all its mappings, the disabled ones too.

    Its methods take the data of whole events (`event_reader(None)`): with less, fields are missing in `unread`.
    """

    def __init__(self, destination: Destination) -> None:
        self._traffic = Traffic(destination)
        self._counts = {mapping.name: _Counts(mapping) for mapping in destination.mappings}

    def take(self, mapping: Mapping, event: dict[str, JSON]) -> None:
        """Run an event through one mapping of the destination, and count what of it is reached."""
        self._counts[mapping.name].take(event)

    def see(self, event: dict[str, JSON]) -> None:
        """Look at the fields of an event of the traffic, for `unread`; no mapping is run."""
        self._traffic.see(event)

    def report(self) -> CoverageReport:
        """Say what was reached until now."""
        mappings = tuple(counts.report() for counts in self._counts.values())
        return CoverageReport(mappings, self._traffic.unread(), self._traffic.events, self._traffic.reads_all)


class _Counts:
    """The counters of one mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self._name, self._events = mapping.name, 0
        trigger, self._holds = trigger_counters(mapping)
        rules = rule_counters(mapping)
        self._rules = [pair for pairs in rules.values() for pair in pairs]
        self._branches: dict[Branch, Counter] = {}
        self._counters = trigger
        for name, node in fields_of(mapping):
            own = branch_counters(mapping, node)
            self._branches |= own
            self._counters += [*own.values(), *(counter for _, counter in rules.get(name, ()))]
        self._resolve = mapping.resolve
        self._trace = compile_trace(mapping.fields) if self._branches else None

    def take(self, event: dict[str, JSON]) -> None:
        self._events += 1
        if not self._holds(event):
            return
        payload = self._payload(event)
        if payload is not None:
            for rule, counter in self._rules:
                counter.count(set(rule.outcomes(payload)))

    def _payload(self, event: dict[str, JSON]) -> dict[str, JSON] | None:
        """Resolve the fields, None where that fails; only those with branches need the slow way."""
        if self._trace is None:
            try:
                return self._resolve(event)
            except ResolveError:
                return None
        traced = self._trace(event)
        for branch in taken_branches(traced.steps):
            if branch in self._branches:
                self._branches[branch].hits += 1
        return traced.payload

    def report(self) -> MappingCoverage:
        return MappingCoverage(self._name, self._events, tuple(counter.item() for counter in self._counters))
