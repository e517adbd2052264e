"""Recording: what is written takes the way of its original, and only that is written."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from connector.destination import Destination, load
from connector.errors import ConnectorError, UsageError
from connector.pseudonyms import Pseudonyms, rules_of
from connector.queue.sqlite import SqliteQueue
from connector.recording.proof import Parted, Proven, Prover
from connector.recording.reading import read_sources
from connector.recording.recorder import Recorder, Tally
from connector.recording.samples import Sample, reached
from connector.recording.ways import Ways
from connector.recording.writing import Recording
from connector.replay.summary import Summary
from connector.sources.files import Progress
from tests.cli.command import SDK, page, write_config, write_events
from tests.queue.stored import build, each_state

KEY = b"a key that only tests have"


def destination(folder: Path, *mappings: str) -> Destination:
    """Load a destination with these mappings."""
    return load(write_config(folder, *mappings), {})


def mapping(trigger: str, fields: str = "{account: $.userId}", name: str = "M") -> str:
    """Write a mapping."""
    return f"{{name: {name}, action: attach, trigger: {json.dumps(trigger)}, fields: {fields}}}"


def prove(chosen: Destination, event: dict[str, Any]) -> Proven | Parted:
    """Give an event pseudonyms and prove them."""
    ways = Ways(chosen)
    return Prover(ways, Pseudonyms(KEY, rules_of(chosen))).prove("m-1", event, ways.follow(event))


def record(chosen: Destination, out: Path, paths: list[str], *, sample: bool = False, **more: Any) -> Tally:
    """Record paths into a file."""
    recorder = Recorder(chosen, KEY, **more)
    items = read_sources(paths, stdin=io.BytesIO(), progress=Progress())
    with Recording(str(out), force=True) as recording:
        tally = recorder.run(
            items, recording, sample=sample, summary=Summary(), say=lambda _: None, show=lambda _: None
        )
        recording.finish(io.BytesIO())
    return tally


@pytest.mark.parametrize(
    ("trigger", "event"),
    [
        ('properties.tariff = "Gold Card"', page(1, properties={"tariff": "Gold Card"})),
        ('properties.tariff != "Gold Card"', page(1, properties={"tariff": "Iron Card"})),
        ('lowercase(properties.tariff) = "gold"', page(1, properties={"tariff": "GOLD"})),
        ('properties.tariff in ["gold", "iron"]', page(1, properties={"tariff": "iron"})),
        ('contains(traits.email, "@acme.com")', page(1, traits={"email": "ada@acme.com"})),
        ('!contains(traits.email, "q")', page(1, traits={"email": "ada@acme.com"})),
        ('contains(properties.note, "e")', page(1, properties={"note": "eve"})),
        ('match(userId, "staff-4*")', page(1, userId="staff-41")),
        ('match(properties.path, "/team/*/ada")', page(1, properties={"path": "/team/blue/ada"})),
        ('!match(userId, "*7")', page(1, userId="customer-16")),
        ("properties.total > 100", page(1, properties={"total": 120})),
        ("properties.total <= 100", page(1, properties={"total": 99.5})),
        ("properties.total = 12", page(1, properties={"total": 12})),
        ("length(properties.note) > 4", page(1, properties={"note": "Ada L"})),
        ('"ada" in properties.people', page(1, properties={"people": ["ada", "eve"]})),
    ],
)
def test_what_a_trigger_compares_keeps_deciding(tmp_path: Path, trigger: str, event: dict[str, Any]) -> None:
    """A pseudonym is judged as its original is, by every kind of clause, and by its opposite."""
    for text in (trigger, f"!({trigger})"):
        chosen = destination(tmp_path, mapping(text))
        proven = prove(chosen, event)
        assert isinstance(proven, Proven)
        assert Ways(chosen).follow(proven.data).taken == Ways(chosen).follow(event).taken
        assert proven.data["messageId"] != event["messageId"]


@pytest.mark.parametrize(
    "fields",
    [
        '{account: $.userId, email: {"@case": {operator: lower, value: $.traits.email}}}',
        '{account: $.userId, metadata: {a: {"@replace": {pattern: "@", replacement: _, value: $.traits.email}}}}',
        '{account: $.userId, metadata: {a: {"@json": {mode: decode, value: $.traits.data}}}}',
        '{account: $.userId, metadata: {a: {"@liquid": \'{% if traits.tariff == "gold" %}rich{% endif %}\'}}}',
        '{account: $.userId, metadata: {a: {"@liquid": "{% if traits.points == 4711 %}rich{% endif %}"}}}',
        "{account: $.userId, phone: $.traits.phone, groups: {id: $.traits.team}, tolerance: $.traits.tolerance}",
        '{account: {"@if": {blank: $.traits.empty, then: a, else: $.userId}}, metadata: $.traits}',
    ],
)
def test_what_fields_are_made_of_keeps_its_way(tmp_path: Path, fields: str) -> None:
    """Every directive gives as much of a pseudonym as of the original."""
    chosen = destination(tmp_path, mapping('type = "page"', fields))
    traits = {
        "email": "Ada@Acme.com",
        "data": '{"city": "Paris", "n": 3}',
        "tariff": "gold",
        "points": 4711,
        "phone": "+14155552671",
        "team": "team-7",
        "tolerance": "strict",
        "empty": "",
    }
    proven = prove(chosen, page(1, traits=traits))
    assert isinstance(proven, Proven)
    assert not proven.redrawn
    way = Ways(chosen).follow(page(1, traits=traits))
    assert proven.way.points == way.points
    assert any(point.said == "planned" for point in way.points)


def test_an_invalid_event_stays_invalid_for_the_same_reason(tmp_path: Path) -> None:
    """What the schema refuses, and what is left out with a warning, is so with pseudonyms too."""
    chosen = destination(tmp_path, mapping('type = "page"', "{account: $.traits, phone: $.traits.phone}"))
    proven = prove(chosen, page(1, traits={"phone": "+4479110"}))
    assert isinstance(proven, Proven)
    assert "invalid" in [point.said for point in proven.way.points]


def test_a_value_that_no_rule_knows_is_drawn_again(tmp_path: Path) -> None:
    """Where a pseudonym happens to take another way, another one is drawn, for these values alone."""
    chosen = destination(tmp_path, mapping("properties.size < 5000"))
    ways = Ways(chosen)
    prover = Prover(ways, Pseudonyms(KEY))  # without the rules of the destination
    events = [page(at, properties={"size": 4000 + at}) for at in range(20)]
    drawn = [prover.prove(event["messageId"], event, ways.follow(event)) for event in events]
    proven = [one for one in drawn if isinstance(one, Proven)]
    assert len(proven) == 20
    assert {one.redrawn for one in proven} == {0, 1}


def phone_event(number: str, text: str) -> dict[str, Any]:
    """Make a page event of Ada with a phone number."""
    return page(1, messageId=number, userId="lovelace", properties={"email": "ada@x.io", "phone": text})


@pytest.mark.parametrize(
    "phone", ["+1 415 849 2041 ext 5", "+1\u2011415\u2011849\u20112041", "\uff0b14158492041 \u200b"]
)
def test_an_odd_phone_number_takes_its_way(tmp_path: Path, phone: str) -> None:
    """What the wire takes as a phone number stays one, and nothing else of the event is drawn again."""
    fields = "{account: $.userId, email: $.properties.email, phone: $.properties.phone}"
    chosen = destination(tmp_path, mapping('type = "page"', fields))
    odd, plain = prove(chosen, phone_event("m2", phone)), prove(chosen, phone_event("m1", "+1 415 849 2041"))
    assert isinstance(odd, Proven)
    assert isinstance(plain, Proven)
    assert (odd.redrawn, odd.data["userId"]) == (0, plain.data["userId"])


def test_only_the_field_that_differs_is_drawn_again(tmp_path: Path) -> None:
    """Where a field is left out of the request its own values are drawn again, nothing else and never an id."""
    pattern = "{% assign rest = properties.rank | modulo: 7 %}{% if rest == 3 %}+14158492041{% else %}none{% endif %}"
    phone = f"{{'@liquid': '{pattern}'}}"
    chosen = destination(
        tmp_path, mapping('type = "page"', f"{{account: $.userId, email: $.properties.email, phone: {phone}}}")
    )
    ways, drawn = Ways(chosen), list[int]()
    for number in range(40):
        event = page(number, properties={"email": "ada@x.io", "rank": 7 * (100 + number) + 3})
        pseudonyms = Pseudonyms(KEY)
        found, usual = Prover(ways, pseudonyms).prove("m", event, ways.follow(event)), pseudonyms.event(event)
        if isinstance(found, Proven):
            drawn.append(found.redrawn)
            properties: Any = usual["properties"]
            rank = found.data["properties"]["rank"]  # type: ignore[index, call-overload]
            assert found.data == {**usual, "properties": {**properties, "rank": rank}}
    assert set(drawn) == {0, 1}


def test_what_is_left_out_of_a_request_is_named(tmp_path: Path) -> None:
    """An event is told with where it stands and the field that its pseudonyms would lose."""
    fields = "{account: $.userId, phone: $.messageId}"
    chosen = destination(tmp_path, mapping('type = "page"', fields))
    ways = Ways(chosen)
    event = page(1, messageId="tel:+14158492041;phone-context=a.com")
    original = ways.follow(event)
    found = Prover(ways, Pseudonyms(KEY)).prove("m", event, original, at="ph.jsonl:4")
    assert isinstance(found, Parted)
    assert found.at == "ph.jsonl:4"
    assert found.sentence.startswith("phone is left out of the request (")


def test_what_cannot_be_mended_is_left_out_and_told(tmp_path: Path) -> None:
    """An event whose pseudonyms take another way is told with the clause, its place, and no value."""
    chosen = destination(tmp_path, mapping('properties.tariff = "Zephyrian"'))
    ways, event = Ways(chosen), page(1, properties={"tariff": "Zephyrian"})
    prover = Prover(ways, Pseudonyms(KEY))  # without the rules of the destination
    found = prover.prove("message-of-ada", event, ways.follow(event))
    assert isinstance(found, Parted)
    assert found.message_id != "message-of-ada"
    assert found.told.startswith('properties.tariff = "Zephyrian" (')
    assert found.told.endswith("rupt.yaml:6:41)")
    assert (found.mapping, found.expected, found.found) == ("M", "holds", "fails")


def test_a_sample_reaches_all_that_was_seen(tmp_path: Path) -> None:
    """The smallest set of events has every clause both ways, every branch and every outcome."""
    chosen = destination(tmp_path, "preset: attach-device", "preset: conversions", mapping('userId = "u"'))
    ways = Ways(chosen)
    events = [page(at % 7, properties={"email": "a@b.com"} if at % 2 else {}) for at in range(200)]
    events += [{"type": "track", "event": "Signed Up", "userId": "u", "messageId": "t"}]
    sample = Sample()
    for event in events:
        if sample.wants(ways.follow(event)):
            sample.add(json.dumps(event).encode() + b"\n", ways.follow(event))
    chosen_lines = [json.loads(line) for line, _ in sample.chosen()]
    assert len(chosen_lines) == 3

    def points(some: list[dict[str, Any]]) -> set[Any]:
        return {point for event in some for point in reached(ways.follow(event))}

    assert points(chosen_lines) == points(events)


def test_a_servers_folder_is_read_while_it_is_in_use(tmp_path: Path) -> None:
    """Every stored event is recorded once, in the order of the store, which stays as it was."""
    folder, chosen, found = tmp_path / "data", destination(tmp_path, "preset: attach-device"), list[Tally]()

    async def fill(queue: SqliteQueue) -> None:
        await each_state(queue)
        before = await queue.counts()
        found.append(record(chosen, tmp_path / "out.ndjson", [str(folder)]))
        assert await queue.counts() == before

    build(folder, fill)
    assert [(tally.read, tally.written, tally.left_out) for tally in found] == [(10, 10, 0)]
    text = (tmp_path / "out.ndjson").read_text(encoding="utf-8")
    assert "user-of-dead" not in text
    assert text.count("\n") == 10


def test_the_same_key_gives_the_same_file(tmp_path: Path) -> None:
    """With one key the file is the same byte for byte, compressed or not; with another it is another."""
    chosen = destination(tmp_path, "preset: attach-device")
    files = [tmp_path / name for name in ("a.ndjson.gz", "b.ndjson.gz")]
    for file in files:
        record(chosen, file, [str(SDK)])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].read_bytes()[:2] == b"\x1f\x8b"
    assert files[0].read_bytes()[3:8] == b"\0\0\0\0\0"  # no name, no time


def test_what_is_on_disk_is_what_was_proven(tmp_path: Path) -> None:
    """A file that is not what was proven is not kept, and a broken-off one leaves nothing."""
    ways = Ways(destination(tmp_path, "preset: attach-device"))
    out = tmp_path / "out.ndjson"
    event = page(1)
    with Recording(str(out), force=False) as recording:
        recording.write(
            json.dumps({**event, "type": "track", "event": "E"}).encode() + b"\n", ways.follow(event).digest()
        )
        with pytest.raises(ConnectorError, match="what was written is not what was proven"):
            recording.prove(ways)
    assert [file.name for file in tmp_path.iterdir()] == ["rupt.yaml"]


def test_a_pipe_is_written_to_and_a_link_is_followed(tmp_path: Path) -> None:
    """What is no file is never replaced: a pipe gets the events, and of a link the file that it leads to is written."""
    chosen, pipe, target = destination(tmp_path), tmp_path / "pipe", tmp_path / "target.ndjson"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    record(chosen, pipe, [str(write_events(tmp_path / "events.ndjson", page(1)))])
    assert os.read(reader, 1 << 16).count(b"\n") == 1
    os.close(reader)
    assert pipe.is_fifo()
    link = tmp_path / "link.ndjson"
    target.touch(0o600)
    link.symlink_to(target)
    record(chosen, link, [str(tmp_path / "events.ndjson")])
    assert link.is_symlink()
    assert target.read_bytes().count(b"\n") == 1
    assert target.stat().st_mode & 0o777 == 0o600


def test_what_must_not_be_replaced_is_refused(tmp_path: Path) -> None:
    """A folder, a server's folder and what is read are refused, also with --force, and are told by the name given."""
    (tmp_path / "data").mkdir()
    for name in ("data/queue.db", "source.ndjson"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "source.ndjson")
    for name, words in (
        (".", "this is a folder"),
        ("data/queue.db", "data folder of a server"),
        ("data/new.ndjson", "data folder of a server"),
        ("source.ndjson", "this is what is read"),
        ("link", "this is what is read"),
    ):
        with pytest.raises(UsageError, match=words):
            Recording(str(tmp_path / name), force=True, inputs=[str(tmp_path / "source.ndjson")])
    assert len(list(tmp_path.rglob("*"))) == 4


def test_a_file_is_not_overwritten(tmp_path: Path) -> None:
    """A recording that is there stays, unless it is to be overwritten."""
    out = write_events(tmp_path / "out.ndjson", page(1))
    with pytest.raises(UsageError, match="--force"):
        Recording(str(out), force=False)
    with pytest.raises(UsageError, match="nowhere"):
        Recording(str(tmp_path / "nowhere" / "out.ndjson"), force=False)
