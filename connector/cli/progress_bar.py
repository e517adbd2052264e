"""The progress bar of a terminal: how much of the input is done, events, events a second and the time left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from connector.cli.streams import Streams, encodable
from connector.sources.files import Progress as Reading

_EVERY: Final = 0.1  # seconds between two looks at what has been done
_SOONEST: Final = 2.0  # seconds before it says how long it will take: before that it would be a guess
_LINE: Final = "{task.fields[share]}{task.fields[events]:,} events  {task.fields[rate]:,}/s{task.fields[rest]}"


class Bar:
    """A bar over the bytes of the input; where their number is not known it only counts events."""

    def __init__(self, reading: Reading, bar: Progress, task: TaskID, monotonic: Callable[[], float]) -> None:
        self._reading, self._bar, self._task, self._monotonic = reading, bar, task, monotonic
        self._start = self._last = monotonic()

    def show(self, events: int, *, settled: float = 1.0, words: str = "") -> None:
        """Show events, how fast they come, and how long the rest takes at the same speed."""
        now, total = self._monotonic(), self._reading.total
        if now - self._last < _EVERY:
            return
        self._last, seconds = now, now - self._start
        done = min(1.0, self._reading.done() / total) * settled if total else 0.0
        left = f"{_clock(seconds * (1 - done) / done)} left" if done and seconds > _SOONEST else ""
        self._bar.update(
            self._task,
            total=1.0 if total else None,
            completed=done,
            events=events,
            rate=int(events * settled / max(seconds, 1e-9)),
            share=f"{done:>4.0%}  " if total else "",
            rest="".join(f"  {part}" for part in (left, words) if part),
        )

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self._bar.console.print(encodable(text), markup=False, highlight=False, soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def open_bar(streams: Streams, reading: Reading, *, monotonic: Callable[[], float] = time.monotonic) -> Iterator[Bar]:
    """Show a bar on standard error while the block runs; it leaves nothing behind."""
    console = Console(file=streams.stderr, no_color=not streams.has_colour)
    columns = BarColumn(bar_width=20), TextColumn(_LINE)
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(reading, bar, bar.add_task("", total=None, events=0, rate=0, share="", rest=""), monotonic)
