"""From payload to wire: phone numbers, metadata, groups, and ids in addresses."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.actions.conversions import GROUP_WARNING, groups_of, metadata_of, phone_of, url_segment
from connector.values import JSON

PHONES: list[tuple[str, str | None]] = [
    ("+14155550100", "+14155550100"),
    ("+1 (415) 555-0100", "+14155550100"),
    ("+1-415-555-0100", "+14155550100"),
    ("+49 (0)151 12345678", "+4915112345678"),
    ("004915112345678", "+4915112345678"),
    (" 00 49 151 12345678 ", "+4915112345678"),
    ("tel:+49-151-12345678", "+4915112345678"),
    ("+14155550100 ext. 5", "+14155550100"),
    ("4155550100", None),
    ("14155550100", None),
    ("+1", None),
    ("+", None),
    ("+999 12345", None),
    ("+123456789012345678", None),
    ("+0415555010000", None),
    ("ada@example.com", None),
    ("unknown", None),
    (" ", None),
]


@pytest.mark.parametrize(("text", "expected"), PHONES)
def test_phones(text: str, expected: str | None) -> None:
    """An international number becomes E.164 however it is written; a national one cannot."""
    assert phone_of(text) == expected


@given(st.text("+0123456789 ()-.x\u0661", max_size=20) | st.text(max_size=10))
def test_any_phone(text: str) -> None:
    """Any text gives E.164 or nothing, and E.164 stays as it is."""
    found = phone_of(text)
    assert found is None or re.fullmatch(r"\+[1-9][0-9]{1,14}", found)
    assert found is None or phone_of(found) == found


VALUES: list[tuple[JSON, str]] = [
    ("text", "text"),
    ("", ""),
    (True, "true"),
    (False, "false"),
    (10, "10"),
    (10.0, "10"),
    (2.50, "2.5"),
    (1e21, "1e+21"),
    (1e-7, "1e-7"),
    (-0.0, "0"),
    (12345678901234567890, "12345678901234567890"),
    ([1, "a", None], '[1,"a",null]'),
    ([], "[]"),
    ({"b": 1, "a": {"c": None}}, '{"b":1,"a":{"c":null}}'),
]


@pytest.mark.parametrize(("value", "text"), VALUES)
def test_metadata_values(value: JSON, text: str) -> None:
    """Numbers and booleans become the texts that JavaScript prints, lists and objects their JSON."""
    assert metadata_of({"key": value}) == {"key": text}


def test_metadata_drops_null() -> None:
    """A null is left out, and the order of the keys stays."""
    assert list(metadata_of({"z": 1, "n": None, "a": "x"}).items()) == [("z", "1"), ("a", "x")]
    assert metadata_of({"n": None}) == {}


JSONS: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=3), JSONS, max_size=4))
def test_any_metadata(values: dict[str, JSON]) -> None:
    """Any metadata becomes a map of texts with the same keys, less the nulls; what was given is not changed."""
    before = repr(values)
    texts = metadata_of(values)
    assert all(isinstance(text, str) for text in texts.values())
    assert list(texts) == [key for key, value in values.items() if value is not None]
    assert repr(values) == before


GROUPS: list[tuple[JSON, list[JSON], int]] = [
    ({"id": "a"}, [{"id": "a"}], 0),
    ([{"id": "a"}, {"id": "b"}], [{"id": "a"}, {"id": "b"}], 0),
    ([], [], 0),
    ({"id": 7}, [{"id": "7"}], 0),
    ({"id": 0}, [{"id": "0"}], 0),
    ({"id": 7.0}, [{"id": "7"}], 0),
    ({}, [], 1),
    ({"id": None, "name": "x"}, [], 1),
    ([{"id": ""}, {"id": "b"}, None, "c"], [{"id": "b"}], 3),
    ({"id": "a", "name": None, "metadata": {"n": 1, "gone": None}}, [{"id": "a", "metadata": {"n": "1"}}], 0),
    ({"id": "a", "metadata": None}, [{"id": "a"}], 0),
]


@pytest.mark.parametrize(("groups", "expected", "lost"), GROUPS)
def test_groups(groups: JSON, expected: list[JSON], lost: int) -> None:
    """One group or a list becomes a list in which each has a text for its id; the others are warned of, one by one."""
    assert groups_of(groups) == (expected, (GROUP_WARNING,) * lost)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_id_in_an_address(identifier: str) -> None:
    """Any id becomes one segment that says the same, but for the two that mean a folder."""
    segment = url_segment(identifier)
    if identifier in (".", ".."):
        assert segment is None
    else:
        assert segment is not None
        assert re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+", segment)
        assert unquote(segment) == identifier
