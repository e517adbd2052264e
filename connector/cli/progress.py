"""How far long work has come: a bar on a terminal, nothing elsewhere."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from connector.cli.streams import Streams
from connector.sources.files import Progress as Reading


class Progress(Protocol):
    """Is told what has been done; shows it, or does not. Words that are said meanwhile go through it."""

    def show(self, events: int, *, settled: float = 1.0, words: str = "") -> None:
        """Show how many events were read, which share of them is done with, and a word on what became of them."""
        ...

    def say(self, text: str) -> None:
        """Write a line of words that stays."""
        ...


class _NoProgress:
    """Shows nothing: words in a file or a pipe should be words that last."""

    def __init__(self, streams: Streams) -> None:
        self.say = streams.say

    def show(self, events: int, *, settled: float = 1.0, words: str = "") -> None:
        pass


@contextmanager
def open_progress(streams: Streams, reading: Reading, *, rows: bool) -> Iterator[Progress]:
    """Show how far a recording is read while the block runs, unless rows go to the same terminal.

    The bar's library is loaded for terminals only.
    """
    if not streams.is_terminal or (rows and streams.stdout.isatty()):
        yield _NoProgress(streams)
        return
    with importlib.import_module("connector.cli.progress_bar").open_bar(streams, reading) as bar:
        yield bar
