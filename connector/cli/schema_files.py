"""Where the schemas for editors belong: what a destination file's first line says, or a folder.

In: a destination file, a schema's file or a folder. Out: each file with the bytes it should hold. Nothing is written.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from connector.editors import SCHEMAS
from connector.errors import UsageError

_MODELINE: Final = re.compile(rb"^#\s*yaml-language-server:\s*\$schema=(\S+)", re.MULTILINE)
_OURS: Final = b"urn:rupt-connector:schema:"
_HEAD: Final = 65_536  # bytes of a file in which it is looked for


class EditorFiles(msgspec.Struct, frozen=True):
    """Each file by its path with the bytes it should hold; `hint` is what to write for an editor to find them."""

    texts: Mapping[Path, bytes]
    hint: str = ""


def editor_files(target: Path) -> EditorFiles:
    """Say which files an editor needs for a destination file, or in a folder. Raises UsageError where none can be."""
    if target.is_dir():
        return EditorFiles(_texts(target / "destination.schema.json"))
    if target.suffix == ".json":
        return EditorFiles(_texts(target))
    try:
        named = _MODELINE.search(target.read_bytes()[:_HEAD])
    except OSError as error:
        help = "name a destination file or a folder"
        raise UsageError(f"{target}: {error.strerror}; {help}") from None
    if named is None:
        line = "# yaml-language-server: $schema=destination.schema.json"
        hint = f"Write this on the first line of {target}, so that editors find it:\n  {line}"
        return EditorFiles(_texts(target.parent / "destination.schema.json"), hint)
    where = named[1].decode(errors="replace")
    if "://" in where:
        raise UsageError(f"{target} takes its schema from {where}, which cannot be written; name a folder")
    return EditorFiles(_texts(target.parent / where))


def _texts(destination: Path) -> dict[Path, bytes]:
    paths = {destination: "destination", destination.with_name("tests.schema.json"): "tests"}
    for path in paths:
        if path.is_file() and _OURS not in path.read_bytes()[:_HEAD]:
            raise UsageError(f"{path} is no schema of rupt-connector, and is left alone; name another folder")
    return {path: _formatted(name) for path, name in paths.items()}


def _formatted(name: str) -> bytes:
    return msgspec.json.format(msgspec.json.encode(SCHEMAS[name]()), indent=2) + b"\n"
