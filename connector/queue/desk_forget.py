"""An account forgotten: every stored event that names it is erased, with what was sent of it, from the files too.

In: an id. Out: counts, never a value. The ledger, the beginning of a reason (what follows may quote) and the keys by
which an event is known again stay. What is being sent at this moment is left,
and counted: it can be erased when it has ended.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from connector.queue.desk import Desk, to_text
from connector.queue.desk_moves import end, is_in_flight, standing
from connector.values import dump_json, load_json

FORGOTTEN: Final = "forgotten"
_AT_ONCE: Final = 500  # rows that are read at once
_UNFINISHED: Final = ("waiting", "sending", "held")
_IDS: Final = ("userId", "anonymousId", "previousId")
_ESCAPE: Final = b"\\"  # a JSON text with one may write any character in another way


class Forgotten(msgspec.Struct, frozen=True):
    """What was erased: events, requests that were sent of them, and unfinished jobs, which are not sent any more.

    `in_flight` events are being sent and were left. `clean`: nothing of what was erased is left in the files' unused
    parts either.
    """

    events: int = 0
    requests: int = 0
    unfinished: int = 0
    in_flight: int = 0
    clean: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to do."""
        return self.clean and not self.in_flight


class _Named(msgspec.Struct):
    """What of a body says whom it is of."""

    user: Any = None


_user: Final = msgspec.json.Decoder(_Named).decode


def find_events(desk: Desk, account: str) -> list[int]:
    """Number the events that name an account: as a user, a device or a former id, or in a request made of them."""
    text = to_text(account)
    return sorted({*_events_of(desk, text), *_events_sent_for(desk, text)})


def _events_of(desk: Desk, account: str) -> Iterator[int]:
    text = dump_json(account)
    for number, owner, raw in desk.pages("events_from", _AT_ONCE):
        if owner == account or ((text in raw or _ESCAPE in raw) and _names(raw, account)):
            yield int(number)


def _names(raw: bytes, account: str) -> bool:
    try:
        event = load_json(raw)
    except ValueError:  # just not too deep for who took it: rather too much is erased than too little
        return dump_json(account) in raw
    return isinstance(event, dict) and any(event.get(key) == account for key in _IDS)


def _events_sent_for(desk: Desk, account: str) -> Iterator[int]:
    part, text = f"/user/{quote(account, safe='')}/", dump_json(account).decode()
    for number, path, body in desk.pages("attempts_from", _AT_ONCE):
        if part in path or (body is not None and (text in body or "\\" in body) and _user(body).user == account):
            yield number >> 16


def forget(desk: Desk, events: Sequence[int], *, now: float) -> Forgotten:
    """Erase these events, some at a time, and then whatever the files still hold of them."""
    parts = list(desk.in_slices(events, lambda some: _erase(desk, some, now=now)))
    return Forgotten(
        sum(part.events for part in parts),
        sum(part.requests for part in parts),
        sum(part.unfinished for part in parts),
        sum(part.in_flight for part in parts),
        desk.scrub(),
    )


def _erase(desk: Desk, events: Sequence[int], *, now: float) -> Forgotten:
    books, erased, requests, unfinished, in_flight = desk.books(), 0, 0, 0, 0
    for event in events:
        jobs = desk.ask("states_of", event=event).fetchall()
        flying = any(is_in_flight(state, due, now) for _, state, due in jobs)
        for number, state, due in jobs:
            job = standing(desk, number) if state in _UNFINISHED and not is_in_flight(state, due, now) else None
            if job is not None:
                end(desk, job, FORGOTTEN, books, now=now)
                unfinished += 1
        requests += desk.ask("erase_attempts", event=event).rowcount
        desk.ask("erase_problems", event=event)
        desk.ask("erase_reasons", event=event)
        if flying:
            in_flight += 1
        else:
            erased += desk.ask("erase_event", event=event).rowcount
    books.write()
    return Forgotten(erased, requests, unfinished, in_flight)
