import gzip
import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from connector.events import MAX_BYTES, Discard, Event, event_reader
from connector.sources.files import read_events, read_stream

EVENT = b'{"type":"page","messageId":"m","userId":"u","timestamp":"2026-11-21T12:00:00.000Z"}'
READER = event_reader(frozenset({("properties", "plan")}))


def read(content: bytes) -> list[str]:
    """What stands in a stream, in short: `line` of an event, or `line reason: detail` of a discard."""
    return [
        f"{line}" if isinstance(item, Event) else f"{line} {item.reason}: {item.detail}"
        for _, line, item in read_stream("stream", io.BytesIO(content), READER)
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "no_events: the file is empty", id="empty"),
        pytest.param(b" \n\n", "no_events: the file is empty", id="blank"),
        pytest.param(gzip.compress(b""), "no_events: the file is empty", id="gzip of nothing"),
        pytest.param(b"\xef\xbb\xbf", "no_events: the file is empty", id="only a byte order mark"),
        pytest.param(bytes(range(256)), "bad_request: binary data, not JSON (256 bytes)", id="binary"),
        pytest.param(
            gzip.compress(bytes(1_000_000)), "bad_request: binary data, not JSON (1,000,000 bytes)", id="zeros in gzip"
        ),
        pytest.param(
            EVENT.decode().encode("utf-16"),
            f"bad_request: UTF-16 text: convert it, as with iconv -f UTF-16 -t UTF-8 ({2 * len(EVENT) + 2} bytes)",
            id="UTF-16",
        ),
        pytest.param(
            EVENT.decode().encode("utf-16-be"),
            f"bad_request: UTF-16 text: convert it, as with iconv -f UTF-16 -t UTF-8 ({2 * len(EVENT)} bytes)",
            id="UTF-16 without mark",
        ),
        pytest.param(b"PK\x03\x04 and so on", "bad_request: a zip archive: unpack it first (14 bytes)", id="zip"),
        pytest.param(b"PAR1\0", "bad_request: Parquet: export it as lines of JSON (5 bytes)", id="Parquet"),
        pytest.param(
            gzip.compress(gzip.compress(EVENT, mtime=0)),
            f"bad_request: gzip inside gzip: unzip it once ({len(gzip.compress(EVENT, mtime=0))} bytes)",
            id="gzip in gzip",
        ),
    ],
)
def test_refused_files(content: bytes, expected: str) -> None:
    """A file of which nothing can be read is one discard that says what it is, how long, and what to do."""
    (found,) = read(content)
    assert found.split(" ", 1)[1] == expected


LINES = EVENT + b"\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            LINES + b'{"type":"page"\n' + LINES,
            ["1", "2 bad_request: not JSON: Expecting ',' delimiter at character 14", "3"],
            id="a bad line",
        ),
        pytest.param(
            b'{"type":"pa\n' + LINES,
            ["1 bad_request: not JSON: Unterminated string starting at at character 8", "2"],
            id="a bad first line",
        ),
        pytest.param(
            b'{"type":"page",\n' + LINES,
            ["1 bad_request: not JSON: Expecting property name enclosed in double quotes at character 15", "2"],
            id="a first line that ends inside an object",
        ),
        pytest.param(
            b"# events\n" + LINES, ["1 bad_request: not JSON: Expecting value at character 0", "2"], id="a comment"
        ),
        pytest.param(
            LINES + b'{"a":\0}\n' + bytes(20) + b"\n" + LINES,
            ["1", "2 bad_request: not JSON: byte 5 is NUL", "3 bad_request: not JSON: byte 0 is NUL", "4"],
            id="NUL bytes",
        ),
        pytest.param(
            bytes(50) + LINES + LINES, ["1 bad_request: not JSON: byte 0 is NUL", "2"], id="zeros before the first line"
        ),
        pytest.param(
            LINES + b'{"a":"\xff"}\n' + LINES, ["1", "2 bad_request: not UTF-8: byte 6 is 0xff", "3"], id="not UTF-8"
        ),
        pytest.param(
            LINES + b"7\nnull\n" + LINES,
            [
                "1",
                "2 bad_request: expected an event object, found a number",
                "3 bad_request: expected an event object, found null",
                "4",
            ],
            id="scalars",
        ),
        pytest.param(
            LINES + b'{"batch":[' + EVENT + b",7]}\n",
            ["1", "2", "2 bad_request: item 2: expected an event object, found a number"],
            id="a bad item of a batch",
        ),
        pytest.param(
            b"[" + EVENT + b',{"a":NaN},' + EVENT + b"]",
            ["1", "1 bad_request: not JSON: NaN is not JSON", "1"],
            id="a bad element of a list",
        ),
        pytest.param(
            b"[\n " + EVENT + b',\n {"a":1,\n ' + EVENT + b"]",
            ["2", "3 bad_request: not JSON: Expecting ',' delimiter at character 6", "4"],
            id="an element that does not end",
        ),
        pytest.param(
            b"[" + EVENT + b"," + EVENT[:40],
            [
                "1",
                "1 bad_request: the text ends inside an object or list; 40 bytes skipped",
                "1 bad_request: the text ends inside an object or list",
            ],
            id="a list that does not end",
        ),
    ],
)
def test_bad_parts(content: bytes, expected: list[str]) -> None:
    """What cannot be read is a discard with its line, and the rest goes on."""
    assert read(content) == expected


def nested(depth: int, where: str) -> bytes:
    """An event with a value of so many levels."""
    return EVENT[:-1] + f',"{where}":{{"plan":'.encode() + b"[" * depth + b"]" * depth + b"}}\n"


@pytest.mark.parametrize("where", ["properties", "elsewhere"])
def test_deep_nesting(where: str) -> None:
    """A value nested a thousand deep is a discard wherever it stands, and the rest goes on."""
    found = read(LINES + nested(1_000, where) + LINES)
    assert found == ["1", "2 nested_too_deeply: nested more than 200 levels deep", "3"]
    assert read(b"[" + EVENT + b"," + nested(1_000, where) + b"," + EVENT + b"]") == [
        "1",
        "1 nested_too_deeply: nested more than 200 levels deep",
        "2",
    ]


def test_odd_but_right() -> None:
    """Half surrogate pairs, equal keys and huge numbers are JSON, and read as JavaScript or better would."""
    raw = rb'{"type":"track","type":"page","messageId":"m","userId":"\udc00","timestamp":"t","properties":{"plan":%s}}'
    numbers = (b"1e999", b"-0", b"9" * 400, b"1e-999")
    found = [item for _, _, item in read_stream("x", io.BytesIO(b"\n".join(raw % n for n in numbers)), READER)]
    data = [item.data for item in found if isinstance(item, Event)]
    assert [(item["type"], item["userId"]) for item in data] == [("page", "\ufffd")] * 4
    assert [item["properties"] for item in data] == [{"plan": n} for n in (None, 0, int("9" * 400), 0)]


# ------------------------------------------------------------------------------------------------------------ gzip

TWO = gzip.compress(LINES + LINES, mtime=0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            TWO[:-8], ["1", "2", "2 bad_request: the gzip data ends early after 2 events"], id="without its end"
        ),
        pytest.param(TWO[:5], ["1 bad_request: the gzip data ends early after 0 events"], id="without its data"),
        pytest.param(
            TWO[:-8] + bytes(8),
            ["1", "2", "2 bad_request: the gzip data is damaged after 2 events"],
            id="wrong checksum",
        ),
        pytest.param(
            TWO + TWO[:-8],
            ["1", "2", "3", "4", "4 bad_request: the gzip data ends early after 4 events"],
            id="second member cut",
        ),
        pytest.param(
            TWO + b"and so on",
            ["1", "2", "2 bad_request: other bytes follow the gzip data after 2 events"],
            id="other bytes behind",
        ),
    ],
)
def test_broken_gzip(content: bytes, expected: list[str]) -> None:
    """What can be unzipped counts, and one discard says where and why the rest cannot."""
    assert read(content) == expected


@pytest.mark.parametrize("start", [b"", b"["])
def test_gzip_cut_inside_an_event(start: bytes) -> None:
    """An event that a truncated file cuts is part of that one discard."""
    content = start + b",\n"[not start :].join([EVENT] * 2_000) + b"\n"
    found = read(gzip.compress(content)[:200])
    events = len(found) - 1
    assert events > 0
    assert found[-1].endswith(f"bad_request: the gzip data ends early after {events:,} events")


def test_file_that_cannot_be_read_further() -> None:
    """When the disk fails in the middle of a file, what was read counts and a discard says so."""

    class Failing(io.BytesIO):
        def readinto1(self, buffer: object) -> int:
            if self.tell():
                raise OSError(5, "Input/output error")
            return self.readinto(memoryview(buffer)[: len(LINES) + 10])  # type: ignore[arg-type]

    items = list(read_stream("x", Failing(LINES * 2), READER))
    assert items[-1] == ("x", 1, Discard("bad_request", "cannot be read further: Input/output error after 1 events"))
    assert isinstance(items[0][2], Event)


# ---------------------------------------------------------------------------------------------------------- memory

BOUND = 45 * 1024 * 1024


def peak_of(path: Path) -> tuple[list[str], int]:
    """What stands in a file, in short, and how much memory was in use at most while it was read."""
    tracemalloc.start()
    try:
        counts: dict[str, int] = {}
        for _, line, item in read_events([str(path)], reads=frozenset({("properties", "plan")})):
            told = "event" if isinstance(item, Event) else f"{line} {item.detail}"
            counts[told] = counts.get(told, 0) + 1
        return [f"{count} x {told}" for told, count in counts.items()], tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def write(path: Path, parts: Iterable[bytes]) -> Path:
    """Write a file part by part."""
    with path.open("wb") as file:
        file.writelines(parts)
    return path


def long_string(megabytes: int) -> Iterator[bytes]:
    """An object with one long string."""
    yield b'{"a":"'
    yield from (b"x" * 1_048_576 for _ in range(megabytes))
    yield b'"}'


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (LINES, b"\n" + LINES, ["2 x event", "1 x 2 a line of 104,857,609 bytes: over 8,388,608"]),
        (b"", b"\n" + LINES, ["1 x 1 a value of more than 8,388,608 bytes; 104,857,609 bytes skipped", "1 x event"]),
        (
            b"[" + EVENT + b",\n",
            b",\n" + EVENT + b"]",
            ["2 x event", "1 x 2 a value of more than 8,388,608 bytes; 104,857,610 bytes skipped"],
        ),
        (
            b"x\n",
            b"",
            ["1 x 1 not JSON: Expecting value at character 0", "1 x 2 a line of 104,857,608 bytes: over 8,388,608"],
        ),
    ],
    ids=["line", "first line", "element", "last line"],
)
def test_line_of_100_mb(tmp_path: Path, before: bytes, after: bytes, expected: list[str]) -> None:
    """A line of 100 MB is skipped in bounded memory and reported with its length, and the rest goes on."""
    found, peak = peak_of(write(tmp_path / "long.json", [before, *long_string(100), after]))
    assert sorted(found) == sorted(expected)
    assert peak < BOUND


def test_bomb(tmp_path: Path) -> None:
    """A small gzip file that holds very much is read in bounded memory."""
    with gzip.open(tmp_path / "bomb.gz", "wb", compresslevel=1) as file:
        file.write(b"{")
        for _ in range(64):
            file.write(b" " * 1_048_576)
    found, peak = peak_of(tmp_path / "bomb.gz")
    assert found == ["1 x 1 a value of more than 8,388,608 bytes; 67,108,865 bytes skipped"]
    assert peak < BOUND


@pytest.mark.parametrize(
    ("first", "between", "last"), [(b"", b"\n", b"\n"), (b"[", b",", b"]"), (b"[\n", b",\n", b"\n]"), (b"", b"", b"")]
)
def test_long_files(tmp_path: Path, first: bytes, between: bytes, last: bytes) -> None:
    """Lines, lists on one line or many, and values without anything between are read in little memory."""
    events = (EVENT + between for _ in range(40_000))
    found, peak = peak_of(write(tmp_path / "many.json", [first, *events, EVENT, last]))
    assert found == ["40001 x event"]
    assert peak < (2 if between else 8) * 1024 * 1024  # of one long line, up to 8 MB are looked at to know what it is


def test_largest_batch(tmp_path: Path) -> None:
    """A batch just below the limit of one value is read in bounded memory, event by event."""
    count = (MAX_BYTES - 100) // (len(EVENT) + 1)
    batch = b'{"batch":[' + b",".join([EVENT] * count) + b'],"sentAt":"2026-11-21T12:00:00.000Z"}'
    found, peak = peak_of(write(tmp_path / "batch.json", [batch]))
    assert found == [f"{count} x event"]
    assert peak < BOUND


def test_many_bad_lines(tmp_path: Path) -> None:
    """Every bad line is counted, however many there are."""
    bad = json.dumps({"type": "page"}).encode() + b"\n"
    found, _ = peak_of(write(tmp_path / "bad.json", [bad * 2_000]))
    assert len(found) == 2_000
