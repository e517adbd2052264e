"""What stands for texts in values: `${NAME}` for the value of a variable, `[redacted]` for what nobody may see.

A cover mirrors the value that it is for, key by key, so that what a path has read is never taken for a variable,
however alike they look. In: values. Out: values as they may be printed. Where covers come from: variable_covers.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Mappings
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from connector.errors import Path
from connector.values import JSON, MISSING, Value, number_text

SHORTEST: Final = 6  # characters of a text that is hidden wherever it stands; a shorter one only where it is the whole
_NOTHING: Final[Mappings[str, str]] = MappingProxyType({})
_NO_KEYS: Final[Mappings[str, "Cover"]] = MappingProxyType({})


class Cover(msgspec.Struct, frozen=True):
    """What stands for texts in a value: `texts` wherever they stand, `whole` where one is all of a value.

    `keys` are covers of single keys of an object; the texts of the object's own cover count below them too.
    """

    texts: Mappings[str, str] = _NOTHING
    whole: Mappings[str, str] = _NOTHING
    keys: Mappings[str, "Cover"] = _NO_KEYS

    def __repr__(self) -> str:
        return f"Cover(…, {tuple(self.keys)})"

    def __bool__(self) -> bool:
        return bool(self.texts or self.whole or any(self.keys.values()))

    def below(self, *path: str | int) -> "Cover":
        """Give the cover of a part of the value; all items of a list have that of the list."""
        cover = self
        for key in path:
            if isinstance(key, str):
                cover = Cover(cover.texts, cover.whole).joined(cover.keys.get(key, NO_COVER))
        return cover

    def joined(self, other: "Cover") -> "Cover":
        """Give a cover of what both cover."""
        if not (self and other):
            return self or other
        names = [*self.keys, *(key for key in other.keys if key not in self.keys)]
        keys = {key: self.keys.get(key, NO_COVER).joined(other.keys.get(key, NO_COVER)) for key in names}
        return Cover({**self.texts, **other.texts}, {**self.whole, **other.whole}, keys)

    def flat(self) -> "Cover":
        """Give a cover of the same texts, wherever in a value they are."""
        return joined([Cover(self.texts, self.whole), *(inner.flat() for inner in self.keys.values())])

    def adding(self, path: Path, texts: Mappings[str, str]) -> "Cover":
        """Give a cover that covers more texts at a path."""
        names = [key for key in path if isinstance(key, str)]
        more = cover_of(texts)
        for name in reversed(names):
            more = Cover(keys={name: more})
        return self.joined(more)

    def text(self, text: str) -> str:
        """Put what is shown for the texts that stand in another one."""
        if text in self.whole:
            return self.whole[text]
        if not self.texts or text in self.texts:
            return self.texts.get(text, text)
        return self._pattern().sub(lambda found: self.texts[found[0]], text)

    def value(self, value: JSON) -> JSON:
        """Do so in a value; a number or boolean counts where the whole of it is such a text."""
        match value:
            case dict():
                return {key: self.below(key).value(item) for key, item in value.items()}
            case list():
                return [self.value(item) for item in value]
            case str():
                return self.text(value)
            case bool() | int() | float():
                (text,) = scalars(value)
                return self.whole.get(text, self.texts.get(text, value))
            case _:
                return value

    def url(self, url: str) -> str:
        """Put what is shown for the texts that are segments of a URL."""
        segments = url.split("/")
        shown = [self.text(unquote(segment)) for segment in segments]
        return "/".join(
            one if other == unquote(one) else quote(other, safe="${}[]")
            for one, other in zip(segments, shown, strict=True)
        )

    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.texts, key=len, reverse=True)
        return re.compile("|".join(map(_anywhere, longest_first)))


NO_COVER: Final = Cover()


def joined(covers: Iterable[Cover]) -> Cover:
    """Give a cover of what any of these cover."""
    found = NO_COVER
    for cover in covers:
        found = found.joined(cover)
    return found


def cover_of(texts: Mappings[str, str]) -> Cover:
    """Cover texts where they are the whole of a value, and long ones wherever they stand."""
    return Cover({text: shown for text, shown in texts.items() if len(text) >= SHORTEST}, texts)


def has_word(text: str, word: str) -> bool:
    """Say whether a text holds another one, not as a part of a longer word."""
    return word in text and _as_word(word).search(text) is not None


def named(text: str, word: str, name: str) -> str:
    """Put a variable's name where its value stands in a text, but where it is a part of a longer word."""
    return _as_word(word).sub(lambda _: f"${{{name}}}", text) if word in text else text


def _as_word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def _anywhere(text: str) -> str:
    return re.escape(text) if len(text) >= SHORTEST else _as_word(text).pattern


def cover_new(value: JSON, given: JSON, cover: Cover) -> JSON:
    """Cover what of a value is not the same in another one, which stands in a file already."""
    if not cover or value == given:
        return value
    if isinstance(value, dict):
        old = given if isinstance(given, dict) else {}
        return {key: cover_new(item, old.get(key), cover.below(key)) for key, item in value.items()}
    if isinstance(value, list):
        before = given if isinstance(given, list) else []
        return [item if item in before else cover.value(item) for item in value]
    return cover.value(value)


def plain_value(value: Value) -> JSON:
    """Give a value of JSON: inside objects what is missing is left out, in lists it is null."""
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items() if item is not MISSING}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    return None if value is MISSING else value


def scalars(value: Value) -> Iterator[str]:
    """Give what stands in a value that was made of another, as texts; but for a boolean beside other values."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from () if isinstance(item, bool) else scalars(item)
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, int | float):
        yield number_text(value)
    elif isinstance(value, str) and value:
        yield value
