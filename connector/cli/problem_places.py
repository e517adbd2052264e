"""Where problems and their fixes stand, as lines and columns that count from 1 and as JSON for programs.

In: problems, and the files they stand in. Out: regions; an end is the place behind the last character.
"""

from typing import Final

import msgspec

from connector.drafts import read_source
from connector.errors import Edit, Problem
from connector.positions import Source, make_source

_BOM: Final = "\ufeff"


class Region(msgspec.Struct, frozen=True):
    """A part of a file's text."""

    line: int
    column: int
    end_line: int
    end_column: int


class Places:
    """Reads each file once, for the places of the edits in it."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}

    def of_problem(self, problem: Problem) -> Region | None:
        """Give the region of a problem, None where it has no place in its file."""
        if not problem.line:
            return None
        if problem.end_line:
            return Region(problem.line, problem.column, problem.end_line, problem.end_column)
        return Region(problem.line, problem.column, problem.line, problem.column + max(1, problem.width))

    def of_edit(self, edit: Edit) -> Region:
        """Give the region that an edit replaces."""
        source = self._source(edit.file)
        first, last = source.location(edit.start), source.location(edit.end)
        return Region(first.line, first.column, last.line, last.column)

    def _source(self, file: str) -> Source:
        if file not in self._sources:
            text = read_source(file).decode(errors="replace").removeprefix(_BOM)
            self._sources[file] = make_source(file, text)
        return self._sources[file]


def problem_row(problem: Problem, places: Places) -> dict[str, object]:
    """Make the line of JSON of a problem; keys that do not apply are left out."""
    row: dict[str, object] = {"code": problem.code, "severity": problem.severity, "message": problem.message}
    row["file"] = problem.file
    if region := places.of_problem(problem):
        row |= _row_of(region)
    if problem.source:
        row["source"] = problem.source
    if problem.help:
        row["help"] = problem.help
    if problem.fix:
        edits = [{"file": e.file, **_row_of(places.of_edit(e)), "text": e.text} for e in problem.fix.edits]
        row["fix"] = {"title": problem.fix.title, "safe": problem.fix.safe, "edits": edits}
    return row


def _row_of(region: Region) -> dict[str, object]:
    return {
        "line": region.line,
        "column": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }
