"""Clusters of failed jobs as rows of JSON and as lines for a person, each with what to do next; no personal data."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from connector.cause_clusters import MANY, Cluster
from connector.causes import ENUM, NOWHERE, REQUIRED, RESOLVE, TYPE, failing_field, mappings_of, place_of
from connector.cli.job_mending import mending_row, mending_words
from connector.cli.painting import Painter, Part, Style, cells, padded
from connector.cli.store import moment
from connector.destination import Destination, Mapping
from connector.queue.desk_jobs import Choice, Stored
from connector.replanning import Mending
from connector.values import JSON, load_json

_STYLES: Final[dict[str, Style]] = {"dead": "red", "invalid": "red", "held": "yellow", "skipped": "blue"}
_HEAD: Final = ("jobs", "state", "code", "mapping", "field", "place")
_SHORT: Final = 4  # columns that stand on the first line of a cluster where not all of them have room
_GAP: Final = "  "
_INDENT: Final = 9
_is_expanded: Final = re.compile(r"[\"$`\\!\n]").search  # by a shell in double quotes
_LONGEST_REASON: Final = 80  # characters of a text that is to be typed


class Told(msgspec.Struct, frozen=True):
    """A cluster as it is told: the field of each thing that is wrong, where that stands, and up to three messageIds."""

    cluster: Cluster
    fields: tuple[str, ...]
    places: tuple[str, ...]
    message_ids: tuple[str, ...]
    mending: Mending | None = None

    @property
    def is_mended(self) -> bool:
        """Whether the edited file makes something else of some of the jobs, or may."""
        return self.mending is not None and bool(self.mending.mended or self.mending.changed)


class Step(msgspec.Struct, frozen=True):
    """What to do next: a command, and what goes before it; either may be empty."""

    before: str = ""
    command: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.before, self.command)))


class Teller:
    """Knows what all clusters share: the destination to say where things stand, and what follows a command.

    `data` and `config` are what the command was given, `choice` is which jobs are looked at; `edited` is the file of
    --with, or empty.
    """

    def __init__(
        self, destination: Destination | None, choice: Choice, *, data: str | None, config: str | None, edited: str
    ) -> None:
        self._destination, self._choice, self.edited = destination, choice, edited
        self._data = ("--data", data) if data else ()
        self._config = ("--config", config) if config else ()
        self._mappings = mappings_of(destination)

    def tell(self, cluster: Cluster, jobs: Sequence[Stored], mending: Mending | None) -> Told:
        """Say where each thing that is wrong with a cluster stands; `jobs` are some of its jobs."""
        mapping = self._mappings.get(cluster.key.mapping)
        fields = tuple(field for _, field in cluster.key.faults)
        if cluster.key.code == RESOLVE and mapping is not None:
            fields = (_unresolved(mapping, jobs), *fields[1:])
        places = tuple(place_of(self._destination, mapping, field) for field in fields)
        return Told(cluster, fields, places, tuple(job.message_id for job in jobs), mending)

    def row(self, told: Told) -> dict[str, object]:
        """Print a cluster as JSON."""
        key = told.cluster.key
        faults = [
            {"code": code, "field": field or None, "place": None if place == NOWHERE else place, "sentence": sentence}
            for (code, _), field, place, sentence in zip(
                key.faults, told.fields, told.places, told.cluster.sentences, strict=False
            )
        ]
        row: dict[str, object] = {"count": told.cluster.count, "mapping": key.mapping, "state": key.state, **faults[0]}
        row |= {"also": faults[1:]} if faults[1:] else {}
        row |= {"firstAt": moment(told.cluster.first), "lastAt": moment(told.cluster.last)}
        row |= {"messageIds": told.message_ids, "next": str(self.next(told))}
        return row if told.mending is None else {**row, "with": {"file": self.edited, **mending_row(told.mending)}}

    def next(self, told: Told) -> Step:
        """Say what to do about a cluster."""
        key, message_id = told.cluster.key, told.message_ids[0] if told.message_ids else "MESSAGE_ID"
        if told.is_mended:
            return Step(f"put {self.edited} in place, then", self._retry(told))
        if key.code == "mapping_gone":
            return Step("put the mapping back, or", self._jobs("drop", *self._chosen(told, "")))
        if key.code == "in_doubt" and key.state == "held":
            return Step("`jobs drop` lets it be; to send it again:", self._jobs("retry", message_id, *self._config))
        if key.state == "held":
            mend = f"mend {key.field}; " if key.field else ""
            return Step(f"{mend}held jobs go on by themselves when Rupt takes them")
        if key.code == "internal_error":
            return Step("a fault of this program: report it with the server's log; the event is kept")
        if key.state == "skipped":
            return Step(f"look at {key.field}, then" if key.field else "", self._retry(told))
        if key.state == "dead" and not _is_refusal(key.code):
            return Step("", self._retry(told))
        return Step("", _command("explain", message_id, *self._config, *self._data))

    def retry_of_all(self, every: Iterable[Told]) -> str:
        """Give the command that sends all jobs again that the edited file mends, or may; empty where there are none."""
        mended = [told for told in every if told.is_mended]
        states = tuple(dict.fromkeys(told.cluster.key.state for told in mended))
        if not states:
            return ""
        options = (word for state in states for word in ("--state", state))
        count = sum(told.cluster.count for told in mended)
        rest = self._limits(self._choice.mapping, self._choice.reason, count)
        return self._jobs("retry", "--staged", *self._choice.message_ids, *options, *rest, *self._config)

    def _retry(self, told: Told) -> str:
        reason, asked = _reason(told.cluster), self._choice.reason or ""
        wider = asked if asked.lower() not in reason.lower() else reason
        return self._jobs("retry", "--staged", *self._chosen(told, wider), *self._config)

    def _chosen(self, told: Told, reason: str) -> Iterator[str]:
        """Choose the jobs of a cluster and, as far as options can say it, no more than were looked at."""
        yield from self._choice.message_ids
        yield from ("--state", told.cluster.key.state)
        yield from self._limits(told.cluster.key.mapping, reason or self._choice.reason, told.cluster.count)

    def _limits(self, mapping: str | None, reason: str | None, count: int) -> Iterator[str]:
        choice = self._choice
        times = (None if at is None else moment(at) for at in (choice.since, choice.until))
        limit = None if choice.limit is None else str(count)
        given = (mapping, reason, choice.account, *times, limit)
        names = ("--mapping", "--reason", "--account", "--since", "--until", "--limit")
        for option, value in zip(names, given, strict=True):
            if value is not None and value != "":
                yield from (option, value)

    def _jobs(self, *words: str) -> str:
        return _command("jobs", *words, *self._data)


def _reason(cluster: Cluster) -> str:
    """Give a text by which --reason chooses the jobs of a cluster, and as few others as can be."""
    code, sentence = cluster.key.code, cluster.sentences[0]
    if code == REQUIRED:
        before, missing, name = sentence.partition("missing the required field '")
        return f"{missing}{name.removesuffix('.')}" if missing else before
    if code in (TYPE, ENUM):
        return sentence.partition(" but it was " if code == TYPE else ":")[0]
    if cluster.key.state == "invalid":
        return ""
    if not sentence.startswith(code) and sentence != MANY:
        return sentence
    has_number = any(letter.isdigit() for letter in sentence.removeprefix(code))
    is_answer = code.isdigit() and not has_number and len(sentence) <= _LONGEST_REASON
    return sentence if is_answer else code


def _unresolved(mapping: Mapping, jobs: Sequence[Stored]) -> str:
    """Give the field that cannot be made of the events of some jobs, if it is the same for all of them."""
    found = set()
    for stored in jobs:
        event = None if stored.job is None else _event(stored.job.raw)
        found.add("" if event is None else failing_field(mapping, event))
    return found.pop() if len(found) == 1 else ""


def _event(raw: bytes) -> dict[str, JSON] | None:
    try:
        event = load_json(raw)
    except ValueError:  # what was just not too deep for the server may be so here
        return None
    return event if isinstance(event, dict) else None


def _command(*words: str) -> str:
    return " ".join(map(_quoted, ("rupt-connector", *words)))


def _quoted(word: str) -> str:
    """Quote a word for a shell; in double quotes where it holds single ones, which can be read then."""
    return f'"{word}"' if "'" in word and not _is_expanded(word) else shlex.quote(word)


def _is_refusal(code: str) -> bool:
    """Whether an answer says that this request will never be taken: a retry as it is would be useless."""
    return code == "200" or (code.startswith("4") and code not in ("408", "423", "429"))


def paint(painter: Painter, teller: Teller, every: Sequence[Told]) -> None:
    """Print clusters for a person: a line of columns where they have room, and lines of words under it."""
    cells_of = [_HEAD, *(_cells(told) for told in every)]
    widths = [max(map(cells, column)) for column in zip(*cells_of, strict=True)]
    is_wide = sum(widths) + len(_GAP) * (len(widths) - 1) <= painter.columns
    shown = len(widths) if is_wide else _SHORT
    for number, row in enumerate(cells_of):
        style: Style = _STYLES.get(row[1], "bold") if number else "bold"
        painter.wrap((style, _aligned(row[:shown], widths)), hang=widths[0] + len(_GAP))
        if not is_wide:
            painter.wrap(("dim" if number else "bold", _GAP.join(row[shown:])), indent=_INDENT)
        if number:
            for line in _lines(teller, every[number - 1]):
                painter.wrap(*line, indent=_INDENT)
            _paint_step(painter, teller.next(every[number - 1]))


def _paint_step(painter: Painter, step: Step) -> None:
    """Print what to do next; a command stands on a line of its own, however long, so that it can be copied."""
    painter.wrap(f"next: {step.before}".rstrip(), indent=_INDENT)
    if step.command:
        painter.print(" " * _INDENT, ("cyan", step.command))


def _cells(told: Told) -> tuple[str, ...]:
    key = told.cluster.key
    return f"{told.cluster.count:,}", key.state, key.code, key.mapping, told.fields[0] or NOWHERE, told.places[0]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first = " " * (widths[0] - cells(row[0])) + row[0]
    return _GAP.join((first, *(padded(text, width) for text, width in zip(row[1:], widths[1:], strict=False)))).rstrip()


def _lines(teller: Teller, told: Told) -> Iterator[tuple[Part, ...]]:
    cluster = told.cluster
    for number, sentence in enumerate(cluster.sentences):
        place = f" ({told.places[number]})" if number and told.places[number] != NOWHERE else ""
        yield (f"{'the fields cannot be made: ' if cluster.key.code == RESOLVE else ''}{sentence}{place}",)
    first, last = _minute(cluster.first), _minute(cluster.last)
    since = first if first == last else f"{first} to {last}"
    yield (("dim", f"{since}: {', '.join(told.message_ids)}{', …' if cluster.count > len(told.message_ids) else ''}"),)
    if told.mending is not None:
        yield ("bold", f"{teller.edited}: "), mending_words(told.mending)


def _minute(seconds: float) -> str:
    return f"{moment(seconds)[:16].replace('T', ' ')}Z"
