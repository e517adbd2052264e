"""The SQL of the durable queue, by name, and the hash by which an event is found. It runs nothing."""

import re
import struct
from hashlib import blake2b
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_INT64: Final = struct.Struct("<q")


def read_statements(text: str) -> dict[str, str]:
    """Cut a file of statements at its `-- name: x` lines; what is written above the first of them is a comment."""
    parts = re.split(r"^-- name: (\w+).*\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip().removesuffix(";") for part in parts[2::2]), strict=True))


def key_hash(text: str) -> int:
    """Make 64 bits of a text, the same in every process. Raises UnicodeEncodeError for half a surrogate pair."""
    number: int = _INT64.unpack(blake2b(text.encode(), digest_size=8).digest())[0]
    return number


SCHEMA: Final = (_HERE / "schema.sql").read_text(encoding="utf-8")
SQL: Final = read_statements((_HERE / "queries.sql").read_text(encoding="utf-8"))
