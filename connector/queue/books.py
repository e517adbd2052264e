"""The ledger of the durable queue while it is written: names of mappings, changes of the tallies, how many wait.

What a transaction changes is gathered here and written at its end, so that a tally is written once however many jobs
moved. When the transaction is given up, all of it is read again.
"""

import sqlite3
from collections import defaultdict

from connector.queue.statements import SQL


class Books:
    """The tallies of one connection. `waiting` counts the jobs that wait, those of the open transaction included."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._changes: defaultdict[tuple[int, str], int] = defaultdict(int)
        self._purged: defaultdict[tuple[int, str], int] = defaultdict(int)
        self.waiting = 0
        self.names: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self.read()

    def read(self) -> None:
        """Forget what was not written, and read what the file says."""
        self._changes.clear()
        self._purged.clear()
        self.names = dict(self._database.execute(SQL["mappings"]))
        self._numbers = {name: number for number, name in self.names.items()}
        (self.waiting,) = self._database.execute(SQL["waiting"]).fetchone()

    def mapping(self, name: str) -> int:
        """Number a mapping; a new one gets the next number."""
        number = self._numbers.get(name)
        if number is None:
            ((number,),) = self._database.execute(SQL["new_mapping"], (name,)).fetchall()
            self._numbers[name], self.names[number] = number, name
        return number

    def add(self, mapping: int, what: str, count: int = 1) -> None:
        """Count something that is new."""
        self._changes[mapping, what] += count
        if what == "waiting":
            self.waiting += count

    def move(self, mapping: int, before: str, after: str) -> None:
        """Count a job that goes from one state to another."""
        self._changes[mapping, before] -= 1
        self._changes[mapping, after] += 1
        self.waiting += (after == "waiting") - (before == "waiting")

    def purge(self, mapping: int, what: str, count: int = 1) -> None:
        """Count rows that are deleted: the tally stays."""
        self._purged[mapping, what] += count

    def write(self) -> None:
        """Write the changes into the open transaction."""
        if not (self._changes or self._purged):
            return
        keys = self._changes.keys() | self._purged.keys()
        rows = [(*key, self._changes.get(key, 0), self._purged.get(key, 0)) for key in keys]
        self._database.executemany(SQL["count"], rows)
        self._changes.clear()
        self._purged.clear()
