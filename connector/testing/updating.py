"""What tests found is written into their files: into the YAML in place, and as files of rows.

Each file is written whole beside the old one and takes its place; a file that has changed in the meantime, and a preset
that comes with the connector, are left alone.
"""

import os
from collections.abc import Iterable

import msgspec

from connector.documents import Document
from connector.drafts import mappings_folder, read_source
from connector.errors import Path
from connector.replacing import write_beside
from connector.testing.recordings import beside
from connector.testing.running import Result
from connector.trials.rewriting import UnwritableError, rewrite_each
from connector.values import JSON

_BOM = b"\xef\xbb\xbf"


class Update(msgspec.Struct, frozen=True):
    """What was done about a test that failed: which file was written, or why none was."""

    result: Result
    file: str = ""
    why_not: str = ""


def write_updates(results: Iterable[Result]) -> list[Update]:
    """Write what the failed tests found; an Update for each of them, in their order."""
    failed = [result for result in results if result.problems]
    refused = {id(result): why for result in failed if (why := _refusal(result))}
    open_ = [result for result in failed if id(result) not in refused]
    faults = {**refused, **_write_yaml(open_), **_write_rows(open_)}
    return [
        Update(result, why_not=faults[id(result)]) if id(result) in faults else Update(result, _written(result))
        for result in failed
    ]


def _written(result: Result) -> str:
    names = [] if result.made is None else [result.case.part.document.file]
    return ", ".join([*names, *([beside(result.case, result.case.rows)] if result.rows is not None else [])])


def _refusal(result: Result) -> str:
    if result.unmade:
        return result.unmade
    file = os.path.realpath(result.case.part.document.file)
    if os.path.commonpath([file, os.path.realpath(mappings_folder())]) == os.path.realpath(mappings_folder()):
        return "the test comes with the connector, and its presets are not edited"
    return ""


def _write_yaml(results: list[Result]) -> dict[int, str]:
    """Rewrite the YAML files of failed tests, each once; give why not, for each test whose file stays as it is."""
    files: dict[str, dict[Path, Result]] = {}
    faults: dict[int, str] = {}
    for result in (result for result in results if result.made is not None):
        tests = files.setdefault(result.case.part.document.file, {})
        first = tests.setdefault(result.case.part.path, result)
        if first.made != result.made:
            faults[id(result)] = f"{first.mapping} has the same test, and wants it otherwise"
    for tests in files.values():
        faults |= _write_tests(tests)
    return faults


def _write_tests(tests: dict[Path, Result]) -> dict[int, str]:
    """Rewrite one file; a test that cannot be written is left as it is, and the others are written."""
    first = next(iter(tests.values()))
    document = first.case.part.document
    made: dict[Path, JSON] = {path: result.made for path, result in tests.items()}
    done = rewrite_each(document, made, first.group.environment, first.group.mask.variables)
    faults = {id(tests[path]): why for path, why in done.faults.items()}
    if len(faults) == len(tests):
        return faults
    try:
        _replace(document, done.text)
    except (UnwritableError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        faults |= {id(result): why or str(error) for result in tests.values() if id(result) not in faults}
    return faults


def _replace(document: Document, text: str) -> None:
    """Put a new text in the place of a file that still holds the old one."""
    before = read_source(document.file)
    head = _BOM if before.startswith(_BOM) else b""
    if before.removeprefix(_BOM) != document.source.text.encode():
        raise UnwritableError("the file has changed in the meantime")
    _write_file(document.file, head + text.encode())


def _write_rows(results: list[Result]) -> dict[int, str]:
    faults: dict[int, str] = {}
    written: dict[str, bytes] = {}
    for result in (result for result in results if result.rows is not None):
        file, rows = beside(result.case, result.case.rows), result.rows or b""
        if written.setdefault(os.path.realpath(file), rows) != rows:
            faults[id(result)] = "another test wants other rows in the same file"
            continue
        try:
            _write_file(file, rows)
        except OSError as error:
            faults[id(result)] = f"{file}: {error.strerror or error}"
    return faults


def _write_file(file: str, data: bytes) -> None:
    """Write a file beside the old one and let it take its place, with the old one's permissions."""
    target = os.path.realpath(file)
    mode = os.stat(target).st_mode & 0o7777 if os.path.exists(target) else 0o644
    name = write_beside(target, data, mode=mode, prefix=f".{os.path.basename(target)}.")
    try:
        os.replace(name, target)
    except OSError:
        os.unlink(name)
        raise
