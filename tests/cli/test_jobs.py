"""`jobs`: what is listed without personal data, shown without secrets, put back and dropped only when it is meant."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.cli.main import run
from connector.queue import Attempt, Filtered, Note, new_job
from connector.queue.sqlite import SqliteQueue
from connector.rupt import Request, Response
from connector.values import JSON
from tests.cli.command import Done, Screen, Terminal, call, write_config
from tests.queue.stored import MAPPING as STORED
from tests.queue.stored import NOW, OK, build, claim_one, event, job_of, tried

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl"
OPAQUE = "signed-for-42-by-us"
PEOPLE = ("user-42", "user-of-", "anon-of-", "ada@example.com")


@pytest.fixture
def jobs(tmp_path: Path) -> Callable[..., Done]:
    """Give what calls `jobs` on a store with a job in each state."""
    folder = build(tmp_path / "data")

    return lambda *args: call("jobs", *args, "--data", folder)


def test_a_list_names_nobody(jobs: Callable[..., Done]) -> None:
    """A list tells messageId, mapping, state, reason, attempts and times, and no personal data, in both forms."""
    rows, table = jobs("list", "--json"), jobs("list")
    assert [word for word in PEOPLE if word in rows.out + table.out + rows.err + table.err] == []
    assert rows.rows[3] == {
        "messageId": "dead",
        "mapping": "Attach Device",
        "state": "dead",
        "reason": "400 bad request",
        "attempts": 1,
        "inDoubt": False,
        "receivedAt": rows.rows[0]["receivedAt"],
        "endedAt": rows.rows[0]["endedAt"],
    }
    assert [row["state"] for row in rows.rows].count("held") == 3
    assert "Account must be a string." in table.out
    assert table.err == "10 jobs\n"


@pytest.mark.parametrize("columns", ["24", "80", "120", "400"])
def test_a_list_on_a_terminal(columns: str, tmp_path: Path) -> None:
    """However narrow a terminal is, every messageId, mapping, state and reason is there, and no line is too long."""
    folder = build(tmp_path)
    whole = call("jobs", "list", "--json", "--data", folder).rows
    out = call("jobs", "list", "--data", folder, stdout=Screen(), env={"COLUMNS": columns}).out
    assert max(map(len, out.splitlines())) <= int(columns)
    words = "".join(out.split())
    for row in whole:
        for text in (row["messageId"], row["mapping"], row["state"], row.get("reason", ""), row["receivedAt"][11:19]):
            assert text.replace(" ", "") in words
    assert ("messageId" in out) == (columns == "400")


def test_a_list_off_a_terminal_is_cut_nowhere(tmp_path: Path) -> None:
    """Off a terminal a job is a line, however long its reason is."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("m-1"))], now=NOW)
        await queue.bury(await claim_one(queue, "m-1"), now=NOW, note=Note("word " * 100 + "end"))

    out = call("jobs", "list", "--data", build(tmp_path, fill)).out
    assert out.endswith("word end\n")
    assert len(out.splitlines()) == 3


def test_a_list_obeys_no_sender(tmp_path: Path) -> None:
    """What a terminal would obey is escaped, wherever a sender's text stands."""
    name = "e\x1b[31m\x07\r\nfake line\u202e\x9b"

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event(name))], now=NOW, filtered=[Filtered(name, "no_user_id", detail=name)])

    folder = build(tmp_path, fill)
    shown = r"e\x1b[31m\x07\r\nfake line\u202e\x9b"
    for args in (("jobs", "list"), ("jobs", "list", "--state", "filtered"), ("jobs", "show", name), ("why", name)):
        done = call(*args, "--data", folder)
        assert shown in done.out
        assert [letter for letter in done.out + done.err if not letter.isprintable() and letter != "\n"] == []
        assert "\nfake" not in done.out
    done = call("jobs", "list", "--json", "--data", folder)
    assert done.rows[0]["messageId"] == name
    assert done.out.rstrip("\n").isprintable()
    assert call("jobs", "retry", name, "--data", folder).err.startswith(shown)


@pytest.mark.parametrize("verb", ["list", "retry", "drop"])
def test_a_limit_beyond_all_numbers(verb: str, jobs: Callable[..., Done]) -> None:
    """A limit that no store can reach is wrong usage."""
    done = jobs(verb, "--limit", "9" * 23)
    assert done.code == 2
    assert "--limit" in done.err


def test_a_list_by_state_and_account(jobs: Callable[..., Done]) -> None:
    """States may be given several times, and other choices with them; what made no job is listed when asked for."""
    assert [row["messageId"] for row in jobs("list", "--json", "--state", "dead", "--state", "invalid").rows] == [
        "invalid",
        "dead",
    ]
    assert [row["messageId"] for row in jobs("list", "--json", "--account", "user-of-gone").rows] == ["gone"]
    (row,) = jobs("list", "--json", "--state", "filtered").rows
    assert (row["messageId"], row["mapping"], row["reason"]) == ("unwanted", None, "NO_MATCHING_MAPPING")
    assert jobs("list", "--state", "lost").code == 2


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    """A table ends after fifty jobs and says how many there are; --limit and --json give more."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event(f"m-{number}")) for number in range(60)], now=NOW)

    folder = build(tmp_path, fill)
    done = call("jobs", "list", "--data", folder)
    assert done.err == "50 of 60 jobs; --limit N shows more, --json all\n"
    assert call("jobs", "list", "--data", folder, "--limit", "60").out.count("m-") == 60
    assert len(call("jobs", "list", "--data", folder, "--json").rows) == 60


def test_the_folder_of_the_environment(tmp_path: Path) -> None:
    """Without --data the variable RUPT_DATA names the folder; a folder without a queue is an error that says so."""
    folder = build(tmp_path / "data")
    assert call("jobs", "list", env={"RUPT_DATA": str(folder)}).code == 0
    done = call("jobs", "list", "--data", tmp_path)
    assert done.code == 2
    assert "there is no queue in this folder" in done.err


def test_a_command_that_is_not_there() -> None:
    """A misspelt command of `jobs` is told which was meant; each command has its help."""
    assert "did you mean 'retry'?" in call("jobs", "rety").err
    assert "--dry-run" in call("jobs", "retry", "--help").out


# Shown


async def with_tokens(queue: SqliteQueue) -> None:
    """Put an event with the account's signed token in it, and one of which it was sent."""
    data = event("m-1", context={"rupt": {"token": TOKEN}, "traits": {"email": "ada@example.com"}})
    data["properties"] = {"session": OPAQUE, "note": f"see {OPAQUE} there"}
    await queue.put([job_of(data)], now=NOW)
    await queue.settle(await claim_one(queue, "m-1"), "delivered", now=NOW, note=tried(OK, token=OPAQUE))


def test_what_is_shown_has_no_token(tmp_path: Path) -> None:
    """The event is shown as it is stored, but for what its mapping takes for a secret field, wherever that stands."""
    folder = build(tmp_path / "data", with_tokens)
    mapping = 'name: Attach Device\n    action: attach\n    trigger: type = "page"\n    fields: {account: $.userId, '
    config = write_config(tmp_path, mapping + "secret: $.properties.session}")
    done = call("jobs", "show", "m-1", "--data", folder, "--config", config)
    assert done.code == 0
    assert "ada@example.com" in done.out
    assert TOKEN not in done.out
    assert OPAQUE not in done.out
    assert done.err == ""
    (row,) = call("jobs", "show", "m-1", "--data", folder, "--config", config, "--json").rows
    assert row["event"]["properties"] == {"session": "[redacted]", "note": "[redacted]"}
    assert row["event"]["userId"] == "user-42"
    assert row["jobs"][0]["attempts"][0]["request"]["body"]["user"] == "user-42"


def test_without_a_destination_file_looks_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a destination file, what has a token's name or form is hidden, and words say that this is all."""
    folder = build(tmp_path / "data", with_tokens)
    monkeypatch.chdir(tmp_path)
    done = call("jobs", "show", "m-1", "--data", folder)
    assert TOKEN not in done.out
    assert "only what looks like a secret is hidden" in done.err


@pytest.mark.parametrize("as_json", [False, True])
def test_a_deep_event_is_shown(as_json: bool, tmp_path: Path) -> None:
    """An event with lists and objects far within one another is shown; what is too deep in it is hidden."""
    deep = event("m-1")
    raw = json.dumps(deep)[:-1] + ',"deep":' + '{"a":[' * 450 + "1" + "]}" * 450 + "}"

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([new_job("m-1", STORED, raw.encode(), NOW, "user-42")], now=NOW)

    folder = build(tmp_path / "data", fill)
    config = write_config(
        tmp_path, MAPPING + "\n  - " + MAPPING.replace("Attach Device", "Two").replace("$.userId", "$.deep")
    )
    for options in ((), ("--config", config)):
        done = call("jobs", "show", "m-1", "--data", folder, *options, *(["--json"] if as_json else []))
        assert done.code == 0
        assert "user-42" in done.out
        assert "[redacted]" in done.out


def test_what_is_not_stored_cannot_be_shown(jobs: Callable[..., Done]) -> None:
    """An unknown event, or one without a job of that mapping, ends with 1."""
    assert jobs("show", "unknown").code == 1
    assert jobs("show", "dead", "--mapping", "Another").code == 1
    assert jobs("show", "dead", "--mapping", "Attach Device").code == 0


# Put back


def test_a_retry_says_how_many(jobs: Callable[..., Done]) -> None:
    """Without a choice what is dead or held is put back; it is told from which states, and how many wait now."""
    assert jobs("retry").out == "4 jobs put back (3 held, 1 dead); 6 jobs now waiting\n"
    (row,) = jobs("retry", "invalid", "--state", "invalid", "--json").rows
    assert row == {"retried": 1, "from": {"invalid": 1}, "left": {}, "waiting": 7}
    assert jobs("retry", "--state", "delivered").code == 2


def test_named_events_that_cannot_be_put_back(jobs: Callable[..., Done]) -> None:
    """Of each event that was named and of which nothing is put back it is said why; 1 when there is no other."""
    done = jobs("retry", "delivered", "skipped", "waiting", "unwanted", "nosuch")
    assert done.code == 1
    assert done.out == "0 jobs put back; 2 jobs now waiting\n"
    assert done.err.splitlines() == [
        "delivered is delivered and cannot be sent again",
        "skipped is skipped: --state skipped chooses it",
        "waiting is waiting: it is sent anyway",
        "unwanted was filtered and made no job: NO_MATCHING_MAPPING: no trigger holds for it",
        "nothing is known of nosuch",
    ]
    assert "dead is dead, but not with" in jobs("retry", "dead", "--mapping", "Another").err
    done = jobs("retry", "dead", "nosuch", "--json")
    assert (done.code, done.err) == (0, "nothing is known of nosuch\n")
    assert jobs("retry", "--reason", "no such reason").code == 0


def test_named_events_that_cannot_be_dropped(jobs: Callable[..., Done]) -> None:
    """Of each event that was named and of which nothing is dropped it is said why; 1 when there is no other."""
    done = jobs("drop", "delivered", "nosuch", "--yes")
    assert (done.code, done.out) == (1, "0 jobs dropped\n")
    assert done.err == "delivered is delivered and cannot be dropped\nnothing is known of nosuch\n"
    done = jobs("drop", "delivered", "dead", "--yes")
    assert (done.code, done.out) == (0, "1 job dropped (1 dead)\n")


REFUSED = "400 bad request"
FIELDS = "fields: {account: $.userId, page: $.properties.path}"
MAPPING = f'name: Attach Device\n    action: attach\n    trigger: type = "page"\n    {FIELDS}'


def refused(page: str) -> Note:
    """Make the note of a refusal of what MAPPING makes of an event of this page."""
    body: dict[str, JSON] = {"user": "user-42", "page": page, "fingerprint": "anon-of-same", "client": "segment"}
    body |= {"callbacks": {"on_challenge": False, "limit_exceeded": False}}
    body |= {"redirects": {"new_account": True, "logout": False}}
    request = Request("POST", "/v2/device/attach", body)
    return Note(REFUSED, attempt=Attempt(NOW, 0.1, request, Response(400, {}, b""), REFUSED))


async def failed(queue: SqliteQueue) -> None:
    """Let jobs fail in ways that an edit of the mapping mends, and in ways that it does not."""
    await queue.put([job_of(event(name)) for name in ("same", "other")], now=NOW)
    await queue.put([job_of(event("stale", timestamp="2020-01-01T00:00:00.000Z"))], now=NOW)
    await queue.put([job_of(event("nobody", None)), job_of(event("gone"), "Gone")], now=NOW)
    for name, page in (("same", "/home"), ("other", "/away")):
        await queue.bury(await claim_one(queue, name), now=NOW, note=refused(page))
    await queue.bury(await claim_one(queue, "stale"), now=NOW, note=Note("503 unavailable; gave up"))
    await queue.settle(await claim_one(queue, "nobody"), "invalid", now=NOW, note=Note(problems=("No account.",)))
    await queue.hold(await claim_one(queue, "gone"), "mapping", now=NOW, note=Note("mapping_gone: it is"))


def test_a_rehearsal_tells_what_would_come_of_it(tmp_path: Path) -> None:
    """With --dry-run each job is told before and after, and how many a retry would fix; nothing changes."""
    folder, config = build(tmp_path / "data", failed), write_config(tmp_path, MAPPING)
    states = [word for state in ("dead", "held", "invalid") for word in ("--state", state)]
    options: list[str | Path] = ["--data", folder, "--config", config, "--dry-run", *states]
    before = call("jobs", "list", "--json", "--data", folder).out
    done, table = call("jobs", "retry", *options, "--json"), call("jobs", "retry", *options)
    assert {row["messageId"]: row["outcome"] for row in done.rows} == {
        "same": "same",
        "other": "planned",
        "stale": "skipped",
        "nobody": "invalid",
        "gone": "held",
    }
    assert done.rows[1]["before"] == {"state": "dead", "reason": REFUSED}
    assert done.rows[1]["request"]["body"]["page"] == "/home"
    assert done.err == "5 jobs, nothing was sent: a retry may deliver 1, and would not 4\n"
    assert "1  dead: 400 bad request\n         now: would be sent\n" in table.out
    assert "same request that was refused" in table.out
    assert table.out.endswith(done.err)
    assert call("jobs", "list", "--json", "--data", folder).out == before


def test_a_rehearsal_needs_the_destination_file(jobs: Callable[..., Done], tmp_path: Path) -> None:
    """Without a destination file a rehearsal ends with 2."""
    assert jobs("retry", "--dry-run", "--config", tmp_path / "none.yaml").code == 2


# Dropped


def test_a_drop_needs_a_choice(jobs: Callable[..., Done]) -> None:
    """Nothing is dropped by a command that names nothing."""
    done = jobs("drop", "--yes")
    assert done.code == 2
    assert "say which jobs to drop" in done.err


def test_an_invalid_job_is_dropped_when_that_is_said(tmp_path: Path) -> None:
    """An invalid job ends as skipped when its state is named, and the ledger balances."""
    build(tmp_path)
    done = call("jobs", "drop", "--data", tmp_path, "--state", "invalid", "--yes")
    assert (done.code, done.out) == (0, "1 job dropped (1 invalid)\n")
    assert call("audit", "--data", tmp_path).code == 0


def test_a_drop_is_asked_about(tmp_path: Path) -> None:
    """On a terminal a person is asked; off a terminal --yes is needed, and without it nothing is dropped."""
    folder = build(tmp_path)
    done = call("jobs", "drop", "--state", "dead", "--data", folder)
    assert done.code == 2
    assert "Drop 1 job? Nobody can be asked here: give --yes" in done.err
    assert "0 jobs dropped" in call("jobs", "drop", "--reason", "no such reason", "--data", folder).out
    assert answer(folder, b"n\n").err == "Drop 1 job? [y/N]\nnothing was dropped\n"
    assert answer(folder, b"yes\n").out == "1 job dropped (1 dead)\n"
    assert call("audit", "--data", folder).code == 0


def answer(folder: Path, text: bytes) -> Done:
    """Drop the dead letter on a terminal where a person types."""
    out, err = io.BytesIO(), Terminal()
    args = ["jobs", "drop", "dead", "--data", str(folder)]
    code = run(args, stdin=Keyboard(text), stdout=out, stderr=err, env={})
    return Done(code, out.getvalue().decode(), err.getvalue())


class Keyboard(io.BytesIO):
    """Standard input of a person who types."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_what_is_being_sent_is_left(tmp_path: Path) -> None:
    """A job in flight stays as it is, and the command says so."""

    async def fly(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("m-1"))], now=NOW)
        await queue.claim(1, now=NOW, lease=86_400)

    folder = build(tmp_path, fly)
    done = call("jobs", "drop", "m-1", "--yes", "--data", folder)
    assert done.out == "0 jobs dropped\n"
    assert done.err == "1 job left: being sent at this moment; try again when that has ended\n"
    (row,) = call("jobs", "drop", "m-1", "--yes", "--data", folder, "--json").rows
    assert row == {"dropped": 0, "from": {}, "left": {"in_flight": 1}}
