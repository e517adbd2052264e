"""Values to the YAML of a destination file, on one line: bare where that reads best, else in flow style.

In: values as JSON has them. Out: text that a destination file reads as the same values. Nothing is wrapped or indented.
"""

import json
import re
from typing import Final

from connector.errors import LanguageError
from connector.language.paths import parse_path
from connector.values import JSON

_PLAIN: Final = re.compile(r"[A-Za-z$_][A-Za-z0-9_$.]*(?: [A-Za-z0-9_$.()]+)*")
_PLAIN_TRIGGER: Final = re.compile(r"[A-Za-z(][^#:{}\[\]&*!|>%@`]*")
_RESERVED: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
# What JSON writes as it is, and no YAML file may hold.
UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# `${` starts a variable in a destination file, but not before a third brace and not inside {{...}} or {%...%}.
_VARIABLE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|(?P<start>\$\{(?!\{))", re.DOTALL)
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


def write_trigger(text: str) -> str:
    """Write a trigger bare where YAML allows it, since that is how it reads best."""
    is_plain = _PLAIN_TRIGGER.fullmatch(text) and text.isprintable() and not text.endswith(" ")
    return text if is_plain and text.lower() not in _RESERVED else write_scalar(text)


def write_pair(key: str, value: JSON) -> str:
    """Write a key and its value."""
    written = key if _is_plain(key) else write_quoted(key)
    return f"{'? ' if len(written) > _LONGEST_KEY else ''}{written}: {write_value(value)}"


def write_value(value: JSON) -> str:
    """Write a value on one line: plain scalars bare, everything else as YAML's flow style, which JSON is."""
    if isinstance(value, dict):
        return "{" + ", ".join(write_pair(key, item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_value, value)) + "]"
    return write_scalar(value)


def write_scalar(value: str | int | float | bool | None) -> str:
    """Write a text, number, boolean or null; a `${` in a text is escaped, so that it is no variable."""
    if not isinstance(value, str):
        return json.dumps(value)
    return value if _is_plain(value) else write_quoted(_without_variables(value))


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _RESERVED


def write_quoted(text: str) -> str:
    """Write a text in double quotes."""
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _without_variables(text: str) -> str:
    """Escape every `${` of a text that a destination file would take for a variable."""
    return _VARIABLE.sub(lambda found: f"${found[0]}" if found["start"] else found[0], text)
