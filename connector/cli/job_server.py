"""`jobs retry --staged` beside its server: whether one is there, and sends through the file as it is now.

In: the folder and the chosen jobs. Out: what job_staged then does, or nothing done and why.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from connector.cli.job_staged import CLOCK, not_begun, retry_staged
from connector.cli.options import load_config
from connector.cli.store import moment
from connector.cli.streams import Streams, on_one_line
from connector.destination import Destination
from connector.errors import DestinationError, Sources
from connector.queue.desk import Desk
from connector.queue.desk_jobs import Choice
from connector.queue.loaded import Loaded, is_held, read_loaded
from connector.reload import files_of, sums
from connector.staging import Clock, Rules, Sample, look_ahead, sample

PATIENCE: Final = 10.0  # seconds for which an edit may take to be in effect: a server looks once a second
_SILENT: Final = 2.0  # seconds after which a process that says nothing of a file is taken to have none
_PAUSE: Final = 0.05

State: TypeAlias = Literal["current", "old", "refused", "elsewhere", "silent"]


class Served(msgspec.Struct, frozen=True):
    """What is known of the server: `file` is what it uses; `trouble` why nothing can be put back, empty when it can.

    `warning` is what cannot be known.
    """

    file: str = ""
    trouble: str = ""
    warning: str = ""


def wait_for_server(folder: Path, clock: Clock) -> Served:
    """Wait until the server on a folder uses the destination file as it is, if there is one, and not for long."""
    if not is_held(folder):
        return Served(
            trouble="no server runs on this folder, so nothing could be tried; `serve` starts one, and without "
            "--staged all are put back to wait for it"
        )
    begun = clock.monotonic()
    while True:
        loaded = read_loaded(folder)
        state = _state_of(loaded)
        waited = clock.monotonic() - begun
        if (state not in ("old", "silent")) or waited >= (_SILENT if state == "silent" else PATIENCE):
            return _served(loaded, state)
        clock.sleep(_PAUSE)


def _state_of(loaded: Loaded | None) -> State:
    if loaded is None:
        return "silent"
    if loaded.refused is not None and _is_now(loaded.refused):
        return "refused"
    if _is_now(loaded.sources):
        return "current"
    return "old" if Path(loaded.file).exists() else "elsewhere"


def _is_now(sources: Sources) -> bool:
    return sums(files_of(sources)) == sources.files


def _served(loaded: Loaded | None, state: State) -> Served:
    if loaded is None:
        return Served(warning="the process on this folder does not say which destination file it uses")
    at = f"{moment(loaded.at)[11:19]}Z"
    if not loaded.delivers:
        return Served(loaded.file, "the server on this folder only receives, and delivers nothing")
    if state == "refused":
        return Served(
            loaded.file,
            f"the server has refused the edit of {loaded.file}, and still uses what it loaded at {at}; "
            "`check` says what is wrong with it",
        )
    if state == "old":
        return Served(
            loaded.file, f"the server still uses {loaded.file} as it was at {at}; SIGHUP lets it look at once"
        )
    if state == "elsewhere":
        return Served(
            warning=f"{loaded.file}, which the server uses, is not here: whether an edit is in effect is not known"
        )
    return Served(loaded.file)


def retry_beside_server(
    streams: Streams,
    desk: Desk,
    numbers: Sequence[int],
    choice: Choice,
    rules: Rules,
    *,
    others: str,
    config: str,
    as_json: bool,
) -> int:
    """Put jobs back in stages when there is a server that sends them through the file as it is now.

    `others` says which jobs were not chosen; empty when there are none.
    """
    if not numbers:
        return not_begun(streams, others, 0, as_json=as_json)
    if others:
        streams.say(others)
    served = wait_for_server(desk.folder, CLOCK)
    if served.trouble:
        return not_begun(streams, served.trouble, len(numbers), as_json=as_json)
    for words in (served.warning, _other_file(served.file, config)):
        if words:
            streams.say(on_one_line(words))
    found = sampled(desk, numbers, _current(streams, served.file or config), rules, time.time())
    return retry_staged(streams, desk, found, choice.states, rules, as_json=as_json)


def sampled(desk: Desk, numbers: Sequence[int], destination: Destination | None, rules: Rules, now: float) -> Sample:
    """Choose what is put back and what goes first, as a destination file has it; without one nothing is left out."""
    outlook = None if destination is None else look_ahead(desk, numbers, destination, now)
    return sample(desk, numbers, outlook, everything=rules.everything, destination=destination)


def _other_file(file: str, config: str) -> str:
    """Say which file the server uses, where another one is meant or stands here."""
    is_other = file and os.path.lexists(config) and os.path.realpath(config) != os.path.realpath(file)
    return f"the server uses {file}, so {config} is not looked at" if is_other else ""


def _current(streams: Streams, file: str) -> Destination | None:
    """Load the file that the server uses; secrets that it has, and this command has not, are of no matter here."""
    try:
        return load_config(streams, file, allow_unset=True)
    except DestinationError:
        streams.say(on_one_line(f"{file} cannot be read here, so what would fail again is not left out"))
        return None
