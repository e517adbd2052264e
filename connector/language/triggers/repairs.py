"""What is wrong in a trigger together with the edits that would mend it, and the text that they give.

A corrected text is only ever shown when it was read again without a fault.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from connector.errors import Fault

Edit: TypeAlias = tuple[int, int, str]
"""From, to, what shall stand there."""

_ROUNDS: Final = 4  # one edit may uncover the next fault: "x" == event
_LONGEST: Final = 500  # characters of corrected text worth printing
_OR: Final = re.compile(r"\bor\b|\|", re.IGNORECASE)
_CHOICES: Final = frozenset(
    {
        "trigger_bare",  # whether it is there, or whether it is true
        "trigger_boolean",  # with or without the events that lack the field
        "trigger_connective",  # and, or or
        "trigger_group",  # where the parenthesis that is missing stands, or whether another is too many
        "trigger_mixed",  # which part belongs to which
        "trigger_null",  # what was asked for: nothing that Segment answers
    }
)
"""Codes of which an edit is one way to mend the fault, and another would take other events."""


class Finding(msgspec.Struct, frozen=True):
    """A fault, and the edits that mend it; without edits only its help can be given."""

    fault: Fault
    edits: tuple[Edit, ...] = ()


def with_correction(text: str, findings: Sequence[Finding], read: Callable[[str], Sequence[Finding]]) -> list[Fault]:
    """Order the faults by place, and end each help with the whole text corrected, when that can be had.

    `read` gives what is wrong in a text.
    """
    corrected, is_choice = _corrected(text, findings, read)
    first = {
        (f.fault.code, f.fault.start, f.fault.end): f.fault for f in reversed(findings)
    }  # one of a kind at a place
    faults = sorted(first.values(), key=lambda fault: (fault.start, fault.end))
    if corrected is None:
        return faults
    return [replace(fault, help=f"{fault.help}: {corrected}", instead=corrected, choice=is_choice) for fault in faults]


def _corrected(
    text: str, findings: Sequence[Finding], read: Callable[[str], Sequence[Finding]]
) -> tuple[str | None, bool]:
    """Give the text with all faults mended, if it can be had, and whether that takes a decision."""
    is_choice = False
    for _ in range(_ROUNDS):
        if len(text) > _LONGEST or not all(finding.edits for finding in findings):
            break
        is_choice = is_choice or any(finding.fault.code in _CHOICES for finding in findings)
        text = edited(text, [edit for finding in findings for edit in finding.edits])
        findings = read(text)
        if not findings:
            return text, is_choice
    return None, False


def grouped(instead: str, start: int, end: int, text: str) -> str:
    """Put clauses that stand in place of a part of a trigger in parentheses, where nothing holds them together yet."""
    before, behind = text[:start].rstrip(), text[end:].lstrip()
    is_held = (not before and not behind) or (before.endswith("(") and behind.startswith(")"))
    return instead if is_held else f"({instead})"


def none_of(source: str, items: Sequence[str], start: int, end: int, text: str) -> str:
    """Spell that a field is none of a list's items, clause by clause: Segment's own parser passes over `!`."""
    joined = " and ".join(f"{source} != {item}" for item in items)
    return grouped(joined, start, end, text) if len(items) > 1 and _OR.search(text) else joined


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Apply edits to a text; one that overlaps an earlier one is left out."""
    done = 0
    pieces: list[str] = []
    for start, end, instead in sorted(edits, key=lambda edit: edit[:2]):
        if start >= done:
            pieces += (text[done:start], instead)
            done = end
    return "".join(pieces) + text[done:]
