import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.nesting import cut_below, is_deeper

VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='a"\\[]{}é', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='a"\\[{', max_size=2), inner, max_size=3)
    ),
    max_leaves=20,
)


def depth(value: object) -> int:
    """Count the levels of a value, the plain way."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if below is None else 1 + max(map(depth, below), default=0)


def cut(value: object, levels: int) -> object:
    """Put None for what is deeper, the plain way."""
    if isinstance(value, dict):
        return {key: cut(item, levels - 1) for key, item in value.items()} if levels else None
    if isinstance(value, list):
        return [cut(item, levels - 1) for item in value] if levels else None
    return value


@given(VALUES, st.integers(0, 5), st.sampled_from([None, 1]))
def test_levels_are_those_of_the_value(value: object, levels: int, indent: int | None) -> None:
    """Brackets in strings are none, and what is not too deep stays as it is."""
    raw = json.dumps(value, indent=indent).encode()
    assert is_deeper(raw, levels) == (depth(value) > levels)
    assert json.loads(cut_below(raw, levels)) == cut(value, levels)
    if depth(value) <= levels:
        assert cut_below(raw, levels) == raw


@given(st.text(alphabet='"\\[]{}:,1 ') | st.binary())
def test_any_bytes(text: str | bytes) -> None:
    """What is no JSON makes nothing raise, and is no JSON when it is cut."""
    raw = text if isinstance(text, bytes) else text.encode()
    assert is_deeper(raw, 1) in (True, False)
    assert not is_deeper(cut_below(raw, 300), 300)


@pytest.mark.parametrize("raw", [b"[" * 10, b'{"a":' * 10, b'["' + b'\\"' * 500_000, b'["' * 300_000])
def test_what_does_not_end(raw: bytes) -> None:
    """It does not end when it is cut either, and takes no time that grows with the square of its length."""
    is_deeper(raw, 3)
    with pytest.raises(ValueError, match="line 1"):
        json.loads(cut_below(raw, 3))
