"""What is proven of a destination's fields, for a person to read: a block for each mapping, lines for each field."""

from collections.abc import Iterator
from itertools import groupby

from connector.cli.options import load_config
from connector.cli.painting import Line, Painter, Part, cells, padded, plain, wrapped
from connector.cli.places import short_file
from connector.cli.streams import Streams
from connector.errors import UsageError
from connector.proofs import ProofRow, proof_rows


def print_proof(streams: Streams, config: str, form: str, *, allow_unset: bool) -> int:
    """Print the proof of a destination file, as lines or one JSON a field. Raises DestinationError and UsageError."""
    if form not in ("text", "json"):
        raise UsageError(f"--proof has no {form}: write text or json")
    rows = list(proof_rows(load_config(streams, config, allow_unset=allow_unset)))
    if form == "json":
        for row in rows:
            streams.print_json(row)
        return 0
    painter = Painter(streams)
    for line in proof_lines(rows, painter.columns):
        painter.print(*line)
    return 0


def proof_lines(rows: list[ProofRow], columns: int) -> Iterator[Line]:
    """Give the lines of a proof: the mapping, then each field with its types and place, and what becomes of it."""
    for number, ((mapping, action), group) in enumerate(groupby(rows, lambda row: (row.mapping, row.action))):
        fields = list(group)
        if number:
            yield ()
        yield from wrapped((("bold", mapping), ("dim", f"  {action}")), columns)
        width = max(cells(row.field) for row in fields)
        for row in fields:
            yield from _field_lines(row, width, columns)


def _field_lines(row: ProofRow, width: int, columns: int) -> Iterator[Line]:
    if row.takes_nothing:
        yield _placed((("yellow", "takes no event"), ", so nothing is proven of it"), row, columns)
        return
    types: Part = ("red", "never") if row.types == ("never",) else ("cyan", " or ".join(row.types))
    yield _placed((("bold", padded(row.field, width)), "  ", types), row, columns)
    for text in row.own_text:
        yield from wrapped((("yellow", "no more than its own text"), f" {text}"), columns, indent=width + 4)
    for text in row.left_out:
        yield from wrapped((("yellow", "left out"), f" {text}"), columns, indent=width + 4)
    for text in row.invalid:
        yield from wrapped((("red", "invalid"), f" {text}"), columns, indent=width + 4)


def _placed(head: Line, row: ProofRow, columns: int) -> Line:
    """Put the place behind the head of a row, as long as the line has room for it."""
    place = f"{short_file(row.file)}:{row.line}"
    if cells(plain(head)) + cells(place) + 4 > columns:
        place = f"line {row.line}"
    return ("  ", *head, ("dim", f"  {place}"))
