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
    """Keys that came before, at least the last `limit` of them: whoever is in a hurry asks the two sets itself.

    A new key goes to `young`; `turn` must be called now and then, and forgets the old generation when it is time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.young: set[str] = set()
        self.old: set[str] = set()

    def turn(self) -> None:
        """Let the young generation grow old when it is full; the sets stay the same objects."""
        if len(self.young) >= self._limit:
            self.old.clear()
            self.old.update(self.young)
            self.young.clear()
