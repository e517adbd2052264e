"""Keys that were accepted within a window of time, the last so many of them: what a queue knows as duplicates."""

from collections import deque


class Seen:
    """A set of keys that forgets the oldest: those from before `window` seconds ago, and those beyond `limit`."""

    def __init__(self, window: float, limit: int) -> None:
        self._window, self._limit = window, limit
        self._keys: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()

    def add(self, key: str, now: float) -> bool:
        """Remember a key; false when it was known."""
        order, keys = self._order, self._keys
        while order and (order[0][0] <= now - self._window or len(order) > self._limit):
            keys.discard(order.popleft()[1])
        if key in keys:
            return False
        keys.add(key)
        order.append((now, key))
        return True
