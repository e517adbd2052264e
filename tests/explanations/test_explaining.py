"""Explanations agree with what is sent: triggers, payloads and requests are those of routes and pipeline."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.destination import Destination, preset_names
from connector.events import Event, cutoff_at, event_reader
from connector.explanations import Explainer, MappingExplanation
from connector.language.tracing import describe
from connector.pipeline import Invalid, Planned, Skipped, compile_plan
from connector.routes import Routes
from connector.sources.files import read_events
from connector.values import JSON, MISSING, dump_json
from tests.planning import SETTINGS, load_text

SDK = Path(__file__).parents[1] / "samples" / "sdk"
HEAD = f"destination: rupt\nsettings: {{{SETTINGS}, consent_categories: [ads, email]}}\nmappings:\n"
PRESETS = load_text(HEAD + "".join(f"  - preset: {name}\n" for name in preset_names()))
ODD = load_text(
    HEAD
    + """\
  - name: Odd
    action: attach
    trigger: type = "page" and (name = "A" or !(name = "B"))
    fields:
      account: $.userId
      email: $.value
      phone: $.value
      metadata: $.properties
      groups: $.groups
      limit_config: $.properties
      tolerance: $.value
      page: $.value
      include_page: $.value
      fingerprint: $.value
  - {name: Update, action: update_user, trigger: type = "page", fields: {account: $.value, groups: $.groups}}
  - {name: Detach, action: detach, trigger: type = "page", fields: {account: $.userId, device: $.value}}
"""
)


def event_of(**data: JSON) -> Event:
    """Make a page event."""
    whole: dict[str, JSON] = {"type": "page", "messageId": "m-1", "userId": "user-42", "anonymousId": "anon-1", **data}
    found = event_reader(None).read(dump_json(whole))
    assert isinstance(found, Event)
    return found


def explained(destination: Destination, event: Event) -> tuple[MappingExplanation, ...]:
    """Explain an event."""
    return Explainer(destination).explain(event).mappings


def check(destination: Destination, event: Event) -> None:
    """Hold an explanation against what routes and pipeline do."""
    matched = Routes(destination).match(event.data)
    for found in explained(destination, event):
        mapping = found.mapping
        assert found.seen.holds == mapping.matches(event.data)
        assert (found.plan is not None) == (not isinstance(matched, str) and mapping in matched)
        if found.plan is None:
            assert found.outcome == "filtered"
            continue
        assert found.plan == compile_plan(mapping, destination.settings)(event.data, None)
        if isinstance(found.plan, Invalid):
            assert {text for field in found.fields for text in field.problems} == set(found.plan.problems)
        elif isinstance(found.plan, Planned | Skipped):
            results = {field.name: field.result for field in found.fields if field.result is not MISSING}
            assert results == found.plan.payload
        if isinstance(found.plan, Planned):
            assert [part.key for part in found.sent if part.key != "id in the URL"] == list(found.plan.request.body)
            assert all(part.origin for part in found.sent)


def recorded() -> list[Event]:
    """Give the recorded events."""
    return [item for _, _, item in read_events([str(SDK)], reads=None) if isinstance(item, Event)]


@pytest.mark.parametrize("event", recorded(), ids=lambda event: event.message_id)
def test_recorded_events_are_explained_as_they_are_sent(event: Event) -> None:
    """For every recorded event and preset the explanation says what would be sent, or the same reason for none."""
    check(PRESETS, event)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "strict", "+4915112345678", "/x", "7"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "people_limit", "metadata", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60)
@given(values, values, st.dictionaries(st.sampled_from(["people_limit", "overall_limit", "x"]), values, max_size=3))
def test_odd_values_are_explained_as_they_are_sent(value: JSON, groups: JSON, properties: dict[str, JSON]) -> None:
    """Whatever values an event has, the fields and the request of an explanation are those of the pipeline."""
    check(ODD, event_of(value=value, groups=groups, properties=properties))


def test_the_clauses_that_decide() -> None:
    """Of a trigger that does not hold the deciding clauses are those that would have to be otherwise."""
    odd = explained(ODD, event_of(name="B"))[0]
    assert [(seen.holds, seen.values) for seen in odd.deciding] == [(False, ("B",)), (True, ("B",))]
    held = explained(ODD, event_of(name="A"))[0]
    assert [seen.values for seen in held.deciding] == [("page",), ("A",)]


def test_what_keeps_an_event_from_rupt() -> None:
    """The key of the integrations object that decided is named, and so are the categories without consent."""
    kept = Explainer(PRESETS).explain(event_of(integrations={"All": True, "Rupt": False}))
    assert (kept.routing.reason, kept.routing.decided) == ("FILTERED_BY_INTEGRATIONS_OBJECT", ("Rupt",))
    assert {found.reason for found in kept.mappings} == {"FILTERED_BY_INTEGRATIONS_OBJECT"}
    refused = Explainer(PRESETS).explain(event_of(context={"consent": {"categoryPreferences": {"ads": True}}}))
    assert (refused.routing.reason, refused.routing.decided) == ("FILTERED_BY_END_USER_CONSENT", ("email",))
    assert Explainer(PRESETS).explain(event_of()).routing.reason == ""


def test_stale_events_are_marked() -> None:
    """An event that is older than the moment given is called stale, and planned all the same."""
    event = event_of(timestamp="2001-01-01T00:00:00.000Z")
    explanation = Explainer(PRESETS).explain(event, cutoff_at(1_700_000_000.0))
    taken = [found for found in explanation.mappings if found.plan]
    assert [(found.outcome, found.stale) for found in taken] == [("planned", True)]
    assert not explained(PRESETS, event)[0].stale


def sent(event: Event) -> dict[str, str]:
    """Say from where the parts of the first attach are."""
    found = next(found for found in explained(PRESETS, event) if found.plan)
    return {part.key: part.origin for part in found.sent}


def test_where_the_device_is_from() -> None:
    """It is told which part of the event names the device, and where its page is from."""
    mine: dict[str, JSON] = {"fingerprint": "f", "version": "2"}
    of_browser = sent(event_of(context={"rupt": mine}, properties={"url": "https://x.example/a?b"}))
    assert of_browser["fingerprint"] == "$.context.rupt.fingerprint"
    assert of_browser["version"] == "$.context.rupt.version"
    assert of_browser["client"] == "always, with context.rupt"
    assert of_browser["page"] == "$.properties.url"
    assert sent(event_of(anonymousId="f", context={"rupt": mine}))["fingerprint"] == "$.context.rupt.fingerprint"
    of_mobile = sent(event_of(context={"device": {"id": "d", "type": "ios"}, "page": {"path": "/p"}}))
    assert of_mobile["signals"] == "$.context.device.id"
    assert of_mobile["device_info"] == "$.context.device and $.context.os"
    assert of_mobile["page"] == "$.context.page.path"
    anonymous = sent(event_of())
    assert (anonymous["fingerprint"], anonymous["client"]) == ("$.anonymousId", "always, with an anonymousId")
    assert anonymous["user"] == "field account"


def test_what_is_not_in_the_request() -> None:
    """Each field of the payload that is in no part of the request is named with the reason."""
    odd = explained(ODD, event_of(value="7"))[0]
    assert isinstance(odd.plan, Invalid)
    update = explained(ODD, event_of(value="7", groups=[{"id": 1}, {"name": "no id"}]))[1]
    assert [(part.key, part.origin) for part in update.sent] == [
        ("id in the URL", "field account"),
        ("groups", "field groups"),
    ]
    detach = explained(ODD, event_of(value="7"))[2]
    assert [part.key for part in detach.sent] == ["id in the URL", "user"]


def test_a_mapping_that_fails_names_the_innermost_directive() -> None:
    """Where a mapping cannot be resolved, the directive that could not work is named with its place."""
    shape = '{"@arrayPath": [$.list, {"@transform": {apply: {a: $.b}, mapping: {c: $.a}}}]}'
    mapping = (
        f"name: One, action: attach, trigger: type != '', fields: {{account: $.userId, metadata: {shape}, page: $.x}}"
    )
    (found,) = explained(load_text(f"{HEAD}  - {{{mapping}}}\n"), event_of(list=[{"b": 1}, 2], x="/x"))
    assert (found.outcome, [field.step is None for field in found.fields]) == ("invalid", [False, False, True])
    assert found.failed is not None
    assert (describe(found.failed.node), found.failed.location.line) == ("@transform", 4)
    assert isinstance(found.plan, Invalid)
    assert found.plan.problems == (found.failed.message,)
    assert found.fields[0].given == "user-42"
