"""The README: every example in it is run, every command and option that it names exists.

How an example is run is decided by its fence and what stands in it; a block that no rule takes makes the test fail.
All blocks run in the README's order in one folder, as a reader would: what one makes, a later one finds.

* ```console: each line `$ rupt-connector …` is run by sh, and must end with 0 (else name it in EXITS). What is shown
  below must be what it prints; a line `...` stands for any lines, `...` at a line's end for its rest. `events/` are
  recorded samples; after `init` the file delivers to a stand-in. `export` and `sed` count for what follows. What never
  ends (ENDLESS) is started on a free port, asked how it is, and stopped. `make` runs what its recipe
  runs of ours (no tests inside tests: what is shown must name them); `pip install` is tests/test_packaging.py's.
* ```text after a console block: what the last command there printed, or a part of it.
* ```text with `--> rupt.yaml:LINE:…`: what `check` says of the file of `init` with these source lines in it.
* ```text with `{"messageId", …}` lines: the keys of what `replay --dry-run --json` prints, in their order.
* ```text under "Layout": modules that exist.
* ```yaml: checked and tested. A first line `# NAME.yaml` saves it under that name for the commands after it; a list of
  mappings, one mapping, and a *_test.yaml file are taken too. ```json with such a line is only saved.
"""

import json
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click
import pytest
import yaml
from jsonschema import Draft202012Validator

from connector.cli.main import COMMANDS, group
from connector.editors import SCHEMAS
from tests.cli.command import call, page, write_config, write_events
from tests.readme import (
    README,
    ROOT,
    Block,
    Command,
    Shell,
    commands_of,
    is_shown,
    prose_of,
    read_blocks,
    spans_of,
    table_rows,
)

TEXT: Final = README.read_text(encoding="utf-8")
BLOCKS: Final = read_blocks(TEXT)
EXITS: Final[dict[str, tuple[int, ...]]] = {"rupt-connector plan": (0, 5)}  # by how a line begins; others end with 0
ENDLESS: Final = {"serve": "/healthz", "twin": "/_twin/state"}  # what they are asked
PIP: Final = re.compile(r"pip install( \.| rupt-connector)?")  # tests/test_packaging.py installs it
ANONYMOUS: Final = ("03-", "04-")  # samples in which somebody is not signed in: an attach without account is invalid
ENVIRONMENT: Final = {"RUPT_CLIENT_ID": "client-1"}
_URL: Final = re.compile(r"http://127\.0\.0\.1:\d+")


class Session:
    """Runs the blocks one after the other in one folder; raises AssertionError where the README is wrong."""

    def __init__(self, folder: Path, twin: str) -> None:
        folder.mkdir()
        (folder / "events").mkdir()
        for file in (ROOT / "tests" / "samples" / "sdk").iterdir():
            if not file.name.startswith(ANONYMOUS):
                shutil.copy(file, folder / "events")
        self._shell, self._twin, self._last, self._scratch = Shell(folder), twin, "", folder.parent / "scratch"
        self._scratch.mkdir()

    def run(self, block: Block) -> None:
        """Run a block by the first rule that takes it."""
        before = self._last
        self._last = before if block.language == "text" else ""
        if block.file:
            (self._shell.folder / block.file).write_text(block.text, encoding="utf-8")
        match block.language:
            case "console":
                self._console(block)
            case "yaml":
                self._yaml(block)
            case "text" if re.search(r"^ *--> rupt\.yaml:\d+", block.text, re.MULTILINE):
                self._problems(block)
            case "text" if block.text.startswith('{"messageId"'):
                check_shapes(block, self._scratch)
            case "text" if block.heading == "Layout":
                check_layout(block)
            case "text" if before:
                assert is_shown(("...", *block.lines, "..."), before), f"this is not what was printed:\n{before}"
            case "json" if block.file:
                json.loads(block.text.partition("\n")[2])
            case _:
                raise AssertionError("no rule runs this block: read the top of tests/test_readme.py")

    def _console(self, block: Block) -> None:
        """Run every command, also after one that is wrong: later ones, and later blocks, need what they make."""
        wrong = []
        for command in commands_of(block):
            try:
                self._last = self._command(command)
            except AssertionError as error:
                wrong.append(str(error))
        assert not wrong, "\n".join(wrong)

    def _command(self, command: Command) -> str:
        name, _, rest = command.text.partition(" ")
        if name == "export":
            variable, _, value = rest.partition("=")
            self._shell.env[variable] = value
            return ""
        if name == "make":
            return self._make(rest, command)
        if PIP.fullmatch(command.text):
            return ""
        assert "rupt-connector" in command.text or name == "sed", f"no rule runs {command.text!r}"
        if (path := ENDLESS.get(rest.partition(" ")[0])) is not None:
            return self._endless(command, path)
        code, output = self._shell.run(command.text)
        wanted = next((exits for start, exits in EXITS.items() if command.text.startswith(start)), (0,))
        if code == 0 and name == "rupt-connector" and rest.startswith("init"):
            self._point_to_twin()
        assert code in wanted, f"{command.text!r} ended with {code}:\n{output}"
        check_shown(command, output)
        return output

    def _make(self, target: str, command: Command) -> str:
        """Run what a target of the Makefile runs of ours; tests are not run in tests, only named as they are shown."""
        recipe = re.search(rf"^{target}:.*\n\t@?\$\(BIN\)/(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert recipe, f"the Makefile has no {target!r}"
        if recipe[1].startswith("rupt-connector"):
            code, output = self._shell.run(recipe[1])
            assert code == 0, output
            check_shown(command, output)
            return output
        assert command.shown[:1] in ((), (f".venv/bin/{recipe[1]}",))
        return ""

    def _point_to_twin(self) -> None:
        """Deliver to the stand-in, in place of a line that is a comment, so that every line keeps its number."""
        file = self._shell.folder / "rupt.yaml"
        text = file.read_text(encoding="utf-8")
        changed = re.sub(r"^  # device_identity: .*$", f"  domain: {self._twin}", text, flags=re.MULTILINE)
        assert changed != text
        file.write_text(changed, encoding="utf-8")

    def _endless(self, command: Command, path: str) -> str:
        line = re.sub(r" --port \d+", "", command.text) + " --port 0"
        with self._shell.start(line) as process:
            try:
                url = read_url(process)
                assert call_url(url + path) == 200
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) in (0, -signal.SIGTERM)
            finally:
                process.kill()
        return ""

    def _yaml(self, block: Block) -> None:
        value = yaml.safe_load(block.text)
        is_suite = isinstance(value, dict) and "tests" in value and not {"action", "preset"} & value.keys()
        found = Draft202012Validator(SCHEMAS["tests" if is_suite else "destination"]())
        if is_suite:
            assert [error.message for error in found.iter_errors(value)] == []
            return  # the commands after it run it
        if isinstance(value, list) or "destination" not in value:
            value = {"mappings": value} if isinstance(value, list) else value
            assert [error.message for error in found.iter_errors(value)] == []
            file = self._including(yaml.safe_dump(value))
        else:
            assert [error.message for error in found.iter_errors(value)] == []
            file = self._scratch / "block.yaml"
            file.write_text(block.text, encoding="utf-8")
        done = call("check", "--config", file, env={**ENVIRONMENT, "RUPT_API_SECRET": "s"})
        assert done.code == 0, done.err

    def _including(self, text: str) -> Path:
        (self._scratch / "part.yaml").write_text(text, encoding="utf-8")
        file = write_config(self._scratch, settings=["api_secret: s"])
        config = file.read_text(encoding="utf-8").partition("mappings:")[0] + "include: [part.yaml]\n"
        file.write_text(config, encoding="utf-8")
        return file

    def _problems(self, block: Block) -> None:
        """Write the source lines that are shown into the file that `init` writes, and check it."""
        folder = self._scratch / f"line-{block.line}"
        folder.mkdir()
        assert self._shell.run(f"cd {folder} && rupt-connector init")[0] == 0
        file = folder / "rupt.yaml"
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, source in re.findall(r"^ *(\d+) \| (.*)$", block.text, re.MULTILINE):
            lines[int(number) - 1] = source
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        _, output = self._shell.run(f"cd {folder} && RUPT_CLIENT_ID=c rupt-connector check")
        assert is_shown(("...", *block.lines, "..."), output), f"this is not what was printed:\n{output}"


def check_shown(command: Command, output: str) -> None:
    """Compare what is shown below a command, if anything is, with what it printed."""
    shown = tuple(line for line in command.shown if line.strip())
    printed = "\n".join(line for line in output.splitlines() if line.strip())
    assert not shown or is_shown(shown, printed), f"{command.text!r} printed:\n{output}"


def read_url(process: "subprocess.Popen[str]") -> str:
    """Wait for the line in which a server says where it listens."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if found := _URL.search(line):
            return found[0]
    raise AssertionError(f"it ended:\n{told}")


def call_url(url: str) -> int:
    """Ask for a page; give the status."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as answer:
        return int(answer.status)


def parts_of(shape: str) -> list[str]:
    """Split what stands in braces by its commas, not by those in inner braces."""
    depth, parts = 0, [""]
    for char in shape.strip()[1:-1]:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def keys_of(shape: str) -> list[str]:
    """List the keys in a shape."""
    return [json.loads(part.partition(":")[0]) for part in parts_of(shape)]


def check_shapes(block: Block, folder: Path) -> None:
    """Compare the keys of each kind of row with those that a dry run prints for such an event."""
    events = write_events(
        folder / "shapes.ndjson",
        page(1, context={"traits": {"phone": "12"}}),
        page(2, anonymousId=None),
        page(3, userId=None),
        {"type": "track", "event": "Other", "userId": "user-1"},
        {"type": "track", "userId": "user-1"},
    )
    config = write_config(folder, settings=["max_event_age: none"])
    rows = {row["outcome"]: row for row in call("replay", "--dry-run", "--json", events, "--config", config).rows}
    for shape in block.lines:
        outcome = re.findall(r'"outcome": "(\w+)"', shape)[0]
        assert list(rows[outcome]) == keys_of(shape), outcome
        inner = [part.partition(":") for part in parts_of(shape) if part.endswith("}")]
        assert all(list(rows[outcome][json.loads(key)]) == keys_of(keys) for key, _, keys in inner)
    assert set(rows) == {re.findall(r'"outcome": "(\w+)"', shape)[0] for shape in block.lines}


def check_layout(block: Block) -> None:
    """Find every module and folder that the layout names in its left half."""
    above: list[tuple[int, Path]] = []
    for line in block.lines:
        if not (names := left_of(line)):
            continue
        indent = len(line) - len(line.lstrip())
        above = [(at, folder) for at, folder in above if at < indent]
        folder = above[-1][1] if above else ROOT
        for name in names:
            assert list(folder.glob(name)) or list((ROOT / "connector").glob(name)), f"there is no {name}"
        if names[0].endswith("/"):
            above.append((indent, folder / names[0]))


def left_of(line: str) -> list[str]:
    """List the file names with which a line begins."""
    names = []
    for word in line.split():
        if not re.fullmatch(r"[\w*/.-]+(\.py|\.sql|/)", word):
            break
        names.append(word)
    return names


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, str]]:
    """Run all blocks in their order; give what is wrong with each, by its line."""
    folder = tmp_path_factory.mktemp("readme")
    twin = Shell(tmp_path_factory.mktemp("twin") / "work")
    twin.folder.mkdir()
    with twin.start("rupt-connector twin --port 0 --log twin.ndjson") as process:
        try:
            session = Session(folder / "work", read_url(process))
            yield {block.line: tried(lambda block=block: session.run(block)) for block in BLOCKS}  # type: ignore[misc]
        finally:
            process.kill()


def tried(run: Callable[[], None]) -> str:
    """Say what went wrong, nothing when all is well: the other blocks run all the same."""
    try:
        run()
    except AssertionError as error:
        return str(error) or "an assertion failed"
    except Exception as error:
        return repr(error)
    return ""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.language}-{block.line}")
def test_every_example_is_right(block: Block, told: dict[int, str]) -> None:
    """What the README shows is what happens."""
    assert told[block.line] == "", f"README.md:{block.line}"


def test_a_block_without_a_rule_is_wrong(tmp_path: Path) -> None:
    """Nothing in the README escapes: a block that no rule runs is told, and so is an output that differs."""
    session = Session(tmp_path / "work", "")
    assert "no rule" in tried(lambda: session.run(Block("", ("x",), "", 1)))
    assert "no rule" in tried(lambda: session.run(Block("text", ("x",), "", 1)))
    assert "no rule" in tried(lambda: session.run(Block("console", ("$ rm -r x",), "", 1)))
    assert "printed" in tried(lambda: session.run(Block("console", ("$ rupt-connector --version", "x"), "", 1)))
    assert "ended with 2" in tried(lambda: session.run(Block("console", ("$ rupt-connector chek",), "", 1)))


def commands() -> dict[str, set[str]]:
    """Give the options of every command, those of `jobs retry` under that name."""
    found: dict[str, set[str]] = {}
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        inner = command.commands if isinstance(command, click.Group) else {}
        found |= {f"{name} {key}": options_of(value) for key, value in inner.items()}
        found[name] = options_of(command).union(*(options_of(value) for value in inner.values()))
    return found


def options_of(command: click.Command) -> set[str]:
    """List the options of a command as one writes them."""
    return {text for parameter in command.params for text in (*parameter.opts, *parameter.secondary_opts)}


def named_in(cell: str) -> list[str]:
    """List the commands that the first cell of a row names."""
    spans = re.findall(r"`([^`]+)`", cell)
    return [" ".join(re.findall(r"[a-z][a-z-]*(?= |$)", span)) or span for span in spans]


def test_the_table_names_every_command() -> None:
    """The commands in the table are those that there are, and so are the subcommands in the server's table."""
    rows = [name.split()[0] for row in table_rows(TEXT, "The commands") for name in named_in(row[0])]
    assert sorted(rows) == sorted(COMMANDS)
    for row in table_rows(TEXT, "To see and mend"):
        for span in re.findall(r"`([^`]+)`", row[0]):
            assert command_of(span) or pytest.fail(f"there is no {span}")


def command_of(span: str) -> str:
    """Find the command that a span of code names at its start, the longest there is; "" for none."""
    words = span.removeprefix("rupt-connector ").split()
    known = commands()
    return next((name for name in (" ".join(words[:2]), " ".join(words[:1])) if name in known), "")


def test_every_option_exists() -> None:
    """Every option that the README names is one of the command it stands with, or of some command or bench."""
    known = commands()
    everywhere = {"--help", "--version"}.union(*known.values())
    benches = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "bench").glob("*.py"))
    of_benches = set(re.findall(r"--[a-z-]+", benches))
    wrong = []
    lines = [command.text for block in BLOCKS if block.language == "console" for command in commands_of(block)]
    for span in [*spans_of(TEXT), *lines]:
        allowed = {*known.get(command_of(span), everywhere | of_benches), "--help"}
        wrong += [f"{option} in {span}" for option in re.findall(r"--[a-z][a-z-]*", span) if option not in allowed]
    assert wrong == []


def test_options_in_the_table_belong_to_their_command() -> None:
    """An option in a row of the table of commands is one of that command."""
    known = commands()
    for heading in ("The commands", "To see and mend"):
        for row in table_rows(TEXT, heading):
            own = set().union(*(known[command_of(span)] for span in re.findall(r"`([^`]+)`", row[0])))
            assert set(re.findall(r"--[a-z][a-z-]*", row[1])) <= own | {"--help"}, row[0]


def test_no_option_hides_outside_code() -> None:
    """An option is written as code, so that the tests above see it."""
    bare = re.sub(r"`[^`]+`", "", prose_of(TEXT))
    assert re.findall(r"(?<![\w-])--[a-z][a-z-]+", bare) == []


def test_exit_codes_are_those_of_the_command() -> None:
    """The README lists every exit code that the help does."""
    listed = call("--help").out.partition("Exit codes:")[2]
    codes = re.findall(r"(\d+) [a-z]", listed)
    after = TEXT.partition("Exit codes: ")[2].partition("\n\n")[0]
    assert [code for code in codes if not re.search(rf"(?<!\d){code} ", after)] == []
