"""The recording that a test names: its events, those that are chosen, and the rows that a dry run makes of them.

Files of rows that tests keep are no part of a recording, also where its path leads to them.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from connector.cases import Case
from connector.destination import Destination, Mapping
from connector.errors import SourceError, closest, listed
from connector.events import Event
from connector.replay.rehearsal import Rehearsal
from connector.sources.files import Located, find_files, read_events

_MOST_SEEN: Final = 1_000  # messageIds among which the nearest is looked for
_MOST_NAMED: Final = 3


class UnusableError(SourceError):
    """A recording does not serve a test: the message says why; `key` is the key of the test that is at fault."""

    def __init__(self, message: str, key: str = "events") -> None:
        super().__init__(message)
        self.key = key


def beside(case: Case, name: str) -> str:
    """Give the path of a file that a test names, from the folder of the test's own file."""
    return os.path.normpath(os.path.join(os.path.dirname(case.part.document.file), name))


def chosen_events(case: Case, kept: frozenset[str] = frozenset()) -> Iterator[Located]:
    """Read what a test takes of its recording, `kept` files of rows left out.

    Raises UnusableError, also at the end, when nothing is there to take.
    """
    folder = os.path.dirname(case.part.document.file) or "."
    waiting, count, fault = set(case.only), 0, ""
    others: list[str] = []
    try:
        files = [file for file in find_files([beside(case, case.recording)]) if os.path.realpath(file) not in kept]
        for file, line, item in read_events(files, reads=None):
            if case.only and item.message_id not in case.only:
                if item.message_id and len(others) < _MOST_SEEN:
                    others.append(item.message_id)
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
        raise UnusableError(
            f"{case.recording} has no event {', '.join(sorted(waiting))}{_instead(sorted(waiting), others)}", "only"
        )
    if not count:
        raise UnusableError(f"{case.recording} holds no event{fault}")


def _instead(asked: Sequence[str], others: Sequence[str]) -> str:
    """Offer the messageId that is nearest to the first that is not there, or name the first few that are."""
    near = closest(asked[0], others)
    if near or not others:
        return f"; {near}" if near else ""
    first = list(dict.fromkeys(others))
    more = " and others" if len(first) > _MOST_NAMED else ""
    return f"; it has {', '.join(first[:_MOST_NAMED]) if more else listed(first)}{more}"


def kept_files(cases: Iterable[Case]) -> frozenset[str]:
    """Name the files of rows that tests keep."""
    return frozenset(os.path.realpath(beside(case, case.rows)) for case in cases if case.rows)


def read_rows(
    case: Case, destination: Destination, mapping: Mapping | None, kept: frozenset[str], see: Callable[[Event], None]
) -> bytes:
    """Rehearse a test's recording: the rows that `replay --dry-run --json` prints. Raises UnusableError."""
    tested = destination
    if mapping is not None:
        tested = replace(destination, mappings=(replace(mapping, enabled=True),), reads=None)
    rows = bytearray()
    rehearsal = Rehearsal(tested, oldest=None, write=rows.extend, say=lambda _words: None)
    rehearsal.run(_watched(chosen_events(case, kept), see))
    return bytes(rows)


def _watched(items: Iterable[Located], see: Callable[[Event], None]) -> Iterator[Located]:
    for located in items:
        if isinstance(located[2], Event):
            see(located[2])
        yield located
