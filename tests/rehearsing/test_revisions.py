"""Revisions of a destination file: how `REV` and `REV:path` are read, what is refused, and what is written."""

import os
import subprocess
from pathlib import Path

import pytest

from connector.errors import UsageError
from connector.rehearsing.revisions import find_revision, write_revision


def git(folder: Path, *words: str) -> None:
    """Run git in a folder."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a repository with a destination file below its top, which includes another file; both were edited."""
    folder = tmp_path / "repository"
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "rupt.yaml").write_text("include: [more/*.yaml]\n", encoding="utf-8")
    (folder / "conf" / "more").mkdir()
    (folder / "conf" / "more" / "one.yaml").write_text("name: old\n", encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "first")
    (folder / "conf" / "rupt.yaml").write_text("include: []\n", encoding="utf-8")
    (folder / "conf" / "more" / "one.yaml").write_text("name: new\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("text", ["HEAD", "HEAD:conf/rupt.yaml", "main:conf/more/../rupt.yaml"])
def test_a_revision_with_a_path_or_without(repository: Path, text: str) -> None:
    """A revision alone means the file as it is called now; a path leads from the top."""
    found = find_revision(text, "conf/rupt.yaml")
    assert (found.name, found.path) == (text.partition(":")[0], "conf/rupt.yaml")
    assert found.top == os.path.realpath(repository)
    assert found.label == f"{found.name}:"


def test_a_path_from_this_folder(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder below the top, `REV:./file` is the file there."""
    monkeypatch.chdir(repository / "conf")
    assert find_revision("HEAD:./rupt.yaml", "rupt.yaml").path == "conf/rupt.yaml"
    with pytest.raises(UsageError, match=r"HEAD has no file rupt\.yaml"):
        find_revision("HEAD:rupt.yaml", "rupt.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere", "'nowhere' is neither a file nor a revision"),
        ("nowhere:conf/rupt.yaml", "'nowhere:conf/rupt.yaml' is neither a file nor a revision"),
        ("--all", "'--all' is neither a file nor a revision"),
        (":conf/rupt.yaml", "names a file in git's index"),
        ("HEAD:conf", "HEAD has no file conf"),
        ("HEAD:conf/none.yaml", "HEAD has no file conf/none.yaml"),
        ("old.yaml", "there is no file 'old.yaml'"),
    ],
)
def test_what_is_no_revision(repository: Path, text: str, said: str) -> None:
    """A revision that is not known, and a file that it has not, are refused with what to do; no word is an option."""
    with pytest.raises(UsageError) as refused:
        find_revision(text, "conf/rupt.yaml")
    assert said in str(refused.value)
    assert "help: " in str(refused.value)


@pytest.mark.parametrize("is_committed", [False, True])
def test_the_old_name_of_a_renamed_file_is_said(repository: Path, is_committed: bool) -> None:
    """Git knows of a rename, be it committed or not: the help names the file as the revision has it, ready to give."""
    git(repository, "checkout", "-q", ".")
    git(repository, "mv", "conf/rupt.yaml", "conf/new name.yaml")
    if is_committed:
        git(repository, "commit", "-qm", "second")
    name = "HEAD~1" if is_committed else "HEAD"
    with pytest.raises(UsageError, match=f"help: it was conf/rupt.yaml then: --from '?{name}:conf/rupt.yaml'?$"):
        find_revision(name, "conf/new name.yaml")
    assert find_revision(f"{name}:conf/rupt.yaml", "conf/new name.yaml").path == "conf/rupt.yaml"


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no repository a file must be given."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="is in no git repository"):
        find_revision("HEAD", str(tmp_path / "rupt.yaml"))


def test_a_file_and_what_it_includes_are_written(repository: Path, tmp_path: Path) -> None:
    """The revision's files are written as they were; nothing in the repository changes."""
    written = write_revision(find_revision("HEAD", "conf/rupt.yaml"), str(tmp_path / "old"))
    assert Path(written.file).read_text(encoding="utf-8") == "include: [more/*.yaml]\n"
    assert Path(written.folder, "conf", "more", "one.yaml").read_text(encoding="utf-8") == "name: old\n"
    assert written.outside == ()
    assert (repository / "conf" / "more" / "one.yaml").read_text(encoding="utf-8") == "name: new\n"
