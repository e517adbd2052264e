"""The demo's edit: what `plan` says of it on the recorded requests, before it is made."""

import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from connector.cli.plan_report import Report, Values
from connector.cli.plan_text import print_text
from connector.cli.streams import Streams
from connector.comparison.edits import compare
from connector.comparison.versions import Version
from connector.comparison.written import written_in
from connector.destination import load
from connector.documents import read_document
from connector.pseudonyms import Pseudonyms
from connector.rehearsing.passes import Pass, union_of_reads
from connector.sources.files import read_events

_KEY: Final = b"the demo's"  # any will do, for what was recorded is nobody's; the same one each time shows the same


def plan_edit(streams: Streams, old: str, new: str, environment: Mapping[str, str], recorded: str) -> str:
    """Give what `plan` prints of two versions of a destination file on recorded events."""
    with tempfile.TemporaryDirectory() as folder:
        comparison = compare(
            *(_version(Path(folder), name, text, environment) for name, text in (("old", old), ("new", new)))
        )
    work = Pass(comparison, (None, None), say=streams.say)
    recording = read_events([recorded], reads=union_of_reads(comparison))
    work.run((os.path.basename(file), line, item) for file, line, item in recording)
    told = io.BytesIO()
    names = (os.path.basename(recorded),)
    print_text(
        replace(streams, stdout=told),
        Report(comparison, work.tally, names, Values(Pseudonyms(_KEY), written_in(comparison))),
    )
    return told.getvalue().decode()


def _version(folder: Path, name: str, text: str, environment: Mapping[str, str]) -> Version:
    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    document = read_document(file.read_bytes(), file=str(file), environment=environment)
    return Version(load(file, environment), document, f"{folder}{os.sep}", "")
