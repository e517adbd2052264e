"""A destination file in YAML becomes a frozen Destination: settings and at most 50 compiled mappings.

In: a path and the environment for `${NAME}`. Out: a Destination, or DestinationError with all problems of all files,
each with file, line and column. Nothing is sent, and no event is looked at.
"""

import os
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Environment
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec.structs import replace

from connector.cases import Case
from connector.documents import Document, Part
from connector.drafts import DESTINATION_KEYS, Draft, Files, mappings_folder, preset_names
from connector.errors import DestinationError, Problem, Sources
from connector.mappings import Mapping, Reads, build_mapping, union_reads
from connector.positions import shown
from connector.settings import Settings, read_settings, unknown_keys

__all__ = ["MOST_MAPPINGS", "Case", "Destination", "Mapping", "Settings", "load", "mappings_folder", "preset_names"]

MOST_MAPPINGS: Final = 50  # as many as Segment allows for one destination
_ROUTING: Final[Reads] = frozenset({("type",), ("event",), ("integrations",)})
_CONSENT: Final[Reads] = frozenset({("context", "consent")})


class Destination(msgspec.Struct, frozen=True, eq=False):
    """A destination that is ready to use. `reads` are the paths of events that its mappings look at, None for all."""

    file: str
    settings: Settings
    mappings: tuple[Mapping, ...]
    reads: Reads | None
    sources: Sources = Sources()

    def __repr__(self) -> str:
        return f"Destination({self.file!r}, {self.settings!r}, {self.mappings!r})"

    @property
    def event_reads(self) -> Reads | None:
        """Give the paths of events to decode: what the mappings look at, and what decides where an event goes."""
        if self.reads is None:
            return None
        consent = _CONSENT if self.settings.consent_categories else frozenset()
        return self.reads | _ROUTING | consent

    def only(self, names: Iterable[str]) -> "Destination":
        """Give the same destination with the mappings of these names alone."""
        wanted = frozenset(names)
        mappings = tuple(mapping for mapping in self.mappings if mapping.name in wanted)
        return replace(self, mappings=mappings, reads=union_reads(mapping.reads for mapping in mappings))


def load(
    path: str | os.PathLike[str],
    environment: Environment[str, str],
    *,
    instead: Environment[str, bytes] = MappingProxyType({}),
) -> Destination:
    """Load a destination file and all that it includes. Raises DestinationError with every problem there is.

    `instead` are files by name that are taken to hold something else than what is on disk.
    """
    files = Files(environment, instead)
    root = files.read(os.fspath(path))
    if root is None:
        raise DestinationError(_sorted(files.problems), files.sources)
    settings, problems = _read_head(root)
    drafts = files.drafts(root) if isinstance(root.value, dict) else []
    has_secret = root.get(("settings", "api_secret")) is not None
    built = [build_mapping(draft, has_secret=has_secret) for draft in drafts]
    problems += [*files.problems, *_too_many(drafts), *_duplicate_names(drafts)]
    problems += [problem for _, found in built for problem in found]
    mappings = tuple(mapping for mapping, _ in built if mapping is not None)
    if problems or settings is None or len(mappings) < len(drafts):
        raise DestinationError(_sorted(problems), files.sources)
    reads = union_reads(mapping.reads for mapping in mappings)
    return Destination(root.file, settings, mappings, reads, files.sources)


def _sorted(problems: list[Problem]) -> list[Problem]:
    """Order problems by file and line; one in a preset that several mappings use is told once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line, problem.column))


def _read_head(root: Document) -> tuple[Settings | None, list[Problem]]:
    if not isinstance(root.value, dict):
        message = f"a destination file must hold an object, not {shown(root.value)}"
        return None, [Part(root).problem("wrong_type", message, help="write `destination: rupt` and go on from there")]
    settings, problems = read_settings(root)
    problems += unknown_keys(root, (), DESTINATION_KEYS)
    kind = Part(root, ("destination",))
    if "destination" not in root.value:
        problems.append(kind.problem("missing_key", "the key 'destination' is missing", help="write destination: rupt"))
    elif kind.value != "rupt" and not kind.is_broken:
        problems.append(kind.problem("wrong_value", "the destination must be rupt", help="write destination: rupt"))
    return settings, problems


def _too_many(drafts: list[Draft]) -> Iterator[Problem]:
    if len(drafts) > MOST_MAPPINGS:
        message = f"a destination takes at most {MOST_MAPPINGS} mappings, this one has {len(drafts)}"
        help = "merge mappings whose fields are alike with `or` in their triggers, or remove disabled ones"
        yield drafts[MOST_MAPPINGS].part.child("name").problem("too_many_mappings", message, help=help)


def _duplicate_names(drafts: list[Draft]) -> Iterator[Problem]:
    first: dict[str, Draft] = {}
    for draft in drafts:
        name = draft.parts.get("name")
        if name is None or not isinstance(name.value, str) or name.is_broken:
            continue
        other = first.setdefault(name.value, draft)
        if other is not draft:
            own = draft.part.child("name")
            message = f"two mappings have the name {name.written}, the other at {other.part.child('name').location()}"
            yield own.problem("duplicate_name", message, help="give it a name of its own: `name: …`")
