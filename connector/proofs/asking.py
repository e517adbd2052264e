"""What a trigger has to ask for so that a field is there: as a clause, as words, and as a fix of the file.

In: a mapping and the ways in which something is missing. Out: nothing where a clause cannot say it.
"""

import re
from collections.abc import Sequence
from typing import Final

from connector.errors import Edit, Fix, LanguageError
from connector.language.triggers import Or, parse_trigger
from connector.lints.event_paths import leads_nowhere
from connector.mappings import Mapping
from connector.proofs.kinds import ABSENT, EMPTY
from connector.proofs.rows import When

_KEY: Final = re.compile(r"[A-Za-z_]\w*")


def missing_clause(mapping: Mapping, missing: Sequence[When]) -> str:
    """Write what a trigger has to ask for so that a field is there; nothing where that cannot be said in a clause."""
    if len(missing) != 1 or missing[0].vague or missing[0].types is not None:
        return ""
    given = [(keys, kinds) for keys, kinds in missing[0].conditions if not leads_nowhere(mapping, keys)]
    if not given or any(kinds & ~(ABSENT | EMPTY) or not all(map(_KEY.fullmatch, keys)) for keys, kinds in given):
        return ""
    clause = " or ".join(f"{'.'.join(keys)} != null" for keys, _ in given)
    try:
        parse_trigger(clause)
    except LanguageError:
        return ""
    return f"({clause})" if len(given) > 1 else clause


def clause_words(clause: str) -> str:
    """Say in a help what to do to the trigger."""
    return f"add `and {clause}` to the trigger" if clause else "let the trigger ask for it"


def clause_fix(mapping: Mapping, clause: str) -> Fix | None:
    """Extend the trigger, where it stands in the file as it reads, and in no preset."""
    part = mapping.draft.parts["trigger"]
    document, text = part.document, mapping.trigger_text
    if not clause or part.is_filled or document is not mapping.draft.part.document:
        return None
    start, end = document.span(part.path, 0, len(text))
    if document.source.text[start:end] != text:
        return None
    is_or = isinstance(mapping.trigger, Or)
    edits = (Edit(document.file, start, start, "("),) if is_or else ()
    more = f"{')' if is_or else ''} and {clause}"
    try:
        parse_trigger(f"{'(' if is_or else ''}{text}{more}")
    except LanguageError:
        return None
    return Fix(f"add `and {clause}` to the trigger", (*edits, Edit(document.file, end, end, more)), safe=False)


def all_lead_nowhere(mapping: Mapping, whens: Sequence[When]) -> bool:
    """Say whether each of several ways hangs only on paths that the lints tell of."""
    return bool(whens) and all(
        bool(when.conditions) and all(leads_nowhere(mapping, keys) for keys, _ in when.conditions) for when in whens
    )
