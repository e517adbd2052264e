"""The tests of a destination as they are written: one event or a recording, and what must become of it.

In: a list in a destination file or in a *_test.yaml. Out: frozen Cases, or the problems with their places. Nothing is
run here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import msgspec

from connector.case_keys import CASE_KEYS
from connector.documents import Part
from connector.errors import Problem
from connector.positions import quoted, shown
from connector.settings import unknown_keys
from connector.values import JSON

Outcome: TypeAlias = Literal["planned", "skipped", "invalid", "filtered"]


OUTCOMES: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "expect_request": "planned",
        "expect_skipped": "skipped",
        "expect_invalid": "invalid",
        "expect_filtered": "filtered",
    }
)
EXPECTATIONS: Final = (
    "expect",
    "expect_skipped",
    "expect_invalid",
    "expect_filtered",
    "expect_request",
    "expect_rows",
    "expect_mappings",
)
_FITTING: Final = frozenset({"expect", "expect_request", "expect_skipped"})  # whose outcomes have a payload
_REQUEST_KEYS: Final = ("method", "path", "url", "body")
_RESULTS: Final = ("expect", "expect_request", "expect_skipped", "expect_invalid")  # of a mapping that takes an event


class Expected(msgspec.Struct, frozen=True):
    """What one mapping must make of an event; `part` holds the keys that say so.

    `payload` holds the fields that it must have, null for one that must not be there; `request` what must go over the
    wire; `reasons` texts that the reason must contain. `is_whole`: each problem must be named by one of them.
    """

    part: Part
    outcome: Outcome = "planned"
    payload: dict[str, JSON] | None = None
    request: dict[str, JSON] | None = None
    reasons: tuple[str, ...] = ()
    is_whole: bool = False


class Case(msgspec.Struct, frozen=True):
    """A test in a file: an event, or a recording and the messageIds to take of it, and what must become of it.

    `mapping` is empty for a test of the whole destination and for one beside its mapping; `takers` are the mappings
    that must take the event, each with what it must make of it (None: anything). `rows` names a file of rows.
    """

    name: str
    part: Part
    event: dict[str, JSON] | None = None
    recording: str = ""
    only: tuple[str, ...] = ()
    mapping: str = ""
    expected: Expected | None = None
    takers: Mapping[str, Expected | None] | None = None
    rows: str = ""

    def __repr__(self) -> str:
        return f"Case({self.name!r}, {self.outcome!r})"

    @property
    def outcome(self) -> Outcome:
        """Say what must become of the event; planned also where that is left to others."""
        return self.expected.outcome if self.expected else "planned"


def read_cases(whole: Part, *, in_suite: bool = False) -> tuple[tuple[Case, ...], list[Problem]]:
    """Read a list of tests; those that have a problem are left out. `in_suite` allows the keys of *_test.yaml files."""
    reader = _Reader(in_suite=in_suite)
    return reader.cases(whole), reader.problems


class _Reader:
    """Reads tests; what is wrong goes to `problems`."""

    def __init__(self, *, in_suite: bool) -> None:
        self.problems: list[Problem] = []
        self._keys = tuple(key.name for key in CASE_KEYS if in_suite or not key.of_suites)

    def cases(self, whole: Part) -> tuple[Case, ...]:
        """Read a list of tests."""
        if not isinstance(whole.value, list):
            help = "write `- name: …`, `event:` and `expect:` under it"
            self._say(whole, "wrong_type", f"'tests' must be a list, not {shown(whole.value)}", help)
            return ()
        found = [self._case(whole.child(at), at) for at in range(len(whole.value))]
        return tuple(case for case in found if case is not None)

    def _say(self, part: Part, code: str, message: str, help: str = "", *, at_key: bool = False) -> None:
        if not part.is_broken:
            self.problems.append(part.problem(code, message, help=help, at_key=at_key))

    def _case(self, part: Part, at: int) -> Case | None:
        value, before = part.value, len(self.problems)
        if not isinstance(value, dict):
            self._say(part, "wrong_type", f"a test must be an object, not {shown(value)}", "write `event:` in it")
            return None
        self.problems += unknown_keys(part.document, part.path, self._keys)
        event, recording, only = self._events(part)
        case = Case(
            name=self._text(part, "name") or f"test {at + 1}",
            part=part,
            event=event,
            recording=recording,
            only=only,
            mapping=self._text(part, "mapping"),
            expected=self._expected(part, [key for key in self._keys if key in EXPECTATIONS[:5]]),
            takers=self._takers(part) if "expect_mappings" in self._keys else None,
            rows=self._text(part, "expect_rows"),
        )
        if not any(key in value for key in EXPECTATIONS if key in self._keys):
            known = ", ".join(key for key in EXPECTATIONS if key in self._keys)
            self._say(part, "missing_key", "the test expects nothing", f"write one of {known}")
        elif len(self.problems) == before:
            self._check_whole(case, value)
        return case if len(self.problems) == before else None

    def _check_whole(self, case: Case, value: dict[str, JSON]) -> None:
        part = case.part
        if case.rows and not case.recording:
            self._say(part.child("expect_rows"), "wrong_value", "rows are made of a recording", "write `events: FILE`")
        if case.rows and case.rows == case.recording:
            message = "the rows would overwrite the recording that they are made of"
            self._say(part.child("expect_rows"), "wrong_value", message, "name another file")
        if case.takers is not None and (case.expected or case.mapping):
            message = "'expect_mappings' is for the whole destination, and says all there is to say of it"
            help = "write what is expected of a mapping under its name in it, and no `mapping`"
            self._say(part.child("expect_mappings"), "wrong_value", message, help, at_key=True)
        elif "mapping" in self._keys and not case.mapping and case.expected and case.outcome != "filtered":
            key = next(key for key in EXPECTATIONS if key in value)
            message = f"without 'mapping' the whole destination is tested, and {key!r} is of one mapping"
            help = f"write `mapping: NAME` beside it, or `expect_mappings: {{NAME: {{{key}: …}}}}`"
            self._say(part.child(key), "wrong_value", message, help, at_key=True)

    def _text(self, part: Part, key: str) -> str:
        found = part.child(key)
        if not found.exists:
            return ""
        if isinstance(found.value, str) and found.value.strip():
            return found.value
        self._say(found, "wrong_type", f"{key!r} must be a text that is not empty, not {shown(found.value)}")
        return ""

    def _events(self, part: Part) -> tuple[dict[str, JSON] | None, str, tuple[str, ...]]:
        own, recorded, only = part.child("event"), part.child("events"), part.child("only")
        if own.exists and recorded.exists:
            message = "a test has 'event' or 'events', and here are both"
            self._say(recorded, "wrong_value", message, "make two tests of it", at_key=True)
        if only.exists and not recorded.exists:
            message = "'only' chooses events of a recording, and there is none"
            self._say(only, "wrong_value", message, "write `events: FILE`", at_key=True)
        if recorded.exists:
            return None, self._text(part, "events"), self._texts(only, "the messageId of an event") or ()
        if not isinstance(own.value, dict):
            code = "wrong_type" if own.exists else "missing_key"
            message = f"'event' must be an object, not {shown(own.value)}" if own.exists else "the test has no 'event'"
            help = "write `event: {type: page, userId: user-42}`"
            self._say(own if own.exists else part, code, message, help)
            return None, "", ()
        return own.value, "", ()

    def _texts(self, part: Part, what: str) -> tuple[str, ...] | None:
        """Read a text or a list of texts; None where it is neither."""
        if not part.exists:
            return ()
        texts = part.value if isinstance(part.value, list) else [part.value]
        found = tuple(text for text in texts if isinstance(text, str) and text)
        if found and len(found) == len(texts):
            return found
        message = f"{str(part.path[-1])!r} must be {what} or a list of such, not {shown(part.value)}"
        self._say(part, "wrong_type", message, "put each in quotes")
        return None

    def _expected(self, part: Part, keys: list[str]) -> Expected | None:
        given = [key for key in EXPECTATIONS if key in keys and part.child(key).exists]
        if not given:
            return None
        outcomes = [key for key in given if key != "expect"]
        clashing = outcomes[1:] if "expect" not in given or {*outcomes[:1]} <= _FITTING else outcomes
        for key in clashing:
            message = f"a test expects one thing: {given[0]!r} stands here too"
            self._say(part.child(key), "wrong_value", message, "make two tests of it")
        payload = self._object(part.child("expect"), "{account: user-42}") if "expect" in given else None
        request = self._request(part.child("expect_request")) if "expect_request" in given else None
        outcome = OUTCOMES[outcomes[0]] if outcomes else "planned"
        reasons, is_whole = self._reasons(part.child(outcomes[0])) if outcome != "planned" else ((), False)
        return Expected(part, outcome, payload, request, reasons, is_whole)

    def _reasons(self, part: Part) -> tuple[tuple[str, ...], bool]:
        value, is_list = part.value, part.path[-1] == "expect_invalid" and isinstance(part.value, list)
        if value is True:
            return (), False
        if is_list:
            return self._texts(part, "true, a part of a problem") or (), True
        if isinstance(value, str) and value:
            return (value,), False
        message = f"{str(part.path[-1])!r} must be true or a part of the reason, not {shown(value)}"
        self._say(part, "wrong_type", message, "write true")
        return (), False

    def _object(self, part: Part, example: str) -> dict[str, JSON] | None:
        if isinstance(part.value, dict):
            return part.value
        message = f"{str(part.path[-1])!r} must be an object, not {shown(part.value)}"
        self._say(part, "wrong_type", message, f"write `{part.path[-1]}: {example}`")
        return None

    def _request(self, part: Part) -> dict[str, JSON] | None:
        example = "{method: POST, path: /v2/device/attach, body: {user: user-42}}"
        found = self._object(part, example)
        if found is None:
            return None
        self.problems += unknown_keys(part.document, part.path, _REQUEST_KEYS)
        if not found:
            self._say(part, "missing_key", "'expect_request' is empty", f"write `{part.path[-1]}: {example}`")
        for key in ("method", "path", "url"):
            if key in found:
                self._text(part, key)
        if "body" in found:
            self._object(part.child("body"), "{user: user-42}")
        return found

    def _takers(self, part: Part) -> dict[str, Expected | None] | None:
        whole = part.child("expect_mappings")
        if not whole.exists:
            return None
        if isinstance(whole.value, dict):
            return {name: self._taker(whole.child(name)) for name in whole.value}
        names = whole.value if isinstance(whole.value, list) else [None]
        if all(isinstance(name, str) for name in names):
            return {str(name): None for name in names}
        message = f"'expect_mappings' must be a list of names, or an object, not {shown(whole.value)}"
        self._say(whole, "wrong_type", message, "write [Attach Device], or [] when no mapping must take the event")
        return None

    def _taker(self, part: Part) -> Expected | None:
        if part.value is True:
            return None
        if isinstance(part.value, dict) and part.value:
            self.problems += unknown_keys(part.document, part.path, _RESULTS)
            return self._expected(part, list(_RESULTS))
        what = f"what is expected of {quoted(str(part.path[-1]))}"
        message = f"{what} must be an object or true, not {shown(part.value)}"
        message = f"{what} is empty, and says nothing" if part.value == {} else message
        self._say(part, "wrong_type", message, f"write true, or one of {', '.join(_RESULTS)} in it")
        return None
