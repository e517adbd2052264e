"""Test files beside a destination: which are found, how they are read, and what they are run against."""

from collections.abc import Callable
from pathlib import Path

import pytest

from connector.destination import Destination, load
from connector.errors import DestinationError, Problem, SourceError
from connector.testing import Group, gather, run_group
from connector.testing.gathering import Environment
from connector.variables import StandIns

CONFIG = """\
destination: rupt
settings: {client_id: "${CLIENT}", new_account_url: https://app.example.com/sign-up}
include: [more/*.yaml]
mappings:
  - {name: One, action: attach, trigger: type = "page", fields: {account: $.userId}}
  - {name: Off, action: attach, enabled: false, trigger: type = "page", fields: {account: $.userId}}
  - {name: Two, action: attach, trigger: type = "page", fields: {account: $.anonymousId}}
"""
MORE = """\
mappings: [{name: More, action: attach, trigger: type = "track", fields: {account: $.userId}}]
"""
SUITE = "environment: {CLIENT: an-id}\ntests: [{name: it, mapping: One, event: {type: page, userId: u}, expect: {}}]\n"
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the folder of a destination that includes another file."""

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    write("rupt.yaml", CONFIG)
    write("more/mappings.yaml", MORE)
    return write


def read(file: str, environment: Environment) -> Destination:
    """Load a destination file."""
    return load(file, environment)


def gathered(folder: Path, *paths: str, environment: Environment | None = None) -> list[Group]:
    """Gather the tests of a folder's destination."""
    given = {"CLIENT": "an-id"} if environment is None else environment
    return gather(str(folder / "rupt.yaml"), [str(folder / path) for path in paths], given, read)


def problems_of(folder: Path) -> tuple[Problem, ...]:
    """Gather tests that have problems, and give them."""
    with pytest.raises(DestinationError) as caught:
        gathered(folder)
    return caught.value.problems


def files(groups: list[Group], folder: Path) -> list[str]:
    """Name the groups."""
    return [f"{Path(group.file).relative_to(folder)} {group.mapping}".strip() for group in groups]


def test_what_is_found(tmp_path: Path, write: Write) -> None:
    """Tests beside mappings come first, then test files in the folders of the destination and of what it includes."""
    write("rupt_test.yaml", SUITE)
    write("b_test.yml", SUITE)
    write("more/m_test.yaml", SUITE)
    write("tests.yaml", SUITE)
    assert files(gathered(tmp_path), tmp_path) == [
        "rupt.yaml One",
        "rupt.yaml Off",
        "rupt.yaml Two",
        "more/mappings.yaml More",
        "b_test.yml",
        "more/m_test.yaml",
        "rupt_test.yaml",
    ]


def test_a_test_file_is_not_included(tmp_path: Path, write: Write) -> None:
    """A pattern of `include` does not mean the test files that it matches."""
    write("more/m_test.yaml", SUITE)
    destination = load(tmp_path / "rupt.yaml", {"CLIENT": "an-id"})
    assert [mapping.name for mapping in destination.mappings] == ["One", "Off", "Two", "More"]
    assert str(tmp_path / "more" / "m_test.yaml") not in destination.sources.files


def test_a_file_of_another_destination_is_passed_over(tmp_path: Path, write: Write) -> None:
    """A test file that names its destination is run with that one's tests only, unless it is asked for."""
    write("own_test.yaml", "destination: rupt.yaml\n" + SUITE)
    write("other_test.yaml", "destination: other.yaml\n" + SUITE)
    write("other.yaml", CONFIG.replace("One", "Else"))
    assert files(gathered(tmp_path), tmp_path)[4:] == ["own_test.yaml"]
    with pytest.raises(DestinationError, match="the destination has no mapping 'One'"):
        gathered(tmp_path, "other_test.yaml")


def test_paths_that_are_asked_for(tmp_path: Path, write: Write) -> None:
    """With paths, only the tests of these files and folders are run; a path may have any name."""
    write("rupt_test.yaml", SUITE)
    write("more/m_test.yaml", SUITE)
    write("mine.yaml", SUITE)
    assert files(gathered(tmp_path, "more", "mine.yaml"), tmp_path) == ["more/m_test.yaml", "mine.yaml"]
    write("empty/readme.txt", "")
    with pytest.raises(SourceError, match="holds no"):
        gathered(tmp_path, "empty")


def test_variables_of_a_test_file(tmp_path: Path, write: Write) -> None:
    """Its variables load the destination for its tests, and stand in where the environment has none."""
    write("rupt_test.yaml", SUITE)
    groups = gathered(tmp_path, environment={})
    assert groups[0].destination.settings.client_id == "an-id"
    groups = gathered(tmp_path, environment={"CLIENT": "real"})
    assert [groups[0].destination.settings.client_id, groups[-1].destination.settings.client_id] == ["real", "an-id"]


def test_variables_on_which_test_files_differ(tmp_path: Path, write: Write) -> None:
    """What test files give different values is no business of the tests beside mappings, whatever the files' names."""
    write("rupt.yaml", CONFIG.replace("${CLIENT}", "${CLIENT:-usual}"))
    write("a_test.yaml", SUITE)
    write("b_test.yaml", SUITE.replace("an-id", "other-id"))
    groups = gathered(tmp_path, environment={})
    assert [group.destination.settings.client_id for group in (groups[0], *groups[-2:])] == [
        "usual",
        "an-id",
        "other-id",
    ]
    write("rupt.yaml", CONFIG)
    with pytest.raises(DestinationError, match="the test files give CLIENT different values: set it in the env"):
        gathered(tmp_path, environment={})


def test_stand_ins_stay(tmp_path: Path, write: Write) -> None:
    """Where stand-ins fill what is unset, they do so beside a test file's variables too."""
    write("rupt_test.yaml", SUITE.replace("CLIENT", "OTHER"))
    groups = gathered(tmp_path, environment=StandIns({}))
    assert groups[-1].destination.settings.client_id == "https://unset.invalid/CLIENT"


WRONG = [
    ("«[]", "wrong_type", "write `tests:`"),
    ("«environment: {}", "missing_key", "write `tests:`"),
    ("{tests: [], «test: []}", "unknown_key", "did you mean 'tests'?"),
    ("{tests: [], destination: «5}", "wrong_type", "destination: rupt.yaml"),
    ("{tests: [], «environment: []}", "wrong_type", "NAME: value"),
    ("{tests: [], environment: {A: «5}}", "wrong_type", "put it in quotes"),
    ("{«mappings: []}", "wrong_value", "--config"),
    ("{tests: [{mapping: «Onne, event: {}, expect: {}}]}", "wrong_value", "did you mean 'One'?"),
    ("{tests: [{event: {}, expect_mappings: [One, «Too]}]}", "wrong_value", "did you mean 'Two'?"),
    ("{tests: [{event: {}, expect_mappings: {«One: {}}}]}", "wrong_type", "write true, or one of expect"),
    ("{tests: [{event: {}, expect_mappings: {«Too: true}}]}", "wrong_value", "did you mean 'Two'?"),
]


@pytest.mark.parametrize(("text", "code", "help"), WRONG)
def test_what_is_wrong(text: str, code: str, help: str, tmp_path: Path, write: Write) -> None:
    """Whatever is wrong with a test file is a problem with its place, and what to write instead."""
    file = write("rupt_test.yaml", text.replace("«", ""))
    (problem,) = problems_of(tmp_path)
    assert (problem.code, problem.file, problem.column) == (code, str(file), text.index("«") + 1)
    assert help in problem.help


def test_a_test_file_that_is_none(tmp_path: Path, write: Write) -> None:
    """A path that leads nowhere is a problem too, and so is a file that is no YAML; all are told at once."""
    write("a_test.yaml", "{")
    write("b_test.yaml", "")
    problems = problems_of(tmp_path)
    assert [problem.code for problem in problems] == ["bad_yaml", "empty_file"]
    assert problems[1].help == "write `tests:` and tests under it"
    with pytest.raises(DestinationError, match=r"there is no file .*nowhere.yaml(?s:.)*c_test.yaml:1:15"):
        gathered(tmp_path, str(write("c_test.yaml", "{destination: nowhere.yaml, tests: []}").name))
    with pytest.raises(DestinationError, match="No such file"):
        gathered(tmp_path, "nowhere_test.yaml")


PAGE = "{type: page, userId: u, anonymousId: a, messageId: m}"
WHOLE = [
    (f"event: {PAGE}, expect_mappings: [Two, One]", ""),
    (f"event: {PAGE}, expect_mappings: {{One: {{expect: {{account: u}}}}, Two: true}}", ""),
    ("event: {type: screen, userId: u}, expect_mappings: []", ""),
    ("event: {type: screen, userId: u}, expect_filtered: true", ""),
    ("event: {type: screen, userId: u}, expect_filtered: NO_MATCHING_MAPPING", ""),
    (
        "event: {type: page, userId: u, integrations: {All: false}}, expect_filtered: FILTERED_BY_INTEGRATIONS_OBJECT",
        "",
    ),
    (f"event: {PAGE}, expect_mappings: [One]", "Two takes the event too"),
    (f"event: {PAGE}, expect_mappings: [One, Two, More]", "More does not take the event: NO_MATCHING_MAPPING"),
    (f"event: {PAGE}, expect_mappings: [One, Two, Off]", "Off does not take the event: it is switched off"),
    (f"event: {PAGE}, expect_mappings: {{One: {{expect: {{account: x}}}}, Two: true}}", 'One: account: expected "x"'),
    (f"event: {PAGE}, expect_filtered: true", "expected filtered, found that One, Two take the event"),
    ("event: {type: screen, userId: u}, expect_filtered: CONSENT", "expected a reason with 'CONSENT'"),
    ("event: {type: page}, expect_mappings: []", "the event would be discarded: no_user_anon_id"),
]


@pytest.mark.parametrize(("test", "text"), WHOLE)
def test_the_whole_destination(test: str, text: str, tmp_path: Path, write: Write) -> None:
    """Without `mapping`, exactly the named mappings must take the event, and each may have expectations of its own."""
    write("rupt_test.yaml", f"tests: [{{{test}}}]")
    (result,) = run_group(gathered(tmp_path)[-1])
    assert "; ".join(result.texts).startswith(text)
    assert bool(result.texts) == bool(text)
