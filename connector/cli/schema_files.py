"""Where the schemas for editors belong: what the first line of a destination or test file says, or a folder.

In: a file of either kind, a schema or a folder. Out: each file with the bytes it should hold. Nothing is written.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from connector.drafts import is_test_file
from connector.editors import SCHEMAS
from connector.errors import UsageError

_MODELINE: Final = re.compile(rb"^#\s*yaml-language-server:\s*\$schema=(\S+)", re.MULTILINE)
_HEAD: Final = 65_536  # bytes of a file in which it is looked for
_LARGEST: Final = 16_000_000  # bytes of a schema: none of ours comes near


class EditorFiles(msgspec.Struct, frozen=True):
    """Each file by its path with the bytes it should hold; `hint` is what to write for an editor to find them."""

    texts: Mapping[Path, bytes]
    hint: str = ""


def editor_files(target: Path) -> EditorFiles:
    """Say which files an editor needs for a destination or test file, or in a folder.

    Raises UsageError where none can be.
    """
    if target.is_dir():
        return EditorFiles(_texts(target / "destination.schema.json", "destination"))
    if target.suffix == ".json":
        kind = "tests" if _id_of(target) == _id("tests") or target.name == "tests.schema.json" else "destination"
        return EditorFiles(_texts(target, kind))
    kind = "tests" if is_test_file(target.name) else "destination"
    named = _MODELINE.search(_head(target))
    if named is None:
        line = f"# yaml-language-server: $schema={kind}.schema.json"
        hint = f"Write this on the first line of {target}, so that editors find it:\n  {line}"
        return EditorFiles(_texts(target.parent / f"{kind}.schema.json", kind), hint)
    where = named[1].decode(errors="replace")
    if "://" in where:
        raise UsageError(f"{target} takes its schema from {where}, which cannot be written; name a folder")
    return EditorFiles(_texts(target.parent / where, kind))


def read_schema(path: Path) -> bytes | None:
    """Read a schema that may be there, None when nothing is. Raises UsageError for what can be no file of ours."""
    if not path.exists():
        return None
    if not path.is_file():
        raise UsageError(f"{path} is no file, and is left alone; name another folder")
    return _read(path, _LARGEST)


def _head(target: Path) -> bytes:
    if target.exists() and not target.is_file():
        raise UsageError(f"{target} is no file; name a destination file or a folder")
    return _read(target, _HEAD)


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        help = "name a destination file or a folder"
        raise UsageError(f"{path}: {error.strerror}; {help}") from None


def _texts(path: Path, kind: str) -> dict[Path, bytes]:
    """Give the schema of one kind, and that of the other beside it."""
    (other,) = (name for name in SCHEMAS if name != kind)
    paths = {kind: path, other: path.with_name(f"{other}.schema.json")}
    if paths[other] == path:
        raise UsageError(f"{path} is the name of the schema of {other}; name another file for that of {kind}")
    for name, file in paths.items():
        if file.exists() and _id_of(file) != _id(name):
            raise UsageError(
                f"{file} is no schema of {name} that rupt-connector has written, and is left alone; name another folder"
            )
    return {paths[name]: _formatted(name) for name in SCHEMAS}


def _id_of(path: Path) -> object:
    """Give the $id of a schema's file, None where there is none."""
    try:
        found = msgspec.json.decode(read_schema(path) or b"null")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found.get("$id") if isinstance(found, dict) else None


def _id(name: str) -> object:
    return SCHEMAS[name]()["$id"]


def _formatted(name: str) -> bytes:
    return msgspec.json.format(msgspec.json.encode(SCHEMAS[name]()), indent=2) + b"\n"
