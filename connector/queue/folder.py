"""The data folder: made for nobody else's eyes, and locked, so that one process works on it.

The lock is the operating system's (flock): it ends with its process, however that ends, and leaves nothing to clean up.
"""

import asyncio
import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from connector.errors import UsageError

LOCK: Final = "lock"
_TRIES: Final = 4
_POLL: Final = 0.05  # seconds: how soon a standby sees that the folder is free


class FolderLock:
    """The lock of a data folder, to be used as a context: on entry it is taken, or UsageError says who has it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._file: int | None = None

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self) -> None:
        """Make the folder if need be, and lock it. Raises UsageError.

        Who only asks whether it is held shares the lock for a moment: it is tried for longer than that.
        """
        if not any(self._try() or self._pause() for _ in range(_TRIES)):
            holder = self.holder()
            who = f"process {holder}" if holder else "another process"
            raise UsageError(f"{self._folder} is in use by {who}; stop it first, or give another --data")

    @staticmethod
    def _pause() -> bool:
        time.sleep(_POLL)
        return False

    def is_free(self) -> bool:
        """Whether nobody else has the folder; it is locked then."""
        return self._try()

    async def wait(self, poll: float = _POLL) -> None:
        """Take the lock as soon as nobody else has it: a standby takes over when the first process has ended."""
        while not self._try():
            await asyncio.sleep(poll)

    def release(self) -> None:
        """Give the lock back; the file stays, so that nobody locks one that is not there any more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def holder(self) -> int | None:
        """Say which process has, or had last, the folder; None when that is not known."""
        try:
            return int((self._folder / LOCK).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def _try(self) -> bool:
        if self._file is not None:
            return True
        make_folder(self._folder)
        file = open_private(self._folder / LOCK)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(file, 0)
            with suppress(OSError):  # on a full disk the lock is as good, but for the number of its process
                os.pwrite(file, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True


class Place:
    """Where files stand that a process keeps open: it would go on writing them after they are removed or moved."""

    def __init__(self, *files: Path) -> None:
        self._files = {str(file): _identity(str(file)) for file in files if file.exists()}

    def lost(self) -> str | None:
        """Give the path of a file that was removed, moved or replaced since; None when there is none. Takes some µs."""
        for path, identity in self._files.items():
            try:
                if _identity(path) != identity:
                    return path
            except (FileNotFoundError, NotADirectoryError):
                return path
            except OSError:  # whether it is there cannot be said; the file itself is open
                continue
        return None


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def make_folder(folder: Path) -> None:
    """Make a data folder that only its owner may enter, unless there is one. Raises UsageError."""
    try:
        missing = [parent for parent in folder.absolute().parents if not parent.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(_words(folder, error)) from None
    for path in (folder.absolute(), *missing):
        _sync_name(path)


def _sync_name(path: Path) -> None:
    """Let the name of a folder survive a power cut, also when it was made by a process that ended before it did so."""
    with suppress(OSError):  # who may not read the folder above did not make this one
        above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(above)
        finally:
            os.close(above)


def open_private(file: Path) -> int:
    """Open a file of the data folder for writing, and make it, for its owner only, if need be. Raises UsageError."""
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(_words(file, error)) from None


def _words(path: Path, error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{path}: this is no folder, or stands in a file; give another --data"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"{path}: it cannot be written; give this user the folder, or give another --data"
    return f"{path}: {error.strerror or error}; mend that, or give another --data"
