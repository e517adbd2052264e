import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.redaction import LONGEST, redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user ada@example.com not found", "user [email] not found"),
        ("no such address: <ada.lovelace+x@example.com>", "no such address: <[email]>"),
        ("/v3/user/ada%40example.com/update", "[email]"),
        ("cannot call +49 (151) 1234-5678", "cannot call [number]"),
        ("phone 004915112345678 is not E.164", "phone [number] is not E.164"),
        ("device 6323dadac7c49192e9154563 is gone", "device [id] is gone"),
        ("request 6f0c2f6e-7e5a-4b54-9d5b-1d3cc1b0f4de failed", "request [id] failed"),
    ],
)
def test_personal_data_is_taken_out(text: str, expected: str) -> None:
    """E-mail addresses, phone numbers and ids leave a mark, so that texts group."""
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Basic client-1:s3cret is not valid",
        "Authorization: Basic client-1:s3cret",
        "invalid basic credentials: Basic client-1:s3cret",
        "bearer s3cret refused",
        "Bearer token s3cret",
        'the header "authorization": "Bearer s3cret"',
        "api_secret=s3cret",
        'token: "s3cret"',
        "https://client:s3cret@api.rupt.dev/v2",
        "signed eyJhbGciOi.s3cret.x",
    ],
)
def test_credentials_are_taken_out(text: str) -> None:
    """Nothing after Basic, Bearer, or a name such as token or secret, is shown."""
    assert "s3cret" not in redact(text)


@pytest.mark.parametrize(
    "text", ["Bearer token is missing", "user is required", "limit is 3 of 10", "basic authentication required"]
)
def test_plain_words_stay(text: str) -> None:
    """A message that names nobody is shown as it is."""
    assert redact(text) == text


def test_known_values_are_taken_out_as_whole_words() -> None:
    """What is known to name a person goes, but not where it is only part of another word."""
    assert redact("user ada of adamant (ada)", ["ada", ""]) == "user [redacted] of adamant ([redacted])"


def test_control_characters_become_spaces() -> None:
    """Terminal escapes, line ends and writing direction marks do not reach a terminal or a log line."""
    assert redact("\x1b[31mred\r\nline\u202e\x00 two\ud800") == "[31mred line two"


def test_long_text_is_cut_with_a_mark() -> None:
    """Of a long text the beginning is shown."""
    shown = redact("word " * 100)
    assert len(shown) == LONGEST
    assert shown.endswith("word…")


def test_text_that_ends_inside_an_address_does_not_show_its_beginning() -> None:
    """Where reading stops, a word that is cut is left out whole."""
    text = "+1 234 567 890 " * 66 + "a.very.long.name@example.com"
    assert "name" not in redact(text)


@given(st.text(max_size=2_000), st.lists(st.text(max_size=5), max_size=3))
def test_any_text_gives_one_short_printable_line(text: str, known: list[str]) -> None:
    """Whatever comes in, one line within the limit goes out, and no address in it."""
    shown = redact(text, known)
    assert len(shown) <= LONGEST
    assert "\n" not in shown
    assert "@" not in shown


@given(
    st.from_regex(r"[a-z0-9._]{1,20}@[a-z]{1,10}\.[a-z]{2,3}", fullmatch=True), st.text(alphabet=" ,;<>()", min_size=1)
)
def test_an_address_never_passes(address: str, around: str) -> None:
    """An e-mail address is found between any separators."""
    assert address not in redact(f"no{around}{address}{around}here")
