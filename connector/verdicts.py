"""What became of an event, compared with what a test expects of it: what differs, and how the test would pass.

Nothing that is secret is told or written: fields that a schema marks writeOnly, what looks like a token, and what was
made of either.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from connector.cases import Expected
from connector.covers import cover_new, joined
from connector.destination import Mapping
from connector.errors import Path
from connector.hiding import hide, hide_in_text
from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.routes import NO_MATCHING_MAPPING
from connector.rows import REDACTED
from connector.schemas import write_only_names
from connector.values import JSON, dump_json, type_name
from connector.variable_covers import Covers, converted, cover_field

Secrets: TypeAlias = Callable[[], frozenset[str]]
"""Gives the secrets in an event; asked only where something differs."""


FindCovers: TypeAlias = Callable[[], Covers]
"""Gives what of an event's payload came from variables; asked only where something differs."""


class Difference(msgspec.Struct, frozen=True):
    """Something that is not as expected: `path` leads from the test to the expectation."""

    path: Path
    message: str


class Verdict(msgspec.Struct, frozen=True):
    """What comparing came to: no difference where the test passes.

    `given` are the expectations as the file has them, by their keys, and `made` as they would have to be to hold, both
    as they may be printed. `written` is what to write into the file in their place; None where a person must, and
    `unwritten` says why.
    """

    differences: tuple[Difference, ...] = ()
    given: dict[str, JSON] = {}
    made: dict[str, JSON] = {}
    written: dict[str, JSON] | None = None
    unwritten: str = ""


def compare(
    mapping: Mapping,
    expected: Expected,
    found: Plan | None,
    base: str,
    secrets: Secrets = frozenset,
    *,
    covers: FindCovers = dict,
    is_shown: bool = False,
) -> Verdict:
    """Compare what a mapping made of an event with what was expected; `base` is where requests go.

    Nothing that `secrets` gives, and no field that the schema marks writeOnly, is told or written, and nothing that
    `covers` cover but what the test says already. What passes is fit to be printed only with `is_shown`, for it costs
    time.
    """
    return _Comparison(mapping, expected, found, secrets, covers, is_shown=is_shown).verdict(base)


_KEYS: Final = ("expect", "expect_request", "expect_skipped", "expect_invalid", "expect_filtered")
_VARIABLE: Final = re.compile(r"\$\{(\w+)")
_NEVER_SHOWN: Final = "a field that is never shown differs: write it by hand"


class _Comparison:
    """One expectation and what was found; what differs goes to `differences`, and nothing secret is told."""

    def __init__(
        self,
        mapping: Mapping,
        expected: Expected,
        found: Plan | None,
        secrets: Secrets,
        covers: FindCovers,
        *,
        is_shown: bool,
    ) -> None:
        self.differences: list[Difference] = []
        self._is_shown = is_shown
        self._expected, self._found, self._find_secrets = expected, found, secrets
        self._hidden = frozenset(write_only_names(mapping.action))
        self._secrets: frozenset[str] | None = None
        self._find_covers = covers
        self._known_covers: Covers | None = None
        value = expected.part.value
        self._given = {key: inner for key, inner in value.items() if key in _KEYS} if isinstance(value, dict) else {}

    def verdict(self, base: str) -> Verdict:
        if reason := self._wrong_outcome():
            kept = self._given if _payload(self._found) is not None else {}
            payload = self._compare_payload(kept.get("expect"))
            made: dict[str, JSON] = {"expect": payload} if payload is not None else {}
            made |= self._outcome_keys()
            at = next(
                (key for key in self._given if key != "expect" and (kept or "expect" not in self._given)), "expect"
            )
            return self._told(made, [Difference((at,), reason)])
        made = dict(self._given)
        if self._expected.payload is not None:
            made["expect"] = self._compare_payload(self._expected.payload)
        if self._expected.request is not None and isinstance(self._found, Planned):
            made["expect_request"] = self._compare_request(self._expected.request, self._found, base)
        return self._told(made, self.differences)

    def _told(self, made: dict[str, JSON], told: list[Difference]) -> Verdict:
        if not told and not self._is_shown:
            return Verdict((), self._given, made, made)
        has_secret = any(difference.path[-1] in self._hidden for difference in self.differences)
        has_secret = has_secret or self._reveals(self._given, made, "")
        named = self._by_name(made)
        given, shown = ({key: self._hide(value, "") for key, value in keys.items()} for keys in (self._given, named))
        why_not = _NEVER_SHOWN if has_secret else "" if named == made else _why_not(self._given, named)
        return Verdict(tuple(told), given, shown, None if why_not else made, why_not)

    # -------------------------------------------------------------------------------------- what variables gave

    @property
    def _covers(self) -> Covers:
        if self._known_covers is None:
            self._known_covers = self._find_covers()
        return self._known_covers

    def _by_name(self, made: dict[str, JSON]) -> dict[str, JSON]:
        """Put the names of variables for their values, where they are not what the test says already."""
        found = dict(made)
        if "expect" in made:
            found["expect"] = self._named_keys(made["expect"], self._given.get("expect"), self._covers)
        request, given = made.get("expect_request"), self._given.get("expect_request")
        if isinstance(request, dict):
            old = given if isinstance(given, dict) else {}
            found["expect_request"] = {
                key: self._named_keys(value, old.get(key), self._sent_covers)
                if key == "body"
                else self._named_url(value, old.get(key))
                for key, value in request.items()
            }
        return found

    @property
    def _sent_covers(self) -> Covers:
        found = self._found
        return converted(self._covers, found.payload, found.request.body) if isinstance(found, Planned) else {}

    def _named(self, path: Path, key: str, expected: JSON, found: JSON) -> JSON:
        if path == ("expect_request", key):
            return (
                self._named_keys(found, expected, self._sent_covers)
                if key == "body"
                else self._named_url(found, expected)
            )
        return cover_new(found, expected, cover_field(self._covers if path[0] == "expect" else self._sent_covers, key))

    def _named_keys(self, made: JSON, given: JSON, covers: Covers) -> JSON:
        if not isinstance(made, dict):
            return made
        old = given if isinstance(given, dict) else {}
        return {key: cover_new(value, old.get(key), cover_field(covers, key)) for key, value in made.items()}

    def _named_url(self, url: JSON, given: JSON) -> JSON:
        if url == given or not isinstance(url, str):
            return url
        return joined(cover.flat() for cover in self._covers.values()).url(url)

    # ----------------------------------------------------------------------------------------------- the outcome

    def _wrong_outcome(self) -> str:
        """Say why an event became another thing than was expected; nothing when it did not."""
        expected, found = self._expected, self._found
        if expected.outcome == "planned":
            if expected.payload is not None and _payload(found) is None:
                return f"expected a payload, found {self._words(told(found))}"
            is_missing = expected.request is not None and not isinstance(found, Planned)
            return f"expected a request, found {self._words(told(found))}" if is_missing else ""
        if expected.outcome != outcome_of(found):
            return f"expected {expected.outcome}, found {self._words(told(found))}"
        missing = [reason for reason in expected.reasons if reason not in reason_of(found)]
        problems = found.problems if isinstance(found, Invalid) else ()
        if expected.is_whole:
            missing = [text for text in expected.reasons if not any(text in problem for problem in problems)]
        if missing:
            wanted = " and ".join(map(repr, missing))
            return self._words(f"expected a reason with {wanted}, found {told(found)}")
        unnamed = [problem for problem in problems if not any(text in problem for text in expected.reasons)]
        if not (expected.is_whole and unnamed):
            return ""
        return self._words(f"expected no other problem, found {' '.join(unnamed)}")

    def _outcome_keys(self) -> dict[str, JSON]:
        """Write what became of an event as the keys of a test that expects it."""
        match self._found:
            case None:
                return {"expect_filtered": True}
            case Invalid(problems):
                return {"expect_invalid": self._problems(problems)}
            case Skipped(reason):
                return {"expect_skipped": reason.partition(":")[0]}
            case found if "expect_request" in self._given:
                return {"expect_request": _request(found)}
            case found:
                shown = {name: value for name, value in found.payload.items() if not self._is_secret(value, name)}
                return {} if "expect" in self._given else {"expect": shown}

    def _problems(self, problems: tuple[str, ...]) -> JSON:
        """Write problems; a list keeps the texts of it that still hold, and gets those that none of them names."""
        given = self._given.get("expect_invalid")
        if not isinstance(given, list):
            return problems[0] if len(problems) == 1 else list(problems)
        kept = [text for text in given if isinstance(text, str) and any(text in problem for problem in problems)]
        return [*kept, *(problem for problem in problems if not any(text in problem for text in kept))]

    # ------------------------------------------------------------------------------------------------ what differs

    def _compare_payload(self, expected: JSON) -> JSON:
        payload = _payload(self._found)
        if not isinstance(expected, dict) or payload is None:
            return None
        for name, value in expected.items():
            self._compare(("expect", name), name, value, payload.get(name))
        return {name: in_order(payload.get(name), value) for name, value in expected.items()}

    def _compare_request(self, expected: dict[str, JSON], found: Planned, base: str) -> dict[str, JSON]:
        there: dict[str, JSON] = {**_request(found), "url": base + found.request.path}
        made: dict[str, JSON] = {}
        for key, value in expected.items():
            body = there[key]
            if not isinstance(body, dict) or not isinstance(value, dict):
                made[key] = body
                self._compare(("expect_request", key), key, value, body)
                continue
            absent = {name: None for name, inner in value.items() if inner is None and name not in body}
            made[key] = in_order({**body, **absent}, value)
            for name in (*value, *(name for name in body if name not in value)):
                path = ("expect_request", "body", name) if name in value else ("expect_request", "body")
                self._compare(path, f"body.{name}", value.get(name), body.get(name))
        return made

    def _compare(self, path: Path, name: str, expected: JSON, found: JSON) -> None:
        if is_same(found, expected):
            return
        key = name.removeprefix("body.")
        wanted, there = self._shown(expected, key), self._shown(self._named(path, key, expected, found), key)
        message = f"{name}: expected {wanted}, found {there}"
        if wanted == there:
            message = f"{name}: expected and found differ in what is never shown: {wanted}"
        self.differences.append(Difference(path, message))

    # ------------------------------------------------------------------------------------------------ what is secret

    @property
    def _texts(self) -> frozenset[str]:
        if self._secrets is None:
            self._secrets = self._find_secrets()
        return self._secrets

    def _words(self, text: str) -> str:
        return hide_in_text(text, self._texts)

    def _hide(self, value: JSON, name: str) -> JSON:
        """Put REDACTED for what no output may show, in a value under a name."""
        if isinstance(value, dict):
            return {key: self._hide(inner, key) for key, inner in value.items()}
        if value is None:
            return None
        return REDACTED if name in self._hidden else hide(value, name, self._texts)

    def _shown(self, value: JSON, name: str) -> str:
        return "none" if value is None else dump_json(self._hide(value, name)).decode()

    def _is_secret(self, value: JSON, name: str) -> bool:
        return self._hide(value, name) != value

    def _reveals(self, given: JSON, made: JSON, name: str) -> bool:
        """Say whether anything that is new in what would be written is secret."""
        if isinstance(made, dict):
            before = given if isinstance(given, dict) else {}
            return any(self._reveals(before.get(key), value, key) for key, value in made.items())
        if isinstance(made, list):
            old = given if isinstance(given, list) else []
            return any(self._reveals(old[at : at + 1], value, name) for at, value in enumerate(made))
        earlier = given[0] if isinstance(given, list) and given else given
        return not is_same(earlier, made) and self._is_secret(made, name)


def _why_not(given: JSON, shown: JSON) -> str:
    """Say why what holds values of variables is not written; `shown` has the names of them."""
    before, names = dump_json(given).decode(), _VARIABLE.findall(dump_json(shown).decode())
    name = next((name for name in names if f"${{{name}" not in before), names[0] if names else "")
    what = f"the value of the variable {name}" if name else "what was made of a variable"
    return f"it would hold {what}; write it by hand"


def _request(found: Planned) -> dict[str, JSON]:
    return {"method": found.request.method, "path": found.request.path, "body": found.request.body}


def _payload(found: Plan | None) -> dict[str, JSON] | None:
    return None if found is None or isinstance(found, Invalid) else found.payload


def in_order(value: JSON, like: JSON) -> JSON:
    """Give a value with the keys of its objects in the order of another one, and what is the same as written there."""
    if is_same(value, like):
        return like
    if isinstance(value, dict) and isinstance(like, dict):
        ordered = {key: in_order(value[key], inner) for key, inner in like.items() if key in value}
        return {**ordered, **{key: inner for key, inner in value.items() if key not in like}}
    if isinstance(value, list) and isinstance(like, list):
        return [*(in_order(*pair) for pair in zip(value, like, strict=False)), *value[len(like) :]]
    return value


def is_same(found: JSON, expected: JSON) -> bool:
    """Compare as JSON: the order of keys does not matter, 1 is 1.0, and true is not 1."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(is_same(found[key], expected[key]) for key in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(is_same, found, expected))
    return type_name(found) == type_name(expected) and found == expected


def outcome_of(plan: Plan | None) -> str:
    """Name what became of an event."""
    match plan:
        case None:
            return "filtered"
        case Invalid():
            return "invalid"
        case Skipped():
            return "skipped"
        case _:
            return "planned"


def told(plan: Plan | None) -> str:
    """Say what became of an event, and why."""
    reason = reason_of(plan)
    return f"{outcome_of(plan)}: {reason}" if reason else "a request to send"


def reason_of(plan: Plan | None) -> str:
    """Say why no request was made of an event; nothing where one was."""
    match plan:
        case None:
            return f"{NO_MATCHING_MAPPING}, the trigger does not hold for its event"
        case Invalid(problems):
            return " ".join(problems)
        case Skipped(reason):
            return reason
        case _:
            return ""
