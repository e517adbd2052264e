"""One YAML file as plain values of JSON, with a place in the file for every path, and problems that show it.

In: the bytes of one file and the environment for its variables. Out: a frozen Document with the problems found on the
way, or DestinationError where nothing can be read. No file is opened here, and no key means anything.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from connector.edits import Change, applied, changes_between, rename_key, rewrite_text, rewrite_value
from connector.errors import DestinationError, Edit, Fault, Fix, Path, Problem, Severity
from connector.positions import Location, Source, align, make_source, quoted, shown
from connector.values import JSON
from connector.variables import Filled, Piece, redact
from connector.yaml_text import LOADER, Place, compose, properties_length

LARGEST: Final = 1_048_576  # bytes

# What YAML does not allow in a text, less what UTF-8 cannot bring; and line breaks that only YAML 1.1 knew.
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TELLING: Final = 8  # a shorter value of a variable is hidden only in problems of the text that holds it


class Document(msgspec.Struct, frozen=True):
    """What one file says; `filled` and `broken` go by the offset at which a scalar starts, see Composed."""

    source: Source
    value: JSON
    place: Place
    filled: Mapping[int, Filled]
    broken: frozenset[int]
    problems: tuple[Problem, ...]

    def __repr__(self) -> str:
        return f"Document({self.file!r})"

    @property
    def file(self) -> str:
        """Name the file as problems print it."""
        return self.source.file

    def get(self, path: Path) -> JSON:
        """Give the value at a path, null where there is none."""
        value = self.value
        for key in path:
            if isinstance(value, dict) and isinstance(key, str):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def find(self, path: Path) -> tuple[Place, bool]:
        """Give the place of a path, or the innermost there is above it, and whether it is the path's own."""
        place = self.place
        for key in path:
            child = place.children.get(key)
            if child is None:
                return place, False
            place = child
        return place, True

    def variables(self, path: Path) -> Filled | None:
        """Give the text as it was written when variables were filled into it."""
        place, exact = self.find(path)
        return self.filled.get(place.start) if exact and place.style is not None else None

    def is_broken(self, path: Path) -> bool:
        """Say whether a scalar has a problem already, so that its value means nothing."""
        place, exact = self.find(path)
        return exact and place.style is not None and place.start in self.broken

    def is_merge_key(self, path: Path) -> bool:
        """Say whether a key is the merge key of YAML 1.1, of which reading the file has told already."""
        place, exact = self.find(path)
        return exact and place.key is not None and self.source.text[slice(*place.key)] == "<<"

    def ends_in_comment(self, path: Path) -> bool:
        """Say whether a comment follows a text without quotes, which may have been meant to belong to it."""
        place, exact = self.find(path)
        behind = self.source.text[place.end : self.source.line_end(place.end)]
        return exact and place.style == "" and behind.lstrip().startswith("#")

    def span(self, path: Path, start: int = 0, end: int = 0, *, at_key: bool = False) -> tuple[int, int]:
        """Give the slice of the file that a path's value, or the part of it from `start` to `end`, was read from.

        For a list, an object, an empty value and a missing path it is the nearest key.
        """
        place, exact = self.find(path)
        if at_key or not exact or place.style is None or place.start == place.end:
            return place.key or (place.start, min(place.start + 1, place.end))
        if start == end == 0:
            return place.start, place.end
        raw = self.source.text[place.start : place.end]
        skip = properties_length(raw)
        filled = self.filled.get(place.start)
        if filled:
            start, end = filled.written_span(start, end)
        value = self.get(path)
        text = filled.written if filled else value if isinstance(value, str) else ""
        offsets = align(raw[skip:], text, place.style)
        base, last = place.start + skip, len(offsets) - 1
        return base + offsets[min(start, last)], base + offsets[min(end, last)]

    def location(self, path: Path, start: int = 0, end: int = 0, *, at_key: bool = False) -> Location:
        """Give file, line and column of what `span` gives."""
        return self.source.location(self.span(path, start, end, at_key=at_key)[0])

    def problem(
        self,
        code: str,
        message: str,
        path: Path,
        *,
        start: int = 0,
        end: int = 0,
        help: str = "",
        at_key: bool = False,
        line_until_key: bool = False,
        severity: Severity = "error",
        fix: Fix | None = None,
    ) -> Problem:
        """Make a problem that shows a path's value, or a part of it. No value of a variable is printed."""
        first, last = self.span(path, start, end, at_key=at_key)
        own = self.variables(path)
        others = (piece for filled in self.filled.values() for piece in filled.pieces)
        pieces = [*(own.pieces if own else ()), *(piece for piece in others if len(piece.value) >= _TELLING)]
        problem = self.source.problem(
            code,
            redact(message, pieces),
            first,
            last,
            help=redact(help, pieces),
            line_until=last if line_until_key else None,
        )
        return replace(problem, severity=severity, fix=fix) if fix or severity != "error" else problem


def read_document(data: bytes, *, file: str, environment: Mapping[str, str], loader: type = LOADER) -> Document:
    """Read the YAML of one file; `file` is what problems print. Raises DestinationError where nothing can be read."""
    source = make_source(file, _decode(data, file))
    composed = compose(source, environment, loader=loader)
    if composed.root is None:
        help = "write `destination: rupt` and go on from there, or start with `rupt-connector init`"
        raise DestinationError([Problem("empty_file", "the file holds nothing", file, help=help)])
    value, place = composed.root
    return Document(source, value, place, composed.filled, composed.broken, composed.problems)


def _decode(data: bytes, file: str) -> str:
    if len(data) > LARGEST:
        message = f"the file has {len(data):,} bytes, at most {LARGEST:,} are read"
        help = "move mappings to other files and include those"
        raise DestinationError([Problem("file_too_large", message, file, help=help)])
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(data) > 1 and 0 in data[:2] and data[:2] != b"\x00\x00"):
        message = "the file is UTF-16, not UTF-8"
        raise DestinationError([Problem("not_utf8", message, file, help="save it as UTF-8")])
    try:
        text = data.decode().removeprefix("\ufeff")  # some editors of Windows put a byte order mark there
    except UnicodeDecodeError as error:
        raise DestinationError([_not_utf8(data, error, file)]) from None
    if found := _UNREADABLE.search(text):
        message = f"the character U+{ord(found[0]):04X} cannot stand in a YAML file"
        help = f'remove it, or write it as "\\u{ord(found[0]):04x}" in a text in double quotes'
        at = found.start()
        raise DestinationError([make_source(file, text).problem("control_character", message, at, at + 1, help=help)])
    return text


def _not_utf8(data: bytes, error: UnicodeDecodeError, file: str) -> Problem:
    readable = data[: error.start].decode()
    source = make_source(file, readable + "\ufffd" + data[error.end :].decode(errors="replace"))
    at = len(readable)
    message = f"the file is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}"
    return source.problem("not_utf8", message, at, at + 1, help="save the file as UTF-8")


class Part(msgspec.Struct, frozen=True):
    """A value of a file: the document, and the path that leads to the value."""

    document: Document
    path: Path = ()

    @property
    def value(self) -> JSON:
        """Give the value itself."""
        return self.document.get(self.path)

    @property
    def exists(self) -> bool:
        """Say whether anything stands at the path, be it null."""
        return self.document.find(self.path)[1]

    @property
    def is_filled(self) -> bool:
        """Say whether variables were filled into the text."""
        return self.document.variables(self.path) is not None

    @property
    def written(self) -> str:
        """Print the value inside a message as the file has it, its variables not filled in."""
        filled = self.document.variables(self.path)
        return shown(filled.written if filled else self.value)

    @property
    def is_broken(self) -> bool:
        """Say whether the value has a problem already."""
        return self.document.is_broken(self.path)

    def child(self, *path: str | int) -> "Part":
        """Give what stands under this value."""
        return Part(self.document, (*self.path, *path))

    def location(self, start: int = 0, end: int = 0) -> Location:
        """Give file, line and column of the value, or of a part of its text."""
        return self.document.location(self.path, start, end)

    def problem(
        self,
        code: str,
        message: str,
        *,
        start: int = 0,
        end: int = 0,
        help: str = "",
        at_key: bool = False,
        severity: Severity = "error",
        fix: Fix | None = None,
    ) -> Problem:
        """Make a problem that shows the value, a part of its text, or its key."""
        return self.document.problem(
            code,
            message,
            self.path,
            start=start,
            end=end,
            help=help,
            at_key=at_key,
            severity=severity,
            fix=fix,
        )

    def rewritten(self, text: str) -> Fix | None:
        """Give the fix that lets the value be another text, None where that cannot be had.

        `text` has the variables filled in that the value has; they stay as the file writes them.
        """
        document, value = self.document, self.value
        if not isinstance(value, str) or not self.exists:
            return None
        changes, filled = list(changes_between(value, text)), document.variables(self.path)
        old = filled.written if filled else value
        if filled:
            if any(_touches(piece, change) for piece in filled.pieces for change in changes):
                return None
            changes = [(*filled.written_span(start, end), new) for start, end, new in changes]
        place, _ = document.find(self.path)
        edits = rewrite_text(document.source, place, self.path, old, applied(old, changes))
        return _fix("mend the text" if filled else f"write {shown(text)}", edits)

    def replaced(self, start: int, end: int, text: str) -> Fix | None:
        """Give the fix that puts a text in place of a part of the value's."""
        value = self.value
        return self.rewritten(value[:start] + text + value[end:]) if isinstance(value, str) else None

    def turned_into(self, raw: str, value: JSON) -> Fix | None:
        """Give the fix that lets the value be another one, which YAML writes as `raw`."""
        place, exact = self.document.find(self.path)
        edits = rewrite_value(self.document.source, place, self.path, raw, value) if exact else ()
        return _fix(f"write {raw}", edits)

    def renamed(self, key: str) -> Fix | None:
        """Give the fix that lets the value have another key, None where one of that name stands beside it."""
        place, exact = self.document.find(self.path)
        edits = rename_key(self.document.source, place, self.path, key) if exact else ()
        return _fix(f"write {quoted(key)} for {quoted(str(self.path[-1]))}", edits)

    def fault(self, fault: Fault) -> Problem:
        """Make a problem of a fault in the language, whose path starts at this value."""
        place, at_key = self.child(*fault.path), fault.code == "unknown_option"
        if isinstance(place.value, dict):
            directive = next((key for key in place.value if key.startswith("@")), None)
            place, at_key = (place.child(directive), True) if directive else (place, at_key)
        fix = None
        if fault.instead is not None:
            fix = place.renamed(fault.instead) if at_key else place.rewritten(fault.instead)
        return place.document.problem(
            fault.code,
            fault.message,
            place.path,
            start=fault.start,
            end=fault.end,
            help=fault.help,
            at_key=at_key,
            fix=fix.unsafe() if fix and fault.choice else fix,
        )


def _touches(piece: Piece, change: Change) -> bool:
    """Say whether a change meets a variable, or writes out what one holds."""
    start, end, text = change
    return (piece.start < end and start < piece.end) or (bool(piece.value) and piece.value in text)


def _fix(title: str, edits: tuple[Edit, ...]) -> Fix | None:
    return Fix(title, edits) if edits else None
