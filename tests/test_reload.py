import os
from pathlib import Path

from connector.destination import Destination, load
from connector.errors import DestinationError
from connector.reload import Watched

HEAD = "destination: rupt\nsettings: {client_id: client-1, new_account_url: https://app.example.com/}\n"
ATTACH = "mappings: [{preset: attach-device}]\n"


def watched(folder: Path, text: str = HEAD + ATTACH) -> tuple[Path, Watched]:
    """Write a destination file, load it, and watch it."""
    file = folder / "rupt.yaml"
    file.write_text(text, encoding="utf-8")
    return file, Watched(str(file), {}, load(file, {}).sources)


def names(found: Destination | DestinationError | None) -> list[str]:
    """Name the mappings of what was loaded."""
    assert isinstance(found, Destination)
    return [mapping.name for mapping in found.mappings]


def test_unchanged(tmp_path: Path) -> None:
    """A file that nobody edits is not loaded again, and neither is one that is only touched."""
    file, watch = watched(tmp_path)
    assert watch.look() is None
    os.utime(file, (1, 1))
    assert watch.look() is None


def test_edited(tmp_path: Path) -> None:
    """An edit is loaded once."""
    file, watch = watched(tmp_path)
    file.write_text(HEAD + "mappings: [{preset: attach-device, name: Mine}]\n", encoding="utf-8")
    assert names(watch.look()) == ["Mine"]
    assert watch.look() is None


def test_edited_before_the_first_look(tmp_path: Path) -> None:
    """An edit that came between the loading and the first look is seen."""
    file, _ = watched(tmp_path)
    before = load(file, {}).sources
    file.write_text(HEAD + "mappings: [{preset: attach-device, name: Mine}]\n", encoding="utf-8")
    assert names(Watched(str(file), {}, before).look()) == ["Mine"]


def test_replaced(tmp_path: Path) -> None:
    """A file that is replaced by another, as editors do, is loaded."""
    file, watch = watched(tmp_path)
    assert watch.look() is None
    (tmp_path / "new").write_text(HEAD + "mappings: [{preset: attach-device, name: Mine}]\n", encoding="utf-8")
    (tmp_path / "new").replace(file)
    assert names(watch.look()) == ["Mine"]


def test_a_bad_edit_and_its_repair(tmp_path: Path) -> None:
    """A bad edit gives its problems once; its repair is loaded, even when it gives what there was before."""
    file, watch = watched(tmp_path)
    file.write_text(HEAD + "mappings: [{preset: attach-devise}]\n", encoding="utf-8")
    refused = watch.look()
    assert isinstance(refused, DestinationError)
    assert refused.problems[0].line == 3
    assert watch.look() is None
    file.write_text(HEAD + ATTACH, encoding="utf-8")
    assert names(watch.look()) == ["Attach Device"]


def test_included_files(tmp_path: Path) -> None:
    """Files that are included are watched: an edit, one more that the pattern matches, and one that is gone."""
    inner = tmp_path / "mappings"
    inner.mkdir()
    (inner / "a.yaml").write_text("mappings: [{preset: attach-device, name: A}]\n", encoding="utf-8")
    _, watch = watched(tmp_path, HEAD + "include: [mappings/*.yaml]\n")
    assert watch.look() is None
    (inner / "a.yaml").write_text("mappings: [{preset: attach-device, name: A1}]\n", encoding="utf-8")
    assert names(watch.look()) == ["A1"]
    (inner / "b.yaml").write_text("mappings: [{preset: attach-device, name: B}]\n", encoding="utf-8")
    assert names(watch.look()) == ["A1", "B"]
    (inner / "a.yaml").unlink()
    assert names(watch.look()) == ["B"]


def test_the_repair_of_a_newly_included_file(tmp_path: Path) -> None:
    """When an edit includes a file that is wrong, the repair of that file alone is enough."""
    file, watch = watched(tmp_path)
    (tmp_path / "more.yaml").write_text("mappings: [{preset: no-such}]\n", encoding="utf-8")
    file.write_text(HEAD + "include: more.yaml\n" + ATTACH, encoding="utf-8")
    assert isinstance(watch.look(), DestinationError)
    (tmp_path / "more.yaml").write_text("mappings: [{preset: attach-device, name: More}]\n", encoding="utf-8")
    assert names(watch.look()) == ["Attach Device", "More"]


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    """A file that is gone is a problem, and loaded again when it is back."""
    file, watch = watched(tmp_path)
    text = file.read_bytes()
    file.unlink()
    assert isinstance(watch.look(), DestinationError)
    file.write_bytes(text)
    assert names(watch.look()) == ["Attach Device"]


def test_files_of_tests(tmp_path: Path) -> None:
    """A test file beside included files is none of them: writing one loads nothing."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.yaml").write_text("mappings: [{preset: attach-on-identify}]\n", encoding="utf-8")
    _, watch = watched(tmp_path, HEAD + "include: [more/*.yaml]\n" + ATTACH)
    assert watch.look() is None
    (tmp_path / "more" / "a_test.yaml").write_text("tests: []\n", encoding="utf-8")
    assert watch.look() is None
