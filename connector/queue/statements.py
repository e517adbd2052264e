"""The SQL of the durable queue, by name, and the hash by which an event is found. It runs nothing."""

import re
import struct
from hashlib import blake2b
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_INT64: Final = struct.Struct("<q")
_BEFORE_TIME: Final = "-next-"


def read_statements(text: str) -> dict[str, str]:
    """Cut a file of statements at its `-- name: x` lines; what is written above the first of them is a comment."""
    parts = re.split(r"^-- name: (\w+).*\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip().removesuffix(";") for part in parts[2::2]), strict=True))


def key_hash(text: str) -> int:
    """Make 64 bits of a messageId, the same in every process; many texts may have the same, so compare them too.

    Segment's JavaScript SDKs put the time into their ids (`ajs-next-1700000000000-…`). It comes first here: what comes
    at about the same time stands together in the index, so that a long one costs no more to keep than a short one.
    Raises UnicodeEncodeError for half a surrogate pair.
    """
    number: int = _INT64.unpack(blake2b(text.encode(), digest_size=8).digest())[0]
    at = text.find(_BEFORE_TIME, 0, 16)
    if at < 0:
        return number
    milliseconds = text[at + 6 : at + 19]
    if not (milliseconds.isascii() and milliseconds.isdigit()):
        return number
    return (int(milliseconds) // 1_000 & 0x7FFF_FFFF) << 32 | number & 0xFFFF_FFFF


SCHEMA: Final = (_HERE / "schema.sql").read_text(encoding="utf-8")
SQL: Final = read_statements((_HERE / "queries.sql").read_text(encoding="utf-8"))
