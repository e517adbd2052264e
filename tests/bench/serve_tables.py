"""Tables of the benches of `serve`: what each candidate's turns gave, as medians in columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

_FIRST: Final = 18  # the width of the candidates' names


class Column(NamedTuple):
    """A column: its words, the field of a run, how its figure is printed, and what makes one of all turns."""

    words: str
    field: str
    form: str = ",.0f"
    join: Callable[[Iterable[float]], float] = median


def show(title: str, columns: Sequence[Column], found: Mapping[str, Sequence[object]]) -> None:
    """Print a row for each candidate."""
    print(f"\n{title}\n  {'':<{_FIRST}}" + "".join(f"{column.words:>{_width(column)}}" for column in columns))
    for name, runs in found.items():
        print(f"  {name:<{_FIRST}}" + "".join(_cell(column, runs) for column in columns), flush=True)


def line(columns: Sequence[Column], run: object | None = None) -> str:
    """Give one run's figures, or the words above them."""
    if run is None:
        return "".join(f"{column.words:>{_width(column)}}" for column in columns)
    return "".join(_cell(column, [run]) for column in columns)


def ratio(ours: Sequence[object], theirs: Sequence[object], field: str) -> float:
    """Give the median of the turns' ratios: what goes on besides on this machine slows both of one turn."""
    return median(
        float(getattr(mine, field)) / float(getattr(other, field)) for mine, other in zip(ours, theirs, strict=True)
    )


def _cell(column: Column, runs: Sequence[object]) -> str:
    return f"{column.join(getattr(run, column.field) for run in runs):>{_width(column)}{column.form}}"


def _width(column: Column) -> int:
    return max(len(column.words), 6) + 2
