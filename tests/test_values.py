"""Values: numbers, texts and lengths as JavaScript has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.values import MISSING, dump_json, load_json, number_text, ordered_keys, stringify, text_of, utf16_length

NUMBERS = [
    (10, "10"),
    (10.0, "10"),
    (2.50, "2.5"),
    (1e21, "1e+21"),
    (1e20, "100000000000000000000"),
    (1e-7, "1e-7"),
    (1e-6, "0.000001"),
    (1.5e300, "1.5e+300"),
    (-0.0, "0"),
    (-1e-7, "-1e-7"),
    (5e-324, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    (123.456, "123.456"),
    (0.1 + 0.2, "0.30000000000000004"),
    (12345678901234567890, "12345678901234567890"),
]


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_a_number_prints_as_in_javascript(number: float, text: str) -> None:
    """Number::toString of ECMA-262, with exact integers."""
    assert number_text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_number_reads_back_as_itself(number: float) -> None:
    """The text is exact."""
    assert float(number_text(number)) == number


def test_values_print_as_string_of() -> None:
    """Lists are joined by commas, objects have no contents."""
    assert text_of([1, None, MISSING, [True, {}], "x"]) == "1,,,true,[object Object],x"


def test_stringify_leaves_missing_keys_out_and_orders_indices() -> None:
    """As JSON.stringify: array indices first, undefined left out of objects and null in lists."""
    assert stringify({"b": 1.0, "10": "é", "9": MISSING, "2": [MISSING, None]}) == '{"2":[null,null],"10":"é","b":1}'
    assert stringify(MISSING) is MISSING


def test_length_counts_utf16() -> None:
    """A character beyond U+FFFF counts twice."""
    assert utf16_length("a🌙") == 3


def test_keys_keep_their_order_but_for_indices() -> None:
    """01 and -1 are no indices."""
    assert ordered_keys(["b", "2", "01", "1", "-1"]) == ["1", "2", "b", "01", "-1"]


def test_a_lone_surrogate_is_repaired() -> None:
    """Half a character becomes U+FFFD in keys and values, and the rest is kept."""
    assert load_json(rb'{"a\ud83d":["x\udc00y", 1e999]}') == {"a\ufffd": ["x\ufffdy", None]}


def test_a_large_integer_keeps_its_digits() -> None:
    """An id of twenty digits is the same on its way out."""
    assert dump_json(load_json(b"[12345678901234567890]")) == b"[12345678901234567890]"


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b'{"a":01}', b"\xff", b"'a'", b"[1,]", b"[" * 3000])
def test_what_is_not_json_is_a_value_error(text: bytes) -> None:
    """One kind of error, with words."""
    with pytest.raises(ValueError, match=r"\w"):
        load_json(text)
