"""Tests as they are written: what is read, and what is wrong with one, at its place."""

import pytest

from connector.case_keys import CASE_KEYS, SUITE_KEYS
from connector.cases import EXPECTATIONS, Case, read_cases
from connector.documents import Part, read_document
from connector.errors import Problem


def read(text: str, *, in_suite: bool = False) -> tuple[tuple[Case, ...], list[Problem]]:
    """Read a list of tests that stands under a key."""
    document = read_document(f"tests: {text}".encode(), file="a.yaml", environment={})
    return read_cases(Part(document, ("tests",)), in_suite=in_suite)


def test_what_is_read() -> None:
    """A test has a name, an event, and what is expected of it."""
    (case,), problems = read("[{name: it, event: {type: page}, expect: {a: 1}, expect_request: {method: POST}}]")
    assert problems == []
    assert (case.name, case.event, case.outcome) == ("it", {"type": "page"}, "planned")
    assert case.expected is not None
    assert (case.expected.payload, case.expected.request) == ({"a": 1}, {"method": "POST"})


@pytest.mark.parametrize(
    ("written", "reasons", "is_whole"),
    [
        ("true", (), False),
        ("a part", ("a part",), False),
        ("[one, two]", ("one", "two"), True),
    ],
)
def test_expected_problems(written: str, reasons: tuple[str, ...], is_whole: bool) -> None:
    """Problems are expected as true, as a part of one, or as a list that names them all."""
    (case,), _ = read(f"[{{event: {{}}, expect_invalid: {written}}}]")
    assert case.expected is not None
    assert (case.outcome, case.expected.reasons, case.expected.is_whole) == ("invalid", reasons, is_whole)


def test_a_recording_and_its_events() -> None:
    """A recording stands in place of an event, with the messageIds to take of it."""
    (one, many), _ = read("[{events: a.jsonl, only: m1, expect: {}}, {events: a.jsonl, only: [m1, m2], expect: {}}]")
    assert (one.event, one.recording, one.only, many.only) == (None, "a.jsonl", ("m1",), ("m1", "m2"))


def test_mappings_that_must_take_an_event() -> None:
    """The mappings that take an event are a list of names, or an object with what each must make of it."""
    text = "[{event: {}, expect_mappings: [A, B]}, {event: {}, expect_mappings: {A: true, B: {expect: {x: 1}}}}]"
    (names, parts), problems = read(text, in_suite=True)
    assert problems == []
    assert names.takers == {"A": None, "B": None}
    assert parts.takers is not None
    assert parts.takers["A"] is None
    assert parts.takers["B"] is not None
    assert parts.takers["B"].payload == {"x": 1}


PROBLEMS = [
    ("«5", "wrong_type", "write `- name: …`", False),
    ("[«5]", "wrong_type", "write `event:` in it", False),
    ("[«{event: {}}]", "missing_key", "expect_request, expect_rows", False),
    ("[«{expect: {}}]", "missing_key", "write `event: {type: page", False),
    ("[{«event: [], expect: {}}]", "wrong_type", "write `event: {type: page", False),
    ("[{name: «'', event: {}, expect: {}}]", "wrong_type", "", False),
    ("[{event: {}, «events: a, expect: {}}]", "wrong_value", "make two tests of it", False),
    ("[{event: {}, «only: a, expect: {}}]", "wrong_value", "write `events: FILE`", False),
    ("[{events: a, «only: [], expect: {}}]", "wrong_type", "put each in quotes", False),
    ("[{events: a, «only: [1], expect: {}}]", "wrong_type", "put each in quotes", False),
    ("[{«events: [a], expect: {}}]", "wrong_type", "", False),
    ("[{event: {}, expect: {}, expect_invalid: «true}]", "wrong_value", "make two tests of it", False),
    ("[{event: {}, expect_skipped: true, «expect_request: {method: GET}}]", "wrong_value", "make two", False),
    ("[{event: {}, «expect_request: {}}]", "missing_key", "method: POST", False),
    ("[{event: {}, expect_request: {«verb: POST}}]", "unknown_key", "known are method", False),
    ("[{event: {}, expect_request: {method: «1}}]", "wrong_type", "", False),
    ("[{event: {}, expect_request: {body: «1}}]", "wrong_type", "user: user-42", False),
    ("[{event: {}, «expect_invalid: []}]", "wrong_type", "put each in quotes", False),
    ("[{event: {}, «expect_skipped: [a]}]", "wrong_type", "write true", False),
    ("[{event: {}, expect_filtered: «''}]", "wrong_type", "write true", False),
    ("[{event: {}, expect_rows: «a}]", "wrong_value", "write `events: FILE`", False),
    ("[{events: a, expect_rows: «a}]", "wrong_value", "name another file", False),
    ("[{event: {}, «mapping: A, expect: {}}]", "unknown_key", "", False),
    ("[{event: {}, «expect: {}}]", "wrong_value", "write `mapping: NAME`", True),
    ("[{event: {}, mapping: A, «expect_mappings: []}]", "wrong_value", "under its name", True),
    ("[{event: {}, expect_mappings: «5}]", "wrong_type", "write [Attach Device]", True),
    ("[{event: {}, «expect_mappings: [1]}]", "wrong_type", "write [Attach Device]", True),
    ("[{event: {}, expect_mappings: {A: «false}}]", "wrong_type", "write true, or one of expect", True),
    ("[{event: {}, expect_mappings: {A: {«expects: {}}}}]", "unknown_key", "did you mean 'expect'?", True),
]


@pytest.mark.parametrize(("text", "code", "help", "in_suite"), PROBLEMS)
def test_what_is_wrong(text: str, code: str, help: str, in_suite: bool) -> None:
    """Whatever is wrong with a test is one problem at its place, with what to write instead."""
    cases, (problem,) = read(text.replace("«", ""), in_suite=in_suite)
    assert (problem.code, problem.column) == (code, len("tests: ") + text.index("«") + 1)
    assert help in problem.help
    assert cases == ()


def test_every_key_is_described() -> None:
    """Each key of a test and of a test file has a title, a description that ends, and a schema."""
    keys = [*CASE_KEYS, *SUITE_KEYS]
    assert all(key.title and key.description.endswith(".") and key.schema for key in keys)
    assert {*EXPECTATIONS} <= {key.name for key in CASE_KEYS}
