"""The power goes while the queue is at work: what was acknowledged is there when it comes back, once and in its state.

powercut.c notes what a process does to its files, disks makes of that what a disk may look like after a cut. The first
tests show that this is not vacuous: what is not synced is lost. CRASH_SERIES makes it last longer.
"""

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.crash.disks import FATES, Disk
from tests.crash.forks import Stage, compile_library, has_compiler, open_stage
from tests.crash.promises import broken, read_promises
from tests.crash.scenarios import reopen_queue

SERIES = int(os.environ.get("CRASH_SERIES", "40"))
VICTIMS = 5  # of a series, one after the other on what the one before has left

pytestmark = pytest.mark.skipif(not has_compiler(), reason="powercut.c needs a C compiler, cc")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run the stage of this module's victims."""
    scratch = tmp_path_factory.mktemp("stage").resolve()
    with open_stage(scratch, compile_library(scratch)) as running:
        yield running


def lost_rows(stage: Stage, folder: Path, synchronous: str, seed: int) -> tuple[int, int]:
    """Cut the power while rows are inserted; count the changes that were at risk, and the rows that are lost."""
    dice, live, after = Random(seed), folder / f"{seed}", folder / f"{seed}-after"
    live.mkdir()
    disk = Disk(live)
    ended = stage.perform("insert_rows", live, after=dice.randrange(1, 200), synchronous=synchronous, rows=30)
    disk.follow(ended.log)
    disk.cut(after, dice.choice(FATES), dice)
    said = {int(word) for word in ended.words}
    return disk.unsafe, len(said - kept_rows(after / "rows.db"))


def kept_rows(file: Path) -> set[int]:
    """Read the rows of a database that may be damaged, or none."""
    try:
        with sqlite3.connect(file) as database:
            return {row[0] for row in database.execute("SELECT number FROM rows")}
    except sqlite3.DatabaseError:
        return set()


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_what_is_not_synced_is_lost(stage: Stage, tmp_path: Path, synchronous: str) -> None:
    """A database that does not sync each commit loses rows that it had said are committed."""
    found = [lost_rows(stage, tmp_path.resolve(), synchronous, seed) for seed in range(40)]
    assert sum(lost > 0 for _, lost in found) >= 5


def test_what_is_synced_is_kept(stage: Stage, tmp_path: Path) -> None:
    """A database that syncs each commit loses none of them, although cuts find changes that are not safe yet."""
    found = [lost_rows(stage, tmp_path.resolve(), "FULL", seed) for seed in range(80)]
    assert [seed for seed, (_, lost) in enumerate(found) if lost] == []
    assert sum(unsafe > 0 for unsafe, _ in found) >= 40


@pytest.mark.parametrize(
    ("sync", "is_safe"), [("", False), ("file", False), ("folder", False), ("file and folder", True)]
)
def test_a_name_is_safe_with_its_folder(stage: Stage, tmp_path: Path, sync: str, is_safe: bool) -> None:
    """A file that replaces another is safe once both its bytes and the folder's names are synced, and not before."""
    kept = 0
    for seed in range(20):
        live, after = tmp_path.resolve() / f"{seed}", tmp_path / f"{seed}-after"
        live.mkdir()
        disk = Disk(live)
        ended = stage.perform("replace_file", live, sync=sync)
        disk.follow(ended.log)
        disk.cut(after, FATES[seed % len(FATES)], Random(seed))
        found = (after / "kept").read_bytes() if (after / "kept").exists() else b""
        kept += found == b"2" + b" " * 1_999 + b"end"
    assert (kept == 20) == is_safe
    assert ended.words == ["0", "1", "2"]
    assert kept  # what is not safe is often there all the same


class Series:
    """One queue through several ends of its process: some are cuts of the power, some leave the kernel alive."""

    def __init__(self, stage: Stage, folder: Path, seed: int) -> None:
        self._stage, self._folder, self._dice = stage, folder, Random(seed)
        self._words = list[str]()
        self.counts = Counter[str]()

    def run(self) -> list[str]:
        """Let one victim after the other work on the queue, and list the promises that it does not keep."""
        live = self._folder / "0"
        live.mkdir(parents=True)
        disk = Disk(live)
        for number in range(VICTIMS):
            self._work(disk, number)
            if self._dice.random() < 0.7:
                self.counts["cuts"] += 1
                self.counts["cuts with something at risk"] += disk.unsafe > 0
                live = self._folder / f"{number + 1}"
                disk.cut(live, self._dice.choice(FATES), self._dice)
                disk = Disk(live)
            if wrong := self._wrong(disk.folder / "data"):
                return wrong
        return []

    def _work(self, disk: Disk, number: int) -> None:
        dice = self._dice
        after = dice.randrange(1, 60) if dice.random() < 0.3 else dice.randrange(1, 1_500)
        ended = self._stage.perform(
            "work_queue", disk.folder, after=after, seed=dice.randrange(1_000_000), series=number
        )
        self.counts["kills"] += ended.killed
        self._words += ended.words
        disk.follow(ended.log)

    def _wrong(self, data: Path) -> list[str]:
        """Check a copy, opened as the next server would: what is not noted must not happen to the folder itself."""
        promises, copy = read_promises(self._words), self._folder / "copy"
        if not data.exists():
            return [f"the folder is gone, with {len(promises)} jobs"] if promises else []
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(data, copy)
        reopen_queue(copy)
        self.counts["promises"] += len(promises)
        return broken(promises, copy)


def test_what_was_acknowledged_is_kept(stage: Stage, tmp_path: Path) -> None:
    """What the queue has said that it has and did is so after any chain of kills and cuts, and its ledger balances."""
    counts = Counter[str]()
    for seed in range(SERIES):
        series = Series(stage, tmp_path.resolve() / f"{seed}", seed)
        assert series.run() == [], f"seed {seed}"
        counts += series.counts
    assert counts["kills"] > SERIES * VICTIMS * 0.8, counts
    assert counts["cuts with something at risk"] > SERIES, counts
    assert counts["promises"] > SERIES * 50, counts


def test_what_a_killed_process_had_written_is_made_safe_by_the_next(stage: Stage, tmp_path: Path) -> None:
    """Who sends again is told that it is known only when it is safe, wherever the first process was killed.

    The first may have written a commit and not synced it: the kernel keeps it, and the next process reads it.
    """
    acknowledged = 0
    for after in range(1, 200):
        live, then = tmp_path.resolve() / f"{after}", tmp_path / f"{after}-after"
        live.mkdir()
        disk = Disk(live)
        first = stage.perform("put_once", live, after=after)
        disk.follow(first.log)
        second = stage.perform("put_once", live)
        disk.follow(second.log)
        disk.cut(then, "nothing", Random(after))
        reopen_queue(then / "data")
        assert broken(read_promises(second.words), then / "data") == [], f"killed before change {after}"
        if first.words:
            acknowledged += 1
        if acknowledged > 3:
            break
    assert acknowledged  # every step up to the answer was tried
