"""Whether the disk has room for more: asked of the file system now and then, and learnt from writes that failed."""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

LOOK_EVERY: Final = 1.0  # seconds
MIN_FREE: Final = 256 * 1024 * 1024  # bytes: room enough to finish what is accepted


class Disk:
    """The room on the file system of a folder, at least `min_free` bytes. `clock` gives seconds, from anywhere."""

    def __init__(self, folder: str | os.PathLike[str], min_free: int, clock: Callable[[], float]) -> None:
        self._folder, self._min_free, self._clock = Path(folder), min_free, clock
        self._looked_at = -math.inf
        self._has_room = True
        self._failed = False

    @property
    def failed(self) -> bool:
        """Whether the last write found no room."""
        return self._failed

    def has_room(self) -> bool:
        """Whether more may be accepted."""
        now = self._clock()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            try:
                self._has_room = self._min_free <= 0 or shutil.disk_usage(self._folder).free >= self._min_free
            except OSError:
                self._has_room = True  # the write itself will say
        return self._has_room and not self._failed

    def write_failed(self) -> None:
        """Note that there was no room for a write."""
        self._failed = True

    def write_succeeded(self) -> None:
        """Note that there is room again."""
        self._failed = False
