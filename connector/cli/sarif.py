"""Problems as a SARIF 2.1.0 log, which code hosts show beside the lines of a change (OASIS, sarif-v2.1.0)."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from connector.cli.problem_places import Places, Region
from connector.codes import CODES, SEVERITIES
from connector.errors import Fix, Problem

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_log(problems: Sequence[Problem], places: Places) -> dict[str, object]:
    """Make a log with one run; its rules are the codes that the problems have."""
    used = sorted({problem.code for problem in problems})
    driver = {"name": "rupt-connector", "rules": [_rule(code) for code in used]}
    results = [_result(problem, used.index(problem.code), places) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, object]:
    return {
        "id": code,
        "shortDescription": {"text": CODES.get(code, code)},
        "defaultConfiguration": {"level": SEVERITIES.get(code, "error")},
    }


def _result(problem: Problem, rule: int, places: Places) -> dict[str, object]:
    text = f"{problem.message}; {problem.help}" if problem.help else problem.message
    place: dict[str, object] = {"artifactLocation": _artifact(problem.file)}
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
        result["fixes"] = [_fix(problem.fix, places)]
    return result


def _artifact(file: str) -> dict[str, object]:
    return {"uri": quote(file, errors="surrogateescape")}


def _region(region: Region) -> dict[str, object]:
    found: dict[str, object] = {"startLine": region.line, "startColumn": region.column}
    if region.end_line != region.line:
        found["endLine"] = region.end_line
    return {**found, "endColumn": region.end_column}


def _fix(fix: Fix, places: Places) -> dict[str, object]:
    """Describe a fix: for each file, the regions to delete and what to put there."""
    files = dict.fromkeys(edit.file for edit in fix.edits)
    changes: list[dict[str, object]] = []
    for file in files:
        replacements = [
            {"deletedRegion": _region(places.of_edit(edit)), "insertedContent": {"text": edit.text}}
            for edit in fix.edits
            if edit.file == file
        ]
        changes.append({"artifactLocation": _artifact(file), "replacements": replacements})
    return {"description": {"text": fix.title}, "artifactChanges": changes}
