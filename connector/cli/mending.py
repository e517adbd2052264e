"""What `check --fix` does: applies the fixes of problems to the files that they stand in, and writes those.

In: the name of a destination file. Out: what was mended and the files' new bytes. Nothing is kept that makes a file
worse, and no preset that comes with the connector is touched.
"""

import difflib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from connector.destination import Destination, load
from connector.drafts import comes_with_us, read_source
from connector.edits import applied
from connector.errors import DestinationError, Edit, Problem, UsageError
from connector.replacing import write_beside

_ROUNDS: Final = 30  # one fix may uncover the next problem
_BOM: Final = "\ufeff"
_UNREADABLE: Final = frozenset({"bad_yaml", "duplicate_key", "complex_key", "needs_quotes", "tab", "tag", "too_deep"})
Texts: TypeAlias = Mapping[str, bytes]


class Looked(msgspec.Struct, frozen=True):
    """What was found in a destination that loads: problems, and the names of the tests that fail."""

    problems: tuple[Problem, ...]
    failing: frozenset[str]


class State(msgspec.Struct, frozen=True):
    """What is wrong with a destination whose files hold certain texts; the destination is None where it does not load.

    `failing` are the names of the tests that fail.
    """

    problems: tuple[Problem, ...]
    destination: Destination | None
    failing: frozenset[str] = frozenset()

    @property
    def errors(self) -> int:
        """Count the errors, failing tests among them."""
        return sum(problem.severity == "error" for problem in self.problems)


class Refused(msgspec.Struct, frozen=True):
    """A problem whose fix was tried and not kept, with what it would have made worse."""

    problem: Problem
    why: str


class Mended(msgspec.Struct, frozen=True):
    """The problems that were mended, with the places that they had, and each changed file's old and new bytes.

    `refused` are those of which the fix was not kept, and `state` is what is left then, without the fixes refused.
    """

    problems: tuple[Problem, ...]
    before: Texts
    after: Texts
    refused: tuple[Refused, ...]
    state: State


Look: TypeAlias = Callable[[Destination], Looked]
"""Finds what is wrong with a destination that loads."""


def look_at(config: str, environment: Mapping[str, str], look: Look, instead: Texts) -> State:
    """Load a destination whose files hold the texts given, and find what is wrong with it."""
    try:
        destination = load(config, environment, instead=instead)
    except DestinationError as error:
        return State(error.problems, None)
    looked = look(destination)
    return State(looked.problems, destination, looked.failing)


def mend(config: str, environment: Mapping[str, str], look: Look, *, unsafe: bool = False) -> Mended:
    """Apply fixes until none is left, those that are not safe when asked; nothing is written."""
    mender = _Mender(lambda texts: look_at(config, environment, look, texts), unsafe=unsafe)
    for _ in range(_ROUNDS):
        if not mender.mend_some():
            break
    return mender.result()


class _Mender:
    """The texts of the files as far as they are mended, what is wrong with them, and what cannot be mended."""

    def __init__(self, look: Callable[[Texts], State], *, unsafe: bool) -> None:
        self._look = look
        self._unsafe = unsafe
        self._before: dict[str, bytes] = {}
        self._texts: Texts = {}
        self._state = look({})
        self._mended: list[Problem] = []
        self._refused: list[tuple[Refused, tuple[Edit, ...]]] = []  # with its edits as they are by now

    def mend_some(self) -> bool:
        """Try all fixes that fit together, and keep what makes nothing worse; False where there were none."""
        known = {edits for _, edits in self._refused}
        wanted = _fitting([one for one in self._state.problems if self._is_wanted(one) and _edits(one) not in known])
        if not wanted:
            return False
        kept = self._keep(self._texts, [], wanted)
        edits = {edit for problem in kept for edit in _edits(problem)}
        self._refused = [(one, tuple(_moved(edit, edits) for edit in own)) for one, own in self._refused]
        self._mended += kept
        return True

    def _is_wanted(self, problem: Problem) -> bool:
        if problem.fix is None or not (problem.fix.safe or self._unsafe):
            return False
        return not any(comes_with_us(edit.file) for edit in problem.fix.edits)

    def _keep(self, base: Texts, kept: list[Problem], wanted: list[Problem]) -> list[Problem]:
        """Apply fixes beside those kept already, in halves where all of them make it worse; give what is kept then.

        All edits are of the texts of `base`.
        """
        chosen = [*kept, *wanted]
        tried = {**base, **_changed(chosen, base, self._before)}
        after = self._look(tried)
        if not (worse := _worse(self._state, after)):
            self._texts, self._state = tried, after
            return chosen
        if len(wanted) == 1:
            self._refused.append((Refused(wanted[0], worse), _edits(wanted[0])))
            return kept
        middle = len(wanted) // 2
        return self._keep(base, self._keep(base, kept, wanted[:middle]), wanted[middle:])

    def result(self) -> Mended:
        """Give what was done; of a problem that is left the fix that was refused is taken away."""
        refused = {edits for _, edits in self._refused}
        left = [replace(one, fix=None) if _edits(one) in refused else one for one in self._state.problems]
        changed = {file: text for file, text in self._texts.items() if text != self._before[file]}
        told = tuple(one for one, _ in self._refused)
        return Mended(tuple(self._mended), self._before, changed, told, replace(self._state, problems=tuple(left)))


def _edits(problem: Problem) -> tuple[Edit, ...]:
    return problem.fix.edits if problem.fix else ()


def _fitting(problems: Sequence[Problem]) -> list[Problem]:
    """Choose fixes that do not meet; those of several problems may be the same."""
    together: list[Problem] = []
    edits: list[Edit] = []
    for problem in problems:
        own = _edits(problem)
        if all(edit in edits for edit in own) or not any(_meet(edit, other) for edit in own for other in edits):
            edits += [edit for edit in own if edit not in edits]
            together.append(problem)
    return together


def _moved(edit: Edit, done: Collection[Edit]) -> Edit:
    """Give an edit's place after others were made."""
    before = (one for one in done if one.file == edit.file and one.end <= edit.start)
    by = sum(len(one.text) - (one.end - one.start) for one in before)
    return replace(edit, start=edit.start + by, end=edit.end + by)


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


def _worse(before: State, after: State) -> str:
    """Say what a change makes worse; nothing where it may stay.

    What did not load may show further errors once a first one is mended.
    """
    if after.destination is None:
        known = {problem.code for problem in before.problems}
        new = [
            one for one in after.problems if before.destination or (one.code in _UNREADABLE and one.code not in known)
        ]
        return f"the file would not load: {new[0].message}" if new else ""
    if before.destination is None:
        return ""
    fails = sorted(after.failing - before.failing)
    more = f" and {len(fails) - 1:,} more" if len(fails) > 1 else ""
    return f"{fails[0]}{more} would fail" if fails else ""


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
    """Write the changed files, each whole or not at all, and none where one of them cannot be written.

    Raises UsageError, which names the file, and those that were written before it.
    """
    ready: dict[str, str] = {}
    written: list[str] = []
    try:
        for file, text in sorted(mended.after.items()):
            if read_source(file) != mended.before[file]:
                raise UsageError(f"{file} was changed meanwhile, nothing was written: run the command again")
            ready[file] = _prepared(file, text)
        for file, name in ready.items():
            _put_in_place(name, file, written)
            written.append(file)
    finally:
        for file in ready.keys() - set(written):
            with suppress(OSError):
                os.unlink(ready[file])


def _prepared(file: str, text: bytes) -> str:
    """Write a text beside the file that it is for, with that file's mode. Raises UsageError."""
    target = os.path.realpath(file)
    try:
        mode = os.stat(target).st_mode & 0o7777
        if not mode & 0o222:
            raise UsageError(f"{file} is read-only, nothing was written: make it writable, or look at --diff")
        return write_beside(target, text, mode=mode, prefix=".check-")
    except OSError as error:
        words = f"{file} cannot be written, nothing was written: {error.strerror or error}"
        raise UsageError(words) from None


def _put_in_place(name: str, file: str, written: Sequence[str]) -> None:
    """Put a new file in place of another; a link goes on leading to it."""
    try:
        os.replace(name, os.path.realpath(file))
    except OSError as error:
        done = f"; written already: {', '.join(written)}" if written else ", nothing was written"
        raise UsageError(f"{file} cannot be written: {error.strerror or error}{done}") from None
