"""A test of the whole destination: which mappings take an event, what each makes of it, and what was expected."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from connector.cases import Case, Expected
from connector.destination import Destination, Mapping
from connector.hiding import hide
from connector.routes import NO_MATCHING_MAPPING
from connector.values import JSON
from connector.verdicts import Difference, Verdict

Compare: TypeAlias = Callable[[Mapping, Expected, bool], Verdict]
"""Compares what a mapping makes of the event with what is expected of it; the last says whether all is printed."""


def compare_takers(case: Case, destination: Destination, matched: Sequence[Mapping] | str, compare: Compare) -> Verdict:
    """Compare the mappings that take an event with those that must, and what each makes of it."""
    expected, taken = case.takers or {}, [] if isinstance(matched, str) else matched
    names = [mapping.name for mapping in taken]
    differences = [
        Difference(("expect_mappings",), f"{name} does not take the event: {_why_not(destination, name, matched)}")
        for name in expected
        if name not in names
    ]
    if extra := [name for name in names if name not in expected]:
        differences.append(Difference(("expect_mappings",), f"{_take(extra)} the event too"))
    wanted = [(mapping, part) for mapping in taken if (part := expected.get(mapping.name)) is not None]
    verdicts = {mapping.name: compare(mapping, part, False) for mapping, part in wanted}
    differences += [
        Difference(("expect_mappings", name, *difference.path), f"{name}: {difference.message}")
        for name, verdict in verdicts.items()
        for difference in verdict.differences
    ]
    if differences:  # what passes is printed beside what does not
        verdicts = {mapping.name: compare(mapping, part, True) for mapping, part in wanted}
    return _verdict(case, [*(name for name in expected if name in names), *extra], verdicts, differences)


def _take(names: Sequence[str]) -> str:
    return f"{', '.join(names)} take{'s' if len(names) == 1 else ''}"


def _why_not(destination: Destination, name: str, matched: Sequence[Mapping] | str) -> str:
    mapping = next(mapping for mapping in destination.mappings if mapping.name == name)
    if not mapping.enabled:
        return "it is switched off"
    return matched if isinstance(matched, str) else NO_MATCHING_MAPPING


def _verdict(case: Case, order: list[str], verdicts: dict[str, Verdict], differences: list[Difference]) -> Verdict:
    whole = case.part.child("expect_mappings").value
    if not isinstance(whole, dict):
        made: dict[str, JSON] = {"expect_mappings": list(order)}
        return Verdict(tuple(differences), {"expect_mappings": whole}, made, made)
    given: dict[str, JSON] = {
        name: verdicts[name].given if name in verdicts else hide(value, name, frozenset())
        for name, value in whole.items()
    }
    shown: dict[str, JSON] = {name: verdicts[name].made if name in verdicts else True for name in order}
    written: dict[str, JSON] = {name: verdicts[name].written if name in verdicts else True for name in order}
    unwritten = next((verdict.unwritten for verdict in verdicts.values() if verdict.unwritten), "")
    return Verdict(
        tuple(differences),
        {"expect_mappings": given},
        {"expect_mappings": shown},
        None if unwritten else {"expect_mappings": written},
        unwritten,
    )


def compare_filtered(expected: Expected, matched: Sequence[Mapping] | str) -> Verdict:
    """Compare what the whole destination does with an event, where nothing must take it."""
    given: dict[str, JSON] = {"expect_filtered": True}
    if isinstance(expected.part.value, dict):
        given = {"expect_filtered": expected.part.value["expect_filtered"]}
    if not isinstance(matched, str):
        names = [mapping.name for mapping in matched]
        text = f"expected filtered, found that {_take(names)} the event"
        made: dict[str, JSON] = {"expect_mappings": list(names)}
    elif missing := [reason for reason in expected.reasons if reason not in matched]:
        text = f"expected a reason with {' and '.join(map(repr, missing))}, found {matched}"
        made = {"expect_filtered": matched}
    else:
        return Verdict((), given, given, given)
    return Verdict((Difference(("expect_filtered",), text),), given, made, made)
