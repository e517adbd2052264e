"""The recording that a test names: its events, those that are chosen, and the rows that a dry run makes of them."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from connector.cases import Case
from connector.destination import Destination, Mapping
from connector.errors import SourceError
from connector.events import Event
from connector.replay.rehearsal import Rehearsal
from connector.sources.files import Located, read_events
from connector.values import JSON, load_json


class UnusableError(SourceError):
    """A recording does not serve a test: the message says why; `key` is the key of the test that is at fault."""

    def __init__(self, message: str, key: str = "events") -> None:
        super().__init__(message)
        self.key = key


def beside(case: Case, name: str) -> str:
    """Give the path of a file that a test names, from the folder of the test's own file."""
    return os.path.normpath(os.path.join(os.path.dirname(case.part.document.file), name))


def chosen_events(case: Case) -> Iterator[Located]:
    """Read what a test takes of its recording. Raises UnusableError, also at the end, when nothing is there to take."""
    folder = os.path.dirname(case.part.document.file) or "."
    waiting, count, fault = set(case.only), 0, ""
    try:
        for file, line, item in read_events([beside(case, case.recording)], reads=None):
            if case.only and item.message_id not in case.only:
                continue
            waiting.discard(item.message_id or "")
            name = os.path.relpath(file, folder)
            if isinstance(item, Event):
                count += 1
            else:
                fault = fault or f", {name}:{line}: {item.reason}: {item.detail}"
            yield name, line, item
    except SourceError as error:
        raise UnusableError(str(error)) from None
    if waiting:
        raise UnusableError(f"{case.recording} has no event {', '.join(sorted(waiting))}", "only")
    if not count:
        raise UnusableError(f"{case.recording} holds no event{fault}")


def read_rows(case: Case, destination: Destination, mapping: Mapping | None, see: Callable[[Event], None]) -> bytes:
    """Rehearse a test's recording: the rows that `replay --dry-run --json` prints. Raises UnusableError."""
    tested = destination
    if mapping is not None:
        tested = replace(destination, mappings=(replace(mapping, enabled=True),), reads=None)
    rows = bytearray()
    rehearsal = Rehearsal(tested, oldest=None, write=rows.extend, say=lambda _words: None)
    rehearsal.run(_watched(chosen_events(case), see))
    return bytes(rows)


def _watched(items: Iterable[Located], see: Callable[[Event], None]) -> Iterator[Located]:
    for located in items:
        if isinstance(located[2], Event):
            see(located[2])
        yield located


def kept_rows(file: str) -> list[bytes] | None:
    """Read the rows that a test expects, a line each; None when there is no such file. Raises UnusableError."""
    try:
        with open(file, "rb") as stream:
            return [line for line in stream.read().splitlines() if line.strip()]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableError(f"{file} cannot be read: {error.strerror}", "expect_rows") from None


def parse_rows(lines: Sequence[bytes], name: str, start: int) -> list[JSON]:
    """Parse rows from the row `start` on. Raises UnusableError when one is none."""
    rows: list[JSON] = []
    for at, line in enumerate(lines, start):
        try:
            row = load_json(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or "outcome" not in row:
            raise UnusableError(f"{name} holds other things than rows: line {at:,}", "expect_rows")
        rows.append(row)
    return rows
