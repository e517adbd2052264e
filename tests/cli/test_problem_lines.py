"""A problem's line and its carets, cut to the columns there are."""

import io

from hypothesis import given
from hypothesis import strategies as st

from connector.cli.painting import Painter, cells
from connector.cli.problem_lines import print_problem
from connector.cli.streams import Streams
from connector.positions import make_source


def printed(line: str, start: int, end: int) -> list[str]:
    """Print a problem of a slice of a line; give the line and its carets without what stands before them."""
    words = io.StringIO()
    problem = make_source("a.yaml", line).problem("wrong_value", "it is wrong", start, end)
    print_problem(Painter(Streams(io.BytesIO(), io.BytesIO(), words, {}), words=True), problem)
    return [told[4:] for told in words.getvalue().splitlines()[3:5]]


@given(st.text("ab ", min_size=1, max_size=300), st.integers(0, 300), st.integers(1, 30))
def test_the_carets_stand_below_what_they_show(line: str, start: int, width: int) -> None:
    """However long the line is, at most 80 columns are printed, and the carets show the first of what is wrong."""
    start = min(start, len(line) - 1)
    text = f"{line[:start]}{'X' * width}{line[start:]}."
    shown, carets = printed(text, start, start + width)
    assert 4 + max(cells(shown), cells(carets)) <= 80
    below = shown[carets.index("^") : carets.rindex("^") + 1]
    assert below == "X" * width


def test_a_short_line_is_printed_whole() -> None:
    """Where there is room nothing is cut; a tab is a space, so that the carets stand right."""
    assert printed("name:\tvalue # c", 6, 11) == ["name: value # c", "      ^^^^^"]


def test_wide_characters_are_counted() -> None:
    """The carets are as wide as what they stand below, on a terminal."""
    assert printed("名: 値", 3, 4) == ["名: 値", "    ^^"]
    assert 4 + cells(printed("漢" * 200, 100, 103)[0]) <= 80
