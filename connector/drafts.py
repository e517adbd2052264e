"""The files behind a destination: what it includes and which presets it starts from, gathered into drafts of mappings.

In: the path of a destination file and the environment. Out: its document and one Draft a mapping, each value still with
the file it stands in, and every problem on the way. What the values mean is destination's affair.
"""

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias
from zlib import crc32

import msgspec

from connector.documents import LARGEST, Document, Part, read_document
from connector.errors import DestinationError, Problem, Sources, closest
from connector.positions import shown
from connector.settings import unknown_keys

_INCLUDE: Final = "Further files with mappings, relative to this one; * and ** stand for any names."
_MAPPINGS: Final = "The mappings, at most 50 together with those of the included files."
# The keys of each kind of file, and what stands under them: unknown keys are found by these; editors show the texts.
DESTINATION_KEYS: Final = {
    "destination": "The destination that this file sets up.",
    "settings": "What holds for every mapping: who you are at Rupt, where users are sent, and how requests "
    "are delivered.",
    "include": _INCLUDE,
    "mappings": _MAPPINGS,
}
INCLUDED_KEYS: Final = {
    "description": "What the mappings are for.",
    "include": _INCLUDE,
    "mappings": _MAPPINGS,
}
MAPPING_KEYS: Final = {
    "name": "The mapping's name, its own in the whole destination. With a preset it may be left out.",
    "description": "What the mapping is for.",
    "preset": "Starts from a preset, or from the mapping in a file of yours (./mine.yaml). What stands beside it "
    "overrides: fields go key by key, a field that is null is taken out. The preset's tests count only where trigger, "
    "action and fields are left as they are.",
    "action": "What Rupt is asked to do.",
    "enabled": "Whether the mapping takes events. A disabled one is checked all the same and counts among the 50.",
    "trigger": "Which events the mapping takes, in Segment's filter language: =, !=, <, <=, >, >=, in; "
    'contains(name, "text"), match(name, "text*"); and, or, !, parentheses.',
    "fields": "How the action's fields are filled: with values, with $.paths into the event, with "
    '"{{templates}}" and with directives.',
    "tests": "Events, and what must become of them. Checking the file runs them; nothing is sent.",
}
_SEGMENT_KEYS: Final = {  # of the subscriptions that Segment's interfaces give
    "actionSlug": "action",
    "mapping": "fields",
    "partnerAction": "action",
    "settings": "fields",
    "subscribe": "trigger",
}
_TELLING_KEYS: Final = frozenset({"action", "trigger", "fields", "preset"})  # a file with one of them is one mapping
_LONGEST_CHAIN: Final = 20
_HERE: Final = Path(__file__).parent
_Chain: TypeAlias = dict[str, str]  # the files that include each other down to one, by their real paths


def mappings_folder() -> Path:
    """Give the folder of the presets: inside the package when installed, beside it in a checkout."""
    installed = _HERE / "_data" / "mappings"
    return installed if installed.is_dir() else _HERE.parent / "mappings"


@lru_cache(maxsize=256)
def comes_with_us(file: str) -> bool:
    """Say whether a file is a preset that comes with the connector, by whatever path it was named."""
    return os.path.dirname(os.path.realpath(file)) == os.path.realpath(mappings_folder())


def preset_names() -> list[str]:
    """Name the presets that come with the connector."""
    return sorted(path.stem for path in mappings_folder().glob("*.yaml"))


def is_test_file(file: str) -> bool:
    """Say whether a file is one of tests by its name, so that no pattern of `include` means it."""
    return file.endswith(("_test.yaml", "_test.yml"))


class Draft(msgspec.Struct, frozen=True):
    """A mapping before it is checked: each of its keys and fields with the place that decides it.

    `part` is where the mapping stands, `cleared` the fields that are set to null there. `complete` is false when
    something it is made of could not be read, so that what is missing is not its fault.
    """

    part: Part
    parts: Mapping[str, Part] = {}
    fields: Mapping[str, Part] = {}
    cleared: Mapping[str, Part] = {}
    complete: bool = False


def read_source(file: str) -> bytes:
    """Read a file, or more of it than is taken. Raises OSError and ValueError."""
    with open(file, "rb") as stream:
        return stream.read(LARGEST + 1)  # a device or a pipe may have no end


class Files:
    """Reads the files of one destination, each once, and collects their problems. `instead` goes for disk."""

    def __init__(self, environment: Mapping[str, str], instead: Mapping[str, bytes] = MappingProxyType({})) -> None:
        self.problems: list[Problem] = []
        self._patterns: list[str] = []
        self._sums: dict[str, int | None] = {}
        self._environment = environment
        self._instead = instead
        self._documents: dict[str, Document | None] = {}

    @property
    def sources(self) -> Sources:
        """Tell what was read, or should have been."""
        return Sources(self._sums, tuple(self._patterns))

    def read(self, file: str, asked: Part | None = None) -> Document | None:
        """Read a file, None where that cannot be done; `asked` is what names the file."""
        if file not in self._documents:
            self._documents[file] = self._read(file, asked)
        return self._documents[file]

    def _read(self, file: str, asked: Part | None) -> Document | None:
        self._sums[file] = None
        try:
            data = self._instead[file] if file in self._instead else read_source(file)
            self._sums[file] = crc32(data)
            document = read_document(data, file=file, environment=self._environment)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            message = f"the file {file!r} cannot be read: {why}"
            self.problems.append(asked.problem("cannot_read", message) if asked else _unread(file, message))
            return None
        except DestinationError as error:
            self.problems += error.problems
            return None
        self.problems += document.problems
        return document

    def drafts(self, root: Document) -> list[Draft]:
        """Gather the mappings of a destination file, its own first, then those of each file that it includes."""
        found: list[Draft] = []
        real = os.path.realpath(root.file)
        seen = {real}
        waiting: list[tuple[Document, _Chain]] = [(root, {real: root.file})]
        while waiting:
            document, chain = waiting.pop()
            found += self._mappings(document)
            waiting += reversed(self._included(document, chain, seen))
        return found

    def _mappings(self, document: Document) -> list[Draft]:
        if _is_one_mapping(document):
            return [self.draft(Part(document))]
        whole = Part(document, ("mappings",))
        given = whole.value
        if not isinstance(given, list | None):
            help = "write `- name: …` under it"
            self.problems.append(
                whole.problem("wrong_type", f"'mappings' must be a list, not {shown(given)}", help=help)
            )
            return []
        return [self.draft(whole.child(at)) for at in range(len(given or []))]

    def _included(self, document: Document, chain: _Chain, seen: set[str]) -> list[tuple[Document, _Chain]]:
        if _is_one_mapping(document):
            return []
        whole = Part(document, ("include",))
        given = whole.value
        patterns = [whole] if isinstance(given, str) else [whole.child(at) for at in range(_length(given))]
        if not isinstance(given, list | str | None):
            message = f"'include' must be a list of files, not {shown(given)}"
            self.problems.append(whole.problem("wrong_type", message, help="write include: [mappings/*.yaml]"))
        return [
            inner
            for pattern in patterns
            for file in self._matches(pattern)
            for inner in self._include(file, pattern, chain, seen)
        ]

    def _matches(self, pattern: Part) -> list[str]:
        """Find the files that an item of `include` names, in the order of their names."""
        wanted = pattern.value
        if pattern.is_broken:
            return []
        if not isinstance(wanted, str):
            message = f"a file to include must be a text, not {shown(wanted)}"
            self.problems.append(pattern.problem("wrong_type", message, help="write mappings/*.yaml"))
            return []
        within = os.path.join(glob.escape(os.path.dirname(pattern.document.file)), wanted)
        self._patterns.append(within)
        try:
            matches = glob.glob(within, recursive=True)
            names = {os.path.normpath(match) for match in matches if os.path.isfile(match)}
            found = sorted(name for name in names if not (glob.has_magic(wanted) and is_test_file(name)))
        except ValueError:
            found = []
        if not found:
            message = f"no file matches {pattern.written}"
            help = "the path starts at the folder of this file"
            self.problems.append(pattern.problem("include_not_found", message, help=help))
        return found

    def _include(self, file: str, pattern: Part, chain: _Chain, seen: set[str]) -> Iterator[tuple[Document, _Chain]]:
        real = os.path.realpath(file)
        if real in chain:
            message = f"files include each other: {' includes '.join([*chain.values(), file])}"
            self.problems.append(pattern.problem("include_cycle", message, help="remove one of these includes"))
        if real in seen:
            return
        seen.add(real)
        document = self.read(file, pattern)
        if document is None:
            return
        if not isinstance(document.value, dict):
            message = f"an included file must hold `mappings:` or one mapping, not {shown(document.value)}"
            self.problems.append(Part(document).problem("wrong_type", message))
            return
        if not _is_one_mapping(document):
            self.problems += unknown_keys(document, (), INCLUDED_KEYS)
        yield document, {**chain, real: file}

    def draft(self, part: Part, chain: tuple[str, ...] = ()) -> Draft:
        """Gather the keys and fields of a mapping: its own over those of its preset."""
        value = part.value
        if not isinstance(value, dict):
            message = f"a mapping must be an object, not {shown(value)}"
            self.problems.append(part.problem("wrong_type", message, help="write `- name: …` and go on under `name`"))
            return Draft(part)
        self.problems += unknown_keys(part.document, part.path, MAPPING_KEYS, elsewhere=_SEGMENT_KEYS)
        own = {key: part.child(key) for key in MAPPING_KEYS if value.get(key) is not None}
        own_fields = self._own_fields(own.get("fields"))
        base = self._preset(own["preset"], chain) if "preset" in own else Draft(part, complete=True)
        parts = {**base.parts, **own}
        if own.keys() & {"action", "trigger", "fields"} and "tests" not in own:
            parts.pop("tests", None)  # they were written for the preset as it is
        fields = {**base.fields, **own_fields}
        cleared = {name: field for name, field in fields.items() if field.value is None and not field.is_broken}
        kept = {name: field for name, field in fields.items() if name not in cleared}
        is_complete = base.complete and isinstance(value.get("fields"), dict | None)
        return Draft(part, parts, kept, cleared, is_complete)

    def _own_fields(self, fields: Part | None) -> dict[str, Part]:
        given = fields.value if fields else None
        if fields is None or isinstance(given, dict):
            return {name: fields.child(name) for name in given} if fields and isinstance(given, dict) else {}
        message = f"'fields' must be an object, not {shown(given)}"
        self.problems.append(fields.problem("wrong_type", message, help="write `account: $.userId` under it"))
        return {}

    def _preset(self, asked: Part, chain: tuple[str, ...]) -> Draft:
        """Gather the mapping that a preset file holds; an incomplete draft where that cannot be done."""
        name = asked.value
        if asked.is_broken:
            return Draft(asked)
        if not isinstance(name, str):
            message = f"'preset' must be a text, not {shown(name)}"
            self.problems.append(asked.problem("wrong_type", message, help=f"write one of {', '.join(preset_names())}"))
            return Draft(asked)
        file = _preset_file(name, asked.document.file)
        if not _is_file(file):
            self.problems.append(_preset_not_found(asked, name))
            return Draft(asked)
        real = os.path.realpath(file)
        if real in chain or len(chain) >= _LONGEST_CHAIN:
            links = " starts from ".join([*chain, real]) if real in chain else f"more than {_LONGEST_CHAIN} in a row"
            message = f"presets start from each other: {links}"
            self.problems.append(asked.problem("preset_cycle", message, help="remove one of these presets"))
            return Draft(asked)
        document = self.read(file, asked)
        if document is None:
            return Draft(asked)
        if not _is_one_mapping(document):
            message = f"{asked.written} is not a preset: a preset is a file with one mapping"
            help = "write its keys at the top of the file; include a file with a list of mappings"
            self.problems.append(asked.problem("wrong_value", message, help=help))
            return Draft(asked)
        return self.draft(Part(document), (*chain, real))


def _is_one_mapping(document: Document) -> bool:
    return isinstance(document.value, dict) and not document.value.keys().isdisjoint(_TELLING_KEYS)


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _is_file(file: str) -> bool:
    try:
        return os.path.isfile(file)
    except ValueError:  # a name with a null character
        return False


def _preset_file(name: str, asking: str) -> str:
    if "/" in name or name.endswith((".yaml", ".yml")):
        return os.path.normpath(os.path.join(os.path.dirname(asking), name))
    return str(mappings_folder() / f"{name}.yaml")


def _preset_not_found(asked: Part, name: str) -> Problem:
    if "/" in name or name.endswith((".yaml", ".yml")):
        help = "the path starts at the folder of this file"
    else:
        help = _one_of(name, preset_names())
    return asked.problem("preset_not_found", f"there is no preset {asked.written}", help=help)


def _one_of(name: str, known: Iterable[str]) -> str:
    names = list(known)
    return closest(name, names) or f"known are {', '.join(names)}"


def _unread(file: str, message: str) -> Problem:
    return Problem("cannot_read", message, file, help="check the path, and that the file may be read")
