"""The two versions that `plan` compares: files, or the destination file as a git revision has it."""

import os
import tempfile
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from connector.comparison.versions import Version
from connector.destination import load
from connector.documents import read_document
from connector.drafts import read_source
from connector.errors import DestinationError, Problem
from connector.rehearsing.revisions import Revision, Written, find_revision, write_revision

NOTHING: Final = "nothing"


def load_versions(environment: Mapping[str, str], config: str, *, old: str, new: str | None) -> tuple[Version, Version]:
    """Load the old and the new version. Raises DestinationError with the problems of one, and UsageError."""
    after = _load(environment, new or config, config, must_be_file=new is None)
    file = new if new is not None and os.path.lexists(new) else config
    if old == NOTHING and not os.path.lexists(old):
        empty = replace(after.destination.only(()), file=NOTHING)
        return replace(after, destination=empty), after
    return _load(environment, old, file), after


def _load(environment: Mapping[str, str], text: str, file: str, *, must_be_file: bool = False) -> Version:
    if os.path.lexists(text) and not (os.path.isdir(text) and not must_be_file):
        return _version(environment, text)
    if must_be_file:
        help = "rupt-connector init writes a first one; --config or --to names another"
        raise DestinationError([Problem("cannot_read", f"there is no file {text!r}", text, help=help)])
    return _version_of_revision(environment, find_revision(text, file))


def _version(environment: Mapping[str, str], file: str) -> Version:
    destination = load(file, environment)
    return Version(destination, read_document(read_source(file), file=file, environment=environment))


def _version_of_revision(environment: Mapping[str, str], revision: Revision) -> Version:
    with tempfile.TemporaryDirectory(prefix="rupt-connector-") as name:
        written = write_revision(revision, os.path.realpath(name))
        try:
            version = _version(environment, written.file)
        except DestinationError as error:
            problems = [_renamed(problem, written, revision.label) for problem in error.problems]
            raise DestinationError(problems, error.sources) from None
        return replace(version, folder=written.folder, label=revision.label, root=written.root, outside=written.outside)


def _renamed(problem: Problem, written: Written, label: str) -> Problem:
    """Name the files of a problem as git does."""
    texts = (problem.message, problem.file, problem.help)
    message, file, help = (text.replace(written.folder, label).replace(written.root, "") for text in texts)
    return replace(problem, message=message, file=file, help=help)
