"""Finds the events of a messageId by its hash: the newest in memory, all others in a table.

Hashes come in any order: a table that took each as it comes would have a page written for each, the more pages the
longer the table. So many of them are gathered first and then written in their order, a stretch with each commit, so
that those which belong on one page are written together.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from connector.queue.statements import SQL

GATHERED: Final = 65_536  # hashes that are gathered: some 10 MB, and 0.1 s to read them again when the file is opened
_PACE: Final = 2  # gathered hashes that are written for each new one: they are done before as many have come again
_STRETCHES: Final = 128  # a stretch is no shorter than this part of all, or a page would be written again and again


class Hashes:
    """The hashes of one writing connection. It puts events alone: what another process puts is seen by `read`.

    Events after the mark in the file are in memory: `_young` ones are gathered, `_old` ones are being written. When
    all of these are in the table, the mark moves in the same transaction. What a crash cuts off is done again. Of
    events with the same hash only the first is gathered; the others go into the table at once.
    """

    def __init__(self, database: sqlite3.Connection, *, gathered: int = GATHERED) -> None:
        self._database, self._limit = database, gathered
        self._stretch = max(1, gathered // _STRETCHES)
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}
        self._order: list[int] = []  # the hashes of old ones as they stand in the table
        self._written = 0  # how many of these are in the table
        self._committed = 0  # and how many were when the last transaction ended
        self._until = 0  # the mark that old ones will move
        self._added: list[int] = []  # young ones of the open transaction
        self._removed: list[tuple[int, int]] = []  # hashes and events that it deletes
        (self._last,) = database.execute(SQL["mark"]).fetchone()  # event that is known here

    def read(self) -> None:
        """Forget what was not committed, and read what is new in the file."""
        for hashed in self._added:
            del self._young[hashed]
        self._added.clear()
        self._removed.clear()
        self._written = self._committed
        for event, hashed in self._database.execute(SQL["newest"], (self._last,)):
            self._young.setdefault(hashed, event)
            self._last = event

    def make_up(self) -> None:
        """Write all of them when they are too many, because processes ended before they had written theirs."""
        if len(self._young) < self._limit:
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(SQL["put_hash"], sorted(self._young.items()))
            self._database.execute(SQL["set_mark"], (self._last,))
            self._database.execute("COMMIT")
        except sqlite3.OperationalError:  # the disk is full: they are written with others, later
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        else:
            self._young = {}

    def find(self, hashes: Sequence[int]) -> list[int]:
        """Give the events in memory that have one of these hashes; others may be in the table."""
        return [events[hashed] for events in (self._young, self._old) for hashed in hashes if hashed in events]

    def add(self, rows: Iterable[tuple[int, int]]) -> None:
        """Take new hashes, each with its event, in the open transaction."""
        young, old, repeated = self._young, self._old, []
        for hashed, event in rows:
            if hashed in young or hashed in old:
                repeated.append((hashed, event))
            else:
                young[hashed] = event
                self._added.append(hashed)
        self._database.executemany(SQL["put_hash"], repeated)

    def remove(self, rows: Sequence[tuple[int, int]]) -> None:
        """Forget hashes whose event is deleted in the open transaction."""
        self._database.executemany(SQL["forget_hash"], rows)
        self._removed.extend(rows)

    def write(self) -> None:
        """Write the next stretch of old ones, as much as what is new asks for; with the last of them the mark moves."""
        count = len(self._order)
        until = min(count, _PACE * len(self._young))
        if until <= self._written or (until < count and until - self._written < self._stretch):
            return
        rows = [(hashed, self._old[hashed]) for hashed in self._order[self._written : until] if hashed in self._old]
        if self._removed:
            rows = sorted(set(rows).difference(self._removed))
        self._database.executemany(SQL["put_hash"], rows)
        self._written = until
        if until == count:
            self._database.execute(SQL["set_mark"], (self._until,))

    def committed(self, last: int) -> None:
        """Note that the transaction is in the file, and which event is the last there."""
        for hashed, event in self._removed:
            for events in (self._young, self._old):
                if events.get(hashed) == event:
                    del events[hashed]
        self._added.clear()
        self._removed.clear()
        self._last, self._committed = last, self._written
        if self._written == len(self._order):
            self._old, self._order, self._written, self._committed = {}, [], 0, 0
            if len(self._young) >= self._limit:
                self._old, self._young, self._until = self._young, {}, last
                self._order = sorted(self._old)
