"""A recording on its way to disk: written beside its place, read again and proven, and only then moved there.

In: lines and the digests of the ways that their originals took. Out: a file that holds just these, or none.
"""

import gzip
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Self

from connector.errors import ConnectorError, UsageError
from connector.events import Event
from connector.recording.reading import is_data_folder
from connector.recording.ways import Ways
from connector.sources.files import read_events

STDOUT: Final = "-"


class Recording:
    """A file in the making, to be used as a context; `events` counts lines. Without `finish` nothing stays of it.

    A link is followed, a device or a pipe is written to at the end. `inputs` are files that `out` may not be.
    """

    def __init__(self, out: str, *, force: bool, inputs: Sequence[str] = ()) -> None:
        self.events = 0
        self._out = out
        self._target = out if out == STDOUT else os.path.realpath(out)
        self._is_stream = out == STDOUT or _check(out, self._target, inputs, force=force)
        folder = None if self._is_stream else str(Path(self._target).parent)
        try:
            handle, self._file = tempfile.mkstemp(prefix=".recording-", dir=folder)
        except OSError as error:
            raise UsageError(f"--out {out}: {error.strerror}; name a file in a folder that you may write") from None
        self._stream: BinaryIO = os.fdopen(handle, "wb")
        self._text: BinaryIO = self._opened()
        self._ways = hashlib.blake2b()

    def _opened(self) -> BinaryIO:
        """Compress where the name says so, without a name or a time inside: the same events give the same bytes."""
        if self._out.endswith(".gz"):
            return gzip.GzipFile(filename="", mode="wb", fileobj=self._stream, mtime=0)  # type: ignore[return-value]
        return self._stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        with suppress(FileNotFoundError):
            os.unlink(self._file)

    def write(self, line: bytes, digest: bytes) -> None:
        """Add a line, and the digest of the way that its original takes."""
        self._text.write(line)
        self._ways.update(digest)
        self.events += 1

    def prove(self, ways: Ways) -> None:
        """Read what is on disk as a replay does, and follow it again. Raises ConnectorError when it is not the same."""
        if self._text is not self._stream:
            self._text.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        found, events = hashlib.blake2b(), 0
        if self.events:
            for _, _, item in read_events([self._file], reads=None):
                events += 1
                if isinstance(item, Event):
                    found.update(ways.follow(item.data).digest())
        if (events, found.digest()) != (self.events, self._ways.digest()):
            raise ConnectorError(
                f"{self._out}: what was written is not what was proven, so nothing was kept; "
                "run it again, and look after the disk"
            )

    def finish(self, stdout: BinaryIO) -> None:
        """Move the file to its place, or copy it to standard output, a device or a pipe. Raises UsageError."""
        self._stream.close()
        if self._out == STDOUT:
            self._copy(stdout)
            return
        try:
            if self._is_stream:
                with open(self._out, "wb", buffering=0) as stream:
                    self._copy(stream)
            else:
                os.chmod(self._file, _mode(self._target))
                os.replace(self._file, self._target)
        except OSError as error:
            raise UsageError(f"--out {self._out}: {error.strerror}; name a file that you may write") from None

    def _copy(self, stream: BinaryIO) -> None:
        with open(self._file, "rb") as file:
            for chunk in iter(lambda: file.read(io.DEFAULT_BUFFER_SIZE), b""):
                left = memoryview(chunk)
                while left:
                    left = left[stream.write(left) or len(left) :]
        stream.flush()


def _check(out: str, target: str, inputs: Sequence[str], *, force: bool) -> bool:
    """Say whether what stands there is written to rather than replaced. Raises UsageError where neither may be."""
    try:
        mode = os.stat(out).st_mode
    except OSError:
        if os.path.lexists(out) and not force:
            raise UsageError(f"--out {out}: a link that leads nowhere; --force writes where it leads") from None
        mode = stat.S_IFREG
    if stat.S_ISCHR(mode):
        return True
    if is_data_folder(os.path.dirname(target)):
        raise UsageError(f"--out {out}: this is the data folder of a server; name a file elsewhere")
    if same := next((path for path in inputs if _is_same(path, out)), ""):
        raise UsageError(f"--out {out}: this is what is read ({same}); name another file")
    if stat.S_ISFIFO(mode):
        return True
    if stat.S_ISDIR(mode):
        raise UsageError(f"--out {out}: this is a folder; name a file in it: {os.path.join(out, 'recording.ndjson')}")
    if not stat.S_ISREG(mode):
        raise UsageError(f"--out {out}: this is neither a file nor a pipe; name a file")
    if os.path.exists(target) and not force:
        raise UsageError(f"--out {out}: there is such a file; --force overwrites it")
    return False


def _is_same(path: str, out: str) -> bool:
    try:
        return os.path.samefile(path, out)
    except (OSError, ValueError):
        return False


def _mode(target: str) -> int:
    """Give the permissions of the file that is replaced, or those of a new one."""
    with suppress(OSError):
        return stat.S_IMODE(os.stat(target).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
