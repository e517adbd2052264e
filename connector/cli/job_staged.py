"""What `jobs retry --staged` says: which jobs each stage sends, what became of them, and how to go on.

Progress goes to standard error; a summary, or a row of JSON for each stage and one for the end, to standard output.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import click

from connector.cause_clusters import Cluster
from connector.cli.job_options import listed
from connector.cli.job_stages import QUIET, SIZES, Clock, Result, Rules, Sample, Staged, planned_stages, sample
from connector.cli.painting import USUAL_COLUMNS, Painter, plain, wrapped
from connector.cli.store import counted, moment
from connector.cli.streams import Streams
from connector.errors import UsageError
from connector.queue import State
from connector.queue.desk import Desk
from connector.queue.desk_causes import Standing, message_ids
from connector.setting_kinds import duration

CLOCK: Final = Clock(time.time, time.monotonic, time.sleep)
_NAMED: Final = 10  # messageIds of a stage that are printed
_CAUSES: Final = 5  # causes that are told in words
_NO_SERVER: Final = "is one running on this folder? `serve` starts one; what was put back waits for it, nothing is lost"


def staged_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a retry in stages."""
    options = (
        click.option("--staged", is_flag=True, help="Send 1 job, then 10, then the rest; stop when they fail again."),
        click.option(
            "--tolerate",
            metavar="PERCENT",
            type=click.FloatRange(0, 100),
            help="With --staged: so many of the 10, and of the rest, may fail; the first one may not.  [default: 0]",
        ),
        click.option(
            "--timeout",
            metavar="TIME",
            help="With --staged: stop when a stage has had no outcome for so long, such as 5m.  [default: 60s]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def read_rules(*, staged: bool, tolerate: float | None, timeout: str | None) -> Rules | None:
    """Read the options; None without --staged. Raises UsageError when one cannot be read, or stands without it."""
    if not staged:
        for name, value in (("--tolerate", tolerate), ("--timeout", timeout)):
            if value is not None:
                raise UsageError(f"{name} is for --staged: give that too, or leave it out")
        return None
    seconds = 60.0 if timeout is None else duration()(timeout)
    if not isinstance(seconds, float):
        raise UsageError(f"--timeout {timeout!r}: write 60s, 5m or 1h30m")
    return Rules(seconds, tolerate or 0.0)


def tell_stages(streams: Streams, desk: Desk, numbers: Sequence[int], *, as_json: bool) -> None:
    """Say which jobs each stage would send; nothing is put back."""
    found = sample(desk, numbers)
    stages = planned_stages(numbers, found)
    for at, stage in enumerate(stages, 1):
        names = message_ids(desk, stage[:_NAMED])
        if as_json:
            streams.print_json({"stage": at, "stages": len(stages), "jobs": len(stage), "messageIds": names})
        else:
            more = ", …" if len(stage) > len(names) else ""
            Painter(streams).wrap(f"stage {at}: {counted(len(stage), 'job')}: {', '.join(names)}{more}")


def retry_staged(
    streams: Streams,
    desk: Desk,
    numbers: Sequence[int],
    states: Collection[State],
    rules: Rules,
    *,
    as_json: bool,
    clock: Clock = CLOCK,
) -> int:
    """Put jobs back in stages, and say what became of them; 4 when it stopped, or too much of the rest failed."""
    teller = _Teller(streams, desk, rules, as_json=as_json)
    staged = Staged(desk, numbers, states, rules=rules, clock=clock, watch=teller.watch)
    teller.introduce(staged.found)
    results = list[Result]()
    try:
        for result in staged.run(teller.begin):
            results.append(result)
            teller.tell(result)
    except KeyboardInterrupt:
        teller.interrupted(staged)
        return 130
    teller.conclude(staged, results, len(numbers))
    has_all = sum(len(result.numbers) + result.left.total() for result in results) >= len(numbers)
    return 0 if staged.end == "delivered" or (staged.end == "waiting" and has_all) else 4


class _Teller:
    """Says what happens."""

    def __init__(self, streams: Streams, desk: Desk, rules: Rules, *, as_json: bool) -> None:
        self._streams, self._desk, self._rules, self._as_json = streams, desk, rules, as_json
        self._has_warned = False
        self._stage = 0

    def _say(self, text: str, *, indent: int = 0) -> None:
        for line in wrapped((text,), USUAL_COLUMNS, indent=indent):
            self._streams.say(plain(line))

    def introduce(self, found: Sample) -> None:
        """Say what is to be sent, and which causes the first jobs stand for."""
        jobs = sum(cluster.count for cluster in found.clusters)
        self._say(f"{counted(jobs, 'job')} of {counted(len(found.clusters), 'cause')}, sent in stages")
        for cluster in found.clusters[:_CAUSES]:
            self._say(f"{cluster.count:,}  {_words(cluster)}", indent=2)
        if len(found.clusters) > _CAUSES:
            self._say(f"and {len(found.clusters) - _CAUSES:,} more; `jobs causes` tells all", indent=2)

    def begin(self, stage: int, numbers: Sequence[int]) -> None:
        """Say what a stage has put back."""
        self._stage = stage
        what = "the rest: " if SIZES[stage - 1] is None else ""
        names = message_ids(self._desk, numbers) if len(numbers) <= _NAMED else ()
        named = f": {', '.join(names)}" if names else ""
        self._say(f"stage {stage} of {len(SIZES)}: {what}{counted(len(numbers), 'job')} put back{named}")

    def watch(self, result: Result, quiet: float) -> None:
        """Say once when nobody seems to take the jobs."""
        if quiet >= QUIET and not self._has_warned and _is_untouched(result):
            self._has_warned = True
            self._say(f"no server has taken a job for {quiet:.0f} s; {_NO_SERVER}")

    def tell(self, result: Result) -> None:
        """Say what became of a stage."""
        if self._as_json:
            self._streams.print_json(self._row(result))
        self._say(f"{result.outcomes['delivered']:,} delivered", indent=2)
        for cluster in result.failures[:_CAUSES]:
            self._say(f"{cluster.count:,} not delivered: {_words(cluster)}", indent=2)
        if len(result.failures) > _CAUSES:
            self._say(f"{result.failed:,} not delivered in all, of {len(result.failures):,} causes", indent=2)
        if result.open:
            why = "; ".join(dict.fromkeys(_why_open(job) for job in result.open[:100]))
            self._say(f"{counted(len(result.open), 'job')} without an outcome: {why}", indent=2)
        for reason, count in result.left.most_common():
            words = "the event was erased" if reason == "forgotten" else "in another state by now"
            self._say(f"{counted(count, 'job')} left: {words}", indent=2)

    def _row(self, result: Result) -> dict[str, object]:
        causes = [
            {
                "count": cluster.count,
                "mapping": cluster.key.mapping,
                "state": cluster.key.state,
                "code": cluster.key.code,
                "sentence": " ".join(cluster.sentences),
                "messageIds": message_ids(self._desk, cluster.numbers),
            }
            for cluster in result.failures
        ]
        names = message_ids(self._desk, result.numbers[:_NAMED])
        row: dict[str, object] = {"stage": result.stage, "jobs": len(result.numbers), "messageIds": names}
        row |= {"outcomes": result.outcomes, "failed": result.failed, "waiting": len(result.open)}
        return {**row, "left": result.left, "causes": causes}

    def conclude(self, staged: Staged, results: Sequence[Result], jobs: int) -> None:
        """Say what became of all, and how to go on."""
        outcomes = sum((result.outcomes for result in results), start=Counter[str]())
        put, waiting = sum(len(result.numbers) for result in results), sum(len(result.open) for result in results)
        left, failed = jobs - put, sum(result.failed for result in results)
        if self._as_json:
            row = {"stage": "end", "end": staged.end, "jobs": jobs, "putBack": put, "outcomes": outcomes}
            self._streams.print_json({**row, "failed": failed, "waiting": waiting, "left": left})
        else:
            parts = [f"{outcomes['delivered']:,} delivered"]
            parts += [f"{failed:,} not delivered"] if failed else []
            parts += [f"{waiting:,} still waiting"] if waiting else []
            rest = f"; {counted(left, 'job')} left as {'it was' if left == 1 else 'they were'}" if left else ""
            self._streams.print(f"{counted(put, 'job')} put back: {', '.join(parts)}{rest}")
        for words in self._advice(staged, results[-1] if results else None, left):
            self._say(words)

    def _advice(self, staged: Staged, last: Result | None, left: int) -> list[str]:
        if last is None or staged.end == "delivered":
            return []
        if staged.end == "failed":
            stopped = "stopped: they fail again; " if left else ""
            return [
                f"{stopped}`jobs causes` says why, and with --with FILE what an edit would mend",
                *([f"after that the same command goes on; {counted(left, 'job')} left"] if left else []),
            ]
        what = "what waits is sent all the same; `jobs causes` tells later what became of it"
        if _is_untouched(last):
            what = f"no server has taken a job for {self._rules.timeout:g} s; {_NO_SERVER}"
        return [what, *_again(left)]

    def interrupted(self, staged: Staged) -> None:
        """Say where everything is after Ctrl-C: what was put back stays so."""
        found = staged.standing()
        waiting, left = found["waiting"] + found["sending"], found["left"]
        ended = {state: count for state, count in found.items() if state not in ("waiting", "sending", "left")}
        if self._as_json:
            row = {"stage": "end", "end": "interrupted", "jobs": found.total(), "putBack": found.total() - left}
            self._streams.print_json({**row, "outcomes": ended, "waiting": waiting, "left": left})
        told = [f"{count:,} {state}" for state, count in ended.items()]
        told += [f"{waiting:,} waiting, and sent all the same (`jobs drop` ends them)"] if waiting else []
        told += [f"{left:,} left as before"] if left else []
        self._say(f"interrupted in stage {self._stage} of {len(SIZES)}: {listed(told)}")
        for words in _again(left):
            self._say(words)


def _again(left: int) -> list[str]:
    return [f"the same command goes on with the {counted(left, 'job')} left"] if left else []


def _words(cluster: Cluster) -> str:
    """Say what the jobs of a cluster have in common."""
    return f"{cluster.key.state} by {cluster.key.mapping}: {' '.join(filter(None, cluster.sentences)) or 'no reason'}"


def _is_untouched(result: Result) -> bool:
    """Whether nobody has taken any of the jobs that could have been taken."""
    free = [job for job in result.open if not job.blocked]
    return bool(free) and not result.outcomes and all(job.state == "waiting" and not job.attempts for job in free)


def _why_open(job: Standing) -> str:
    if job.state == "sending":
        return "being sent at this moment"
    if job.blocked:
        return "an earlier event of the same account goes first"
    if job.reason:
        return f"{job.reason}; it is tried again at {moment(job.due)[11:19]}Z"
    return "its turn has not come"
