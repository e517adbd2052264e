"""`jobs retry --staged`: one, ten, then the rest; it stops when they fail again, and leaves nothing half done."""

import asyncio
import io
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from connector.cli.job_server import Served, wait_for_server
from connector.cli.job_staged import retry_staged
from connector.cli.streams import Streams
from connector.destination import Destination, load
from connector.queue import Cause, Job, Note, State
from connector.queue.desk import Desk
from connector.queue.desk_causes import message_ids
from connector.queue.desk_jobs import Choice, job_numbers, list_jobs
from connector.queue.desk_moves import put_back, total
from connector.queue.folder import FolderLock
from connector.queue.loaded import Loaded, absolute, write_loaded
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.staging import Clock, Rules, look_ahead, sample
from connector.values import load_json
from tests.cli.command import call, page, start, write_config
from tests.cli.serving import Serving, serving
from tests.cli.standing import Standing, standing
from tests.queue.stored import LEASE, NOW, build, claim_one, event, job_of

MAPPING = '{name: M, action: attach, trigger: type = "page", fields: {account: $.nobody}}'
MENDED = MAPPING.replace("$.nobody", "$.userId")
ALL: Final = ("waiting", "sending", "held", "delivered", "skipped", "invalid", "dead")
INVALID: Final[tuple[State, ...]] = ("invalid",)
STAGED = ("jobs", "retry", "--staged", "--state", "invalid", "--data")


# With a server


def configure(folder: Path, rupt: Standing, mapping: str) -> Path:
    """Write a destination file that delivers to the stand-in, events of any age."""
    settings = (f"domain: {rupt.url}", "max_event_age: none", "delivery: {first_retry: 10ms}")
    return write_config(folder, mapping, settings=settings)


def edit(server: Serving, folder: Path, rupt: Standing, mapping: str) -> None:
    """Edit the destination file, and wait until the server uses it."""
    configure(folder, rupt, mapping)
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("the edited destination file is in effect")


def send_invalid(server: Serving, count: int) -> None:
    """Send pages of which the mapping makes nothing; every third names its owner."""
    pages = [page(at, properties={"owner": f"owner-{at}"} if at % 3 == 0 else {}) for at in range(count)]
    assert server.ask("/v1/batch", {"batch": pages, "writeKey": "key-1"}).status == 200
    server.wait_until("/metrics", f'rupt_connector_ledger_jobs{{state="invalid"}} {count}.0')


def test_an_edit_that_does_not_mend_and_one_that_does(tmp_path: Path) -> None:
    """Before the edit nothing is sent, and with --all one job that fails; after it all are delivered, in stages."""
    data = tmp_path / "data"
    with standing() as rupt, serving(configure(tmp_path, rupt, MAPPING), data) as server:
        send_invalid(server, 14)
        done = call(*STAGED, data)
        assert (done.code, done.out) == (4, "0 jobs put back: 0 delivered; 14 left out\n")
        words = " ".join(done.err.split())
        assert "14 M: still invalid: The root value is missing the required field 'account'." in words
        assert "stage 1" not in words
        done = call(*STAGED, data, "--all")
        assert (done.code, done.out) == (4, "1 job put back: 0 delivered, 1 not delivered; 13 jobs left as they were\n")
        words = " ".join(done.err.split())
        assert "1 not delivered: invalid by M: The root value is missing the required field 'account'." in words
        assert "stopped: they fail again" in words
        assert "the same command goes on with 14 jobs" in words
        assert "stage 2" not in words
        assert max(map(len, done.err.splitlines())) <= 80
        edit(server, tmp_path, rupt, MENDED)
        done = call(*STAGED, data, "--json")
        assert done.code == 0
        assert [(row["stage"], row.get("outcomes")) for row in done.rows] == [
            (1, {"delivered": 1}),
            (2, {"delivered": 10}),
            (3, {"delivered": 3}),
            ("end", {"delivered": 14}),
        ]
        assert server.end() == 0
    assert len(rupt.users()) == 14
    assert call("audit", "--data", data).code == 0


def test_an_edit_that_mends_only_some(tmp_path: Path) -> None:
    """What an edit does not mend is left out, be it the oldest of all, and told why; another edit sends it."""
    data = tmp_path / "data"
    with standing() as rupt, serving(configure(tmp_path, rupt, MAPPING), data) as server:
        send_invalid(server, 15)
        edit(server, tmp_path, rupt, MAPPING.replace("$.nobody", "$.properties.owner"))
        done = call(*STAGED, data, "--json")
        assert done.code == 0
        assert [(row["stage"], row["jobs"]) for row in done.rows] == [(1, 1), (2, 4), ("end", 15)]
        assert (done.rows[-1]["putBack"], done.rows[-1]["left"], done.rows[-1]["leftOut"]) == (5, 0, 10)
        edit(server, tmp_path, rupt, MENDED)
        assert call(*STAGED, data).out == "10 jobs put back: 10 delivered\n"
        assert server.end() == 0
    assert call("audit", "--data", data).code == 0


def test_an_edit_of_this_moment(tmp_path: Path) -> None:
    """A retry right after an edit waits until the server uses it; an edit that the server refused sends nothing."""
    data = tmp_path / "data"
    with standing() as rupt, serving(configure(tmp_path, rupt, MAPPING), data) as server:
        send_invalid(server, 2)
        good = configure(tmp_path, rupt, MENDED).read_text(encoding="utf-8")
        (tmp_path / "rupt.yaml").write_text("destination: no\n", encoding="utf-8")
        done = call(*STAGED, data)
        assert (done.code, done.out) == (4, "nothing was put back\n")
        assert "the server has refused the edit of" in done.err
        (tmp_path / "rupt.yaml").write_text(good, encoding="utf-8")
        assert call(*STAGED, data).out == "2 jobs put back: 2 delivered\n"
        assert server.end() == 0


def test_the_order_of_accounts_is_kept(tmp_path: Path) -> None:
    """In stages as at once an account's jobs are sent in their order, so that the newest state is what stays."""
    mapping = (
        '{name: U, action: update_user, trigger: type = "identify", fields: {account: $.userId, email: $.traits.email}}'
    )
    ended = []
    for way in ((), ("--staged",)):
        folder, data = tmp_path / f"run{len(way)}", tmp_path / f"run{len(way)}" / "data"
        folder.mkdir()
        with standing("409", "400", "400") as rupt:
            settings = (f"domain: {rupt.url}", "ordering: account", "max_event_age: none", "api_secret: s")
            with serving(write_config(folder, mapping, settings=settings), data) as server:
                for at, (user, mail) in enumerate((("z1", "old"), ("z1", "new"), ("z2", "other"))):
                    event = {
                        "type": "identify",
                        "messageId": f"i{at}",
                        "userId": user,
                        "traits": {"email": f"{mail}@x.io"},
                    }
                    assert server.ask("/v1/batch", {"batch": [event], "writeKey": "k"}).status == 200
                    server.wait_until("/metrics", f'rupt_connector_ledger_jobs{{state="dead"}} {at + 1}.0')
                assert call("jobs", "retry", *way, *(["--all"] if way else []), "--data", data).code == 0
                server.wait_until("/metrics", 'rupt_connector_ledger_jobs{state="delivered"} 3.0')
                assert server.end() == 0
            ended.append({name: user.email for name, user in rupt.stand.twin.users.items()})
    assert ended[0] == ended[1] == {"z1": "new@x.io", "z2": "other@x.io"}


# With a server that the test plays


async def invalid(queue: SqliteQueue) -> None:
    """Let 14 jobs be invalid in one way, 3 in another, and one be held."""
    names = [f"m-{number}" for number in range(18)]
    await queue.put([job_of(event(name)) for name in names], now=NOW)
    for at, name in enumerate(names):
        job = await claim_one(queue, name)
        if at == 17:
            await queue.hold(job, "refused", now=NOW, note=Note("401 no valid client id"))
        else:
            problem = "Account must be a string." if at < 14 else "Email must be a string."
            await queue.settle(job, "invalid", now=NOW, note=Note(problems=(problem,)))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give a desk on a store of jobs that failed."""
    with Desk(build(tmp_path / "data", invalid)) as opened:
        yield opened


class Played:
    """A retry in stages whose server acts when the retry waits: `outcomes` are those of the jobs that it claims."""

    def __init__(self, desk: Desk, act: Callable[[SqliteQueue, Job], object] | None = None) -> None:
        self.desk, self.now, self.act = desk, NOW + 1_000, act
        self.out, self.err = io.BytesIO(), io.StringIO()

    def sleep(self, seconds: float) -> None:
        """Let time pass, and each job that waits have its outcome."""
        self.now += max(seconds, 1.0)
        if self.act is not None:
            asyncio.run(self._serve(self.act))

    async def _serve(self, act: Callable[[SqliteQueue, Job], object]) -> None:
        async with await open_sqlite(self.desk.folder, min_free=0) as queue:
            for job in await queue.claim(100, now=self.now, lease=LEASE):
                await act(queue, job)  # type: ignore[misc]  # it is a coroutine

    def run(
        self,
        *,
        tolerate: float = 0.0,
        states: tuple[str, ...] = ("invalid",),
        as_json: bool = True,
        destination: Destination | None = None,
    ) -> int:
        """Put the jobs back in stages."""
        streams = Streams(io.BytesIO(), self.out, self.err, {})
        numbers = job_numbers(self.desk, Choice(states))  # type: ignore[arg-type]
        clock = Clock(lambda: self.now, lambda: self.now, self.sleep)
        found, rules = sample(self.desk, numbers, destination=destination), Rules(30.0, tolerate)
        return retry_staged(streams, self.desk, found, states, rules, as_json=as_json, clock=clock)  # type: ignore[arg-type]

    @property
    def rows(self) -> list[dict[str, object]]:
        """What it printed."""
        return [load_json(line) for line in self.out.getvalue().splitlines()]  # type: ignore[misc]

    def states(self) -> dict[str, int]:
        """Count the jobs by state."""
        found: dict[str, int] = {}
        for job in list_jobs(
            self.desk, Choice(("waiting", "sending", "held", "delivered", "skipped", "invalid", "dead"))
        ):
            found[job.state] = found.get(job.state, 0) + 1
        return found


async def deliver(queue: SqliteQueue, job: Job) -> None:
    """Settle a job as delivered."""
    await queue.settle(job, "delivered", now=NOW + 2_000)


def failing(*names: str, state: str = "dead") -> Callable[[SqliteQueue, Job], object]:
    """Deliver all jobs but those of these events."""

    async def act(queue: SqliteQueue, job: Job) -> None:
        if job.message_id not in names:
            await deliver(queue, job)
        elif state == "held":
            await queue.hold(job, "refused", now=NOW + 2_000, note=Note("401 no valid client id"))
        elif state == "skipped":
            await queue.settle(job, "skipped", now=NOW + 2_000, note=Note("stale: it is too old"))
        else:
            await queue.bury(job, now=NOW + 2_000, note=Note("400 bad request"))

    return act


def test_a_sample_stands_for_all_causes(desk: Desk) -> None:
    """The first job is of the largest cause, and the next are of each cause in turn."""
    found = sample(desk, job_numbers(desk, Choice(("invalid", "held"))))
    names = {job.number: job.message_id for job in list_jobs(desk, Choice(("invalid", "held")))}
    assert [names[number] for number in found.candidates[:8]] == [
        "m-0", "m-14", "m-17", "m-1", "m-15", "m-2", "m-16", "m-3",
    ]  # fmt: skip


def test_all_are_delivered(desk: Desk) -> None:
    """When nothing fails each stage follows the one before, and 0 is the end."""
    played = Played(desk, deliver)
    assert played.run() == 0
    assert [row["jobs"] for row in played.rows] == [1, 10, 6, 17]
    assert played.states() == {"delivered": 17, "held": 1}


@pytest.mark.parametrize("state", ["dead", "held", "skipped"])
def test_whatever_is_not_delivered_stops_it(state: str, desk: Desk) -> None:
    """A first job that is dead again, held or skipped ends it with 4, and the others are as they were."""
    played = Played(desk, failing("m-0", state=state))
    assert played.run() == 4
    assert played.rows[-1] == {
        "stage": "end", "end": "failed", "jobs": 17, "putBack": 1, "outcomes": {state: 1}, "failed": 1, "waiting": 0,
        "left": 16, "leftOut": 0,
    }  # fmt: skip
    assert played.states()["invalid"] == 16


def test_what_the_same_command_goes_on_with(desk: Desk, tmp_path: Path) -> None:
    """It is told how many jobs the same command would send: not those that would be left out then."""
    config = write_config(tmp_path, MAPPING.replace("name: M", "name: Attach Device"), settings=["max_event_age: none"])
    played = Played(desk, failing("m-0"))
    assert played.run(states=("invalid", "dead"), destination=load(config, {})) == 4
    assert "the same command goes on with 16 jobs" in played.err.getvalue()


@pytest.mark.parametrize(("tolerate", "code", "left"), [(0.0, 4, 6), (9.0, 4, 6), (10.0, 0, 0)])
def test_what_is_tolerated(tolerate: float, code: int, left: int, desk: Desk) -> None:
    """A share of the second stage may fail when that was said, and then the rest follows."""
    played = Played(desk, failing("m-14"))
    assert played.run(tolerate=tolerate) == code
    assert played.rows[-1]["left"] == left


def test_failures_of_the_rest(desk: Desk) -> None:
    """When the rest fails more than is tolerated everything was put back, and the exit code is 4."""
    played = Played(desk, failing("m-13"))
    assert (played.run(as_json=False), played.out.getvalue()) == (
        4,
        b"17 jobs put back: 16 delivered, 1 not delivered\n",
    )


def test_nobody_takes_the_jobs(desk: Desk) -> None:
    """Without a server it is said so after a while and at the end; the job stays in the queue, no other is sent."""
    played = Played(desk)
    assert played.run() == 4
    words = " ".join(played.err.getvalue().split())
    assert words.count("the server has taken no job for") == 2
    assert words.count("What was put back waits for it, nothing is lost") == 1
    assert "the same command goes on with 16 jobs" in words
    assert played.rows[-1]["end"] == "waiting"
    assert played.states() == {"waiting": 1, "invalid": 16, "held": 1}


def test_the_rest_may_still_wait_at_the_end(desk: Desk) -> None:
    """What waits for another attempt at the end of the last stage is told, and the exit code is 0."""

    async def act(queue: SqliteQueue, job: Job) -> None:
        if job.message_id == "m-13":
            await queue.retry(job, at=NOW + 90_000, now=NOW + 2_000, note=Note("503 unavailable"))
        else:
            await deliver(queue, job)

    played = Played(desk, act)
    assert played.run(as_json=False) == 0
    assert played.out.getvalue() == b"17 jobs put back: 16 delivered, 1 still waiting\n"
    assert "1 job without an outcome: 503 unavailable; it is tried again at" in " ".join(played.err.getvalue().split())


def test_ctrl_c_between_two_looks(desk: Desk) -> None:
    """Ctrl-C ends it with 130; it says what is delivered, what waits and what was left, and the ledger balances."""

    async def act(queue: SqliteQueue, job: Job) -> None:
        await deliver(queue, job)
        if job.message_id == "m-14":
            raise KeyboardInterrupt

    played = Played(desk, act)
    assert played.run() == 130
    assert played.rows[-1]["end"] == "interrupted"
    assert played.rows[-1]["left"] == 6
    words = " ".join(played.err.getvalue().split())
    assert "interrupted in stage 2 of 3: 2 delivered, 9 waiting, and sent all the same" in words
    assert "the same command goes on with 6 jobs" in words
    assert call("audit", "--data", desk.folder).code == 0


def test_ctrl_c_of_a_process(tmp_path: Path) -> None:
    """A process that gets SIGINT while it waits for a server says where everything is, without a traceback."""
    folder = build(tmp_path / "data", invalid)
    with FolderLock(folder), start(*STAGED, folder) as process:
        while "stage 1 of 3" not in (line := process.read_word_line()):
            assert line, "it has ended"
        process.send_signal(signal.SIGINT)
        done = process.finish()
    assert done.code == 130
    words = " ".join(done.err.split())
    assert words.startswith("interrupted in stage 1 of 3: 1 waiting, and sent all the same (`jobs drop` ends them)")
    assert "Traceback" not in done.err


def test_ctrl_c_while_the_rest_is_put_back(desk: Desk) -> None:
    """Ctrl-C while the jobs of a stage are being put back is told of that stage."""
    played, calls = Played(desk, deliver), 0
    now = played.sleep

    def sleep(seconds: float) -> None:
        nonlocal calls
        calls += 1
        now(seconds)

    def tell() -> float:
        if calls == 2:  # each stage before had its outcome after one pause
            raise KeyboardInterrupt
        return played.now

    streams = Streams(io.BytesIO(), played.out, played.err, {})
    found = sample(desk, job_numbers(desk, Choice(("invalid",))))
    clock = Clock(tell, lambda: played.now, sleep)
    assert retry_staged(streams, desk, found, INVALID, Rules(), as_json=False, clock=clock) == 130
    assert "interrupted in stage 3 of 3: 11 delivered and 6 left as before" in " ".join(played.err.getvalue().split())


def test_two_at_once(desk: Desk) -> None:
    """What another retry has put back meanwhile is told as such, and is not among what is left."""

    async def act(queue: SqliteQueue, job: Job) -> None:
        await deliver(queue, job)
        total(put_back(desk, job_numbers(desk, Choice(("invalid",)))[:3], ("invalid",), now=NOW + 3_000))

    played = Played(desk, act)
    played.run(as_json=False)
    words = " ".join(played.err.getvalue().split())
    assert "in another state by now" in words
    assert b"left as they were" not in played.out.getvalue()


@pytest.mark.parametrize(
    ("reason", "cause", "words"),
    [
        ("401 no valid client id", "refused", "Rupt refuses the settings; held jobs go on by themselves"),
        ("in doubt: no answer", "in_doubt", "nobody knows whether it arrived"),
        ("mapping_gone: no mapping", "mapping", "they fail again"),
    ],
)
def test_what_helps(reason: str, cause: Cause, words: str, desk: Desk) -> None:
    """What is said to help is what does: an edit of a mapping is not, where the credentials are refused."""

    async def act(queue: SqliteQueue, job: Job) -> None:
        await queue.hold(job, cause, now=NOW + 2_000, note=Note(reason))

    played = Played(desk, act)
    assert played.run() == 4
    said = " ".join(played.err.getvalue().split())
    assert words in said
    assert ("an edit would mend" in said) == (cause == "mapping")


def test_only_the_oldest_of_an_account_goes_first(tmp_path: Path) -> None:
    """Where accounts keep their order no job goes before an older one, be that left out."""

    async def fill(queue: SqliteQueue) -> None:
        jobs = [job_of(event(f"m-{at}", f"user-{at // 3}"), "Gone" if at == 3 else "M") for at in range(6)]
        await queue.put(jobs, now=NOW)
        while claimed := await queue.claim(1, now=NOW + 1, lease=LEASE):
            if claimed[0].mapping == "Gone":
                await queue.hold(claimed[0], "mapping", now=NOW, note=Note("mapping_gone: it is"))
            else:
                problem = "even" if claimed[0].message_id == "m-0" else "odd"
                await queue.settle(claimed[0], "invalid", now=NOW, note=Note(problems=(problem,)))

    folder, config = build(tmp_path / "data", fill, ordering="account"), write_config(tmp_path, MENDED)
    with Desk(folder) as desk:
        numbers = job_numbers(desk, Choice(("invalid", "held", "waiting")))
        found = sample(desk, numbers, look_ahead(desk, numbers, load(config, {}), NOW))
        assert message_ids(desk, found.candidates) == ("m-0",)
        assert message_ids(desk, found.numbers) == ("m-0", "m-1", "m-2", "m-4", "m-5")
        assert [(kept.prospect, len(kept.numbers)) for kept in found.kept] == [("held", 1)]


# The command


def test_without_a_server_nothing_is_put_back(tmp_path: Path) -> None:
    """Where no server has the folder nothing is put back, which is said, with 4, however often it is tried."""
    folder = build(tmp_path / "data", invalid)
    for _ in range(2):
        done = call(*STAGED, folder)
        assert (done.code, done.out) == (4, "nothing was put back\n")
        assert "no server runs on this folder" in done.err
    assert call(*STAGED, folder, "--json").rows[0]["left"] == 17
    assert len(call("jobs", "list", "--state", "invalid", "--json", "--data", folder).rows) == 17


def test_an_edit_that_the_server_does_not_take(tmp_path: Path) -> None:
    """When the server goes on with an earlier file, or delivers nothing, that is said and nothing is put back."""
    folder, config = build(tmp_path / "data", invalid), write_config(tmp_path)
    sources, clock = absolute(load(config, {}).sources), Ticking()
    with FolderLock(folder):
        loaded = Loaded(os.getpid(), str(config), sources, NOW)
        write_loaded(folder, loaded)
        assert wait_for_server(folder, clock.clock) == Served(str(config))
        write_loaded(folder, replace(loaded, delivers=False))
        assert "only receives" in wait_for_server(folder, clock.clock).trouble
        write_loaded(folder, loaded)
        write_config(tmp_path, MAPPING)
        assert "still uses" in wait_for_server(folder, clock.clock).trouble
        write_loaded(folder, replace(loaded, refused=absolute(load(config, {}).sources)))
        assert "has refused the edit" in wait_for_server(folder, clock.clock).trouble
        config.unlink()
        write_loaded(folder, loaded)
        assert "is not here" in wait_for_server(folder, clock.clock).warning
        write_loaded(folder, replace(loaded, process=1))
        assert "does not say which" in wait_for_server(folder, clock.clock).warning
    assert "no server runs" in wait_for_server(folder, clock.clock).trouble


class Ticking:
    """A clock that goes on by what is waited."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clock = Clock(lambda: self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def test_the_stages_are_told_before(tmp_path: Path) -> None:
    """With --dry-run the stages are told and nothing is put back."""
    folder, config = build(tmp_path / "data", invalid), write_config(tmp_path, MENDED.replace("M,", "Attach Device,"))
    done = call(*STAGED, folder, "--dry-run", "--config", config)
    assert done.out.startswith("stage 1: 1 job: m-0\nstage 2: 10 jobs: m-14, m-1,")
    assert "stage 3: 6 jobs: " in done.out
    rows = call(*STAGED, folder, "--dry-run", "--config", config, "--json", "--limit", "2").rows
    assert rows[0] == {"stage": 1, "stages": 2, "jobs": 1, "messageIds": ["m-0"]}
    assert len(call("jobs", "list", "--state", "invalid", "--json", "--data", folder).rows) == 17


def test_its_options_need_it(tmp_path: Path) -> None:
    """--tolerate and --timeout without --staged, and a time that is none, are wrong usage."""
    assert "--tolerate is for --staged" in call("jobs", "retry", "--tolerate", "5", "--data", tmp_path).err
    assert "--timeout is for --staged" in call("jobs", "retry", "--timeout", "5m", "--data", tmp_path).err
    done = call("jobs", "retry", "--staged", "--timeout", "soon", "--data", tmp_path)
    assert (done.code, "write 24h, 90m, 10s" in done.err) == (2, True)
    done = call("jobs", "retry", "--staged", "--timeout", "999999d", "--data", tmp_path)
    assert (done.code, "from above 0 to a century, not '999999d'" in done.err) == (2, True)
    done = call("jobs", "retry", "--staged", "--tolerate", "nan", "--data", tmp_path)
    assert (done.code, "--tolerate must be a percentage from 0 to 100" in done.err) == (2, True)


@pytest.mark.parametrize("more", [(), ("--staged",), ("--json",), ("--staged", "--json")])
def test_invalid_jobs_are_not_meant_unless_that_is_said(more: tuple[str, ...], tmp_path: Path) -> None:
    """Where only invalid jobs could be put back nothing is, the option that chooses them is told, and 4 is the end."""

    async def fill(queue: SqliteQueue) -> None:
        for name in ("m-1", "m-2"):
            await queue.put([job_of(event(name))], now=NOW)
            await queue.settle(await claim_one(queue, name), "invalid", now=NOW, note=Note(problems=("It is.",)))

    folder = build(tmp_path / "data", fill)
    done = call("jobs", "retry", *more, "--data", folder)
    assert (done.code, done.err) == (4, "2 jobs are invalid: add --state invalid\n")
    if "--staged" in more and "--json" in more:
        assert done.rows[0]["end"] == "not_begun"
    assert call("jobs", "retry", *more, "--data", folder, "--mapping", "Another").code == 0
    assert call("jobs", "retry", *more, "--data", folder, "--state", "dead").code == 0


def test_causes_are_the_same_as_those_of_jobs_causes(tmp_path: Path) -> None:
    """What the destination file takes for one cause is one here too: a field that had several types, of any job."""

    async def fill(queue: SqliteQueue) -> None:
        for at, kind in enumerate(("array", "object", "number")):
            await queue.put([job_of(event(f"m-{at}"))], now=NOW)
            note = Note(problems=(f"Email must be a string but it was an {kind}.",))
            await queue.settle(await claim_one(queue, f"m-{at}"), "invalid", now=NOW, note=note)

    destination = load(write_config(tmp_path), {})
    with Desk(build(tmp_path / "data", fill)) as desk:
        numbers = job_numbers(desk, Choice(("invalid",)))
        assert [cluster.count for cluster in sample(desk, numbers, destination=destination).clusters] == [3]


def test_nothing_to_send(tmp_path: Path) -> None:
    """Without a job that is meant nothing happens, and named events that cannot be sent are told as ever."""
    folder = build(tmp_path / "data", invalid)
    assert call(*STAGED, folder, "--reason", "no such reason").out == "nothing was put back\n"
    done = call(*STAGED, folder, "--reason", "no such reason", "--json")
    assert (done.code, done.rows[0]["stage"], done.rows[0]["putBack"]) == (0, "end", 0)
    done = call(*STAGED, folder, "nosuch")
    assert (done.code, done.err) == (1, "nothing is known of nosuch\n")
