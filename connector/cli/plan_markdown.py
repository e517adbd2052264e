"""The plan as a comment for a pull request: a short table, then each group folded away.

Whatever comes from events or files is shown as code, so that it can neither break the page nor name anybody in it. A
comment may have 65,536 characters: what does not fit is left out, and said to be.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from connector.cli.painting import counted
from connector.cli.plan_report import (
    KIND_WORDS,
    RENAMED,
    Report,
    behind_words,
    cut,
    edit_lines,
    edit_name,
    edit_title,
    group_order,
    sample_place,
    share,
)
from connector.cli.streams import Streams, encodable, on_one_line
from connector.comparison.versions import Edit
from connector.rehearsing.tallies import Group, PairTally

LONGEST: Final = 64_000  # bytes of the whole comment
MARK: Final = "<!-- rupt-connector plan -->"
"""The first line: what finds the comment of an earlier run, to put the new one in its place."""
_TABLE: Final = 24_000  # of these, what the table and the notes may take
_SPECIAL: Final = re.compile(r"[^0-9A-Za-z ,.:/()%+-]")


def print_markdown(streams: Streams, report: Report) -> None:
    """Print the comment to standard output."""
    streams.print(write_markdown(report).rstrip("\n"))


def write_markdown(report: Report) -> str:
    """Write the comment."""
    parts = [*_bounded(_top(report), _TABLE, "lines")]
    used = _size(parts)
    parts += _bounded(_details(report), LONGEST - used, "groups")
    return "\n".join(parts) + "\n"


def _bounded(parts: Iterator[str], room: int, what: str) -> Iterator[str]:
    """Take parts as long as there is room for them, and say how many there are beside."""
    lost = 0
    room -= 200  # for what is said of the rest
    for part in parts:
        room -= _size([part])
        lost += room < 0
        if room >= 0:
            yield part
    if lost:
        yield f"\n_{lost:,} more {what} are left out here, since a comment cannot be longer; `plan` prints them all._\n"


def _size(parts: list[str]) -> int:
    return sum(len(part.encode()) + 1 for part in parts)


def _top(report: Report) -> Iterator[str]:
    old, new = report.names
    yield MARK
    yield "### What this edit changes on recorded events\n"
    yield f"**{report.headline()}**\n"
    yield f"{code(old)} → {code(new)}\n"
    if left_out := report.left_out():
        yield f"{left_out}\n"
    if stale := report.stale():
        yield f"{escaped(stale)}\n"
    if report.tally.changed:
        yield "| mapping | change | events | share | cause |\n|---|---|---:|---:|---|"
        for pair in (*report.changed, report.tally.filtered):
            yield from _rows(report, pair)
        yield ""
        yield from _outcomes(report)
    yield from _notes(report)


def _rows(report: Report, pair: PairTally) -> Iterator[str]:
    name = code(pair.pair.name) if pair.pair else "(filtered)"
    for kind, groups in group_order(pair):
        base, words = report.base(kind, pair)
        causes = ", ".join(code(edit_title(group.cause)) for group in groups[:3])
        more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
        number = pair.kinds[kind]
        yield f"| {name} | {KIND_WORDS[kind]} | {number:,} | {share(number, base)} {words} | {causes}{more} |"


def _outcomes(report: Report) -> Iterator[str]:
    found = [f"{name} {one:,} → {two:,}" for name, one, two in report.outcomes() if one != two]
    if found:
        yield f"Outcomes: {', '.join(found)}\n"


def _notes(report: Report) -> Iterator[str]:
    renamed = [(pair.name, was) for pair in report.comparison.pairs if (was := report.was(pair))]
    yield from _list(f"{code(name)} was {code(was)}: {escaped(RENAMED.format(old=was))}" for name, was in renamed)
    hidden = report.hidden()
    if hidden:
        yield f"{counted(len(hidden), 'edit')} hidden by others on these events:\n"
    yield from _list(f"{_named(edit)}: hidden behind: {_behind(edit, others)}" for edit, others in hidden)
    unseen = report.unseen()
    if unseen:
        yield f"{counted(len(unseen), 'edit')} without effect on these events:\n"
    yield from _list(f"{_named(edit)}: {why}" for edit, why in unseen)


def _list(items: Iterable[str]) -> Iterator[str]:
    """Make a list, and the blank line that ends it."""
    found = [f"- {item}" for item in items]
    yield from found
    if found:
        yield ""


def _named(edit: Edit) -> str:
    return f"{code(edit_name(edit))}{_places(edit)}"


def _behind(edit: Edit, others: list[Edit]) -> str:
    return ", ".join(map(code, behind_words(edit, others)))


def _places(edit: Edit) -> str:
    places = [code(place) for _, place, _ in edit_lines(edit) if place]
    return f" ({' → '.join(places)})" if places else ""


def _details(report: Report) -> Iterator[str]:
    for pair in (*report.changed, report.tally.filtered):
        for kind, groups in group_order(pair):
            base, words = report.base(kind, pair)
            for group in groups:
                name = code(pair.pair.name) if pair.pair else "filtered"
                number = f"{group.count:,}, {share(group.count, base)} {words}"
                yield _folded(
                    f"{name}: {KIND_WORDS[kind]} by {code(edit_title(group.cause))} ({number})", report, group
                )


def _folded(title: str, report: Report, group: Group) -> str:
    lines = [f"{sign} {place}  {text}" for sign, place, text in edit_lines(group.cause)]
    for sample in group.samples:
        lines += ["", f"  {report.values.message_id(sample.message_id)}  {sample_place(sample)}"]
        lines += [f"{sign} {text}" for sign, text in report.values.lines(sample)]
    return f"<details><summary>{title}</summary>\n\n{fenced(lines)}\n\n</details>\n"


def fenced(lines: list[str]) -> str:
    """Put lines into a block that nothing in them can end."""
    text = "\n".join(encodable(on_one_line(cut(line))) for line in lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}diff\n{text}\n{fence}"


def code(text: str) -> str:
    """Show a text as code: no character of it means anything to Markdown, and no name in it calls anybody."""
    return f"<code>{escaped(cut(text))}</code>"


def escaped(text: str) -> str:
    """Write all that could mean something to Markdown or HTML as character references."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", encodable(on_one_line(text)))
