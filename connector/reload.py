"""The destination file as it is now: looked at again and again, and loaded when what it is read from has changed.

In: the file's path and the environment. Out: the new Destination, or the DestinationError that says why the old one
stays. It waits for nothing and swaps nothing: that is the server's part.
"""

import glob
import os
from collections.abc import Iterable, Mapping
from typing import TypeAlias
from zlib import crc32

from connector.destination import Destination, load
from connector.drafts import is_test_file, read_source
from connector.errors import DestinationError, Sources

_Stamps: TypeAlias = tuple[tuple[str, int, int, int] | None, ...]


class Watched:
    """A destination file and all that it includes, by content: a file that is only touched has not changed.

    A replaced file, one behind a link that points elsewhere now, and a new one that a pattern of `include` matches are
    seen too.
    """

    def __init__(self, path: str, environment: Mapping[str, str], sources: Sources) -> None:
        self._path, self._environment, self._sources = path, environment, sources
        self._stamps: _Stamps | None = None

    def look(self) -> Destination | DestinationError | None:
        """Load the file if anything of it has changed since the last look; None when nothing has."""
        found = files_of(self._sources)
        stamps = tuple(map(_stamp, found))  # before the contents are read: what changes between is seen next time
        if stamps == self._stamps:
            return None
        self._stamps = stamps
        return None if sums(found) == self._sources.files else self.load()

    def load(self) -> Destination | DestinationError:
        """Load the file, changed or not."""
        try:
            destination = load(self._path, self._environment)
        except DestinationError as error:
            self._sources = error.sources
            return error
        self._sources = destination.sources
        return destination


def files_of(sources: Sources) -> list[str]:
    """Name the files that were read, and those that would be read now."""
    matches = (file for pattern in sources.patterns for file in glob.glob(pattern, recursive=True))
    names = {os.path.normpath(file) for file in matches if os.path.isfile(file) and not is_test_file(file)}
    return sorted(names | sources.files.keys())


def sums(files: Iterable[str]) -> dict[str, int | None]:
    """Give the checksums of files as they are now, None of those that cannot be read."""
    return {file: _sum(file) for file in files}


def _stamp(file: str) -> tuple[str, int, int, int] | None:
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return file, found.st_mtime_ns, found.st_size, found.st_ino


def _sum(file: str) -> int | None:
    try:
        return crc32(read_source(file))
    except (OSError, ValueError):
        return None
