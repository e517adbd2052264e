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
from connector.values import JSON, dump_json, load_json

LONGEST: Final = 4_000  # characters of an answer that are shown
# The keys that speak of no person and no device: of a request's body, and of an answer.
_ASKED: Final = frozenset({"page", "event", "tolerance", "limit_config", "callbacks", "redirects", "client", "version"})
_ANSWERED: Final = frozenset(
    {"success", "message", "error", "errors", "detail", "code", "status", "verification_status"}
    | {"attached_devices", "default_device_limit", "block_over_usage", "suspended", "new_device"}
)
_ID: Final = re.compile(r"(/(?:user|device)/)(?!attach$)([^/]+)")


def debugger(say: Say) -> Callable[[Job, Attempt], None]:
    """Make what prints an attempt."""

    def observe(job: Job, attempt: Attempt) -> None:
        request, answer, time = attempt.request, attempt.answer, f"{attempt.latency * 1000:.0f} ms"
        known = [unquote(found[2]) for found in _ID.finditer(request.path)]
        known += [value for key, value in request.body.items() if key not in _ASKED and isinstance(value, str)]
        path = _ID.sub(rf"\1{REDACTED}", request.path)
        body = dump_json(_seen(request.body, _ASKED, known)).decode()
        say(f"> {job.message_id} {job.mapping}: {request.method} {path} {body}")
        if isinstance(answer, Response):
            say(f"< {job.message_id} {answer.status} {_answer(answer.body, known)} ({time})")
        else:
            say(f"< {job.message_id} {answer.kind}: {answer.detail} ({time})")

    return observe


def _answer(body: bytes, known: list[str]) -> str:
    try:
        found = load_json(body)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return dump_json(_seen(found, _ANSWERED, known)).decode()[:LONGEST]
    return redact(body.decode("utf-8", "replace"), known, longest=LONGEST)


def _seen(body: dict[str, JSON], shown: frozenset[str], known: list[str]) -> dict[str, JSON]:
    return {key: _redacted(value, known) if key in shown else _hidden(value) for key, value in body.items()}


def _redacted(value: JSON, known: list[str]) -> JSON:
    """Show a value, but for what in it may name somebody all the same."""
    if isinstance(value, dict):
        return {key: _redacted(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, known) for item in value]
    return redact(value, known) if isinstance(value, str) else value


def _hidden(value: JSON) -> JSON:
    """Keep the shape of a value alone."""
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return REDACTED if isinstance(value, str | int | float) and not isinstance(value, bool) else value
