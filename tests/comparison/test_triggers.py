"""Which parts of an edited trigger decide, on any triggers."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.comparison.triggers import Change, Decider
from connector.language.triggers import compile_trigger, parse_trigger
from tests.cli.command import page
from tests.comparison.versions import compared, gone_through, mapping

CLAUSES = st.sampled_from(
    ['type = "page"', 'name = "Home"', 'userId != "u"', '!contains(event, "x")', "properties.n > 3", "traits.x = null"]
)
TRIGGERS = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' and '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' or '.join(parts)})"),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=5,
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["page", "track"]),
        "name": st.sampled_from(["Home", None]),
        "userId": st.sampled_from(["u", "v"]),
        "event": st.sampled_from([None, "x", "y"]),
        "properties": st.sampled_from([{}, {"n": 1}, {"n": 5}]),
    }
)


Spelled = tuple[str | None, str | None]


def spelled(old: str, new: str, change: Change) -> Spelled:
    """Read a change's two sides in the triggers' texts."""
    before, after = change.old, change.new
    return (
        None if before is None else old[before.start : before.end],
        None if after is None else new[after.start : after.end],
    )


def decided(old: str, new: str, **event: Any) -> set[Spelled]:
    """Say what decides on an event."""
    decider = Decider(parse_trigger(old), parse_trigger(new))
    return {spelled(old, new, change) for change in decider.decide(event)}


def holds(text: str, event: dict[str, Any]) -> bool:
    """Say whether a trigger takes an event."""
    return compile_trigger(parse_trigger(text))(event)


@settings(max_examples=300, deadline=None)
@given(TRIGGERS, TRIGGERS, st.lists(EVENTS, max_size=6))
def test_an_edit_without_which_it_would_be_otherwise_decides(old: str, new: str, events: list[dict[str, Any]]) -> None:
    """Each part that has its old text put back into the new trigger, and changes what becomes of an event, is named."""
    decider = Decider(parse_trigger(old), parse_trigger(new))
    for event in events:
        if holds(old, event) == holds(new, event):
            continue
        found = decider.decide(event)
        assert found
        for change in decider.changes:
            if change.old is None or change.new is None:
                continue
            back = f"({old[change.old.start : change.old.end]})"
            undone = new[: change.new.start] + back + new[change.new.end :]
            if holds(undone, event) != holds(new, event):
                assert change in found


PARTS = [*(f'properties.{key} = "{value}"' for key in "abc" for value in "xy"), 'properties.d != "x"']


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([" and ", " or "]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4, unique=True),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4, unique=True),
    st.fixed_dictionaries({key: st.sampled_from("xyz") for key in "abcd"}),
)
def test_in_a_row_of_clauses_all_that_decide_are_named_and_no_other(
    word: str, old: list[str], new: list[str], values: dict[str, str]
) -> None:
    """With one edit put back the event fares otherwise; where none does that alone, each alone would have done it."""
    event: dict[str, Any] = {"properties": values}
    before, after = word.join(old), word.join(new)
    if holds(before, event) == holds(after, event):
        return
    decider = Decider(parse_trigger(before), parse_trigger(after))
    edits = [spelled(before, after, change) for change in decider.changes]
    found = {spelled(before, after, change) for change in decider.decide(event)}
    if len(edits) == 1 and len(old) > 1 and len(new) > 1 and None not in edits[0] and not set(old) & set(new):
        return  # nothing is alike: the whole was replaced
    needed = {one for one in edits if row(word, apply(new, one, undo=True), event) != holds(after, event)}
    enough = {one for one in edits if row(word, apply(old, one, undo=False), event) != holds(before, event)}
    assert found == (needed or enough or found)
    assert found


def apply(parts: list[str], edit: Spelled, *, undo: bool) -> list[str]:
    """Make an edit in a row of clauses, or take it back."""
    gone, come = reversed(edit) if undo else edit
    return [part for part in parts if part != gone] + ([come] if come else [])


def row(word: str, parts: list[str], event: dict[str, Any]) -> bool:
    """Say whether a row of clauses holds; an empty one is as if it were not there."""
    return holds(word.join(parts), event) if parts else word == " and "


def test_an_event_that_needs_two_edits_counts_for_both() -> None:
    """One clause was widened and another one removed: an event that came in by both has both to thank."""
    old = 'type = "page" and properties.plan = "pro" and properties.os != "x"'
    new = 'type = "page" and properties.plan in ["pro", "team"]'
    widened = 'properties.plan = "pro"', 'properties.plan in ["pro", "team"]'
    removed = 'properties.os != "x"', None
    assert decided(old, new, type="page", properties={"plan": "team", "os": "x"}) == {widened, removed}
    assert decided(old, new, type="page", properties={"plan": "team", "os": "y"}) == {widened}
    assert decided(old, new, type="page", properties={"plan": "pro", "os": "x"}) == {removed}


def test_of_two_clauses_that_each_keep_an_event_out_both_decide() -> None:
    """Neither could be taken back alone, so none of the two goes unnamed."""
    new = 'type = "page" and name = "Home" and userId = "u"'
    assert decided('type = "page"', new, type="page") == {(None, 'name = "Home"'), (None, 'userId = "u"')}


def test_a_group_that_was_put_beside_decides_alone() -> None:
    """What was there before is not blamed when `or` comes with something new."""
    old = 'type = "track" and event = "A"'
    assert decided(old, f'({old}) or (type = "page" and name = "Home")', type="page", name="Home") == {
        (None, 'type = "page" and name = "Home"')
    }


def test_edits_that_only_count_together_are_all_named() -> None:
    """Two groups fail for two edits each: no single edit is needed, nor enough."""
    old = '(event = "A" or name = "A") and (userId = "A" or groupId = "A")'
    found = decided(old, old.replace('"A"', '"B"'), event="A", name="A", userId="A", groupId="A")
    assert len(found) == 4


def test_a_mapping_switched_on_and_widened_has_two_causes(tmp_path: Path) -> None:
    """An event that comes in by both counts for both."""
    comparison = compared(tmp_path, mapping(enabled="false"), mapping('type in ["page", "track"]'))
    tally = gone_through(comparison, page(1), page(2, type="track", event="A"))
    kinds = {group.cause.kind: group.count for group in tally.groups() if group.cause}
    assert kinds == {"enabled": 2, "trigger": 1}


def test_long_triggers_are_compared_in_a_moment() -> None:
    """A list of two thousand clauses, of which each was edited, is no reason to wait."""
    old, new = (" or ".join(f'properties.p{number} = "{value}"' for number in range(2000)) for value in "ab")
    assert len(Decider(parse_trigger(old), parse_trigger(new)).changes) == 2000
