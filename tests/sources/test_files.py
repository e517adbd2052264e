import gzip
import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import SourceError
from connector.events import Event, event_reader
from connector.sources.files import Located, Progress, find_files, read_events, read_stream
from connector.values import JSON

SAMPLES = Path(__file__).parents[1] / "samples" / "sdk"
READS = frozenset({("context", "traits", "email"), ("properties", "plan")})


def event(number: int, **fields: JSON) -> dict[str, JSON]:
    """A page view, which is called m-NUMBER."""
    return {
        "type": "page",
        "messageId": f"m-{number}",
        "userId": "u",
        "timestamp": "2026-11-21T12:00:00.000Z",
        **fields,
    }


def lines_of(*values: object) -> bytes:
    """Lines of JSON; bytes are lines already."""
    return b"".join(value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n" for value in values)


def told(items: Iterator[Located]) -> list[str]:
    """Items in short: `line type messageId` or `line reason: detail`."""
    return [
        f"{line} {item.type} {item.message_id}" if isinstance(item, Event) else f"{line} {item.reason}: {item.detail}"
        for _, line, item in items
    ]


def read(content: bytes) -> list[str]:
    """What stands in a stream of these bytes, in short; the same whether all or a part of an event is read."""
    whole = told(read_stream("stream", io.BytesIO(content), event_reader(None)))
    assert told(read_stream("stream", io.BytesIO(content), event_reader(READS))) == whole
    return whole


PAGES = ["1 page m-1", "2 page m-2"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(lines_of(event(1), event(2)), PAGES, id="lines"),
        pytest.param(lines_of(event(1), event(2)).rstrip(), PAGES, id="no newline at the end"),
        pytest.param(lines_of(event(1), event(2)).replace(b"\n", b"\r\n"), PAGES, id="CRLF"),
        pytest.param(b"\n \n" + lines_of(event(1), b"\n", event(2)), ["3 page m-1", "5 page m-2"], id="blank lines"),
        pytest.param(b"\xef\xbb\xbf" + lines_of(event(1), event(2)), PAGES, id="byte order mark"),
        pytest.param(lines_of(event(1), [event(2), event(3)]), [*PAGES, "2 page m-3"], id="a list in a line"),
        pytest.param(lines_of({"batch": [event(1), event(2)]}), ["1 page m-1", "1 page m-2"], id="a batch in a line"),
        pytest.param(
            lines_of({"userId": "u", "payload": event(1), "createdAt": "x"}, {"payload": {"batch": [event(2)]}}),
            PAGES,
            id="RudderStack",
        ),
        pytest.param(
            lines_of({"method": "POST", "path": "/v1/p", "body": json.dumps(event(1))}, event(2)), PAGES, id="requests"
        ),
        pytest.param(lines_of(event(1)).rstrip() * 2, ["1 page m-1"] * 2, id="values on one line"),
        pytest.param(json.dumps(event(1), indent=2).encode(), ["1 page m-1"], id="one object over lines"),
        pytest.param(
            (json.dumps(event(1), indent=2) + "\n" + json.dumps(event(2), indent=2)).encode(),
            ["1 page m-1", "7 page m-2"],
            id="objects over lines",
        ),
        pytest.param(b"{\n\n" + lines_of(event(1))[1:], ["1 page m-1"], id="a blank line in an object"),
        pytest.param(json.dumps([event(1), event(2)]).encode(), ["1 page m-1", "1 page m-2"], id="list"),
        pytest.param(
            json.dumps([event(1), event(2)], indent=1).encode(), ["2 page m-1", "8 page m-2"], id="list over lines"
        ),
        pytest.param(
            json.dumps({"batch": [event(1), event(2)]}, indent=1).encode(),
            ["1 page m-1", "1 page m-2"],
            id="batch over lines",
        ),
        pytest.param(
            b'{"batch": [\n' + lines_of(event(1)) + b",\n" + lines_of(event(2)) + b"]}",
            ["1 page m-1", "1 page m-2"],
            id="batch of lines",
        ),
        pytest.param(lines_of([event(1)], [event(2)]), PAGES, id="lines of lists"),
    ],
)
def test_formats(content: bytes, expected: list[str]) -> None:
    """What a stream holds is told by its content, plain and zipped alike, with the line of each event."""
    assert read(content) == expected
    assert read(gzip.compress(content)) == expected


def test_members() -> None:
    """A gzip file may be made of several, as when logs are joined."""
    content = gzip.compress(lines_of(event(1))) + gzip.compress(b"") + gzip.compress(lines_of(event(2))) + b"\0" * 512
    assert read(content) == PAGES


def test_where() -> None:
    """Each item comes with the name of its stream and its line."""
    assert [(name, line) for name, line, _ in read_stream("x", io.BytesIO(lines_of(event(1))), event_reader(None))] == [
        ("x", 1)
    ]


SAMPLE_EVENTS = {
    "01-analytics-python-v1-batch.json": [
        "identify user-42 5a5be367-d02f-48c5-90c6-13d0c971eb65",
        "page user-42 0cad2e3b-3d87-4aad-a462-796b4525ba97",
        "track user-42 8c9c4dc9-f8c0-4137-8319-6792ced694df",
        "group user-42 45fbd5a8-9bad-49cb-9ae6-f3b0ddaa7461",
        "screen user-42 2883889a-5594-43a6-baaa-b66f65dd922a",
        "alias user-42 f09a34c0-a8ee-4247-933b-9eeb75231f44",
    ],
    "02-analytics-python-v1-batch.json": [  # its body is gzip
        "identify user-42 578c94e6-c22b-4d6c-8c47-9434a837a8fa",
        "page user-42 ecc3cc7c-8c83-4c8c-9531-be45ea685d1c",
        "track user-42 9c1d0edc-d6a1-450c-aa02-1a5eae0f7cac",
        "group user-42 48de63a1-8a45-4456-81c1-49a35724defd",
        "screen user-42 e6ae95c1-64ee-44b8-bbc6-f33a2425d6f5",
        "alias user-42 b57f2f30-4f11-4ab1-937d-ee5c76b62c46",
    ],
    "03-analytics-node-next-v1-batch.json": [
        "identify user-77 node-next-1795235292261-c5cb936b-2454-4042-bd0e-ef4ea9e2703b",
        "page user-77 node-next-1795235292262-936b2454-e042-4d0e-af4e-a9e2703b0d00",
        "track anon-77 node-next-1795235292263-2454e042-7d0e-4f4e-a9e2-703b0d00eb3c",
        "group user-77 node-next-1795235292263-e0427d0e-ef4e-49e2-b03b-0d00eb3cfb66",
    ],
    "04-analytics-next-v1-p.json": [  # its userId is null
        "page 54bbee5b-5e73-4d73-878e-3c5cb8eb0bf8 ajs-next-1795235293571-df54bbee-5b5e-438d-b3c7-8e3c5cb8eb0b",
    ],
    "05-analytics-next-v1-i.json": [
        "identify user-13 ajs-next-1795235293666-ee5b5e73-8d73-478e-bc5c-b8eb0bf87fdb",
    ],
    "06-analytics-next-v1-t.json": ["track user-13 ajs-next-1795235293681-5e738d73-c78e-4c5c-b8eb-0bf87fdb9433"],
    "07-analytics-next-v1-g.json": ["group user-13 ajs-next-1795235293700-8d73c78e-3c5c-48eb-8bf8-7fdb94331dc9"],
    "08-analytics-next-v1-a.json": ["alias user-13 ajs-next-1795235293712-c78e3c5c-b8eb-4bf8-bfdb-94331dc97ad3"],
    "09-analytics-next-v1-s.json": ["screen user-13 ajs-next-1795235293722-3c5cb8eb-0bf8-4fdb-9433-1dc97ad3b653"],
    "10-analytics-next-v1-b.json": [
        "track user-13 ajs-next-1795235293787-eb0bf87f-db94-431d-897a-d3b653a4f1a3",
        "track user-13 ajs-next-1795235293794-f87fdb94-331d-497a-93b6-53a4f1a37ec4",
    ],
}


@pytest.mark.parametrize("name", SAMPLE_EVENTS)
def test_requests_of_the_sdks(name: str) -> None:
    """Each request that Segment's own SDKs made becomes the events that went into it."""
    items = [item for _, _, item in read_events([str(SAMPLES / name)], reads=READS)]
    users = [item.data.get("userId") or item.data.get("anonymousId") for item in items if isinstance(item, Event)]
    found = zip(items, users, strict=True)
    assert [f"{item.type} {user} {item.message_id}" for item, user in found if isinstance(item, Event)] == (
        SAMPLE_EVENTS[name]
    )


def test_sent_at_of_the_sdks() -> None:
    """The time at which a batch was sent is known of each of its events."""
    items = [item for _, _, item in read_events([str(SAMPLES)], reads=None)]
    assert [item for item in items if not (isinstance(item, Event) and item.data.get("sentAt"))] == []


# -------------------------------------------------------------------------------------------------------- finding


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of recorded events as S3 and RudderStack lay them out, which is the working directory."""
    files = {
        "segment-logs/src/1700000000000/b.json.gz": gzip.compress(lines_of(event(1))),
        "segment-logs/src/900000000000/a.gz": lines_of(event(2)),
        "segment-logs/src/900000000000/a.json": gzip.compress(lines_of(event(3))),
        "archive/src/gw/2026-11-21/9/part-2.json.gz": gzip.compress(lines_of({"payload": event(4)})),
        "archive/src/gw/2026-11-21/10/part-10.json.gz": gzip.compress(lines_of({"payload": event(5)})),
        "archive/src/gw/2026-11-21/10/part-9.json.gz": gzip.compress(lines_of({"payload": event(6)})),
        "archive/.hidden/x.json": lines_of(event(7)),
        "archive/.x.json": lines_of(event(8)),
        "odd[1].json": lines_of(event(9)),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["odd[1].json"], ["m-9"]),
        (["segment-logs"], ["m-2", "m-3", "m-1"]),
        (["archive"], ["m-4", "m-6", "m-5"]),
        (["archive/src/gw/*/10/*.gz"], ["m-6", "m-5"]),
        (["**/*.gz"], ["m-4", "m-6", "m-5", "m-2", "m-1"]),
        (["segment-logs/src/*"], ["m-2", "m-3", "m-1"]),
        (["odd[1].json", "segment-logs/src/900000000000", "odd[1].json"], ["m-9", "m-2", "m-3"]),
    ],
)
def test_paths(paths: list[str], expected: list[str]) -> None:
    """Paths are files, folders with all below but what is hidden, and globs, each file once and numbers in order."""
    items = [item for _, _, item in read_events(paths, reads=None)]
    assert [item.message_id for item in items] == expected


@pytest.mark.usefixtures("folder")
def test_all_paths_are_checked_first() -> None:
    """Every path that leads nowhere is named at once, before anything is read."""
    with pytest.raises(SourceError) as caught:
        read_events(["odd[1].json", "gone.json", "*.csv", "odd[1].json", "gone/below"], reads=None)
    assert str(caught.value).splitlines() == [
        "gone.json: no such file or folder",
        "*.csv: matches no file",
        "gone/below: no such file or folder",
    ]


def test_empty_folder(folder: Path) -> None:
    """A folder without files leads nowhere."""
    (folder / "empty").mkdir()
    with pytest.raises(SourceError, match="empty: the folder holds no files"):
        find_files(["empty"])


def test_links(folder: Path) -> None:
    """Links are followed, also to folders, and one that leads back up is not followed again."""
    (folder / "links").mkdir()
    (folder / "links" / "one.json").symlink_to(folder / "odd[1].json")
    (folder / "links" / "more").symlink_to(folder / "segment-logs")
    (folder / "links" / "back").symlink_to(folder / "links")
    assert [item.message_id for _, _, item in read_events(["links"], reads=None)] == ["m-2", "m-3", "m-1", "m-9"]


def test_broken_link(folder: Path) -> None:
    """A link to nothing is named, not passed over."""
    (folder / "broken.json").symlink_to(folder / "gone")
    with pytest.raises(SourceError, match=r"broken\.json: a link that leads nowhere"):
        find_files(["."])


def test_permission(nobody: None) -> None:
    """Files that may not be read are named, all of them, before anything is read."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("one.json", "two.json")]
        for file in files:
            file.write_bytes(b"{}")
            file.chmod(0)
        with pytest.raises(SourceError, match=r"one\.json: permission denied\n.*two\.json: permission denied"):
            read_events(list(map(str, files)), reads=None)


def test_file_that_goes_away(folder: Path) -> None:
    """A file that is gone when its turn comes is reported in its place, and the rest goes on."""
    items = read_events(["odd[1].json", "archive"], reads=None)
    (folder / "odd[1].json").unlink()
    assert told(items)[:2] == ["1 bad_request: cannot be opened: No such file or directory", "1 page m-4"]


@pytest.mark.usefixtures("folder")
def test_stdin() -> None:
    """A dash is standard input, among files where it stands; it is not closed."""
    stdin = io.BytesIO(gzip.compress(lines_of(event(20))))
    items = list(read_events(["odd[1].json", "-"], reads=None, stdin=stdin))
    assert [(name, item.message_id) for name, _, item in items] == [("odd[1].json", "m-9"), ("stdin", "m-20")]
    assert not stdin.closed


def test_pipe() -> None:
    """Standard input may be a pipe that gives a few bytes at a time."""
    out, into = os.pipe()
    with open(out, "rb") as stdin, open(into, "wb", buffering=0) as writer:
        items = read_events(["-"], reads=None, stdin=stdin)
        writer.write(lines_of(event(1))[:50])
        writer.write(lines_of(event(1))[50:])
        writer.close()
        assert told(items) == ["1 page m-1"]


def test_no_stdin() -> None:
    """A dash without a standard input leads nowhere."""
    with pytest.raises(SourceError, match="no standard input"):
        read_events(["-"], reads=None)


def test_progress(folder: Path) -> None:
    """Progress knows how many bytes there are to read, zipped as they are, and how many have been read."""
    progress = Progress()
    items = read_events(["archive", "odd[1].json"], reads=None, progress=progress)
    sizes = [os.path.getsize(file) for file in find_files(["archive", "odd[1].json"])]
    assert (progress.total, progress.done()) == (sum(sizes), 0)
    next(items)
    assert progress.done() == sizes[0]
    assert len(list(items)) == 3
    assert progress.done() == sum(sizes)


def test_stopping_early(folder: Path) -> None:
    """Nothing is left open when only the first events are wanted."""
    (folder / "many.json").write_bytes(lines_of(*(event(number) for number in range(5_000))))
    items = read_events(["many.json"], reads=None)
    assert next(items)[1] == 1
    del items  # an open file would be a warning here, and so an error


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"\n", b"{", b"[", b'{"a":', lines_of(event(1))]))))
def test_any_bytes(parts: list[bytes]) -> None:
    """Whatever the bytes are, reading them gives events and discards, and never nothing, and never raises."""
    content = b"".join(parts)
    assert read(content)
    assert read(gzip.compress(content) + content)
    assert read(gzip.compress(content)[: len(content)])


def test_values_glued_on_one_line(tmp_path: Path) -> None:
    """Two events on one line in the middle of a file, as files put together have them, are both read."""
    first, second, third = (b'{"type":"page","userId":"u","messageId":"%d"}' % number for number in range(3))
    file = tmp_path / "glued.ndjson"
    file.write_bytes(first + b"\n" + second + third + b"\n")
    found = list(read_events([str(file)], reads=None))
    assert [(line, item.message_id) for _, line, item in found] == [(1, "0"), (2, "1"), (2, "2")]
