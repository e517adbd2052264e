"""Values and events with pseudonyms in place of all that could name a person.

In: JSON values with the path at which they stand in an event, a key, and the rules of a destination. Out: values of
the same build: objects keep their keys, texts their shape, numbers their digits' count. No state but a cache.
"""

import re
from collections import Counter
from typing import Final

from connector.errors import Path
from connector.nesting import is_deeper
from connector.pseudonyms.alphabets import Words
from connector.pseudonyms.dates import moved_number, moved_text
from connector.pseudonyms.permutations import Permutations
from connector.pseudonyms.places import DROPPED, NAMED, TIMES, Keys, is_moment, is_quantity, place_of, treatment_of
from connector.pseudonyms.rules import NO_RULES, Rule, Rules
from connector.pseudonyms.texts import Texts, Treatment, looks_like_data
from connector.values import JSON, dump_json, load_json, number_text

_REMEMBERED: Final = 50_000  # pseudonyms of texts that are kept: most texts of a recording come again
_NAMED: Final = frozenset(NAMED)
_LONGEST_KEPT: Final = 300  # characters of a text whose pseudonym is remembered
_WALKS: Final = 64  # pseudonyms that are tried until one is judged as the original is
_DEEPEST: Final = 50  # levels of JSON inside a text
_LONGEST_EPOCH: Final = 16  # digits of a time as a number
_NUMERAL: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(.*)", re.DOTALL)


class Pseudonyms:
    """Pseudonyms under one key: the same value gets the same one, in every event and wherever it stands in a text.

    Without `rules` a destination may judge a pseudonym otherwise than its original. `kept` counts by rule what stayed
    because a mapping compares it. An event's own times stay, or move by `shift_time` seconds.
    """

    def __init__(self, key: bytes, rules: Rules = NO_RULES, *, shift_time: float = 0.0) -> None:
        permutations = Permutations(key)
        self._texts = Texts(permutations)
        self._words = Words(permutations)
        self._rules = rules
        self._shift_time = shift_time
        self._known: dict[tuple[str, Treatment, int], str] = {}
        self.kept = Counter[Rule]()

    def event(self, event: dict[str, JSON], *, redrawn: "dict[Path, int] | None" = None) -> dict[str, JSON]:
        """Give an event with pseudonyms. `redrawn` says of paths how many other draws of their values to pass over."""
        made = self._object(event, (), redrawn or {})
        assert isinstance(made, dict)
        return made

    def value(self, value: JSON, path: Path = ()) -> JSON:
        """Give the pseudonym of the value that stands at a path of an event; without one nothing is known of it."""
        return self._value(value, path, {})

    def text(self, text: str) -> str:
        """Give the pseudonym of a text of which nothing is known but itself."""
        return self._text(text, "plain", 0)

    # ------------------------------------------------------------------------------------------------------ values

    def _value(self, value: JSON, path: Path, redrawn: dict[Path, int]) -> JSON:
        match value:
            case None | bool():
                return value
            case str():
                keys = _keys(path)
                place = place_of(keys)
                if place == "kept":
                    return self._time(value) if keys[0] in TIMES else value
                return self._text(value, treatment_of(place), redrawn.get(path, 0))
            case int() | float():
                keys = _keys(path)
                if keys and len(keys) == 1 and keys[0] in TIMES:
                    return self._time(value)
                return self._number(value, keys, redrawn.get(path, 0))
            case list():
                return [self._value(item, (*path, at), redrawn) for at, item in enumerate(value)]
            case _:
                return self._object(value, path, redrawn)

    def _time(self, value: str | float) -> JSON:
        """Leave an event's own time, or move it with all others. A text that is no time says too much to be left."""
        if not isinstance(value, str):
            return moved_number(value, self._shift_time) or value
        if value.isdecimal() and value.isascii() and len(value) <= _LONGEST_EPOCH:
            return str(moved_number(int(value), self._shift_time) or value)
        moved = moved_text(value, self._shift_time)
        return self._text(value, "label", 0) if moved is None else moved

    def _object(self, value: dict[str, JSON], path: Path, redrawn: dict[Path, int]) -> JSON:
        made: dict[str, JSON] = {}
        for key, inner in value.items():
            if not path and key in DROPPED:
                continue
            name = self._key(key, path)
            while name in made:
                name += "x"
            made[name] = self._value(inner, (*path, key), redrawn)
        return made

    def _key(self, key: str, path: Path) -> str:
        if key in self._rules.keys or not looks_like_data(key) or not _NAMED.isdisjoint(path[:2]):
            return key
        return self._text(key, "plain", 0)

    # ------------------------------------------------------------------------------------------------------- texts

    def _text(self, text: str, treatment: Treatment, draw: int) -> str:
        known = self._known.get((text, treatment, draw))
        if known is None:
            known = self._find(text, treatment, draw)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            if len(text) <= _LONGEST_KEPT:
                self._known[text, treatment, draw] = known
        return known

    def _find(self, text: str, treatment: Treatment, draw: int) -> str:
        rule = self._rules.texts.get(text.lower())
        if rule is not None:
            self.kept[rule] += self._plain(text, treatment) != text
            return text
        made = self._walk(text, text, treatment, draw)
        return self._keep_pieces(text, treatment, draw) if made is None else made

    def _walk(self, original: str, text: str, treatment: Treatment, draw: int) -> str | None:
        """Go from pseudonym to pseudonym until one is judged as the original is: no two originals come to the same."""
        seen = self._judged(original)
        made = text
        for _ in range(_WALKS):
            made = self._plain(made, treatment)
            if made.lower() not in self._rules.texts and self._judged(made) == seen:
                if not draw:
                    return made
                draw -= 1
            if made == text:
                break
        return None

    def _judged(self, text: str) -> list[object]:
        return [test.holds(text) for test in self._rules.tests]

    def _keep_pieces(self, text: str, treatment: Treatment, draw: int) -> str:
        """Keep the parts of a text that a mapping looks for, and give pseudonyms to what stands between them."""
        found = [test for test in self._rules.tests if any(piece in text for piece in test.pieces)]
        pieces = sorted({piece for test in found for piece in test.pieces if piece in text}, key=len, reverse=True)
        if not pieces:
            return self._plain(text, treatment)
        parts = re.split("(" + "|".join(map(re.escape, pieces)) + ")", text)
        seen = self._judged(text)
        made = text
        for _ in range(_WALKS):
            parts = [part if at % 2 else self._plain(part, treatment) for at, part in enumerate(parts)]
            made = "".join(parts)
            if self._judged(made) == seen:
                if not draw:
                    break
                draw -= 1
        for test in found:
            self.kept[test.rule] += 1
        return made

    def _plain(self, text: str, treatment: Treatment) -> str:
        if text[:1] in ("{", "[") and (inside := _json_of(text)) is not None:
            return _json_like(text, self._value(inside, (), {}))
        return self._texts.text(text, treatment)

    # ----------------------------------------------------------------------------------------------------- numbers

    def _number(self, number: float, keys: Keys, draw: int) -> JSON:
        if number in (0, 1) or is_quantity(keys):
            return number
        if is_moment(keys):
            moment = moved_number(number, self._texts.shift)
            if moment is not None:
                return moment
        seen = [test.holds(number) for test in self._rules.numbers]
        made = number
        for _ in range(_WALKS):
            made = self._digits(made)
            if [test.holds(made) for test in self._rules.numbers] == seen:
                if not draw:
                    return made
                draw -= 1
            if made == number:
                break
        for test in self._rules.numbers:
            if test.rule.literal == number:
                self.kept[test.rule] += 1
        return number if any(test.rule.literal == number for test in self._rules.numbers) else self._digits(number)

    def _digits(self, number: float) -> float:
        found = _NUMERAL.fullmatch(number_text(number) if isinstance(number, int) else repr(number))
        assert found is not None
        sign, whole, fraction, rest = found.groups()
        text = sign + self._words.digits(whole)
        if isinstance(number, int):
            return int(text)
        decimals = f".{self._words.digits(fraction, last=True)}" if fraction else ""
        return float(f"{text}{decimals}{rest}")


def _keys(path: Path) -> Keys:
    """Give the keys of a path; positions in a list are none, however they are written."""
    return tuple(key for key in path if isinstance(key, str) and not key.isdecimal())


def _json_of(text: str) -> JSON:
    """Read a text that is an object or a list in JSON; one that nests deeply is taken for words."""
    if is_deeper(text.encode("utf-8", "surrogatepass"), _DEEPEST):
        return None
    try:
        found = load_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


def _json_like(text: str, value: JSON) -> str:
    """Print a value as the text that it came from was printed: with spaces or without."""
    return dump_json(value).decode() if '": ' not in text and ", " not in text else _spaced(value)


def _spaced(value: JSON) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_spaced(key)}: {_spaced(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_spaced, value)) + "]"
        case _:
            return dump_json(value).decode()
