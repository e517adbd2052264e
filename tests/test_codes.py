"""The table of problem codes and the code agree."""

import ast
from collections.abc import Iterator
from pathlib import Path

import connector
from connector.codes import CODES

# Which argument of a call is a code: of our functions that make faults and problems.
_MAKERS = {
    "Fault": 0,
    "Problem": 0,
    "fault": 0,
    "problem": 0,
    "_problem": 0,
    "_stop": 0,
    "_say": 1,
    "_Saying": 1,
    "report": 0,
    "stop": 0,
    "_finding": 0,
    "_Finding": 0,
    "_warn": 0,
}
_OF_TRIGGERS = {"report", "stop", "_finding"}  # these put `trigger_` in front


def _codes(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            at = _MAKERS.get(name, len(node.args))
            for given in node.args[at : at + 1]:
                prefix = "trigger_" if name in _OF_TRIGGERS else ""
                yield from (f"{prefix}{text}" for text in _texts(given))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "code":
            yield from _texts(node.value)


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value else []


def test_every_code_is_explained_and_used() -> None:
    """Each code that the package can print stands in the table, and the table has no other."""
    package = Path(str(connector.__file__)).parent
    used = {code for file in package.rglob("*.py") for code in _codes(file.read_text(encoding="utf-8"))}
    assert used == set(CODES)


def test_explanations_are_sentences() -> None:
    """An explanation is one line, and a code is one word."""
    for code, explanation in CODES.items():
        assert code.replace("_", "").isalnum()
        assert explanation.endswith(".")
        assert "\n" not in explanation
        assert len(explanation) <= 110
