"""`@liquid`: a template's text to a closure from event to text, and the paths of the event that it reads.

Templates mean what they mean in Segment's runtime (liquidjs 10.27.2, some tags and filters disabled). Loading is
stricter: an unknown filter, which liquidjs skips without a word, and a wrong number of arguments are errors; so are the
present time and chance, for an event gives the same at every replay.
"""

import importlib
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Final

from connector.errors import Fault, LanguageError
from connector.values import Value, type_name, utf16_length

LONGEST: Final = 1_000  # UTF-16 code units, Segment's limit


def compile_liquid(template: str) -> Callable[[Value], str]:
    """Compile a template once; rendering parses nothing and changes no event.

    Raises LanguageError with every fault that is found: too long, a syntax error, a tag or filter that is disabled or
    unknown, wrong arguments; each with its place in the text. The closure raises ResolveError for an event on which a
    filter cannot answer (url_decode of a broken code) or that would make more than a million characters.
    """
    _check_length(template)
    render: Callable[[Value], str] = _engine().compile_template(template).render
    return render


def liquid_reads(template: str) -> frozenset[tuple[str, ...]] | None:
    """Give the paths of the event that a template may read, or None when only an event can tell (`{{ [name] }}`).

    A path ends where a position, a length or another value decides what is read. Raises LanguageError as compiling
    does.
    """
    _check_length(template)
    reads: frozenset[tuple[str, ...]] | None = _engine().compile_template(template).reads
    return reads


def _check_length(template: str) -> None:
    if type_name(template) != "string":
        message = f"a Liquid template is a text, not of type {type_name(template)}"
        raise LanguageError(Fault("liquid_syntax", message, "put it in quotes"))
    length = utf16_length(template)
    if length > LONGEST:
        message = f"a Liquid template has at most {LONGEST:,} characters, this one has {length:,}"
        help = "split it over several fields, or use @if, @case and @replace"
        raise LanguageError(Fault("liquid_too_long", message, help, (), 0, len(template)))


@cache
def _engine() -> ModuleType:
    """Import python-liquid only when a mapping uses @liquid: it takes 100 ms, longer than all the rest of a dry run."""
    return importlib.import_module("connector.language.liquid.engine")
