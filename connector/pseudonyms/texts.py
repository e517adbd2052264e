"""Texts to texts of the same build: addresses, links, ids and dates in them stay such, and words become words.

In: a text and how much of it is known to be harmless. Out: a text in which each part has its pseudonym, the same as
where the part stands alone.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, unquote

from connector.pseudonyms.alphabets import Words, is_hex
from connector.pseudonyms.dates import DATE, DAY, moved_text
from connector.pseudonyms.permutations import Permutations
from connector.pseudonyms.phones import other_phone
from connector.pseudonyms.vocabulary import AGENTS, CONSTANTS, HOSTS, PREFIXES, RESERVED, RESERVED_ENDS, WORDS

Treatment: TypeAlias = Literal["plain", "words", "agent", "label"]
"""How much of a text stays: ids' prefixes; also words of routes and pages; of browsers; all that looks like no data."""

_LABEL: Final = r"[^\W_](?:[\w-]*[^\W_])?"
_DOMAIN: Final = rf"{_LABEL}(?:\.{_LABEL})*\.[^\W\d_]{{2,63}}"
_PARTS: Final = {
    "url": r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>\\]+",
    "jwt": r"(?<![\w-])eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?",
    "email": rf"(?<![\w.+'-])[\w.+'-]+(?:@|%40){_DOMAIN}(?![\w@-])",
    "uuid": r"(?<![^\W_])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![^\W_])",
    "date": DATE,
    "ip4": r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.])",
    "ip6": r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:.])",
    "phone": r"(?<![^\W_])(?:\+|00)[0-9][0-9 ()./-]{4,}[0-9](?![^\W_])",
    "word": r"[^\W_]+",
}
_FLAGS: Final = re.IGNORECASE
_PART: Final = re.compile("|".join(f"(?P<{name}>{part})" for name, part in _PARTS.items()), _FLAGS)
_URL: Final = re.compile(
    r"(?P<scheme>[^:]+://)(?:(?P<user>[^/?#@]*)@)?(?P<host>\[[^\]]*\]|[^/?#:]*)(?P<port>:[0-9]*)?(?P<rest>.*)",
    re.DOTALL,
)
_SEPARATED: Final = frozenset("-_:|")
_UNRESERVED: Final = "-._~!$&'()*+,;=:@"
_DATA_DIGITS: Final = 5  # so many digits in a row are no part of an ordinary name
_NETS: Final = ("192.0.2.", "198.51.100.", "203.0.113.")


class Texts:
    """Pseudonyms of texts under one key. `shift` is by how many seconds dates move."""

    def __init__(self, permutations: Permutations) -> None:
        self._permutations = permutations
        self._words = Words(permutations)
        self.shift = -(30 + permutations.draw(b"days") % 700) * DAY - permutations.draw(b"seconds") % DAY
        self._makers: dict[str, Callable[[str], str]] = {
            "url": self._url,
            "jwt": self._token,
            "email": self._email,
            "uuid": self._uuid,
            "date": self._date,
            "ip4": self._ip4,
            "ip6": self._ip6,
            "phone": lambda text: other_phone(text, self._words.digits),
        }

    def text(self, text: str, treatment: Treatment = "plain") -> str:
        """Give a text's pseudonym."""
        if text.lower() in CONSTANTS:
            return text
        if text.startswith("/") and not text.startswith("//"):
            return self._route(text)
        if text.startswith("?") and "=" in text:
            return "?" + self._query(text[1:])
        return self._scan(text, treatment)

    def digits(self, text: str, *, last: bool = False) -> str:
        """Give other digits, as many."""
        return self._words.digits(text, last=last)

    def _scan(self, text: str, treatment: Treatment) -> str:
        def replace(found: re.Match[str]) -> str:
            kind, part = str(found.lastgroup), found[0]
            if kind != "word":
                return self._makers[kind](part)
            return part if _stays(text, found, treatment) else self._words.word(part)

        return _PART.sub(replace, text)

    # ------------------------------------------------------------------------------------------------------- links

    def _url(self, text: str) -> str:
        found = _URL.fullmatch(text)
        if found is None:
            return self._words_of(text)
        user = f"{self._scan(found['user'], 'plain')}@" if found["user"] is not None else ""
        return f"{found['scheme']}{user}{self._host(found['host'])}{found['port'] or ''}{self._route(found['rest'])}"

    def _route(self, text: str) -> str:
        """Give what stands behind a host: a path, a query and a fragment, as far as they are there."""
        rest, hash, fragment = text.partition("#")
        path, mark, query = rest.partition("?")
        made = "/".join(self._encoded(segment, self._segment) for segment in path.split("/"))
        inside = self._query(fragment) if "=" in fragment else self._route(fragment) if fragment else ""
        return f"{made}{mark}{self._query(query)}{hash}{inside}"

    def _segment(self, text: str) -> str:
        return self._scan(text, "words")

    def _query(self, text: str) -> str:
        return re.sub(r"[^&;]+", lambda found: self._pair(found[0]), text)

    def _pair(self, text: str) -> str:
        name, sign, value = text.partition("=")
        return f"{self._encoded(name, self._segment)}{sign}{self._encoded(value, self.text)}"

    def _encoded(self, text: str, change: Callable[[str], str]) -> str:
        """Change what percent signs stand for; what was not encoded before is not encoded afterwards."""
        if "%" not in text:
            return change(text)
        try:
            plain = unquote(text, errors="strict")
        except UnicodeDecodeError:
            return change(text)
        return quote(change(plain), safe="".join(sign for sign in _UNRESERVED if sign in text))

    def _host(self, text: str) -> str:
        """Give another host under example.com; what belongs to nobody, and `www` and the like, stays."""
        if text.startswith("["):
            return f"[{self._ip6(text[1:-1])}]"
        if re.fullmatch(_PARTS["ip4"], text):
            return self._ip4(text)
        lower = text.lower()
        labels, ours = text.split("."), lower.split(".")
        base = 2 if lower.endswith(RESERVED) else 1 if ours[-1] in RESERVED_ENDS else 0
        own = len(labels) - base
        made = [
            label if at >= own or (label.lower() in HOSTS and at < own - (0 if base else 2)) else self._words_of(label)
            for at, label in enumerate(labels)
        ]
        return ".".join(made if base or not text else [*made, RESERVED[0]])

    def _email(self, text: str) -> str:
        at = "@" if "@" in text else "%40"
        name, _, host = text.partition(at)
        return f"{self._scan(name, 'plain')}{at}{self._host(host)}"

    # --------------------------------------------------------------------------------------------------------- ids

    def _words_of(self, text: str) -> str:
        return re.sub(_PARTS["word"], lambda found: self._words.word(found[0]), text)

    def _token(self, text: str) -> str:
        """Give what looks like a JSON web token: each part keeps its length, and its first letters."""
        return ".".join(
            f"eyJ{self._words.base64(part[3:])}" if part.startswith("eyJ") else self._words.base64(part)
            for part in text.split(".")
        )

    def _uuid(self, text: str) -> str:
        """Give another UUID of the same version and variant."""
        digits = text.replace("-", "")
        made = self._words.hexadecimal(digits[:12] + digits[13:16] + digits[17:])
        whole = made[:12] + digits[12] + made[12:15] + digits[16] + made[15:]
        return "-".join((whole[:8], whole[8:12], whole[12:16], whole[16:20], whole[20:]))

    def _date(self, text: str) -> str:
        """Move a date by the shift of this key. What only looks like one is digits."""
        return moved_text(text, self.shift) or self._words_of(text)

    # --------------------------------------------------------------------------------------------------- addresses

    def _ip4(self, text: str) -> str:
        """Give an address of a range that is kept for documentation; there are 762, so two may become the same one."""
        if any(int(part) > 255 for part in text.split(".")):
            return self._words_of(text)
        drawn = self._permutations.draw(b"ip4", text.encode()) % 762
        made = [f"{_NETS[(drawn + step) % 762 // 254]}{(drawn + step) % 254 + 1}" for step in (0, 1)]
        return made[made[0] == text]

    def _ip6(self, text: str) -> str:
        """Give an address of the range that is kept for documentation. What is no address is words."""
        try:
            packed = ipaddress.IPv6Address(text).packed
        except ValueError:
            return self._words_of(text)
        drawn = self._permutations.draws(2, b"ip6", packed)
        groups = [group for number in drawn for group in (number >> 16, number & 0xFFFF)]
        return ":".join(["2001", "db8", *(f"{group | 0x1000:x}" for group in groups), "", "1"])


def _stays(text: str, found: re.Match[str], treatment: Treatment) -> bool:
    """Whether a word of a text says nothing of a person."""
    word = found[0].lower()
    if treatment == "label":
        return not is_hex(word) and not re.search(rf"[0-9]{{{_DATA_DIGITS}}}", word)
    if treatment != "plain" and word in (AGENTS if treatment == "agent" else WORDS):
        return True
    ahead = text[found.end() : found.end() + 2]
    is_start = found.start() == 0 or text[found.start() - 1] not in "@."
    if not is_start or word not in PREFIXES or len(ahead) < 2:
        return False
    return ahead[0] in _SEPARATED and (ahead[1].isalnum() or ahead[1] == "+")


@lru_cache(maxsize=8192)
def looks_like_data(key: str) -> bool:
    """Whether the key of an object is most likely a value: an address, an id, a number, or words with spaces."""
    if "@" in key or any(part.lastgroup != "word" for part in _PART.finditer(key)):
        return True
    if key.isdecimal() or re.search(rf"[0-9]{{{_DATA_DIGITS}}}", key) or any(map(is_hex, key.lower().split("-"))):
        return True
    head, sign, tail = key.partition("-") if "-" in key else key.partition("_")
    if head.lower() in PREFIXES and sign and tail[:1].isdecimal():
        return True
    return any(letter.isspace() for letter in key) and not all(word.lower() in WORDS for word in key.split())
