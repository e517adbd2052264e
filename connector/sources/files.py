"""Recorded events in files, folders, globs and standard input, to Events and Discards with the file and line of each.

What a file is, its content says and never its name: gzip or not, lines of JSON, or documents over many lines. One pass,
in bounded memory. What cannot be read is a Discard that says where, and the rest goes on.
"""

import glob
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import BinaryIO, Final, Protocol, TypeAlias, cast

import msgspec

from connector.errors import SourceError
from connector.events import BOM, GZIP_MAGIC, MAX_BYTES, Discard, Event, Item, Reader, Reads, event_reader
from connector.sources.splitter import is_document, split_values
from connector.values import load_json

Located: TypeAlias = tuple[str, int, Item]  # file, line from 1, what stands there

STDIN: Final = "-"


class Progress:
    """How far reading is, for whoever wants to look: bytes as they are on disk. Standard input counts as none."""

    def __init__(self) -> None:
        self.total = 0
        self._finished = 0
        self._current: io.FileIO | None = None

    def done(self) -> int:
        """How many of `total` bytes have been read."""
        return self._finished + (self._current.tell() if self._current else 0)

    @contextmanager
    def follow(self, file: io.FileIO) -> Iterator[None]:
        """Look at this file while it is read."""
        self._current = file if file.seekable() else None
        try:
            yield
        finally:
            self._finished, self._current = self.done(), None


def read_events(
    paths: Sequence[str], *, reads: Reads, stdin: BinaryIO | None = None, progress: Progress | None = None
) -> Iterator[Located]:
    """Read all events of files, folders (with all below, but for hidden files), globs and `-`, in a natural order.

    Raises SourceError, before anything is read, with every path that leads to nothing or cannot be opened. An event
    that came in a batch, a list or a recorded request has the line that its envelope starts on.
    """
    files = find_files(paths)
    if STDIN in files and stdin is None:
        raise SourceError("-: there is no standard input to read")
    progress = progress or Progress()
    progress.total = sum(os.path.getsize(file) for file in files if os.path.isfile(file))
    reader = event_reader(reads)
    return chain.from_iterable(chain.from_iterable(_read_file(file, stdin, reader, progress) for file in files))


def read_stream(name: str, stream: BinaryIO, reader: Reader) -> Iterator[Located]:
    """Read all events of one open, buffered binary stream, as `sys.stdin.buffer` is; it is not closed."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Raw(stream), _CHUNK)
    return chain.from_iterable(_read_source(name, buffered, reader))


# What stands in a file comes in parts, which `chain` joins: an event that is handed through generators pays for each.
_Parts: TypeAlias = Iterator[Iterable[Located]]


def _read_file(file: str, stdin: BinaryIO | None, reader: Reader, progress: Progress) -> _Parts:
    if file == STDIN and stdin is not None:
        yield read_stream("stdin", stdin, reader)
        return
    try:
        opened = io.FileIO(file)
    except OSError as error:
        yield [(file, 1, Discard("bad_request", f"cannot be opened: {error.strerror}"))]
        return
    with io.BufferedReader(opened, _CHUNK) as stream, progress.follow(opened):
        yield from _read_source(file, stream, reader)


# -------------------------------------------------------------------------------------------------------- finding


def find_files(paths: Iterable[str]) -> tuple[str, ...]:
    """List the files that paths, folders and globs lead to, each once; `-` stays `-`.

    Raises SourceError with every path that leads to nothing or cannot be opened.
    """
    found: dict[str, None] = {}
    faults: list[str] = []
    for path in paths:
        try:
            found |= dict.fromkeys(_expand(path))
        except SourceError as error:
            faults.append(str(error))
    for name in found:
        if name != STDIN and not os.access(name, os.R_OK, effective_ids=_EFFECTIVE):
            faults.append(f"{name}: {'permission denied' if os.path.exists(name) else 'a link that leads nowhere'}")
    if faults:
        raise SourceError("\n".join(faults))
    return tuple(found)


def _expand(path: str) -> list[str]:
    if path == STDIN or (os.path.exists(path) and not os.path.isdir(path)):
        return [path]
    if os.path.isdir(path):
        return _walk(path) or _fail(f"{path}: the folder holds no files")
    if not glob.has_magic(path):
        return _fail(f"{path}: no such file or folder")
    matches = sorted(glob.glob(path, recursive=True), key=_natural)
    names = [name for match in matches for name in (_walk(match) if os.path.isdir(match) else [match])]
    return names or _fail(f"{path}: matches no file")


def _fail(message: str) -> list[str]:
    raise SourceError(message)


def _walk(folder: str) -> list[str]:
    def stop(error: OSError) -> None:
        raise SourceError(f"{error.filename}: {error.strerror}")

    names: list[str] = []
    seen: set[str] = set()  # a link may lead back up
    for here, folders, files in os.walk(folder, onerror=stop, followlinks=True):
        seen.add(os.path.realpath(here))
        folders[:] = [name for name in folders if _is_new(os.path.join(here, name), seen)]
        names += [os.path.join(here, name) for name in files if not name.startswith(".")]
    return sorted((name for name in names if os.path.isfile(name) or os.path.islink(name)), key=_natural)


def _is_new(folder: str, seen: set[str]) -> bool:
    return not os.path.basename(folder).startswith(".") and os.path.realpath(folder) not in seen


def _natural(name: str) -> list[tuple[int, str]]:
    """Order `part-2` before `part-10`."""
    return [(int(digits), "") if digits else (0, text) for text, digits in _DIGITS.findall(name)]


_DIGITS: Final = re.compile(r"([^0-9]+)|([0-9]+)")


# --------------------------------------------------------------------------------------------------------- opening

_CHUNK: Final = 131_072


class _Stream(Protocol):
    def readline(self, size: int, /) -> bytes: ...
    def read1(self, size: int, /) -> bytes: ...
    def peek(self, size: int, /) -> bytes: ...


class _Raw(io.RawIOBase):
    """A stream that is not ours to close, for a BufferedReader."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = cast("io.BufferedIOBase", stream)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        return self._stream.readinto1(buffer)


class _Gunzip(io.RawIOBase):
    """The unzipped bytes of one or more gzip members; when they are damaged or end early, `fault` says so."""

    def __init__(self, packed: _Stream) -> None:
        self.fault = ""
        self._packed = packed
        self._bytes = b""
        self._member = zlib.decompressobj(wbits=31)
        self._step = _CHUNK  # how many bytes to unzip at once

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        while self._has_more():
            text = self._unzip(len(buffer))
            if text:
                buffer[: len(text)] = text
                return len(text)
        return 0

    def _unzip(self, size: int) -> bytes:
        """Unzip the next step. Damage throws away what stands before it in the step, so it is sought in small steps."""
        step, rest, before = self._bytes[: self._step], self._bytes[self._step :], self._member.copy()
        try:
            text = self._member.decompress(step, size)
        except zlib.error:
            if self._step == 1:
                self.fault = "the gzip data is damaged"
            self._member, self._step = before, max(1, self._step // 64)
            return b""
        self._bytes = (self._member.unused_data if self._member.eof else self._member.unconsumed_tail) + rest
        return text

    def _has_more(self) -> bool:
        if self._member.eof and not self._has_member():
            return False
        self._bytes = self._bytes or self._packed.read1(_CHUNK)
        if not self._bytes:
            self.fault = self.fault or "the gzip data ends early"
        return not self.fault

    def _has_member(self) -> bool:
        self._bytes = self._bytes.lstrip(b"\0")  # members may be padded
        while not self._bytes and (chunk := self._packed.read1(_CHUNK)):
            self._bytes = chunk.lstrip(b"\0")
        if not self._bytes:
            return False
        if not self._bytes.startswith(GZIP_MAGIC[:1]):
            self.fault = "other bytes follow the gzip data"
        self._member = zlib.decompressobj(wbits=31)
        return not self.fault


class _Source:
    """An open file, unzipped; `fault` says why its bytes ended before they should."""

    def __init__(self, stream: _Stream) -> None:
        self._error = ""
        self._gunzip = _Gunzip(stream) if stream.peek(2).startswith(GZIP_MAGIC) else None
        self.stream: _Stream = io.BufferedReader(self._gunzip, _CHUNK) if self._gunzip else stream

    @property
    def fault(self) -> str:
        return self._error or (self._gunzip.fault if self._gunzip else "")

    def fail(self, error: OSError) -> None:
        self._error = f"cannot be read further: {error.strerror}"


# --------------------------------------------------------------------------------------------------------- reading

_UTF_16: Final = "UTF-16 text: convert it, as with iconv -f UTF-16 -t UTF-8"
_FORMATS: Final = {
    **dict.fromkeys((b"\xff\xfe", b"\xfe\xff", b"{\0", b"[\0", b"\0{", b"\0["), _UTF_16),
    GZIP_MAGIC: "gzip inside gzip: unzip it once",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"BZh": "bzip2: unpack it first",
    b"\xfd7zXZ": "xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "zstd: unpack it first",
    b"PAR1": "Parquet: export it as lines of JSON",
    b"Obj\x01": "Avro: export it as lines of JSON",
}
_JSON_LINE: Final = re.compile(rb'\n\{"[A-Za-z]')  # a torn log may begin with zeros, and still hold events
_GLUED: Final = re.compile(rb"\}\s*\{")
_EFFECTIVE: Final = os.access in os.supports_effective_ids
_BLANK_LINES: Final = 1_000


def _read_source(name: str, stream: _Stream, reader: Reader) -> _Parts:
    try:
        source = _Source(stream)
        head, line = _first_line(source.stream)
        fault = _head_fault(head, source)
        documents, ahead = (False, []) if fault else _look_ahead(head, source.stream)
    except OSError as error:
        yield [(name, 1, Discard("bad_request", f"cannot be read: {error.strerror}"))]
        return
    if fault:
        yield [(name, line, fault)]
    elif documents:
        chunks = chain(ahead, iter(partial(source.stream.read1, _CHUNK), b""))
        yield _read_documents(name, chunks, line, source, reader)
    else:
        lines = chain(ahead, iter(partial(source.stream.readline, MAX_BYTES), b""))
        yield _read_lines(name, lines, line, source, reader)


def _first_line(stream: _Stream) -> tuple[bytes, int]:
    """Take the first line that is not blank, or its start, and its number; a byte order mark before it is dropped."""
    raw, line = stream.readline(_CHUNK).removeprefix(BOM), 1
    while raw and not raw.strip():
        line += raw.count(b"\n")
        raw = stream.readline(_CHUNK)
    return raw, line


def _head_fault(head: bytes, source: _Source) -> Discard | None:
    """Say why nothing in a file can be read, if so."""
    if not head and not source.fault:
        return Discard("no_events", "the file is empty")
    what = next((what for start, what in _FORMATS.items() if head.startswith(start)), "")
    if not what and not head.lstrip().startswith((b"{", b"[")) and _is_binary(head + source.stream.peek(1)):
        what = "binary data, not JSON"
    return Discard("bad_request", f"{what} ({len(head) + _drain(source.stream):,} bytes)") if what else None


def _is_binary(sample: bytes) -> bool:
    return b"\0" in sample and not _JSON_LINE.search(sample)


def _drain(stream: _Stream) -> int:
    return sum(map(len, iter(partial(stream.read1, _CHUNK), b"")))


def _look_ahead(head: bytes, stream: _Stream) -> tuple[bool, list[bytes]]:
    """Tell documents (True) from lines, and give back what was read for it: where `head` begins an object that it does
    not end, the next line that is not blank decides.
    """
    if head.lstrip().startswith(b"["):
        return True, [head]
    if not head.endswith(b"\n"):
        head += stream.readline(MAX_BYTES - len(head))
    start = head.lstrip()
    if not start.startswith(b"{") or _is_json(start):
        return False, [head]
    if len(head) >= MAX_BYTES:
        return True, [head]
    ahead = []
    for raw in islice(iter(partial(stream.readline, MAX_BYTES), b""), _BLANK_LINES):
        ahead.append(raw)
        if raw.strip():
            break
    return is_document(start, ahead[-1].lstrip() if ahead else b""), [head, *ahead]


def _is_json(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        try:
            load_json(raw)
        except ValueError:
            return False
    return True


def _read_lines(name: str, lines: Iterable[bytes], line: int, source: _Source, reader: Reader) -> Iterator[Located]:
    plain, events = reader.plain, 0
    try:
        for raw in lines:
            event = plain(raw)
            if event is not None:
                events += 1
                yield name, line, event
            elif text := raw.strip():
                for item in _read_other_line(raw, text, source, reader):
                    events += isinstance(item, Event)
                    yield name, line, item
            line += 1
    except OSError as error:
        source.fail(error)
    if source.fault:
        yield name, max(1, line - 1), _early_end(source, events)


def _read_other_line(raw: bytes, text: bytes, source: _Source, reader: Reader) -> Iterator[Item]:
    is_whole = raw.endswith(b"\n")
    if len(raw) >= MAX_BYTES and not is_whole:
        size = len(raw) + _skip_line(source.stream)
        yield Discard("bad_request", f"a line of {size:,} bytes: over {MAX_BYTES:,}")
    elif _GLUED.search(text) and not _is_json(text):
        yield from _read_glued(text, reader)
    elif is_whole or not source.fault or _is_json(text):  # else what cut the line is reported
        yield from reader.unpack(text)


def _read_glued(text: bytes, reader: Reader) -> Iterator[Item]:
    """Read a line that holds several values, as where files without a newline at their end were put together."""
    pieces = list(split_values([text]))
    if any(piece.fault for piece in pieces):
        yield from reader.unpack(text)
        return
    for piece in pieces:
        yield from reader.unpack(piece.raw)


def _skip_line(stream: _Stream) -> int:
    size = 0
    for raw in iter(partial(stream.readline, MAX_BYTES), b""):
        size += len(raw)
        if raw.endswith(b"\n"):
            break
    return size


def _read_documents(
    name: str, chunks: Iterable[bytes], line: int, source: _Source, reader: Reader
) -> Iterator[Located]:
    plain, events = reader.plain, 0
    try:
        for piece in split_values(chunks, line=line):
            line = piece.line
            event = plain(piece.raw)
            if event is not None:
                events += 1
                yield name, line, event
            elif not piece.fault:
                for item in reader.unpack(piece.raw):
                    events += isinstance(item, Event)
                    yield name, line, item
            elif not (piece.cut and source.fault):  # else what cut the text is reported
                yield name, line, Discard("bad_request", piece.fault)
    except OSError as error:
        source.fail(error)
    if source.fault:
        yield name, line, _early_end(source, events)


def _early_end(source: _Source, events: int) -> Discard:
    return Discard("bad_request", f"{source.fault} after {events:,} events")
