"""The progress bar of a terminal: how much of the input is read, events, events a second and the time left."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from connector.cli.streams import Streams
from connector.sources.files import Progress as Reading


class Bar:
    """A bar over the bytes of the input; where their number is not known it only counts events."""

    def __init__(self, streams: Streams, reading: Reading) -> None:
        self._reading, self._start = reading, time.monotonic()
        self._bar = Progress(
            BarColumn(bar_width=24),
            TextColumn(
                "{task.fields[share]}{task.fields[events]:,} events  {task.fields[rate]:,}/s  {task.fields[words]}"
            ),
            TimeRemainingColumn(),
            console=Console(file=streams.stderr, no_color=not streams.has_colour),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, events=0, rate=0, words="", share="")
        self._bar.start()

    def show(self, events: int, words: str = "") -> None:
        """Show events and how fast they come."""
        seconds, total = max(time.monotonic() - self._start, 1e-9), self._reading.total
        done = self._reading.done()
        share = f"{done / total:>4.0%}  " if total else ""
        rate = int(events / seconds)
        self._bar.update(
            self._task, total=total or None, completed=done, events=events, rate=rate, words=words, share=share
        )

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()
