"""The store as its operator sees it: a data folder's queue, read and mended while a server may be running on it.

In: the folder. Out: transactions over one connection of its own, short ones where it writes. What is asked and changed
is the other desk modules' part. It takes no lock on the folder and claims nothing.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from connector.errors import UsageError
from connector.queue.books import Books
from connector.queue.migrations import newest, version_of
from connector.queue.statements import read_statements
from connector.queue.store import FILE, connect, explained, is_busy

DESK: Final = read_statements((Path(__file__).parent / "desk.sql").read_text(encoding="utf-8"))
PATIENCE: Final = 10.0  # seconds for which a write waits for its turn
SLICE: Final = 50  # jobs that are changed at once: some 2 ms in which nobody else can write
_BREATH: Final = 0.002  # seconds at least between two slices, in which a server gets its turn
_FILLED: Final = 64  # unused pages that are overwritten at once
_PAGE: Final = 4096  # bytes
_SHORT_WAIT: Final = 5  # milliseconds: while the log is cut, others are kept from writing for no longer

Item = TypeVar("Item")
Result = TypeVar("Result")


def to_text(argument: str) -> str:
    """Make a text of an argument of a command, which may hold bytes that are none; nothing stored has such."""
    return argument.encode("utf-8", "replace").decode()


class Desk:
    """One connection to the queue in a folder; to be used as a context.

    Everything raises UsageError, with the file and what to do, when the queue cannot be used.
    """

    def __init__(self, folder: Path, *, patience: float = PATIENCE) -> None:
        self.folder, self._patience = folder, patience
        self._file = folder.absolute() / FILE
        self._db = connect(folder)
        try:
            with explained(self._file):
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        if version_of(self._db) < newest():
            raise UsageError(f"{self._file}: an earlier rupt-connector has made it; `serve` brings it up to date")
        for setting in (
            f"busy_timeout = {_SHORT_WAIT}",
            "synchronous = FULL",
            "temp_store = MEMORY",
            "secure_delete = ON",
        ):
            self._db.execute(f"PRAGMA {setting}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one moment of the store for as long as the block runs, whatever a server does meanwhile."""
        with explained(self._file):
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._roll_back()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Change the store: all of the block or nothing. Nobody else can write meanwhile, so it must be short."""
        with explained(self._file):
            self._begin()
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                self._roll_back()

    def _begin(self) -> None:
        """Wait for a turn to write: a busy server leaves moments only, which SQLite's own waiting would miss."""
        end = time.monotonic() + self._patience
        while True:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > end:
                    raise
            time.sleep(_BREATH / 10)

    def _roll_back(self) -> None:
        """End what is still open: after a commit, and after some errors, nothing is."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def ask(self, name: str, /, **values: object) -> sqlite3.Cursor:
        """Run a statement of desk.sql, or several that are one when joined (`a b c`)."""
        bound = {key: to_text(value) if isinstance(value, str) else value for key, value in values.items()}
        return self._db.execute(" ".join(DESK[part] for part in name.split()), bound)

    def run(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Run one of the queue's own statements."""
        return self._db.execute(statement, values)

    def first(self, statement: str, *values: object) -> int:
        """Run a statement of the queue's that gives one number."""
        (found,) = self.run(statement, *values).fetchone()
        return int(found)

    def number(self, name: str, /, **values: object) -> int:
        """Run a statement that gives one number."""
        (found,) = self.ask(name, **values).fetchone()
        return int(found)

    def pages(self, name: str, limit: int) -> Iterator[tuple[Any, ...]]:
        """Walk over a table by its numbers, in many short reads: the store goes on meanwhile."""
        after = -1
        while True:
            with self.reading():
                rows = self.ask(name, after=after, limit=limit).fetchall()
            yield from rows
            if not rows:
                return
            after = rows[-1][0]

    def books(self) -> Books:
        """Open the ledger for the transaction that is open; it is to be written before that ends."""
        return Books(self._db)

    def damage(self) -> tuple[str, ...]:
        """Let SQLite check the structure of the whole file; nothing when all is well."""
        found = tuple(words for (words,) in self._db.execute("PRAGMA integrity_check"))
        return () if found == ("ok",) else found

    def events_called(self, message_id: str) -> list[int]:
        """Give the numbers of the events that have a messageId, the oldest first."""
        return [number for (number,) in self.ask("events_called", message_id=message_id)]

    def in_slices(self, items: Sequence[Item], change: Callable[[Sequence[Item]], Result]) -> Iterator[Result]:
        """Change some items at a time, each time in a transaction of its own; others write in between."""
        for start in range(0, len(items), SLICE):
            begun = time.monotonic()
            with self.writing():
                result = change(items[start : start + SLICE])
            yield result
            time.sleep(max(_BREATH, time.monotonic() - begun))

    def scrub(self) -> bool:
        """Overwrite what the files still hold of what was deleted; false when a busy server did not let it be done.

        What this connection deletes it overwrites at once (secure_delete); left are unused pages, where somebody else
        has deleted, and the log, which holds pages as they were.
        """
        names = [f"scrub {number}" for number in range(self._free_pages() // _FILLED + 1)]
        with self.reading():  # and what an earlier scrub has left that was cut off
            left = [name for (name,) in self.ask("filled") if name not in names]
        for statement, some in (("fill_free", names), ("empty_free", [*names, *left])):
            for name in some:
                with self.writing():
                    self.ask(statement, name=name, length=_FILLED * _PAGE)
                time.sleep(_BREATH)
        return self._truncate_log()

    def _free_pages(self) -> int:
        with explained(self._file):
            (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
            return int(free)

    def _truncate_log(self) -> bool:
        """Write the log into the file and cut it to nothing; tried for as long as a write waits for its turn."""
        end = time.monotonic() + self._patience
        with explained(self._file):
            while busy := self._is_log_busy():
                if time.monotonic() > end:
                    break
                time.sleep(_BREATH)
        return not busy

    def _is_log_busy(self) -> bool:
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # what takes long, while others write
        (busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return bool(busy)
