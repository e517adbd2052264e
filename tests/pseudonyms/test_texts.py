"""Texts: what stays in them, what they keep of their shape, and that nothing of what they said is left."""

import ipaddress
import re
from string import ascii_lowercase, ascii_uppercase, digits

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.actions.conversions import phone_of
from connector.pseudonyms import Pseudonyms
from connector.pseudonyms.vocabulary import CONSTANTS

KEY = b"a key that only tests have"
NAMES = Pseudonyms(KEY)
OTHER = Pseudonyms(b"another key that only tests have")

letters = st.characters(categories=("Lu", "Ll", "Nd"), max_codepoint=0x24F)
words = st.text(letters, min_size=4, max_size=24).filter(lambda word: word.lower() not in CONSTANTS)
LOCALS, DOMAINS = r"[a-z]{4,12}(\.[a-z]{4,9})?(\+[a-z]{4})?", r"[a-z]{4,10}(\.[a-z]{4,8})?\.(com|org|de)"
addresses = st.from_regex(f"{LOCALS}@{DOMAINS}", fullmatch=True)
numbered = st.from_regex(r"[a-z]{3}[-_/ .:][0-9]{1,9}", fullmatch=True)
anything = st.one_of(st.text(max_size=40), addresses, words, numbered)
CLASSES = str.maketrans(
    dict.fromkeys(digits, "9") | dict.fromkeys(ascii_lowercase, "a") | dict.fromkeys(ascii_uppercase, "A")
)


def shape(text: str) -> str:
    """Write a text as classes of letters."""
    return text.translate(CLASSES)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("user-42", r"user-[1-9]\d"),
        ("cus_9s6XKzkNRiz8i3", r"cus_\d[a-z]\d[A-Z]{2}[a-z][a-z][A-Z]{2}[a-z]{2}\d[a-z]\d"),
        ("0042", r"00[1-9]\d"),
        ("550e8400-e29b-41d4-a716-446655440000", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}"),
        ("550E8400-E29B-41D4-A716-446655440000", r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-A[0-9A-F]{3}-[0-9A-F]{12}"),
        ("5f1d7e0b9c3a4d2e8f6b7a90", r"[0-9a-f]{24}"),
        ("eyJhbGciOi.eyJzdWIi.abc-_", r"eyJ[\w-]{7}\.eyJ[\w-]{5}\.[\w-]{5}"),
        ("ada@gmail.com", r"[a-z]{3}@[a-z]{5}\.[a-z]{3}\.example\.com"),
        ("Ada@example.org", r"[A-Z][a-z]{2}@example\.org"),
        (
            "https://app.acme.com/users/ada?tab=ada#x",
            r"https://app\.[a-z]{4}\.[a-z]{3}\.example\.com/users/[a-z]{3}\?tab=[a-z]{3}#[a-z]",
        ),
        ("/account/12345/view.html", r"/account/[1-9]\d{4}/view\.html"),
        ("1984-03-12", r"19\d\d-\d\d-\d\d"),
        ("1984-03-12T10:30:00.123Z", r"19\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.123Z"),
        ("Ada Lovelace", r"[A-Z][a-z]{2} [A-Z][a-z]{7}"),
        ('{"name": "Ada", "on": true}', r'\{"name": "[A-Z][a-z]{2}", "on": true\}'),
        ("\u0414\u0430\u0440\u044c\u044f", r"[\u0410-\u042f][\u0430-\u044f]{4}"),
    ],
)
def test_a_text_keeps_its_shape(text: str, pattern: str) -> None:
    """What a text is made of stays as it was, and what it said does not."""
    made = NAMES.text(text)
    assert re.fullmatch(pattern, made), made
    assert made != text


@pytest.mark.parametrize("text", ["", "true", "FALSE", "null", "undefined", "—", "/", "/home", "🎉"])
def test_what_says_nothing_stays(text: str) -> None:
    """Empty texts, words for values and signs alone stay."""
    assert NAMES.text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "https://x.acme.com/users/user-42/profile",
        "https://shop.example.com/?email=ada%40acme.com&who=user-42",
        "Order of ada@acme.com by user-42",
        "/reset/ada@acme.com/user-42",
        '["user-42", "ada@acme.com"]',
    ],
)
def test_a_value_inside_a_text_has_its_own_pseudonym(text: str) -> None:
    """What stands in a link, a path or a sentence is replaced as where it stands alone."""
    made = NAMES.text(text).replace("%40", "@")
    for value in ("user-42", "ada@acme.com"):
        if value in text.replace("%40", "@"):
            assert NAMES.text(value) in made


@pytest.mark.parametrize(
    "number",
    [
        "+14155550100",
        "+442079460000",
        "+4915112345678",
        "+33612345678",
        "+390612345678",
        "+861012345678",
        "+5511987654321",
        "+1 (415) 555-2671",
        "0033612345678",
    ],
)
def test_a_phone_number_stays_one_of_its_country(number: str) -> None:
    """Its country, its length, its signs and whether it is valid stay; the number does not."""
    made = NAMES.text(number)
    assert shape(made) == shape(number)
    before, after = (phonenumbers.parse(re.sub("^00", "+", text), None) for text in (number, made))
    assert before.country_code == after.country_code
    assert phonenumbers.is_valid_number(before) == phonenumbers.is_valid_number(after)
    assert before.national_number != after.national_number


@pytest.mark.parametrize("number", ["+4479110", "+999123456789", "+1415555", "+12345678901234567", "4155550100"])
def test_an_invalid_phone_number_stays_invalid(number: str) -> None:
    """What is no number stays none, for the same reason."""

    def fault(text: str) -> object:
        try:
            return phonenumbers.is_possible_number_with_reason(phonenumbers.parse(text, None))
        except phonenumbers.NumberParseException as error:
            return error.error_type

    made = NAMES.text(number)
    assert shape(made) == shape(number)
    assert fault(made) == fault(number)


@pytest.mark.parametrize(
    "text", ["ada@", "ada@@acme.com", "ada@acme.c", "ada.acme", "ada@-acme.com", "ada@acme", "@acme.com"]
)
def test_an_invalid_address_stays_invalid(text: str) -> None:
    """An e-mail address with a fault keeps it, and becomes no other text."""
    assert shape(NAMES.text(text)) == shape(text)


def test_addresses_of_machines_belong_to_nobody() -> None:
    """IP addresses stay such, and are of networks that nobody has."""
    nets = [ipaddress.ip_network(net) for net in ("240.0.0.0/4", "2001:db8::/32")]
    for text in ("81.2.69.142", "203.0.113.7", "2001:4860:4860::8888", "fe80::1"):
        made = ipaddress.ip_address(NAMES.text(text))
        assert any(made in net for net in nets)
        assert str(made) != text


def test_two_machines_stay_two() -> None:
    """Of many IP addresses no two become the same one, also where one is written in the newer form."""
    addresses = [f"84.92.{high}.{low}" for high in range(8) for low in range(256)]
    assert len({NAMES.text(address) for address in addresses}) == len(addresses)
    assert NAMES.text("::ffff:84.92.4.17") == f"::ffff:{NAMES.text('84.92.4.17')}"


@pytest.mark.parametrize(
    "number",
    [
        "+1 415 849 2041",
        "+1\u2011415\u2011849\u20112041",
        "+1\u00a0415\u00a0849\u00a02041",
        "+1 415 849 2041 ext 5",
        "+1 (415) 849-2041 x5",
        "\uff0b14158492041",
    ],
)
def test_a_phone_number_is_one_however_it_is_written(number: str) -> None:
    """All forms that the wire takes for the same number get the same one, and an extension gets another."""
    made = NAMES.text(number)
    assert phone_of(made) == phone_of(NAMES.text("+14158492041"))
    assert phone_of(made) not in (None, "+14158492041")
    assert shape(made) == shape(number)


@pytest.mark.parametrize(
    "text", ["https://lovelace.io/", "ada@lovelace.io", "https://app.lovelace.io/x?at=lovelace.io"]
)
def test_a_host_is_the_same_wherever_it_stands(text: str) -> None:
    """A host that stands alone has the pseudonym that it has in links and addresses, which belongs to nobody."""
    host = NAMES.text("lovelace.io")
    assert host.endswith(".example.com")
    assert host in NAMES.text(text)


def test_what_is_encoded_twice_is_found() -> None:
    """Percent signs hide nothing, however often a text was encoded."""
    for encoded in ("ada%40acme.com", "ada%2540acme.com", "https://x.io/?q=ada%252540acme.com"):
        made = NAMES.text(encoded).replace("%2525", "%").replace("%25", "%")
        assert NAMES.text("ada@acme.com").replace("@", "%40") in made


@pytest.mark.parametrize(
    "text",
    ["caf%e9", "?q=caf%E9%40", "/caf%e9/ada", "%ed%a0%80", "?q=\ud800%40", "100%25", "%%%41", "eyJ\u00e4bcd.x.\u017f"],
)
def test_what_cannot_be_decoded_is_text(text: str) -> None:
    """What only looks like an encoded text or a token is changed as any other."""
    assert NAMES.text(text).lower() != text.lower() or text.startswith("%ed")
    assert "caf" not in NAMES.text(text)


def test_a_long_address_stays_as_short_as_it_must_be() -> None:
    """An address that is not too long does not become too long."""
    text = f"{'ada' * 20}@{'.'.join(['lovelace' * 6] * 3)}.{'b' * 34}.io"
    assert len(text) <= 254
    assert len(NAMES.text(text)) <= 254
    assert NAMES.text(text).endswith(".example.com")


def test_case_is_kept_in_the_pseudonym() -> None:
    """What was equal without regard to case is so afterwards."""
    assert NAMES.text("Grace@Acme.com").lower() == NAMES.text("grace@acme.com")
    assert NAMES.text("GRACE") == NAMES.text("grace").upper()


def test_another_key_gives_other_pseudonyms() -> None:
    """Nobody can look a pseudonym up without the key."""
    texts = ["ada@acme.com", "Ada Lovelace", "+14155550100", "550e8400-e29b-41d4-a716-446655440000"]
    assert not {NAMES.text(text) for text in texts} & {OTHER.text(text) for text in texts}
    assert [Pseudonyms(KEY).text(text) for text in texts] == [NAMES.text(text) for text in texts]


@settings(deadline=None)
@given(anything)
def test_any_text_has_one_pseudonym(text: str) -> None:
    """The same key gives the same pseudonym, and none raises."""
    assert NAMES.text(text) == Pseudonyms(KEY).text(text)


@settings(deadline=None)
@given(st.lists(st.one_of(words, addresses), min_size=2, max_size=6))
def test_equality_is_kept(texts: list[str]) -> None:
    """Equal texts have equal pseudonyms, and others have others."""
    made = [NAMES.text(text) for text in texts]
    for one, its in zip(texts, made, strict=True):
        assert [other == one for other in texts] == [name == its for name in made]


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z0-9 .,_/:-]{0,40}", fullmatch=True))
def test_letters_stay_letters_and_digits_digits(text: str) -> None:
    """A text without addresses keeps each letter's class and each sign."""
    if not any(sign in text for sign in ("://",)) and not re.search(r"[0-9a-fA-F]{16}|([0-9]+\.){3}|:.*:|eyJ", text):
        assert shape(NAMES.text(text)) == shape(text)


@settings(deadline=None)
@given(addresses)
def test_an_address_stays_an_address_of_nobody(text: str) -> None:
    """An e-mail address stays valid, under a domain that is for examples."""
    assert re.fullmatch(r"[a-z.+]+@([a-z]+\.)+example\.com", NAMES.text(text))


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=5))
def test_no_word_is_left(parts: list[str]) -> None:
    """No word of four letters or more is in the pseudonym of a text."""
    made = NAMES.text(" ".join(parts)).lower()
    for part in parts:
        for word in re.findall(r"[^\W\d_]{4,}", part):
            assert word.lower() not in re.findall(r"[^\W\d_]+", made)


@pytest.mark.parametrize(
    "text", ["cust-0", "user_0", "acct-00", "id:0", "anon-0", "0000", "0-0", "0@acme.de", "/users/0", "+0000000000"]
)
@pytest.mark.parametrize("names", [NAMES, OTHER])
def test_zeros_are_no_exception(text: str, names: Pseudonyms) -> None:
    """An id of zeros gets another one of its length; of its digits the last one changes."""
    made = names.text(text)
    assert made != text
    if "@" not in text:
        assert shape(made) == shape(text)


def test_ids_of_one_digit_stay_apart() -> None:
    """The ten ids that differ in their last digit have ten pseudonyms, whatever stands before it."""
    for head in ("cust-", "00", "a/"):
        assert len({NAMES.text(f"{head}{digit}") for digit in range(10)}) == 10


@pytest.mark.parametrize("number", [0, 1, 7, -7, 42, 5.5, 0.5])
def test_a_number_as_text_is_as_the_number(number: float) -> None:
    """What JSON would write as a number has the pseudonym of that number, so that the two stay equal."""
    assert NAMES.text(str(number)) == str(NAMES.value(number))
