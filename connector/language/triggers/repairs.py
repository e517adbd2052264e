"""What is wrong in a trigger together with the edits that would mend it, and the text that they give.

A corrected text is only ever shown when it was read again without a fault.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from connector.errors import Fault

Edit: TypeAlias = tuple[int, int, str]
"""From, to, what shall stand there."""

_ROUNDS: Final = 4  # one edit may uncover the next fault: "x" == event
_LONGEST: Final = 500  # characters of corrected text worth printing


class Finding(msgspec.Struct, frozen=True):
    """A fault, and the edits that mend it; without edits only its help can be given."""

    fault: Fault
    edits: tuple[Edit, ...] = ()


def with_correction(text: str, findings: Sequence[Finding], read: Callable[[str], Sequence[Finding]]) -> list[Fault]:
    """Order the faults by place, and end each help with the whole text corrected, when that can be had.

    `read` gives what is wrong in a text.
    """
    corrected = _corrected(text, findings, read)
    first = {
        (f.fault.code, f.fault.start, f.fault.end): f.fault for f in reversed(findings)
    }  # one of a kind at a place
    faults = sorted(first.values(), key=lambda fault: (fault.start, fault.end))
    if corrected is None:
        return faults
    return [replace(fault, help=f"{fault.help}: {corrected}", instead=corrected) for fault in faults]


def _corrected(text: str, findings: Sequence[Finding], read: Callable[[str], Sequence[Finding]]) -> str | None:
    for _ in range(_ROUNDS):
        if len(text) > _LONGEST or not all(finding.edits for finding in findings):
            return None
        text = edited(text, [edit for finding in findings for edit in finding.edits])
        findings = read(text)
        if not findings:
            return text
    return None


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Apply edits to a text; one that overlaps an earlier one is left out."""
    done = 0
    pieces: list[str] = []
    for start, end, instead in sorted(edits, key=lambda edit: edit[:2]):
        if start >= done:
            pieces += (text[done:start], instead)
            done = end
    return "".join(pieces) + text[done:]
