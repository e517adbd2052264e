"""`rupt-connector explain`: for one event, each mapping: whether it takes the event, and what it makes of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec.structs import replace

from connector.cli.options import config_option, json_option, load_config
from connector.cli.reasons import REASONS
from connector.cli.streams import Streams
from connector.destination import Destination, Mapping
from connector.errors import UsageError
from connector.events import Discard, Event, event_reader
from connector.pipeline import Invalid, compile_plan
from connector.routes import NO_MATCHING_MAPPING, Routes
from connector.rows import Row, planned_row, printable, requests_base
from connector.values import JSON

_WORDS: Final = {"planned": "would be sent", "filtered": "not taken"}


@click.command("explain")
@click.argument("event")
@config_option
@json_option
@click.pass_obj
def command(streams: Streams, *, event: str, config: str, as_json: bool) -> int:
    """Say which mappings take EVENT and what each makes of it.

    EVENT is a file, - for standard input, or the JSON itself; of several events in it each is explained. Nothing is
    sent. What `replay` calls stale is shown as if it were new.
    """
    destination = load_config(streams, config)
    faults = []
    for item in event_reader(None).unpack(_read(streams, event)):
        if isinstance(item, Discard):
            faults.append(f"{item.reason}: {item.detail}")
            continue
        rows = _explain(destination, item)
        if as_json:
            for row in rows:
                streams.print_json(row)
        else:
            streams.print("\n".join(_told(item, destination, rows)))
    if faults:
        raise UsageError("\n".join(f"not an event that can be sent: {fault}" for fault in faults))
    return 0


def _read(streams: Streams, event: str) -> bytes:
    if event == "-":
        return streams.stdin.read()
    if event.lstrip().startswith(("{", "[")):
        return event.encode("utf-8", "surrogateescape")
    try:
        return Path(event).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL
        words = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{event}: {words}; give a file, - or the JSON of an event") from None


def _explain(destination: Destination, event: Event) -> list[Row]:
    """Make a row for every mapping, and show what an invalid payload was: that tells which field is at fault."""
    matched = Routes(destination).match(event.data)
    taken, reason = ([], matched) if isinstance(matched, str) else (matched, NO_MATCHING_MAPPING)
    base = requests_base(destination.settings)
    rows = []
    for mapping in destination.mappings:
        if mapping in taken:
            plan = compile_plan(mapping, destination.settings)(event.data, None)
            row = planned_row(event.message_id, mapping, plan, base)
            if isinstance(plan, Invalid) and plan.payload is not None:
                row = replace(row, payload=printable(mapping.action, plan.payload))
            rows.append(row)
        else:
            why = reason if mapping.enabled else "DISABLED"
            rows.append(Row(event.message_id, mapping.name, "filtered", reason=why))
    return rows


def _told(event: Event, destination: Destination, rows: list[Row]) -> Iterator[str]:
    name = event.data.get("event") or event.data.get("name")
    yield f"{event.type}{f' {name}' if isinstance(name, str) and name else ''}  {event.message_id}"
    for mapping, row in zip(destination.mappings, rows, strict=True):
        yield f"\n{mapping.name}: {_WORDS.get(row.outcome, row.outcome)}"
        if row.outcome == "filtered":
            yield f"  {_why_not(mapping, str(row.reason))}"
        else:
            yield from _made(row)


def _why_not(mapping: Mapping, reason: str) -> str:
    if reason == NO_MATCHING_MAPPING:
        return f"its trigger does not hold: {' '.join(mapping.trigger_text.split())}"
    return REASONS.get(reason, reason)


def _made(row: Row) -> Iterator[str]:
    yield from (f"  {problem}" for problem in row.problems or ())
    if isinstance(row.reason, str):
        yield f"  {row.reason}"
    yield from (f"  warning: {warning}" for warning in row.warnings or ())
    if isinstance(row.payload, dict):
        yield "  payload"
        yield from _indented(row.payload)
    if row.request:
        yield f"  {row.request.method} {row.request.url}"
        yield from _indented(row.request.body)


def _indented(value: dict[str, JSON]) -> Iterator[str]:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    yield from (f"    {line}" for line in text.splitlines())
