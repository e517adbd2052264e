"""What every form of the plan says: the headline, names of changes and causes, and values that may be shown."""

import re
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from connector.cli.painting import counted
from connector.cli.places import short_file, short_place
from connector.cli.reasons import in_words
from connector.comparison.edits import Comparison, Pair
from connector.comparison.outcomes import Kind, Leaf, Side
from connector.comparison.versions import Edit, Place
from connector.comparison.written import Written
from connector.pseudonyms import Pseudonyms
from connector.pseudonyms.texts import looks_like_data
from connector.rehearsing.tallies import Group, PairTally, Sample, Tally
from connector.rows import REDACTED
from connector.values import JSON, Missing, dump_json

KIND_WORDS: Final[dict[Kind, str]] = {
    "newly_matched": "newly matched",
    "no_longer_matched": "no longer matched",
    "newly_invalid": "newly invalid",
    "newly_valid": "newly valid",
    "newly_skipped": "newly skipped",
    "no_longer_skipped": "no longer skipped",
    "payload_changed": "payload changed",
    "request_changed": "request changed, payload equal",
    "reason_changed": "other reason",
}
OUTCOMES: Final = ("planned", "skipped", "invalid", "filtered")
MOST_LEAVES: Final = 12  # lines of one sample
_MOST_NAMED: Final = 3  # edits that hide one
LONGEST: Final = 160  # characters of one value
RENAMED: Final = (
    "it does the same under another name, but jobs are known by messageId and name: what was delivered as {old!r} may"
    " be delivered again, and what waits as {old!r} is held (mapping_gone)"
)
_EDIT_WORDS: Final = {
    "added": "the mapping is new",
    "removed": "the mapping is gone",
    "renamed": "renamed",
    "enabled": "switched on",
    "disabled": "switched off",
    "action": "action",
    "trigger": "trigger",
}
_KNOWN_SEGMENTS: Final = frozenset({"v2", "v3", "device", "user", "attach", "detach", "update"})
_HARMLESS: Final = frozenset({("method",), ("body", "client")})
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# What SDKs, Segment and the connector itself make: nobody chose these, so they name nobody.
_MADE_IDS: Final = re.compile(
    rf"(?:(?:ajs|node)-next-[0-9]{{13}}-)?{_UUID}|(?:ajs-|content-)?(?:[0-9a-f]{{32}}|[0-9a-f]{{40}}|[0-9a-f]{{64}})",
    re.IGNORECASE,
)

Sign: TypeAlias = Literal["-", "+", " "]


class Values(msgspec.Struct, frozen=True):
    """Shows values of events: pseudonyms, or with none the values. What stands in the destination files is shown."""

    pseudonyms: Pseudonyms | None
    written: Written = Written()

    def shown(self, value: "JSON | Missing", path: tuple[str, ...]) -> "JSON | Missing":
        """Give a value as it may be printed; the place of a payload's field is not that of an event's."""
        if self.pseudonyms is None or isinstance(value, Missing) or path in _HARMLESS or value == REDACTED:
            return value
        if path == ("url",) and isinstance(value, str):
            return self._url(value, self.pseudonyms)
        return self._masked(value, path, self.pseudonyms)

    def message_id(self, text: str) -> str:
        """Give a messageId as it may be printed: whoever sends events may have made it of a name."""
        if self.pseudonyms is None or _MADE_IDS.fullmatch(text):
            return text
        return self.pseudonyms.text(text)

    def name(self, path: tuple[str, ...]) -> str:
        """Print where a value stands; a key that is itself data has a pseudonym too."""
        pseudonyms = self.pseudonyms
        if pseudonyms is None:
            return ".".join(path)
        known = self.written.keys
        return ".".join(pseudonyms.text(key) if key not in known and looks_like_data(key) else key for key in path)

    def _masked(self, value: JSON, path: tuple[str, ...], pseudonyms: Pseudonyms) -> JSON:
        if isinstance(value, dict):
            return {self.name((key,)): self._masked(item, (*path, key), pseudonyms) for key, item in value.items()}
        if isinstance(value, list):
            return [self._masked(item, path, pseudonyms) for item in value]
        if value in self.written.constants:
            return value
        parts = self.written.parts(value, path) if isinstance(value, str) else None
        if parts is None:
            return pseudonyms.value(value)
        return "".join(pseudonyms.text(part) if at % 2 and part else part for at, part in enumerate(parts))

    def _url(self, text: str, pseudonyms: Pseudonyms) -> str:
        start = text.find("/", text.find("://") + 3)
        parts = text[start:].split("/")
        return text[:start] + "/".join(part if part in _KNOWN_SEGMENTS else pseudonyms.text(part) for part in parts)

    def lines(self, sample: Sample) -> list[tuple[Sign, str]]:
        """Print how an event differs, as the lines of a diff."""
        found: list[tuple[Sign, str]] = []
        if (sample.before.outcome, sample.before.reasons) != (sample.after.outcome, sample.after.reasons):
            found += [("-", side_words(sample.before)), ("+", side_words(sample.after))]
        for leaf in sample.leaves[:MOST_LEAVES]:
            found += self._leaf(leaf)
        if (more := len(sample.leaves) - MOST_LEAVES) > 0:
            found.append((" ", f"and {counted(more, 'more value')}"))
        return found

    def _leaf(self, leaf: Leaf) -> Iterator[tuple[Sign, str]]:
        name = self.name(leaf.path)
        sides: tuple[tuple[Sign, JSON | Missing], ...] = (("-", leaf.old), ("+", leaf.new))
        for sign, value in sides:
            if not isinstance(value, Missing):
                yield sign, f"{name}: {cut(dump_json(self.shown(value, leaf.path)).decode())}"


def cut(text: str) -> str:
    """Cut a long text."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def side_words(side: Side) -> str:
    """Say what became of an event in one version."""
    words = "; ".join(in_words(reason) for reason in side.reasons)
    if side.outcome == "filtered":
        return f"filtered: {words}" if words else "not taken by this mapping"
    return f"{side.outcome}: {words}" if words else side.outcome


class Report(msgspec.Struct, frozen=True):
    """All that is to be said."""

    comparison: Comparison
    tally: Tally
    paths: tuple[str, ...]
    values: Values

    @property
    def exit_code(self) -> int:
        """Give 5 when something changes, 4 when there was nothing to compare, else 0."""
        return 5 if self.tally.changed else 0 if self.tally.has_compared else 4

    @property
    def changed(self) -> list[PairTally]:
        """List the mappings by which something else becomes of events."""
        return [pair for pair in self.tally.pairs if pair.kinds]

    @property
    def names(self) -> tuple[str, str]:
        """Name the two versions."""
        return short_file(self.comparison.old.file), short_file(self.comparison.new.file)

    @property
    def recordings(self) -> str:
        """Name what was read."""
        return " ".join(map(short_file, self.paths))

    def headline(self) -> str:
        """Say in one line how much changes."""
        events, changed, total = self.tally.summary.events, self.tally.changed, len(self.tally.pairs)
        if self.tally.summary.found_nothing:
            return "nothing in the recording could be read as an event"
        if not events:
            return "nothing was compared: there is no event to compare with"
        if not self.tally.has_compared:
            return "nothing was compared: every event that a mapping takes is too old"
        if not changed:
            same = "becomes what it became before" if events == 1 else "become what they became before"
            return f"nothing changes: {counted(events, 'event')} {same}"
        mappings = (
            f"{len(self.changed)} of {counted(total, 'mapping')} {'changes' if len(self.changed) == 1 else 'change'}"
        )
        become = "becomes" if changed == 1 else "become"
        return (
            f"{mappings}; of {counted(events, 'event')} {changed:,} ({share(changed, events)}) {become} something else"
        )

    def left_out(self) -> str:
        """Say what was not compared; empty when all was."""
        summary = self.tally.summary
        parts = [f"{summary.discards.total():,} unreadable or discarded"] if summary.discards else []
        parts += [f"{summary.left_out:,} outside --since/--until"] if summary.left_out else []
        return f"not compared: {', '.join(parts)}" if parts else ""

    def stale(self) -> str:
        """Say how many events are too old for anything to be made of them; empty when none is."""
        stale = self.tally.stale
        if not stale:
            return ""
        are = "is" if stale == 1 else "are"
        return (
            f"{counted(stale, 'event')} {are} older than max_event_age, which was edited, and skipped in both versions:"
            " with --allow-stale you see what is made of them"
        )

    def outcomes(self) -> Iterator[tuple[str, int, int]]:
        """List how often each outcome came before and comes after; an event counts for each mapping that takes it."""
        for outcome in OUTCOMES:
            before, after = self.tally.before[outcome], self.tally.after[outcome]
            if before or after:
                yield outcome, before, after

    def base(self, kind: Kind, pair: PairTally) -> tuple[int, str]:
        """Say of what a kind's percentages are: how many, and in words."""
        if kind == "newly_matched" or pair.pair is None:
            return self.tally.summary.events, "of all events"
        return pair.took_before, "of those taken before"

    def was(self, pair: Pair) -> str:
        """Give the name that a renamed mapping had, empty for any other."""
        return pair.old.name if pair.old and pair.new and pair.old.name != pair.new.name else ""

    def unseen(self) -> list[tuple[Edit, str]]:
        """List the edits that change nothing on the recorded events, and why."""
        known = self._causes | {_key(edit) for edit, _ in self.hidden()}
        found = [(edit, _why_setting(edit)) for edit in self.comparison.settings.values() if _key(edit) not in known]
        for pair in self.tally.pairs:
            found += [(edit, _why_mapping(pair, edit)) for edit in self._told(pair) if _key(edit) not in known]
        return found

    def hidden(self) -> list[tuple[Edit, list[Edit]]]:
        """List the edits that would change something if it were not for others, and those, each once."""
        told = [*self.comparison.settings.values(), *(edit for pair in self.tally.pairs for edit in self._told(pair))]
        found: dict[Edit, dict[object, Edit]] = {edit: {} for edit in told if _key(edit) not in self._causes}
        for pair in self.tally.pairs:
            for edit, others in pair.hidden.items():
                if edit in found:
                    found[edit] |= {_key(other): other for other in others}
        return [(edit, list(others.values())) for edit, others in found.items() if others]

    @property
    def _causes(self) -> set[object]:
        return {_key(group.cause) for group in self.tally.groups() if group.cause}

    def _told(self, pair: PairTally) -> list[Edit]:
        """List the edits of a mapping of which it is said what they do, and that they do nothing."""
        assert pair.pair is not None
        edits = [edit for edit in pair.pair.edits if edit.kind != "renamed"]
        if any(edit.kind in _ABOVE_FIELDS and _key(edit) in self._causes for edit in edits):
            edits = [edit for edit in edits if edit.kind != "field"]  # theirs cannot be told from that one's effect
        return edits


def _key(edit: Edit) -> object:
    """Tell edits apart; the clauses of a trigger are all the trigger."""
    return (edit.mapping, edit.kind) if edit.kind == "trigger" else edit


def _why_setting(edit: Edit) -> str:
    if edit.name in _SEEN_SETTINGS:
        return "no recorded event shows a difference"
    return "it is about how and when requests are sent, not about what they say"


_SEEN_SETTINGS: Final = frozenset(
    {"client_id", "api_secret", "new_account_url", "logout_url", "domain", "device_identity", "max_event_age"}
) | {"consent_categories"}


_ABOVE_FIELDS: Final = frozenset({"action", "enabled", "disabled"})


def _why_mapping(counts: PairTally, edit: Edit) -> str:
    pair = counts.pair
    assert pair is not None
    if not any(mapping and mapping.enabled for mapping in (pair.old, pair.new)):
        return "the mapping is switched off"
    took = max(counts.took_before, counts.took_after)
    if took and not counts.took_both and edit.kind in ("field", "action"):
        return "no recorded event is taken in both versions"
    if took == 1:
        return "the one event that it takes does not show it"
    return f"of the {took:,} events it takes none shows it" if took else "no recorded event reached the mapping"


def edit_title(edit: Edit | None) -> str:
    """Name an edit: `field metadata.plan, at @if.else`."""
    if edit is None:
        return "no edit could be told as the cause"
    if edit.kind == "field":
        return f"field {edit.name}, at {edit.inside}" if edit.inside else f"field {edit.name}"
    if edit.kind == "setting":
        return f"setting {edit.name}"
    return _EDIT_WORDS[edit.kind]


def edit_name(edit: Edit, mapping: str | None = None) -> str:
    """Name an edit with its mapping, unless that is the one that is spoken of."""
    title = edit_title(edit)
    return f"{edit.mapping}: {title}" if edit.mapping and edit.mapping != mapping else title


def behind_words(edit: Edit, others: list[Edit]) -> list[str]:
    """Name what hides an edit: `setting device_identity`."""
    found = [edit_name(other, edit.mapping) for other in others]
    return found if len(found) <= _MOST_NAMED else [*found[:_MOST_NAMED], f"{len(found) - _MOST_NAMED} more"]


def edit_lines(edit: Edit | None) -> list[tuple[Sign, str, str]]:
    """Print an edit as the lines of a diff: sign, place, and what stands there; a missing side has no line."""
    if edit is None:
        return []
    sides: tuple[tuple[Sign, Place | None, str], ...] = (("-", edit.old, edit.before), ("+", edit.new, edit.after))
    found: list[tuple[Sign, str, str]] = []
    for sign, place, value in sides:
        if edit.kind == "setting":
            found.append((sign, short_place(str(place)) if place else "", f"{edit.name}: {value}"))
        elif place is not None:
            found.append((sign, short_place(str(place)), place.text))
    return found


def share(part: int, whole: int) -> str:
    """Print a percentage; what is some but rounds to nothing is less than the least."""
    percent = 100 * part / whole if whole else 0.0
    return "<0.1 %" if part and percent < 0.05 else f"{percent:.1f} %"


def sample_place(sample: Sample) -> str:
    """Say where a sample stands in the recording."""
    return f"{short_file(sample.file)}:{sample.line}"


def group_order(pair: PairTally) -> Iterator[tuple[Kind, list[Group]]]:
    """List a mapping's kinds of change in their order, each with its groups."""
    for kind in KIND_WORDS:
        if pair.kinds[kind]:
            yield kind, pair.groups(kind)
