"""What an event's places may hold: where texts and numbers are known to be harmless, and where only words of them are.

In: a path of keys. Out: how the text or number there is treated. What is not listed is pseudonymised.
"""

from functools import lru_cache
from typing import Final, Literal, TypeAlias

from connector.pseudonyms.staying import Treatment
from connector.pseudonyms.vocabulary import CHOICES, QUANTITIES

Keys: TypeAlias = tuple[str, ...]
Place: TypeAlias = Literal["plain", "words", "agent", "label", "name", "kept"]

TIMES: Final = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
NAMED: Final = ("integrations", "consent")  # below them keys are names that the site's owner gave
DROPPED: Final = frozenset({"writeKey"})  # the sender's credential is no part of an event

_KEPT: Final = frozenset({("type",), *((name,) for name in TIMES)})
_NAMES: Final[tuple[Keys, ...]] = (  # all below them: somebody thought them up, so a person may be in them
    ("event",),
    ("channel",),
    ("context", "library", "name"),
    ("context", "app", "name"),
    ("context", "app", "namespace"),
    ("context", "device", "type"),
    ("context", "device", "manufacturer"),
    ("context", "device", "model"),
    ("context", "device", "brand"),
)
_LABELS: Final[tuple[Keys, ...]] = (  # all below them
    ("version",),
    ("_metadata", "nodeVersion"),
    ("_metadata", "jsRuntime"),
    ("_metadata", "bundled"),
    ("_metadata", "unbundled"),
    ("_metadata", "bundledIds"),
    ("context", "library"),
    ("context", "locale"),
    ("context", "timezone"),
    ("context", "screen"),
    ("context", "os", "name"),
    ("context", "os", "version"),
    ("context", "app", "version"),
    ("context", "app", "build"),
    ("context", "userAgentData"),
    ("context", "rupt", "version"),
)
IDS: Final = ("userId", "anonymousId", "groupId", "previousId", "messageId")
_WORDS: Final[tuple[Keys, ...]] = (
    ("name",),
    ("category",),
    ("context", "page"),
    ("context", "campaign"),
    ("context", "referrer"),
    ("properties", "name"),
    ("properties", "title"),
    ("properties", "path"),
    ("properties", "url"),
    ("properties", "referrer"),
    ("properties", "category"),
)


@lru_cache(maxsize=8192)
def place_of(keys: Keys) -> Place:
    """Say how the text at a path is treated; list positions are no keys."""
    if keys in _KEPT:
        return "kept"
    if any(keys[: len(above)] == above for above in _NAMES):
        return "name"
    if any(keys[: len(above)] == above for above in _LABELS):
        return "label"
    if keys[:2] == ("context", "userAgent"):
        return "agent"
    if any(keys[: len(above)] == above for above in _WORDS) or (keys and keys[-1].lower() in CHOICES):
        return "words"
    return "plain"


def treatment_of(place: Place) -> Treatment:
    """Say how a text is treated where it does not just stay."""
    return "label" if place == "kept" else place


@lru_cache(maxsize=8192)
def is_quantity(keys: Keys) -> bool:
    """Whether the number at a path counts or measures something."""
    return place_of(keys) in ("kept", "label", "name") or (bool(keys) and keys[-1].lower() in QUANTITIES)


@lru_cache(maxsize=8192)
def is_moment(keys: Keys) -> bool:
    """Whether the number at a path is when something happened."""
    last = keys[-1] if keys else ""
    return last.endswith(("At", "_at", "Time", "_time", "timestamp", "Timestamp", "_ts", "_date", "Date"))


def says_who(trait: str) -> bool:
    """Whether a trait is the person's own; not one of a few that a plan or a role has."""
    return trait.lower() not in CHOICES
