"""What stands in the destination files in clear: constants, names of fields, and the texts of templates.

In: two versions of a destination. Out: what of a value may be shown, since whoever reads the files reads it there too.
What a variable was filled in for is not among it.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from connector.comparison.edits import Comparison
from connector.comparison.trees import Output
from connector.destination import Mapping
from connector.language.directives import Call, Constant, Fields, Node, TemplateText, children, walk_nodes
from connector.language.triggers import Choices, Compare, Contains, Match, Member, clauses
from connector.language.triggers import Constant as Literal
from connector.values import JSON

Texts: TypeAlias = tuple[str, ...]
"""The texts of a template, with a value between each and the next: `v2 {{name}}` has `v2 ` and an empty one."""
_LIQUID: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)


class Written(msgspec.Struct, frozen=True):
    """What the files say; a template is listed with the part of the payload that it is in."""

    constants: frozenset[JSON] = frozenset()
    keys: frozenset[str] = frozenset()
    templates: tuple[tuple[Output, Texts], ...] = ()

    def parts(self, text: str, path: Output) -> list[str] | None:
        """Split a text of the payload as a template made it: at even places what the file says, else values."""
        fitting = (texts for output, texts in self.templates if path[: len(output)] == output)
        return next((parts for texts in fitting if (parts := _split(text, texts))), None)


def written_in(comparison: Comparison) -> Written:
    """Collect what both versions say."""
    mappings = [mapping for one in (comparison.old, comparison.new) for mapping in one.destination.mappings]
    templates = (found for mapping in mappings for found in _templates(mapping, mapping.fields, ()))
    return Written(
        frozenset(value for mapping in mappings for value in (*_constants(mapping), *_literals(mapping))),
        frozenset(key for mapping in mappings for key in _keys(mapping)),
        tuple(dict.fromkeys(templates)),
    )


def _is_clear(mapping: Mapping, node: Node) -> bool:
    return mapping.variables(("fields", *node.path)) is None


def _constants(mapping: Mapping) -> Iterator[JSON]:
    for node in walk_nodes(mapping.fields):
        if isinstance(node, Constant) and _is_clear(mapping, node):
            yield node.value


def _literals(mapping: Mapping) -> Iterator[JSON]:
    """List what a trigger compares with."""
    if mapping.variables(("trigger",)) is not None:
        return
    for clause in clauses(mapping.trigger):
        match clause:
            case Compare(value=found) | Contains(part=found) | Match(pattern=found):
                yield from _values(found)
            case Member(item, choices):
                yield from (value for side in (item, choices) for value in _values(side))


def _values(part: object) -> Iterator[JSON]:
    if isinstance(part, Choices):
        yield from (item.value for item in part.items)
    elif isinstance(part, Literal):
        yield part.value


def _keys(mapping: Mapping) -> Iterator[str]:
    for node in walk_nodes(mapping.fields):
        if isinstance(node, Fields):
            yield from (key for key, _ in node.fields)


def _templates(mapping: Mapping, node: Node, output: Output) -> Iterator[tuple[Output, Texts]]:
    """List templates with where in the payload they are; what a directive makes is at its own place, or below."""
    if isinstance(node, Fields):
        for key, inner in node.fields:
            yield from _templates(mapping, inner, (*output, key))
        return
    for inner in walk_nodes(node):
        texts = _texts(inner)
        if any(letter.isalnum() for text in texts for letter in text) and _is_clear(mapping, inner):
            yield output, texts


def _texts(node: Node) -> Texts:
    """Give the texts of a template; nothing for any other node, and for Liquid that decides what it prints."""
    pieces: list[str | None] = []
    if isinstance(node, TemplateText):
        pieces = [piece if isinstance(piece, str) else None for piece in node.pieces]
    elif isinstance(node, Call) and node.directive.name == "@liquid":
        text = next((inner.value for inner in children(node) if isinstance(inner, Constant)), None)
        if isinstance(text, str) and "{%" not in text:
            pieces = [piece for part in _LIQUID.split(text) for piece in (None, part)][1:]
    texts = [""]
    for piece in pieces:
        if piece is not None:
            texts[-1] += piece
        elif texts[-1] or len(texts) == 1:  # values side by side are one
            texts.append("")
    return tuple(texts) if len(texts) > 1 else ()


def _split(text: str, texts: Texts) -> list[str] | None:
    """Find the texts of a template, each as early as it can be and the last at the end; None where one is missing."""
    first, *middle, last = texts
    until = len(text) - len(last)
    if until < len(first) or not text.startswith(first) or not text.endswith(last):
        return None
    parts, at = [first], len(first)
    for one in middle:
        found = text.find(one, at, until)
        if found < 0:
            return None
        parts += [text[at:found], one]
        at = found + len(one)
    return [*parts, text[at:until], last]
