"""YAML 1.2 text becomes plain values of JSON and a place for each of them, from the events of a YAML parser.

Duplicate keys, tags, merge keys, numbers that JSON lacks and variables without a value are collected as problems;
what cannot be read on raises DestinationError. Nesting and aliases have limits, and nothing here is recursive.
"""

import re
from collections.abc import Mapping
from typing import Final, NoReturn, Protocol, TypeAlias

import msgspec
import yaml

from connector.errors import DestinationError, Problem
from connector.positions import Source, align, quoted
from connector.values import JSON
from connector.variables import Filled, fill
from connector.yaml_errors import syntax_problem

DEEPEST: Final = 100
MOST_VALUES: Final = 100_000  # with every alias written out

# libyaml's events are 25 times as fast as composing nodes in Python; without libyaml the same events come slower.
LOADER: Final[type] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TAG: Final = re.compile(r"!\S*")
_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s+)*")
_MOST_DIGITS: Final = 4_000  # Python reads no longer integers

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class Place(msgspec.Struct, frozen=True):
    """Where a value stands: offsets of it and of its key, and for a scalar how it is written (None: not a scalar)."""

    start: int
    end: int
    style: str | None
    key: tuple[int, int] | None
    children: dict[str | int, "Place"]


_NO_CHILDREN: Final[dict[str | int, Place]] = {}


class Composed(msgspec.Struct, frozen=True):
    """What a text says: its value and place, None for an empty text, and the problems on the way.

    `filled` holds the texts with variables by the offset at which they start, `broken` the starts of scalars that stand
    in a problem, so that nobody complains of their values again.
    """

    root: tuple[JSON, Place] | None
    filled: Mapping[int, Filled]
    broken: frozenset[int]
    problems: tuple[Problem, ...]


def compose(source: Source, environment: Mapping[str, str], *, loader: type = LOADER) -> Composed:
    """Read a text with a parser of YAML events. Raises DestinationError with all problems where it must stop."""
    builder = _Builder(source, environment)
    try:
        for event in yaml.parse(source.text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise DestinationError([*builder.problems, syntax_problem(source, error)]) from None
    return Composed(builder.root, builder.filled, frozenset(builder.broken), tuple(builder.problems))


def properties_length(raw: str) -> int:
    """Count the characters of an anchor before a scalar in its raw slice."""
    found = _PROPERTIES.match(raw)
    return found.end() if found else 0


_Seen: TypeAlias = tuple[JSON, Place, int, int]  # value, place, how many values it is, how many levels it has


class _Open(msgspec.Struct):
    """A list or object that has begun and not ended yet."""

    value: dict[str, JSON] | list[JSON]
    children: dict[str | int, Place]
    start: int
    key: tuple[int, int] | None
    anchor: str | None
    before: int  # how many values were counted when it began
    next_key: tuple[str, tuple[int, int]] | None = None
    height: int = 1


class _Builder:
    """Takes YAML's events one by one; `root` is the value and its place once the document has ended."""

    def __init__(self, source: Source, environment: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self.filled: dict[int, Filled] = {}
        self.broken: set[int] = set()
        self.root: tuple[JSON, Place] | None = None
        self._source = source
        self._environment = environment
        self._open: list[_Open] = []
        self._anchors: dict[str, _Seen] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        """Add one event. Raises DestinationError where it makes no sense to read on."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._begin(event, {})
            case yaml.SequenceStartEvent():
                self._begin(event, [])
            case yaml.CollectionEndEvent():
                self._end(_offset(event.end_mark))
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent() if self.root is not None:
                help = "remove `---`, or put the second part in a file of its own and include that"
                self._stop("several_documents", "a second YAML document starts here", event, help)

    def _problem(self, code: str, message: str, start: int, end: int, help: str) -> None:
        self.problems.append(self._source.problem(code, message, start, end, help=help))

    def _stop(self, code: str, message: str, event: yaml.Event, help: str) -> NoReturn:
        self._problem(code, message, _offset(event.start_mark), _offset(event.end_mark), help)
        raise DestinationError(self.problems)

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].next_key is None

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        start, end = _offset(event.start_mark), _offset(event.end_mark)
        if event.tag is not None:
            self._tag(start)
        if self._wants_key():
            self._key(event, start, end)
            return
        style = event.style or ""
        value: JSON = event.value
        if "${" in event.value:
            value = self._fill(event.value, start, end, style)
        elif not style:
            value = self._plain(event.value, start, end)
        elif _LONE_SURROGATE.search(event.value):
            self._problem("bad_yaml", "half of a character is escaped here", start, end, "write the character itself")
            self.broken.add(start)
        self._add(value, Place(start, end, style, self._next_span(), _NO_CHILDREN), event.anchor, 1, 0)

    def _tag(self, start: int) -> None:
        found = _TAG.search(self._source.text, start)
        tag, at = (found[0], found.start()) if found else ("this", start)
        help = "put a text that starts with ! in quotes, for example a trigger: '!contains(event, \"x\")'"
        self._problem("tag", f"{tag} is a YAML tag, and tags are not read", at, at + len(tag), help)
        self.broken.add(start)

    def _key(self, event: yaml.ScalarEvent, start: int, end: int) -> None:
        container = self._open[-1]
        first = container.children.get(event.value)
        if event.value == "<<" and not event.style:
            help = "write the keys out, or start a mapping from another one with `preset:`"
            self._problem("merge_key", "YAML 1.2 has no merge key <<", start, end, help)
        elif first is not None and first.key is not None:
            line = self._source.location(first.key[0]).line
            message = f"the key {quoted(event.value)} stands twice here, first in line {line}"
            self._problem("duplicate_key", message, start, end, "remove one of them")
        container.next_key = (event.value, (start, end))

    def _next_span(self) -> tuple[int, int] | None:
        return self._open[-1].next_key[1] if self._open and self._open[-1].next_key else None

    def _fill(self, written: str, start: int, end: int, style: str) -> str:
        filled = fill(written, self._environment)
        if not filled.pieces and not filled.faults:
            return written
        self.filled[start] = filled
        if filled.faults:
            self.broken.add(start)
            raw = self._source.text[start:end]
            base = start + properties_length(raw)
            offsets = [base + at for at in align(raw[base - start :], written, style)]
            for fault in filled.faults:
                self._problem(fault.code, fault.message, offsets[fault.start], offsets[fault.end], fault.help)
        return filled.text

    def _plain(self, text: str, start: int, end: int) -> JSON:
        try:
            return read_plain(text)
        except ValueError as error:
            self._problem("bad_number", str(error), start, end, "put it in quotes to make it a text")
            self.broken.add(start)
            return None

    def _begin(
        self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, value: dict[str, JSON] | list[JSON]
    ) -> None:
        start = _offset(event.start_mark)
        if event.tag is not None:
            self._tag(start)
        if self._wants_key():
            help = 'put a template in quotes: "{{properties.title}}"'
            self._stop("complex_key", "a key must be a text, here an object or a list is one", event, help)
        if len(self._open) >= DEEPEST:
            self._too_deep(event)
        self._open.append(_Open(value, {}, start, self._next_span(), event.anchor, self._count))

    def _too_deep(self, event: yaml.Event) -> NoReturn:
        self._stop("too_deep", f"values nest more than {DEEPEST} levels deep here", event, "write a flatter file")

    def _end(self, end: int) -> None:
        done = self._open.pop()
        place = Place(done.start, end, None, done.key, done.children)
        self._add(done.value, place, done.anchor, self._count - done.before + 1, done.height)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        if self._wants_key():
            self._stop("complex_key", f"the key *{name} is an alias", event, "write the key out")
        if any(container.anchor == name for container in self._open):
            self._stop("endless_alias", f"*{name} stands inside what it stands for", event, "write the value out")
        seen = self._anchors.get(name)
        if seen is None:
            help = f"write `&{name}` before the value that it stands for, or put a text that starts with * in quotes"
            self._stop("unknown_alias", f"*{name} stands for nothing: there is no &{name} above", event, help)
        value, place, count, height = seen
        if len(self._open) + height > DEEPEST:
            self._too_deep(event)
        self._count += count - 1
        if self._count > MOST_VALUES:
            message = f"the file expands to more than {MOST_VALUES:,} values"
            self._stop("too_many_values", message, event, "use fewer aliases")
        self._add(value, msgspec.structs.replace(place, key=self._next_span()), None, count, height)

    def _add(self, value: JSON, place: Place, anchor: str | None, count: int, height: int) -> None:
        self._count += 1
        if anchor is not None:
            self._anchors[anchor] = (value, place, count, height)
        if not self._open:
            self.root = (value, place)
            return
        container = self._open[-1]
        container.height = max(container.height, height + 1)
        if isinstance(container.value, list):
            container.children[len(container.value)] = place
            container.value.append(value)
        elif container.next_key is not None:
            key = container.next_key[0]
            container.value[key] = value
            container.children[key] = place
            container.next_key = None


class _Mark(Protocol):
    @property
    def index(self) -> int: ...


def _offset(mark: _Mark | None) -> int:
    return mark.index if mark else 0


def read_plain(text: str) -> JSON:
    """Read a text without quotes as YAML 1.2's core schema does: null, true, numbers; `yes` and dates stay texts.

    Raises ValueError for numbers that JSON does not have.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            raise ValueError(f"a number of {len(text):,} digits is too long")
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a number that JSON has")
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    if number - number != 0:
        raise ValueError(f"{text[:40]} is too large a number")
    return number
