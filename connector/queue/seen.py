"""Keys that came before: within a window of time, or among the last so many. What is known as a duplicate."""

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


class Recent:
    """A set of keys that knows at least the last `limit` of them, and forgets those before in whole generations."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._young: set[str] = set()
        self._old: set[str] = set()

    def add(self, key: str) -> bool:
        """Remember a key; false when it was known."""
        if key in self._young or key in self._old:
            return False
        self._young.add(key)
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, set()
        return True
