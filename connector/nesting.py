"""How deep a JSON text nests, and a text cut at a depth: brackets are counted, nothing is decoded and nothing recurses.

In: bytes, which may be no JSON at all. Out: whether they are too deep, or the text with `null` for what is.
"""

import re
from itertools import accumulate
from typing import Final

_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'  # one without an end goes to the text's, so that no try is repeated
_STRINGS: Final = re.compile(_STRING, re.DOTALL)
_RUNS: Final = re.compile(rb"%s|[{\[]++|[}\]]++" % _STRING, re.DOTALL)
_STEPS: Final = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS: Final = bytes(set(range(256)) - _STEPS.keys())


def is_deeper(raw: bytes, levels: int) -> bool:
    """Whether objects and lists stand in one another more than so many levels deep; a scalar is at level 0."""
    if len(raw) <= 2 * levels or raw.count(b"{") + raw.count(b"[") <= levels:
        return False
    brackets = _STRINGS.sub(b"", raw).translate(None, _NO_BRACKETS)
    return any(depth > levels for depth in accumulate(map(_STEPS.__getitem__, brackets)))


def cut_below(raw: bytes, levels: int) -> bytes:
    """Put `null` for each object and list at a deeper level; one without an end is left out with all that follows."""
    parts: list[bytes] = []
    depth = start = 0
    for run in _RUNS.finditer(raw):
        first, size = run[0][:1], len(run[0])
        if first in (b"{", b"["):
            if depth <= levels < depth + size:
                parts.append(raw[start : run.start() + levels - depth])
            depth += size
        elif first != b'"':
            if depth - size <= levels < depth:
                parts.append(b"null")
                start = run.start() + depth - levels
            depth -= size
    if depth <= levels:
        parts.append(raw[start:])
    return b"".join(parts)
