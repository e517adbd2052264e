"""Comments that allow a warning or note: `# check: allow CODE`, with the reason behind ` - ` where there is one.

It speaks of its line, or standing alone of the next one, and of everything under the keys there; standing alone above
an item of a list, of the whole item.

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

_COMMENT: Final = re.compile(
    r"(?:(?<=\s)|^)#[ \t]*check:[ \t]*allow[ \t]+(\w[\w-]*(?:(?:[ \t]*,[ \t]*|[ \t]+(?!-))\w[\w-]*)*)",
    re.MULTILINE | re.IGNORECASE,
)
_WORD: Final = re.compile(r"[\w-]+")
_BREAK: Final = re.compile(r"\r\n?|\n")


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
        found = [] if document is None else _speaking_of(problem, allowed[problem.file])
        used.update((problem.file, one.start) for one in found)
        if not found:
            kept.append(problem)
    told: list[Problem] = []
    for file, document in documents.items():
        idle = [one for one in allowed[file] if (file, one.start) not in used]
        told += [_idle(document, one, allowed[file], _elsewhere(document, one, kept)) for one in idle]
    return [*kept, *told]


def _elsewhere(document: Document, one: Allowed, problems: Sequence[Problem]) -> int:
    """Give the line of the mapping around a comment in which its code is found; 0 where it is in none."""
    place, _ = document.find(("mappings",))
    mappings = [inner for key, inner in place.children.items() if isinstance(key, int)] or [document.place]
    meant = min(one.lines)
    for mapping in mappings:
        lines = _lines_from(document, document.source.location(mapping.start).line, mapping)
        found = [each.line for each in problems if (each.file, each.code) == (document.file, one.code)]
        if meant in lines and (inside := [line for line in found if line in lines]):
            return inside[0]
    return 0


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
    text, matches = document.source.text, list(_COMMENT.finditer(document.source.text))
    texts = sorted(_scalars(document.place, text)) if matches else []
    for match in matches:
        at = bisect.bisect_right(texts, (match.start(), len(text))) - 1
        if at >= 0 and texts[at][0] <= match.start() < texts[at][1]:
            continue
        lines = _lines_of(document, match.start())
        for word in _WORD.finditer(match[1]):
            start = match.start(1) + word.start()
            yield Allowed(word[0], start, start + len(word[0]), match.span(), lines)


def _scalars(place: Place, text: str) -> Iterator[tuple[int, int]]:
    waiting = [place]
    while waiting:
        one = waiting.pop()
        waiting += one.children.values()
        if one.style is not None and one.style not in ("|", ">"):
            yield one.start, one.end
        elif one.style is not None:
            header = _BREAK.search(text, one.start, one.end)  # behind `|` may stand a comment
            yield header.end() if header else one.end, one.end
        if one.key is not None:
            yield one.key


def _lines_of(document: Document, start: int) -> frozenset[int]:
    """Give the lines of which a comment speaks: one, and all that stands under the keys in it."""
    line, comment = _line_meant(document, start), document.source.location(start)
    lines = {line}
    for place in _placed(document.place):
        begins = document.source.location(place.start if place.key is None else place.key[0])
        is_above = comment.line < line and comment.column < begins.column  # one as far in is of the item before
        if begins.line == line and (place.key or is_above):
            lines.update(_lines_from(document, line, place))
    return frozenset(lines)


def _placed(place: Place) -> Iterator[Place]:
    """List the places of all values under keys and in lists."""
    waiting = [*place.children.values()]
    while waiting:
        yield (one := waiting.pop())
        waiting += one.children.values()


def _lines_from(document: Document, line: int, place: Place) -> range:
    """Give the lines from one to the end of what stands at a place."""
    source = document.source
    end = place.start + len(source.text[place.start : place.end].rstrip())
    return range(line, source.location(end).line + 1)


def _line_meant(document: Document, start: int) -> int:
    """Give a comment's own line, or where it stands alone, the next that is not a comment; 0 where there is none."""
    source = document.source
    line = source.location(start).line
    if source.text[source.starts[line - 1] : start].strip():
        return line
    below = line
    while below < len(source.starts):
        below += 1
        first = source.starts[below - 1]
        written = source.text[first : source.line_end(first)].strip()
        if written and not written.startswith("#"):
            return below
    return 0


def _speaking_of(problem: Problem, allowed: Sequence[Allowed]) -> list[Allowed]:
    if problem.severity == "error" or not problem.line:
        return []
    return [one for one in allowed if one.code == problem.code and problem.line in one.lines]


def _idle(document: Document, one: Allowed, allowed: Sequence[Allowed], elsewhere: int) -> Problem:
    code, severity = one.code, SEVERITIES.get(one.code)
    is_alone = sum(other.comment == one.comment for other in allowed) == 1
    fix = _removal(document, one) if is_alone and not elsewhere else None
    if severity in ("warning", "note"):
        there = f"there is a {code} at line {elsewhere}" if elsewhere else "this comment allows nothing"
        message = f"nothing here is {code}: {there}"
        help = "move the comment there, or above the whole mapping" if elsewhere else "remove it"
        problem = document.source.problem("unused_allow", message, one.start, one.end, help=help)
    else:
        message = f"there is no code {code}" if severity is None else f"{code} is an error, which cannot be allowed"
        known = [name for name in CODES if SEVERITIES[name] != "error"]
        help = closest(code, known) or "rupt-connector check --codes lists them"
        problem = document.source.problem("unknown_allow", message, one.start, one.end, help=help)
        fix = None
    return msgspec.structs.replace(problem, severity="warning", fix=fix)


def _removal(document: Document, one: Allowed) -> Fix:
    """Remove a whole comment, with its line where it stands alone: with its reason, so somebody should look at it.

    What it allows may be found again where variables have other values.
    """
    source, (start, _) = document.source, one.comment
    text, end = source.text, source.line_end(start)
    first = source.starts[source.location(start).line - 1]
    before = text[first:start]
    if before.strip():
        start = first + len(before.rstrip())
    else:
        start, end = first, min(end + (2 if text[end : end + 2] == "\r\n" else 1), len(text))
    return Fix("remove the comment", (Edit(source.file, start, end, ""),), safe=False)
