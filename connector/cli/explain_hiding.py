"""What of an explanation may not be shown: an event's secrets, and what the file's variables were filled with.

In: an explanation and the whole destination. Out: values and texts for printing, with `[redacted]` for secrets and what
mappings made of them, and `${NAME}` as the file has it for the values of variables.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Mappings
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET

from connector.cli.explain_shapes import Shown
from connector.destination import Destination, Mapping
from connector.explanations import Change, Explanation, Field, MappingExplanation
from connector.hiding import SHOWN, Hiding, hide
from connector.language.compiler import mapping_reads
from connector.language.directives import Call, Constant, Node, PathText, TemplateText, walk_nodes
from connector.language.paths import Keys, walk
from connector.language.templates import Placeholder
from connector.language.tracing import Step, walk_steps
from connector.rows import REDACTED
from connector.values import JSON, MISSING, Value, number_text
from connector.variables import Filled

_SHORTEST: Final = 6  # characters of a text that is hidden wherever it stands; a shorter one only as a word
_MAKING: Final = frozenset({"@case", "@json", "@liquid", "@replace", "@template"})  # give texts that were not there
_Found: TypeAlias = dict[str, str]  # a text, and what is shown for it


class Cover(msgspec.Struct, frozen=True):
    """What stands for texts in one part of an explanation: a field, a step, a clause."""

    texts: Mappings[str, str] = MappingProxyType({})

    def text(self, text: str) -> str:
        """Put what is shown for the texts that stand in another one."""
        if not self.texts or text in self.texts:
            return self.texts.get(text, text)
        return self._pattern().sub(lambda found: self.texts[found[0]], text)

    def value(self, value: JSON) -> JSON:
        """Do so in a value; a number or boolean counts where the whole of it is such a text."""
        match value:
            case dict():
                return {key: self.value(item) for key, item in value.items()}
            case list():
                return [self.value(item) for item in value]
            case str():
                return self.text(value)
            case bool():
                return self.texts.get(str(value).lower(), value)
            case int() | float():
                return self.texts.get(number_text(value), value)
            case _:
                return value

    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.texts, key=len, reverse=True)
        return re.compile("|".join(map(_anywhere, longest_first)))


NO_COVER: Final = Cover()


def _anywhere(text: str) -> str:
    escaped = re.escape(text)
    return escaped if len(text) >= _SHORTEST else rf"(?<!\w){escaped}(?!\w)"


class Veil:
    """Hides what of one event may not be shown."""

    def __init__(self, explanation: Explanation, destination: Destination) -> None:
        self._event = explanation.event.data
        self._open = {value for key in SHOWN if isinstance(value := self._event.get(key), str)}
        named = frozenset(_long_texts(_named_texts(self._event))) - self._open
        self._texts = Hiding(destination).texts(self._event) | frozenset(_secret_texts(explanation)) | named
        self._steps: dict[int, Cover] = {}

    # -- what is shown -----------------------------------------------------------------------------------------------

    def shown(self, value: Value, name: str = "", cover: Cover = NO_COVER) -> Shown:
        """Give a value as it may be printed, UNSET for nothing; `name` is the key that it stands under."""
        return UNSET if value is MISSING else self.hidden(plain_value(value), name, cover)

    def hidden(self, value: JSON, name: str = "", cover: Cover = NO_COVER) -> JSON:
        """Give a value of JSON as it may be printed."""
        covered = cover.value(value)
        if isinstance(covered, str) and covered in self._open and covered not in self._texts:
            return covered  # ids are no secrets, also where a secret is made of one
        return hide(covered, name, self._texts)

    def text(self, text: str) -> str:
        """Give a text of the file as it may be printed."""
        for secret in sorted(self._texts, key=len, reverse=True):
            text = text.replace(secret, REDACTED) if len(secret) >= _SHORTEST else text
        return text

    def read(self, keys: Keys) -> Value:
        """Give what stands in the event at a path."""
        return walk(self._event, keys)  # type: ignore[arg-type]  # JSON is a Value without MISSING

    # -- covers ------------------------------------------------------------------------------------------------------

    def of_field(self, found: MappingExplanation, field: Field) -> Cover:
        """Gather what a field's values may not show; remembers the covers of its steps."""
        texts = self._gather(found.mapping, field.step) if field.step else {}
        sent = (change for part in found.sent if part.field == field.name for change in part.changes)
        for change in (*field.changes, *sent):
            self._add_converted(change, texts)
        return Cover(texts)

    def of_step(self, step: Step) -> Cover:
        """Give what was gathered for a step."""
        return self._steps.get(id(step), NO_COVER)

    def _add_converted(self, change: Change, texts: _Found) -> None:
        if change.kind == "converted" and self._is_hidden(change.before, texts):
            before = self.shown(change.before, "", Cover(texts))
            shown = before if isinstance(before, str) else REDACTED
            texts |= {text: shown for text in _scalars(change.after) if not self._is_hidden(text, texts)}

    def _gather(self, mapping: Mapping, step: Step) -> _Found:
        """Gather what a step and those before it may not show: values of variables, secrets, what was made of them."""
        texts: _Found = {}
        for inner in step.steps:
            texts |= self._gather(mapping, inner)
        own = variable_texts(mapping, _own_texts(step.node))
        texts |= own
        for text in self._secrets_read(step):
            texts.setdefault(text, REDACTED)
        if (
            isinstance(step.node, Call)
            and step.node.directive.name in _MAKING
            and self._works_on_hidden(step, texts, own)
        ):
            texts |= {text: REDACTED for text in _scalars(step.value) if not self._is_hidden(text, texts)}
        self._steps[id(step)] = Cover(texts)
        return texts

    def _secrets_read(self, step: Step) -> Iterator[str]:
        """Give the texts that stand under the name of a secret and that a step itself has read."""
        for keys in own_reads(step.node):
            if not any(map(_names_secret, keys)):
                continue
            is_path = isinstance(step.node, Call) and step.node.directive.name == "@path"
            value = step.value if is_path else MISSING if step.inner else self.read(keys)
            yield from (text for text in _texts(plain_value(value)) if text and text not in self._open)

    def _works_on_hidden(self, step: Step, texts: _Found, own: _Found) -> bool:
        given = [inner.value for inner in step.steps]
        given += [] if step.inner else [self.read(keys) for keys in own_reads(step.node)]
        if own and isinstance(step.node, Call) and step.node.directive.name == "@liquid":
            return True  # its filters may make anything of them
        named = step.inner and any(_names_secret(key) for keys in own_reads(step.node) for key in keys)
        return named or any(self._is_hidden(value, texts) for value in given)

    def _is_hidden(self, value: Value, texts: _Found) -> bool:
        given = plain_value(value)
        return value is not MISSING and self.hidden(given, "", Cover(texts)) != given


# -- what is hidden --------------------------------------------------------------------------------------------------


def variable_texts(mapping: Mapping, nodes: Iterable[Node]) -> _Found:
    """Give the values of the variables that stand in texts of the file, with what the file has for them."""
    texts: _Found = {}
    for node in nodes:
        filled = mapping.variables(("fields", *node.path))
        if filled and (own := _of_pieces(filled, 0, len(filled.text))):
            texts |= {**own, filled.text: filled.written}
    return texts


def clause_cover(mapping: Mapping, start: int, end: int) -> Cover:
    """Give what a part of a trigger may not show: the values of the variables in it."""
    filled = mapping.variables(("trigger",))
    return Cover(_of_pieces(filled, start, end)) if filled else NO_COVER


def _of_pieces(filled: Filled, start: int, end: int) -> _Found:
    within = (piece for piece in filled.pieces if piece.start < end and piece.end > start)
    return {piece.value: filled.written[slice(*piece.written)] for piece in within if piece.name}


def path_cover(mapping: Mapping, node: Node) -> Cover:
    """Give what the paths that stand in a node may not show."""
    return Cover(variable_texts(mapping, (inner for inner in walk_nodes(node) if not isinstance(inner, Constant))))


def own_reads(node: Node) -> tuple[Keys, ...]:
    """Name the paths that a directive reads by itself, not through directives in it."""
    if not isinstance(node, Call):
        return ()
    match next(iter(node.options.values()), None):
        case PathText(keys) if node.directive.name == "@path":
            return (keys,)
        case TemplateText(pieces):
            return tuple(piece.keys for piece in pieces if isinstance(piece, Placeholder))
        case _:
            return tuple(sorted(mapping_reads(node) or ())) if node.directive.name == "@liquid" else ()


def _own_texts(node: Node) -> Iterator[Node]:
    """List the texts of the file that a node gives, or that a directive puts into what it gives."""
    if isinstance(node, Constant | TemplateText):
        yield node
    elif isinstance(node, Call) and node.directive.name not in ("@if", "@path"):
        yield from (option for option in node.options.values() if isinstance(option, Constant | TemplateText))


def plain_value(value: Value) -> JSON:
    """Give a value of JSON: inside objects what is missing is left out, in lists it is null."""
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items() if item is not MISSING}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    return None if value is MISSING else value


def _secret_texts(explanation: Explanation) -> Iterator[str]:
    """Give what stood in any step on the way to a secret field, but for ids."""
    for found in explanation.mappings:
        for field in found.fields:
            if field.secret and field.step is not None:
                for step in walk_steps([field.step]):
                    if not any(keys[:1] and keys[0] in SHOWN for keys in own_reads(step.node)):
                        yield from _long_texts(_texts(plain_value(step.value)))


def _named_texts(value: JSON) -> Iterator[str]:
    """Give the texts of an event that stand under the name of a secret."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item) if _names_secret(key) else _named_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_texts(item)


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _scalars(value: Value) -> Iterator[str]:
    """Give what stands in a value that was made of another, as texts; but for a boolean beside other values."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from () if isinstance(item, bool) else _scalars(item)
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, int | float):
        yield number_text(value)
    elif isinstance(value, str) and value:
        yield value


def _long_texts(texts: Iterable[str]) -> Iterator[str]:
    return (text for text in texts if len(text) >= _SHORTEST)


def _names_secret(key: str) -> bool:
    return hide("-", key, frozenset()) != "-"
