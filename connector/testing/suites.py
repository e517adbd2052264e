"""Files of tests beside a destination, `*_test.yaml`: found and read, every problem with its place.

In: folders or paths, and the environment. Out: frozen Suites, whose tests are not bound to a destination yet.
"""

import glob
import os
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from connector.case_keys import SUITE_KEYS
from connector.cases import Case, read_cases
from connector.documents import Document, Part, read_document
from connector.drafts import read_source
from connector.errors import DestinationError, Problem
from connector.positions import shown
from connector.settings import unknown_keys


class Suite(msgspec.Struct, frozen=True):
    """A file of tests: the destination file that it names (empty: none), and variables for that."""

    document: Document
    destination: str
    environment: Mapping[str, str]
    cases: tuple[Case, ...]

    def __repr__(self) -> str:
        return f"Suite({self.file!r})"

    @property
    def file(self) -> str:
        """Name the file."""
        return self.document.file


def find_suites(folders: Iterable[str]) -> list[str]:
    """Name the test files of folders, in the order of their names, each once."""
    found: dict[str, str] = {}
    for folder in folders:
        for ending in ("_test.yaml", "_test.yml"):
            for file in sorted(glob.glob(os.path.join(glob.escape(folder), f"*{ending}"))):
                if os.path.isfile(file):
                    found.setdefault(os.path.realpath(file), os.path.normpath(file))
    return sorted(found.values())


def read_suites(files: Iterable[str], environment: Mapping[str, str]) -> list[Suite]:
    """Read test files. Raises DestinationError with the problems of all."""
    suites: list[Suite] = []
    problems: list[Problem] = []
    for file in files:
        try:
            suite, found = _read_suite(file, environment)
        except DestinationError as error:
            problems += error.problems
            continue
        problems += found
        suites.append(suite)
    if problems:
        raise DestinationError(problems)
    return suites


def _read_suite(file: str, environment: Mapping[str, str]) -> tuple[Suite, list[Problem]]:
    document = _read(file, environment)
    root = Part(document)
    if not isinstance(root.value, dict):
        message = f"a test file must hold an object, not {shown(root.value)}"
        raise DestinationError([root.problem("wrong_type", message, help="write `tests:` and go on under it")])
    if "mappings" in root.value and "tests" not in root.value:
        message = "this is a destination file, not a file of tests"
        raise DestinationError([root.child("mappings").problem("wrong_value", message, help="name it with --config")])
    problems = [*document.problems, *unknown_keys(document, (), [key.name for key in SUITE_KEYS])]
    tests = root.child("tests")
    if not tests.exists:
        problems.append(
            root.problem("missing_key", "the file has no 'tests'", help="write `tests:` and tests under it")
        )
    cases, found = read_cases(tests, in_suite=True) if tests.exists else ((), [])
    own, variables = root.child("destination"), root.child("environment")
    named = _environment(variables, problems)
    return Suite(document, _destination(own, problems), named, cases), [*problems, *found]


def _read(file: str, environment: Mapping[str, str]) -> Document:
    try:
        return read_document(read_source(file), file=file, environment=environment)
    except DestinationError as error:
        help = "write `tests:` and tests under it"
        found = [replace(one, help=help) if one.code == "empty_file" else one for one in error.problems]
        raise DestinationError(found) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        help = "check the path, and that the file may be read"
        message = f"the file {file!r} cannot be read: {why}"
        raise DestinationError([Problem("cannot_read", message, file, help=help)]) from None


def _destination(part: Part, problems: list[Problem]) -> str:
    if not part.exists or part.is_broken:
        return ""
    if isinstance(part.value, str) and part.value.strip():
        return os.path.normpath(os.path.join(os.path.dirname(part.document.file), part.value))
    message = f"'destination' must be a path, not {shown(part.value)}"
    problems.append(part.problem("wrong_type", message, help="write destination: rupt.yaml"))
    return ""


def _environment(part: Part, problems: list[Problem]) -> dict[str, str]:
    value = part.value
    if not isinstance(value, dict | None):
        message = f"'environment' must be an object, not {shown(value)}"
        problems.append(part.problem("wrong_type", message, help="write `NAME: value` under it"))
        return {}
    found = {}
    for name, text in (value or {}).items():
        if isinstance(text, str):
            found[name] = text
        elif not part.child(name).is_broken:
            message = f"the value of a variable must be a text, not {shown(text)}"
            problems.append(part.child(name).problem("wrong_type", message, help="put it in quotes"))
    return found
