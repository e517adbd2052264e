"""`audit`: the ledger as a table and as rows, and every difference with exit code 6."""

import sqlite3
from pathlib import Path

import pytest

from connector.queue.sqlite import SqliteQueue
from connector.queue.store import FILE
from tests.cli.command import Screen, call
from tests.queue.stored import NOW, build, event, job_of


def test_a_ledger_that_balances(tmp_path: Path) -> None:
    """Each mapping and all together are told, with a row each and exit code 0, in a table or as JSON."""
    folder = build(tmp_path)
    done, rows = call("audit", "--data", folder, "--deep"), call("audit", "--data", folder, "--json")
    assert (done.code, rows.code) == (0, 0)
    assert done.err == "the ledger balances\n"
    assert [line.split()[:2] for line in done.out.splitlines()[2:]] == [
        ["(no", "mapping)"],
        ["Attach", "Device"],
        ["all", "11"],
    ]
    assert [row["row"] for row in rows.rows] == ["mapping", "mapping", "total"]
    assert rows.rows[1] == {
        "row": "mapping",
        "mapping": "Attach Device",
        "accepted": 10,
        "delivered": 1,
        "filtered": 0,
        "skipped": 1,
        "invalid": 1,
        "dead": 1,
        "waiting": 2,
        "sending": 1,
        "held": 3,
        "inDoubt": 2,
        "balances": True,
    }


@pytest.mark.parametrize("columns", ["40", "80", "100", "400"])
def test_a_ledger_on_a_terminal(columns: str, tmp_path: Path) -> None:
    """However narrow a terminal is, every mapping and every number that is not zero is there."""
    folder = build(tmp_path)
    done = call("audit", "--data", folder, stdout=Screen(), env={"COLUMNS": columns})
    assert max(map(len, done.out.splitlines())) <= int(columns)
    for words in ("(no mapping)", "Attach Device", "all", "accepted", "delivered", "invalid", "in doubt", "11"):
        assert words in done.out


def test_columns_of_zeros_make_room(tmp_path: Path) -> None:
    """On a narrow terminal the states in which nothing is are left out; off a terminal all are there."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("m-1"))], now=NOW)

    folder = build(tmp_path, fill)
    first, *_ = call("audit", "--data", folder, stdout=Screen(), env={"COLUMNS": "80"}).out.splitlines()
    assert first.split() == ["mapping", "accepted", "waiting"]
    assert "delivered" in call("audit", "--data", folder).out


def test_a_ledger_that_does_not_balance(tmp_path: Path) -> None:
    """The mapping, the state, what the counter and what the rows say are told, and the exit code is 6."""
    folder = build(tmp_path)
    file = sqlite3.connect(folder / FILE)
    with file:
        file.execute("UPDATE tallies SET count = count - 1 WHERE what = 'held'")
        file.execute("DELETE FROM events WHERE message_id = 'waiting'")
    file.close()
    done, rows = call("audit", "--data", folder), call("audit", "--data", folder, "--json")
    assert (done.code, rows.code) == (6, 6)
    assert "Attach Device: 10 accepted, but 9 accounted for: 1 too few\n" in done.err
    assert "Attach Device: held: the counter says 2, the rows say 3\n" in done.err
    assert "1 jobs whose event is gone\n" in done.err
    assert done.err.endswith("the ledger does NOT balance\n")
    difference = {"row": "difference", "mapping": "Attach Device", "what": "held", "counter": 2, "rows": 3, "purged": 0}
    assert difference in rows.rows
    assert {"row": "stray", "what": "jobs whose event is gone", "rows": 1} in rows.rows


def test_a_folder_without_a_queue(tmp_path: Path) -> None:
    """Nothing can be said of a folder without a queue: exit code 2, and nothing is made there."""
    done = call("audit", "--data", tmp_path)
    assert done.code == 2
    assert list(tmp_path.iterdir()) == []
