"""What of a stored event and a sent body is shown to the operator: all but what could open a door.

A signed token of an account stands in an event wherever a mapping's writeOnly field takes it from; without the
destination file it is known by its looks alone. It errs on the side of hiding too much.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from connector.destination import Destination, Mapping
from connector.errors import ResolveError
from connector.language.compiler import mapping_reads
from connector.language.directives import Fields
from connector.rows import REDACTED
from connector.schemas import write_only_names
from connector.values import JSON, load_json

Keys: TypeAlias = tuple[str, ...]
_NAMED: Final = re.compile(r"token|secret|passw|api[_-]?key|authorization|signature|jwt|credential", re.IGNORECASE)
_SHAPED: Final = re.compile(r"eyJ[\w-]+\.[\w.-]+")  # a JSON web token
_SUSPICIOUS: Final = re.compile(b"eyJ|" + _NAMED.pattern.encode(), re.IGNORECASE)
SHOWN: Final = frozenset({"type", "messageId", "userId", "anonymousId", "previousId", "groupId"})
_DEEPEST: Final = 100  # objects and lists within one another that are shown; what is deeper is hidden whole
_SHORTEST: Final = 6  # characters of a part of a token that is hidden wherever it stands


class Hiding(msgspec.Struct, frozen=True):
    """Hides secrets. Without a destination only what has a secret's name or looks."""

    destination: Destination | None = None

    def event(self, raw: bytes) -> JSON:
        """Read an event for printing."""
        event = _load(raw)
        if not isinstance(event, dict):
            return REDACTED
        texts = self.texts(event)
        return {
            key: value if key in SHOWN and isinstance(value, str) else hide(value, key, texts)
            for key, value in event.items()
        }

    def texts(self, event: dict[str, JSON]) -> frozenset[str]:
        """Give the secrets in an event: what mappings make their secret fields of, and what they have read for them."""
        mappings = self.destination.mappings if self.destination else ()
        return frozenset(text for mapping in mappings for text in _secrets(mapping, event))

    def body(self, raw: bytes) -> JSON:
        """Read a body that was sent for printing; the device and its owner are no secrets to who asked."""
        return hide(_load(raw), "", frozenset())


def _load(raw: bytes) -> JSON:
    """Read what is stored; what was just not too deep for the server may be so here, and is hidden."""
    try:
        return load_json(raw)
    except ValueError:
        return REDACTED


def _secrets(mapping: Mapping, event: dict[str, JSON]) -> Iterator[str]:
    """Give what a mapping makes its secret fields of, and what it has read for them."""
    names = write_only_names(mapping.action)
    try:
        payload = mapping.resolve(event)
    except ResolveError:
        payload = {}
    yield from (text for name in names if isinstance(text := payload.get(name), str) and text)
    nodes = mapping.fields.fields if isinstance(mapping.fields, Fields) else ()
    for keys in (keys for name, node in nodes if name in names for keys in mapping_reads(node) or ()):
        if keys[0] not in SHOWN:
            yield from _texts_at(event, keys)


def _texts_at(value: JSON, keys: Keys) -> Iterator[str]:
    for key in keys:
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return
    if isinstance(value, str) and len(value) >= _SHORTEST:
        yield value


def is_secret_name(name: str) -> bool:
    """Say whether a key's name is one of a secret."""
    return _NAMED.search(name) is not None


def may_hold_secrets(raw: bytes) -> bool:
    """Say whether JSON has a key or a text that `hide` could take for a secret."""
    return _SUSPICIOUS.search(raw) is not None


def hide_in_text(text: str, texts: frozenset[str]) -> str:
    """Put REDACTED where words show one of `texts`, or what looks like a secret."""
    for secret in sorted(texts, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return _SHAPED.sub(REDACTED, text)


def hide(value: JSON, name: str, texts: frozenset[str], depth: int = _DEEPEST) -> JSON:
    """Put REDACTED for what is a secret by the name of its key or by its looks, or has to do with one of `texts`."""
    if isinstance(value, dict | list) and not depth:
        return REDACTED
    if isinstance(value, dict):
        return {key: hide(below, key, texts, depth - 1) for key, below in value.items()}
    if isinstance(value, list):
        return [hide(below, name, texts, depth - 1) for below in value]
    if not isinstance(value, str):
        return value
    is_secret = is_secret_name(name) or _SHAPED.search(value) or any(text in value for text in texts)
    return REDACTED if is_secret or any(len(value) >= _SHORTEST and value in text for text in texts) else value
