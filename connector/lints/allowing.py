"""Comments that allow a warning or note where it stands: `# check: allow CODE`, at the end of the line or above it.

In: the problems of a destination and its documents. Out: those that no comment allows, and a warning for each comment
that allows nothing.
"""

import bisect
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from connector.codes import CODES, SEVERITIES
from connector.destination import Destination
from connector.documents import Document
from connector.errors import Edit, Fix, Problem, closest
from connector.yaml_text import Place

_COMMENT: Final = re.compile(r"(?:(?<=\s)|^)#[ \t]*check:[ \t]*allow[ \t]+([\w ,\t-]*\w)", re.MULTILINE)
_WORD: Final = re.compile(r"[\w-]+")


class Allowed(msgspec.Struct, frozen=True):
    """One code in one comment: where it stands, and the lines of which it speaks."""

    code: str
    start: int
    end: int
    comment: tuple[int, int]
    lines: frozenset[int]


def without_allowed(destination: Destination, problems: Sequence[Problem]) -> list[Problem]:
    """Leave out what a comment allows, and warn of comments that allow nothing; errors cannot be allowed."""
    documents = {document.file: document for document in _documents(destination)}
    allowed = {file: list(_allowed(document)) for file, document in documents.items()}
    kept: list[Problem] = []
    used: set[tuple[str, int]] = set()
    for problem in problems:
        document = documents.get(problem.file)
        found = [] if document is None else _speaking_of(problem, document, allowed[problem.file])
        used.update((problem.file, one.start) for one in found)
        if not found:
            kept.append(problem)
    for file, document in documents.items():
        idle = [one for one in allowed[file] if (file, one.start) not in used]
        kept += [_idle(document, one, allowed[file]) for one in idle]
    return kept


def _documents(destination: Destination) -> Iterator[Document]:
    seen: set[str] = set()
    for mapping in destination.mappings:
        draft = mapping.draft
        for part in (draft.part, *draft.parts.values(), *draft.fields.values(), *draft.cleared.values()):
            if part.document.file not in seen:
                seen.add(part.document.file)
                yield part.document


def _allowed(document: Document) -> Iterator[Allowed]:
    """Find the comments of a document. A `#` inside a text begins none."""
    text, texts = document.source.text, sorted(_scalars(document.place))
    for match in _COMMENT.finditer(text):
        at = bisect.bisect_right(texts, (match.start(), len(text))) - 1
        if at >= 0 and texts[at][0] <= match.start() < texts[at][1]:
            continue
        lines = _lines_below(document, match.start())
        for word in _WORD.finditer(match[1]):
            start = match.start(1) + word.start()
            yield Allowed(word[0], start, start + len(word[0]), match.span(), lines)


def _scalars(place: Place) -> Iterator[tuple[int, int]]:
    waiting = [place]
    while waiting:
        one = waiting.pop()
        waiting += one.children.values()
        if one.style is not None and one.style not in ("|", ">"):
            yield one.start, one.end
        elif one.style is not None:
            yield one.start + 1, one.end  # behind `|` may stand a comment, but nobody writes one there
        if one.key is not None:
            yield one.key


def _lines_below(document: Document, start: int) -> frozenset[int]:
    """Give the lines of which a comment speaks: its own, or where it stands alone, the next that is not a comment."""
    source = document.source
    line = source.location(start).line
    if source.text[source.starts[line - 1] : start].strip():
        return frozenset({line})
    below = line
    while below < len(source.starts):
        below += 1
        first = source.starts[below - 1]
        written = source.text[first : source.line_end(first)].strip()
        if written and not written.startswith("#"):
            return frozenset({below})
    return frozenset()


def _speaking_of(problem: Problem, document: Document, allowed: Sequence[Allowed]) -> list[Allowed]:
    """Find the comments that allow a problem: at its own line, or where its text goes over several, at its key's."""
    if problem.severity == "error" or not problem.line:
        return []
    offset = document.source.starts[problem.line - 1] + problem.column - 1
    lines = {problem.line, *_line_of_key(document, offset)}
    return [one for one in allowed if one.code == problem.code and not lines.isdisjoint(one.lines)]


def _line_of_key(document: Document, offset: int) -> Iterator[int]:
    waiting = [document.place]
    while waiting:
        place = waiting.pop()
        waiting += place.children.values()
        if place.style is not None and place.key is not None and place.start <= offset < place.end:
            yield document.source.location(place.key[0]).line


def _idle(document: Document, one: Allowed, allowed: Sequence[Allowed]) -> Problem:
    code, severity = one.code, SEVERITIES.get(one.code)
    fix = _removal(document, one) if sum(other.comment == one.comment for other in allowed) == 1 else None
    if severity in ("warning", "note"):
        message, help = f"nothing here is {code}: this comment allows nothing", "remove it"
        problem = document.source.problem("unused_allow", message, one.start, one.end, help=help)
    else:
        message = f"there is no code {code}" if severity is None else f"{code} is an error, which cannot be allowed"
        known = [name for name in CODES if SEVERITIES[name] != "error"]
        help = closest(code, known) or "rupt-connector check --codes lists them"
        problem = document.source.problem("unknown_allow", message, one.start, one.end, help=help)
        fix = None
    return msgspec.structs.replace(problem, severity="warning", fix=fix)


def _removal(document: Document, one: Allowed) -> Fix:
    """Remove a whole comment, with its line where it stands alone."""
    source, (start, _) = document.source, one.comment
    text, end = source.text, source.line_end(start)
    first = source.starts[source.location(start).line - 1]
    before = text[first:start]
    if before.strip():
        start = first + len(before.rstrip())
    else:
        start, end = first, min(end + (2 if text[end : end + 2] == "\r\n" else 1), len(text))
    return Fix("remove the comment", (Edit(source.file, start, end, ""),))
