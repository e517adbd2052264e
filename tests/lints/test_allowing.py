"""Comments that allow a warning where it stands."""

from pathlib import Path

import pytest

from tests.lints.inspecting import HEAD, fixed, found_in, mapping

PLAIN = """\
  - name: Mine
    action: attach
    {above}
    trigger: type = 'page' {behind}
    fields: {{account: $.userId}}
"""


def lines(*, above: str = "# c", behind: str = "# c") -> str:
    """Write a mapping whose trigger has single quotes, with comments above that line and behind it."""
    return PLAIN.format(above=above, behind=behind)


@pytest.mark.parametrize(
    "mapping",
    [
        lines(above="# check: allow segment_reads_otherwise"),
        lines(behind="# check: allow segment_reads_otherwise"),
        lines(above="# check: allow segment_reads_otherwise\n    # it is so at Segment\n"),
        lines(above="#check:allow never_holds, segment_reads_otherwise"),
        lines(above="# Check: Allow segment_reads_otherwise"),
        lines(above="# check: allow segment_reads_otherwise - it is so at Segment"),
        lines(above="# check: allow segment_reads_otherwise: it is so at Segment"),
        lines(above="# check: allow segment_reads_otherwise (it is so at Segment)"),
    ],
)
def test_a_comment_allows_a_code(mapping: str, tmp_path: Path) -> None:
    """A comment at the end of the line, or alone above it, keeps a warning of its code from being given."""
    codes = {problem.code for problem in found_in(tmp_path, mapping)}
    assert codes <= {"unused_allow"}


@pytest.mark.parametrize(
    "mapping",
    [
        lines(above="# check: allow never_holds"),
        PLAIN.format(above="# c", behind="").replace("fields:", "# check: allow segment_reads_otherwise\n    fields:"),
        lines(above='description: "# check: allow segment_reads_otherwise"'),
    ],
)
def test_a_comment_elsewhere_allows_nothing(mapping: str, tmp_path: Path) -> None:
    """Another code, another line, or a text that only looks like a comment allows nothing."""
    assert "segment_reads_otherwise" in {problem.code for problem in found_in(tmp_path, mapping)}


def test_a_text_over_several_lines_is_allowed_at_its_key(tmp_path: Path) -> None:
    """Where a comment cannot stand in a text, the line above its key is the place."""
    mapping = lines(above="# check: allow segment_reads_otherwise", behind="")
    folded = mapping.replace("type = 'page'", ">\n      type != \"alias\"\n      and type = 'page'")
    assert [problem.code for problem in found_in(tmp_path, folded)] == ["redundant_part"]


def test_a_comment_behind_the_sign_of_a_block_allows(tmp_path: Path) -> None:
    """Behind `>-` a comment is none of the text's, and speaks of the block."""
    mapping = lines(behind="").replace(
        "type = 'page'", ">- # check: allow segment_reads_otherwise\n      type = 'page'"
    )
    assert found_in(tmp_path, mapping) == []


@pytest.mark.parametrize("behind", [True, False])
def test_a_comment_at_a_key_speaks_of_all_under_it(behind: bool, tmp_path: Path) -> None:
    """A comment behind a key, or above it, allows a code in every line of the key's value, and not behind that."""
    comment = "# check: allow personal_data"
    value = "        home:\n          mail: $.context.traits.email\n        ip: $.context.ip\n"
    key = f"      metadata: {comment}\n" if behind else f"      {comment}\n      metadata:\n"
    head = '  - name: Mine\n    action: attach\n    trigger: type = "page"\n    fields:\n      account: userId\n'
    assert [problem.code for problem in found_in(tmp_path, head + key + value)] == ["literal_path"]


TWO = """\
  {above}
  - name: Mine
    action: attach
    {inside}
    trigger: type = 'page'
    fields:
      account: userId
  - {{name: Other, action: attach, trigger: "type = 'screen'", fields: {{account: a}}}}
"""


def test_a_comment_above_an_item_of_a_list_speaks_of_all_of_it(tmp_path: Path) -> None:
    """Above the first line of a mapping a comment allows a code in the whole mapping, and not in the next one."""
    text = TWO.format(above="# check: allow segment_reads_otherwise, literal_path - as it was", inside="# c")
    (problem,) = found_in(tmp_path, text)
    assert (problem.code, "'screen'" in problem.message) == ("segment_reads_otherwise", True)


def test_a_comment_behind_the_first_line_of_an_item_does_not(tmp_path: Path) -> None:
    """At the end of a mapping's first line a comment speaks of what stands in that line alone."""
    text = TWO.format(above="# c", inside="# c").replace("name: Mine", "name: Mine # check: allow literal_path")
    assert {"literal_path", "unused_allow"} <= {problem.code for problem in found_in(tmp_path, text)}


def test_a_comment_at_the_wrong_place_is_told_the_right_one(tmp_path: Path) -> None:
    """Where the same mapping has what a comment allows, the message names the line, and nothing removes the comment."""
    text = TWO.format(above="# c", inside="# check: allow literal_path")
    (idle,) = [one for one in found_in(tmp_path, text) if one.code == "unused_allow"]
    assert idle.message == "nothing here is literal_path: there is a literal_path at line 10"
    assert idle.help == "move the comment there, or above the whole mapping"
    assert idle.fix is None


def test_a_comment_does_not_speak_of_another_mapping(tmp_path: Path) -> None:
    """What another mapping has keeps no idle comment alive."""
    text = TWO.format(above="# c", inside="# check: allow literal_path").replace("userId", "$.userId")
    (idle,) = [one for one in found_in(tmp_path, text) if one.code == "unused_allow"]
    assert idle.fix is not None


def test_a_comment_below_a_mapping_speaks_of_no_other(tmp_path: Path) -> None:
    """Indented as the keys of the mapping before, a comment above an item does not speak of all of that item."""
    text = TWO.format(above="# c", inside="# c").replace("  - {name", "    # check: allow literal_path\n  - name")
    text = text.replace("Other, action", "Other\n    action").replace("attach, trigger", "attach\n    trigger")
    text = text.replace(", fields: {account: a}}", "\n    fields: {account: userId}")
    codes = [problem.code for problem in found_in(tmp_path, text)]
    assert codes.count("literal_path") == 2


@pytest.mark.parametrize("reason", [" - we test it elsewhere", ": we test it", " (we test it)", " -- elsewhere"])
def test_a_reason_is_no_code(reason: str, tmp_path: Path) -> None:
    """What follows the codes is the reason, of which nothing is said."""
    text = mapping('type = "page"').replace("name: Mine", f"name: Mine # check: allow no_tests{reason}")
    assert found_in(tmp_path, text, notes=True) == []


def test_a_comment_is_not_removed_unasked(tmp_path: Path) -> None:
    """Removing an idle comment is no safe fix: its reason would be lost, and another environment may need it."""
    (problem,) = found_in(tmp_path, lines(above="# check: allow never_holds", behind="").replace("'", '"'))
    assert problem.fix is not None
    assert not problem.fix.safe


def test_a_comment_that_allows_nothing_is_told_of(tmp_path: Path) -> None:
    """An idle comment is a warning, and the fix removes it, with its line where it stands alone."""
    text = lines(above="# check: allow never_holds", behind="").replace("'", '"')
    (problem,) = found_in(tmp_path, text)
    assert problem.code == "unused_allow"
    assert fixed(problem, tmp_path) == HEAD + text.replace("    # check: allow never_holds\n", "")


def test_a_comment_behind_something_is_removed_alone(tmp_path: Path) -> None:
    """The fix of an idle comment leaves what stands before it."""
    text = lines(above="# c", behind="# check: allow never_holds").replace("'", '"')
    (problem,) = found_in(tmp_path, text)
    assert fixed(problem, tmp_path) == HEAD + text.replace(" # check: allow never_holds", "")


@pytest.mark.parametrize("code", ["never_hold", "unknown_key"])
def test_only_warnings_and_notes_can_be_allowed(code: str, tmp_path: Path) -> None:
    """A code that there is not, or one of an error, is a warning of its own."""
    text = lines(above=f"# check: allow {code}", behind="").replace("'", '"')
    assert [problem.code for problem in found_in(tmp_path, text)] == ["unknown_allow"]


def test_notes_can_be_allowed(tmp_path: Path) -> None:
    """A comment allows a note as well."""
    text = mapping('type = "page"').replace("name: Mine", "name: Mine # check: allow no_tests")
    assert found_in(tmp_path, text, notes=True) == []
