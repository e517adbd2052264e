"""The stable names of reasons: those of the code are known, and nothing else comes out."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.actions import attach, detach, update_user
from connector.cli.reasons import REASONS as IN_WORDS
from connector.pipeline import STALE
from connector.planning import MAPPING_GONE
from connector.reason_names import NAMES, OTHER, reason_name
from connector.routes import REASONS

PACKAGE = Path(__file__).parents[1] / "connector"


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        (STALE, "stale"),
        (MAPPING_GONE, "mapping_gone"),
        (attach.NO_DEVICE, "no_device"),
        (attach.NO_DEVICE_STRICT, "no_device"),
        (detach.NOT_A_DEVICE, "device_not_addressable"),
        (update_user.NOT_AN_ACCOUNT, "account_not_addressable"),
        (update_user.NOTHING_TO_UPDATE, "nothing_to_update"),
        ("400 bad request: no user ada", "400"),
        ("503 unavailable; gave up after 10 attempts", "503"),
        ("200 unreadable answer: no JSON object", "200"),
        ("network: connection refused", "network"),
        ("timeout", "timeout"),
        ("in doubt, it may have landed: timeout", "in_doubt"),
        ("gave up after 10 attempts: in doubt, it may have landed", "gave_up"),
        ("internal error: ValueError", "internal_error"),
        ("", ""),
        ("4155550100 is not a number", OTHER),
        ("ada@example.com: stale", OTHER),
        (": ada", OTHER),
    ],
)
def test_names(reason: str, name: str) -> None:
    """A reason is called by the name it begins with, by its status, or by what our own sentences mean."""
    assert reason_name(reason) == name


@pytest.mark.parametrize("reason", [*REASONS, *IN_WORDS.keys() - {"DISABLED"}])
def test_names_that_stand_alone(reason: str) -> None:
    """The reasons for which events are filtered and discarded are names already."""
    assert reason_name(reason) == reason


def discards() -> set[str]:
    """Find the reasons of discards in the package, where they are written out."""
    calls = (
        node
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Discard" and node.args
    )
    return {str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)}


def test_every_discard_has_a_name() -> None:
    """A new reason for a discard is put into the list of names, or it would be counted as another."""
    assert "empty_batch" in discards()
    assert discards() - NAMES == set()


@given(st.text() | st.builds(lambda head, rest: f"{head}: {rest}", st.sampled_from(sorted(NAMES)), st.text()))
def test_nothing_else_comes_out(reason: str) -> None:
    """Whatever a reason says, its name is one of ours, a status or `other`."""
    name = reason_name(reason)
    assert name in {*NAMES, OTHER, ""} or 100 <= int(name) <= 599
