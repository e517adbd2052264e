"""Which mappings an event goes to, in which order, or the reason why to none."""

import functools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connector.destination import Destination
from connector.events import EVENT_TYPES
from connector.routes import (
    FILTERED_BY_END_USER_CONSENT,
    FILTERED_BY_INTEGRATIONS_OBJECT,
    NO_MATCHING_MAPPING,
    Routes,
)
from connector.values import JSON, load_json
from tests.planning import load_text

RECORDED = Path(__file__).parent / "language" / "trigger.jsonl"
TRIGGERS = (
    'type = "page"',
    'type = "track"',
    'type != "page"',
    'type = "track" and event = "Signed Up"',
    'type = "track" and event != "Signed Up"',
    'event = "Signed Up"',
    'type = "track" and event in ["Signed Up", "Upgraded"]',
    'type in ["page", "screen", "unheard-of"]',
    'type = "page" or event = "Upgraded"',
    '(type = "page" and name = "Home") or (type = "track" and event = "Upgraded")',
    '!(type = "page")',
    'type = "page" and name = null',
    "name != null",
    'contains(event, "Up")',
    'lowercase(event) = "upgraded"',
    "properties.vip = true",
    'type = "track" and (event = "Upgraded" or properties.vip = true)',
    'type = "page" and type = "track"',
    'type = ""',
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(EVENT_TYPES))},
    optional={
        "event": st.sampled_from(["Signed Up", "Upgraded", "upgraded", "Other", "", None, 7, ["Signed Up"]]),
        "name": st.sampled_from(["Home", "", None]),
        "properties": st.sampled_from([{}, {"vip": True}, {"vip": "true"}, None]),
        "integrations": st.sampled_from([{}, None, {"All": True}]),
    },
)


@functools.cache
def destination(triggers: tuple[str, ...] = TRIGGERS, more: str = "", disabled: int | None = None) -> Destination:
    """Load a destination with a mapping for each trigger, named by its place."""
    entries = "".join(
        f"  - name: m{at}\n    action: attach\n    enabled: {'false' if at == disabled else 'true'}\n"
        f"    trigger: '{trigger.replace(chr(39), chr(39) * 2)}'\n    fields: {{account: $.userId}}\n"
        for at, trigger in enumerate(triggers)
    )
    head = f"destination: rupt\nsettings: {{client_id: an-id, new_account_url: https://h.example/{more}}}\n"
    return load_text(f"{head}mappings:\n{entries}")


def matched(routes: Routes, event: dict[str, JSON]) -> list[str] | str:
    """Name the mappings that an event goes to, or give the reason why to none."""
    found = routes.match(event)
    return found if isinstance(found, str) else [mapping.name for mapping in found]


def brute_force(destination: Destination, event: dict[str, JSON]) -> list[str] | str:
    """Ask every mapping."""
    taking = [mapping.name for mapping in destination.mappings if mapping.enabled and mapping.matches(event)]
    return taking or NO_MATCHING_MAPPING


@settings(max_examples=300)
@given(EVENTS, st.lists(st.integers(0, len(TRIGGERS) - 1), unique=True))
def test_the_index_finds_what_asking_every_mapping_finds(event: dict[str, JSON], chosen: list[int]) -> None:
    """For any triggers in any order, an event goes to the mappings whose triggers hold, in the order of the file."""
    whole = destination()
    part = replace(whole, mappings=tuple(whole.mappings[at] for at in chosen))
    assert matched(Routes(part), event) == brute_force(part, event)


def test_the_index_on_the_recorded_triggers() -> None:
    """The same holds for the triggers and events that were recorded from Segment's runtime."""
    cases = [load_json(line) for line in RECORDED.read_bytes().splitlines()]
    asked = 0
    for at in range(0, len(cases), 50):
        part = [case for case in cases[at : at + 50] if isinstance(case, dict)]
        found = destination(tuple(str(case["trigger"]) for case in part))
        routes = Routes(found)
        for case in part:
            assert isinstance(case["cases"], list)
            for item in case["cases"]:
                assert isinstance(item, dict)
                assert isinstance(item["event"], dict)
                event = {key: value for key, value in item["event"].items() if key != "integrations"}
                if event.get("type") in EVENT_TYPES:
                    assert matched(routes, event) == brute_force(found, event)
                    asked += 1
    assert asked > 1_000


def test_no_mappings() -> None:
    """A destination without mappings takes nothing."""
    assert matched(Routes(replace(destination(), mappings=())), {"type": "page"}) == NO_MATCHING_MAPPING


def test_a_disabled_mapping_takes_nothing() -> None:
    """An event goes past a mapping that is switched off, to the others."""
    both = ('type = "page"', 'type = "page"')
    assert matched(Routes(destination(both)), {"type": "page"}) == ["m0", "m1"]
    assert matched(Routes(destination(both, disabled=0)), {"type": "page"}) == ["m1"]
    assert matched(Routes(destination(both[:1], disabled=0)), {"type": "page"}) == NO_MATCHING_MAPPING


INTEGRATIONS: list[tuple[JSON, bool]] = [
    (None, True),
    ({}, True),
    ([], True),
    ("text", True),
    ({"All": True}, True),
    ({"All": False}, False),
    ({"All": None}, True),
    ({"All": {}}, True),
    ({"All": 0}, True),
    ({"All": "false"}, True),
    ({"Rupt": False}, False),
    ({"Rupt": True}, True),
    ({"Rupt": {"option": 1}}, True),
    ({"Rupt": None}, True),
    ({"All": False, "Rupt": True}, True),
    ({"All": False, "Rupt": {}}, True),
    ({"All": False, "Rupt": None}, True),
    ({"All": True, "Rupt": False}, False),
    ({"Rupt (Actions)": False}, False),
    ({"All": False, "Rupt (Actions)": True}, True),
    ({"Rupt": True, "Rupt (Actions)": False}, True),
    ({"Rupt": False, "Rupt (Actions)": True}, False),
    ({"rupt": False, "RUPT": False, "all": False, "Segment.io": False}, True),
    ({"All": False, "rupt": True}, False),
]


@pytest.mark.parametrize(("integrations", "passes"), INTEGRATIONS)
def test_the_integrations_object(integrations: JSON, passes: bool) -> None:
    """The destination's own key decides, else its other name, else All; only false blocks, and case matters."""
    event: dict[str, JSON] = {"type": "page", "integrations": integrations}
    expected = ["m0"] if passes else FILTERED_BY_INTEGRATIONS_OBJECT
    assert matched(Routes(destination(('type = "page"',))), event) == expected


CONSENTS: list[tuple[JSON, bool]] = [
    (None, True),
    ({}, True),
    ("text", True),
    ({"consent": None}, True),
    ({"consent": {}}, True),
    ({"consent": {"categoryPreferences": None}}, True),
    ({"consent": {"categoryPreferences": {}}}, False),
    ({"consent": {"categoryPreferences": {"ads": True}}}, False),
    ({"consent": {"categoryPreferences": {"ads": True, "stats": False}}}, False),
    ({"consent": {"categoryPreferences": {"ads": True, "stats": "true"}}}, False),
    ({"consent": {"categoryPreferences": {"ads": True, "stats": True}}}, True),
    ({"consent": {"categoryPreferences": {"ads": True, "stats": True, "more": False}}}, True),
]


@pytest.mark.parametrize(("context", "passes"), CONSENTS)
def test_consent(context: JSON, passes: bool) -> None:
    """All configured categories must be true in the event's preferences; an event without preferences passes."""
    found = destination(('type = "page"',), ", consent_categories: [ads, stats]")
    event: dict[str, JSON] = {"type": "page", "context": context}
    assert matched(Routes(found), event) == (["m0"] if passes else FILTERED_BY_END_USER_CONSENT)


def test_consent_that_is_not_configured() -> None:
    """Without configured categories nobody looks at an event's preferences."""
    event: dict[str, JSON] = {"type": "page", "context": {"consent": {"categoryPreferences": {"ads": False}}}}
    assert matched(Routes(destination(('type = "page"',))), event) == ["m0"]


def test_consent_comes_first() -> None:
    """Where both consent and the integrations object keep an event back, the reason is consent."""
    found = destination(('type = "page"',), ", consent_categories: [ads]")
    event: dict[str, JSON] = {
        "type": "page",
        "integrations": {"All": False},
        "context": {"consent": {"categoryPreferences": {"ads": False}}},
    }
    assert matched(Routes(found), event) == FILTERED_BY_END_USER_CONSENT
