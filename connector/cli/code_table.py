"""The reference of all codes, as `check --codes` prints it: for a person, for programs, or for a README."""

from typing import Literal, TypeAlias

from connector.cli.painting import Painter
from connector.cli.streams import Streams
from connector.codes import CODES, GROUPS

Form: TypeAlias = Literal["text", "json", "markdown"]


def print_codes(streams: Streams, form: Form) -> None:
    """Print every code with its severity and explanation, in groups."""
    if form == "json":
        for group in GROUPS:
            for code, words in group.codes.items():
                row = {"code": code, "severity": group.severity, "group": group.title, "explanation": words}
                streams.print_json(row)
    elif form == "markdown":
        streams.print(codes_as_markdown())
    else:
        _print_text(Painter(streams))


def _print_text(painter: Painter) -> None:
    width = max(map(len, CODES))
    for number, group in enumerate(GROUPS):
        if number:
            painter.print("")
        painter.wrap(("bold", group.title), ("dim", f" ({group.severity}s)"))
        for code, words in group.codes.items():
            painter.wrap(("cyan", code), " " * (width - len(code) + 2), words, indent=2, hang=width + 2)


def codes_as_markdown() -> str:
    """Write the reference as tables of Markdown."""
    lines: list[str] = []
    for group in GROUPS:
        lines += [f"**{group.title}** ({group.severity}s)", "", "| code | what it says |", "|---|---|"]
        lines += [f"| `{code}` | {words.replace('|', chr(92) + '|')} |" for code, words in group.codes.items()]
        lines.append("")
    return "\n".join(lines).rstrip()
