"""How an editor is shown a value: as YAML in an explanation, as a snippet to insert, and by a title.

In: values as a destination file has them, with shorthands. Out: texts, and what yaml-language-server inserts.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from connector.values import JSON
from connector.yaml_writing import STRICT

Schema: TypeAlias = dict[str, JSON]

_ABBREVIATIONS: Final = frozenset({"api", "id", "url"})
_LONGEST_LINE: Final = 70  # characters of an example before it is broken


def title_of(name: str) -> str:
    """Write a key as a title: `client_id` is `Client ID`."""
    return " ".join(word.upper() if word in _ABBREVIATIONS else word.capitalize() for word in name.split("_"))


def yaml_of(value: JSON) -> str:
    """Write a value, as a destination file has it, as YAML over as many lines as it takes."""
    return "\n".join(_lines(value))


def _lines(value: JSON) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _under(f"{STRICT.pair(key, None).removesuffix(' null')}", item)
    elif isinstance(value, list) and value:
        for item in value:
            first, *rest = _item_lines(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield STRICT.value(value)


def _item_lines(item: JSON) -> list[str]:
    whole = STRICT.value(item)
    return [whole] if len(whole) <= _LONGEST_LINE else list(_lines(item))


def _under(head: str, item: JSON) -> Iterator[str]:
    whole = f"{head} {STRICT.value(item)}"
    if not isinstance(item, dict | list) or not item or len(whole) <= _LONGEST_LINE // 2:
        yield whole
        return
    yield head
    yield from (f"  {line}" for line in _lines(item))


def example_of(value: JSON) -> str:
    """Write a value as a block of Markdown."""
    return f"```yaml\n{yaml_of(value)}\n```"


def snippet_of(value: JSON) -> JSON:
    """Give what yaml-language-server inserts for a value: its keys and texts as YAML writes them."""
    if isinstance(value, dict):
        return {STRICT.scalar(key): snippet_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [snippet_of(item) for item in value]
    return snippet_text(STRICT.scalar(value)) if isinstance(value, str) else value


def snippet_text(text: str) -> str:
    """Write a text into a snippet, which would take some of it for a place to fill in."""
    return text.replace("\\", "\\\\").replace("$", "\\$").replace("}", "\\}")


def filled_with(value: JSON, name: str) -> Schema:
    """Give the keywords by which a key of this name is inserted together with a value."""
    needs_quotes = isinstance(value, str) and STRICT.scalar(value) != value  # which not every server adds
    if needs_quotes or isinstance(value, dict | list):
        return {"defaultSnippets": [{"label": f"{name}: an example", "body": snippet_of(value)}]}
    return {"examples": [value]}
