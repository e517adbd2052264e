"""Every error of the product, in one tree, and the values that say what is wrong and where.

ConnectorError
├── LanguageError       a directive, path, template or trigger is wrong: its faults, each with a place in the text
├── ResolveError        a right mapping cannot be resolved for one event (the outcome is invalid, nothing breaks)
├── DestinationError    a destination file does not load: all its problems, each with file, line and column
├── SourceError         recorded events cannot be opened or read at all
└── UsageError          the command line or the environment is wrong

Expected outcomes (a discard, a skip, a refusal by Rupt) are values, not errors: see events, pipeline and retry.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

Path: TypeAlias = tuple[str | int, ...]

_CLEAR: Final = 0.1  # of 1: by how much the nearest word must be nearer than the next one


class Fault(msgspec.Struct, frozen=True):
    """What is wrong in a text or tree of the mapping language.

    `path` leads to the value in the tree (keys and list positions), `start` and `end` are character offsets inside that
    value when it is a text (`0 <= start <= end <= len(text)`). `help` says what to write instead. `instead` is what the
    whole text must be to be right, where a program can know that. It is a `choice` where it could also be another text:
    a person must decide.
    """

    code: str
    message: str
    help: str = ""
    path: Path = ()
    start: int = 0
    end: int = 0
    instead: str | None = None
    choice: bool = False

    def under(self, *above: str | int) -> "Fault":
        """The same fault, seen from further up the tree."""
        path = above + self.path
        return Fault(self.code, self.message, self.help, path, self.start, self.end, self.instead, self.choice)


class Edit(msgspec.Struct, frozen=True):
    """A change of a file: the characters from `start` to `end` of its text become `text`."""

    file: str
    start: int
    end: int
    text: str


class Fix(msgspec.Struct, frozen=True):
    """What mends a problem: `title` says it in a few words.

    It is not `safe` where somebody should look at it: where the file loads as it is and would then take other events
    or send something else, and where what does not load could be meant in another way.
    """

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True

    def unsafe(self) -> "Fix":
        """The same, to be looked at."""
        return Fix(self.title, self.edits, safe=False)


Severity: TypeAlias = Literal["error", "warning", "note"]
"""An error keeps a file from loading; a warning is most likely not meant; a note is worth knowing."""


class Problem(msgspec.Struct, frozen=True):
    """What is wrong in a file: printed as `error[code]: message`, `file:line:column`, the line with a caret, and help.

    Lines and columns count from 1. `source` is the line's text, `width` how many characters the carets cover. What is
    wrong ends before `end_column` of `end_line`, which may be a line below; both are 0 where nobody knows.
    """

    code: str
    message: str
    file: str
    line: int = 0
    column: int = 0
    width: int = 1
    source: str = ""
    help: str = ""
    severity: Severity = "error"
    fix: Fix | None = None
    end_line: int = 0
    end_column: int = 0

    def render(self) -> str:
        """Print the problem over several lines, without colour and without a trailing newline."""
        lines = [f"{self.severity}[{self.code}]: {self.message}"]
        lines.append(f"  --> {self.file}:{self.line}:{self.column}" if self.line else f"  --> {self.file}")
        if self.source:
            gutter = " " * len(str(self.line))
            pad = "".join("\t" if char == "\t" else " " for char in self.source[: self.column - 1])
            lines += [f"{gutter} |", f"{self.line} | {self.source}", f"{gutter} | {pad}{'^' * max(1, self.width)}"]
        if self.help:
            lines.append(f"  help: {self.help}")
        return "\n".join(lines)


class Sources(msgspec.Struct, frozen=True):
    """What a destination is read from: files by name, and the glob `patterns` by which its includes are found.

    Each file has its checksum (CRC-32), None where it could not be read.
    """

    files: Mapping[str, int | None] = {}
    patterns: tuple[str, ...] = ()


class ConnectorError(Exception):
    """Anything that this product raises on purpose."""


class LanguageError(ConnectorError):
    """A text or tree of the mapping language does not compile; `faults` holds every reason."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


class ResolveError(ConnectorError):
    """A mapping cannot be resolved for this one event, for a reason that no loading could see."""


class DestinationError(ConnectorError):
    """A destination file cannot be used; `problems` holds every reason, `sources` what it was read from."""

    def __init__(self, problems: Sequence[Problem], sources: "Sources | None" = None) -> None:
        super().__init__("\n\n".join(problem.render() for problem in problems))
        self.problems = tuple(problems)
        self.sources = sources or Sources()


class SourceError(ConnectorError):
    """Recorded events cannot be opened: the message names the path and what to do."""


class UsageError(ConnectorError):
    """The command line or the environment is wrong: the message says which option and what to write."""


def first_error(errors: ExceptionGroup[Exception]) -> Exception:
    """Give the first error of a group, or of the groups in it."""
    first = errors.exceptions[0]
    return first_error(first) if isinstance(first, ExceptionGroup) else first


def listed(words: Sequence[str], last: str = "and") -> str:
    """Join words as a sentence does, with commas and one `last` word: `dead, held and invalid`."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def closest(word: str, known: Iterable[str]) -> str:
    """Say `did you mean 'x'?` for the known word nearest to a misspelt one, or nothing when none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Give the one known word that a misspelt one must mean; nothing where none or two are near."""
    names = [name for name in known if name != word]
    near = difflib.get_close_matches(word, names, n=2, cutoff=0.7)
    ratios = [difflib.SequenceMatcher(None, name, word).ratio() for name in near]
    return near[0] if near and (len(near) == 1 or ratios[0] - ratios[1] >= _CLEAR) else ""
