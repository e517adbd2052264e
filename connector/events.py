"""Bytes of every shape in which events are sent or recorded, to frozen Events or Discards that name their reason.

In: one JSON text, that is an event, a list of events, a batch body, a RudderStack line or a recorded HTTP request.
Out: its events, decoded only as far as somebody reads them, each with its own JSON text.
No input makes it raise. It opens no file (sources/files), checks no signature (signing) and looks at no clock.
"""

import binascii
import importlib
import re
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, Protocol, TypeAlias

import msgspec

from connector.nesting import is_deeper
from connector.projection import MAX_MESSAGE_ID, Reads, projection
from connector.times import Cutoff, corrected_timestamp, cutoff_at, event_time, is_before
from connector.values import JSON, MISSING, dump_json, load_json, type_name

__all__ = [
    "BOM",
    "EVENT_TYPES",
    "MAX_DEPTH",
    "OPEN_DEPTH",
    "ROUTE_TYPES",
    "Cutoff",
    "Discard",
    "Event",
    "Fields",
    "Item",
    "Opened",
    "Reader",
    "Reads",
    "TooDeepError",
    "corrected_timestamp",
    "cutoff_at",
    "event_reader",
    "event_time",
    "gunzip",
    "has_type",
    "is_before",
    "merge_objects",
    "open_json",
    "route_word",
]

EVENT_TYPES: Final = frozenset({"identify", "track", "page", "screen", "group", "alias", "delete"})
# Of one JSON value or one unzipped body. Segment's own limits (32 KB an event, 500 KB and 2,500 events a batch) are not
# repeated here: what has been recorded has passed them, or never had to.
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 200
OPEN_DEPTH: Final = MAX_DEPTH + 50  # of what is opened only: an event is inside a batch, that is inside a request
GZIP_MAGIC: Final = b"\x1f\x8b"
BOM: Final = b"\xef\xbb\xbf"


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. `data` may hold no more than the paths asked for; `raw` is the whole event's JSON text in UTF-8."""

    type: str
    message_id: str
    data: dict[str, JSON]
    raw: bytes


class Discard(msgspec.Struct, frozen=True, gc=False):
    """What could not become an event. `detail` says what was expected and found by type and place, never by value.

    Segment's reasons: no_user_anon_id, event_not_defined, event_not_string, properties_not_object, traits_not_object,
    name_not_string, id_not_string, empty_batch, bad_request (no readable JSON object), UNSUPPORTED_EVENT_TYPE.
    Ours: no_user_id (alias, delete), no_previous_id (alias), no_group_id (group), browser_metrics, no_events (a file),
    nested_too_deeply, message_id_too_long, event_too_large (for a request).
    """

    reason: str
    detail: str
    message_id: str | None = None


Item: TypeAlias = Event | Discard


class TooDeepError(ValueError):
    """A text has more levels than are read."""


# ---------------------------------------------------------------------------------------------------------- readers


class Reader(msgspec.Struct, frozen=True):
    """The ways to read events; all of them fill `Event.data` with the same paths. Made by `event_reader`.

    `plain` is the hot one: the Event, or None when the text is anything but one ordinary event; then `read` or `unpack`
    says what it is. White space around a text is allowed and stays in `raw`.
    """

    plain: Callable[[bytes], Event | None]

    def read(self, raw: bytes) -> Item:
        """Read the text of exactly one event: what the queue keeps. Envelopes are not opened."""
        return self.plain(raw) or _read_whole(raw.strip())

    def unpack(self, raw: bytes) -> Iterator[Item]:
        """Read one JSON text of any recorded shape: at least one item, in the order of the text."""
        event = self.plain(raw)
        return self._open(raw.removeprefix(BOM).strip(), 0) if event is None else iter((event,))

    def unpack_request(self, path: str, body: bytes) -> Iterator[Item]:
        """Read the body of a request to `path`: the route gives the type where the body has none, gzip is unzipped.

        `path` may be a whole URL, have any prefix, and a slash at its end. A body that cannot be unzipped or is not
        JSON gives one Discard `bad_request`; what browsers send to /v1/m gives one `browser_metrics`.
        """
        return self._open_request(path, body, 0)

    def _open(self, raw: bytes, level: int, kind: str | None = None) -> Iterator[Item]:
        try:
            yield from self._open_shape(raw, open_json(raw), level, kind)
        except ValueError as error:
            yield _unreadable(error)

    def _open_shape(self, raw: bytes, shape: "Opened", level: int, kind: str | None) -> Iterator[Item]:
        if level > _MAX_LEVEL:
            yield Discard("bad_request", "too many lists and envelopes inside one another")
        elif isinstance(shape, list):
            yield from self._open_list(shape, level)
        elif shape is None or has_type(shape):
            yield self.read(raw)
        elif "batch" in shape:
            yield from self._open_batch(shape)
        elif "payload" in shape:
            yield from self._open_rudder(shape, level)
        elif _is_request(shape):
            yield from self._open_recorded(shape, level)
        else:
            yield self.read(_with_defaults(raw, {"type": kind}))

    def _open_list(self, items: list[msgspec.Raw], level: int) -> Iterator[Item]:
        if not items:
            yield Discard("empty_batch", "the list holds no events")
        for number, item in enumerate(items, 1):
            raw = bytes(item)
            event = self.plain(raw)
            found = self._open(raw, level + 1) if event is None else (event,)
            yield from (_numbered(item, number) for item in found)

    def _open_batch(self, shape: "Fields") -> Iterator[Item]:
        items = open_json(bytes(shape["batch"]))
        if not isinstance(items, list):
            yield Discard("bad_request", f"batch must be an array, found {_a(_value(shape, 'batch'))}")
        elif not items:
            yield Discard("empty_batch", "the batch holds no events")
        else:
            shared = {key: _value(shape, key) for key in ("context", "integrations", "sentAt")}
            for number, item in enumerate(items, 1):
                yield _numbered(self.read(_with_defaults(bytes(item), shared)), number)

    def _open_rudder(self, shape: "Fields", level: int) -> Iterator[Item]:
        payload = bytes(shape["payload"])
        inner = open_json(payload)
        if inner is None:
            yield Discard("bad_request", f"payload must be an event object, found {_a(load_json(payload))}")
        elif isinstance(inner, list) or "batch" in inner:
            yield from self._open(payload, level + 1)
        else:
            yield self.read(_with_defaults(payload, {"messageId": _value(shape, "messageId")}))

    def _open_recorded(self, shape: "Fields", level: int) -> Iterator[Item]:
        path = _value(shape, "path") or _value(shape, "url")
        body = _recorded_body(shape)
        if body:
            yield from self._open_request(path if isinstance(path, str) else "", body, level + 1)
        else:
            yield Discard("bad_request", "the recorded request has no body")

    def _open_request(self, path: str, body: bytes, level: int) -> Iterator[Item]:
        word = route_word(path)
        if word == "m":
            yield Discard("browser_metrics", "requests to /v1/m carry the browser SDK's metrics, not events")
            return
        try:
            text = gunzip(body).removeprefix(BOM).strip()
        except ValueError as error:
            yield _unreadable(error)
        else:
            yield from self._open(text, level, ROUTE_TYPES.get(word))


def event_reader(reads: Reads) -> Reader:
    """Compile a Reader that decodes at least the event paths in `reads`, and all of the event when it is None.

    A path is keys and list positions, as in `("context", "traits", "email")`. What a text means never depends on
    `reads`, but for this: what no path leads to must be JSON in UTF-8, and neither its depth nor its numbers' size is
    limited.
    """
    part = projection(reads)
    try:
        return Reader(_plain_whole if part is None else _plain_part(part))
    except UnicodeEncodeError:  # a path with half a surrogate pair: there is no such key in UTF-8
        return Reader(_plain_whole)


def _plain_whole(raw: bytes) -> Event | None:
    item = _read_whole(raw)
    return item if isinstance(item, Event) else None


# What a plain event of these types needs besides a user and a messageId: this field is not empty.
_PLAIN_NEEDS: Final = {"track": "event", "group": "groupId"}


def _plain_part(part: type) -> Callable[[bytes], Event | None]:
    decode: Callable[[bytes], dict[str, JSON]] = msgspec.json.Decoder(part).decode
    needed = _PLAIN_NEEDS

    def plain(raw: bytes) -> Event | None:
        try:
            data = decode(raw)
            if not raw.isascii():
                raw.decode()  # the decoder does not look at the encoding of what it skips
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        kind: str = data["type"]  # type: ignore[assignment]  # the decoder has checked this and messageId
        if (data.get("userId") or data.get("anonymousId")) and (kind not in needed or data.get(needed[kind])):
            return Event(kind, data["messageId"], data, raw)  # type: ignore[arg-type]
        return None

    return plain


# ------------------------------------------------------------------------------------------------ the whole event

_TYPES_LISTED: Final = "identify, track, page, screen, group, alias or delete"
_OBJECT_FIELDS: Final = {
    "identify": "traits",
    "group": "traits",
    "track": "properties",
    "page": "properties",
    "screen": "properties",
}
_IDS: Final = {"group": ("groupId",), "alias": ("previousId",)}
_NEEDED_IDS: Final = {
    "group": (("groupId", "no_group_id"),),
    "alias": (("previousId", "no_previous_id"), ("userId", "no_user_id")),
    "delete": (("userId", "no_user_id"),),
}

_Fault: TypeAlias = tuple[str, str]  # a reason and its detail


def _read_whole(raw: bytes) -> Item:
    try:
        data = _load(raw)
    except ValueError as error:
        return _unreadable(error)
    if not isinstance(data, dict):
        return Discard("bad_request", f"expected an event object, found {_a(data)}")
    fault = _event_fault(data)
    own = data.get("messageId")
    message_id = own if isinstance(own, str) else ""
    if fault:
        return Discard(*fault, message_id or None)
    return Event(str(data["type"]), message_id or _content_id(data), data, raw)


def _load(raw: bytes, *, levels: int = MAX_DEPTH) -> JSON:
    """Parse JSON in UTF-8 of at most so many levels; raises ValueError with the place of what is wrong."""
    try:
        if not raw.isascii():
            raw.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}") from None
    if b"\0" in raw:
        raise ValueError(f"not JSON: byte {raw.index(0)} is NUL")
    if is_deeper(raw, levels):
        raise TooDeepError(f"nested more than {MAX_DEPTH} levels deep")
    try:
        return load_json(_with_distinct_ids(raw))
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None


_MESSAGE_ID: Final = re.compile(rb'"messageId"\s*+:\s*+"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\ud[89ab]..\\ud[c-f]..|\\u(d[89a-f]..)|\\.", re.DOTALL | re.IGNORECASE)


def _with_distinct_ids(raw: bytes) -> bytes:
    """Note in a messageId which half of a surrogate pair it holds: as U+FFFD alone, two ids would become one."""
    if b"\\ud" not in raw and b"\\uD" not in raw:
        return raw
    return _MESSAGE_ID.sub(lambda found: _ESCAPE.sub(_noted_half, found[0]), raw)


def _noted_half(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] is None else b"\\ufffd" + found[1].lower()


def _unreadable(error: ValueError) -> Discard:
    if isinstance(error, TooDeepError):
        return Discard("nested_too_deeply", str(error))
    return Discard("bad_request", str(error))


def _event_fault(data: dict[str, JSON]) -> _Fault | None:
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in EVENT_TYPES:
        found = "another string" if isinstance(kind, str) else _a(data.get("type", MISSING))
        return "UNSUPPORTED_EVENT_TYPE", f"type must be {_TYPES_LISTED}, found {found}"
    return _id_fault(kind, data) or _field_fault(kind, data)


def _id_fault(kind: str, data: dict[str, JSON]) -> _Fault | None:
    for key in ("messageId", "userId", "anonymousId", *_IDS.get(kind, ())):
        if not isinstance(data.get(key), str | None):
            return "id_not_string", f"{key} must be a string, found {_a(data[key])}"
    if len(str(data.get("messageId"))) > MAX_MESSAGE_ID:
        return "message_id_too_long", f"messageId must have at most {MAX_MESSAGE_ID} characters"
    if not (data.get("userId") or data.get("anonymousId")):
        return "no_user_anon_id", "neither userId nor anonymousId is there"
    for key, reason in _NEEDED_IDS.get(kind, ()):
        if not data.get(key):
            return reason, f"{kind} needs {key}, found {_a(data.get(key, MISSING))}"
    return None


def _field_fault(kind: str, data: dict[str, JSON]) -> _Fault | None:
    if kind == "track" and not isinstance(data.get("event"), str | None):
        return "event_not_string", f"event must be a string, found {_a(data['event'])}"
    if kind == "track" and not data.get("event"):
        return "event_not_defined", f"track needs the name of its event, found {_a(data.get('event', MISSING))}"
    if kind in ("page", "screen") and not isinstance(data.get("name"), str | None):
        return "name_not_string", f"name must be a string, found {_a(data['name'])}"
    field = _OBJECT_FIELDS.get(kind)
    if field and not isinstance(data.get(field), dict | None):
        return f"{field}_not_object", f"{field} must be an object, found {_a(data[field])}"
    context = data.get("context")
    if isinstance(context, dict) and not isinstance(context.get("traits"), dict | None):
        return "traits_not_object", f"context.traits must be an object, found {_a(context['traits'])}"
    return None


def _a(value: object) -> str:
    if value == "":
        return "an empty string"
    name = type_name(value)
    return {"missing": "nothing", "null": "null"}.get(name) or f"{'an' if name[0] in 'ao' else 'a'} {name}"


def _content_id(data: dict[str, JSON]) -> str:
    """Name an event that has no messageId by its content: a second run gives the same, and so do two equal events."""
    return f"content-{_blake2b()(dump_json(data), digest_size=16).hexdigest()}"


@cache
def _blake2b() -> Callable[..., "_Hash"]:
    # Loading it opens OpenSSL and takes 3 ms, a tenth of a start; most recordings never need it.
    found: Callable[..., _Hash] = importlib.import_module("hashlib").blake2b
    return found


class _Hash(Protocol):
    def hexdigest(self) -> str: ...


# ------------------------------------------------------------------------------------------------------- envelopes

Fields: TypeAlias = dict[str, msgspec.Raw]
Opened: TypeAlias = Fields | list[msgspec.Raw] | None  # None: a string, a number, a boolean or null

_decode_shape: Final[Callable[[bytes], Opened]] = msgspec.json.Decoder(Fields | list[msgspec.Raw]).decode
_MAX_LEVEL: Final = 4
_MAX_MEMBERS: Final = 1_000  # each is copied with all that follow
_ROUTE: Final = re.compile(r"(?:^|/)v1/([a-z]+)/?(?:[?#]|$)")
ROUTE_TYPES: Final = {word: name for name in EVENT_TYPES - {"delete"} for word in (name, name[0])}
_TYPE_TEXTS: Final = {dump_json(name) for name in EVENT_TYPES}


def route_word(path: str) -> str:
    """Give the word after /v1/ at the end of a path or URL, such as track, t or batch; empty when there is none."""
    route = _ROUTE.search(path)
    return route[1] if route else ""


def open_json(raw: bytes) -> Opened:
    """Open the outermost object or list, and leave what is in it as text; None for any other JSON value.

    Raises ValueError, with the place and no value, when it is not JSON in UTF-8; TooDeepError when it is nested too
    deeply to be opened, which may be at any depth over OPEN_DEPTH.
    """
    try:
        if not raw.isascii():
            raw.decode()
        return _decode_shape(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        value = _load(raw, levels=OPEN_DEPTH)
    return _decode_shape(dump_json(value)) if isinstance(value, dict | list) else None


def _value(shape: Fields, key: str) -> JSON:
    return load_json(bytes(shape[key])) if key in shape else None


def has_type(shape: Fields) -> bool:
    """Whether an object names the type of an event, so that it is one whatever else is in it."""
    return "type" in shape and bytes(shape["type"]) in _TYPE_TEXTS


def _is_request(shape: Fields) -> bool:
    return bool(shape.keys() & {"method", "body", "body_base64"}) and bool(shape.keys() & {"path", "url", "headers"})


def _recorded_body(shape: Fields) -> bytes:
    encoded = _value(shape, "body_base64")
    if isinstance(encoded, str):
        try:
            return binascii.a2b_base64("".join(encoded.split()), strict_mode=True)
        except ValueError as error:
            raise ValueError(f"body_base64 is not base64: {error}") from None
    text = bytes(shape.get("body", b"null"))
    if not text.startswith((b"{", b"[")):
        body = load_json(text)
        return body.encode() if isinstance(body, str) else b""
    return text


def _with_defaults(raw: bytes, defaults: dict[str, JSON]) -> bytes:
    """Give an event what its envelope says for all; what it says itself wins, key by key in two objects."""
    given: dict[str, JSON] = {key: value for key, value in defaults.items() if value}
    if not given:
        return raw
    try:
        own = _decode_shape(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        own = None
    if isinstance(own, dict) and not own.keys() & given.keys():  # far faster, and the event's own text stays
        return raw.strip()[:-1] + (b"," if own else b"") + dump_json(given)[1:]
    return _with_merged(raw, given)


def _with_merged(raw: bytes, given: dict[str, JSON]) -> bytes:
    try:
        event = _load(raw)
    except ValueError:
        return raw
    if not isinstance(event, dict):
        return raw
    merged: dict[str, JSON] = {key: merge_objects(event.get(key), value) for key, value in given.items()}
    return dump_json(event | merged) if any(event.get(key) != value for key, value in merged.items()) else raw


def merge_objects(own: JSON, shared: JSON) -> JSON:
    """Give a value what an envelope says for all; its own keys win, and so does a value that is not null."""
    if isinstance(own, dict) and isinstance(shared, dict):
        return shared | own
    return shared if own is None else own


def _numbered(item: Item, number: int) -> Item:
    if isinstance(item, Event):
        return item
    return Discard(item.reason, f"item {number}: {item.detail}", item.message_id)


def gunzip(body: bytes, *, limit: int = MAX_BYTES) -> bytes:
    """Unzip a body if it is gzip, whatever its headers say; raises ValueError when damaged, cut or over `limit`."""
    text = bytearray()
    for _ in range(_MAX_MEMBERS):
        if not body.startswith(GZIP_MAGIC):
            return bytes(text) or body
        member = zlib.decompressobj(wbits=31)
        try:
            text += member.decompress(body, limit + 1 - len(text))
        except zlib.error:
            raise ValueError("the gzip data is damaged") from None
        if len(text) > limit:
            raise ValueError(f"the gzip data holds more than {limit:,} bytes")
        if not member.eof:
            raise ValueError("the gzip data ends early")
        body = member.unused_data
    raise ValueError(f"the gzip data has more than {_MAX_MEMBERS} members")
