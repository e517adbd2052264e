"""Events to record: from the folder of a server, each that is stored once, or from files as a replay reads them.

In: paths. Out: located events and what could not become one. A server may be running on the folder: nothing is changed.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from connector.errors import SourceError
from connector.events import event_reader
from connector.queue.desk import Desk
from connector.queue.store import FILE
from connector.sources.files import Located, Progress, find_files, read_events

_PAGE: Final = 200  # stored events that are read at once
_WINDOW: Final = 200_000  # messageIds that are remembered to know what is stored twice


def is_data_folder(path: str) -> bool:
    """Whether a path is the folder of a server."""
    return os.path.isfile(os.path.join(path, FILE))


def read_sources(
    paths: Sequence[str], *, stdin: BinaryIO, progress: Progress, besides: str | None = None
) -> Iterator[Located]:
    """Read all events, in the order of the paths, but those of the file `besides` where it only stands in a folder.

    Raises SourceError or UsageError for what cannot be opened.
    """
    files = [path for path in paths if not is_data_folder(path)]
    if files:
        find_files(files)
    for path in paths:
        if is_data_folder(path):
            Desk(Path(path)).__exit__()
    return chain.from_iterable(
        _stored(path)
        if is_data_folder(path)
        else read_events(_without(path, besides), reads=None, stdin=stdin, progress=progress)
        for path in paths
    )


def _without(path: str, besides: str | None) -> list[str]:
    """Leave the file that is to be written out of a folder; one that is named is refused where it is written."""
    if besides is None or not os.path.exists(besides) or path == besides or not _leads_to_many(path):
        return [path]
    found = [file for file in find_files([path]) if not os.path.samefile(file, besides)]
    if not found:
        raise SourceError(f"{path}: holds no files but {besides}, which is to be written")
    return found


def _leads_to_many(path: str) -> bool:
    return os.path.isdir(path) or not os.path.exists(path)


def _stored(folder: str) -> Iterator[Located]:
    """Read each stored event once; one that came again, or was taken for another mapping later, is stored anew."""
    reader, seen = event_reader(None), dict[str, None]()
    with Desk(Path(folder)) as desk:
        for number, _, raw in desk.pages("events_from", _PAGE):
            item = reader.read(bytes(raw))
            name = item.message_id or ""
            if name and name in seen:
                continue
            seen[name] = None
            if len(seen) > _WINDOW:
                del seen[next(iter(seen))]
            yield os.path.join(folder, FILE), number, item
