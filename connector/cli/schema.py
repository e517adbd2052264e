"""`rupt-connector schema`: the JSON Schemas, written for editors or printed, and the reference of the directives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from connector.cli.options import DEFAULT_CONFIG
from connector.cli.schema_files import editor_files, read_schema
from connector.cli.streams import Streams
from connector.editors import SCHEMAS
from connector.errors import UsageError, closest
from connector.language.builtins import DIRECTIVES
from connector.language.directives import Directive, Option
from connector.schemas import load_schema
from connector.values import JSON, dump_json

NAMES: Final = (*SCHEMAS, "event", "attach", "detach", "update_user")


@click.command("schema")
@click.argument("name", metavar="[NAME|FILE|DIR]", default="")
@click.option("--write", is_flag=True, help="Write what editors need, or bring it up to date: see below.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when --write would.")
@click.option("--directives", is_flag=True, help="Print the reference of the mapping directives instead.")
@click.option("--json", "as_json", is_flag=True, help="With --directives: print one line of JSON for each.")
@click.pass_obj
def command(streams: Streams, *, name: str, write: bool, check: bool, directives: bool, as_json: bool) -> int:
    """Print a JSON Schema: destination (a destination file), tests (a *_test.yaml), event, attach, detach, update_user.

    --write writes destination.schema.json and tests.schema.json: to where the first line of FILE (rupt.yaml, a
    *_test.yaml) says, or into DIR. With them an editor that speaks yaml-language-server completes and explains every
    key.
    """
    if write or check:
        return _refresh(streams, name, write=not check)
    if not directives:
        streams.print_json(_schema(name or "destination"), pretty=True)
    elif as_json:
        for directive in DIRECTIVES:
            streams.print_json(_described(directive))
    else:
        streams.print("\n".join(line for directive in DIRECTIVES for line in _reference(directive)).rstrip())
    return 0


def _schema(name: str) -> dict[str, JSON]:
    if name not in NAMES:
        help = closest(name, NAMES) or f"the schemas are {', '.join(NAMES)}"
        raise UsageError(f"there is no schema {name!r}; {help}")
    return SCHEMAS[name]() if name in SCHEMAS else load_schema(name)


def _refresh(streams: Streams, target: str, *, write: bool) -> int:
    """Write each schema that is missing or another than it should be, or only say so; 1 when it was only said."""
    default = DEFAULT_CONFIG if Path(DEFAULT_CONFIG).exists() else "."
    files = editor_files(Path(target or default))
    stale = {path: text for path, text in files.texts.items() if read_schema(path) != text}
    for path, text in stale.items():
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        streams.say(f"{path} {'written' if write else 'is missing or not up to date'}")
    if stale and files.hint:
        streams.say(files.hint)
    if stale and not write:
        streams.say(f"  help: rupt-connector schema --write{f' {target}' if target else ''}")
    return 1 if stale and not write else 0


def _reference(directive: Directive) -> Iterator[str]:
    yield f"{directive.name}  {directive.summary}"
    for option in directive.options:
        name = "" if directive.form == "bare" else f"{option.name}: "
        yield f"    {name}{option.summary}{_limits(option)}"
    if directive.one_of:
        yield f"    Exactly one of {' and '.join(directive.one_of)} must be there."
    for example in directive.examples:
        note = f"  ({example.note})" if example.note else ""
        yield f"    {dump_json(example.mapping).decode()} gives {dump_json(example.result).decode()}{note}"
    yield ""


def _limits(option: Option) -> str:
    limits = [
        "required" if option.required else "",
        f"one of {', '.join(option.choices)}" if option.choices else "",
        f"at most {option.longest:,} characters" if option.longest else "",
        "a text or a directive" if option.dynamic else "",
        f"default {dump_json(option.default).decode()}" if option.default is not None else "",
    ]
    said = "; ".join(limit for limit in limits if limit)
    return f" [{said}]" if said else ""


def _described(directive: Directive) -> dict[str, object]:
    return {
        "name": directive.name,
        "summary": directive.summary,
        "form": directive.form,
        "one_of": directive.one_of,
        "options": [
            {
                "name": option.name,
                "kind": option.kind,
                "summary": option.summary,
                "required": option.required,
                "choices": option.choices,
                "longest": option.longest,
                "default": option.default,
            }
            for option in directive.options
        ],
        "examples": [
            {"mapping": example.mapping, "event": example.event, "result": example.result, "note": example.note}
            for example in directive.examples
        ],
    }
