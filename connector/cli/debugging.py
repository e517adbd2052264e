"""What `--debug` prints: each request and its answer, without headers, and without what names a person or a device."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from connector.queue import Attempt, Job
from connector.redaction import redact
from connector.replay.summary import Say
from connector.rows import REDACTED
from connector.rupt import Response
from connector.values import JSON, dump_json

LONGEST: Final = 4_000  # characters of an answer that are shown
_OPEN: Final = frozenset(
    {"page", "event", "tolerance", "limit_config", "callbacks", "redirects", "client", "version"}
)  # the keys of a body that speak of no person and no device
_ID: Final = re.compile(r"(/(?:user|device)/)(?!attach$)([^/]+)")


def debugger(say: Say) -> Callable[[Job, Attempt], None]:
    """Make what prints an attempt."""

    def observe(job: Job, attempt: Attempt) -> None:
        request, answer, time = attempt.request, attempt.answer, f"{attempt.latency * 1000:.0f} ms"
        body = {key: _seen(value) if key in _OPEN else _hidden(value) for key, value in request.body.items()}
        path = _ID.sub(rf"\1{REDACTED}", request.path)
        say(f"> {job.mapping}: {request.method} {path} {dump_json(body).decode()}")
        if isinstance(answer, Response):
            known = [unquote(found[2]) for found in _ID.finditer(request.path)]
            known += [value for value in request.body.values() if isinstance(value, str)]
            say(f"< {answer.status} {redact(answer.body.decode('utf-8', 'replace'), known, longest=LONGEST)} ({time})")
        else:
            say(f"< {answer.kind}: {answer.detail} ({time})")

    return observe


def _seen(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _seen(item) for key, item in value.items()}
    return redact(value) if isinstance(value, str) else value


def _hidden(value: JSON) -> JSON:
    """Keep the shape of a value alone."""
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return REDACTED if isinstance(value, str | int | float) and not isinstance(value, bool) else value
