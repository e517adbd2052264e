"""What `check --fix` does: applies the fixes of problems to the files that they stand in, and writes those.

In: the name of a destination file. Out: what was mended and the files' new bytes. Nothing is kept that makes a file
worse, and no preset that comes with the connector is touched.
"""

import difflib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from connector.destination import Destination, load
from connector.drafts import mappings_folder, read_source
from connector.edits import applied
from connector.errors import DestinationError, Edit, Problem, UsageError

_ROUNDS: Final = 10
_BOM: Final = "\ufeff"
_UNREADABLE: Final = frozenset({"bad_yaml", "duplicate_key", "complex_key", "needs_quotes", "tab", "tag", "too_deep"})
Texts: TypeAlias = Mapping[str, bytes]


class State(msgspec.Struct, frozen=True):
    """What is wrong with a destination whose files hold certain texts; None where it does not load."""

    problems: tuple[Problem, ...]
    destination: Destination | None

    @property
    def errors(self) -> int:
        """Count the errors, failing tests among them."""
        return sum(problem.severity == "error" for problem in self.problems)


class Mended(msgspec.Struct, frozen=True):
    """The problems that were mended, with the places that they had, and each changed file's old and new bytes."""

    problems: tuple[Problem, ...]
    before: Texts
    after: Texts


Look: TypeAlias = Callable[[Destination], Sequence[Problem]]
"""Finds what is wrong with a destination that loads."""


def look_at(config: str, environment: Mapping[str, str], look: Look, instead: Texts) -> State:
    """Load a destination whose files hold the texts given, and find what is wrong with it."""
    try:
        destination = load(config, environment, instead=instead)
    except DestinationError as error:
        return State(error.problems, None)
    return State(tuple(look(destination)), destination)


def mend(config: str, environment: Mapping[str, str], look: Look, *, unsafe: bool = False) -> Mended:
    """Apply fixes until none is left, those that are not safe when asked; nothing is written."""
    before: dict[str, bytes] = {}
    texts: dict[str, bytes] = {}
    mended: list[Problem] = []
    refused: set[tuple[Edit, ...]] = set()
    state = look_at(config, environment, look, texts)
    for _ in range(_ROUNDS):
        wanted = [problem for problem in state.problems if _is_ours_to_mend(problem, refused, unsafe=unsafe)]
        if not wanted:
            break
        for chosen in _attempts(wanted):
            tried = {**texts, **_changed(chosen, texts, before)}
            after = look_at(config, environment, look, tried)
            if _is_no_worse(state, after):
                texts, state = tried, after
                mended += chosen
                break
            if len(chosen) == 1 and chosen[0].fix is not None:
                refused.add(chosen[0].fix.edits)
    changed = {file: text for file, text in texts.items() if text != before[file]}
    return Mended(tuple(mended), before, changed)


def _is_ours_to_mend(problem: Problem, refused: set[tuple[Edit, ...]], *, unsafe: bool) -> bool:
    if problem.fix is None or problem.fix.edits in refused or not (problem.fix.safe or unsafe):
        return False
    ours = os.path.realpath(mappings_folder())
    return not any(os.path.realpath(edit.file).startswith(ours + os.sep) for edit in problem.fix.edits)


def _attempts(problems: Sequence[Problem]) -> Iterator[list[Problem]]:
    """Give what to try: all that fit together, and where that makes it worse, one after the other."""
    together: list[Problem] = []
    edits: list[Edit] = []
    for problem in problems:
        own = problem.fix.edits if problem.fix else ()
        if own and (
            all(edit in edits for edit in own) or not any(_meet(edit, other) for edit in own for other in edits)
        ):
            edits += [edit for edit in own if edit not in edits]
            together.append(problem)
    yield together
    if len(together) > 1:
        yield from ([problem] for problem in together)


def _meet(one: Edit, other: Edit) -> bool:
    return one.file == other.file and one.start <= other.end and other.start <= one.end


def _changed(problems: Sequence[Problem], texts: Texts, before: dict[str, bytes]) -> dict[str, bytes]:
    edits = {edit for problem in problems if problem.fix for edit in problem.fix.edits}
    changed: dict[str, bytes] = {}
    for file in {edit.file for edit in edits}:
        data = texts[file] if file in texts else before.setdefault(file, read_source(file))
        text = data.decode()
        mark = _BOM if text.startswith(_BOM) else ""
        changes = [(edit.start, edit.end, edit.text) for edit in edits if edit.file == file]
        changed[file] = (mark + applied(text.removeprefix(_BOM), changes)).encode()
    return changed


def _is_no_worse(before: State, after: State) -> bool:
    """Say whether a change may stay. What did not load may show further errors once a first one is mended."""
    if before.destination is not None or after.destination is not None:
        return after.destination is not None and (before.destination is None or after.errors <= before.errors)
    unreadable = {problem.code for problem in after.problems} & _UNREADABLE
    return unreadable <= {problem.code for problem in before.problems}


def diff_of(mended: Mended) -> Iterator[str]:
    """Give the lines of a unified diff of all changed files."""
    for file, text in sorted(mended.after.items()):
        old, new = mended.before[file].decode(), text.decode()
        lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), file, file)
        for line in lines:
            yield line.rstrip("\r\n")
            if not line.endswith(("\n", "\r")):
                yield "\\ No newline at end of file"


def write(mended: Mended) -> None:
    """Write the changed files, each whole or not at all. Raises UsageError where one has changed meanwhile."""
    for file, text in sorted(mended.after.items()):
        if read_source(file) != mended.before[file]:
            raise UsageError(f"{file} was changed meanwhile: run the command again")
        _replace_file(os.path.realpath(file), text)


def _replace_file(file: str, text: bytes) -> None:
    """Put a new file in place of another, with its mode; a link goes on leading to it."""
    handle, name = tempfile.mkstemp(prefix=".check-", dir=os.path.dirname(file))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(stream.fileno(), os.stat(file).st_mode & 0o7777)
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
