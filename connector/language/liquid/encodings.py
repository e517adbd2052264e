"""The encoding filters of `@liquid`: HTML, URLs, slugs, Base64 and JSON, as liquidjs 10.27.2 and Node have them.

Any value in, its text changed out. One that cannot be encoded or decoded raises ResolveError.
"""

import base64
import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from connector.errors import ResolveError
from connector.language.liquid.values import (
    SPACE_RUN,
    is_truthy,
    join_units,
    or_default,
    to_amount,
    to_text,
    without_halves,
)
from connector.values import MISSING, Value, ordered_keys, stringify

_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"}
_ESCAPE_TABLE: Final = str.maketrans(_ESCAPES)
_UNESCAPES: Final = {escaped: char for char, escaped in _ESCAPES.items()}
_ESCAPED: Final = re.compile("&(?:amp|lt|gt|#34|#39);")
_HTML_BLOCKS: Final = (("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->"), ("<", ">"))


def escape(value: Value) -> Value:
    """Escape the five characters that HTML and XML read."""
    return to_text(value).translate(_ESCAPE_TABLE)


def escape_once(value: Value) -> Value:
    """Escape, but what is escaped already not again."""
    return escape(_ESCAPED.sub(lambda match: _UNESCAPES[match[0]], to_text(value)))


def strip_html(value: Value) -> Value:
    """Take out tags, comments, and scripts and styles with what they hold."""
    text, at, kept, blocks = to_text(value), 0, [], dict(_HTML_BLOCKS)
    while (start := text.find("<", at)) >= 0:
        end = _end_of_html(text, start, blocks)
        if end is None:
            break
        kept.append(text[at:start])
        at = end
    return "".join(kept) + text[at:]


def _end_of_html(text: str, start: int, blocks: dict[str, str]) -> int | None:
    for opener, closer in list(blocks.items()):
        if text.startswith(opener, start):
            end = text.find(closer, start + len(opener))
            if end >= 0:
                return end + len(closer)
            del blocks[opener]  # nor will there be an end for the next: a text of openers is read once, not each time
    return None


def encode_url(value: Value) -> Value:
    """Encode for a query: a space is `+`."""
    return _quote(value, " !*'()").replace(" ", "+")


def encode_cgi(value: Value) -> Value:
    """Encode for a query, `!*'()` too."""
    return _quote(value, " ").replace(" ", "+")


def encode_uri(value: Value) -> Value:
    """Encode a whole address, whose own marks stay."""
    return _quote(value, ";,/?:@&=+$!*'()#[]")


def _quote(value: Value, safe: str) -> str:
    try:
        return quote(join_units(to_text(value)), safe=safe)
    except UnicodeEncodeError:
        raise ResolveError("a text with half a character cannot be written into a URL") from None


def decode_url(value: Value) -> Value:
    """Decode percent codes, then `+` to a space. Raises ResolveError where JavaScript does: on a code that is none."""
    text = to_text(value)
    try:
        if re.search("%(?![0-9a-fA-F]{2})", text):
            raise ValueError
        decoded = re.sub("(?:%[0-9a-fA-F]{2})+", lambda match: unquote_to_bytes(match[0]).decode(), text)
    except ValueError:
        raise ResolveError("a text is not URL-encoded, so url_decode cannot read it") from None
    return decoded.replace("+", " ")


_ACCENTS: Final = str.maketrans(
    dict.fromkeys("àáâãäå", "a")
    | dict.fromkeys("èéêë", "e")
    | dict.fromkeys("ìíîï", "i")
    | dict.fromkeys("òóôõöø", "o")
    | dict.fromkeys("ùúûü", "u")
    | dict.fromkeys("ýÿ", "y")
    | {"æ": "ae", "ç": "c", "ð": "d", "ñ": "n", "ß": "ss", "œ": "oe", "þ": "th", "ẞ": "SS", "Œ": "OE", "Þ": "TH"}
)
_SLUG_MARKS: Final = {"default": "", "latin": "", "pretty": "._~!$&'()+,;=@"}
_SLUG_RUNS: Final = {"raw": SPACE_RUN, "ascii": re.compile("[^A-Za-z0-9]+")}


def slugify(value: Value, mode: Value = MISSING, cased: Value = MISSING) -> Value:
    """Make a text fit for an address: runs of other characters become `-`; lower case unless `cased`."""
    text, name = to_text(value), to_text(or_default(mode, "default"))
    if name == "latin":
        text = text.translate(_ACCENTS)
    if name in _SLUG_RUNS:
        text = _SLUG_RUNS[name].sub("-", text).removeprefix("-").removesuffix("-")
    elif name in _SLUG_MARKS:
        kept = "".join(char if _is_slug(char, _SLUG_MARKS[name]) else "\x00" for char in text)
        text = re.sub("\x00+", "-", kept).removeprefix("-").removesuffix("-")
    return text if is_truthy(cased) else text.lower()


def _is_slug(char: str, marks: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category == "Nd" or char in marks


def to_utf8(value: Value) -> bytes:
    """Print a value and encode it; half a character becomes U+FFFD."""
    return without_halves(to_text(value)).encode()


def encode_base64(value: Value) -> Value:
    """Encode a text's UTF-8."""
    return base64.b64encode(to_utf8(value)).decode()


def decode_base64(value: Value) -> Value:
    """Decode as Node does: both alphabets, other characters skipped, nothing after the first `=`.

    Node looks at the low byte of each code unit alone, so half of an emoji may be a `=` to it.
    """
    text = to_text(value)
    text = text if text.isascii() else text.encode("utf-16-le", "surrogatepass")[::2].decode("latin-1")
    digits = text.partition("=")[0].replace("-", "+").replace("_", "/")
    digits = re.sub("[^A-Za-z0-9+/]", "", digits)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("utf-8", "replace")


def print_json(value: Value, space: Value = MISSING) -> Value:
    """Print as JSON, indented when `space` is a number of spaces or a text; a missing value stays missing."""
    indent = _indent(space)
    return stringify(value) if value is MISSING or indent is None else _print_lines(value, indent, "\n")


def _indent(space: Value) -> str | None:
    if isinstance(space, str):
        return space[:10] or None
    wanted = to_amount(space) if isinstance(space, int | float) and not isinstance(space, bool) else 0
    return " " * int(min(10, wanted)) if wanted > 0 else None


def _print_lines(value: Value, indent: str, line: str) -> str:
    inner = line + indent
    if isinstance(value, list) and value:
        return "[" + ",".join(inner + _print_lines(item, indent, inner) for item in value) + line + "]"
    if isinstance(value, dict) and value:
        keys = (key for key in ordered_keys(list(value)) if value[key] is not MISSING)
        pairs = (f"{stringify(key)}: {_print_lines(value[key], indent, inner)}" for key in keys)
        return "{" + ",".join(inner + pair for pair in pairs) + line + "}"
    return str(stringify(None if value is MISSING else value))
