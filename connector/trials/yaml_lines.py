"""Values of JSON as text of YAML 1.2: on one line, or over several with indentation.

A text goes without quotes only where every reader of YAML, 1.1 too, takes it for that text. Variables are escaped, so
that what is written is what is read again. Nothing here knows a file.
"""

import re
from collections.abc import Iterator
from typing import Final

from connector.values import JSON, dump_json
from connector.variables import escaped
from connector.yaml_text import read_plain

# What reads as a text without quotes: no character that means something in YAML, and none that is easily missed.
_PLAIN: Final = re.compile(r"[^\W\d_][\w .$+/@%^~()<>=;*-]*|[\d$_+/.][\w.$+/@%^~()<>=;*:-]*", re.ASCII)
_COLON: Final = re.compile(r"[A-Za-z][\w+.-]*:[\w/.@%+=:-]*[\w/]", re.ASCII)  # https://app.example.com/path
_WORDS: Final = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})  # of YAML 1.1, in any case
_NUMBERLIKE: Final = re.compile(r"[-+.\d][-+.:_\deETZ ]*|0[xXoO].*")  # numbers of any base, times, dates
_RAW_UNSAFE: Final = re.compile(r"[\x7f-\x9f\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufffe\uffff]")


def scalar_text(value: JSON, style: str = "", *, fill: bool = True) -> str:
    """Write a text, number, true, false or null on one line; `style` is the quote that a text has had.

    With `fill` false the text is for reading only, and a variable is not escaped.
    """
    if not isinstance(value, str):
        return dump_json(value).decode()
    text = escaped(value) if fill else value
    if style == "'" and text.isprintable() and "\n" not in text:
        return "'" + text.replace("'", "''") + "'"
    return text if not style and _is_plain(text) else _in_quotes(text)


def _is_plain(text: str) -> bool:
    if text.lower() in _WORDS or _NUMBERLIKE.fullmatch(text) or text.endswith(" ") or "  " in text:
        return False
    if not (_PLAIN.fullmatch(text) or _COLON.fullmatch(text)) or text.endswith(":") or " <" in text:
        return False
    try:
        return read_plain(text) == text
    except ValueError:
        return False


def _in_quotes(text: str) -> str:
    return _RAW_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", dump_json(text).decode())


def flow_text(value: JSON, *, fill: bool = True) -> str:
    """Write a value on one line, as it can stand inside `{ }` and `[ ]` too."""
    if isinstance(value, dict):
        pairs = (f"{scalar_text(key, fill=False)}: {flow_text(inner, fill=fill)}" for key, inner in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow_text(item, fill=fill) for item in value) + "]"
    return scalar_text(value, fill=fill)


def block_lines(value: JSON, *, fill: bool = True) -> Iterator[str]:
    """Write a value over several lines, each key and item on one of its own."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _under(f"{scalar_text(key, fill=False)}:", inner, fill=fill)
    elif isinstance(value, list) and value:
        for item in value:
            first, *more = block_lines(item, fill=fill)
            yield f"- {first}"
            yield from (f"  {line}" for line in more)
    else:
        yield flow_text(value, fill=fill)


def _under(key: str, value: JSON, *, fill: bool) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield key
        yield from (f"  {line}" for line in block_lines(value, fill=fill))
    else:
        yield f"{key} {flow_text(value, fill=fill)}"
