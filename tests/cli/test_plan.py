"""The plan as a command: versions from files and from git, what it prints in each form, and its exit codes."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Done, Screen, Terminal, call, lines, page, write_config, write_events

NAMED = "{name: Pages, action: attach, trigger: 'type = \"page\"', fields: {account: $.userId%s}}"
PLAIN, EMAILED = NAMED % "", NAMED % ", email: $.properties.email"
ANY_AGE = ("max_event_age: none",)


def git(folder: Path, *words: str) -> None:
    """Run git in a folder."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    """Commit all that there is."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "what was there")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a destination file and a recording of three pages and a track."""
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path, PLAIN, settings=ANY_AGE)
    emails = ({"email": f"ada{number}@example.com"} for number in (1, 2, 3))
    pages = [page(number, properties=email) for number, email in enumerate(emails, 1)]
    write_events(tmp_path / "events.jsonl", *pages, page(4, type="track", event="A"))
    return tmp_path


def edit(folder: Path, *mappings: str, settings: tuple[str, ...] = ()) -> None:
    """Write the destination file anew."""
    write_config(folder, *mappings, settings=(*ANY_AGE, *settings))


def plan(*words: str | Path, **more: Any) -> Done:
    """Run the plan over the recording."""
    return call("plan", *words, "events.jsonl", **more)


def test_an_uncommitted_edit_is_compared_with_the_last_commit(folder: Path) -> None:
    """Without options the file is compared with HEAD; the headline comes first, and places are named as git does."""
    commit(folder)
    edit(folder, EMAILED)
    done = plan("--show-values")
    assert done.code == 5
    assert done.out == (
        "HEAD:rupt.yaml → rupt.yaml, events.jsonl\n"
        "1 of 1 mapping changes; of 4 events 3 (75.0 %) become something else\n"
        "\n"
        "            before  after\n"
        "  planned        3      3\n"
        "  filtered       1      1\n"
        "\n"
        "Pages  took 3 events, takes 3\n"
        "  payload changed: 3 (100.0 % of those taken before)\n"
        "    field email: 3\n"
        "      + rupt.yaml:7  email: $.properties.email\n"
        "      m-1  events.jsonl:1\n"
        '        + email: "ada1@example.com"\n'
        "      m-2  events.jsonl:2\n"
        '        + email: "ada2@example.com"\n'
        "      m-3  events.jsonl:3\n"
        '        + email: "ada3@example.com"\n'
    )


def test_nothing_changes(folder: Path) -> None:
    """An edit of nothing ends with 0 and says how many events there were."""
    commit(folder)
    done = plan()
    assert (done.code, done.out.splitlines()[1]) == (0, "nothing changes: 4 events become what they became before")


def test_an_edit_that_no_event_reaches_is_told_and_ends_with_0(folder: Path) -> None:
    """What could change, but does not on this recording, is listed with its place and the reason."""
    commit(folder)
    edit(folder, NAMED % ", phone: $.properties.phone", settings=("delivery: {attempts: 3}",))
    done = plan()
    assert done.code == 0
    assert "2 edits without effect on these events" in done.out
    assert "Pages: field phone  of the 3 events it takes none shows it" in done.out
    assert "Pages: field phone  the one event that it takes does not show it" in plan("--limit", "1").out
    assert "setting delivery.attempts  it is about how and when requests are sent" in done.out


def test_another_revision(folder: Path) -> None:
    """--from takes any revision, and REV:path."""
    commit(folder)
    git(folder, "tag", "v1")
    edit(folder, EMAILED)
    commit(folder)
    assert plan().code == 0
    assert plan("--from", "v1").code == plan("--from", "HEAD~1:rupt.yaml").code == 5
    assert plan("--from", "HEAD~1", "--to", "HEAD").code == 5


def test_a_file_wins_over_a_revision(folder: Path) -> None:
    """A file that has the name of a branch is the file."""
    commit(folder)
    edit(folder, EMAILED)
    (folder / "main").write_bytes((folder / "rupt.yaml").read_bytes())
    assert plan("--from", "main").code == 0


def test_includes_and_presets_come_from_the_revision_too(folder: Path) -> None:
    """All that the file names is read as it was then: globs, single files, and presets beside it."""
    (folder / "below" / "presets").mkdir(parents=True)
    text = "include: [more/*.yaml, ../one.yml]\nmappings:\n"
    edit(folder)
    root = folder / "below" / "rupt.yaml"
    root.write_text((folder / "rupt.yaml").read_text().replace("mappings:\n  - preset: attach-device\n", text))
    (folder / "below" / "more").mkdir()
    (folder / "below" / "more" / "pages.yaml").write_text("mappings:\n  - preset: ../presets/page.yaml\n")
    preset = folder / "below" / "presets" / "page.yaml"
    preset.write_text('name: Pages\naction: attach\ntrigger: type = "page"\nfields: {account: $.userId}\n')
    tracks = 'name: Tracks\naction: attach\ntrigger: type = "track"\nfields: {account: $.userId}\n'
    (folder / "one.yml").write_text(tracks)
    commit(folder)
    preset.write_text(preset.read_text().replace("$.userId", "$.name"))
    done = plan("--config", "below/rupt.yaml", "--json")
    *groups, summary = done.rows
    assert done.code == 5, done.err
    assert [(row["mapping"], row["cause"]["from"]["file"]) for row in groups] == [
        ("Pages", "HEAD:below/presets/page.yaml")
    ]
    assert groups[0]["cause"]["to"]["file"] == "below/presets/page.yaml"
    assert [row["name"] for row in summary["mappings"]] == ["Pages", "Tracks"]


ONE = 'name: Tracks\naction: attach\ntrigger: type = "track"\nfields: {account: %s}\n'


def included(folder: Path, names: str) -> Path:
    """Make a repository in a folder, whose file includes others; give the repository's folder."""
    repository = folder / "repository"
    repository.mkdir()
    text = (folder / "rupt.yaml").read_text()
    (repository / "rupt.yaml").write_text(text.replace("mappings:", f"include: [{names}]\nmappings:"))
    return repository


def test_files_outside_of_the_repository_are_as_they_are_on_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git has no old version of them: both versions read the same, what they include in turn too, and it is said."""
    beside = folder / "beside"
    beside.mkdir()
    (beside / "tracks.yaml").write_text("include: [more/deep.yaml, ../repository/own.yaml]\n")
    (beside / "more").mkdir()
    (beside / "more" / "deep.yaml").write_text(ONE % "$.userId")
    repository = included(folder, "../beside/*.yaml")
    own = repository / "own.yaml"
    own.write_text(ONE.replace("Tracks", "Own") % "$.userId")
    commit(repository)
    own.write_text(ONE.replace("Tracks", "Own") % "$.name")
    monkeypatch.chdir(repository)
    done = call("plan", "--json", "../events.jsonl")
    assert done.code == 5, done.err
    assert [row["name"] for row in done.rows[-1]["mappings"]] == ["Pages", "Tracks", "Own"]
    assert [(row["from"]["file"], row["to"]["file"]) for row in done.rows[-1]["edits"]] == [
        ("HEAD:own.yaml", "../repository/own.yaml")
    ]
    said = " ".join(done.err.split())
    assert said.count("is included from outside of git's version") == 2
    assert f"{beside / 'more' / 'deep.yaml'} is included" in said


@pytest.mark.parametrize("name", ["linked.yaml", "folder/tracks.yaml", "folder/*.yaml"])
def test_files_behind_links_out_of_the_repository_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A link to a file or to a folder outside leads to what is there now."""
    (folder / "beside").mkdir()
    (folder / "beside" / "tracks.yaml").write_text(ONE % "$.userId")
    repository = included(folder, name)
    (repository / "linked.yaml").symlink_to("../beside/tracks.yaml")
    (repository / "folder").symlink_to("../beside")
    commit(repository)
    monkeypatch.chdir(repository)
    done = call("plan", "--json", "../events.jsonl")
    assert done.code == 0, done.err
    assert [row["name"] for row in done.rows[-1]["mappings"]] == ["Pages", "Tracks"]
    assert "tracks.yaml is included from outside of git's version" in " ".join(done.err.split())


def test_a_linked_folder_in_the_repository_is_the_revisions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind a link within the repository is read as the revision has it."""
    repository = included(folder, "folder/*.yaml")
    (repository / "real").mkdir()
    (repository / "real" / "tracks.yaml").write_text(ONE % "$.userId")
    (repository / "folder").symlink_to("real")
    commit(repository)
    (repository / "real" / "tracks.yaml").write_text(ONE % "$.name")
    monkeypatch.chdir(repository)
    done = call("plan", "--json", "../events.jsonl")
    assert done.code == 5, done.err
    assert done.rows[0]["cause"]["from"]["file"] == "HEAD:folder/tracks.yaml"


@pytest.mark.parametrize("name", ["sub/tracks.yaml", "sub/*.yaml"])
def test_files_in_a_submodule_have_no_old_version_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The message names the submodule, not a file that cannot be found."""
    other = folder / "other"
    other.mkdir()
    (other / "tracks.yaml").write_text(ONE % "$.userId")
    commit(other)
    repository = included(folder, name)
    commit(repository)
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "sub")
    commit(repository)
    monkeypatch.chdir(repository)
    done = call("plan", "../events.jsonl")
    assert done.code == 2
    assert f"HEAD:rupt.yaml includes {name.removesuffix('/*.yaml')}" in done.err
    assert "which is in the submodule sub" in " ".join(done.err.split())
    assert "--from OLD.yaml" in done.err


def test_a_shallow_clone_is_told_what_to_fetch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the help says makes the same command work."""
    commit(folder)
    git(folder, "tag", "v1")
    edit(folder, EMAILED)
    commit(folder)
    git(folder, "checkout", "-q", "-b", "edit")
    (folder / "clone").mkdir()
    git(folder, "clone", "-q", "--depth", "1", "--branch", "edit", f"file://{folder}", "clone")
    monkeypatch.chdir(folder / "clone")
    for name, then in (("origin/main", "origin/main"), ("v1", "FETCH_HEAD"), ("HEAD~1", "HEAD~1")):
        done = plan("--from", name)
        assert done.code == 2
        command = re.search(r"git (fetch.*?)(?: \(then|$)", " ".join(done.err.split()))
        assert command is not None, done.err
        git(folder / "clone", *command[1].split())
        assert plan("--from", then).code in (0, 5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", ":rupt.yaml"], "help: --from HEAD:rupt.yaml"),
        (["--from", "HEAD~9"], "'HEAD~9' is neither a file nor a revision"),
        (["--from", "nowhere"], "'nowhere' is neither a file nor a revision that this repository has"),
        (["--from", "old.yaml"], "there is no file 'old.yaml'"),
        (["--config", "new.yaml"], "HEAD has no file new.yaml"),
        (["--from", "HEAD:old.yaml"], "HEAD has no file old.yaml"),
        (["--to", "new/rupt.yaml"], "there is no file 'new/rupt.yaml'"),
        (["--config", "no.yaml"], "there is no file 'no.yaml'"),
        (["--json", "--markdown"], "--json and --markdown are two ways"),
    ],
)
def test_what_cannot_be_compared_is_said(folder: Path, words: list[str], said: str) -> None:
    """An unknown revision, or a file that is not in it, ends with 2 and says what to do."""
    commit(folder)
    (folder / "new.yaml").write_bytes((folder / "rupt.yaml").read_bytes())
    done = plan(*words)
    assert done.code == 2
    assert said in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert max(map(len, done.err.splitlines())) <= 80
    assert len(plan(*words, stderr=Terminal()).err.splitlines()) <= len(done.err.splitlines())


def test_outside_of_a_repository(folder: Path) -> None:
    """Without git's help a file must be given, and the message says how."""
    done = plan(env={"RUPT_CLIENT_ID": "x"})
    assert done.code == 2
    assert "is in no git repository" in " ".join(done.err.split())
    assert "--from OLD.yaml" in done.err


def test_a_repository_without_a_commit(folder: Path) -> None:
    """Before the first commit there is no old version."""
    git(folder, "init", "-q")
    assert "has no commit yet" in plan().err


def test_everything_may_be_new(folder: Path) -> None:
    """--from nothing takes all mappings as added."""
    done = plan("--from", "nothing", "--json")
    assert done.code == 5
    assert [(row["change"], row["cause"]["kind"], row["count"]) for row in done.rows[:-1]] == [
        ("newly_matched", "added", 3)
    ]


def test_a_new_version_that_does_not_load(folder: Path) -> None:
    """Its problems are told as check tells them, and the exit code is 2."""
    commit(folder)
    edit(folder, NAMED.replace("page", 'page" AND "x') % "")
    done = plan()
    assert done.code == 2
    assert "--> rupt.yaml:" in done.err


def test_an_old_version_that_does_not_load(folder: Path) -> None:
    """Its problems name the file as the revision's, and no folder of this machine."""
    edit(folder, NAMED % ", emial: $.name")
    commit(folder)
    edit(folder, PLAIN)
    done = plan()
    assert done.code == 2
    assert "--> HEAD:rupt.yaml:7:" in done.err
    assert "rupt-connector-" not in done.err  # the temporary folder


def test_a_recording_in_which_nothing_can_be_read(folder: Path) -> None:
    """The wrong file ends with 4."""
    commit(folder)
    (folder / "events.jsonl").write_bytes(b"not json\n")
    done = plan()
    assert done.code == 4
    assert "nothing in the recording could be read as an event" in done.out


def test_events_of_any_age_are_compared(folder: Path) -> None:
    """Recordings are old and nothing is sent, so that max_event_age hides no edit."""
    write_config(folder, PLAIN)
    write_events(folder / "events.jsonl", page(1, timestamp="2020-01-01T00:00:00.000Z"))
    commit(folder)
    write_config(folder, EMAILED.replace("$.properties.email", "$.name"))
    done = plan()
    assert done.code == plan("--allow-stale").code == 5
    assert "older than" not in done.out


def test_ages_count_where_max_event_age_was_edited(folder: Path) -> None:
    """Events that both versions find too old show nothing else: that is said, and is no green gate, but ends with 4."""
    write_config(folder, PLAIN, settings=("max_event_age: 1d",))
    write_events(
        folder / "events.jsonl", page(1, timestamp="2020-01-01T00:00:00.000Z"), page(2, type="track", event="A")
    )
    commit(folder)
    write_config(folder, EMAILED.replace("$.properties.email", "$.name"), settings=("max_event_age: 2d",))
    done = plan()
    assert done.code == 4
    assert "nothing was compared: every event that a mapping takes is too old" in done.out
    assert "1 event is older than max_event_age, which was edited, and skipped in both versions" in one_line(done)
    assert plan("--allow-stale").code == 5
    write_config(folder, PLAIN, settings=("max_event_age: none",))
    assert "setting max_event_age: 1" in plan().out


@pytest.mark.parametrize("words", [["--limit", "0"], ["--since", "2026-11-21T09:00Z"]])
def test_where_nothing_is_compared_the_gate_is_not_green(folder: Path, words: list[str]) -> None:
    """No event, or none in the range: 4, since nobody knows what the edit changes."""
    commit(folder)
    edit(folder, EMAILED)
    done = plan(*words)
    assert done.code == 4
    assert "nothing was compared: there is no event to compare with" in done.out


def test_an_empty_recording_is_nothing_to_compare(folder: Path) -> None:
    """An empty file ends with 4, in the rows too."""
    commit(folder)
    (folder / "events.jsonl").write_bytes(b"")
    done = plan("--json")
    assert (done.code, done.rows[-1]["exitCode"]) == (4, 4)


def one_line(done: Done) -> str:
    """Undo the breaking of lines."""
    return " ".join(done.out.split())


def test_values_are_masked_unless_asked_for(folder: Path) -> None:
    """In every form values are pseudonyms of the same shape; equal ones stay equal; what the file says is shown."""
    commit(folder)
    edit(folder, NAMED % ", email: $.properties.email, tolerance: strict, metadata: {again: $.properties.email}")
    for words in ([], ["--json"], ["--markdown"]):
        done = plan(*words)
        assert "ada1@example.com" not in done.out
        assert "strict" in done.out
    row = plan("--json").rows[0]
    diff = {leaf["path"]: leaf["to"] for leaf in row["samples"][0]["diff"]}
    assert diff["email"] == diff["metadata.again"]
    assert re.fullmatch(r"\w+@[\w.]+", diff["email"])


UUID = "8c9c4dc9-f8c0-4137-8319-6792ced694df"


@pytest.mark.parametrize("words", [[], ["--json"], ["--markdown"]])
def test_message_ids_that_somebody_made_up_are_masked(folder: Path, words: list[str]) -> None:
    """A messageId may be made of a name, and is a pseudonym in every form; what SDKs draw stays, to be found by."""
    drawn = UUID, f"ajs-next-1795235293571-{UUID}", f"node-next-1795235292261-{UUID}", f"content-{'0a' * 16}"
    named = "ada.lovelace-0", "visit of 4155550100", f"ada-{UUID}"
    commit(folder)
    edit(folder, (NAMED % "").replace("$.userId", "$.messageId"))
    for ids, are_shown in ((drawn, True), (named, False)):
        for message_id in ids:
            write_events(folder / "events.jsonl", page(1, messageId=message_id))
            done = plan(*words)
            assert done.code == 5
            assert (message_id in one_line(done)) is are_shown
            assert "events.jsonl:1" in done.out
    assert named[-1] in plan(*words, "--show-values").out


def test_recordings_below_this_folder_are_named_from_here(folder: Path) -> None:
    """A comment in a pull request tells nothing of the machine that wrote it."""
    commit(folder)
    edit(folder, EMAILED)
    for words in ([], ["--json"], ["--markdown"]):
        done = call("plan", "--config", folder / "rupt.yaml", *words, folder / "events.jsonl")
        assert done.code == 5
        assert "events.jsonl:1" in done.out
        assert f"{folder}/events" not in done.out
    assert str(folder) not in call("plan", "--config", folder / "rupt.yaml", folder / "events.jsonl").out


def test_keys_that_are_data_are_masked_too(folder: Path) -> None:
    """An object taken whole from an event may have an address for a key."""
    write_events(folder / "events.jsonl", page(1, properties={"ada@example.com": "x", "plan": "y"}))
    commit(folder)
    edit(folder, NAMED % ", metadata: $.properties")
    assert "metadata.plan" in plan().out
    assert "ada@example.com" not in plan().out + plan("--json").out + plan("--markdown").out


@pytest.mark.parametrize("words", [[], ["--json"], ["--markdown"]])
def test_what_the_files_say_is_shown_in_clear(folder: Path, words: list[str]) -> None:
    """Texts of templates, events' names in triggers and keys stand as the files have them; values of events do not."""
    named = NAMED.replace('"page"', '"page" or event = "Cart Vlqkt"')
    write_events(folder / "events.jsonl", page(1, type="track", event="Cart Vlqkt", name="/home/ada77"))
    edit(folder, named % ', metadata: {path: "{{name}}"}')
    commit(folder)
    edit(folder, named % ', metadata: {path: "wxk2 {{name}}", event: $.event, "Kind Zrtw Qop": Zqwv Yxk}')
    text = one_line(plan(*words))
    for said in ("wxk2 /home/", "Cart Vlqkt", "Kind Zrtw Qop", "Zqwv Yxk"):
        assert said in text
    assert "ada77" not in text
    masked = set(re.findall(r"/home/\w+", text))
    assert len(masked) == 1  # the same before and after


def test_an_edit_that_another_hides_is_not_without_effect(folder: Path) -> None:
    """Every form says what hides it, and none calls it without effect."""
    edit(folder, NAMED % ', metadata: {t: "{{name}}"}', settings=("device_identity: optional",))
    commit(folder)
    edit(folder, NAMED % ', metadata: {t: "v2 {{name}}"}', settings=("device_identity: strict",))
    text, markdown, row = plan().out, plan("--markdown").out, plan("--json").rows[-1]
    assert "1 edit hidden by others on these events" in text
    assert "Pages: field metadata.t  hidden behind: setting device_identity" in text
    assert "1 edit hidden by others on these events:\n\n- <code>Pages: field metadata.t</code>" in markdown
    assert "hidden behind: <code>setting device&#95;identity</code>\n" in markdown
    assert "without effect" not in text + markdown
    assert row["unseen"] == []
    assert [(one["name"], [other["name"] for other in one["behind"]]) for one in row["hidden"]] == [
        ("metadata.t", ["device_identity"])
    ]


def test_a_secret_field_is_never_shown(folder: Path) -> None:
    """That the account's token changes is told; neither its values nor its text are."""
    edit(folder, NAMED % ", secret: $.properties.email")
    commit(folder)
    edit(folder, NAMED % ", secret: $.anonymousId")
    done = plan("--show-values")
    assert done.code == 5
    assert 'secret: "[redacted]"' in done.out
    assert "ada1@example.com" not in done.out
    assert "anon-1" not in done.out


def test_a_secret_setting_is_never_shown(folder: Path) -> None:
    """Another client id changes every request, and its value is hidden."""
    commit(folder)
    file = folder / "rupt.yaml"
    file.write_text(file.read_text().replace("client-1", "client-2"))
    done = plan("--show-values")
    assert done.code == 5
    assert "setting client_id: 3" in done.out
    assert "client-2" not in done.out + done.err


def test_json_is_one_object_a_group_and_a_summary(folder: Path) -> None:
    """The rows hold counts, shares, causes and samples; the last one the whole."""
    commit(folder)
    edit(folder, EMAILED)
    done = plan("--json", "--show-values")
    group, summary = done.rows
    assert group == {
        "mapping": "Pages",
        "change": "payload_changed",
        "count": 3,
        "of": 3,
        "percent": 100.0,
        "cause": {
            "kind": "field",
            "mapping": "Pages",
            "name": "email",
            "to": {"file": "rupt.yaml", "line": 7, "column": 96, "text": "email: $.properties.email"},
        },
        "samples": [
            {
                "messageId": f"m-{number}",
                "at": f"events.jsonl:{number}",
                "before": {"outcome": "planned"},
                "after": {"outcome": "planned"},
                "diff": [{"path": "email", "to": f"ada{number}@example.com"}],
            }
            for number in (1, 2, 3)
        ],
    }
    assert (summary["events"], summary["changed"], summary["exitCode"]) == (4, 3, 5)
    assert summary["outcomes"]["planned"] == {"before": 3, "after": 3}
    assert summary["mappings"] == [{"name": "Pages", "before": 3, "after": 3, "changes": {"payload_changed": 3}}]
    assert done.err == "1 of 1 mapping changes; of 4 events 3 (75.0 %) become something else\n"


def test_a_renamed_mapping_is_told_with_what_it_means(folder: Path) -> None:
    """A rename changes no request, but what was delivered under the old name is not known under the new one."""
    commit(folder)
    edit(folder, PLAIN.replace("name: Pages", "name: Views"))
    done = plan()
    assert done.code == 0
    assert "Views was Pages: it does the same under another name" in " ".join(done.out.split())
    assert "may be delivered again" in " ".join(done.out.split())


def test_samples_are_the_same_each_time(folder: Path) -> None:
    """With values shown, two plans print the same."""
    commit(folder)
    edit(folder, EMAILED)
    assert plan("--show-values") == plan("--show-values")


def test_selections_are_those_of_replay(folder: Path) -> None:
    """--limit and --since leave events out, and the report says how many."""
    commit(folder)
    edit(folder, EMAILED)
    assert plan("--json", "--limit", "2").rows[-1]["events"] == 2
    done = plan("--since", "2026-11-21T09:00Z")
    assert "not compared: 4 outside --since/--until" in done.out
    assert plan("--limit", "1", "--to", "HEAD").out.splitlines()[1] == (
        "nothing changes: 1 event becomes what it became before"
    )


def test_secrets_of_production_are_not_needed(folder: Path) -> None:
    """--allow-unset fills both versions alike."""
    file = folder / "rupt.yaml"
    file.write_text(file.read_text().replace("client-1", "${NOWHERE_SET}"))
    commit(folder)
    assert plan(env={}).code == 2
    assert plan("--allow-unset", env={}).code == 0


def test_lines_that_cannot_be_read_are_reported(folder: Path) -> None:
    """They are counted, told with their place, and do not change the exit code."""
    commit(folder)
    with (folder / "events.jsonl").open("ab") as file:
        file.write(b"{]\n")
    done = plan()
    assert done.code == 0
    assert "events.jsonl:5: bad_request" in done.err
    assert "not compared: 1 unreadable or discarded" in done.out


def test_a_terminal_has_colours_and_a_bar(folder: Path) -> None:
    """On a terminal what goes is red and what comes is green; off one there is no code at all."""
    commit(folder)
    edit(folder, EMAILED)
    done = plan("--show-values", stdout=Screen(), stderr=Terminal(), env={"TERM": "xterm"})
    assert '\x1b[32m+ email: "ada1@example.com"\x1b[0m' in done.out
    assert "\x1b" not in plan("--show-values").out


def test_no_line_is_wider_than_80_columns(folder: Path) -> None:
    """Off a terminal lines are broken between words."""
    commit(folder)
    edit(folder, NAMED % ", metadata: {long: '{{name}} a long text with many words, on and on and on, really'}")
    assert max(map(len, plan().out.splitlines())) <= 80


# ------------------------------------------------------------------------------------------------------- markdown


def hostile(folder: Path) -> str:
    """Plan an edit of mappings and events whose texts would break a page."""
    name = '"<b>@ada|`x` </summary></details> [a](b) ![](http://x.example)"'
    bad = "```\n</details>\n@ada <script>alert(1)</script> | [x](http://x.example)"
    write_events(folder / "events.jsonl", page(1, messageId="```@ada</details>", name=bad, properties={"email": bad}))
    edit(folder, PLAIN.replace("name: Pages", f"name: {name}"))
    commit(folder)
    edit(folder, (NAMED % ", email: $.properties.email").replace("name: Pages", f"name: {name}"))
    done = plan("--markdown", "--show-values")
    assert done.code == 5
    return done.out


def test_markdown_has_a_short_table_and_folded_groups(folder: Path) -> None:
    """A comment starts with the table; each group is folded away with its samples in a diff."""
    commit(folder)
    edit(folder, EMAILED)
    text = plan("--markdown", "--show-values").out
    assert "**1 of 1 mapping changes; of 4 events 3 (75.0 %) become something else**" in text
    row = "| <code>Pages</code> | payload changed | 3 | 100.0 % of those taken before | <code>field email</code> |"
    assert row in text
    assert '+ email: "ada1@example.com"' in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_markdown_has_one_blank_line_between_its_parts(folder: Path) -> None:
    """Two in a row stand nowhere, and what is folded is not a part of the list before it."""
    commit(folder)
    config = EMAILED.replace('"page"', '"page" and name != "x"').replace("}}", ", phone: $.properties.phone}}")
    edit(folder, config.replace("name: Pages", "enabled: false, name: Pages"), NAMED.replace("Pages", "More") % "")
    one = plan("--markdown").out
    edit(folder, config)
    for text in (one, plan("--markdown").out):
        assert "without effect" in text
        assert "\n\n\n" not in text
        assert text.count("\n\n<details>") == text.count("<details>") > 0


def test_nothing_in_an_event_breaks_the_page(folder: Path) -> None:
    """Outside of the fenced block no text of an event or a file has a character that means something."""
    text = hostile(folder)
    fence = re.search(r"^(`{3,})diff$", text, re.MULTILINE)
    assert fence is not None
    before, inside, after = re.split(rf"^{fence[1]}(?:diff)?$", text, flags=re.MULTILINE)
    assert fence[1] not in inside
    assert "@ada" not in before + after
    assert "<b>" not in before
    assert "<script>" not in before + after
    table = [line for line in before.splitlines() if line.startswith("| <code>")]
    assert [line.count("|") for line in table] == [6]
    assert after.count("</details>") == 1


def test_a_comment_is_bounded(folder: Path) -> None:
    """However much changes, a comment has fewer than 65,000 characters, and says what was left out."""
    fields = ", ".join(f"key{number}: $.properties.k{number}" for number in range(150))
    values = {f"k{number}": "`@" * 200 + str(number) for number in range(150)}
    write_events(folder / "events.jsonl", *(page(number, properties=values) for number in range(4)))
    edit(folder, NAMED % ", metadata: {first: $.name}")
    commit(folder)
    edit(folder, NAMED % f", metadata: {{{fields}}}")
    text = plan("--markdown", "--show-values").out
    assert len(text.encode()) < 65_000
    assert "are left out here" in text


def test_recordings_come_from_standard_input_too(folder: Path) -> None:
    """`-` is standard input."""
    commit(folder)
    edit(folder, EMAILED)
    done = call("plan", "--json", "-", stdin=lines(page(1, properties={"email": "ada@example.com"})))
    assert done.code == 5
    assert json.loads(done.out.splitlines()[0])["samples"][0]["at"] == "stdin:1"
