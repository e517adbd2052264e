"""A disk as the kernel leaves it when the power goes: what was synced is there, of the rest anything may be.

In: a folder, and the log that powercut.c keeps of what a process did in it. Out: a folder as it may look after the cut.
As strict as POSIX: bytes are safe after a sync of their file, a name only after a sync of its folder. Each sector of
512 bytes that was not synced holds any of its versions since, and so do a file's length and each name.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final, Literal, NamedTuple, TypeAlias

SECTOR: Final = 512
Fate: TypeAlias = Literal["nothing", "everything", "some writes", "some sectors"]
"""What becomes of what was not synced: it is lost, it is all there, whole writes of it are, or sectors of it are."""
FATES: Final[tuple[Fate, ...]] = ("nothing", "everything", "some writes", "some sectors")

_HEAD: Final = struct.Struct("<BQqII")


class Change(NamedTuple):
    """One record of the log: `first` is data, a path or a text, `second` what a path was renamed to."""

    kind: str
    inode: int
    offset: int
    first: bytes
    second: bytes


class Write(NamedTuple):
    """Bytes written to a file; without data its length was set to `offset`."""

    offset: int
    data: bytes | None


class File:
    """One file: what is safe, and what was written since. An index that is mapped (-shm) is kept nowhere."""

    def __init__(self, content: bytes = b"") -> None:
        self.safe, self.pending = content, list[Write]()

    def sync(self) -> None:
        """Make safe what was written."""
        self.safe, self.pending = self.content(), []

    def content(self) -> bytes:
        """Give what a reader would see."""
        return _apply(self.safe, self.pending)

    def after_cut(self, fate: Fate, dice: Random) -> bytes:
        """Give what a cut may leave."""
        match fate:
            case "nothing":
                return self.safe
            case "everything":
                return self.content()
            case "some writes":
                return _apply(self.safe, [write for write in self.pending if dice.random() < 0.5])
            case "some sectors":
                return self._torn(dice)

    def _torn(self, dice: Random) -> bytes:
        versions, lengths = self._versions()
        content = bytearray(self.safe)
        for sector, texts in versions.items():
            _put(content, sector * SECTOR, dice.choice(texts))
        length = dice.choice(lengths)
        return bytes(content[:length]).ljust(length, b"\0")

    def _versions(self) -> tuple[dict[int, list[bytes]], list[int]]:
        """List what each sector has held since the last sync, the safe version first, and what the file's lengths were.

        What a disk holds behind the old end of a file may be anything, so a new sector may also be rubbish.
        """
        content, versions, lengths = bytearray(self.safe), dict[int, list[bytes]](), [len(self.safe)]
        for write in self.pending:
            end = _change(content, write)
            for sector in range(min(write.offset, end) // SECTOR, -(-end // SECTOR)):
                start = sector * SECTOR
                before = self.safe[start : start + SECTOR]
                known = versions.setdefault(sector, [before] if before else [b"", b"\xa5" * SECTOR])
                known.append(bytes(content[start : start + SECTOR]))
            lengths.append(len(content))
        return versions, lengths


class Folder:
    """One folder: which names are safe, and which were made, changed or taken away since."""

    def __init__(self) -> None:
        self.safe, self.pending = dict[str, Node](), list[tuple[tuple[str, Node | None], ...]]()

    def sync(self) -> None:
        """Make its names safe."""
        self.safe, self.pending = self.names(), []

    def names(self) -> "dict[str, Node]":
        """Give the names that a reader would see."""
        return self._named(self.pending)

    def _named(self, steps: "list[tuple[tuple[str, Node | None], ...]]") -> "dict[str, Node]":
        names = dict(self.safe)
        for step in steps:
            for name, node in step:
                if node is None:
                    names.pop(name, None)
                else:
                    names[name] = node
        return names

    def after_cut(self, fate: Fate, dice: Random) -> "dict[str, Node]":
        """Give the names that a cut may leave; a rename is done or not, whole."""
        match fate:
            case "nothing":
                return self.safe
            case "everything":
                return self.names()
            case _:
                return self._named([step for step in self.pending if dice.random() < 0.5])


Node: TypeAlias = File | Folder


class Disk:
    """What of a folder is safe and what is not; `folder` is where it lies as long as no power is cut."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, Folder()
        self._nodes: dict[int, Node] = {folder.stat().st_ino: self.root}
        self._indexes: set[Node] = set()
        self._adopt(folder, self.root)

    def _adopt(self, folder: Path, node: Folder) -> None:
        """Take what lies in a folder for safe."""
        for path in folder.iterdir():
            child = Folder() if path.is_dir() else File(path.read_bytes())
            node.safe[path.name] = self._nodes[path.stat().st_ino] = child
            if isinstance(child, Folder):
                self._adopt(path, child)

    def follow(self, log: Path) -> None:
        """Do what a process did that has ended, and then take what its last step left."""
        for change in read_log(log):
            self._follow(change)
        self._look(self.folder, self.root)

    def _follow(self, change: Change) -> None:
        match change.kind:
            case "C" | "D":
                node = self._nodes[change.inode] = File() if change.kind == "C" else Folder()
                parent, name = self._place(change.first)
                parent.pending.append(((name, node),))
            case "W" | "T":
                data = change.first if change.kind == "W" else None
                self._file(change.inode).pending.append(Write(change.offset, data))
            case "S":
                self._nodes[change.inode].sync()
            case "U":
                parent, name = self._place(change.first)
                parent.pending.append(((name, None),))
            case "R":
                self._rename(change)
            case "P":
                self._indexes.add(self._nodes[change.inode])
            case _:
                raise NotImplementedError(f"a cut cannot be made after: {change.first.decode()}")

    def _rename(self, change: Change) -> None:
        (parent, old), (target, new) = self._place(change.first), self._place(change.second)
        if parent is not target:
            raise NotImplementedError("a cut cannot be made after a rename from folder to folder")
        parent.pending.append(((old, None), (new, parent.names()[old])))

    def _place(self, path: bytes) -> tuple[Folder, str]:
        *folders, name = Path(path.decode()).relative_to(self.folder).parts
        parent = self.root
        for folder in folders:
            child = parent.names()[folder]
            assert isinstance(child, Folder)
            parent = child
        return parent, name

    def _file(self, inode: int) -> File:
        node = self._nodes[inode]
        assert isinstance(node, File)
        return node

    def _look(self, folder: Path, node: Folder) -> None:
        """Take for pending what was done and, because the process was killed meanwhile, not noted."""
        known, found = node.names(), {path.name: path for path in folder.iterdir()}
        node.pending += [((name, None),) for name in known.keys() - found.keys()]
        for name, path in found.items():
            child = known.get(name) if known.get(name) is self._nodes.get(path.stat().st_ino) else None
            if child is None:
                child = self._nodes[path.stat().st_ino] = Folder() if path.is_dir() else File()
                node.pending.append(((name, child),))
            if isinstance(child, Folder):
                self._look(path, child)
            elif child not in self._indexes and (content := path.read_bytes()) != child.content():
                child.pending += [Write(0, content), Write(len(content), None)]

    @property
    def unsafe(self) -> int:
        """How many changes a cut could undo now."""
        return sum(len(node.pending) for node in self._reachable(self.root) if node not in self._indexes)

    def _reachable(self, node: Node) -> Iterator[Node]:
        yield node
        if isinstance(node, Folder):
            for child in node.names().values():
                yield from self._reachable(child)

    def cut(self, target: Path, fate: Fate, dice: Random) -> None:
        """Write the disk as it may be after a cut into a new folder."""
        self._write(self.root, target, fate, dice)

    def _write(self, node: Folder, target: Path, fate: Fate, dice: Random) -> None:
        target.mkdir()
        for name, child in sorted(node.after_cut(fate, dice).items()):
            if isinstance(child, Folder):
                self._write(child, target / name, fate, dice)
            elif child not in self._indexes:
                (target / name).write_bytes(child.after_cut(fate, dice))
            elif dice.random() < 0.5:  # a mapped index may be gone, or hold what it likes
                (target / name).write_bytes(dice.randbytes(32_768))


def read_log(log: Path) -> Iterator[Change]:
    """Read the records of a log; one that the kill has cut short was not done."""
    data, at = log.read_bytes() if log.exists() else b"", 0
    while at + _HEAD.size <= len(data):
        kind, inode, offset, first, second = _HEAD.unpack_from(data, at)
        middle = at + _HEAD.size + first
        if middle + second > len(data):
            return
        yield Change(chr(kind), inode, offset, data[at + _HEAD.size : middle], data[middle : middle + second])
        at = middle + second


def _apply(content: bytes, writes: list[Write]) -> bytes:
    changed = bytearray(content)
    for write in writes:
        _change(changed, write)
    return bytes(changed)


def _change(content: bytearray, write: Write) -> int:
    """Do a write, and say where what it has changed ends."""
    if write.data is not None:
        _put(content, write.offset, write.data)
        return write.offset + len(write.data)
    end = max(len(content), write.offset)
    content[write.offset :] = b""
    content.extend(bytes(write.offset - len(content)))
    return end


def _put(content: bytearray, offset: int, data: bytes) -> None:
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data
