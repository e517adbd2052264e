"""The fields of an event that a trigger may name, and how a path to one is spelled.

In comes a word of the trigger, out come its keys and what is wrong with its spelling. The names are those of Segment's
events; a name that no event has is refused, because Segment's published parser passes over such a clause in silence.
"""

import difflib
import re
from typing import Final, Literal, TypeAlias

from connector.errors import Fault
from connector.language.paths import Keys
from connector.language.tokens import Token
from connector.language.triggers.repairs import Finding

FieldKind: TypeAlias = Literal["text", "object", "any"]

FIELDS: Final[dict[str, FieldKind]] = {
    **dict.fromkeys(("type", "event", "name", "userId", "anonymousId", "groupId", "previousId", "category"), "text"),
    **dict.fromkeys(("messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt"), "text"),
    **dict.fromkeys(("channel", "writeKey", "projectId"), "text"),
    **dict.fromkeys(("properties", "traits", "context", "integrations", "_metadata"), "object"),
    "version": "any",
}
IN_CONTEXT: Final = frozenset({"app", "campaign", "consent", "device", "ip", "library", "locale", "network", "os"}) | {
    *("page", "screen", "timezone", "userAgent", "userAgentData")
}
"""Keys of the context that nobody would look for elsewhere; the event schema has them, and more."""
_SAME_NAME: Final = {re.sub("[_-]", "", name).lower(): name for name in FIELDS}
_CLOSE: Final = 0.7  # of 1, by difflib's count

_DOT: Final = re.compile(r"\\.|\.", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_SPLITS: Final = re.compile(r"\\[.\[\]]")
_FIRST: Final = re.compile(r"[A-Za-z_\\]")
_KEYWORDS: Final = ("and", "or", "null")


def read_field(word: Token) -> tuple[Keys, list[Finding]]:
    """Split a word at its dots into keys, without the backslashes, and say what is wrong with them."""
    segments = _segments(word)
    keys = tuple(_ESCAPED.sub(r"\1", segment.text) for segment in segments)
    spelling = [finding for segment in segments if (finding := _check_segment(segment))]
    if not spelling and segments[-1].text in _KEYWORDS and len(segments) > 1:
        spelling = [_keyword(segments[-1])]
    return keys, [*_check_name(word, segments, keys), *spelling]


def is_field(word: Token) -> bool:
    """Does this word start like a field that events have?"""
    return _segments(word)[0].text in FIELDS


def is_text(keys: Keys) -> bool:
    """Is this a field that holds a text in every event that has it?"""
    return len(keys) == 1 and FIELDS.get(keys[0]) == "text"


def _segments(word: Token) -> list[Token]:
    ends = [match.start() for match in _DOT.finditer(word.text) if match.group() == "."] + [len(word.text)]
    starts = [0] + [end + 1 for end in ends[:-1]]
    return [
        Token("segment", word.text[start:end], word.start + start, word.start + end)
        for start, end in zip(starts, ends, strict=True)
    ]


def _check_segment(segment: Token) -> Finding | None:
    start, end = segment.start, segment.end
    if not segment.text:
        return Finding(
            Fault("trigger_key", "a key is missing at this dot", "name it or remove the dot", (), start, end)
        )
    if not _FIRST.match(segment.text):
        message = f"a key that starts with {segment.text[0]!r} needs a backslash before it"
        help = "write the backslash, also before a position in a list"
        return Finding(Fault("trigger_key", message, help, (), start, end), ((start, start, "\\"),))
    if split := _SPLITS.search(segment.text):
        message = f"{split.group()} does not make one key: Segment splits the path there all the same"
        help = "copy the value to a key without dots and brackets where the event is sent, and test that"
        place = (start + split.start(), start + split.end())
        return Finding(Fault("trigger_escape", message, help, (), *place))
    return None


def _keyword(segment: Token) -> Finding:
    message = f"Segment reads the key '{segment.text}' at the end of a path as its operator"
    place = (segment.start, segment.end)
    fault = Fault("trigger_key", message, "write a backslash before it", (), *place)
    return Finding(fault, ((segment.start, segment.start, "\\"),))


def _check_name(word: Token, segments: list[Token], keys: Keys) -> list[Finding]:
    first, place = keys[0], (word.start, word.end)
    kind = FIELDS.get(first)
    if kind is None:
        return [_unknown(segments[0], first, alone=len(keys) == 1)]
    if kind == "object" and len(keys) == 1:
        message = f"Segment reads '{first}' alone as {first}.{first}"
        return [Finding(Fault("trigger_field", message, f"name a field in it: {first}.plan", (), *place))]
    if kind == "text" and len(keys) > 1:
        fault = Fault("trigger_field", f"'{first}' is a text, with no fields in it", f"write {first}", (), *place)
        return [Finding(fault, ((*place, first),))]
    return []


def _unknown(segment: Token, name: str, *, alone: bool) -> Finding:
    instead = _nearest(name)
    if instead:
        help = f"did you mean {instead}? Write it"
    elif alone:
        help = f"write where it is found: properties.{name}, traits.{name} or context.traits.{name}"
    else:
        help = "start with properties, traits, context, integrations or a field such as type, event, name, userId"
    fault = Fault("trigger_field", f"no event has a field '{name}'", help, (), segment.start, segment.end)
    return Finding(fault, ((segment.start, segment.end, instead),) if instead else ())


def _nearest(name: str) -> str:
    if name in IN_CONTEXT:
        return f"context.{name}"
    plain = re.sub("[_-]", "", name).lower()
    close = difflib.get_close_matches(plain, _SAME_NAME, n=1, cutoff=_CLOSE)
    return _SAME_NAME[close[0]] if close else ""
