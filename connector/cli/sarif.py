"""Problems as a SARIF 2.1.0 log, which code hosts show beside the lines of a change (OASIS, sarif-v2.1.0).

Files are named from the root of the repository that the current folder is in, or else from that folder; those outside
of it by their whole path.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from connector.cli.problem_places import Places, Region
from connector.codes import CODES, SEVERITIES
from connector.errors import Fix, Problem

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT: Final = "SRCROOT"
_HELP: Final = {
    "error": "The file does not load, or a test in it fails, until this is put right.",
    "warning": "This is most likely not meant. Where it is, a comment `# check: allow {code}` above it says so.",
    "note": "This is worth knowing and fails nothing. A comment `# check: allow {code}` above it takes it away.",
}


def sarif_log(problems: Sequence[Problem], places: Places) -> dict[str, object]:
    """Make a log with one run; its rules are the codes that the problems have."""
    root = _root()
    used = sorted({problem.code for problem in problems})
    driver = {"name": "rupt-connector", "rules": [_rule(code) for code in used]}
    results = [_result(problem, used.index(problem.code), places, root) for problem in problems]
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {_ROOT: {"uri": f"{_uri(root)}/"}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, object]:
    severity = SEVERITIES.get(code, "error")
    help = _HELP[severity].format(code=code)
    return {
        "id": code,
        "shortDescription": {"text": CODES.get(code, code)},
        "fullDescription": {"text": CODES.get(code, code)},
        "help": {"text": help.replace("`", "")},
        "defaultConfiguration": {"level": severity},
    }


def _root() -> str:
    """Find the folder from which files are named."""
    here = os.path.realpath(os.curdir)
    above = (
        folder for folder in (here, *map(str, Path(here).parents)) if os.path.lexists(os.path.join(folder, ".git"))
    )
    return next(above, here)


def _result(problem: Problem, rule: int, places: Places, root: str) -> dict[str, object]:
    text = f"{problem.message}; {problem.help}" if problem.help else problem.message
    place: dict[str, object] = {"artifactLocation": _artifact(problem.file, root)}
    if region := places.of_problem(problem):
        place["region"] = _region(region)
    result: dict[str, object] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
    if problem.fix:
        result["fixes"] = [_fix(problem.fix, places, root)]
    return result


def _artifact(file: str, root: str) -> dict[str, object]:
    whole = next((path for path in (os.path.abspath(file), os.path.realpath(file)) if _is_in(root, path)), None)
    if whole is None:
        return {"uri": _uri(os.path.abspath(file))}
    return {
        "uri": quote(os.path.relpath(whole, root).replace(os.sep, "/"), errors="surrogateescape"),
        "uriBaseId": _ROOT,
    }


def _is_in(folder: str, path: str) -> bool:
    return os.path.commonpath([folder, path]) == folder


def _uri(path: str) -> str:
    return "file://" + quote(path.rstrip("/"), errors="surrogateescape")


def _region(region: Region) -> dict[str, object]:
    found: dict[str, object] = {"startLine": region.line, "startColumn": region.column}
    if region.end_line != region.line:
        found["endLine"] = region.end_line
    return {**found, "endColumn": region.end_column}


def _fix(fix: Fix, places: Places, root: str) -> dict[str, object]:
    """Describe a fix: for each file, the regions to delete and what to put there."""
    files = dict.fromkeys(edit.file for edit in fix.edits)
    changes: list[dict[str, object]] = []
    for file in files:
        replacements = [
            {"deletedRegion": _region(places.of_edit(edit)), "insertedContent": {"text": edit.text}}
            for edit in fix.edits
            if edit.file == file
        ]
        changes.append({"artifactLocation": _artifact(file, root), "replacements": replacements})
    told = "safe: check --fix" if fix.safe else "to be looked at: check --fix --unsafe-fixes"
    description = {"text": f"{fix.title} ({told})"}
    return {"description": description, "artifactChanges": changes, "properties": {"safe": fix.safe}}
