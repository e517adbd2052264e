"""Lines for a person: escaped, within their columns, coloured on a terminal only."""

import io

from hypothesis import given
from hypothesis import strategies as st

from connector.cli.painting import Line, Painter, cells, padded, plain, wrapped
from connector.cli.streams import Streams, on_one_line
from tests.cli.command import Screen

WORDS: Line = (("bold", "Attach Device"), " takes ", ("green", "it"), " and sends what is known of the user")


def printed(stdout: io.BytesIO, *parts: str | tuple[str, str], env: dict[str, str] | None = None) -> str:
    """Print a line and give what arrived."""
    painter = Painter(Streams(io.BytesIO(), stdout, io.StringIO(), env or {}))
    painter.print(*parts)  # type: ignore[arg-type]  # styles are written as plain texts here
    return stdout.getvalue().decode()


def test_colour_is_for_a_terminal_only() -> None:
    """A file or pipe gets the text alone; so does a terminal that asks for no colour."""
    assert printed(io.BytesIO(), ("red", "no")) == "no\n"
    assert printed(Screen(), ("red", "no")) == "\x1b[31mno\x1b[0m\n"
    assert printed(Screen(), ("red", "no"), env={"NO_COLOR": "1"}) == "no\n"
    assert printed(Screen(), ("red", "no"), env={"TERM": "dumb"}) == "no\n"


def test_foreign_text_obeys_nothing() -> None:
    """What a terminal would obey is escaped, with a style and without."""
    assert printed(io.BytesIO(), "a\x1b[31m", ("red", "b\r\n")) == "a\\x1b[31mb\\r\\n\n"


def test_a_terminal_says_how_wide_it_is() -> None:
    """COLUMNS counts on a terminal, and off one there are 80."""
    wide = Streams(io.BytesIO(), Screen(), io.StringIO(), {"COLUMNS": "40"})
    assert Painter(wide).columns == 40
    assert Painter(Streams(io.BytesIO(), io.BytesIO(), io.StringIO(), {"COLUMNS": "40"})).columns == 80


def test_a_long_line_breaks_between_words() -> None:
    """Each piece fits, further ones hang, and styles stay with their words."""
    lines = list(wrapped(WORDS, 30, indent=2, hang=4))
    assert [plain(line) for line in lines] == [
        "  Attach Device takes it and",
        "      sends what is known of",
        "      the user",
    ]
    assert ("green", "it") in lines[0]


def test_a_short_line_stays_as_it_is() -> None:
    """Where there is room nothing is changed, several spaces included."""
    assert list(wrapped(("a   b",), 30, indent=2)) == [("  ", "a   b")]


@given(st.lists(st.text(alphabet="ab \t\x1bé漢", max_size=40), max_size=5), st.integers(20, 60))
def test_nothing_is_lost_by_breaking(texts: list[str], columns: int) -> None:
    """All that is not white space comes out, in its order."""
    line: Line = tuple(("red", text) for text in texts)
    pieces = "".join(on_one_line(plain(piece)) for piece in wrapped(line, columns))
    assert "".join(pieces.split()) == "".join(on_one_line("".join(texts)).split())


def test_wide_characters_take_two_columns() -> None:
    """A column is what the terminal has, not a character."""
    assert cells("漢字é") == 5
    assert padded("漢", 4) == "漢  "
