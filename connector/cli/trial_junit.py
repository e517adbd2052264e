"""Results of tests as JUnit XML, which CI systems read. In: Results. Out: bytes; nothing in them tells the time."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree import ElementTree

from connector.testing import Result

# What XML 1.0 cannot hold, be it escaped.
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")


def junit_xml(results: Sequence[Result]) -> bytes:
    """Print results as one testsuite for each file in which tests stand."""
    files: dict[str, list[Result]] = {}
    for result in results:
        files.setdefault(_place(result)[0], []).append(result)
    root = ElementTree.Element("testsuites", {"name": "rupt-connector", **_counts(results)})
    for file, found in files.items():
        suite = ElementTree.SubElement(root, "testsuite", {"name": _text(file), **_counts(found)})
        for result in found:
            _add(suite, result)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add(suite: ElementTree.Element, result: Result) -> None:
    file, line = _place(result)
    attributes = {
        "name": result.case.name,
        "classname": f"{file}.{result.mapping}" if result.mapping else file,
        "file": file,
        "line": f"{line}",
    }
    case = ElementTree.SubElement(suite, "testcase", {name: _text(value) for name, value in attributes.items()})
    if result.problems:
        failure = ElementTree.SubElement(case, "failure", {"type": "test_failed", "message": _text(result.texts[0])})
        failure.text = _text("\n".join(_told(result)))


def _told(result: Result) -> Iterable[str]:
    for text, problem in zip(result.texts, result.problems, strict=True):
        yield f"{problem.file}:{problem.line}:{problem.column}: {text}"
    yield from result.diff


def _place(result: Result) -> tuple[str, int]:
    location = result.case.part.child("name").location()
    return location.file, location.line


def _counts(results: Sequence[Result]) -> dict[str, str]:
    failed = sum(bool(result.problems) for result in results)
    return {"tests": f"{len(results)}", "failures": f"{failed}", "errors": "0", "skipped": "0"}


def _text(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
