"""How far long work has come: a bar on a terminal, nothing elsewhere."""

import importlib
from typing import Protocol

from connector.cli.streams import Streams
from connector.sources.files import Progress as Reading


class Progress(Protocol):
    """Is told what has been done; shows it, or does not."""

    def show(self, events: int, words: str = "") -> None:
        """Show how many events were read, and a word on what became of them."""
        ...

    def end(self) -> None:
        """Take the bar away."""
        ...


class NoProgress:
    """Shows nothing: words in a file or a pipe should be words that last."""

    def show(self, events: int, words: str = "") -> None:
        """Ignore it."""

    def end(self) -> None:
        """Ignore it."""


def open_progress(streams: Streams, reading: Reading) -> Progress:
    """Make what shows how far a recording is read. The bar's library is loaded for terminals only."""
    if not streams.is_terminal:
        return NoProgress()
    bar: Progress = importlib.import_module("connector.cli.progress_bar").Bar(streams, reading)
    return bar
