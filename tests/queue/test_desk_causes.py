"""Jobs that are alike, counted together, and how named jobs stand: over any number of slices, of one choice."""

from collections import Counter
from pathlib import Path

import pytest

from connector.queue import Note
from connector.queue.desk import Desk
from connector.queue.desk_causes import Alike, alike_jobs, message_ids, standings
from connector.queue.desk_jobs import Choice, job_numbers, list_jobs, stored_jobs
from connector.queue.desk_moves import put_back, total
from connector.queue.sqlite import SqliteQueue
from tests.queue.stored import NOW, build, claim_one, event, job_of

FAILED = Choice(("dead", "held", "invalid"))


async def alike(queue: SqliteQueue) -> None:
    """Bury ten jobs for two reasons in turn, of two accounts and mappings."""
    names = [f"m-{number}" for number in range(10)]
    jobs = [job_of(event(name, f"user-{at % 5}"), "A" if at < 6 else "B", NOW + at) for at, name in enumerate(names)]
    await queue.put(jobs, now=NOW)
    for at, name in enumerate(names):
        await queue.bury(await claim_one(queue, name), now=NOW + 10 + at, note=Note("odd" if at % 2 else "even"))


def counts(found: list[Alike]) -> Counter[tuple[str, str]]:
    """Add groups up by mapping and reason."""
    added = Counter[tuple[str, str]]()
    for one in found:
        added[one.mapping, one.reason] += one.count
    return added


@pytest.mark.parametrize("at_once", [1, 3, 10, 100])
def test_groups_count_every_job_once(at_once: int, tmp_path: Path) -> None:
    """However many jobs are grouped at once, each is counted once, and the first and last times are right."""
    with Desk(build(tmp_path, alike)) as desk:
        found = list(alike_jobs(desk, FAILED, at_once=at_once))
    assert counts(found) == {("A", "odd"): 3, ("A", "even"): 3, ("B", "odd"): 2, ("B", "even"): 2}
    evens = [one for one in found if one.mapping == "A" and one.reason == "even"]
    assert (min(one.first for one in evens), max(one.last for one in evens)) == (NOW + 10, NOW + 14)
    assert sum(len(one.numbers) for one in found) == 10


@pytest.mark.parametrize(
    ("choice", "jobs"),
    [
        (Choice(("dead",), mapping="B"), 4),
        (Choice(("dead",), reason="ODD"), 5),
        (Choice(("dead",), account="user-1"), 2),
        (Choice(("dead",), since=NOW + 2, until=NOW + 4), 2),
        (Choice(("dead",), message_ids=("m-1", "m-2", "nosuch")), 2),
        (Choice(("dead",), limit=7), 7),
        (Choice(("held",)), 0),
    ],
)
def test_groups_of_a_choice(choice: Choice, jobs: int, tmp_path: Path) -> None:
    """A choice means the same jobs as in a list of them."""
    with Desk(build(tmp_path, alike)) as desk:
        assert (
            sum(one.count for one in alike_jobs(desk, choice, at_once=3)) == jobs == len(list(list_jobs(desk, choice)))
        )


def test_samples_are_some_of_the_jobs(tmp_path: Path) -> None:
    """A group names up to three of its jobs, by which their messageIds are found."""
    with Desk(build(tmp_path, alike)) as desk:
        (group,) = [one for one in alike_jobs(desk, FAILED) if one.mapping == "A" and one.reason == "odd"]
        assert message_ids(desk, group.numbers) == ("m-1", "m-3", "m-5")


def test_how_jobs_stand(tmp_path: Path) -> None:
    """Named jobs are told in the order given, what is gone is left out, and a job that was put back waits untried."""
    with Desk(build(tmp_path, alike)) as desk:
        numbers = job_numbers(desk, FAILED)
        moved = total(put_back(desk, numbers[:2], ("dead",), now=NOW + 100))
        assert moved.numbers == tuple(numbers[:2])
        found = list(standings(desk, [numbers[2], 1, numbers[0]]))
    assert [(one.number, one.state, one.reason, one.attempts) for one in found] == [
        (numbers[2], "dead", "even", 1),
        (numbers[0], "waiting", "", 0),
    ]


def test_what_was_not_put_back_is_not_named(tmp_path: Path) -> None:
    """Only the jobs that were moved are named as put back."""
    with Desk(build(tmp_path)) as desk:
        numbers = job_numbers(desk, Choice(("dead", "delivered")))
        moved = total(put_back(desk, numbers, ("dead",), now=NOW + 100))
        assert len(numbers) == 2
        assert [job.message_id for job in list_jobs(desk, Choice(("waiting",))) if job.number in moved.numbers] == [
            "dead"
        ]


def test_many_jobs_with_their_events(tmp_path: Path) -> None:
    """Jobs are read with their events in the order given, each with its last request; what is gone is left out."""
    with Desk(build(tmp_path)) as desk:
        dead, refused = job_numbers(desk, Choice(("dead", "held"), ("dead", "refused")))
        found = list(stored_jobs(desk, [refused, 1, dead] * 50))
    assert [one.message_id for one in found] == ["refused", "dead"] * 50
    assert [one.last.status for one in found[:2] if one.last] == [401, 400]
    assert found[1].job is not None
    assert b'"messageId": "dead"' in found[1].job.raw
