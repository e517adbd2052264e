"""`rupt-connector audit`: whether everything that was accepted is accounted for."""

from collections.abc import Iterator, Sequence
from typing import Final

import click
import msgspec

from connector.cli.options import json_option
from connector.cli.store import data_option, fits, folded, open_store, room, table
from connector.cli.streams import Streams, on_one_line
from connector.queue import Tally
from connector.queue.desk_audit import Audit, Difference, Imbalance, audit

UNBALANCED: Final = 6
_COLUMNS: Final = (
    "accepted",
    "delivered",
    "filtered",
    "skipped",
    "invalid",
    "dead",
    "waiting",
    "sending",
    "held",
    "in_doubt",
)
_NO_MAPPING: Final = "(no mapping)"


@click.command("audit")
@data_option
@click.option("--deep", is_flag=True, help="Check the structure of the file too, which reads all of it.")
@json_option
@click.pass_obj
def command(streams: Streams, *, data: str | None, deep: bool, as_json: bool) -> int:
    """Say whether everything accepted is accounted for: delivered, filtered, skipped, invalid, dead, waiting or held.

    The counters are compared with one another and with what is stored, all at one moment; a server may be running.
    Exit code 0 when all is well, 6 when it is not.
    """
    with open_store(streams, data) as desk:
        found = audit(desk, deep=deep)
    if as_json:
        for row in _rows(found):
            streams.print_json(row)
    else:
        streams.print(_table(streams, found))
    for line in _complaints(found):
        streams.say(on_one_line(line))
    streams.say("the ledger balances" if found.balances else "the ledger does NOT balance")
    return 0 if found.balances else UNBALANCED


def _rows(found: Audit) -> Iterator[dict[str, object]]:
    """Print the tally of each mapping (null: of events that none took), the total, and then what is wrong."""
    for name, tally in found.ledger.mappings.items():
        yield {"row": "mapping", "mapping": name or None, **_tally(tally), "balances": tally.balances}
    total = found.ledger.total
    yield {"row": "total", **_tally(total), "balances": found.balances}
    for one in found.imbalances:
        yield {"row": "imbalance", **_named(one)}
    for other in found.differences:
        yield {"row": "difference", **_named(other)}
    for what, count in found.strays:
        yield {"row": "stray", "what": what, "rows": count}
    for words in found.damage:
        yield {"row": "damage", "what": words}


def _tally(tally: Tally) -> dict[str, object]:
    return {("inDoubt" if name == "in_doubt" else name): getattr(tally, name) for name in _COLUMNS}


def _named(one: Imbalance | Difference) -> dict[str, object]:
    return {**msgspec.structs.asdict(one), "mapping": one.mapping or None}


def _table(streams: Streams, found: Audit) -> str:
    tallies = [(name or _NO_MAPPING, tally) for name, tally in found.ledger.mappings.items()]
    if len(tallies) != 1:
        tallies.append(("all", found.ledger.total))
    columns = room(streams)
    if fits(whole := _draw(tallies, _COLUMNS), columns):
        return whole
    used = [name for name in _COLUMNS if name == "accepted" or any(getattr(tally, name) for _, tally in tallies)]
    return short if fits(short := _draw(tallies, used), columns) else "\n".join(_blocks(tallies, columns or 0))


def _draw(tallies: Sequence[tuple[str, Tally]], names: Sequence[str]) -> str:
    rows = [[mapping, *(f"{getattr(tally, name):,}" for name in names)] for mapping, tally in tallies]
    return table(["mapping", *(name.replace("_", " ") for name in names)], rows, numbers=True)


def _blocks(tallies: Sequence[tuple[str, Tally]], columns: int) -> Iterator[str]:
    """Tell the tallies one below the other, without what is zero: for a narrow terminal."""
    for mapping, tally in tallies:
        found = {name.replace("_", " "): getattr(tally, name) for name in _COLUMNS}
        yield from folded(mapping, columns, 0)
        yield from folded(", ".join(f"{count:,} {name}" for name, count in found.items() if count) or "0", columns, 2)


def _complaints(found: Audit) -> Iterator[str]:
    for one in found.imbalances:
        yield (
            f"{one.mapping or _NO_MAPPING}: {one.accepted:,} accepted, but {one.accounted:,} accounted for: "
            f"{abs(one.accepted - one.accounted):,} too {'many' if one.accounted > one.accepted else 'few'}"
        )
    for other in found.differences:
        yield (
            f"{other.mapping or _NO_MAPPING}: {other.what.replace('_', ' ')}: the counter says {other.counter:,}, "
            f"the rows say {other.rows:,}{f' and {other.purged:,} purged' if other.purged else ''}"
        )
    yield from (f"{count:,} {what}" for what, count in found.strays)
    yield from (f"the file is damaged: {words}" for words in found.damage)
