"""The kinds of values that a proof tells apart, as bits of an integer, and how a reader names them.

Finer than JSON's types where the runtime decides by more: an empty text is removed, `blank` passes over 0 and false.
"""

from typing import Final

from connector.errors import listed
from connector.values import MISSING, Value

NOTHING: Final = 1  # missing, which is not null
NULL: Final = 2
EMPTY: Final = 4  # the text ""
TEXT: Final = 8  # any other
FALSE: Final = 16
TRUE: Final = 32
ZERO: Final = 64
NUMBER: Final = 128  # any but 0
LIST: Final = 256
OBJECT: Final = 512

ABSENT: Final = NOTHING | NULL
BOOLEAN: Final = FALSE | TRUE
PRESENT: Final = EMPTY | TEXT | BOOLEAN | ZERO | NUMBER | LIST | OBJECT
ALL: Final = ABSENT | PRESENT
BITS: Final = tuple(1 << at for at in range(10))
SAMPLES: Final[dict[int, Value]] = {
    NOTHING: MISSING,
    NULL: None,
    EMPTY: "",
    TEXT: "text",
    FALSE: False,
    TRUE: True,
    ZERO: 0,
    NUMBER: 7,
    LIST: [],
    OBJECT: {},
}
ONE_VALUE: Final = NOTHING | NULL | EMPTY | BOOLEAN | ZERO  # kinds whose sample is all that they hold

_WORDS: Final = (
    (NOTHING, "missing"),
    (NULL, "null"),
    (EMPTY | TEXT, "a text"),
    (EMPTY, "empty"),
    (TEXT, "a text"),
    (BOOLEAN, "true or false"),
    (FALSE, "false"),
    (TRUE, "true"),
    (ZERO | NUMBER, "a number"),
    (ZERO, "0"),
    (NUMBER, "a number"),
    (LIST, "a list"),
    (OBJECT, "an object"),
)
_TYPES: Final = (
    (OBJECT, "object"),
    (LIST, "array"),
    (EMPTY | TEXT, "string"),
    (ZERO | NUMBER, "number"),
    (BOOLEAN, "boolean"),
    (NULL, "null"),
)


def kind_of(value: object) -> int:
    """Give the kind of a value."""
    match value:
        case bool():
            return TRUE if value else FALSE
        case str():
            return TEXT if value else EMPTY
        case int() | float():
            return NUMBER if value else ZERO
        case list():
            return LIST
        case dict():
            return OBJECT
        case None:
            return NULL
        case _:
            return NOTHING


def type_names(kinds: int) -> tuple[str, ...]:
    """Name the JSON types among the kinds."""
    return tuple(name for kind, name in _TYPES if kinds & kind)


def words(kinds: int) -> str:
    """Name kinds as a sentence does: `missing or null`, `a text, a number or an object`."""
    return listed(word_list(kinds), "or")


def word_list(kinds: int) -> list[str]:
    """Name kinds one by one."""
    found: list[str] = []
    for kind, word in _WORDS:
        if kinds & kind == kind:
            found.append(word)
            kinds &= ~kind
    return found
