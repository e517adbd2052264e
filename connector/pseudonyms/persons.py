"""What an event itself says of its person: the words of ids, traits and e-mail addresses.

In: an event. Out: words in lower case. Names of events and pages that hold one of them do not keep it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from connector.pseudonyms.places import IDS, says_who
from connector.values import JSON

_WORDS: Final = re.compile(r"[^\W_]+")
_LEAST_DIGITS: Final = 3  # of a number: shorter ones are in any name


def words_of_person(event: dict[str, JSON]) -> frozenset[str]:
    """List the words that say who the person of an event is."""
    return frozenset(
        word
        for text in _texts(event)
        for word in _WORDS.findall(text.lower())
        if len(word) >= (_LEAST_DIGITS if word.isdecimal() else 2)
    )


def _texts(event: dict[str, JSON]) -> Iterator[str]:
    for name in IDS:
        if isinstance(text := event.get(name), str):
            yield text
    context = event.get("context")
    for traits in (event.get("traits"), context.get("traits") if isinstance(context, dict) else None):
        yield from _within(traits, says_who)
    yield from _within(event.get("properties"), None)


def _within(value: JSON, chooses: Callable[[str], bool] | None) -> Iterator[str]:
    """List the texts inside a value: under keys that `chooses` takes, and elsewhere those with an address."""
    match value:
        case str():
            if chooses is not None or "@" in value:
                yield value
        case list():
            for item in value:
                yield from _within(item, chooses)
        case dict():
            for key, item in value.items():
                yield from _within(item, chooses if chooses is not None and chooses(key) else None)
