"""Problems as a SARIF 2.1.0 log, which code hosts show beside the lines of a change (OASIS, sarif-v2.1.0)."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from connector.codes import CODES
from connector.errors import Problem

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_log(problems: Sequence[Problem]) -> dict[str, object]:
    """Make a log with one run; its rules are the codes that the problems have."""
    used = sorted({problem.code for problem in problems})
    rules = [{"id": code, "shortDescription": {"text": CODES.get(code, code)}} for code in used]
    driver = {"name": "rupt-connector", "rules": rules}
    results = [_result(problem, used.index(problem.code)) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(problem: Problem, rule: int) -> dict[str, object]:
    text = f"{problem.message}; {problem.help}" if problem.help else problem.message
    place: dict[str, object] = {"artifactLocation": {"uri": quote(problem.file, errors="surrogateescape")}}
    if problem.line:
        place["region"] = {
            "startLine": problem.line,
            "startColumn": problem.column,
            "endColumn": problem.column + max(1, problem.width),
        }
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
