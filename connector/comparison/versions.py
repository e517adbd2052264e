"""Two versions of a destination as they are compared, places in their files, and Edits: what was changed, and where.

In: a loaded Destination with its document. Out: places as they are printed. No secret of the files is in any of them.
"""

from typing import Literal, TypeAlias

import msgspec

from connector.destination import Destination
from connector.documents import Document, Part

EditKind: TypeAlias = Literal[
    "added", "removed", "renamed", "enabled", "disabled", "action", "trigger", "field", "setting"
]


class Place(msgspec.Struct, frozen=True):
    """Where something stands: the file as printed, `HEAD:rupt.yaml`, line and column from 1, and the text there."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Version(msgspec.Struct, frozen=True, eq=False):
    """One version of a destination. A file whose name starts with `folder` is printed with `label` in its place.

    `outside` are the files that are not the version's own, but as they are on disk; `root` is what their names start
    with and are printed without.
    """

    destination: Destination
    document: Document
    folder: str = ""
    label: str = ""
    root: str = ""
    outside: tuple[str, ...] = ()

    def name(self, file: str) -> str:
        """Say a file's name as it is printed."""
        if self.folder and file.startswith(self.folder):
            return self.label + file.removeprefix(self.folder)
        return file.removeprefix(self.root)

    @property
    def file(self) -> str:
        """Name the destination file."""
        return self.name(self.destination.file)

    def place(self, part: Part, start: int = 0, end: int = 0, *, text: str = "") -> Place:
        """Give the place of a value in its file, or of a part of its text."""
        shown = part.document.problem("", "", part.path, start=start, end=end)
        return Place(self.name(shown.file), shown.line, shown.column, text or shown.source.strip())


class Edit(msgspec.Struct, frozen=True):
    """One change of the files, and a cause of what changes for events.

    `name` is the setting, or the field with the path in it (`metadata.plan`); `inside` leads on to a directive's option
    (`@if.else`). `before` and `after` are values of a setting, never of a secret one.
    """

    kind: EditKind
    mapping: str | None
    name: str = ""
    inside: str = ""
    old: Place | None = None
    new: Place | None = None
    before: str = ""
    after: str = ""
