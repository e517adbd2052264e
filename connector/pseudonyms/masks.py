"""Values and events with pseudonyms in place of all that could name a person.

In: JSON values with the path at which they stand in an event, a key, and the rules of a destination. Out: values of
the same build: objects keep their keys, texts their shape, numbers their digits' count. No state but a cache.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from connector.errors import Path
from connector.nesting import is_deeper
from connector.pseudonyms.alphabets import Words
from connector.pseudonyms.dates import moved_number, moved_text
from connector.pseudonyms.permutations import Permutations
from connector.pseudonyms.persons import words_of_person
from connector.pseudonyms.places import DROPPED, NAMED, TIMES, Keys, is_moment, is_quantity, place_of, treatment_of
from connector.pseudonyms.rules import NO_RULES, Rule, Rules
from connector.pseudonyms.staying import NOBODY, Treatment
from connector.pseudonyms.texts import Texts, is_address_or_id, looks_like_data
from connector.pseudonyms.vocabulary import CONSTANTS, WORDS
from connector.values import JSON, dump_json, load_json, number_text

_REMEMBERED: Final = 50_000  # pseudonyms of texts that are kept: most texts of a recording come again
_NAMED: Final = frozenset(NAMED)
_LONGEST_KEPT: Final = 300  # characters of a text whose pseudonym is remembered
_WALKS: Final = 64  # pseudonyms that are tried until one is judged as the original is
_DEEPEST: Final = 50  # levels of JSON inside a text
_LONGEST_EPOCH: Final = 16  # digits of a time as a number
_MOST_NAMES: Final = 1_000  # of names at one place that are told apart
_MANY_KEYS: Final = 30  # of one place: they may be values
_LEAST_ENTRIES: Final = 3  # of an object, all alike, whose keys are taken for values
_is_flag: Final = re.compile(r"[01](?:\.0+)?").fullmatch
_is_numeral: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?").fullmatch
_word: Final = re.compile(r"[^\W_]+")
_digit: Final = re.compile(r"[0-9]").search
_CHANGING: Final = frozenset[Treatment]({"plain", "words", "all"})
_NUMERAL: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(.*)", re.DOTALL)


class _About(msgspec.Struct, frozen=True):
    """What is known of the event whose values get pseudonyms: `own` are words that say who its person is."""

    redrawn: Mapping[Path, int] = {}
    own: frozenset[str] = NOBODY


_NOTHING: Final = _About()


class Pseudonyms:
    """Pseudonyms under one key: the same value gets the same one, in every event and wherever it stands in a text.

    Without `rules` a destination may judge a pseudonym otherwise than its original. `kept` counts by rule what stayed
    because a mapping compares it. An event's own times stay, or move by `shift_time` seconds.
    """

    def __init__(self, key: bytes, rules: Rules = NO_RULES, *, shift_time: float = 0.0) -> None:
        self._permutations = Permutations(key)
        self._texts = Texts(self._permutations)
        self._again = Texts(self._permutations, moves_hosts=False)
        self._words = Words(self._permutations)
        self._rules = rules
        self._shift_time = shift_time
        self._known: dict[tuple[str, Treatment, int], str] = {}
        self._around_pieces: dict[tuple[str, ...], tuple[Texts, Texts]] = {}
        self.kept = Counter[Rule]()
        self._names: dict[Keys, set[str]] = {}
        self._same: dict[Keys, set[str]] = {}

    def event(self, event: dict[str, JSON], *, redrawn: "dict[Path, int] | None" = None) -> dict[str, JSON]:
        """Give an event with pseudonyms. `redrawn` says of paths how many other draws of their values to pass over."""
        made = self._object(event, (), (), _About(redrawn or {}, words_of_person(event)))
        assert isinstance(made, dict)
        return made

    def value(self, value: JSON, path: Path = (), *, own: frozenset[str] = NOBODY) -> JSON:
        """Give the pseudonym of the value that stands at a path of an event; `own` are the words of its person."""
        return self._value(value, path, _keys(path), _About(own=own))

    def text(self, text: str) -> str:
        """Give the pseudonym of a text of which nothing is known but itself."""
        return self._text(text, "plain", 0)

    # ------------------------------------------------------------------------------------------------------ values

    def _value(self, value: JSON, path: Path, keys: Keys, about: _About) -> JSON:
        match value:
            case None | bool():
                return value
            case str():
                return self._text_at(value, path, keys, about)
            case int() | float():
                if len(keys) == 1 and keys[0] in TIMES:
                    return self._time(value)
                return self._number(value, keys, about.redrawn.get(path, 0))
            case list():
                return [self._value(item, (*path, at), keys, about) for at, item in enumerate(value)]
            case _:
                return self._object(value, path, keys, about)

    def _text_at(self, text: str, path: Path, keys: Keys, about: _About) -> str:
        place = place_of(keys)
        if place == "kept":
            return str(self._time(text)) if keys[0] in TIMES else text
        if place == "plain" and is_quantity(keys) and _is_numeral(text):
            return text  # as the number stays
        treatment, draw = treatment_of(place), about.redrawn.get(path, 0)
        if place == "name" or (place == "words" and about.own):
            own = about.own.intersection(_words_in(text))
            made = self._find(text, treatment, draw, own) if own else self._text(text, treatment, draw)
            if place == "name" and made == text:
                _note(self._names, keys, text)
            return made
        made = self._text(text, treatment, draw)
        if made == text and treatment in _CHANGING and self._is_unmeant(text):
            _note(self._same, keys, text)
        return made

    def _is_unmeant(self, text: str) -> bool:
        """Whether nothing asks for a text to stay as it is: it has digits, and no mapping compares it."""
        lower = text.lower()
        if not _digit(text) or _is_flag(text) or lower in CONSTANTS or lower in self._rules.texts:
            return False
        return not any(piece.lower() in lower for test in self._rules.tests for piece in test.pieces)

    def names(self) -> dict[str, int]:
        """Say of places how many different names stayed there, and of objects with many keys how many of them did."""
        return {
            ".".join(keys): len(found)
            for keys, found in self._names.items()
            if (keys[-1] != "*" or len(found) >= _MANY_KEYS) and self._is_shown(keys)
        }

    def unchanged(self) -> dict[str, int]:
        """Say of places how many different texts with digits have no other there, though nothing asks for them.

        A place whose keys may be values is told by its first key alone.
        """
        told = Counter[str]()
        for keys, found in self._same.items():
            told[".".join(keys if self._is_shown(keys) else keys[:1])] += len(found)
        return dict(told)

    def _is_shown(self, keys: Keys) -> bool:
        """Whether no key on the way to a place is a value."""
        return all(key in self._names.get((*keys[:at], "*"), ()) for at, key in enumerate(keys) if key != "*")

    def _time(self, value: str | float) -> JSON:
        """Leave an event's own time, or move it with all others. A text that is no time says too much to be left."""
        if not isinstance(value, str):
            moved = moved_number(value, self._shift_time)
            return self._number(value, (), 0) if moved is None else moved
        if value.isdecimal() and value.isascii() and len(value) <= _LONGEST_EPOCH:
            moved = moved_number(int(value), self._shift_time)
            return self._text(value, "plain", 0) if moved is None else str(moved)
        moment = moved_text(value, self._shift_time)
        return self._text(value, "plain", 0) if moment is None else moment

    def _object(self, value: dict[str, JSON], path: Path, keys: Keys, about: _About) -> JSON:
        made: dict[str, JSON] = {}
        is_map = bool(path) and _is_map(value)
        place = (*keys, "*")
        known = () if is_map else self._names.get(place, ())
        for key, inner in value.items():
            if not path and key in DROPPED:
                continue
            name = key if key in known else self._key(key, place, is_map)
            while name in made:
                name += "x"
            made[name] = self._value(inner, (*path, key), keys if key.isdecimal() else (*keys, key), about)
        return made

    def _key(self, key: str, place: Keys, is_map: bool) -> str:
        """Give what a key becomes; one that stays is remembered by its place."""
        is_named = not _NAMED.isdisjoint(place[:2])
        is_data = is_address_or_id(key) if is_named else is_map or looks_like_data(key)
        if is_data and key not in self._rules.keys:
            return self._text(key, "plain", 0)
        _note(self._names, place, key)
        return key

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

    def _find(self, text: str, treatment: Treatment, draw: int, own: frozenset[str] = NOBODY) -> str:
        rule = self._rules.texts.get(text.lower())
        if rule is not None:
            self.kept[rule] += self._plain(text, treatment) != text
            return text
        if _is_flag(text):
            return text  # as the number stays
        if len(text) == 1 and text.isdecimal() and text.isascii():
            return str(self._number(int(text), (), draw))
        seen = self._judged(text)
        made = self._chosen(self._walk(text, treatment, own), seen, draw)
        return self._keep_pieces(text, treatment, draw, seen) if made is None else made

    def _walk(self, text: str, treatment: Treatment, own: frozenset[str]) -> Iterator[str]:
        """Go from pseudonym to pseudonym: no two originals come to the same. First hosts stay what they became."""
        first = made = self._plain(text, treatment, own)
        yield made
        for texts in (self._again, self._texts):
            made = first
            for _ in range(_WALKS):
                before, made = made, self._plain(made, treatment, own, texts)
                if made in (text, before):
                    break
                yield made

    def _chosen(self, candidates: Iterator[str], seen: list[object], draw: int) -> str | None:
        """Choose the first that is judged as the original is, or a later one."""
        for made in candidates:
            if made.lower() not in self._rules.texts and self._judged(made) == seen:
                if not draw:
                    return made
                draw -= 1
        return None

    def _judged(self, text: str) -> list[object]:
        return [test.holds(text) for test in self._rules.tests]

    def _keep_pieces(self, text: str, treatment: Treatment, draw: int, seen: list[object]) -> str:
        """Keep the parts of a text that a mapping looks for, and give pseudonyms to what stands around them."""
        lower = text.lower()
        found = [test for test in self._rules.tests if any(piece.lower() in lower for piece in test.pieces)]
        pieces = tuple(sorted({piece for test in found for part in test.pieces for piece in _as_written(part, text)}))
        if not pieces:
            return self._plain(text, treatment)
        for test in found:
            self.kept[test.rule] += 1
        made = self._chosen(self._around(text, treatment, pieces), seen, draw)
        return self._pieced(pieces)[0].text(text, treatment) if made is None else made

    def _around(self, text: str, treatment: Treatment, pieces: tuple[str, ...]) -> Iterator[str]:
        for texts in self._pieced(pieces):
            made = text
            for _ in range(_WALKS):
                made = texts.text(made, treatment)
                yield made
        parts = re.split("(" + "|".join(map(re.escape, sorted(pieces, key=len, reverse=True))) + ")", text)
        for _ in range(_WALKS):  # a piece may lie across an address and what is beside it: all between is text then
            parts = [part if at % 2 else self._plain(part, treatment) for at, part in enumerate(parts)]
            yield "".join(parts)

    def _pieced(self, pieces: tuple[str, ...]) -> tuple[Texts, Texts]:
        """Give what leaves pieces as they are: first so that hosts belong to nobody, then as they must be."""
        made = self._around_pieces.get(pieces)
        if made is None:
            made = (Texts(self._permutations, pieces=pieces), Texts(self._permutations, pieces=pieces, bare=True))
            self._around_pieces[pieces] = made
        return made

    def _plain(self, text: str, treatment: Treatment, own: frozenset[str] = NOBODY, texts: Texts | None = None) -> str:
        if text[:1] in ("{", "[") and (inside := _json_of(text)) is not None:
            return _json_like(text, self._value(inside, (), (), _NOTHING))
        return (texts or self._texts).text(text, treatment, own)

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
        if isinstance(number, int) and 1 < number < 10:
            return int(self._words.lone_digit(str(number)))
        found = _NUMERAL.fullmatch(number_text(number) if isinstance(number, int) else repr(number))
        assert found is not None
        sign, whole, fraction, rest = found.groups()
        text = sign + self._words.digits(whole)
        if isinstance(number, int):
            return int(text)
        decimals = f".{self._words.digits(fraction, last=True)}" if fraction else ""
        return float(f"{text}{decimals}{rest}")


def _note(noted: dict[Keys, set[str]], keys: Keys, text: str) -> None:
    """Remember a text that stays at a place; of places and texts some are enough."""
    texts = noted.get(keys)
    if texts is None and len(noted) < _MOST_NAMES:
        texts = noted[keys] = set()
    if texts is not None and len(texts) < _MOST_NAMES:
        texts.add(text)


def _keys(path: Path) -> Keys:
    """Give the keys of a path; positions in a list are none, however they are written."""
    return tuple(key for key in path if isinstance(key, str) and not key.isdecimal())


@lru_cache(maxsize=8192)
def _words_in(text: str) -> tuple[str, ...]:
    return tuple(_word.findall(text.lower()))


def _as_written(piece: str, text: str) -> list[str]:
    """List a piece of a text as it stands there, since case may count or not."""
    return re.findall(re.escape(piece), text, re.IGNORECASE)


def _is_map(value: dict[str, JSON]) -> bool:
    """Whether an object's keys are values: there are several, all lead to objects of the same build, and one is no
    word that fields are named with."""
    if len(value) < _LEAST_ENTRIES:
        return False
    inner = [frozenset(item) for item in value.values() if isinstance(item, dict)]
    if len(inner) < len(value) or not inner[0] or len(set(inner)) > 1:
        return False
    return not all(word in WORDS for key in value for word in _words_in(key))


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
