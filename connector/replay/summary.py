"""What a replay comes to: counts by mapping, outcome and reason, and the words about what could not be read."""

from collections import Counter
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from connector.events import Discard
from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.rows import Row

MOST_SAMPLES: Final = 10  # of discards and failures that are told one by one for each reason; all are counted
ACCESS_STATES: Final = {  # of what Rupt answers to an attach: the ones that are counted, and what they mean
    "limit_exceeded": "over their device limit",
    "new_device": "from a new device",
    "suspended": "of a suspended user",
}

Say: TypeAlias = Callable[[str], None]


class Summary(msgspec.Struct):
    """Counts of a run: `events` read, `left_out` by the selection, `discards` by reason, `outcomes` by mapping, outcome
    and reason (no mapping: ""), `warnings` by mapping, and in `access` what Rupt answered of the devices.
    """

    events: int = 0
    left_out: int = 0
    discards: Counter[str] = msgspec.field(default_factory=Counter)
    outcomes: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)
    warnings: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    access: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def found_nothing(self) -> bool:
        """Whether a recording held no event at all, only what could not become one: most likely the wrong file.

        An empty file is no failure.
        """
        return self.discards.total() > self.discards["no_events"] and not self.events and not self.left_out

    def count(self, *outcomes: str) -> int:
        """Count outcomes over all mappings and reasons."""
        return sum(number for (_, found, _), number in self.outcomes.items() if found in outcomes)


def count_plan(summary: Summary, mapping: str, plan: Plan) -> None:
    """Count what a mapping made of an event; an invalid payload counts once for its first problem."""
    if type(plan) is Planned:
        summary.outcomes[mapping, "planned", ""] += 1
        for warning in plan.warnings:
            summary.warnings[mapping, warning] += 1
    elif isinstance(plan, Invalid):
        summary.outcomes[mapping, "invalid", plan.problems[0]] += 1
    elif isinstance(plan, Skipped):
        summary.outcomes[mapping, "skipped", plan.reason] += 1


def discard_row(summary: Summary, file: str, line: int, item: Discard, say: Say) -> Row:
    """Count what could not become an event, say where it stands, and make its row."""
    summary.discards[item.reason] += 1
    at = f"{file}:{line}".encode("utf-8", "backslashreplace").decode()  # a file's name need not be UTF-8
    number = summary.discards[item.reason]
    if number <= MOST_SAMPLES:
        more = f" (more of {item.reason} are only counted)" if number == MOST_SAMPLES else ""
        say(f"{at}: {item.reason}: {item.detail}{more}")
    return Row(item.message_id, None, "discarded", reason=f"{item.reason}: {item.detail}", at=at)
