"""A recording on its way to disk: written beside its place, read again and proven, and only then moved there.

In: lines and the digests of the ways that their originals took. Out: a file that holds just these, or none.
"""

import gzip
import hashlib
import io
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Self

from connector.errors import ConnectorError, UsageError
from connector.events import Event
from connector.recording.ways import Ways
from connector.sources.files import read_events

STDOUT: Final = "-"


class Recording:
    """A file in the making, to be used as a context; `events` counts lines. Without `finish` nothing stays of it."""

    def __init__(self, out: str, *, force: bool) -> None:
        self.events = 0
        self._out = out
        if out != STDOUT and not force and os.path.lexists(out):
            raise UsageError(f"--out {out}: there is such a file; --force overwrites it")
        folder = None if out == STDOUT else str(Path(out).absolute().parent)
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
        """Move the file to its place, or copy it to standard output."""
        self._stream.close()
        if self._out != STDOUT:
            os.chmod(self._file, 0o666 & ~_umask())
            os.replace(self._file, self._out)
            return
        with open(self._file, "rb") as file:
            for chunk in iter(lambda: file.read(io.DEFAULT_BUFFER_SIZE), b""):
                stdout.write(chunk)
        stdout.flush()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
