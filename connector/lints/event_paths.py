"""Paths into the event that lead nowhere: fields that no event has, or none of those that a trigger lets through.

In: a destination. Out: warnings, with the path that was most likely meant where one is near. What stands below
`properties`, `traits` and `context.traits` is everybody's own; of `context` only near misses of known keys are told.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from connector.destination import Destination
from connector.documents import Part
from connector.errors import Path, Problem, listed, nearest
from connector.event_model import event_model
from connector.events import EVENT_TYPES
from connector.language.paths import Keys
from connector.language.triggers import clauses, field_of, operands
from connector.lints.holding import taken_types
from connector.lints.reading import Read, reads_of
from connector.lints.satisfying import FIELD_TYPES
from connector.mappings import Mapping as DestinationMapping
from connector.values import JSON

_Reading: TypeAlias = tuple[str, Path, int | None, Keys, str]  # a place in a file and what is read there


_Told: TypeAlias = tuple[DestinationMapping, Problem]


class _Finding(msgspec.Struct, frozen=True):
    """A path that leads nowhere: what to say of it, and the keys to write instead, if they are clear."""

    code: str
    message: str
    help: str
    instead: Keys = ()


def check_paths(
    destination: Destination, *, apart: Callable[[str], bool]
) -> Iterator[tuple[DestinationMapping, Problem]]:
    """Warn of paths that no event has, each with a mapping that reads it.

    What several mappings share must lead nowhere in all of them, but for files that are to be taken `apart`.
    """
    found: dict[_Reading, tuple[DestinationMapping, Part, Read, list[_Finding | None]]] = {}
    for mapping in destination.mappings:
        types = taken_types(mapping)
        for part, read in _reads(mapping):
            file = part.document.file
            place = (file, part.path, read.start, read.keys, mapping.name if apart(file) else "")
            findings = found.setdefault(place, (mapping, part, read, []))[3]
            is_asked = not read.path and read.keys[0] in FIELD_TYPES  # a clause that asks in vain is told of itself
            findings.append(_judge(read.keys, EVENT_TYPES if is_asked else types, mapping.name))
    for mapping, part, read, findings in found.values():
        told = [finding for finding in findings if finding is not None]
        if told and len(told) == len(findings):
            yield mapping, _problem(part, read, told[0])


def _reads(mapping: DestinationMapping) -> Iterator[tuple[Part, Read]]:
    trigger = mapping.draft.parts["trigger"]
    for clause in clauses(mapping.trigger):
        for operand in operands(clause):
            field = field_of(operand)
            yield trigger, Read(field.keys, (), field.start)
    for read in reads_of(mapping.fields):
        if read.path:
            yield mapping.draft.fields[str(read.path[0])].child(*read.path[1:]), read


def leads_nowhere(mapping: DestinationMapping, keys: Keys) -> bool:
    """Say whether a path is one that `check_paths` warns of in the fields of a mapping."""
    return _judge(keys, taken_types(mapping), mapping.name) is not None


def _judge(keys: Keys, types: frozenset[str], name: str) -> _Finding | None:
    if not keys:
        return None
    root, known = keys[0], event_model().root.inner
    if root not in known:
        return _unknown_root(keys)
    have = known[root].events
    if have and types and types.isdisjoint(have):
        return _absent(keys, types, have, name)
    return _near_miss(keys)


def _unknown_root(keys: Keys) -> _Finding:
    root, rest = keys[0], keys[1:]
    event = event_model().root
    inside, near = tuple(event.inner["context"].inner), _like(root, tuple(event.inner))
    if near:
        instead: Keys = (near, *rest)
    elif root in inside or (not rest and _like(root, inside) in ("userAgent", "locale", "timezone")):
        instead = ("context", root if root in inside else _like(root, inside), *rest)
    else:
        instead = ()
    key = ".".join(keys)
    help = f"did you mean $.{'.'.join(instead)}?" if instead else _where(key)
    return _Finding("unknown_path", f"no event has a field {root!r}", help, instead)


def _where(key: str) -> str:
    return f"write where it is found: $.traits.{key}, $.context.traits.{key} or $.properties.{key}"


def _absent(keys: Keys, types: frozenset[str], have: tuple[str, ...], name: str) -> _Finding:
    instead: Keys = ()
    if keys[0] == "traits" and types <= {"page", "screen", "track"}:
        instead = ("context", *keys)
    elif keys[0] == "properties" and types <= {"identify", "group"}:
        instead = ("traits", *keys[1:])
    message = f"{name!r} takes only {listed(sorted(types))} events, and {keys[0]} is only in {listed(have)} events"
    help = f"write $.{'.'.join(instead)}" if instead else "read another field, or let the trigger take such events"
    if keys[0] == "traits" and instead:
        help += ": there the user's traits are in the context"
    return _Finding("absent_field", message, help, instead)


def _near_miss(keys: Keys) -> _Finding | None:
    """Recognize a key that is nearly one that the object is known to have."""
    for at in range(1, len(keys)):
        place = event_model().at(keys[:at])
        known = () if place is None else tuple(place.inner)
        if not known or keys[at] in known:
            continue
        near = _like(keys[at], known)
        if not near:
            return None
        above, instead = ".".join(keys[:at]), (*keys[:at], near, *keys[at + 1 :])
        help = f"did you mean $.{'.'.join(instead)}?"
        return _Finding("unknown_path", f"Segment names no field {keys[at]!r} in {above}", help, instead)
    return None


def _like(word: str, known: tuple[str, ...]) -> str:
    """Find the known key that differs only in case and joints, or in a letter or two."""
    plain = {_plain(name): name for name in known}
    same = plain.get(_plain(word))
    if same is not None:
        return same
    return plain.get(nearest(_plain(word), plain), "") if len(word) > 2 else ""


def _plain(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def _problem(part: Part, read: Read, finding: _Finding) -> Problem:
    span = _span(part, read)
    if span is None:  # Liquid, whose paths have no `$.`
        help = finding.help.replace("$.", "") if read.start is None else finding.help
        return part.problem(finding.code, finding.message, help=help, severity="warning")
    start, end = span
    help, new = finding.help, ".".join(finding.instead)
    fix = part.replaced(start, end, new) if new else None
    if new and _makes_branches_equal(part, str(part.value)[start:end], new):
        help, fix = f"write $.{new} in place of the @if, of which both branches would be the same", None
    at_dollar = start - 2 if part.value and str(part.value)[:start].endswith("$.") else start
    return part.problem(
        finding.code,
        finding.message,
        start=at_dollar,
        end=end,
        help=help,
        severity="warning",
        fix=fix and fix.unsafe(),
    )


def _makes_branches_equal(part: Part, old: str, new: str) -> bool:
    """Say whether both branches of an @if around a path are the same once another path is written."""
    for at, key in enumerate(part.path):
        options = Part(part.document, part.path[: at + 1]).value if key == "@if" else None
        if isinstance(options, dict) and {"then", "else"} <= options.keys():
            then, other = (_renamed(options[name], old, new) for name in ("then", "else"))
            if then == other:
                return True
    return False


def _renamed(value: JSON, old: str, new: str) -> JSON:
    match value:
        case str():
            return re.sub(rf"(?<![\w.])(\$\.)?{re.escape(old)}(?!\w)", lambda found: f"{found[1] or ''}{new}", value)
        case dict():
            return {key: _renamed(inner, old, new) for key, inner in value.items()}
        case list():
            return [_renamed(inner, old, new) for inner in value]
    return value


def _span(part: Part, read: Read) -> tuple[int, int] | None:
    """Find the path in the text that holds it, where it is spelled with dots alone."""
    text, spelled = part.value, ".".join(read.keys)
    if read.start is None or not isinstance(text, str):
        return None
    at = text.find(spelled, read.start)
    return (at, at + len(spelled)) if at >= 0 else None
