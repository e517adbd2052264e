"""What `jobs retry --staged` says: which jobs each stage sends, what became of them, and how to go on.

Progress goes to standard error; a summary, or a row of JSON for each stage and one for the end, to standard output.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import click

from connector.cause_clusters import Cluster
from connector.cli.painting import USUAL_COLUMNS, Painter, counted, plain, wrapped
from connector.cli.store import moment
from connector.cli.streams import Streams
from connector.errors import UsageError, listed
from connector.queue import State
from connector.queue.desk import Desk
from connector.queue.desk_causes import Whereabouts, message_ids
from connector.replanning import PROSPECTS
from connector.setting_kinds import Wrong, duration
from connector.settings import plain as plain_value
from connector.staging import QUIET, SIZES, Clock, Kept, Result, Rules, Sample, Staged, planned_stages

CLOCK: Final = Clock(time.time, time.monotonic, time.sleep)
_NAMED: Final = 10  # messageIds of a stage that are printed
_CAUSES: Final = 5  # causes that are told in words
_NO_SERVER: Final = "does it deliver? What was put back waits for it, nothing is lost"


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
        click.option(
            "--all", "everything", is_flag=True, help="With --staged: also what would fail again as it is now."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def read_rules(*, staged: bool, tolerate: float | None, timeout: str | None, everything: bool) -> Rules | None:
    """Read the options; None without --staged. Raises UsageError when one cannot be read, or stands without it."""
    if not staged:
        for name, value in (("--tolerate", tolerate), ("--timeout", timeout), ("--all", everything or None)):
            if value is not None:
                raise UsageError(f"{name} is for --staged: give that too, or leave it out")
        return None
    if tolerate is not None and not 0 <= tolerate <= 100:  # which may be no number at all
        raise UsageError(f"--tolerate must be a percentage from 0 to 100, not {tolerate}")
    seconds = 60.0 if timeout is None else duration()(plain_value(timeout))
    if isinstance(seconds, Wrong):
        raise UsageError(f"--timeout {seconds.must}, not {timeout!r}; {seconds.help}")
    assert isinstance(seconds, float)
    return Rules(seconds, tolerate or 0.0, everything)


def tell_stages(streams: Streams, desk: Desk, found: Sample, *, as_json: bool) -> None:
    """Say which jobs each stage would send, and which are left out; nothing is put back."""
    stages = planned_stages(found)
    for at, stage in enumerate(stages, 1):
        names = message_ids(desk, stage[:_NAMED])
        if as_json:
            streams.print_json({"stage": at, "stages": len(stages), "jobs": len(stage), "messageIds": names})
        else:
            more = ", …" if len(stage) > len(names) else ""
            Painter(streams).wrap(f"stage {at}: {counted(len(stage), 'job')}: {', '.join(names)}{more}")
    _Teller(streams, desk, Rules(), as_json=as_json).tell_kept(found)


def not_begun(streams: Streams, why: str, jobs: int, *, as_json: bool) -> int:
    """Say that nothing was put back, and why; 4, or 0 where there was nothing to put back."""
    if why:
        _say(streams, why)
    if as_json:
        end = {"stage": "end", "end": "not_begun" if why else "delivered", "jobs": jobs, "putBack": 0}
        streams.print_json({**end, "outcomes": {}, "failed": 0, "waiting": 0, "left": jobs, "leftOut": 0})
    else:
        streams.print("nothing was put back")
    return 4 if why else 0


def retry_staged(
    streams: Streams,
    desk: Desk,
    found: Sample,
    states: Collection[State],
    rules: Rules,
    *,
    as_json: bool,
    clock: Clock = CLOCK,
) -> int:
    """Put jobs back in stages, and say what became of them; 4 when it stopped, or too much of the rest failed."""
    teller = _Teller(streams, desk, rules, as_json=as_json)
    staged = Staged(desk, found, states, rules=rules, clock=clock, watch=teller.watch)
    teller.introduce(found)
    results = list[Result]()
    try:
        for result in staged.run(teller.begin):
            results.append(result)
            teller.tell(result)
        teller.conclude(staged, results)
    except KeyboardInterrupt:
        teller.interrupted(staged)
        return 130
    has_all = sum(len(result.numbers) + result.left.total() for result in results) >= len(found.numbers)
    if not found.numbers:
        return 4
    return 0 if staged.end == "delivered" or (staged.end == "waiting" and has_all) else 4


def _say(streams: Streams, text: str, *, indent: int = 0) -> None:
    for line in wrapped((text,), USUAL_COLUMNS, indent=indent):
        streams.say(plain(line))


class _Teller:
    """Says what happens."""

    def __init__(self, streams: Streams, desk: Desk, rules: Rules, *, as_json: bool) -> None:
        self._streams, self._desk, self._rules, self._as_json = streams, desk, rules, as_json
        self._has_warned = False

    def _say(self, text: str, *, indent: int = 0) -> None:
        _say(self._streams, text, indent=indent)

    def introduce(self, found: Sample) -> None:
        """Say what is to be sent, which causes the first jobs stand for, and what is left out."""
        self.tell_kept(found)
        if not found.numbers:
            return
        self._say(f"{counted(len(found.numbers), 'job')} of {counted(len(found.clusters), 'cause')}, sent in stages")
        for cluster in found.clusters[:_CAUSES]:
            self._say(f"{cluster.count:,}  {_words(cluster)}", indent=2)
        if len(found.clusters) > _CAUSES:
            self._say(f"and {len(found.clusters) - _CAUSES:,} more; `jobs causes` tells all", indent=2)

    def tell_kept(self, found: Sample) -> None:
        """Say what is left out, and why."""
        if not found.kept:
            return
        self._say(f"{counted(found.out, 'job')} left out, to fail again as things are; --all puts all back")
        for kept in found.kept[:_CAUSES]:
            self._say(f"{len(kept.numbers):,}  {_why_kept(kept)}", indent=2)
        if len(found.kept) > _CAUSES:
            self._say(f"and {len(found.kept) - _CAUSES:,} more causes", indent=2)

    def begin(self, stage: int, numbers: Sequence[int]) -> None:
        """Say what a stage has put back."""
        what = "the rest: " if SIZES[stage - 1] is None else ""
        names = message_ids(self._desk, numbers) if len(numbers) <= _NAMED else ()
        named = f": {', '.join(names)}" if names else ""
        self._say(f"stage {stage} of {len(SIZES)}: {what}{counted(len(numbers), 'job')} put back{named}")

    def watch(self, result: Result, quiet: float) -> None:
        """Say once when nobody seems to take the jobs."""
        if quiet >= QUIET and not self._has_warned and _is_untouched(result):
            self._has_warned = True
            self._say(f"the server has taken no job for {quiet:.0f} s: {_NO_SERVER}")

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

    def conclude(self, staged: Staged, results: Sequence[Result]) -> None:
        """Say what became of all, and how to go on."""
        standing, found = staged.standing(), staged.found
        outcomes = sum((result.outcomes for result in results), start=Counter[str]())
        put, waiting = sum(len(result.numbers) for result in results), sum(len(result.open) for result in results)
        left, failed = standing["left"], sum(result.failed for result in results)
        if self._as_json:
            jobs = len(found.numbers) + found.out
            row = {"stage": "end", "end": staged.end, "jobs": jobs, "putBack": put, "outcomes": outcomes}
            self._streams.print_json({**row, "failed": failed, "waiting": waiting, "left": left, "leftOut": found.out})
        else:
            parts = [f"{outcomes['delivered']:,} delivered"]
            parts += [f"{failed:,} not delivered"] if failed else []
            parts += [f"{waiting:,} still waiting"] if waiting else []
            rest = f"; {counted(left, 'job')} left as {'it was' if left == 1 else 'they were'}" if left else ""
            rest += f"; {found.out:,} left out" if found.out else ""
            self._streams.print(f"{counted(put, 'job')} put back: {', '.join(parts)}{rest}")
        for words in self._advice(staged, results[-1] if results else None, staged.again()):
            self._say(words)

    def _advice(self, staged: Staged, last: Result | None, again: int) -> list[str]:
        if last is None or staged.end == "delivered":
            return []
        if staged.end == "failed":
            return [*_what_to_mend(last.failures), *_again(again)]
        if not _is_untouched(last):
            return ["what waits is sent all the same; `jobs causes` tells later what became of it", *_again(again)]
        quiet = f"stopped: the server has taken no job for {self._rules.timeout:g} s"
        return [quiet if self._has_warned else f"{quiet}: {_NO_SERVER}", *_again(again)]

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
        self._say(f"interrupted in stage {staged.stage} of {len(SIZES)}: {listed(told)}")
        for words in _again(staged.again()):
            self._say(words)


def _again(jobs: int) -> list[str]:
    return [f"the same command goes on with {counted(jobs, 'job')}"] if jobs else []


def _what_to_mend(failures: Sequence[Cluster]) -> list[str]:
    """Say what helps against what went wrong: an edit of a mapping does not, where Rupt was not even asked about it."""
    held = {cluster.key.code for cluster in failures if cluster.key.state == "held"}
    words = []
    if "in_doubt" in held:
        words.append("stopped: of what is held in doubt nobody knows whether it arrived; `jobs retry` sends it again")
    if held - {"in_doubt", "mapping_gone"}:
        words.append("stopped: Rupt refuses the settings; held jobs go on by themselves when those are mended")
    if any(cluster.key.state != "held" or cluster.key.code == "mapping_gone" for cluster in failures):
        words.append("stopped: they fail again; `jobs causes` says why, and with --with FILE what an edit would mend")
    return words


def _why_kept(kept: Kept) -> str:
    sentences = " ".join(filter(None, kept.cause.sentences))
    return f"{kept.cause.key.mapping}: {PROSPECTS[kept.prospect]}{f': {sentences}' if sentences else ''}"


def _words(cluster: Cluster) -> str:
    """Say what the jobs of a cluster have in common."""
    return f"{cluster.key.state} by {cluster.key.mapping}: {' '.join(filter(None, cluster.sentences)) or 'no reason'}"


def _is_untouched(result: Result) -> bool:
    """Whether nobody has taken any of the jobs that could have been taken."""
    free = [job for job in result.open if not job.blocked]
    return bool(free) and not result.outcomes and all(job.state == "waiting" and not job.attempts for job in free)


def _why_open(job: Whereabouts) -> str:
    if job.state == "sending":
        return "being sent at this moment"
    if job.blocked:
        return "an earlier event of the same account goes first"
    if job.reason:
        return f"{job.reason}; it is tried again at {moment(job.due)[11:19]}Z"
    return "its turn has not come"
