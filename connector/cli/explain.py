"""`rupt-connector explain`: for one event, each mapping: whether it takes the event, and what it makes of it."""

from pathlib import Path

import click
import msgspec

from connector.cli.options import config_option, json_option, load_config
from connector.cli.streams import Streams
from connector.destination import Destination, Mapping
from connector.errors import UsageError
from connector.events import Discard, Event, event_reader
from connector.pipeline import Invalid, Plan, Planned, Skipped, compile_plan
from connector.routes import Routes
from connector.rows import Row, planned_row, requests_base
from connector.values import JSON


@click.command("explain")
@click.argument("event")
@config_option
@json_option
@click.pass_obj
def command(streams: Streams, event: str, config: str, as_json: bool) -> int:
    """Say which mappings take EVENT and what each makes of it.

    EVENT is a file, - for standard input, or the JSON itself. Nothing is sent. What `replay` calls stale is shown as if
    it were new.
    """
    destination = load_config(streams, config)
    for item in event_reader(None).unpack(_read(streams, event)):
        if isinstance(item, Discard):
            raise UsageError(f"not an event that can be sent: {item.reason}: {item.detail}")
        rows = _explain(destination, item)
        if as_json:
            for row, _ in rows:
                streams.print_json(row)
        else:
            streams.print("\n".join(_told(item, rows)))
    return 0


def _read(streams: Streams, event: str) -> bytes:
    if event == "-":
        return streams.stdin.read()
    if event.lstrip().startswith(("{", "[")):
        return event.encode("utf-8", "surrogateescape")
    try:
        return Path(event).read_bytes()
    except OSError as error:
        raise UsageError(f"{event}: {error.strerror}; give a file, - or the JSON of an event") from None


def _explain(destination: Destination, event: Event) -> list[tuple[Row, str]]:
    """Make a row for every mapping, with the word that heads it."""
    matched = Routes(destination).match(event.data)
    taken = matched if isinstance(matched, list) else []
    rows = []
    for mapping in destination.mappings:
        if mapping in taken:
            plan = compile_plan(mapping, destination.settings)(event.data, None)
            rows.append(
                (planned_row(event.message_id, mapping, plan, requests_base(destination.settings)), _word(plan))
            )
        else:
            reason = _why_not(mapping, matched if isinstance(matched, str) else "")
            row = Row(messageId=event.message_id, mapping=mapping.name, outcome="filtered", reason=reason)
            rows.append((row, "not taken"))
    return rows


def _why_not(mapping: Mapping, reason: str) -> str:
    if not mapping.enabled:
        return "DISABLED"
    return reason or "NO_MATCHING_MAPPING"


def _word(plan: Plan) -> str:
    match plan:
        case Planned():
            return "would be sent"
        case Skipped():
            return "skipped"
        case Invalid():
            return "invalid"


def _told(event: Event, rows: list[tuple[Row, str]]) -> list[str]:
    name = event.data.get("event")
    lines = [f"{event.type}{f' {name}' if name else ''}  {event.message_id}"]
    for row, word in rows:
        lines.append(f"\n{row.mapping}: {word}")
        if row.outcome == "filtered":
            lines.append(f"  {_REASONS.get(str(row.reason), row.reason)}")
            continue
        lines += [f"  {problem}" for problem in row.problems or ()]
        lines += [f"  {row.reason}"] if isinstance(row.reason, str) else []
        lines += [f"  warning: {warning}" for warning in row.warnings or ()]
        if isinstance(row.payload, dict):
            lines += ["  payload", *_indented(row.payload)]
        if row.request:
            lines += [f"  {row.request.method} {row.request.url}", *_indented(row.request.body)]
    return lines


_REASONS = {
    "DISABLED": "it is switched off (enabled: false)",
    "NO_MATCHING_MAPPING": "its trigger does not hold",
    "FILTERED_BY_INTEGRATIONS_OBJECT": "the event's integrations object keeps it from Rupt",
    "FILTERED_BY_END_USER_CONSENT": "the event's consent preferences keep it from Rupt",
}


def _indented(value: dict[str, JSON]) -> list[str]:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return [f"    {line}" for line in text.splitlines()]
