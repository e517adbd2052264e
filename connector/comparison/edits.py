"""What an edit changes in the files: settings, and mappings paired by name, each with its place in both versions.

In: two Versions of a destination. Out: a Comparison. Descriptions and tests of mappings change nothing that is sent.
"""

from collections.abc import Iterator, Mapping

import msgspec

from connector.comparison.setting_edits import setting_edits
from connector.comparison.trees import Difference, differences, shape
from connector.comparison.versions import Edit, EditKind, Place, Version
from connector.destination import Mapping as Route
from connector.documents import Part
from connector.errors import Path
from connector.language.directives import Node


class Pair(msgspec.Struct, frozen=True, eq=False):
    """A mapping in both versions; one that was added or removed stands in one of them alone.

    `fields` are the differences of the fields, each with its Edit. `edits` are all that was changed of the mapping.
    """

    old: Route | None
    new: Route | None
    edits: tuple[Edit, ...] = ()
    fields: tuple[tuple[Difference, Edit], ...] = ()

    def __repr__(self) -> str:
        return f"Pair({self.name!r})"

    @property
    def name(self) -> str:
        """Name the mapping as it is called now, or was when it was removed."""
        mapping = self.new or self.old
        return mapping.name if mapping else ""

    def edit(self, *kinds: EditKind) -> Edit | None:
        """Give the first edit of these kinds."""
        return next((edit for edit in self.edits if edit.kind in kinds), None)


class Comparison(msgspec.Struct, frozen=True, eq=False):
    """What was changed: mappings in the order of the new file, removed ones last, and settings by their names."""

    old: Version
    new: Version
    pairs: tuple[Pair, ...]
    settings: Mapping[str, Edit]

    @property
    def edits(self) -> tuple[Edit, ...]:
        """List every edit."""
        return (*self.settings.values(), *(edit for pair in self.pairs for edit in pair.edits))


def compare(old: Version, new: Version) -> Comparison:
    """Find all that differs between two versions."""
    before = {mapping.name: mapping for mapping in old.destination.mappings}
    after = {mapping.name: mapping for mapping in new.destination.mappings}
    names = dict(_renamed(before, after)) | {name: name for name in after if name in before}
    pairs = [_pair(old, new, before.get(names.get(name, "")), mapping) for name, mapping in after.items()]
    gone = [mapping for name, mapping in before.items() if name not in names.values()]
    pairs += [_pair(old, new, mapping, None) for mapping in gone]
    return Comparison(old, new, tuple(pairs), {edit.name: edit for edit in setting_edits(old, new)})


def _renamed(before: dict[str, Route], after: dict[str, Route]) -> Iterator[tuple[str, str]]:
    """Find mappings that do what one of another name did, which is gone: new name and old name."""
    gone = {name: _deed(mapping) for name, mapping in before.items() if name not in after}
    for name, mapping in after.items():
        if name not in before:
            found = next((old for old, deed in gone.items() if deed == _deed(mapping)), None)
            if found is not None:
                del gone[found]
                yield name, found


def _deed(mapping: Route) -> object:
    return mapping.action, shape(mapping.trigger), shape(mapping.fields)


def _pair(old: Version, new: Version, before: Route | None, after: Route | None) -> Pair:
    if before is None or after is None:
        mapping, version = (after, new) if after else (before, old)
        assert mapping is not None
        place = version.place(mapping.draft.part.child("name"), text=f"- name: {mapping.name}")
        edit = Edit("added", mapping.name, new=place) if after else Edit("removed", mapping.name, old=place)
        return Pair(before, after, (edit,))
    writer = _Writer(old, new, before, after)
    fields = tuple((found, writer.field(found)) for found in differences(before.fields, after.fields))
    return Pair(before, after, (*writer.whole(), *(edit for _, edit in fields)), fields)


class _Writer:
    """Writes the edits of a mapping that stands in both versions."""

    def __init__(self, old: Version, new: Version, before: Route, after: Route) -> None:
        self._old, self._new, self._before, self._after = old, new, before, after

    def whole(self) -> Iterator[Edit]:
        """Find what was changed beside the fields."""
        before, after = self._before, self._after
        if before.name != after.name:
            yield self._edit("renamed", "name", before.name, after.name)
        if before.enabled != after.enabled:
            yield self._edit("enabled" if after.enabled else "disabled", "enabled")
        if before.action != after.action:
            yield self._edit("action", "action", before.action, after.action)
        if shape(before.trigger) != shape(after.trigger):
            yield self._edit("trigger", "trigger")

    def _edit(self, kind: EditKind, key: str, before: str = "", after: str = "") -> Edit:
        old = self._old.place(_part(self._before, (key,)))
        new = self._new.place(_part(self._after, (key,)))
        return Edit(kind, self._after.name, key, "", old, new, before, after)

    def field(self, found: Difference) -> Edit:
        """Say where a part of the fields was changed; what is new there has its place in the new version alone."""
        old = None if found.old is None else self._node(self._old, self._before, found.old)
        new = None if found.new is None else self._node(self._new, self._after, found.new)
        node = found.new or found.old
        inside = node.path[len(found.output) :] if node else ()
        name = ".".join(found.output) or "fields"
        return Edit("field", self._after.name, name, ".".join(map(str, inside)), old, new)

    def _node(self, version: Version, mapping: Route, node: Node) -> Place:
        part = _part(mapping, ("fields", *node.path))
        return version.place(part, text=_scalar(part))


def _scalar(part: Part) -> str:
    """Print a text or number of the file behind its key; nothing for what the line has to show, or to hide."""
    place, exact = part.document.find(part.path)
    written = part.document.source.text[place.start : place.end]
    if not exact or place.style is None or "\n" in written or any("secret" in str(key).lower() for key in part.path):
        return ""
    return f"{part.path[-1]}: {written}" if part.path and isinstance(part.path[-1], str) else written


def _part(mapping: Route, path: Path) -> Part:
    """Find where something of a mapping stands, in its own file or in its preset's."""
    parts = mapping.draft.fields if path[0] == "fields" and len(path) > 1 else mapping.draft.parts
    name, rest = (path[1], path[2:]) if parts is mapping.draft.fields else (path[0], path[1:])
    found = parts.get(str(name))
    return found.child(*rest) if found else mapping.draft.part.child(*path)


def clause_edit(comparison: Comparison, pair: Pair, old: tuple[int, int] | None, new: tuple[int, int] | None) -> Edit:
    """Make the Edit of a part of a trigger, from `start` to `end` in the old and in the new text."""
    whole = pair.edit("trigger")
    assert whole is not None
    return Edit(
        "trigger",
        pair.name,
        "trigger",
        "",
        _clause_place(comparison.old, pair.old, old) or (whole.old if new is None else None),
        _clause_place(comparison.new, pair.new, new) or (whole.new if old is None else None),
    )


def _clause_place(version: Version, mapping: Route | None, span: tuple[int, int] | None) -> Place | None:
    if mapping is None or span is None:
        return None
    text = " ".join(mapping.trigger_text[slice(*span)].split())
    return version.place(_part(mapping, ("trigger",)), *span, text=text)
