"""Moves what was committed from the write-ahead log into the file, in a thread, so that no commit waits for it.

Commits go on meanwhile, so the log is never quite empty; when it has grown long, the writer is asked to pause for the
little that is left, after which SQLite begins the log anew.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from typing import Final

log = logging.getLogger(__name__)

EVERY: Final = 0.5  # seconds at least between two checkpoints
LONGEST: Final = 8_192  # pages of 4 KiB in the log from which on the writer is asked to pause
_LITTLE: Final = 1_024  # pages that may be left for the pause


class Checkpoints:
    """Checkpoints over a connection of its own; for one event loop."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._is_running = False
        self.must_catch_up = False
        self._asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="queue-checkpoints", daemon=True)
        self._thread.start()

    def committed(self) -> None:
        """Note that something was committed: begin a checkpoint if it is time."""
        now = self._loop.time()
        if not self._is_running and now - self._last >= EVERY:
            self._last, self._is_running = now, True
            self._asked.put(True)

    def catch_up(self, database: sqlite3.Connection) -> None:
        """Move what is left, while nobody writes; in the writer's thread."""
        self._checkpoint(database)
        self.must_catch_up = False

    def close(self) -> None:
        """End the thread."""
        self._asked.put(False)
        self._thread.join()
        self._database.close()

    def _run(self) -> None:
        while self._asked.get():
            length, left = self._checkpoint(self._database)
            self.must_catch_up = length > LONGEST and left <= _LITTLE
            # A long log of which much is left has the next checkpoint at once; it is shorter than this one was.
            if length > LONGEST and left > _LITTLE:
                self._asked.put(True)
            else:
                self._is_running = False

    def _checkpoint(self, database: sqlite3.Connection) -> tuple[int, int]:
        """Move what can be moved; say how many pages the log has, and how many of them are left."""
        try:
            _, length, moved = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:  # the disk may be full: the log keeps what is committed
            log.warning("the queue's log could not be moved into its file: %s", error)
            return 0, 0
        return length, length - moved
