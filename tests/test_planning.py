from pathlib import Path

import pytest

from connector.destination import Destination, load
from connector.pipeline import STALE, Invalid, Planned, Skipped
from connector.planning import MAPPING_GONE, Planning, moving_cutoff
from connector.queue import Job, new_job
from connector.retry import Hold
from connector.values import dump_json


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    """Load a destination that attaches every page."""
    file = tmp_path / "rupt.yaml"
    file.write_text(
        "destination: rupt\nsettings: {client_id: client-1, new_account_url: https://app.example.com/}\n"
        "mappings: [{preset: attach-device}]\n",
        encoding="utf-8",
    )
    return load(file, {})


def page(mapping: str = "Attach Device", **more: str) -> Job:
    """Make the job of a page."""
    event = {"type": "page", "messageId": "m", "userId": "u", "anonymousId": "a"} | more
    return new_job("m", mapping, dump_json(event), 0.0)


def test_planned(destination: Destination) -> None:
    """A job's event goes through its mapping."""
    plan = Planning(destination, oldest=lambda: None).plan(page())
    assert isinstance(plan, Planned)
    assert plan.payload["account"] == "u"


def test_mapping_gone(destination: Destination) -> None:
    """A job whose mapping is gone from the file is held with that reason."""
    assert Planning(destination, oldest=lambda: None).plan(page("Gone")) == Hold(MAPPING_GONE)


def test_unreadable(destination: Destination) -> None:
    """An event that cannot be read is invalid, with the reason."""
    plan = Planning(destination, oldest=lambda: None).plan(new_job("m", "Attach Device", b"{", 0.0))
    assert isinstance(plan, Invalid)
    assert plan.problems[0].startswith("bad_request: not JSON")


def test_stale_as_time_goes_on(destination: Destination) -> None:
    """An event grows stale while it waits, and a clock that is set back makes it fresh again."""
    time = [1_700_000_000.0]
    planning = Planning(destination, oldest=moving_cutoff(3_600.0, lambda: time[0]))
    job = page(timestamp="2023-11-14T22:13:20.000Z")
    assert isinstance(planning.plan(job), Planned)
    time[0] += 3_601.0
    assert planning.plan(job) == Skipped(STALE)
    time[0] -= 3_601.0
    assert isinstance(planning.plan(job), Planned)


def test_any_age(destination: Destination) -> None:
    """Where any age is taken, no event is stale."""
    assert moving_cutoff(None, lambda: 0.0)() is None
