"""An explanation for a person: for each mapping its trigger clause by clause, its fields step by step, its request.

In: the rows that `--json` prints, in which secrets are hidden already. Out: lines on a Painter.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from connector.cli.explain_blocks import Entry, Marks, cut, print_block
from connector.cli.explain_shapes import ChangeRow, FieldRow, MappingRow, SentRow, Shown, StepRow, TriggerRow, ValueRow
from connector.cli.painting import Painter, Part, Style
from connector.cli.places import short_place
from connector.cli.reasons import REASONS
from connector.events import Event
from connector.explanations import Explanation
from connector.routes import NO_MATCHING_MAPPING
from connector.values import dump_json

_WORDS: Final = {"planned": "would be sent", "filtered": "not taken"}
_STYLES: Final[dict[str, Style]] = {"planned": "green", "skipped": "yellow", "invalid": "red", "filtered": "dim"}
_STALE: Final = "stale: older than max_event_age, so a server would skip it; told as if it were new"
_SPREAD: Final = frozenset({"object", "list", "@arrayPath"})  # told key by key, or item by item
_MOST_ITEMS: Final = 3  # of a list of the event that are told one by one; what the file spells out is told whole
_LOST: Final = {
    "removed": "removed, it is empty",
    "left_out": "left out, there is no such key",
    "without_id": "left out, it has no id",
}
_MOST_CLAUSES: Final = 3  # of a trigger that does not hold


class Teller:
    """Prints explanations, one part after the other."""

    def __init__(self, painter: Painter, marks: Marks) -> None:
        self._painter, self._marks = painter, marks
        self._failed = ""  # where the mapping that is being told could not go on
        self._file = ""  # in which the places are that are told

    def head(self, explanation: Explanation) -> None:
        """Print which event it is, and what keeps it from Rupt."""
        event, routing = explanation.event, explanation.routing
        self._painter.wrap(("bold", _event_name(event)), f"  {event.message_id}")
        if routing.reason:
            said = _kept_back(routing.decided)
            self._painter.wrap(("red", self._marks.no), f" {REASONS[routing.reason]}{said}", indent=2)

    def mappings(self, rows: Sequence[MappingRow], *, full: bool) -> None:
        """Print mappings: those that do not take the event short, unless they shall be `full`."""
        was_short = False
        for row in rows:
            is_short = row.outcome == "filtered" and not full
            if not (is_short and was_short):
                self._painter.print()
            was_short = is_short
            self._mapping(row, full=full)

    def _mapping(self, row: MappingRow, *, full: bool) -> None:
        self._file = row.location.rsplit(":", 2)[0]
        if row.outcome == "filtered":
            self._untaken(row, full=full)
            return
        self._failed = row.failed.location if row.failed else ""
        self._title(row)
        self._faults(row)
        self._block("trigger holds", list(self._clauses(row.trigger)))
        self._block("fields", [entry for field in row.fields or () for entry in self._field(field)])
        if row.request:
            sent = [entry for part in row.sent or () for entry in self._sent(part)]
            unsent = [Entry((("dim", f"not in it: {part.field} ({part.why})"),)) for part in row.unsent or ()]
            self._block(f"{row.request.method} {row.request.url}", [*sent, *unsent])

    def _title(self, row: MappingRow, *, short: bool = False) -> None:
        style = _STYLES[row.outcome]
        mark = {"planned": self._marks.yes, "filtered": self._marks.unasked}.get(row.outcome, self._marks.no)
        said = _WORDS.get(row.outcome, row.outcome)
        where = row.trigger.location if short and row.trigger and row.reason == NO_MATCHING_MAPPING else row.location
        name: tuple[Part, ...] = ((style, mark), " ", ("bold", row.mapping), ": ", (style, said))
        self._painter.wrap(*name, ("dim", f"  {short_place(where)}"))

    def _faults(self, row: MappingRow) -> None:
        """Say what is wrong, and where in the file it comes about."""
        if isinstance(row.reason, str):
            self._painter.wrap(("yellow", row.reason), indent=2)
        if row.failed:
            for problem in row.problems or ():
                self._painter.wrap(
                    ("red", problem),
                    f": {row.failed.text.replace(Marks().more, self._marks.more)}  ",
                    ("dim", short_place(row.failed.location)),
                    indent=2,
                )
        for field in row.fields or ():
            for problem in field.problems or ():
                self._painter.wrap(
                    ("red", f"{field.name}: {problem}"), ("dim", f"  {short_place(field.location)}"), indent=2
                )
        for warning in row.warnings or ():
            self._painter.wrap(("yellow", f"warning: {warning}"), indent=2)
        if row.stale:
            self._painter.wrap(("yellow", _STALE), indent=2)

    def _block(self, title: str, entries: list[Entry]) -> None:
        self._painter.print()
        self._painter.wrap(("bold", title), indent=2)
        self._file = print_block(self._painter, self._marks, entries, self._file)

    # -- a trigger ---------------------------------------------------------------------------------------------------

    def _untaken(self, row: MappingRow, *, full: bool) -> None:
        """Tell why a mapping does not take the event: it is kept from all, switched off, or the trigger."""
        trigger = row.trigger
        assert trigger is not UNSET
        self._title(row, short=not full)
        said = "its trigger holds" if trigger.holds else "its trigger does not hold"
        if row.reason != NO_MATCHING_MAPPING:
            self._painter.wrap(f"{REASONS[str(row.reason)]}; {said}", indent=2)
        if full:
            self._block(said.removeprefix("its "), list(self._clauses(trigger)))
        elif not trigger.holds:
            print_block(self._painter, self._marks, list(self._deciding(trigger)), "", indent=2)

    def _deciding(self, trigger: TriggerRow) -> Iterator[Entry]:
        found = list(_deciding_clauses(trigger))
        for clause in found[:_MOST_CLAUSES]:
            entry = self._clause(clause, 0)
            yield replace(entry, at="", note=f"{entry.note}, behind a !" if clause.holds else entry.note)
        if len(found) > _MOST_CLAUSES:
            yield Entry((("dim", f"{self._marks.more} and {len(found) - _MOST_CLAUSES:,} more that decide it"),))

    def _clauses(self, trigger: TriggerRow | UnsetType, depth: int = 0) -> Iterator[Entry]:
        if trigger is UNSET:
            return
        if trigger.kind == "clause":
            yield self._clause(trigger, depth)
            return
        word = {"and": "all of", "or": "one of", "not": "not"}[trigger.kind]
        yield Entry((self._verdict(trigger), f" {word}"), 2 * depth, trigger.location)
        for part in trigger.parts or ():
            yield from self._clauses(part, depth + 1)

    def _clause(self, clause: TriggerRow, depth: int) -> Entry:
        left: tuple[Part, ...] = (self._verdict(clause), f" {clause.text}")
        asked = "" if clause.reached else ", not asked any more"
        values = list(clause.values or ())
        if len(values) == 1 and values[0].value is not UNSET:
            return Entry(left, 2 * depth, clause.location, values[0].value, "is ", asked)
        said = ", ".join(_operand(value, alone=len(values) == 1) for value in values)
        return Entry(left, 2 * depth, clause.location, note=f"{said}{asked}")

    def _verdict(self, part: TriggerRow) -> Part:
        if not part.reached:
            return "dim", self._marks.unasked
        return ("green", self._marks.yes) if part.holds else ("red", self._marks.no)

    # -- fields ------------------------------------------------------------------------------------------------------

    def _field(self, field: FieldRow) -> Iterator[Entry]:
        shown = field.given if field.value is UNSET and (field.problems or not field.changes) else field.value
        yield from self._named(field.name, field.step, shown, field.location, 0)
        for change in field.changes or ():
            yield self._change(change, 2)
        if field.problems:
            yield Entry((("red", "refused by the schema, see above"),), 2)

    def _named(self, name: str, step: StepRow | UnsetType, value: Shown, at: str, indent: int) -> Iterator[Entry]:
        """Tell a field, or a key of an object: on one line where one step made it."""
        if step is UNSET:
            yield Entry((("bold", name), ":"), indent, at, note="not reached: the mapping failed before")
            return
        inner = list(self._steps(step, indent + 2))
        first, *others = inner or [Entry(("",))]
        is_one = not any(entry.indent == first.indent for entry in others) and first.value == value
        is_spread = step.kind in _SPREAD and value is not UNSET
        shown, note = (UNSET, "") if is_spread else (value, "nothing" if value is UNSET else "")
        if is_one and not is_spread:
            yield Entry((("bold", name), ": ", *first.left), indent, at, value, note=first.note or note)
        else:
            yield Entry((("bold", name), ":"), indent, at, shown, note=note)
        yield from others if is_one and not is_spread else inner

    def _steps(self, step: StepRow, indent: int) -> Iterator[Entry]:
        """Tell a step in the order of the work: what it was given before what it made of it."""
        if step.kind == "@if":
            yield from self._choice(step, indent)
        elif step.kind == "object":
            for inner in step.steps or ():
                yield from self._named(str(inner.key), inner, inner.value, inner.location, indent)
        elif step.kind in ("list", "@arrayPath"):
            yield from self._items(step, indent)
        else:
            for inner in step.steps or ():
                yield from self._steps(inner, indent)
            failed = step.value is UNSET and step.location == self._failed
            note = "failed here" if failed else _if_missing(step.value)
            yield Entry((self._spelt(step),), indent, step.location, step.value, note=note)
            yield from self._reads(step, indent + 2)

    def _choice(self, step: StepRow, indent: int) -> Iterator[Entry]:
        test, *taken = step.steps or (step,)
        branch = str(step.branch)
        if not test.kind.startswith("@path"):
            yield from self._steps(test, indent + 2)
        said = "so there is nothing" if branch == "none" else f"so {branch}"
        note = f", {said}" if test.value is not UNSET else f"missing, {said}"
        yield Entry((self._spelt(step),), indent, step.location, test.value, note=note)
        for inner in taken:
            yield from self._steps(inner, indent)

    def _spelt(self, step: StepRow) -> str:
        """Give how a step reads; where that is cut, with a sign that the terminal has."""
        return step.text.replace(Marks().more, self._marks.more)

    def _items(self, step: StepRow, indent: int) -> Iterator[Entry]:
        steps = list(step.steps or ())
        first = 1 if step.kind == "@arrayPath" else 0
        if first:
            yield from self._list_read(step, indent)
        last = first + _MOST_ITEMS if first else len(steps)
        for number, inner in enumerate(steps[first:last]):
            yield from self._named(f"item {number + 1}", inner, inner.value, inner.location, indent)
        if (more := len(steps) - last) > 0:
            yield Entry((("dim", f"{self._marks.more} and {more:,} more"),), indent)

    def _list_read(self, step: StepRow, indent: int) -> Iterator[Entry]:
        """Tell of an @arrayPath what it goes through."""
        for inner in (step.steps or ())[:1]:
            yield from () if inner.kind in ("text", "@path") else self._steps(inner, indent + 2)
            yield Entry((self._spelt(step),), indent, step.location, inner.value, note=_if_missing(inner.value))

    def _reads(self, step: StepRow, indent: int) -> Iterator[Entry]:
        if step.kind in ("@template", "@liquid", "hidden") and not step.inner:
            for read in step.reads or ():
                yield Entry((("dim", read.text),), indent, "", read.value, note=_if_missing(read.value))

    def _change(self, change: ChangeRow, indent: int) -> Entry:
        where = f" {change.path}" if change.path else ""
        if change.kind == "converted":
            words = f"{_short(change.before, self._marks)} {self._marks.to} {_short(change.after, self._marks)}"
            return Entry((("yellow", f"converted{where}"),), indent, note=words)
        said = _LOST[change.kind]
        return Entry((("yellow", f"{said}:{where}" if where else said),), indent, "", change.before)

    # -- the request -------------------------------------------------------------------------------------------------

    def _sent(self, part: SentRow) -> Iterator[Entry]:
        yield Entry((("bold", part.key), f": {part.origin}"), 0, "", part.value)
        for change in part.changes or ():
            yield self._change(change, 2)


def _if_missing(value: Shown) -> str:
    return "missing" if value is UNSET else ""


def _short(value: Shown, marks: Marks) -> str:
    return "nothing" if value is UNSET else cut(dump_json(value).decode(), 40, marks)


def _operand(read: ValueRow, *, alone: bool) -> str:
    value = "is missing" if read.value is UNSET else f"is {dump_json(read.value).decode()}"
    return value if alone else f"{read.text} {value}"


def _deciding_clauses(trigger: TriggerRow) -> Iterator[TriggerRow]:
    if trigger.deciding:
        yield trigger
    for part in trigger.parts or ():
        yield from _deciding_clauses(part)


def _event_name(event: Event) -> str:
    name = event.data.get("event") or event.data.get("name")
    return f"{event.type} {name}" if isinstance(name, str) and name else event.type


def _kept_back(decided: tuple[str, ...]) -> str:
    return f": {', '.join(decided)}" if decided else ""
