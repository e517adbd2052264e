"""`rupt-connector record`: recorded events with pseudonyms, proven to take the same branches, for version control."""

import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import click
import msgspec

from connector.cli.options import allow_unset_option, config_option, json_option, load_config, read_range
from connector.cli.painting import Line, Painter, counted, plain, wrapped
from connector.cli.progress import open_progress
from connector.cli.streams import Streams
from connector.destination import Destination
from connector.errors import UsageError, closest
from connector.recording.reading import is_data_folder, read_sources
from connector.recording.recorder import Recorder, Tally
from connector.recording.writing import STDOUT, Recording
from connector.replay.selection import Selection, select
from connector.replay.summary import Summary
from connector.setting_kinds import duration
from connector.sources.files import STDIN, Progress

_KEY: Final = "RUPT_RECORD_KEY"
_SHORTEST_KEY: Final = 16  # characters: what is shorter can be guessed
_MOST_RULES: Final = 12  # rules that are told one by one


class RecordOptions(msgspec.Struct, frozen=True):
    """The command line of one recording, without what the destination and the key are read from."""

    paths: tuple[str, ...]
    out: str
    only: frozenset[str]
    selection: Selection
    sample: bool
    shift_time: float
    skip_unfaithful: bool
    force: bool
    as_json: bool
    stable: bool
    others: tuple[str, ...]


@click.command("record")
@click.option(
    "--from",
    "sources",
    metavar="DIR|PATH",
    multiple=True,
    required=True,
    help="A server's data folder, or what replay reads: files, folders, globs, -; may be given several times.",
)
@click.argument("more", nargs=-1)
@click.option("-o", "--out", metavar="FILE", required=True, help="Where to write; .gz compresses, - prints.")
@config_option
@json_option
@allow_unset_option
@click.option("--key-file", metavar="FILE", help=f"A key: the same one gives the same pseudonyms; else {_KEY}.")
@click.option("--sample", is_flag=True, help="Keep only the fewest events that reach every branch and outcome seen.")
@click.option("--only", multiple=True, metavar="MAPPING", help="Take events of this mapping only; may be repeated.")
@click.option("--since", metavar="TIME", help="Leave out events before this time, as replay does.")
@click.option("--until", metavar="TIME", help="Leave out events from this time on.")
@click.option("--limit", metavar="N", type=click.IntRange(min=0), help="Read at most N events.")
@click.option("--shift-time", metavar="AGE", help="Make all events older by this much, such as 30d; else times stay.")
@click.option("--skip-unfaithful", is_flag=True, help="Exit with 0 although events had to be left out.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.pass_obj
def command(
    streams: Streams,
    *,
    sources: tuple[str, ...],
    more: tuple[str, ...],
    out: str,
    config: str,
    as_json: bool,
    allow_unset: bool,
    key_file: str | None,
    sample: bool,
    only: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int | None,
    shift_time: str | None,
    skip_unfaithful: bool,
    force: bool,
) -> int:
    """Write events for version control: with pseudonyms, and proven to be mapped as the originals are.

    The same value gets the same pseudonym. Nothing is sent, and a server may be running on the folder.
    """
    if as_json and out == STDOUT:
        raise UsageError("--json and --out - would both print; name a file")
    destination = load_config(streams, config, allow_unset=allow_unset)
    key = _read_key(streams, key_file)
    options = RecordOptions(
        paths=(*sources, *more),
        out=out,
        only=_known(destination, only),
        selection=Selection(*read_range(since, until, time.time()), limit),
        sample=sample,
        shift_time=-_age(shift_time),
        skip_unfaithful=skip_unfaithful,
        force=force,
        as_json=as_json,
        stable=key is not None,
        others=(config, *([key_file] if key_file else [])),
    )
    return _record(streams, destination, key or secrets.token_bytes(32), options)


def _record(streams: Streams, destination: Destination, key: bytes, options: RecordOptions) -> int:
    summary, reading = Summary(), Progress()
    recorder = Recorder(destination, key, only=options.only, shift_time=options.shift_time)
    besides = None if options.out == STDOUT else options.out
    items = read_sources(options.paths, stdin=streams.stdin, progress=reading, besides=besides)
    named = ["/dev/stdin" if path == STDIN else path for path in options.paths if not os.path.isdir(path)]
    inputs = (*named, *options.others)
    with (
        _stopped_in_order(),
        Recording(options.out, force=options.force, inputs=inputs) as recording,
        open_progress(streams, reading, rows=False) as bar,
    ):
        tally = recorder.run(
            select(items, options.selection, summary),
            recording,
            sample=options.sample,
            summary=summary,
            say=bar.say,
            show=bar.show,
        )
        if tally.written:
            recording.finish(streams.stdout)
    _tell(streams, recorder, tally, summary, options)
    summary.events = tally.read
    if summary.found_nothing:
        return 4
    return 1 if not tally.written or (tally.left_out and not options.skip_unfaithful) else 0


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, so that nothing is left of an unfinished file."""

    def stop(number: int, _: object) -> None:
        raise click.exceptions.Exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# ------------------------------------------------------------------------------------------------------- the arguments


def _read_key(streams: Streams, file: str | None) -> bytes | None:
    """Read the key; None without one. Raises UsageError when it is too short to keep a secret, or cannot be read."""
    if file is None:
        where, text = _KEY, streams.env.get(_KEY, "").strip().encode("utf-8", "surrogateescape")
        if not text:
            return None
    else:
        where = f"--key-file {file}"
        try:
            text = Path(file).read_bytes().strip()
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"{where}: {words}; make one with: openssl rand -hex 32 > {file}") from None
    if len(text) < _SHORTEST_KEY:
        help = "make one with: openssl rand -hex 32"
        raise UsageError(f"{where}: the key has less than {_SHORTEST_KEY} characters; {help}")
    return text


def _known(destination: Destination, names: tuple[str, ...]) -> frozenset[str]:
    """Check the names of --only. Raises UsageError."""
    known = [mapping.name for mapping in destination.mappings if mapping.enabled]
    for name in names:
        if name not in known:
            help = closest(name, known) or f"known are {', '.join(map(repr, known)) or 'none'}"
            raise UsageError(f"--only {name!r}: there is no such mapping that is enabled; {help}")
    return frozenset(names)


def _age(text: str | None) -> float:
    if text is None:
        return 0.0
    with suppress(TypeError):
        if isinstance(age := duration()(text), float):
            return age
    raise UsageError(f"--shift-time {text!r}: write how much older, such as 30d or 12h")


# ---------------------------------------------------------------------------------------------------------- the words


def _tell(streams: Streams, recorder: Recorder, tally: Tally, summary: Summary, options: RecordOptions) -> None:
    """Say what came of it: on standard output, or beside the data on standard error."""
    if options.as_json:
        streams.print_json(_row(recorder, tally, summary, options))
        return
    painter = Painter(streams)
    for line in _lines(recorder, tally, summary, options):
        if options.out == STDOUT:
            streams.say("\n".join(plain(piece) for piece in wrapped(line, painter.columns)))
        else:
            indent = 2 if plain(line).startswith("  ") else 0
            painter.wrap(*line[1:] if indent else line, indent=indent)


def _lines(recorder: Recorder, tally: Tally, summary: Summary, options: RecordOptions) -> Iterator[Line]:
    mappings = counted(len(recorder.ways.mappings), "mapping")
    for parted in tally.parted:
        mapping = f"{parted.mapping}: " if parted.mapping else ""
        yield (
            ("yellow", "left out "),
            f"{parted.at}: {mapping}{parted.sentence}; with pseudonyms its messageId is {parted.message_id}",
        )
    if tally.left_out > len(tally.parted):
        yield (f"… and {tally.left_out - len(tally.parted):,} more were left out",)
    if not tally.written:
        yield (f"no event to record among {counted(tally.read, 'event')}: nothing was written",)
        return
    yield from _counts(tally, summary, options)
    yield from _kept(tally)
    if any(map(is_data_folder, options.paths)):
        yield ("Of a server's folder only events are there that a mapping has taken.",)
    if not options.stable:
        yield (f"The key was random and is forgotten; --key-file or {_KEY} gives the same pseudonyms next time.",)
    said = f"{counted(tally.written, 'event')}, all take the same branches through {mappings}"
    yield (("green", said),)


def _counts(tally: Tally, summary: Summary, options: RecordOptions) -> Iterator[Line]:
    parts = [f"{counted(tally.read, 'event')} read"]
    parts += [f"{tally.other:,} of other mappings"] if tally.other else []
    parts += [f"{summary.left_out:,} outside --since/--until"] if summary.left_out else []
    parts += [f"{summary.discards.total():,} unreadable or discarded"] if summary.discards else []
    parts += [f"{tally.left_out:,} left out"] if tally.left_out else []
    where = "" if options.out == STDOUT else f" to {options.out}"
    yield (f"{', '.join(parts)}; {tally.written:,} written{where}",)
    if options.sample:
        yield (f"The sample reaches all {tally.reached:,} branches, clauses and outcomes that were seen.",)
    if tally.redrawn:
        yield (f"{counted(tally.redrawn, 'value')} got another pseudonym than elsewhere, to take the same branches",)


def _kept(tally: Tally) -> Iterator[Line]:
    """Tell what stands in the recording as it stood in the events."""
    if tally.kept:
        kinds = counted(len(tally.kept), "kind")
        yield (f"{kinds} of values kept, in whole or in part, because a mapping compares them:",)
        for rule in list(tally.kept)[:_MOST_RULES]:
            yield ("  ", f"{rule.told} ", ("dim", f"({rule.place})"))
        if len(tally.kept) > _MOST_RULES:
            yield (
                "  ",
                f"… and {len(tally.kept) - _MOST_RULES:,} more",
            )
    if tally.names:
        yield (f"Names kept: {_places(tally.names)}; look whether one of them is a person's.",)
    if tally.unchanged:
        yield (f"Unchanged, though no mapping compares them: {_places(tally.unchanged)}; look what they are.",)


def _places(found: Mapping[str, int]) -> str:
    """List places with counts; some are enough."""
    told = [f"{place} ({count:,})" for place, count in list(found.items())[:_MOST_RULES]]
    return ", ".join([*told, *(["…"] if len(found) > _MOST_RULES else [])])


def _row(recorder: Recorder, tally: Tally, summary: Summary, options: RecordOptions) -> dict[str, object]:
    return {
        "out": options.out,
        "read": tally.read,
        "written": tally.written,
        "leftOut": tally.left_out,
        "otherMappings": tally.other,
        "outsideRange": summary.left_out,
        "discarded": summary.discards.total(),
        "redrawn": tally.redrawn,
        "mappings": len(recorder.ways.mappings),
        "proven": True,
        "names": tally.names,
        "unchanged": tally.unchanged,
        "kept": [{"comparison": rule.told, "at": rule.place, "values": count} for rule, count in tally.kept.items()],
        "unfaithful": tally.parted,
    }
