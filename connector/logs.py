"""What the server logs: outcomes, requests and other programs' records in, lines out, JSON or for a terminal.

No line holds an account, a payload, a header, a credential or an exception's text. A line names an event by its
messageId, and reasons by their names; `why` tells the rest. What repeats is summed up, so that no outage fills a disk.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal, TextIO, TypeAlias

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import Processor

from connector.courier import Outcome
from connector.destination import Destination
from connector.errors import DestinationError
from connector.log_records import Limited, one_line, place_of, put_in_order, read_record, shown_id
from connector.queue import Attempt, Job
from connector.reason_names import reason_name
from connector.redaction import redact
from connector.rupt import Response
from connector.sources.http import Accepted
from connector.values import JSON, dump_json

Level: TypeAlias = Literal["debug", "info", "warning", "error"]

_MOST_PROBLEMS: Final = 10  # of a destination file; /readyz and `check` tell them all
_LEVELS: Final = logging.getLevelNamesMapping()
_OUTCOMES: Final = {"delivered": logging.DEBUG, "skipped": logging.INFO}
_HARMLESS: Final = frozenset({404, 405, 408, 499})  # nobody's events: scanners, and clients that went away


class Logs:
    """Writes lines to `stream`; made by open_logs. What is not to be shown does not come so far."""

    def __init__(self, stream: TextIO, *, level: Level, render: Processor, clock: Callable[[], float]) -> None:
        self._log: BoundLogger = structlog.wrap_logger(
            logging.getLogger("connector.serve"),
            processors=[ProcessorFormatter.wrap_for_formatter],
            wrapper_class=BoundLogger,
            cache_logger_on_first_use=True,
        )
        self._least = _LEVELS[level.upper()]
        self.handler = Limited(stream, clock)
        self.handler.setFormatter(
            ProcessorFormatter(
                foreign_pre_chain=[read_record],
                processors=[put_in_order, render],
                pass_foreign_args=True,
                use_get_message=False,
            )
        )

    def say(self, level: Level, event: str, **keys: JSON) -> None:
        """Log a line of the server's own; `keys` must hold nothing foreign."""
        self._log.log(_LEVELS[level.upper()], event, **keys)

    def accepted(self, request: Accepted) -> None:
        """Log a request that was answered, and each discarded event in it."""
        if request.status != 200:
            self._tell_refused(request)
        for item in request.discards:
            reason = reason_name(item.reason)
            if self._wants(logging.WARNING, "event discarded", reason):
                message_id, detail = shown_id(item.message_id or ""), redact(item.detail)
                self._log.warning("event discarded", message_id=message_id, reason=reason, detail=detail)
        if self._least <= logging.DEBUG:
            self._tell_accepted(request)

    def _tell_refused(self, request: Accepted) -> None:
        level = logging.INFO if request.status in _HARMLESS else logging.WARNING
        if self._wants(level, "request refused", str(request.status)):
            reason = str(request.status)
            self._log.log(level, "request refused", source=request.source, route=request.route, reason=reason)

    def _tell_accepted(self, request: Accepted) -> None:
        for item in request.filtered:
            mapping, reason = one_line(item.mapping), reason_name(item.reason)
            self._log.debug("event filtered", message_id=shown_id(item.message_id), mapping=mapping, reason=reason)
        self._log.debug(
            "request answered",
            source=request.source,
            route=request.route,
            status=request.status,
            events=request.events,
            jobs=request.accepted,
            duplicates=request.duplicates,
            bytes=request.bytes,
            ms=_ms(request.seconds),
        )

    def attempt(self, job: Job, attempt: Attempt) -> None:
        """Log a request to Rupt that did not succeed; what comes of the job is told by its outcome."""
        if not attempt.reason:
            return
        reason, answer = reason_name(attempt.reason), attempt.answer
        if self._wants(logging.INFO, "attempt failed", reason):
            self._log.info(
                "attempt failed",
                message_id=shown_id(job.message_id),
                mapping=one_line(job.mapping),
                reason=reason,
                attempt=job.attempts,
                status=answer.status if isinstance(answer, Response) else answer.kind,
                in_doubt=attempt.in_doubt,
                ms=_ms(attempt.latency),
            )

    def outcome(self, outcome: Outcome) -> None:
        """Log what became of a job; delivered only at the level debug."""
        level = _OUTCOMES.get(outcome.state, logging.WARNING)
        if level < self._least:
            return
        reason = reason_name(outcome.reason)
        if self._wants(level, outcome.state, reason):
            keys: dict[str, JSON] = {"reason": reason} if reason else {}
            if outcome.problems:
                keys["problems"] = len(outcome.problems)
            self._log.log(
                level,
                outcome.state,
                message_id=shown_id(outcome.job.message_id),
                mapping=one_line(outcome.job.mapping),
                **keys,
                attempts=outcome.attempts,
                in_doubt=outcome.in_doubt,
            )

    def _wants(self, level: int, event: str, reason: str) -> bool:
        """Say whether a line is to be made at all: in an outage most are only counted."""
        return level >= self._least and not self.handler.counts_only((event, reason, level))

    def failed(self, error: Exception) -> None:
        """Log a fault of ours, by the exception's type and place."""
        name = type(error).__name__
        if self._wants(logging.ERROR, "internal error", name):
            self._log.error("internal error", reason=name, at=place_of(error.__traceback__))

    def reloaded(self, destination: Destination) -> None:
        """Log that an edit of the destination file has taken effect."""
        self._log.info("the edited destination file is in effect", mappings=len(destination.mappings))

    def refused_edit(self, error: DestinationError) -> None:
        """Log what is wrong with an edit, and that the old file stays in effect."""
        count = len(error.problems)
        self._log.error("an edit of the destination file is refused, what was before stays in effect", problems=count)
        for problem in error.problems[:_MOST_PROBLEMS]:
            self._log.error(
                "problem of the destination file",
                code=problem.code,
                message=redact(problem.message),
                at=f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file,
                help=redact(problem.help),
            )

    def sum_up(self) -> None:
        """Tell how many lines were left out, when a window is over. To be called now and then: a line does it too."""
        self.handler.acquire()  # also while another thread logs
        try:
            self.handler.sum_up()
        finally:
            self.handler.release()


@contextmanager
def open_logs(
    stream: TextIO, *, level: Level = "info", colour: bool = False, clock: Callable[[], float] = time.time
) -> Iterator[Logs]:
    """Take over all that this process logs while the block runs, from every library, and write it to `stream`.

    JSON, or lines for people on a terminal, in colour if that is wanted there.
    """
    render: Processor = (
        structlog.dev.ConsoleRenderer(colors=colour, sort_keys=False)
        if stream.isatty()
        else structlog.processors.JSONRenderer(lambda line, **_: dump_json(line).decode())
    )
    logs, root = Logs(stream, level=level, render=render, clock=clock), logging.getLogger()
    before = root.level
    root.addHandler(logs.handler)
    root.setLevel(level.upper())
    try:
        yield logs
    finally:
        root.removeHandler(logs.handler)
        root.setLevel(before)
        logs.handler.sum_up(at_once=True)
        logs.handler.close()


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)
