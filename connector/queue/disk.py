"""Whether the disk has room for more: asked of the file system now and then, and learnt from writes that failed.

After a write that found no room, only one that was done says that there is room again, and only where more than that
one write has room: a log that is begun anew takes a little on a disk that is full, and then no more.
"""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

LOOK_EVERY: Final = 1.0  # seconds
MIN_FREE: Final = 256 * 1024 * 1024  # bytes: room enough to finish what is accepted
_SOME: Final = 1024 * 1024  # bytes: less is as good as none


class Disk:
    """The room on the file system of a folder, at least `min_free` bytes. `clock` gives seconds, from anywhere."""

    def __init__(self, folder: str | os.PathLike[str], min_free: int, clock: Callable[[], float]) -> None:
        self._folder, self._min_free, self._clock = Path(folder), min_free, clock
        self._looked_at = -math.inf
        self._has_room = True
        self._failed = False

    @property
    def failed(self) -> bool:
        """Whether a write found no room, and none was done since."""
        return self._failed

    def has_room(self) -> bool:
        """Whether more may be accepted."""
        now = self._clock()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            self._has_room = self._min_free <= 0 or self._has(self._min_free)
        return self._has_room and not self._failed

    def write_failed(self) -> None:
        """Note that there was no room for a write."""
        self._failed = True

    def write_succeeded(self) -> None:
        """Note that something was written: there is room again, if there is some more."""
        self._failed = self._failed and not self._has(_SOME)

    def _has(self, free: int) -> bool:
        try:
            return shutil.disk_usage(self._folder).free >= free
        except OSError:
            return True  # the write itself will say
