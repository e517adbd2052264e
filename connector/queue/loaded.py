"""What a server says in its data folder of the destination file that it uses, for who works on the folder beside it.

In: the files that were read, with their checksums. Out: a small file, replaced as a whole. It is only believed while
the process that wrote it holds the folder; after a crash the next server says it again.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from connector.errors import Sources, UsageError
from connector.queue.folder import LOCK, open_private

FILE: Final = "loaded.json"
_NEW: Final = "loaded.json.new"


class Loaded(msgspec.Struct, frozen=True):
    """What a server uses: the destination file by its absolute path, and all that was read with it, `at` when.

    `refused` is what was read of an edit that is wrong. Times are in seconds since the epoch.
    """

    process: int
    file: str
    sources: Sources
    at: float
    delivers: bool = True
    refused: Sources | None = None


def absolute(sources: Sources) -> Sources:
    """Name files as everybody finds them, whichever folder they work in."""
    files = {os.path.abspath(file): checksum for file, checksum in sources.files.items()}
    return Sources(files, tuple(map(os.path.abspath, sources.patterns)))


def write_loaded(folder: Path, loaded: Loaded) -> None:
    """Say what is used now; where it cannot be written, nothing is said."""
    try:
        (folder / _NEW).unlink(missing_ok=True)  # left by a process that was killed, or a link to somewhere else
        file = open_private(folder / _NEW)
        try:
            os.write(file, msgspec.json.encode(loaded))
        finally:
            os.close(file)
        os.replace(folder / _NEW, folder / FILE)
    except (OSError, UsageError):
        with suppress(OSError):
            os.unlink(folder / FILE)  # what stands there is not so any more


def read_loaded(folder: Path) -> Loaded | None:
    """Give what the server that holds the folder says; None while it says nothing."""
    try:
        loaded = msgspec.json.decode((folder / FILE).read_bytes(), type=Loaded)
        holder = int((folder / LOCK).read_text(encoding="ascii"))
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return loaded if loaded.process == holder else None


def is_held(folder: Path) -> bool:
    """Whether a process holds the folder. Its lock is shared for a moment to see that, and left as it is."""
    try:
        file = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False  # nobody has ever held it, or it cannot be read
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
