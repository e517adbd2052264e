"""What of an explanation may not be shown: an event's secrets, and what the file's variables were filled with.

In: an explanation and the whole destination. Out: values and texts for printing, with `[redacted]` for secrets and what
mappings made of them, and `${NAME}` as the file has it for the values of variables.
"""

from collections.abc import Iterable, Iterator

from msgspec import UNSET

from connector.cli.explain_shapes import Shown
from connector.covers import NO_COVER, SHORTEST, Cover, plain_value, scalars
from connector.destination import Destination, Mapping
from connector.explanations import Change, Explanation, Field, MappingExplanation
from connector.hiding import SHOWN, Hiding, hide
from connector.language.compiler import mapping_reads
from connector.language.directives import Call, Constant, Node, PathText, TemplateText, walk_nodes
from connector.language.paths import Keys, walk
from connector.language.templates import Placeholder
from connector.language.tracing import Step, walk_steps
from connector.rows import REDACTED
from connector.values import JSON, MISSING, Value
from connector.variable_covers import Finder
from connector.variables import Filled


class Veil:
    """Hides what of one event may not be shown."""

    def __init__(self, explanation: Explanation, destination: Destination) -> None:
        self._event = explanation.event.data
        self._open = {value for key in SHOWN if isinstance(value := self._event.get(key), str)}
        named = frozenset(_long_texts(_named_texts(self._event))) - self._open
        self._texts = Hiding(destination).texts(self._event) | frozenset(_secret_texts(explanation)) | named
        self.steps: dict[int, Cover] = {}

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
            text = text.replace(secret, REDACTED) if len(secret) >= SHORTEST else text
        return text

    def read(self, keys: Keys) -> Value:
        """Give what stands in the event at a path."""
        return walk(self._event, keys)  # type: ignore[arg-type]  # JSON is a Value without MISSING

    # -- covers ------------------------------------------------------------------------------------------------------

    def of_field(self, found: MappingExplanation, field: Field) -> Cover:
        """Gather what a field's values may not show; remembers the covers of its steps."""
        cover = _Finder(self, found.mapping).find(field.step) if field.step else NO_COVER
        sent = (change for part in found.sent if part.field == field.name for change in part.changes)
        for change in (*field.changes, *sent):
            cover = self._with_converted(change, cover)
        return cover

    def of_step(self, step: Step) -> Cover:
        """Give what was gathered for a step."""
        return self.steps.get(id(step), NO_COVER)

    def of_reads(self, step: Step) -> Cover:
        """Give what may not be shown of what a step itself has read."""
        return _joined_texts(self.secrets_read(step))

    def _with_converted(self, change: Change, cover: Cover) -> Cover:
        at = cover.below(*change.path)
        if change.kind != "converted" or not self.is_hidden(change.before, at):
            return cover
        before = self.shown(change.before, "", at)
        shown = before if isinstance(before, str) else REDACTED
        texts = {text: shown for text in scalars(change.after) if not self.is_hidden(text, at)}
        return cover.adding(change.path, texts)

    def secrets_read(self, step: Step) -> Iterator[str]:
        """Give the texts that stand under the name of a secret and that a step itself has read."""
        for keys in own_reads(step.node):
            if not any(map(_names_secret, keys)):
                continue
            is_path = isinstance(step.node, Call) and step.node.directive.name == "@path"
            value = step.value if is_path else MISSING if step.inner else self.read(keys)
            yield from (text for text in _texts(plain_value(value)) if text and text not in self._open)

    def works_on_secrets(self, step: Step) -> bool:
        """Say whether a step itself has read what is hidden."""
        if step.inner:
            return any(_names_secret(key) for keys in own_reads(step.node) for key in keys)
        cover = self.of_reads(step)
        return any(self.is_hidden(self.read(keys), cover) for keys in own_reads(step.node))

    def is_hidden(self, value: Value, cover: Cover) -> bool:
        """Say whether anything in a value is not shown as it is."""
        given = plain_value(value)
        return value is not MISSING and self.hidden(given, "", cover) != given


class _Finder(Finder):
    """Finds covers of steps, of what is secret by its name too, and tells a Veil of each."""

    def __init__(self, veil: Veil, mapping: Mapping) -> None:
        super().__init__(mapping)
        self._veil = veil

    def find(self, step: Step) -> Cover:
        cover = self._veil.steps[id(step)] = super().find(step)
        return cover

    def read_secrets(self, step: Step, /) -> Cover:
        return self._veil.of_reads(step)

    def works_on_secrets(self, step: Step, /) -> bool:
        return self._veil.works_on_secrets(step)

    def is_hidden(self, value: Value, cover: Cover) -> bool:
        return self._veil.is_hidden(value, cover)


def _joined_texts(texts: Iterable[str]) -> Cover:
    """Hide secrets; a short one where it is a word."""
    return Cover(dict.fromkeys(texts, REDACTED))


# -- what is hidden --------------------------------------------------------------------------------------------------


def clause_cover(mapping: Mapping, start: int, end: int) -> Cover:
    """Give what a part of a trigger may not show: the event's texts that a variable in it is found to be, if long."""
    filled = mapping.variables(("trigger",))
    texts = _of_pieces(filled, start, end) if filled else {}
    return Cover(whole={text: shown for text, shown in texts.items() if len(text) >= SHORTEST})


def _of_pieces(filled: Filled, start: int, end: int) -> dict[str, str]:
    within = (piece for piece in filled.pieces if piece.start < end and piece.end > start)
    return {piece.value: filled.written[slice(*piece.written)] for piece in within if piece.name}


def path_cover(mapping: Mapping, node: Node) -> Cover:
    """Give what the paths that stand in a node may not show."""
    texts: dict[str, str] = {}
    for inner in walk_nodes(node):
        filled = None if isinstance(inner, Constant) else mapping.variables(("fields", *inner.path))
        if filled and (own := _of_pieces(filled, 0, len(filled.text))):
            texts |= {**own, filled.text: filled.written}
    return Cover(texts)


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


def _long_texts(texts: Iterable[str]) -> Iterator[str]:
    return (text for text in texts if len(text) >= SHORTEST)


def _names_secret(key: str) -> bool:
    return hide("-", key, frozenset()) != "-"
