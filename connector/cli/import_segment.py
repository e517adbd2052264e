"""`rupt-connector import-segment`: Segment's subscriptions in JSON to a destination file."""

import shlex
from pathlib import Path

import click

from connector.cli.streams import Streams
from connector.errors import UsageError
from connector.segment_import import read_subscriptions, write_destination
from connector.values import load_json


@click.command("import-segment")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write to this file, which must not exist yet.")
@click.pass_obj
def command(streams: Streams, file: str, out: Path | None) -> int:
    """Turn Segment's subscriptions (FILE, or - for standard input) into YAML.

    Takes {partnerAction, subscribe, mapping} and the public API's {actionSlug, trigger, settings}.
    """
    name = "standard input" if file == "-" else file
    try:
        raw = streams.stdin.read() if file == "-" else Path(file).read_bytes()
        subscriptions = read_subscriptions(load_json(raw))
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}") from None
    text = write_destination(subscriptions)
    if left := len(subscriptions) - text.count("\n  - name: "):
        streams.say(f"{left} of {len(subscriptions)} subscriptions cannot be taken over: see the comments in the file")
    if out is None:
        streams.print(text.rstrip("\n"))
        return 0
    try:
        with out.open("x", encoding="utf-8", errors="backslashreplace") as written:
            written.write(text)
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}; choose another file") from None
    count = f"{len(subscriptions)} mapping{'' if len(subscriptions) == 1 else 's'}"
    streams.say(f"{out}: {count} written; next: {shlex.join(['rupt-connector', 'check', '--config', str(out)])}")
    return 0
