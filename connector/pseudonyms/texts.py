"""Texts to texts of the same build: addresses, links, ids and dates in them stay such, and words become words.

In: a text and how much of it is known to be harmless. Out: a text in which each part has its pseudonym, the same as
where the part stands alone.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from connector.pseudonyms.alphabets import Words, is_hex
from connector.pseudonyms.dates import DATE, DAY, moved_text
from connector.pseudonyms.permutations import Permutations
from connector.pseudonyms.phones import PHONE, other_phone
from connector.pseudonyms.staying import NOBODY, Treatment, looks_random, stays
from connector.pseudonyms.vocabulary import CONSTANTS, ENDS, HOSTS, PREFIXES, RESERVED, RESERVED_ENDS, WORDS

_LABEL: Final = r"[^\W_](?:[\w-]*[^\W_])?"
_DOMAIN: Final = rf"{_LABEL}(?:\.{_LABEL})*\.[^\W\d_]{{2,63}}"
_PARTS: Final = {
    "url": r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>\\]+",
    "jwt": r"(?<![\w-])eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?",
    "email": rf"(?<![\w.+'-])[\w.+'-]+(?:@|%40){_DOMAIN}(?![\w@-])",
    "uuid": r"(?<![^\W_])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![^\W_])",
    "date": DATE,
    "host": rf"(?<![\w.@+-])(?:{_LABEL}\.)+(?:{ENDS})(?![\w@-]|\.\w)",
    "ip4": r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.])",
    "ip6": r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{0,4}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?![\w:.])",
    "phone": PHONE,
    "word": r"[^\W_]+",
}
_WORD: Final = re.compile(_PARTS["word"])
_STRUCTURE: Final = re.compile(r"://|[/?#&=@:]")
_MAPPED: Final = ("::ffff", "::")  # before an address of the older kind
_is_encoded: Final = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE).search
_is_link_part: Final = re.compile(r"[\w%.~!$&'()*+,;=:@-]+", re.ASCII).fullmatch
_is_number: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch  # as JSON writes one
_LONG: Final = 10  # letters and digits of a word that is an id rather than the short name of a category
_FLAGS: Final = re.IGNORECASE
_PART: Final = re.compile("|".join(f"(?P<{name}>{part})" for name, part in _PARTS.items()), _FLAGS)
_URL: Final = re.compile(
    r"(?P<scheme>[^:]+://)(?:(?P<user>[^/?#@]*)@)?(?P<host>\[[^\]]*\]|[^/?#:]*)(?P<port>:[0-9]*)?(?P<rest>.*)",
    re.DOTALL,
)
_UNRESERVED: Final = "-._~!$&'()*+,;=:@"
_DATA_DIGITS: Final = 5  # so many digits in a row are no part of an ordinary name
_LONGEST_EMAIL: Final = 254
_NO_NET: Final = 0xF0000000  # 240.0.0.0/4, of which nobody has an address


class Texts:
    """Pseudonyms of texts under one key. `shift` is by how many seconds dates move.

    `pieces` are parts of texts that stay wherever they stand in a word, an address or a link. Without `moves_hosts`
    what belongs to nobody already stays, with `bare` a host that has a piece gets no end that says so of it.
    """

    def __init__(
        self, permutations: Permutations, *, pieces: Sequence[str] = (), moves_hosts: bool = True, bare: bool = False
    ) -> None:
        self._pieces = compile_pieces(pieces)
        self._moves_hosts, self._bare = moves_hosts, bare
        self._permutations = permutations
        self._words = Words(permutations)
        self.shift = -(30 + permutations.draw(b"days") % 700) * DAY - permutations.draw(b"seconds") % DAY
        self._makers: dict[str, Callable[[str], str]] = {
            "url": self._url,
            "jwt": self._token,
            "email": self._email,
            "host": self._host,
            "uuid": self._uuid,
            "date": self._date,
            "ip4": self._ip4,
            "ip6": self._ip6,
            "phone": lambda text: other_phone(text, self._words.digit_run),
        }

    def text(self, text: str, treatment: Treatment = "plain", own: frozenset[str] = NOBODY) -> str:
        """Give a text's pseudonym; `own` are words in lower case that say something of the person."""
        if _is_number(text) and self._pieces is None:
            return _WORD.sub(lambda found: self._words.digits(found[0]), text)
        return self._built(text, treatment, own)

    def _built(self, text: str, treatment: Treatment = "plain", own: frozenset[str] = NOBODY) -> str:
        """Give the pseudonym of a text that is no number, or a part of one."""
        if text.lower() in CONSTANTS:
            return text
        if text.startswith("/") and not text.startswith("//"):
            return self._route(text)
        if text.startswith("?") and "=" in text:
            return "?" + self._query(text[1:])
        if _is_encoded(text) and _is_link_part(text):
            return self._encoded(text, self._built)
        return self._scan(text, treatment, own)

    def digits(self, text: str, *, last: bool = False) -> str:
        """Give other digits, as many."""
        return self._words.digits(text, last=last)

    def _scan(self, text: str, treatment: Treatment, own: frozenset[str] = NOBODY) -> str:
        def replace(found: re.Match[str]) -> str:
            kind, part = str(found.lastgroup), found[0]
            if kind != "word":
                return self._part(kind, part)
            return part if stays(text, found, treatment, own) else self._words.word(part)

        if self._pieces is None:
            return _PART.sub(replace, text)
        return self._scan_around(text, treatment)

    def _part(self, kind: str, part: str) -> str:
        """Give another part of its kind; of one that has a piece and is no address or link only the words change."""
        if self._pieces is not None and kind not in ("url", "email", "host") and self._pieces.search(part):
            return self._words_of(part)
        return self._makers[kind](part)

    def _scan_around(self, text: str, treatment: Treatment) -> str:
        """Change addresses and links by their parts, and all else around the pieces."""
        made, at = "", 0
        for found in _PART.finditer(text):
            if found.lastgroup == "word" or found.start() < at:
                continue
            made += self._around(text[at : found.start()], treatment) + self._part(str(found.lastgroup), found[0])
            at = found.end()
        return made + self._around(text[at:], treatment)

    def _around(self, text: str, treatment: Treatment) -> str:
        assert self._pieces is not None
        made, at = "", 0
        for piece in self._pieces.finditer(text):
            made += self._between(text[at : piece.start()], treatment) + piece[0]
            at = piece.end()
        return made + self._between(text[at:], treatment)

    def _between(self, text: str, treatment: Treatment) -> str:
        def replace(found: re.Match[str]) -> str:
            return found[0] if stays(text, found, treatment, NOBODY) else self._words.word(found[0])

        return _WORD.sub(replace, text)

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
        return f"{self._encoded(name, self._segment)}{sign}{self._encoded(value, self._built)}"

    def _encoded(self, text: str, change: Callable[[str], str]) -> str:
        """Change what percent signs stand for, also twice; what was not encoded before is not encoded afterwards."""
        if not _is_encoded(text):
            return change(text)
        try:
            plain = unquote(text, errors="surrogatepass")
        except UnicodeDecodeError:
            return self._scan(text, "plain")
        safe = "".join(sign for sign in _UNRESERVED if sign in text)
        return quote(self._encoded(plain, change), safe=safe, errors="surrogatepass")

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
        if base and not self._moves_hosts:
            return text
        if self._pieces is not None and self._pieces.search(text):
            made = self._words_of(text)
            return made if base or self._bare else f"{made}.{RESERVED[0]}"
        names = [
            label if at >= own or (label.lower() in HOSTS and at < own - (0 if base else 2)) else self._words_of(label)
            for at, label in enumerate(labels)
        ]
        return ".".join(names if base or not text else [*names, RESERVED[0]])

    def _email(self, text: str) -> str:
        """Give another address; where it would be too long the host loses what stands first in it."""
        at = "@" if "@" in text else "%40"
        name, _, host = text.partition(at)
        name, host = self._scan(name, "plain"), self._host(host)
        while len(text) <= _LONGEST_EMAIL < len(name) + len(at) + len(host) and host.count(".") > 2:
            host = host.partition(".")[2]
        return f"{name}{at}{host}"

    # --------------------------------------------------------------------------------------------------------- ids

    def _words_of(self, text: str) -> str:
        if self._pieces is not None:
            return self._around(text, "all")
        return _WORD.sub(lambda found: self._words.word(found[0]), text)

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
        """Give an address that nobody has. There are 2^28, so that two seldom become the same one."""
        numbers = [int(part) for part in text.split(".")]
        if any(number > 255 for number in numbers):
            return self._words_of(text)
        number = int.from_bytes(bytes(numbers), "big")
        moved = self._permutations.moved(number, 1 << 32, b"ip4") >> 4 | _NO_NET
        return str(ipaddress.IPv4Address(moved if moved not in (number, 0xFFFFFFFF) else moved ^ 1))

    def _ip6(self, text: str) -> str:
        """Give an address of the range that is kept for documentation. What is no address is words."""
        if "." in text:
            head, sign, tail = text.rpartition(":")
            return f"{head}{sign}{self._ip4(tail)}" if head.lower() in _MAPPED else self._words_of(text)
        try:
            packed = ipaddress.IPv6Address(text).packed
        except ValueError:
            return self._words_of(text)
        drawn = self._permutations.draws(2, b"ip6", packed)
        groups = [group for number in drawn for group in (number >> 16, number & 0xFFFF)]
        return ":".join(["2001", "db8", *(f"{group | 0x1000:x}" for group in groups), "", "1"])


@lru_cache(maxsize=256)
def compile_pieces(pieces: Sequence[str]) -> re.Pattern[str] | None:
    """Compile what finds pieces in a part of a text: what a piece has before and behind an address's or a link's signs
    is looked for by itself, at the beginning and the end of the part."""
    found = []
    for piece in sorted(pieces, key=len, reverse=True):
        found.append(re.escape(piece))
        inner = _STRUCTURE.split(piece)
        for at, part in enumerate(inner):
            if part and len(inner) > 1:
                found.append(f"{'^' if at else ''}{re.escape(part)}{'$' if at < len(inner) - 1 else ''}")
    return re.compile("|".join(found)) if found else None


@lru_cache(maxsize=8192)
def looks_like_data(key: str) -> bool:
    """Whether the key of an object is most likely a value: an address, an id, a number, or words with spaces."""
    if is_address_or_id(key):
        return True
    words = _WORD.findall(key)
    if any(map(looks_random, words)):
        return True
    head, sign, tail = key.partition("-") if "-" in key else key.partition("_")
    if head.lower() in PREFIXES and sign and tail[:1].isdecimal():
        return True
    return ("." in key or any(letter.isspace() for letter in key)) and not all(word.lower() in WORDS for word in words)


@lru_cache(maxsize=8192)
def is_address_or_id(key: str) -> bool:
    """Whether a key is surely a value, also where whoever made the site gives any names."""
    if "@" in key or any(part.lastgroup not in ("word", "host") for part in _PART.finditer(key)):
        return True
    if key.isdecimal() or re.search(rf"[0-9]{{{_DATA_DIGITS}}}", key):
        return True
    return any(is_hex(word.lower()) or (len(word) >= _LONG and looks_random(word)) for word in _WORD.findall(key))
