"""Problems as a person reads them: code and message, place, the line with its carets, help and fix.

In: problems. Out: lines on standard error, within the columns there are, coloured on a terminal only.
"""

from collections.abc import Sequence
from typing import Final

from connector.cli.painting import Line, Painter, Style, cells, counted
from connector.errors import Fix, Problem, Severity

_STYLES: Final[dict[Severity, Style]] = {"error": "red", "warning": "yellow", "note": "blue"}
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")


def print_problem(painter: Painter, problem: Problem) -> None:
    """Print a problem and an empty line."""
    style = _STYLES[problem.severity]
    painter.wrap((style, f"{problem.severity}[{problem.code}]"), ("bold", f": {problem.message}"))
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    painter.print(("dim", "  --> "), place)
    if problem.source:
        gutter = " " * len(str(problem.line))
        line, pad, carets = _window(problem, painter.columns - len(gutter) - 3)
        painter.print(("dim", f"{gutter} |"))
        painter.print(("dim", f"{problem.line} | "), line)
        painter.print(("dim", f"{gutter} | "), pad, (style, carets))
    if problem.help:
        painter.wrap(("cyan", "help: "), problem.help, indent=2, hang=6)
    if problem.fix:
        painter.wrap(("green", "fix: "), f"{problem.fix.title} ({_option_for(problem.fix)})", indent=2, hang=5)
    painter.print("")


def _option_for(fix: Fix) -> str:
    return "--fix" if fix.safe else "--unsafe-fixes"


def _window(problem: Problem, width: int) -> tuple[str, str, str]:
    """Cut a line of the file to what fits around its carets; its tabs are spaces, so that these stand below it.

    Gives the line, the spaces before the carets, and the carets. What is cut off is an ellipsis.
    """
    line, start = problem.source.replace("\t", " "), problem.column - 1
    end = start + max(1, problem.width)
    if cells(line) > width:
        shown = max(20, width * len(line) // cells(line))  # some characters take two columns
        first = max(0, min(start - shown // 4, len(line) - shown)) if end > shown - 1 else 0
        before, behind = "…" if first else "", "…" if first + shown < len(line) else ""
        line = before + line[first + len(before) : first + shown - len(behind)] + behind
        start, end = start - first, min(end - first, len(line))
    return line, " " * cells(line[:start]), "^" * max(1, cells(line[start:end]))


def count_problems(problems: Sequence[Problem], *, notes: bool) -> str:
    """Say how many problems there are of each severity, and how many can be mended."""
    counts = [(severity, sum(p.severity == severity for p in problems)) for severity in SEVERITIES]
    told = [counted(number, severity) for severity, number in counts if number and (notes or severity != "note")]
    hidden = 0 if notes else sum(p.severity == "note" for p in problems)
    told += [f"{counted(hidden, 'note')} (--notes prints {'it' if hidden == 1 else 'them'})"] if hidden else []
    return ", ".join(told) + mendable([p for p in problems if notes or p.severity != "note"])


def mendable(problems: Sequence[Problem]) -> str:
    """Say how many of these problems which option mends; nothing when none does."""
    safe = sum(problem.fix is not None and problem.fix.safe for problem in problems)
    unsafe = sum(problem.fix is not None and not problem.fix.safe for problem in problems)
    told = [f"--fix mends {safe:,} of them"] if safe else []
    told += [f"--unsafe-fixes {'' if safe else 'mends '}{unsafe:,}{' more' if safe else ' of them'}"] if unsafe else []
    return f"; {', '.join(told)}" if told else ""


def by_severity(problems: Sequence[Problem]) -> list[Problem]:
    """Order problems: errors, warnings, notes, each by place."""
    return sorted(problems, key=lambda p: (SEVERITIES.index(p.severity), p.file, p.line, p.column))


def line_of_fix(problem: Problem) -> Line:
    """Say what was mended, and where."""
    title = problem.fix.title if problem.fix else ""
    return (("green", "fixed"), f" {problem.file}:{problem.line}:{problem.column} {problem.code}: {title}")


def line_of_refusal(problem: Problem, why: str) -> Line:
    """Say what was not mended, where, and why not."""
    title = problem.fix.title if problem.fix else ""
    place = f"{problem.file}:{problem.line}:{problem.column}"
    return (("yellow", "not mended"), f" {place} {problem.code}: {title}: {why}")
