"""The file of the durable queue: opened, made, brought up to date or refused, and what its errors mean.

In: a data folder. Out: connections to the file in it, or a UsageError with the path and what to do. It deletes nothing.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from connector.errors import UsageError
from connector.queue.folder import open_private
from connector.queue.migrations import MIGRATIONS, create, migrate, newest, version_of
from connector.queue.statements import key_hash

FILE: Final = "queue.db"
MARK: Final = 0x52757051  # "RupQ": SQLite's application_id, by which the file is known as ours
_CACHE: Final = 32_768  # KiB of pages that the writing connection keeps in memory
_DAMAGED: Final = (
    "the file is damaged; stop the server, keep a copy, and let `sqlite3 queue.db .recover` save what can be read, "
    "or give another --data"
)
_WORDS: Final = {
    sqlite3.SQLITE_BUSY: "another process keeps the file to itself; end it, and try again",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; give this user the folder, or give another --data",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: "the disk is full; make room, or give another --data",
    sqlite3.SQLITE_IOERR: "the file cannot be read or written; look after the disk, or give another --data",
    sqlite3.SQLITE_NOTADB: "no queue of ours, or its beginning is damaged; move it away, or give another --data",
    sqlite3.SQLITE_READONLY: "the file cannot be written; give this user the folder, or give another --data",
}
_NO_PLACE: Final = (
    "this user cannot write here, and its log cannot be read without that; give this user the folder, or copy the "
    "folder to where this user may write, and name the copy"
)


def connect(folder: str | os.PathLike[str], *, read_only: bool = False) -> sqlite3.Connection:
    """Open the file of a folder that has one, without changing it; to read alone where it cannot be written.

    Raises UsageError.
    """
    file = Path(folder).absolute() / FILE
    with explained(file):
        if not file.is_file():
            raise UsageError(f"{folder}: there is no queue in this folder; name the --data of a server")
        try:
            return _open(file, "mode=rw", read_only=read_only)
        except sqlite3.OperationalError as error:
            if not _is_forbidden(error):
                raise
        return _open_unwritable(file)


def side_files(file: Path) -> tuple[Path, Path]:
    """Name what SQLite keeps beside a file while it is open: its log, and the log's index."""
    return file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


def _open(file: Path, how: str, *, read_only: bool) -> sqlite3.Connection:
    database = _connect(file, how)
    try:
        _check(database, file)
        database.execute(f"PRAGMA query_only = {int(read_only)}")
    except BaseException:
        database.close()
        raise
    return database


def _open_unwritable(file: Path) -> sqlite3.Connection:
    """Open a file beside which SQLite can make nothing: what it makes for reading is only needed for a log."""
    log, _ = side_files(file)
    has_log = log.exists() and log.stat().st_size > 0
    try:
        return _open(file, "mode=ro" if has_log else "immutable=1", read_only=False)
    except sqlite3.OperationalError as error:
        if has_log and _is_forbidden(error):
            raise UsageError(f"{file}: {_NO_PLACE}") from None
        raise


def _is_forbidden(error: sqlite3.Error) -> bool:
    return code_of(error) & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def open_store(folder: str | os.PathLike[str], migrations: Sequence[str] = MIGRATIONS) -> sqlite3.Connection:
    """Open the file of a folder to work on it, and make it or bring it up to date if need be. Raises UsageError."""
    file = Path(folder).absolute() / FILE
    os.close(open_private(file))  # SQLite would let others read it
    _make_safe(file)
    with explained(file):
        database = _connect(file)
        try:
            _prepare(database, file, migrations)
        except BaseException:
            database.close()
            raise
        return database


def _make_safe(file: Path) -> None:
    """Sync what a killed process has written and not synced: it is read as committed, and may be answered for."""
    for path in (side_files(file)[0], file.parent):
        with suppress(FileNotFoundError):
            left = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(left)
            finally:
                os.close(left)


def _connect(file: Path, how: str = "mode=rw") -> sqlite3.Connection:
    """Open a connection for one thread at a time; it never waits for another process, and makes no file."""
    name = f"{file.as_uri()}?{how}"
    database = sqlite3.connect(
        name, uri=True, timeout=0.0, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    database.create_function("key_hash", 1, key_hash, deterministic=True)
    return database


def _prepare(database: sqlite3.Connection, file: Path, migrations: Sequence[str]) -> None:
    is_new = file.stat().st_size == 0 or not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not is_new:
        _check(database, file, newest(migrations))
    database.execute("PRAGMA journal_mode = WAL")
    # FAST: what is deleted is overwritten where that costs no write; `forget` overwrites the rest.
    settings = ("synchronous = FULL", "wal_autocheckpoint = 0", "temp_store = MEMORY", "secure_delete = FAST")
    for setting in (*settings, f"cache_size = -{_CACHE}"):
        database.execute(f"PRAGMA {setting}")
    if is_new:
        database.execute(f"PRAGMA application_id = {MARK}")
        create(database, now=time.time())
    else:
        migrate(database, migrations)


def _check(database: sqlite3.Connection, file: Path, known: int = newest()) -> None:
    """Refuse a file of somebody else's, and one that a later version made."""
    (mark,) = database.execute("PRAGMA application_id").fetchone()
    if mark != MARK:
        raise UsageError(f"{file}: {_WORDS[sqlite3.SQLITE_NOTADB]}")
    version = version_of(database)
    if version > known:
        raise UsageError(
            f"{file}: a later rupt-connector has made it (schema {version}, this one knows {known}); "
            "install that version again, or give another --data"
        )


@contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turn what SQLite raises, and what forbids to look, into a UsageError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, file) from None
    except PermissionError:
        raise UsageError(f"{file}: {_WORDS[sqlite3.SQLITE_CANTOPEN]}") from None


def explain(error: sqlite3.Error, file: Path) -> UsageError:
    """Say what an error of SQLite's means, and what to do."""
    words = _WORDS.get(code_of(error) & 0xFF, str(error))
    return UsageError(f"{file}: {words}")


def code_of(error: BaseException) -> int:
    """Give SQLite's extended code of an error, 0 when it has none."""
    return getattr(error, "sqlite_errorcode", 0) or 0


def is_busy(error: BaseException) -> bool:
    """Whether another process is writing at this moment."""
    return code_of(error) & 0xFF == sqlite3.SQLITE_BUSY


def is_full(error: BaseException) -> bool:
    """Whether there was no room to write: the disk, a quota or a limit of the process."""
    code = code_of(error)
    return code & 0xFF == sqlite3.SQLITE_FULL or code in (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def is_corrupt(error: BaseException) -> bool:
    """Whether what stands in the file cannot be what was written there."""
    return code_of(error) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_damage(error: BaseException) -> bool:
    """Whether nothing more may be written: the file is damaged, or the disk did not keep what it was given."""
    return isinstance(error, sqlite3.DatabaseError) and code_of(error) & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    )
