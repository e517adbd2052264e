"""A destination file as a git revision has it: it and all that it includes, written to a folder of its own.

The `git` command is asked; nothing in the repository is touched. Files that nothing names are not read. What
is included from outside of the repository has no revision, and is taken as it is on disk.
"""

import glob
import os
import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from shlex import quote
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
        raise UsageError(_unknown(text, name, top))
    if not colon:
        path = os.path.relpath(os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(file))), ""), top)
        path = os.path.normpath(os.path.join(path, os.path.basename(file)))
    else:
        path = os.path.normpath(os.path.join(prefix, own[2:]) if own.startswith("./") else own)
    revision = Revision(name, tree[0], top, path)
    if _look(revision, path)[0] not in (b"blob", b"symlink"):
        known = "" if colon else _old_name(revision)
        help = known or "give another revision or file; to see all of it as new: --from nothing"
        raise UsageError(f"{name} has no file {path}\n  help: {help}")
    return revision


def _old_name(revision: Revision) -> str:
    """Say under which name the revision has a file that git knows to have been renamed; empty when it knows of none."""
    words = "diff-index", "--cached", "-M", "-z", "--name-status", "--diff-filter=R", revision.tree
    parts = [os.fsdecode(part) for part in _git(revision.top, *words).stdout.split(b"\0")]
    for old, new in zip(parts[1::3], parts[2::3], strict=False):
        if new == revision.path:
            return f"it was {old} then: --from {quote(f'{revision.name}:{old}')}"
    return ""


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


def _unknown(text: str, name: str, top: str) -> str:
    if not name:
        return f"{text!r} names a file in git's index, which is no revision\n  help: --from HEAD{text}"
    if name == "HEAD":
        return "the repository has no commit yet, so there is no old version\n  help: --from nothing takes all as new"
    if name.endswith((".yaml", ".yml")):
        return f"there is no file {name!r}\n  help: check the path; a git revision, or REV:path, may stand here too"
    return (
        f"{text!r} is neither a file nor a revision that this repository has\n  help: check its name{_fetch(name, top)}"
    )


def _fetch(name: str, top: str) -> str:
    """Say how a revision is fetched, so that it has this name afterwards, or which one to give."""
    remotes = _git(top, "remote").stdout.decode(errors="replace").split()
    if not remotes:
        return ""
    if re.search(r"[~^@]|^[0-9a-f]{4,40}$", name):
        is_shallow = _git(top, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        return "; this clone has only the newest commits: git fetch --unshallow" if is_shallow else ""
    remote, _, branch = name.removeprefix("refs/remotes/").partition("/")
    if branch and remote in remotes:
        return f", or fetch it first: git fetch --depth 1 {remote} {quote(f'{branch}:refs/remotes/{remote}/{branch}')}"
    remote = "origin" if "origin" in remotes else remotes[0]
    return f", or fetch it first: git fetch --depth 1 {remote} {quote(name)} (then give --from FETCH_HEAD)"


class Written(msgspec.Struct, frozen=True):
    """A revision's files as they were written: all stand under `root` as they would under /.

    `folder` is where the repository's own are, `outside` are the paths of those that are not from it.
    """

    file: str
    root: str
    folder: str
    outside: tuple[str, ...]


def write_revision(revision: Revision, root: str) -> Written:
    """Write a destination file and all that it includes or starts from to a folder. Raises UsageError."""
    writer = _Writer(revision)
    waiting = [os.path.join(revision.top, revision.path)]
    seen = set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        data = writer.read(path)
        if data is not None:
            target = Path(_below(root, path))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            waiting += writer.named(path, data)
    folder = _below(root, revision.top)
    return Written(os.path.join(folder, revision.path), root, os.path.join(folder, ""), tuple(writer.outside))


def _below(root: str, path: str) -> str:
    return os.path.join(root, path.lstrip(os.sep))


class _Writer:
    """Reads what a revision's files name; `outside` are the paths on disk that were taken as they are."""

    def __init__(self, revision: Revision) -> None:
        self._revision, self._top = revision, os.path.join(revision.top, "")
        self.outside: dict[str, None] = {}

    def read(self, path: str) -> bytes | None:
        """Read a file, through links; None where there is none."""
        if not path.startswith(self._top):
            return self._read_disk(path)
        kind, data = _look(self._revision, path.removeprefix(self._top))
        if kind == b"symlink":  # it leads out of the repository
            return self._read_disk(os.path.join(self._top, os.fsdecode(data)))
        return data if kind == b"blob" else None

    def _read_disk(self, path: str) -> bytes | None:
        try:
            data = Path(path).read_bytes()
        except OSError:  # it will be told when the file is loaded
            return None
        self.outside[os.path.normpath(path)] = None
        return data

    def named(self, path: str, data: bytes) -> Iterator[str]:
        """List the files that a file includes, or whose preset it starts from."""
        for pattern in _names(data, path):
            wanted = os.path.normpath(os.path.join(os.path.dirname(path), pattern))
            if os.path.isabs(pattern):
                self.outside |= dict.fromkeys(glob.glob(wanted, recursive=True))
            elif not wanted.startswith(self._top):
                yield from glob.glob(wanted, recursive=True)
            else:
                yield from (self._top + name for name in self._matches(wanted.removeprefix(self._top), path))

    def _matches(self, wanted: str, path: str) -> Iterator[str]:
        """List files of the revision, at least those that a pattern means."""
        parts = wanted.split("/")
        first = next((at for at, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
        above = "/".join(parts[:first])
        kind, data = _look(self._revision, above)
        if kind == b"missing":
            self._refuse_submodule(above, path)
        if first == len(parts):
            yield above
        elif kind == b"symlink":
            yield from self._linked(os.fsdecode(data), above, parts[first:])
        elif kind == b"tree":
            last = "*" if parts[-1] == "**" else parts[-1]
            for name in _list(self._revision, data.decode(), deep=first < len(parts) - 1):
                if fnmatch(os.path.basename(name), last):
                    yield os.path.join(above, name)

    def _linked(self, folder: str, above: str, rest: list[str]) -> Iterator[str]:
        """List files in a folder outside of the repository, by the paths that a link in it gives them."""
        linked = os.path.normpath(os.path.join(self._top, folder))
        for name in glob.glob("/".join(rest), root_dir=linked, recursive=True):
            yield os.path.join(above, name)

    def _refuse_submodule(self, wanted: str, path: str) -> None:
        parts = wanted.split("/")
        for name in ("/".join(parts[:number]) for number in range(1, len(parts) + 1)):
            if _is_submodule(self._revision, name):
                file = self._revision.label + path.removeprefix(self._top)
                raise UsageError(
                    f"{file} includes {wanted}, which is in the submodule {name}: its old version is not in this"
                    " repository\n  help: give the old version as a file: --from OLD.yaml"
                )


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


def _list(revision: Revision, tree: str, *, deep: bool) -> list[str]:
    """List the files in a folder by the id of its tree; their paths lead from there."""
    flags = ["-r"] if deep else []
    found = _git(revision.top, "ls-tree", "-z", "--name-only", *flags, tree)
    return [os.fsdecode(name) for name in found.stdout.split(b"\0") if name]


def _is_submodule(revision: Revision, path: str) -> bool:
    found = _git(revision.top, "ls-tree", "--full-tree", revision.tree, "--", path)
    return found.stdout.startswith(b"160000 ")


def _look(revision: Revision, path: str) -> tuple[bytes, bytes]:
    """Look a path of a revision up, through links in it: what is there, and its content.

    That is a blob, a tree with its id, a symlink that leads out of the repository with the path from the top, or
    missing.
    """
    asked = os.fsencode(f"{revision.tree}:{path}\n")
    found = _git(revision.top, "cat-file", "--batch", "--follow-symlinks", feed=asked)
    head, _, rest = found.stdout.partition(b"\n")
    words = head.split()
    if found.returncode or not words or not words[-1].isdigit():
        return b"missing", b""
    kind = words[1] if len(words) == 3 else words[0]
    if kind == b"tree":
        return kind, words[0]
    return (kind if kind in (b"blob", b"symlink") else b"missing"), rest[: int(words[-1])]


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
