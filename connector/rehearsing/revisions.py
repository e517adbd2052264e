"""A destination file as a git revision has it: it and all that it includes, written to a folder of its own.

The `git` command is asked; nothing in the repository is touched. Files that nothing names are not read.
"""

import os
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import msgspec

from connector.documents import read_document
from connector.errors import DestinationError, UsageError
from connector.values import JSON
from connector.variables import StandIns

_MAGIC: Final = frozenset("*?[")


class Revision(msgspec.Struct, frozen=True):
    """A destination file at a revision: `name` as it was asked for, and the id of its `tree`.

    `path` leads to the file from `top`, the repository's uppermost folder.
    """

    name: str
    tree: str
    top: str
    path: str

    @property
    def label(self) -> str:
        """Give what stands before the path in messages."""
        return f"{self.name}:"


def find_revision(text: str, file: str) -> Revision:
    """Find the revision that a text names, and the file in it: `REV`, or `REV:path` as git reads it.

    `file` is the destination file that is meant by a revision alone. Raises UsageError, which says what to do.
    """
    name, colon, own = text.partition(":")
    folder = os.path.dirname(os.path.abspath(file)) if not colon or own.startswith("./") else os.getcwd()
    while not os.path.isdir(folder):  # what is only in the revision need have no folder any more
        folder = os.path.dirname(folder)
    top, prefix = _top(text, folder)
    found = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}")
    tree = found.stdout.decode().split()[-1:]
    if found.returncode or not tree:
        raise UsageError(_unknown(text, name))
    if not colon:
        path = os.path.relpath(os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(file))), ""), top)
        path = os.path.normpath(os.path.join(path, os.path.basename(file)))
    else:
        path = os.path.normpath(os.path.join(prefix, own[2:]) if own.startswith("./") else own)
    if path not in _list(top, tree[0], path):
        raise UsageError(
            f"{name} has no file {path}\n  help: give another revision or file; to see all of it as new: --from nothing"
        )
    return Revision(name, tree[0], top, path)


def _top(text: str, folder: str) -> tuple[str, str]:
    """Find the top folder of the repository that a folder is in, and the path from there."""
    found = _git(folder, "rev-parse", "--show-toplevel", "--show-prefix")
    if not found.returncode:
        top, _, prefix = found.stdout.decode(errors="surrogateescape").partition("\n")
        return os.path.realpath(top), prefix.rstrip("\n")
    words = found.stderr.decode(errors="replace").strip().splitlines()
    why = words[0].removeprefix("fatal: ") if words else "git gave no reason"
    if "not a git repository" in why:
        raise UsageError(
            f"there is no file {text!r}, and it is no revision either: {folder} is in no git repository\n"
            "  help: give the old version as a file: --from OLD.yaml"
        )
    raise UsageError(f"git cannot say what {text!r} is: {why}")


def _unknown(text: str, name: str) -> str:
    if name == "HEAD":
        return "the repository has no commit yet, so there is no old version\n  help: --from nothing takes all as new"
    if name.endswith((".yaml", ".yml")):
        return f"there is no file {name!r}\n  help: check the path; a git revision, or REV:path, may stand here too"
    help = f"check its name; if it is elsewhere, git fetch it first (in CI: git fetch origin {name.rpartition('/')[2]})"
    return f"{text!r} is neither a file nor a revision that this repository has\n  help: {help}"


def write_revision(revision: Revision, folder: str) -> str:
    """Write a destination file and all that it includes or starts from to a folder; give the file's path there."""
    waiting, seen = [revision.path], set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        data = _read(revision, path)
        if data is not None:
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            waiting += _named_files(revision, path, data)
    return os.path.join(folder, revision.path)


def _named_files(revision: Revision, path: str, data: bytes) -> Iterator[str]:
    """List the files of the revision that a file includes, or whose preset it starts from."""
    for pattern in _names(data, path):
        wanted = os.path.normpath(os.path.join(os.path.dirname(path), pattern))
        if wanted.startswith("..") or os.path.isabs(wanted):
            continue
        if not _MAGIC & set(wanted):
            yield wanted
            continue
        parts = wanted.split("/")
        first = next(at for at, part in enumerate(parts) if _MAGIC & set(part))
        above, last = "/".join(parts[:first]), "*" if parts[-1] == "**" else parts[-1]
        for name in _list(revision.top, revision.tree, f"{above}/" if above else "", deep=first < len(parts) - 1):
            if fnmatch(os.path.basename(name), last):
                yield name


def _names(data: bytes, path: str) -> Iterator[str]:
    try:
        value = read_document(data, file=path, environment=StandIns({})).value
    except DestinationError:  # it will be told when the file is loaded
        return
    whole = value if isinstance(value, dict) else {}
    yield from (text for text in _listed(whole.get("include")) if isinstance(text, str))
    for mapping in [value, *_listed(whole.get("mappings"))]:
        preset = mapping.get("preset") if isinstance(mapping, dict) else None
        if isinstance(preset, str) and ("/" in preset or preset.endswith((".yaml", ".yml"))):
            yield preset


def _listed(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else [value]


def _list(top: str, tree: str, path: str, *, deep: bool = False) -> list[str]:
    """List files of a revision: the one at a path, or with a slash at its end those in a folder."""
    flags = ["-r"] if deep else []
    where = ["--", path] if path else []
    found = _git(top, "ls-tree", "-z", "--name-only", "--full-tree", *flags, tree, *where)
    return [text for text in found.stdout.decode(errors="surrogateescape").split("\0") if text]


def _read(revision: Revision, path: str) -> bytes | None:
    """Read a file of a revision, through links in it; None where there is none."""
    asked = f"{revision.tree}:{path}\n".encode(errors="surrogateescape")
    found = _git(revision.top, "cat-file", "--batch", "--follow-symlinks", feed=asked)
    head, _, rest = found.stdout.partition(b"\n")
    words = head.split()
    if found.returncode or len(words) != 3 or words[1] != b"blob":
        return None
    return rest[: int(words[2])]


def _git(folder: str, *words: str, feed: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            ["git", "-c", "core.quotepath=off", "--literal-pathspecs", *words],
            cwd=folder,
            input=feed,
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},  # its messages are read here
        )
    except FileNotFoundError:
        raise UsageError(
            "a revision needs the git command, which is not installed; give the old version as a file: --from OLD.yaml"
        ) from None
