"""The order of the house: a module imports only from above, the middle is free of I/O, and no path of a machine."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "connector"

# From top to bottom, without the package's name: each module imports only from modules above it. A package's own name
# stands for its __init__, above its modules when they build on it and below them when it gathers them.
LAYERS = """
    errors values redaction codes
    language language.tokens language.paths language.templates language.directives
    language.liquid language.liquid.calendar language.liquid.values language.liquid.tokens language.liquid.encodings
    language.liquid.texts language.liquid.loose_dates language.liquid.dates language.liquid.formats
    language.liquid.filters language.liquid.rendering language.liquid.syntax language.liquid.expressions
    language.liquid.engine
    language.triggers.repairs language.triggers.spelling language.triggers.globs language.triggers.functions
    language.triggers.tree language.triggers.cursor language.triggers.fields language.triggers.operands
    language.triggers.clauses language.triggers.checks language.triggers.parser language.triggers.closures
    language.triggers.gate language.triggers.tracing language.triggers
    language.builtins language.generator language.compiler language.tracing
    projection times nesting events
    schemas event_model
    retry rupt
    actions.build actions.conversions actions.identity actions.attach actions.detach actions.update_user actions
    variables positions yaml_errors yaml_text yaml_writing edits documents setting_kinds settings case_keys cases drafts
    mappings destination
    lints.texts lints.reading lints.worlds lints.satisfying lints.holding lints.event_paths lints.overlaps
    lints.payloads lints.spellings lints.allowing lints
    proofs.kinds proofs.event_types proofs.facts proofs.premises proofs.shapes proofs.evaluation proofs.judging
    proofs.rows proofs.asking proofs.skips proofs.wording proofs.problems proofs.table proofs
    routes pipeline rows hiding
    explanations.model explanations.changes explanations.fields explanations.routing explanations.origins
    explanations.explaining explanations covers variable_covers
    coverage.report coverage.rules coverage.items coverage.traffic coverage.counting coverage
    verdicts expectations trials trials.changes trials.rewriting trials.diffs
    pseudonyms.permutations pseudonyms.vocabulary pseudonyms.alphabets pseudonyms.dates pseudonyms.phones
    pseudonyms.staying pseudonyms.texts pseudonyms.places pseudonyms.persons pseudonyms.rules pseudonyms.masks
    pseudonyms
    comparison comparison.trees comparison.versions comparison.triggers comparison.setting_edits comparison.edits
    comparison.written comparison.outcomes comparison.variants comparison.causes
    segment_import signing reason_names metric_families
    editors.spelling editors.guides editors.presets editors.values editors.fields editors.cases editors.settings
    editors.mapping editors.files editors
    queue.seen
    queue queue.memory
    queue.folder queue.loaded queue.statements queue.migrations queue.store queue.books queue.records queue.hashes
    queue.session queue.operations queue.disk queue.checkpoints queue.writer queue.purge queue.sqlite
    queue.desk queue.desk_life queue.desk_audit queue.desk_jobs queue.desk_causes queue.desk_moves queue.desk_forget
    causes cause_clusters planning replanning staging
    transport wire_answers wire
    circuit pacing rates refusals slots claims courier delivery
    sources sources.splitter sources.files
    sources.stamping sources.intake sources.answers sources.bodies sources.credentials sources.requests sources.http
    sources.listening sources.status
    replay replay.summary replay.selection replay.rehearsal replay.checkpoint replay.live
    replacing
    testing.masking testing.suites testing.gathering testing.recordings testing.kept_rows testing.whole
    testing.tallies testing.running testing.updating testing
    recording recording.ways recording.proof recording.samples recording.reading recording.writing recording.recorder
    rehearsing rehearsing.revisions rehearsing.tallies rehearsing.judges rehearsing.passes
    twin.state twin.calls twin.faults twin.stand twin.admin twin.app twin.server twin
    metrics log_records logs config reload
    service standing steps
    app server
    cli cli.streams cli.help cli.reasons cli.options cli.painting cli.places cli.progress cli.progress_bar cli.summary
    cli.summary_table cli.store
    cli.code_table cli.problem_lines cli.problem_places cli.sarif cli.mending cli.proof_table cli.check
    cli.trial_report cli.trial_junit cli.trial_coverage cli.test
    cli.explain_shapes cli.explain_hiding cli.explain_rows cli.explain_blocks cli.explain_text cli.explain_events
    cli.explain
    cli.replay_options cli.replay_end cli.debugging cli.replay_dry cli.replay_live cli.replay
    cli.plan_versions cli.plan_report cli.plan_rows cli.plan_text cli.plan_markdown cli.plan
    cli.record
    cli.init cli.schema_files cli.schema cli.import_segment cli.twin cli.demo_plan cli.demo cli.serve
    cli.life cli.job_options cli.job_rows cli.job_rehearsal cli.job_mending cli.job_cause_rows cli.job_causes
    cli.job_staged cli.job_server cli.jobs cli.why cli.audit cli.forget
    cli.main
    __main__
"""
ORDER = LAYERS.split()

# Everything above this module is free of I/O, clocks, randomness and asyncio: they come in as arguments.
FIRST_WITH_IO = "queue"

WHAT_DOES_IO = """
    asyncio concurrent contextvars glob http io multiprocessing os pathlib queue random secrets select selectors shutil
    signal socket sqlite3 ssl subprocess tempfile threading time urllib.request uuid zoneinfo
    aiohttp click httpx rich starlette uvicorn
"""
IMPURE = frozenset(WHAT_DOES_IO.split())
CLOCKS = frozenset({"now", "today", "utcnow", "fromtimestamp"})  # of datetime
FILES = frozenset({"open", "read_bytes", "read_text", "write_bytes", "write_text", "input", "print"})

# What is above the line and touches files all the same, and why.
READS_FILES = {
    "language.liquid.dates": "reads the time zones of the system or of tzdata, when a template names one",
    "schemas": "reads the package's own schemas, which never change while it runs",
    "drafts": "reads a destination file and what it includes, once, when it is loaded",
    "destination": "takes paths of any kind, as os.PathLike",
}

# Where a module is imported when it is first needed, and why: starting up is part of the product.
LATE = {
    ".__getattr__": "the public names are each loaded when asked for, so that importing the package costs nothing",
    "actions.conversions._phonenumbers": "most phone numbers are E.164 already, and the library is slow to load",
    "events._blake2b": "only an event without a messageId needs it, and loading it opens OpenSSL",
    "language.liquid._engine": "only a mapping with @liquid needs it, and the library takes 100 ms",
    "pseudonyms.phones._phonenumbers": "only a phone number needs it, and the library is slow to load",
    "rupt._email_utils": "only an answer with a date in it needs it, and it costs as much as all of the protocol",
    "cli.main._Commands.get_command": "a command loads what it needs, and no other command",
    "cli.main._version": "only --version needs it, and it takes as long as all of the commands",
    "cli.progress.open_progress": "only a terminal gets a bar, and its library is slow to load",
    "cli.replay.command": "a dry run never loads what delivers",
    "cli.summary.tell_summary": "only a table needs the library that draws it",
}


class Module(NamedTuple):
    """One module: its name without the package's, and its syntax."""

    name: str
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """Parse every module of the package."""
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, ast.parse(file.read_text(encoding="utf-8"))))
    return tuple(found)


def imports(module: Module) -> Iterator[str]:
    """Name what a module imports: modules, and names that may be modules."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))


def own_imports(module: Module) -> set[str]:
    """Name the modules of the package that a module imports."""
    known = {other.name for other in modules()}
    names = {name.removeprefix("connector.") for name in imports(module) if name.startswith("connector.")}
    return names & known


def pure_modules() -> list[Module]:
    """Give the modules above the line."""
    above = ORDER[: ORDER.index(FIRST_WITH_IO)]
    return [module for module in modules() if module.name in above]


def test_the_order_names_every_module_once() -> None:
    """Every module of the package stands in the order, once; a new one is put where it belongs."""
    assert sorted(ORDER) == sorted(module.name for module in modules() if module.name)


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_from_above(name: str) -> None:
    """A module imports only from modules above it in the order, so there is no cycle either."""
    module = next(module for module in modules() if module.name == name)
    below = set(ORDER[ORDER.index(name) :])
    assert own_imports(module) & below == set()


def test_the_package_itself_imports_what_it_wants() -> None:
    """Only the package's own __init__, the public API, may import from anywhere; nobody imports from it."""
    importers = [
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "connector"
        and any(alias.name not in ORDER for alias in node.names)
    ]
    assert importers == []


def test_imports_are_absolute() -> None:
    """No import is relative."""
    relative = [
        (module.name, node.lineno)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_imports_stand_at_the_top() -> None:
    """No import stands inside a function or under a condition, and nothing is imported for types only."""
    inside = [
        (module.name, node.lineno)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in module.tree.body and module.name
    ]
    assert inside == []  # but for the package's own file, which loads its names late and tells type checkers of them


def late_imports(module: Module) -> Iterator[tuple[str, bool]]:
    """Name the functions of a module that import a module when they are called, and say whether they are cached."""
    for scope, function in _functions(module.tree, module.name):
        calls = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
        if calls & {"importlib.import_module", "import_module", "__import__"}:
            yield f"{scope}.{function.name}", any(ast.unparse(mark) == "cache" for mark in function.decorator_list)


def _functions(tree: ast.Module | ast.ClassDef, scope: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield scope, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{scope}.{node.name}")


def test_late_imports_are_listed() -> None:
    """A module is imported late only where the list says why, and outside of the commands only by a cached function."""
    found = dict(late for module in modules() for late in late_imports(module))
    assert sorted(found) == sorted(LATE)
    assert [name for name, is_cached in found.items() if not is_cached and not name.startswith(("cli.", ".__"))] == []


def test_the_middle_imports_nothing_impure() -> None:
    """Above the line nothing imports what does I/O, waits, tells the time or throws dice, but for the exceptions."""
    impure = {
        module.name: found
        for module in pure_modules()
        if (found := {name for name in imports(module) if name in IMPURE or name.partition(".")[0] in IMPURE})
    }
    assert {name: sorted(found) for name, found in impure.items() if name not in READS_FILES} == {}
    assert impure.keys() == READS_FILES.keys()


def test_the_middle_calls_nothing_impure() -> None:
    """Above the line nothing opens a file, prints, or asks for the time, but for the exceptions."""
    calls = [
        (module.name, ast.unparse(node.func))
        for module in pure_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and (_name(node.func) in FILES or (_name(node.func) in CLOCKS and "datetime" in set(imports(module))))
    ]
    assert [call for call in calls if call[0] not in READS_FILES and not call[1].startswith("self.")] == []


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_the_middle_is_not_asynchronous() -> None:
    """Above the line there is no coroutine: async stands at the edges only."""
    asynchronous = [
        (module.name, node.lineno)
        for module in pure_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert asynchronous == []


WHAT_IS_SLOW = """
    aiohttp asyncio hashlib httptools httpx jsonschema liquid phonenumbers prometheus_client pydantic rich sqlite3 ssl
    starlette structlog tempfile typer uvicorn uvloop yarl
"""  # not email and socket: jsonschema_rs loads them
SLOW = WHAT_IS_SLOW.split()


def test_a_dry_run_loads_nothing_that_is_slow(tmp_path: Path) -> None:
    """A dry run with --json leaves alone what it does not need: starting up is part of the product."""
    config, events = tmp_path / "rupt.yaml", tmp_path / "events.jsonl"
    config.write_text(
        "destination: rupt\nsettings: {client_id: an-id, new_account_url: https://h.example/}\n"
        "mappings: [{preset: attach-device}]\n",
        encoding="utf-8",
    )
    events.write_text('{"type":"page","messageId":"m","userId":"u","anonymousId":"a"}\n', encoding="utf-8")
    script = (
        "import sys\nfrom connector.cli.main import run\n"
        f"code = run(['replay', {str(events)!r}, '--config', {str(config)!r}, '--dry-run', '--json'],"
        " stdin=sys.stdin.buffer, stdout=sys.stdout.buffer, stderr=sys.stderr)\n"
        f"sys.exit(code or str([name for name in {SLOW!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.startswith('{"messageId":"m","mapping":"Attach Device","outcome":"planned"')
    assert done.stderr.splitlines()[-1] == "[]"


# Folders of the machines on which this is made; put together so that this file is not found.
MACHINES = re.compile("|".join([rf"(?<![\w.~-])/{'wo'}rk\b", rf"(?<![\w.~-])/{'t'}mp/", r"\.\./" + "shared"]))
SKIPPED = frozenset({"__pycache__", "node_modules", "dist", "build"})


def texts() -> Iterator[tuple[str, str]]:
    """Read the text files of the repository: what git tracks or would track, where there is git."""
    git = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    files = [ROOT / name for name in git.stdout.split("\0") if name] if git.returncode == 0 else list(_walked())
    for file in files:
        if file.is_file() and b"\0" not in (data := file.read_bytes())[:8_000]:
            yield str(file.relative_to(ROOT)), data.decode("utf-8", "replace")


def _walked() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED and (name == ".ci" or name[0] != ".")]
        yield from (Path(folder, name) for name in names)


def test_no_path_of_a_machine() -> None:
    """No file of the repository names a folder of the machine it was made on."""
    found = {
        (name, number)
        for name, text in texts()
        if MACHINES.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINES.search(line)
    }
    assert found == set()
