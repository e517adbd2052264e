"""Which tests there are: those beside each mapping, then those of each test file, each with what it is run against.

In: a destination file, or the paths of test files. Out: Groups in a fixed order. Nothing is run.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from connector.cases import Case
from connector.destination import Destination
from connector.destination import Mapping as Route
from connector.documents import Part
from connector.drafts import mappings_folder
from connector.errors import DestinationError, Problem, SourceError, closest
from connector.testing.masking import Mask, mask_of
from connector.testing.suites import Suite, find_suites, read_suites
from connector.variables import StandIns

Environment: TypeAlias = Mapping[str, str]
Load: TypeAlias = Callable[[str, Environment], Destination]
"""Loads a destination file with these variables. Raises DestinationError."""


class Planned(msgspec.Struct, frozen=True):
    """A test and the mapping that it tests; None for the whole destination."""

    case: Case
    mapping: Route | None


class Group(msgspec.Struct, frozen=True):
    """Tests that are reported together: those beside one mapping, or those of one file (no mapping).

    `environment` is what their file is read with; `mask` has the variables that neither output nor a file may show.
    """

    file: str
    mapping: str
    destination: Destination
    tests: tuple[Planned, ...]
    environment: Environment
    mask: Mask = Mask()


def gather(config: str, paths: Sequence[str], environment: Environment, load: Load) -> list[Group]:
    """Gather the tests of `paths`; without any, those of the destination file and of the test files beside it.

    What stands beside mappings is tested with the environment; a variable that it lacks has the value that the test
    files give it, where all that do give the same.

    Raises DestinationError with the problems of files, SourceError when a path leads to nothing.
    """
    loads = _cached(load)
    if paths:
        return _groups_of(read_suites(_files(paths), environment), config, environment, loads)
    suites = _suites_of(config, [config], environment)
    own, clashing = _own_environment(suites, environment)
    try:
        destination = loads(config, own)
    except DestinationError as error:
        raise DestinationError([_unset(problem, clashing) for problem in error.problems], error.sources) from None
    suites = _suites_of(config, destination.sources.files, environment)
    mask = mask_of(destination.sources.files, own)
    beside = [
        Group(mapping.location().file, mapping.name, destination, _planned(mapping), own, mask)
        for mapping in destination.mappings
    ]
    return [*beside, *_groups_of(suites, config, environment, loads)]


def _planned(mapping: Route) -> tuple[Planned, ...]:
    return tuple(Planned(case, mapping) for case in mapping.tests)


def _own_environment(suites: Iterable[Suite], environment: Environment) -> tuple[Environment, frozenset[str]]:
    """Give the variables for what stands beside mappings, and the names on which test files do not agree."""
    values: dict[str, set[str]] = {}
    for suite in suites:
        for name, value in suite.environment.items():
            values.setdefault(name, set()).add(value)
    agreed = {name: next(iter(found)) for name, found in values.items() if len(found) == 1}
    return _together(agreed, environment), frozenset(values.keys() - agreed.keys())


def _unset(problem: Problem, clashing: frozenset[str]) -> Problem:
    """Tell of a variable that is unset why no test file stands in for it."""
    for name in clashing if problem.code == "unset_variable" else ():
        if problem.message.endswith(f" {name}"):
            help = (
                f"the test files give {name} different values: set it in the environment for the tests beside mappings"
            )
            return replace(problem, help=help)
    return problem


def _together(lower: Environment, upper: Environment) -> Environment:
    """Put variables over others; stand-ins stay behind them."""
    found = {**lower, **upper}
    return StandIns(found) if isinstance(lower, StandIns) or isinstance(upper, StandIns) else found


def _cached(load: Load) -> Load:
    known: dict[tuple[str, tuple[tuple[str, str], ...]], Destination] = {}

    def cached(file: str, environment: Environment) -> Destination:
        key = os.path.realpath(file), tuple(sorted(environment.items()))
        found = known.get(key) or load(file, environment)
        return known.setdefault(key, found)

    return cached


def _files(paths: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for path in paths:
        files = find_suites([path]) if os.path.isdir(path) else [path]
        if not files:
            raise SourceError(f"{path}: the folder holds no *_test.yaml")
        found |= dict.fromkeys(files)
    return list(found)


def _suites_of(config: str, files: Iterable[str], environment: Environment) -> list[Suite]:
    """Read the test files beside files of a destination, but for those that name another destination."""
    presets = os.path.realpath(mappings_folder())
    folders = dict.fromkeys(os.path.dirname(file) for file in files)
    beside = [folder for folder in folders if os.path.realpath(folder) != presets]
    suites = read_suites(find_suites(beside), environment)
    return [suite for suite in suites if not suite.destination or _is_same_file(suite.destination, config)]


def _is_same_file(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _groups_of(suites: Iterable[Suite], config: str, environment: Environment, load: Load) -> list[Group]:
    """Bind the tests of files to the mappings of their destinations."""
    groups, problems = [], list[Problem]()
    for suite in suites:
        if suite.destination and not os.path.lexists(suite.destination):
            part = Part(suite.document, ("destination",))
            message = f"there is no file {suite.destination!r}"
            problems.append(part.problem("cannot_read", message, help="the path starts at the folder of this file"))
            continue
        filled = _together(environment, suite.environment)
        destination = load(suite.destination or config, filled)
        names = {mapping.name: mapping for mapping in destination.mappings}
        problems += _unknown(suite, list(names))
        tests = tuple(Planned(case, names.get(case.mapping)) for case in suite.cases)
        mask = mask_of(destination.sources.files, filled, suite.environment).joined(mask_of([suite.file], environment))
        groups.append(Group(suite.file, "", destination, tests, environment, mask))
    if problems:
        raise DestinationError(problems)
    return groups


def _unknown(suite: Suite, known: list[str]) -> Iterator[Problem]:
    """Find the names of mappings that the destination does not have."""
    for case in suite.cases:
        if case.mapping and case.mapping not in known:
            yield _no_mapping(case.part.child("mapping"), case.mapping, known)
        whole = case.part.child("expect_mappings")
        for at, name in enumerate(case.takers or ()):
            if name not in known:
                yield _no_mapping(whole.child(at if isinstance(whole.value, list) else name), name, known)


def _no_mapping(part: Part, name: str, known: list[str]) -> Problem:
    help = closest(name, known) or f"known are {', '.join(known)}"
    message = f"the destination has no mapping {name!r}"
    return part.problem("wrong_value", message, help=help, at_key=part.value is not name and part.value != name)
