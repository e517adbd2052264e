"""A YAML file with some of its values replaced: their own text changes, and every other character stays.

In: a Document and the new values by path. Out: the new text, which was read again and says what it must. It writes no
file, and no value of a variable comes into its text.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from connector.covers import SHORTEST, has_word
from connector.documents import Document, read_document
from connector.errors import DestinationError, Path
from connector.trials.changes import Change, Changes, UnwritableError, is_equal
from connector.values import JSON, dump_json

__all__ = ["Rewritten", "UnwritableError", "rewrite", "rewrite_each"]

_UNTRUE: Final = "the file would not say what it must; write it by hand"


class Rewritten(msgspec.Struct, frozen=True):
    """The new text of a file, and why values are not in it, by their paths."""

    text: str
    faults: Mapping[Path, str]


def rewrite(
    document: Document,
    values: Mapping[Path, JSON],
    environment: Mapping[str, str],
    variables: Iterable[tuple[str, str]] = (),
) -> str:
    """Put values at paths of a document. Raises UnwritableError when one cannot be put there."""
    done = rewrite_each(document, values, environment, variables)
    for why in done.faults.values():
        raise UnwritableError(why)
    return done.text


def rewrite_each(
    document: Document,
    values: Mapping[Path, JSON],
    environment: Mapping[str, str],
    variables: Iterable[tuple[str, str]] = (),
) -> Rewritten:
    """Put values at paths of a document; one that cannot be put there is left out, and the others are written.

    `variables` are those of other files, name and value, of which no value may come into this one.
    """
    rewriting = _Rewriting(document, environment, variables)
    for path, value in values.items():
        rewriting.prepare(path, value)
    accepted = rewriting.accept([], list(rewriting.found))
    return Rewritten(rewriting.text_with(accepted), rewriting.faults)


class _Found(msgspec.Struct, frozen=True):
    """What has to change for one path, and the anchors of what changes."""

    value: JSON
    changes: tuple[Change, ...]
    anchors: tuple[str, ...]


class _Rewriting:
    """Finds what can be written at once; a file is read again only once where all can."""

    def __init__(
        self, document: Document, environment: Mapping[str, str], variables: Iterable[tuple[str, str]]
    ) -> None:
        self.found: dict[Path, _Found] = {}
        self.faults: dict[Path, str] = {}
        self._document, self._environment = document, environment
        pieces = (piece for filled in document.filled.values() for piece in filled.pieces)
        self._variables = [*variables, *((piece.name, piece.value) for piece in pieces if piece.name)]

    def prepare(self, path: Path, value: JSON) -> None:
        """Find the changes of one value."""
        place, exact = self._document.find(path)
        writer = Changes(self._document)
        try:
            if not exact:
                raise UnwritableError("it is not there")
            changes = tuple(writer.replace(place, self._document.get(path), value, is_test=True))
            self._refuse_variables(path, value, changes)
        except UnwritableError as error:
            self.faults[path] = str(error)
        else:
            self.found[path] = _Found(value, changes, tuple(writer.anchors))

    def _refuse_variables(self, path: Path, value: JSON, changes: tuple[Change, ...]) -> None:
        """See that no value of the environment comes into the file that does not stand there anyway."""
        texts = [*(text for _, _, text in changes), *(set(_texts(value)) - set(_texts(self._document.get(path))))]
        for name, secret in self._variables:
            if len(secret) < SHORTEST or secret in self._document.source.text:
                continue
            if any(has_word(text, written) for written in {secret, dump_json(secret).decode()[1:-1]} for text in texts):
                raise UnwritableError(f"it would hold the value of the variable {name}; write it by hand")

    def accept(self, accepted: list[Path], more: list[Path]) -> list[Path]:
        """Give the paths that can be written together, the accepted ones among them; others become faults."""
        try:
            self.text_with([*accepted, *more])
        except UnwritableError as error:
            if len(more) == 1:
                self.faults[more[0]] = str(error)
                return accepted
            half = len(more) // 2
            return self.accept(self.accept(accepted, more[:half]), more[half:])
        return [*accepted, *more]

    def text_with(self, paths: list[Path]) -> str:
        """Write some of the values. Raises UnwritableError where the file would not say what it must."""
        found = [self.found[path] for path in paths]
        text = _changed(self._document.source.text, sorted({change for one in found for change in one.changes}))
        wanted = self._document.value
        for path, one in zip(paths, found, strict=True):
            wanted = _with(wanted, path, one.value)
        try:
            again = read_document(text.encode(), file=self._document.file, environment=self._environment)
        except DestinationError:
            raise UnwritableError(_UNTRUE) from None
        if not is_equal(again.value, wanted):
            raise UnwritableError(_untrue([anchor for one in found for anchor in one.anchors]))
        return text


def _texts(value: JSON) -> Iterator[str]:
    """List the texts in a value."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def _untrue(anchors: list[str]) -> str:
    if not anchors:
        return _UNTRUE
    return f"it has the anchor {anchors[0]}, which is used elsewhere too; write it out by hand"


def _changed(text: str, changes: list[Change]) -> str:
    parts, at = [], 0
    for start, end, new in changes:
        if start < at:
            raise UnwritableError("two tests want it otherwise: it is an alias, or the test of two mappings")
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def _with(value: JSON, path: Path, new: JSON) -> JSON:
    """Give a value with another one at a path."""
    if not path:
        return new
    key = path[0]
    if isinstance(value, dict):
        return {name: _with(inner, path[1:], new) if name == key else inner for name, inner in value.items()}
    assert isinstance(value, list)
    return [_with(inner, path[1:], new) if at == key else inner for at, inner in enumerate(value)]
