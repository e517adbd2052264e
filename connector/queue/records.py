"""What the durable queue keeps of an attempt, of problems and of filtered events, as the rows of its file.

No credential comes in: a request holds none but the account's token, which is left out. What Rupt answered is redacted
and cut; of an attach that was delivered only the access state is kept, whose keys are known.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from connector.queue import Attempt, Filtered
from connector.redaction import redact
from connector.rupt import ATTACH_PATH, Request, Response, repeated_values
from connector.values import dump_json

Cell: TypeAlias = str | bytes | int | float | None
CLAIMS: Final = 1_023  # so many attempts of a job have a row of their own; the last of more takes the last row
_LOST: Final = "no answer was recorded: the process ended, or its lease ran out"
_to_text = msgspec.json.Encoder().encode


class _Access(msgspec.Struct, omit_defaults=True):
    """The access state in the answer to an attach, as far as it is of the right type."""

    device_id: str | msgspec.UnsetType = msgspec.UNSET
    attached_devices: int | msgspec.UnsetType = msgspec.UNSET
    new_device: bool | msgspec.UnsetType = msgspec.UNSET
    suspended: bool | msgspec.UnsetType = msgspec.UNSET
    access: str | msgspec.UnsetType = msgspec.UNSET
    verification_status: str | msgspec.UnsetType = msgspec.UNSET


_read_access = msgspec.json.Decoder(_Access).decode


def attempt_id(job: int, claim: int) -> int:
    """Number the attempt that a claim of a job made."""
    return job << 10 | min(claim, CLAIMS)


def attempt_cells(attempt: Attempt) -> tuple[Cell, ...]:
    """Make an attempt's row, but for its number: at, latency, method, path, body, status, failure, answer, …"""
    request, answer = attempt.request, attempt.answer
    if isinstance(answer, Response):
        status, failure, said = answer.status, None, _said(answer, request, is_done=not attempt.reason)
    else:
        status, failure, said = None, answer.kind, redact(answer.detail)
    sent = dump_json(request.body).decode()
    return (
        *(attempt.at, attempt.latency, request.method, request.path, sent),
        *(status, failure, said, attempt.reason, int(attempt.in_doubt)),
    )


def lost_cells(at: float) -> tuple[Cell, ...]:
    """Make the row of an attempt that was claimed at a time and of which nothing more is known."""
    return at, None, "", "", None, None, "lost", "", _LOST, 1


def problem_cell(problems: Sequence[str]) -> str | None:
    """Make the text of a job's problems."""
    return _to_text(problems).decode() if problems else None


def filtered_cells(events: Sequence[Filtered]) -> list[tuple[str, int, str, str, str]]:
    """Gather events that are filtered alike: mapping, how many, reason, detail, messageIds."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for event in events:
        alike.setdefault((event.mapping, event.reason, event.detail), []).append(event.message_id)
    return [
        (mapping, len(ids), reason, detail, _to_text(ids).decode()) for (mapping, reason, detail), ids in alike.items()
    ]


def _said(answer: Response, request: Request, *, is_done: bool) -> str:
    if is_done:
        return _access(answer.body) if request.path == ATTACH_PATH else ""
    text = answer.body[:4_096].decode("utf-8", "replace")
    return redact(text, repeated_values(text, request))


def _access(body: bytes) -> str:
    try:
        return _to_text(_read_access(body)).decode()
    except msgspec.DecodeError:
        return ""
