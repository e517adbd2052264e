"""What in a destination that loads is most likely not meant: warnings and notes, each with its place.

In: a Destination. Out: problems of severity warning or note, none an error. No event is needed.
"""

from collections.abc import Iterator

from connector.destination import Destination
from connector.drafts import comes_with_us
from connector.errors import Problem
from connector.lints.allowing import without_allowed
from connector.lints.event_paths import check_paths
from connector.lints.holding import check_holding
from connector.lints.overlaps import check_overlaps
from connector.lints.payloads import check_payloads
from connector.lints.spellings import check_spellings
from connector.mappings import Mapping
from connector.positions import quoted

__all__ = ["inspect", "moved_to_user", "without_allowed"]


def inspect(destination: Destination) -> list[Problem]:
    """List the warnings and notes of a destination, ordered by file and place.

    What stands in a preset that comes with the connector is told at the mapping which starts from it, without a fix.
    """
    found = list(check_overlaps(destination))
    found += [moved_to_user(mapping, problem) for mapping, problem in check_paths(destination, apart=comes_with_us)]
    found += [moved_to_user(mapping, problem) for mapping in destination.mappings for problem in _check(mapping)]
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.file, problem.line, problem.column))


def moved_to_user(mapping: Mapping, problem: Problem) -> Problem:
    """Show what is wrong in one of our presets where its user has written something: at `preset:`."""
    if not comes_with_us(problem.file) or comes_with_us(mapping.draft.part.document.file):
        return problem
    where = f"{problem.message} (in line {problem.line} of the preset)"
    help = f"{problem.help}; what stands beside `preset:` overrides it" if problem.help else ""
    return mapping.draft.part.child("preset").problem(problem.code, where, help=help, severity=problem.severity)


def _check(mapping: Mapping) -> Iterator[Problem]:
    yield from check_holding(mapping)
    yield from check_spellings(mapping)
    yield from check_payloads(mapping)
    if not mapping.tests:
        message = f"{quoted(mapping.name)} has no tests"
        help = "write an event and what must become of it: tests: [{event: …, expect: …}]"
        yield mapping.draft.part.child("name").problem("no_tests", message, help=help, severity="note")
