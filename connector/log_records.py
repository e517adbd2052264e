"""Records of the standard library's logging to lines that may be shown: redacted, in order, and not too many.

In: records, of ours and of every library. Out: a stream's lines. No exception's text comes out, wherever it stands.
"""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO, TypeAlias

from structlog.typing import EventDict

from connector.reason_names import OTHER, reason_name
from connector.redaction import redact

MOST: Final = 10  # lines of one kind in a window; the rest is counted
WINDOW: Final = 60.0  # seconds
_MOST_KINDS: Final = 1_000  # that are told apart in a window
_OURS: Final = "connector"
_SILENT: Final = ("uvicorn.access", "aiohttp.access")  # they name addresses and URLs
_PLACES: Final = re.compile(r"%[-+ #0-9.]*[sdrfxg]")  # of a format as logging has it
_is_safe_id: Final = re.compile(r"(?!eyJ)[A-Za-z0-9_.:-]{1,100}").fullmatch

Kind: TypeAlias = tuple[str, str, int]
"""What lines have in common that are counted together: their event, reason and level."""


# What a line may show.


def shown_id(message_id: str) -> str:
    """Show a messageId that looks like one: its sender may have put anything there."""
    return message_id if _is_safe_id(message_id) or not message_id else "[redacted]"


def one_line(text: str) -> str:
    """Show a text of the destination file, such as a mapping's name."""
    return " ".join(text.split())[:100]


# Records, of ours and of others.


def read_record(_logger: object, _name: str, line: EventDict) -> EventDict:
    """Make a line of what was logged without this module: its first line, redacted, and no exception's text."""
    record: logging.LogRecord = line["_record"]
    line["event"] = redact(_message(record.msg, line.pop("positional_args", None)))
    line["logger"] = record.name
    if "message_id" in record.__dict__:
        line["message_id"] = shown_id(str(record.__dict__["message_id"]))
    if "mapping" in record.__dict__:
        line["mapping"] = one_line(str(record.__dict__["mapping"]))
    if "reason" in record.__dict__:
        line["reason"] = reason_name(str(record.__dict__["reason"]))
    error = line.pop("exc_info", None)
    line.pop("stack_info", None)
    if isinstance(error, tuple) and error[0] is not None:
        line["error"], line["at"] = error[0].__name__, place_of(error[2])
    return line


def _message(text: object, given: object) -> str:
    if not isinstance(text, str):  # somebody logs an exception as such
        return type(text).__name__
    args: object = {key: _safe(value) for key, value in given.items()} if isinstance(given, dict) else ()
    if isinstance(given, tuple):
        args = tuple(map(_safe, given))
    try:
        whole = text % args if args else text
    except (TypeError, ValueError, KeyError):
        whole = text
    return whole.strip().partition("\n")[0]  # further lines are tracebacks, and reprs of tasks with their exceptions


def _safe(value: Any) -> Any:
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, int | float):
        return value
    name = reason_name(str(value))  # a reason may go on with what Rupt said
    return redact(str(value)) if name == OTHER else name


def place_of(trace: TracebackType | None) -> str:
    """Say where an exception was raised: the last two parts of the file, and the line."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{'/'.join(trace.tb_frame.f_code.co_filename.split('/')[-2:])}:{trace.tb_lineno}"


def put_in_order(_logger: object, _name: str, line: EventDict) -> EventDict:
    """Put the time, the level and the event in front."""
    record: logging.LogRecord = line.pop("_record")
    line.pop("_from_structlog")
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"timestamp": at, "level": record.levelname.lower(), "event": line.pop("event"), **line}


# What repeats.


class Limited(logging.StreamHandler[TextIO]):
    """Writes at most MOST lines of a kind in each window, then how many more there were; debugging is not limited."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        super().__init__(stream)
        self._clock, self._ends = clock, clock() + WINDOW
        self._counts: dict[Kind, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless there were enough of its kind."""
        is_ours = record.name == _OURS or record.name.startswith(f"{_OURS}.")
        if record.name in _SILENT or (not is_ours and record.levelno < logging.WARNING):
            return
        self.sum_up()
        if record.levelno > logging.DEBUG and not self._takes(_kind(record)):
            return
        record.created = self._clock()
        super().emit(record)

    def counts_only(self, kind: Kind) -> bool:
        """Count a line that need not be made, because there were enough of its kind in this window."""
        count = self._counts.get(kind, 0)
        if count < MOST or self._clock() >= self._ends:
            return False
        self._counts[kind] = count + 1
        return True

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  as logging calls it
        """Leave out a line that cannot be written: what logging would print tells what it holds."""

    def sum_up(self, *, at_once: bool = False) -> None:
        """Write how many lines were left out, when the window is over."""
        now = self._clock()
        if now < self._ends and not at_once:
            return
        counts, self._counts, self._ends = self._counts, {}, now + WINDOW
        for (event, reason, level), count in counts.items():
            if count > MOST:
                super().emit(_summary(event, reason, level, count - MOST, now))

    def _takes(self, kind: Kind) -> bool:
        if kind not in self._counts and len(self._counts) >= _MOST_KINDS:
            kind = ("lines of other kinds", "", logging.WARNING)
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        return count <= MOST


def _kind(record: logging.LogRecord) -> Kind:
    if isinstance(record.msg, dict):
        return str(record.msg.get("event")), str(record.msg.get("reason", "")), record.levelno
    text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    return f"{record.name}: {text}"[:200], "", record.levelno


def _summary(event: str, reason: str, level: int, count: int, now: float) -> logging.LogRecord:
    what = _PLACES.sub("…", event)  # records of one kind differ in these places
    text = f"and {count:,} more in the last minute: {what}"
    more = {"reason": reason} if reason else {}
    about = {"name": "connector.logs", "levelno": level, "levelname": logging.getLevelName(level), "created": now}
    return logging.makeLogRecord({"msg": text, **about, **more})
