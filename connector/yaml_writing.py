"""Values to the YAML of a destination file: on one line, bare where that reads best, or over several with indentation.

In: values as JSON has them. Out: text that a destination file reads as the same values. A text goes without quotes only
where every reader of YAML, 1.1 too, takes it for that text. Nothing here knows a file.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from connector.errors import LanguageError
from connector.language.paths import parse_path
from connector.values import JSON, dump_json
from connector.variables import escaped
from connector.yaml_text import read_plain

_NAME: Final = re.compile(r"[A-Za-z$_][A-Za-z0-9_$.]*(?: [A-Za-z0-9_$.()]+)*")  # words, names and paths
# What else reads as a text without quotes: no character that means something in YAML, and none that is easily missed.
_PLAIN: Final = re.compile(r"[^\W\d_][\w .$+/@%^~()<>=;*-]*|[\d$_+/.][\w.$+/@%^~()<>=;*:-]*", re.ASCII)
_COLON: Final = re.compile(r"[A-Za-z][\w+.-]*:[\w/.@%+=:-]*[\w/]", re.ASCII)  # https://app.example.com/path
_PLAIN_TRIGGER: Final = re.compile(r"[A-Za-z(][^#:{}\[\]&*!|>%@`]*")
_RESERVED: Final = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})  # of YAML 1.1, in any case
_NUMBERLIKE: Final = re.compile(r"[-+.\d][-+.:_\deETZ ]*|0[bBoOxX].*")  # numbers of any base, times, dates
# What JSON writes as it is, and no YAML file may hold or no reader would see.
UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufffe\uffff]"
)
_LONGEST_KEY: Final = 1_000  # characters; YAML finds the colon of a longer one only behind a question mark


# The shorthands of our YAML


def shorten(value: JSON) -> JSON:
    """Write paths and templates as the YAML shorthands, and escape the texts that would be taken for one."""
    match value:
        case dict():
            return _shorthand(value) or {key: _short_options(key, item) for key, item in value.items()}
        case list():
            return [shorten(item) for item in value]
        case str() if value.startswith("$.") or "{{" in value:
            return {"@literal": value}
        case _:
            return value


def _shorthand(value: dict[str, JSON]) -> str | None:
    match value:
        case {"@path": str(path), **rest} if not rest:
            return _path_shorthand(path)
        case {"@template": str(template), **rest} if not rest and "{{" in template and not template.startswith("$."):
            return template
        case _:
            return None


def _path_shorthand(path: str) -> str | None:
    """Put `$.` in front of a path, unless that makes it another path: only the first `$.` of a path is left out."""
    if path.startswith("$."):
        return path
    try:
        return f"$.{path}" if path and parse_path(f"$.{path}") == parse_path(path) else None
    except LanguageError:
        return None


def _short_options(key: str, value: JSON) -> JSON:
    """Shorten what stands under a key, but not where a directive reads a text as it stands."""
    match key, value:
        case "@path" | "@template" | "@liquid", _:
            return value
        case "@literal", _:
            return _kept(value)
        case "@replace", dict():
            return {name: shorten(item) if name == "value" else item for name, item in value.items()}
        case "@flatten", dict():
            return {name: item if name == "separator" else shorten(item) for name, item in value.items()}
        case "@arrayPath", [path, *shapes]:  # a text is no shape, and shapes nothing: as a shorthand it would
            return [_kept(path), *(shorten(shape) for shape in shapes if not isinstance(shape, str))]
        case _:
            return shorten(value)


def _kept(value: JSON) -> JSON:
    """Keep a value where shorthands are not read; they are read again in the options of a directive inside it."""
    if isinstance(value, dict):
        return {key: _short_options(key, item) if key.startswith("@") else _kept(item) for key, item in value.items()}
    return [_kept(item) for item in value] if isinstance(value, list) else value


# YAML


class Yaml(msgspec.Struct, frozen=True):
    """Writes values as YAML. A key is never filled, so what looks like a variable in it stays as it is.

    `only_names`: of texts only words, names and paths go without quotes, which nobody takes for anything else; else
    all texts that need none. `fill`: a `${` in a text is escaped, so that it is no variable; else it is for reading.
    """

    only_names: bool = False
    fill: bool = True

    def scalar(self, value: JSON, style: str = "") -> str:
        """Write a text, number, true, false or null on one line; `style` is the quote that a text has had."""
        if not isinstance(value, str):
            return dump_json(value).decode()
        return self._text(escaped(value) if self.fill else value, style)

    def value(self, value: JSON) -> str:
        """Write a value on one line, as it can stand inside `{ }` and `[ ]` too."""
        if isinstance(value, dict):
            return "{" + ", ".join(self.pair(key, item) for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.value, value)) + "]"
        return self.scalar(value)

    def pair(self, key: str, value: JSON) -> str:
        """Write a key and its value on one line; a long key can stand only inside `{ }`."""
        written = self._text(key)
        return f"{'? ' if len(written) > _LONGEST_KEY else ''}{written}: {self.value(value)}"

    def block(self, value: JSON) -> Iterator[str]:
        """Write a value over several lines, each key and item on one of its own."""
        if isinstance(value, dict) and value:
            for key, item in value.items():
                yield from self._block_pair(self._text(key), item)
        elif isinstance(value, list) and value:
            for item in value:
                first, *more = self.block(item)
                yield f"- {first}"
                yield from (f"  {line}" for line in more)
        else:
            yield self.value(value)

    def _block_pair(self, key: str, value: JSON) -> Iterator[str]:
        if len(key) > _LONGEST_KEY:
            yield from (f"? {key}", f": {self.value(value)}")
        elif isinstance(value, dict | list) and value:
            yield f"{key}:"
            yield from (f"  {line}" for line in self.block(value))
        else:
            yield f"{key}: {self.value(value)}"

    def _text(self, text: str, style: str = "") -> str:
        if style == "'" and text.isprintable() and "\n" not in text:
            return "'" + text.replace("'", "''") + "'"
        return text if not style and self._is_plain(text) else write_quoted(text)

    def _is_plain(self, text: str) -> bool:
        if self.only_names:
            return _NAME.fullmatch(text) is not None and text.lower() not in _RESERVED
        return _reads_as_text(text)


STRICT: Final = Yaml(only_names=True)
"""For files that are made anew and for examples."""
SPARING: Final = Yaml()
"""For what is written into a file that somebody else wrote."""
SHOWN: Final = Yaml(fill=False)
"""For a person to read."""


def _reads_as_text(text: str) -> bool:
    if text.lower() in _RESERVED or _NUMBERLIKE.fullmatch(text) or text.endswith(" ") or "  " in text:
        return False
    if not (_PLAIN.fullmatch(text) or _COLON.fullmatch(text)) or text.endswith(":") or " <" in text:
        return False
    try:
        return read_plain(text) == text
    except ValueError:
        return False


def write_trigger(text: str) -> str:
    """Write a trigger bare where YAML allows it, since that is how it reads best."""
    is_plain = _PLAIN_TRIGGER.fullmatch(text) and text.isprintable() and not text.endswith(" ")
    return text if is_plain and text.lower() not in _RESERVED else STRICT.scalar(text)


def write_quoted(text: str) -> str:
    """Write a text in double quotes."""
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
