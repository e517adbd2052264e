"""`rupt-connector schema`: the JSON Schemas, and the reference of the mapping directives."""

from collections.abc import Iterator
from typing import Final

import click

from connector.cli.streams import Streams
from connector.language.builtins import DIRECTIVES
from connector.language.directives import Directive, Option
from connector.schemas import load_schema
from connector.values import dump_json

NAMES: Final = ("destination", "event", "attach", "detach", "update_user")


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES), default="destination")
@click.option("--directives", is_flag=True, help="Print the reference of the mapping directives instead.")
@click.option("--json", "as_json", is_flag=True, help="With --directives: print one line of JSON for each.")
@click.pass_obj
def command(streams: Streams, name: str, directives: bool, as_json: bool) -> int:
    """Print a JSON Schema: of a destination file, of an event, or of what an action sends."""
    if not directives:
        streams.print_json(load_schema(name), pretty=True)
    elif as_json:
        for directive in DIRECTIVES:
            streams.print_json(_described(directive))
    else:
        streams.print("\n".join(line for directive in DIRECTIVES for line in _reference(directive)).rstrip())
    return 0


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
