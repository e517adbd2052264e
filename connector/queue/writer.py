"""Commits what many callers ask for at the same time in one transaction, so that they share the cost of one fsync.

The statements run on the event loop's thread, some µs each; only the commit, which waits for the disk, runs in a thread
of its own, and what is asked for meanwhile makes the next transaction. Nobody is answered before the commit. (A thread
that ran the statements would wait up to 5 ms for the interpreter's lock before each of them when the loop is busy.)
"""

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from connector.errors import UsageError
from connector.queue.checkpoints import Checkpoints
from connector.queue.disk import Disk
from connector.queue.folder import LOCK, Place
from connector.queue.operations import Claim, HandBack, Operation, Probe
from connector.queue.session import Session
from connector.queue.store import explain, is_busy, is_damage, is_full, side_files

log = logging.getLogger(__name__)

_BUSY_WAIT: Final = 0.003  # seconds until another process is likely to have finished writing
_FULL_WAIT: Final = 0.25  # seconds until a write is tried again that found the disk full
_PROBE_WAIT: Final = 1.0  # seconds until it is found out whether there is room, when nothing waits to be written
_Entry: TypeAlias = "tuple[Operation, asyncio.Future[Any]]"
_Work: TypeAlias = "Callable[[], None]"


class Writer:
    """Runs operations on the session's connection. For one event loop; `close` ends its thread.

    `after` is called after each commit, with whether it left more to claim; `step` with the names of the steps, for
    crash tests.
    """

    def __init__(
        self,
        session: Session,
        file: Path,
        disk: Disk,
        checkpoints: Checkpoints,
        *,
        after: Callable[[bool], None],
        step: Callable[[str], None] | None,
    ) -> None:
        self._session, self._file, self._disk, self._checkpoints = session, file, disk, checkpoints
        self._after, self._step = after, step
        self._loop = asyncio.get_running_loop()
        self._pending: deque[_Entry] = deque()
        self._alone: deque[_Entry] = deque()  # each gets its own transaction, after one of them spoilt a common one
        self._is_idle = True
        self._broken: UsageError | None = None
        self._place = Place(file, *side_files(file), file.with_name(LOCK))
        self._idle = asyncio.Event()
        self._idle.set()
        self.commits = 0  # how often the disk was waited for
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run_work, name="queue-commits", daemon=True)
        self._thread.start()

    @property
    def broken(self) -> UsageError | None:
        """Why nothing can be written or read any more; None when all is well."""
        return self._broken

    async def do(self, operation: Operation) -> Any:
        """Write an operation, with others, and give its result after the commit.

        Raises UsageError when the file is damaged, and what the operation itself raises.
        """
        if self._broken is not None:
            raise self._broken
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending.append((operation, future))
        self._start()
        return await future

    async def do_alone(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Run statements that take long in the thread, as one transaction, while nobody else writes."""
        if self._broken is not None:
            raise self._broken
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending.append((_Long(work), future))
        self._start()
        await future

    def look(self) -> bool:
        """Say whether the file is still where it was opened; when it is not, nothing is written or read any more."""
        if self._broken is None and (path := self._place.lost()) is not None:
            words = (
                "it was removed, moved or replaced while it was in use; put back what was there, or give another --data"
            )
            self.fail(UsageError(f"{path}: {words}, and start again"))
        return self._broken is None

    def fail(self, error: UsageError) -> None:
        """Let everybody know that the file cannot be used any more: who has asked, and who watches."""
        self._broken = error
        log.error("%s", str(error))
        self._fail_all(error)
        self._after(True)  # so that the worker learns of it now

    async def close(self) -> None:
        """Finish what was asked for, as far as there is room, and end the thread; once is enough."""
        if not self._thread.is_alive():
            return
        while not self._is_idle and not self._disk.failed:
            self._idle.clear()
            await self._idle.wait()
        self._broken = self._broken or UsageError(f"{self._file}: the queue was closed before this was written")
        self._fail_all(self._broken)
        self._work.put(None)
        self._thread.join()

    # On the event loop's thread.

    def _start(self) -> None:
        if self._is_idle:
            self._is_idle = False
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        """Write all that is asked for into one transaction, and let the thread commit it."""
        if self._broken is not None:
            self._fail_all(self._broken)
            self._rest()
            return
        if self._checkpoints.must_catch_up:
            self._work.put(self._catch_up)
            return
        entries = self._take()
        if not entries:
            self._next()
            return
        try:
            self._session.database.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._undo(entries, error)
            return
        if isinstance(long := entries[0][0], _Long):
            self._work.put(lambda: self._run_long(long, entries))
            return
        try:
            has_written = self._write(entries)
        except Exception as error:
            self._undo(entries, error)
            return
        if has_written:
            self._tell_steps(entries, "written")
            self._work.put(lambda: self._commit(entries))
        else:
            self._done(entries, has_written=False)

    def _write(self, entries: list[_Entry]) -> bool:
        """Run the operations; when none of them changes anything, end the transaction here: that costs no fsync."""
        before = self._session.database.total_changes
        self._session.begin(sum(operation.limit for operation, _ in entries if isinstance(operation, Claim)))
        for operation, _ in entries:
            operation.write(self._session)
        self._session.end()
        has_written = self._session.database.total_changes != before
        if not has_written:
            self._session.database.execute("COMMIT")
        return has_written

    def _take(self) -> list[_Entry]:
        """Take what goes into the next transaction: what gives back first, then puts, then claims."""
        while self._alone:
            entry = self._alone.popleft()
            if not _is_moot(entry):
                return [entry]
        entries = [entry for entry in self._pending if not _is_moot(entry)]
        self._pending.clear()
        long = [entry for entry in entries if isinstance(entry[0], _Long)]
        if long:
            self._pending.extend(entry for entry in entries if entry is not long[0])
            return long[:1]
        entries.sort(key=lambda entry: entry[0].rank)
        return entries

    def _rest(self) -> None:
        self._is_idle = True
        self._idle.set()

    def _done(self, entries: list[_Entry], *, has_written: bool = True) -> None:
        """Answer everybody whose operation is on disk, where the next who opens the folder finds it."""
        if not self.look():
            self._break(entries)
            return
        has_room_again = has_written and self._disk.failed and self._has_room_again()
        self._session.committed()
        for operation, _ in entries:
            operation.done(self._session)
        self._tell_steps(entries, "committed")
        for operation, future in entries:
            self._answer(operation, future)
        self._after(self._session.has_more or has_room_again)
        self._checkpoints.committed()
        self._next()

    def _next(self) -> None:
        if self._pending or self._alone:
            self._loop.call_soon(self._begin)
        elif self._disk.failed:
            self._loop.call_later(_PROBE_WAIT, self._try_again)
        else:
            self._rest()

    def _answer(self, operation: Operation, future: "asyncio.Future[Any]") -> None:
        if not future.done():
            future.set_result(operation.result)
        elif isinstance(operation, Claim) and operation.result:  # whoever asked has gone: others shall have the jobs
            self._pending.append((HandBack(operation.result), self._loop.create_future()))

    def _tell_steps(self, entries: list[_Entry], what: str) -> None:
        if self._step is not None:
            for name in dict.fromkeys(operation.step for operation, _ in entries if operation.step):
                self._step(f"{name}.{what}")

    # When it does not work.

    def _undo(self, entries: list[_Entry], error: Exception) -> None:
        """Give a transaction up, and find out what to do with those who asked for it."""
        try:
            self._roll_back()
        except sqlite3.Error as second:
            error = second
        if is_busy(error):
            self._pending.extendleft(reversed(entries))
            self._loop.call_later(_BUSY_WAIT, self._begin)
        elif is_full(error):
            self._wait_for_room(entries)
        elif is_damage(error):
            assert isinstance(error, sqlite3.Error)
            self.fail(explain(error, self._file))
            self._break(entries)
        elif len(entries) > 1:
            self._alone.extend(entries)
            self._next()
        else:
            _fail(entries[0], error)
            self._next()

    def _roll_back(self) -> None:
        if self._session.database.in_transaction:  # SQLite may have done it already
            self._session.database.execute("ROLLBACK")
        self._session.read()

    def _wait_for_room(self, entries: list[_Entry]) -> None:
        """Refuse what can be asked for again; what became of jobs is kept and tried again."""
        if not self._disk.failed:
            log.warning("%s cannot be written: the disk is full; it is tried again until there is room", self._file)
        is_first = not self._disk.failed
        self._disk.write_failed()
        kept = []
        for operation, future in entries:
            if operation.is_optional:
                operation.refuse(self._session)
                self._answer(operation, future)
            else:
                kept.append((operation, future))
        self._idle.set()
        self._pending.extendleft(reversed(kept))
        if is_first and kept and len(kept) < len(entries):
            self._loop.call_soon(self._begin)  # there may be room for these alone
        else:
            self._loop.call_later(_FULL_WAIT if kept else _PROBE_WAIT, self._try_again)

    def _has_room_again(self) -> bool:
        self._disk.write_succeeded()
        if not self._disk.failed:
            log.warning("%s can be written again", self._file)
        return not self._disk.failed

    def _try_again(self) -> None:
        """Try what was kept; when there is nothing, write a little that finds out whether there is room."""
        if not self._pending and not self._alone:
            self._pending.append((Probe(), self._loop.create_future()))
        self._begin()

    def _break(self, entries: list[_Entry]) -> None:
        """Answer those whose transaction was under way when the file turned out to be of no use."""
        assert self._broken is not None
        for entry in entries:
            _fail(entry, self._broken)
        self._rest()

    def _fail_all(self, error: Exception) -> None:
        while self._pending or self._alone:
            _fail((self._pending or self._alone).popleft(), error)

    # In the thread.

    def _run_work(self) -> None:
        for work in iter(self._work.get, None):
            work()

    def _call(self, function: Callable[..., None], *values: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(function, *values)

    def _commit(self, entries: list[_Entry]) -> None:
        try:
            self._session.database.execute("COMMIT")
            self.commits += 1
        except sqlite3.Error as error:
            self._call(self._undo, entries, error)
        else:
            self._call(self._done, entries)

    def _run_long(self, long: "_Long", entries: list[_Entry]) -> None:
        try:
            long.work(self._session.database)
            self._session.database.execute("COMMIT")
        except Exception as error:
            self._call(self._undo, entries, error)
        else:
            self._call(self._done_long, entries)

    def _done_long(self, entries: list[_Entry]) -> None:
        if self.look():
            self._session.read()
            self._session.has_more = True
        self._done(entries)

    def _catch_up(self) -> None:
        self._checkpoints.catch_up(self._session.database)
        self._call(self._begin)


class _Long(Operation):
    """Statements that take long."""

    def __init__(self, work: Callable[[sqlite3.Connection], None]) -> None:
        self.work = work


def _is_moot(entry: _Entry) -> bool:
    """Whether nobody waits for it any more, and nothing is lost when it is not done."""
    operation, future = entry
    return future.cancelled() and operation.is_optional


def _fail(entry: _Entry, error: Exception) -> None:
    future = entry[1]
    if not future.done():
        future.set_exception(error)
        future.exception()  # for some nobody waits, which asyncio would complain of
