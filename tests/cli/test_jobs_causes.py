"""`jobs causes`: what failed jobs have in common, where that stands, and how many an edit would mend."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from connector.queue import Attempt, Note
from connector.queue.sqlite import SqliteQueue
from connector.rupt import Request, Response
from connector.values import JSON
from tests.cli.command import Done, Screen, call, write_config
from tests.queue.stored import NOW, build, claim_one, event, job_of

PEOPLE = ("user-42", "anon-of-", "ada@example.com", "client-1")
TYPE = "Email must be a string but it was an object."
REFUSED = "400 bad request: email is not a text"
OUTAGE = "503 unavailable; gave up after 10 attempts"
FIELDS = "account: $.userId, email: $.context.email, page: $.properties.path, include_page: true"
MAPPING = f'name: Attach Device\n    action: attach\n    trigger: type = "page"\n    fields: {{{FIELDS}}}'


def refused(name: str, status: int, reason: str, email: str = "none") -> Note:
    """Make the note of a refusal of what MAPPING makes of an event, but for the email."""
    body: dict[str, JSON] = {"user": "user-42", "email": email, "page": "/home", "fingerprint": f"anon-of-{name}"}
    body |= {"client": "segment", "callbacks": {"on_challenge": False, "limit_exceeded": False}}
    body |= {"redirects": {"new_account": True, "logout": False}}
    request = Request("POST", "/v2/device/attach", body)
    return Note(reason, attempt=Attempt(NOW, 0.1, request, Response(status, {}, b""), reason))


async def failed(queue: SqliteQueue) -> None:
    """Let jobs fail in ways that an edit may mend, and in others."""

    async def put(name: str, mapping: str = "Attach Device", **more: JSON) -> None:
        await queue.put([job_of({**event(name), "context": {}, **more}, mapping)], now=NOW)

    for at in range(4):  # with an email that is none, which is elsewhere in three of them
        away: JSON = {"path": "/home", "mail": "ada@example.com" if at else {}}
        await put(f"type-{at}", context={"email": {}}, properties=away)
        await queue.settle(await claim_one(queue, f"type-{at}"), "invalid", now=NOW + at, note=Note(problems=(TYPE,)))
    for at in range(2):
        await put(f"bad-{at}", context={"email": "none"}, properties={"path": "/home", "mail": "ada@example.com"})
        await queue.bury(await claim_one(queue, f"bad-{at}"), now=NOW, note=refused(f"bad-{at}", 400, REFUSED))
    await put("outage")
    await queue.bury(await claim_one(queue, "outage"), now=NOW, note=refused("outage", 503, OUTAGE))
    await put("locked")
    reason = "401 no valid client id: check settings.client_id"
    await queue.hold(await claim_one(queue, "locked"), "refused", now=NOW, note=refused("locked", 401, reason))
    await put("gone", "Gone")
    await queue.hold(await claim_one(queue, "gone"), "mapping", now=NOW, note=Note("mapping_gone: it is"))
    await put("stale")
    await queue.settle(await claim_one(queue, "stale"), "skipped", now=NOW, note=Note("stale: it is too old"))


@pytest.fixture
def causes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Give what calls `jobs causes` beside a destination file and a store of failed jobs."""
    build(tmp_path / "data", failed)
    write_config(tmp_path, MAPPING)
    monkeypatch.chdir(tmp_path)
    return lambda *args, **more: call("jobs", "causes", "--data", "data", *args, **more)


def edited(folder: Path, mapping: str, *more: str) -> Path:
    """Write another destination file."""
    (folder / "new").mkdir()
    return write_config(folder / "new", mapping, *more, settings=["max_event_age: none"])


def test_causes_are_told_with_field_and_line(causes: Callable[..., Done]) -> None:
    """Jobs of one cause, field and line are a row, the largest first, with times, a few messageIds and what to do."""
    done = causes("--json")
    assert done.code == 0
    assert done.err.startswith("9 jobs, 5 causes\njobs causes --with FILE")
    assert [(row["count"], row["state"], row["code"], row["field"]) for row in done.rows] == [
        (4, "invalid", "type", "email"),
        (2, "dead", "400", "email"),
        (1, "dead", "503", None),
        (1, "held", "401", "settings.client_id"),
        (1, "held", "mapping_gone", None),
    ]
    first = done.rows[0]
    assert first["firstAt"] < first["lastAt"]
    assert (first["mapping"], first["sentence"], first["place"]) == ("Attach Device", TYPE, "rupt.yaml:9:40")
    assert first["messageIds"] == ["type-0", "type-1", "type-2"]
    assert first["next"] == "rupt-connector explain type-0 --data data"
    assert done.rows[3]["place"] == "rupt.yaml:3:14"
    assert done.rows[4]["place"] is None


def test_what_cannot_be_resolved_has_a_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a mapping that cannot be resolved, the field that cannot be made of the stored events is told."""
    problem = "@transform works on an object, and here it was given a string"

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("odd"))], now=NOW)
        await queue.settle(await claim_one(queue, "odd"), "invalid", now=NOW, note=Note(problems=(problem,)))

    inner = '{"@transform": {apply: {a: $.b}, mapping: {c: $.d}}}'
    transform = f'{{"@transform": {{apply: {{"@arrayPath": ["$.userId"]}}, mapping: {inner}}}}}'
    build(tmp_path / "data", fill)
    write_config(tmp_path, MAPPING.replace("$.context.email", "$.userId").replace("$.properties.path", transform))
    monkeypatch.chdir(tmp_path)
    (row,) = call("jobs", "causes", "--data", "data", "--json").rows
    assert (row["code"], row["field"], row["sentence"]) == ("resolve", "page", problem)
    assert row["place"].startswith("rupt.yaml:9:")


def test_causes_name_nobody(causes: Callable[..., Done]) -> None:
    """In no form do causes show who an event is of, or a credential."""
    text = "".join(
        done.out + done.err for done in (causes(), causes("--json"), causes("--with", "rupt.yaml", "--json"))
    )
    assert [word for word in PEOPLE if word in text] == []


@pytest.mark.parametrize(("columns", "width"), [(None, 80), ("40", 40), ("200", 200)])
def test_causes_have_room(columns: str | None, width: int, causes: Callable[..., Done]) -> None:
    """For a person causes are lines that have room, on a terminal of any width and off it; a command is one line."""
    done = causes(stdout=Screen(), env={"COLUMNS": columns, "NO_COLOR": "1"}) if columns else causes()
    commands = [line for line in done.out.splitlines() if line.startswith("         rupt-connector ")]
    assert [line.rpartition(" --data ")[2] for line in commands] == ["data"] * 4
    assert max(len(line) for line in done.out.splitlines() if line not in commands) <= width
    words = " ".join(done.out.split())
    for text in (
        "4 invalid type Attach Device",
        "rupt.yaml:9:40",
        TYPE,
        "next: rupt-connector explain type-0 --data data",
    ):
        assert text in words


def test_a_choice_of_jobs(causes: Callable[..., Done]) -> None:
    """What is looked at is chosen as in a list; skipped jobs only when they are asked for."""
    assert [row["code"] for row in causes("--state", "held", "--json").rows] == ["401", "mapping_gone"]
    (row,) = causes("--state", "skipped", "--json").rows
    assert (row["code"], row["field"], row["next"]) == (
        "stale",
        "settings.max_event_age",
        "look at settings.max_event_age, then rupt-connector jobs retry --staged --state skipped"
        " --mapping 'Attach Device' --reason stale --data data",
    )
    assert causes("--limit", "3", "--json").rows[0]["count"] == 3
    assert causes("nosuch").err.startswith("nothing is known of nosuch\n0 jobs, 0 causes")
    assert causes("--state", "delivered").code == 2


def test_without_a_destination_file(causes: Callable[..., Done], tmp_path: Path) -> None:
    """Without a destination file, or with a wrong one, causes are told without field and line, and it is said why."""
    (tmp_path / "rupt.yaml").rename(tmp_path / "other.yaml")
    done = causes("--json")
    assert done.code == 0
    assert (done.rows[0]["code"], done.rows[0]["field"], done.rows[0]["place"]) == ("type", None, None)
    assert done.err.startswith("there is no rupt.yaml here, so fields and lines are left out")
    assert causes("--json", "--config", "other.yaml").rows[0]["place"] == "other.yaml:9:40"
    assert causes("--config", "none.yaml").code == 2
    (tmp_path / "rupt.yaml").write_text("destination: rupt\n", encoding="utf-8")
    assert "rupt.yaml has " in causes().err


def test_what_to_do_next(causes: Callable[..., Done], tmp_path: Path) -> None:
    """Each cause has a next step: look at an event, send what met an outage again, wait, or send what an edit mends."""
    retry = "rupt-connector jobs retry --staged --state"
    assert [row["next"] for row in causes("--json").rows[2:]] == [
        f"{retry} dead --mapping 'Attach Device' --reason 503 --data data",
        "mend settings.client_id; held jobs go on by themselves when Rupt takes them",
        "put the mapping back, or rupt-connector jobs drop --state held --mapping Gone --data data",
    ]
    config = edited(tmp_path, MAPPING.replace("$.context.email", "$.properties.mail"))
    chosen = [row["next"] for row in causes("--with", config, "--json").rows[:2]]
    assert chosen == [
        f"put {config} in place, then {retry} invalid --mapping 'Attach Device' --reason 'Email must be a string'"
        " --data data",
        f"put {config} in place, then {retry} dead --mapping 'Attach Device' --reason '{REFUSED}' --data data",
    ]
    assert causes("--reason", "Email must be a string", "--json").rows[0]["count"] == 4


def test_variables_need_no_value(causes: Callable[..., Done], tmp_path: Path) -> None:
    """Without its secrets a destination file says where things stand; for an edited one an option allows that."""
    config = tmp_path / "rupt.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("client-1", "${NO_SUCH_NAME}"), encoding="utf-8")
    assert causes("--json").rows[0]["place"] == "rupt.yaml:9:40"
    assert causes("--with", "rupt.yaml").code == 2
    assert causes("--with", "rupt.yaml", "--allow-unset").code == 0


def test_what_was_asked_for_stays_asked_for(causes: Callable[..., Done], tmp_path: Path) -> None:
    """The printed command names the file that was named, and chooses no jobs that were not looked at."""
    (tmp_path / "rupt.yaml").rename(tmp_path / "other.yaml")
    more = ("--config", "other.yaml", "--json")
    assert causes(*more).rows[0]["next"] == "rupt-connector explain type-0 --config other.yaml --data data"
    row = causes("outage", "bad-0", "--state", "dead", "--account", "user-42", "--since", "2026-01-01", *more).rows[1]
    assert row["next"] == (
        "rupt-connector jobs retry --staged outage bad-0"
        " --state dead --mapping 'Attach Device' --reason 503 --account user-42"
        " --since 2026-01-01T00:00:00.000Z --config other.yaml --data data"
    )
    (row,) = causes("--limit", "3", "--with", edited(tmp_path, MAPPING.replace("context.email", "none")), *more).rows
    assert "--limit 3" in row["next"]


def test_a_required_field_is_chosen_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of jobs that miss a field, the printed command takes no other than those that miss that one."""

    async def fill(queue: SqliteQueue) -> None:
        for at, name in enumerate(("account", "page")):
            await queue.put([job_of(event(f"m-{at}"))], now=NOW)
            problem = f"The root value is missing the required field '{name}'."
            await queue.settle(await claim_one(queue, f"m-{at}"), "invalid", now=NOW, note=Note(problems=(problem,)))

    build(tmp_path / "data", fill)
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path, MAPPING)
    rows = call("jobs", "causes", "--data", "data", "--with", "rupt.yaml", "--json").rows
    for row in rows:
        chosen = shlex.split(row["next"].partition(", then rupt-connector ")[2])
        assert len(call(*chosen, "--dry-run", "--json").rows) == 2  # a stage, and the job


def with_edit(causes: Callable[..., Done], config: Path) -> dict[str, dict[str, Any]]:
    """Ask what an edit mends, by code."""
    return {row["code"]: row["with"] for row in causes("--with", config, "--json").rows}


def test_an_edit_that_mends(causes: Callable[..., Done], tmp_path: Path) -> None:
    """Each cause tells how many an edit mends, how many stay, and what the others become; nothing changes."""
    before = call("jobs", "list", "--json", "--data", "data").out
    config = edited(tmp_path, MAPPING.replace("$.context.email", "$.properties.mail"))
    found = with_edit(causes, config)
    counts = [tuple(found[code][name] for name in ("mended", "changed", "stays")) for code in found]
    assert counts == [(3, 0, 1), (0, 2, 0), (0, 0, 1), (0, 0, 1), (0, 0, 1)]
    text = causes("--with", config)
    total, _, command = text.out.splitlines()[-3:]
    assert total == f"{config} would mend 3 of 9 jobs, and send 2 as another request"
    assert command == "rupt-connector jobs retry --staged --state invalid --state dead --data data"
    assert f"put {config} in place, then" in " ".join(text.out.split()).replace("- ", "-")
    assert call("jobs", "list", "--json", "--data", "data").out == before


def test_an_edit_that_mends_nothing(causes: Callable[..., Done]) -> None:
    """Through the file as it is everything stays as it was: the same problem, the same refused request."""
    done = causes("--with", "rupt.yaml", "--state", "invalid", "--state", "dead", "--json")
    assert [(row["with"]["mended"], row["with"]["stays"]) for row in done.rows] == [(0, 4), (0, 2), (0, 1)]
    assert done.err.endswith("rupt.yaml would mend 0 of 7 jobs\n")


BECOMES: Sequence[tuple[str, str, dict[str, object]]] = (
    ("$.userId", "$.nobody", {"outcome": "invalid", "code": "required", "field": "account", "count": 4}),
    ("name: Attach Device", "name: Renamed", {"outcome": "held", "code": "mapping_gone", "count": 4}),
)


@pytest.mark.parametrize(("old", "new", "other"), BECOMES)
def test_an_edit_that_breaks_something_else(
    old: str, new: str, other: dict[str, object], causes: Callable[..., Done], tmp_path: Path
) -> None:
    """What an edit makes another failure of is neither mended nor as it was, and its new cause is named."""
    found = with_edit(causes, edited(tmp_path, MAPPING.replace("$.context.email", "$.no").replace(old, new)))
    (becomes,) = found["type"]["becomes"]
    assert found["type"]["mended"] == found["type"]["stays"] == 0
    assert {**becomes, **other} == becomes


def test_an_edit_that_lets_jobs_be_skipped(causes: Callable[..., Done], tmp_path: Path) -> None:
    """Jobs that would be skipped by the edited file are told as such."""
    (tmp_path / "new").mkdir()
    config = write_config(tmp_path / "new", MAPPING, settings=["device_identity: strict"])
    found = with_edit(causes, config)
    assert found["400"]["becomes"][0]["code"] == "no_device"


def test_a_mapping_that_is_back(causes: Callable[..., Done], tmp_path: Path) -> None:
    """Putting a mapping back mends what was held for want of it."""
    config = edited(tmp_path, MAPPING, MAPPING.replace("name: Attach Device", "name: Gone"))
    assert with_edit(causes, config)["mapping_gone"]["mended"] == 1


def test_the_last_command_sends_all_that_is_mended(causes: Callable[..., Done], tmp_path: Path) -> None:
    """It names the states of all that the edit mends, and no more jobs than were looked at; or it is left out."""
    config = edited(tmp_path, MAPPING.replace("$.context.email", "$.properties.mail"))
    done = causes("--with", config, "--json", "--state", "invalid", "--reason", "it's", "--account", "user-42")
    assert "rupt-connector" not in done.err
    done = causes("--with", config, "--json", "--state", "invalid", "--reason", "email must", "--limit", "9")
    last = "rupt-connector jobs retry --staged --state invalid --reason 'email must' --limit 4 --data data"
    assert done.err.splitlines()[-1] == last


def test_single_quotes_stand_in_double_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text with single quotes is in double ones in a printed command, and a shell reads it as it is."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("m-1"))], now=NOW)
        problem = "The root value is missing the required field 'account'."
        await queue.settle(await claim_one(queue, "m-1"), "invalid", now=NOW, note=Note(problems=(problem,)))

    build(tmp_path / "data", fill)
    monkeypatch.chdir(tmp_path)
    config = edited(tmp_path, MAPPING)
    (row,) = call("jobs", "causes", "--data", "data", "--with", config, "--json").rows
    assert """ --reason "missing the required field 'account'" """ in row["next"]
    assert "missing the required field 'account'" in shlex.split(row["next"])


def test_one_cause_may_have_several_types(tmp_path: Path) -> None:
    """A field that had several types is one cause; its sentence is that of most jobs, and says that there are more."""
    kinds = ("array", "object", "object", "number")

    async def fill(queue: SqliteQueue) -> None:
        for at, kind in enumerate(kinds):
            await queue.put([job_of(event(f"m-{at}"))], now=NOW)
            note = Note(problems=(f"Email must be a string but it was an {kind}.",))
            await queue.settle(await claim_one(queue, f"m-{at}"), "invalid", now=NOW, note=note)

    config = write_config(tmp_path, MAPPING)
    (row,) = call("jobs", "causes", "--data", build(tmp_path / "data", fill), "--config", config, "--json").rows
    assert (row["count"], row["sentence"]) == (4, "Email must be a string but it was an object (and other types).")


def test_an_edit_that_is_not_there(causes: Callable[..., Done]) -> None:
    """A file of --with that does not exist is told as that option's."""
    done = causes("--with", "nofile.yaml")
    assert done.code == 2
    assert "--with nofile.yaml: there is no such file" in done.err
    assert "init" not in done.err


def test_a_wrong_edit(causes: Callable[..., Done], tmp_path: Path) -> None:
    """An edited file with problems ends with 2, and they are told."""
    done = causes("--with", edited(tmp_path, MAPPING.replace("account:", "acount:")))
    assert done.code == 2
    assert "unknown_field" in done.err
