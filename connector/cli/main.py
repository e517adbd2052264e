"""The command `rupt-connector`: finds the command's own file, runs it, turns errors into words and an exit code.

0 done · 1 a check or test failed · 2 wrong usage or configuration · 3 refused credentials · 4 some deliveries failed ·
5 plan found changes · 6 the ledger does not balance · 130 interrupted · 141 nobody reads the output any more.
"""

import copy
import importlib
import io
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import BinaryIO, Final, TextIO

import click

from connector.cli.help import HELP
from connector.cli.streams import Streams
from connector.errors import ConnectorError, DestinationError, closest

COMMANDS: Final = {
    "init": "Write a first rupt.yaml.",
    "check": "Check a destination file and run the tests in it.",
    "test": "Run the tests of a destination file, and of the files beside it.",
    "explain": "Say which mappings an event matches and what they make of it.",
    "plan": "Say what an edit of the file changes on recorded events.",
    "replay": "Send recorded events to Rupt, or say what would be sent.",
    "record": "Write recorded events with pseudonyms, for version control.",
    "serve": "Receive events from SDKs and webhooks, and deliver them.",
    "jobs": "List, explain, send again or drop what waits, is held or is dead.",
    "why": "Tell the whole life of an event.",
    "audit": "Say whether everything accepted is accounted for.",
    "forget": "Erase what is stored of an account.",
    "twin": "Run a stand-in for Rupt to try things on.",
    "schema": "Print a JSON Schema, or the reference of the directives.",
    "import-segment": "Turn Segment's subscriptions into a destination file.",
    "demo": "Replay recorded events against the stand-in, from nothing.",
}
_CODES: Final = """\
Exit codes: 0 done, 1 a check or test failed, 2 wrong usage or configuration, 3 refused credentials,
4 some deliveries failed, 5 plan found changes, 6 the ledger does not balance, 130 interrupted."""


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.find_object(Streams).print(f"rupt-connector {_version()}")  # type: ignore[union-attr]  # as above
        ctx.exit()


def _version() -> str:
    metadata = importlib.import_module("importlib.metadata")  # 20 ms that nothing else needs
    try:
        version: str = metadata.version("rupt-connector")
    except metadata.PackageNotFoundError:
        return "(not installed: run from its source)"
    return version


_VERSION: Final = click.Option(
    ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)


class _Commands(click.Group):
    """Imports a command when it is called: starting up costs only what the command needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"connector.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        command = copy.copy(command)
        command.params = [*command.params, HELP]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called, or say which was meant."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            help = closest(args[0], COMMANDS) or f"the commands are {', '.join(COMMANDS)}"
            ctx.fail(f"there is no command {args[0]!r}; {help}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    params=[_VERSION, HELP],
    epilog=_CODES,
    context_settings={"help_option_names": [], "max_content_width": 100},
)
def group() -> None:
    """Bring Segment events to Rupt: YAML mappings, validated payloads, replay."""


def run(
    args: Sequence[str], *, stdin: BinaryIO, stdout: BinaryIO, stderr: TextIO, env: Mapping[str, str] | None = None
) -> int:
    """Run one command on the streams given and return its exit code; no error of ours leaves as a traceback."""
    streams = Streams(stdin, stdout, stderr, os.environ if env is None else env)
    try:
        with group.make_context("rupt-connector", list(args), obj=streams) as context:  # main() swallows broken pipes
            code = group.invoke(context)
    except click.exceptions.Exit as exit:
        code = exit.exit_code
    except click.ClickException as error:
        streams.say(_usage(error))
        code = 2
    except (click.Abort, KeyboardInterrupt):
        streams.say("interrupted")
        code = 130
    except DestinationError as error:
        streams.say(str(error) + _count(len(error.problems)))
        code = 2
    except ConnectorError as error:
        streams.say(f"error: {error}")
        code = 2
    except BrokenPipeError:
        code = 141
    except OSError as error:
        streams.say(f"error: {error.filename or 'the output cannot be written'}: {error.strerror or error}")
        code = 2
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        command, file = error.ctx.command_path, _extra_file(error)
        if file and any("--config" in parameter.opts for parameter in error.ctx.command.params):
            return f"error: {error.format_message()}\n  help: write {command} --config {file}"
        return f"error: {error.format_message()}\n  help: {error.ctx.command_path} --help"
    return f"error: {error.format_message()}"


def _extra_file(error: click.UsageError) -> str:
    """Give the file that was written where a command takes none."""
    found = re.fullmatch(r"Got unexpected extra argument \((\S+\.ya?ml)\)", error.format_message())
    return found[1] if found else ""


def _count(problems: int) -> str:
    return f"\n\n{problems} problem{'' if problems == 1 else 's'}, nothing was done"


def main() -> None:
    """Run the command of this process and end the process with its exit code."""
    stderr = sys.stderr or io.StringIO()
    if sys.stdout is None:
        stderr.write("error: the standard output is closed; send it to /dev/null when nobody is to read it\n")
        sys.exit(2)
    code = run(sys.argv[1:], stdin=_stdin(), stdout=sys.stdout.buffer, stderr=stderr)
    try:
        sys.stdout.flush()
    except OSError:  # what is left in it would be tried again, with a traceback, when the process ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _stdin() -> BinaryIO:
    """Open standard input once more: Python aborts when it ends while a thread still reads from `sys.stdin`."""
    return io.BytesIO() if sys.stdin is None else open(sys.stdin.fileno(), "rb", closefd=False)


if __name__ == "__main__":
    main()
