"""`explain`: which mappings take an event, what decided that, and how each field came about, in text and in JSON."""

import gzip
import json
from pathlib import Path

import pytest

from connector.queue import Filtered
from connector.queue.sqlite import SqliteQueue
from tests.cli.command import ROOT, SDK, Done, Screen, call, lines, page, write_config, write_events
from tests.queue.stored import NOW, build, event, job_of

GOLDEN = ROOT / "tests" / "cli" / "golden"
SECRETS = {"RUPT_CLIENT_ID": "client-1", "RUPT_API_SECRET": "hunter2"}
MAPPINGS = (
    "preset: attach-device",
    '{name: Off, action: attach, trigger: type = "page", enabled: false, fields: {account: $.userId}}',
    '{name: Other, action: attach, trigger: type = "track", fields: {account: $.userId}}',
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the folder of the destination file: its places are told from there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A destination file with a mapping of every kind; events of any age are taken."""
    return write_config(tmp_path, *MAPPINGS, settings=["max_event_age: none"])


def explain(config: Path, one: object, *args: str) -> Done:
    """Explain an event that is given as JSON."""
    return call("explain", json.dumps(one), "--config", config, *args)


def explained(folder: Path, fields: str, one: object, *args: str, trigger: str = 'type = "page"') -> Done:
    """Explain an event with one mapping of these fields."""
    text = f"{{name: One, action: attach, trigger: {trigger}, fields: {{{fields}}}}}"
    return explain(write_config(folder, text, settings=["max_event_age: none"]), one, *args)


def fields_of(done: Done) -> list[str]:
    """Give the lines of the block `fields`."""
    (_, _, rest) = done.out.partition("\n  fields\n")
    return [line.rstrip() for line in rest.partition("\n\n")[0].splitlines()]


# The recorded samples


@pytest.mark.parametrize("name", ["design", "presets"])
def test_the_recorded_requests_are_explained_as_in_the_golden_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of the recorded requests is the same in every run, and fits into 80 columns.

    A golden file is made anew with: rupt-connector explain FILE --config tests/cli/golden/NAME.yaml, for each FILE.
    """
    monkeypatch.chdir(ROOT)
    config = {"design": "design/rupt.yaml"}.get(name, f"{name}.yaml")
    told = ""
    for file in sorted(SDK.glob("*.json")):
        done = call("explain", file, "--config", GOLDEN / config, env=SECRETS)
        assert (done.code, done.err) == (0, "")
        told += f"### {file.name}\n{done.out}\n"
    assert told == (GOLDEN / "explain" / f"{name}.txt").read_text(encoding="utf-8")
    assert max(map(len, told.splitlines())) <= 80
    assert "hunter2" not in told


def test_the_rows_of_a_recorded_request_are_as_in_the_golden_file() -> None:
    """With --json a line for each mapping has the full tree; places are file:line:column."""
    file = SDK / "04-analytics-next-v1-p.json"
    done = call("explain", file, "--config", GOLDEN / "design" / "rupt.yaml", "--json", env=SECRETS)
    told = done.out.replace(f"{ROOT}/", "")
    assert told == (GOLDEN / "explain" / "design.ndjson").read_text(encoding="utf-8")


# Triggers


def test_mappings_that_do_not_take_the_event_are_short(config: Path) -> None:
    """A mapping whose trigger does not hold is told in two lines: its name, and the clause that decided."""
    done = explain(config, page(1))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("page Home  m-1\n\n✓ Attach Device: would be sent  ")
    *_, off, switched, other, clause = done.out.splitlines()
    assert off.startswith("· Off: not taken  ")
    assert switched == "  it is switched off (enabled: false); its trigger holds"
    assert other == "· Other: not taken  rupt.yaml:9:44"
    assert clause == '  ✗ type = "track"  is "page"'


def test_a_trigger_is_told_as_a_tree(tmp_path: Path) -> None:
    """Each part stands with its place, what it saw, whether it held, and whether it was asked at all."""
    trigger = """'type = "page" and (name = "A" or !(event = "B") or lowercase(name) in properties.names)'"""
    done = explained(tmp_path, "account: $.userId", page(1, properties={"names": ["home"]}), trigger=trigger)
    _, _, rest = done.out.partition("  trigger holds\n")
    assert rest.partition("\n\n")[0].splitlines() == [
        "    7:43  ✓ all of",
        '            ✓ type = "page"                          is "page"',
        "    7:62    ✓ one of",
        '              ✗ name = "A"                           is "Home"',
        "    7:76      ✓ not",
        '    7:78        ✗ event = "B"                        is missing',
        "    7:94      · lowercase(name) in properties.names",
        '                  lowercase(name) is "home", name is "Home", properties.names is',
        '                    ["home"], not asked any more',
    ]


def test_a_function_is_told_with_the_field_it_was_applied_to(tmp_path: Path) -> None:
    """Of a clause with a function it is told what the function gave, and what the field was."""
    done = explained(
        tmp_path, "account: $.userId", page(1, properties={"n": 5}), trigger="uppercase(properties.n) = 'X'"
    )
    assert [line.strip() for line in done.out.splitlines()[-2:]] == [
        "✗ uppercase(properties.n) = 'X'",
        "uppercase(properties.n) is null, properties.n is 5",
    ]
    trigger = explained(
        tmp_path, "account: $.userId", page(1, properties={"n": 5}), "--json", trigger="uppercase(properties.n) = 'X'"
    ).rows[0]["trigger"]
    assert trigger["values"] == [
        {"text": "uppercase(properties.n)", "value": None},
        {"text": "properties.n", "value": 5},
    ]


def test_a_clause_behind_a_not_decides_by_holding(tmp_path: Path) -> None:
    """Where a clause keeps an event away because it holds, that is said."""
    done = explained(tmp_path, "account: $.userId", page(1), trigger="""'!(type = "page") and name = "x"'""")
    assert done.out.splitlines()[-1] == '  ✓ type = "page"  is "page", behind a !'


def test_a_mapping_that_is_asked_for_is_told_in_full(tmp_path: Path) -> None:
    """With --mapping only that one is told, and its whole trigger also where it does not hold."""
    config = write_config(tmp_path, *MAPPINGS, settings=["max_event_age: none"])
    done = explain(config, page(1), "--mapping", "Other")
    assert done.out.splitlines()[2:] == [
        "· Other: not taken  rupt.yaml:9:5",
        "",
        "  trigger does not hold",
        '    9:44  ✗ type = "track"  is "page"',
    ]
    wrong = explain(config, page(1), "--mapping", "Othr")
    assert (wrong.code, wrong.out) == (2, "")
    assert "--mapping 'Othr': there is no such mapping; did you mean 'Other'?" in wrong.err


# Fields


def test_a_branch_is_told_with_what_was_tested(tmp_path: Path) -> None:
    """An @if is told with what its test saw and the branch that it took."""
    fields = (
        'account: $.userId, email: {"@if": {exists: $.context.mail, then: $.context.mail, else: $.properties.mail}}'
    )
    done = explained(tmp_path, fields, page(1, properties={"mail": "a@example.com"}))
    assert fields_of(done) == [
        '     7:75  account: $.userId            "user-1"',
        '     7:85  email:                       "a@example.com"',
        "             @if exists $.context.mail  missing, so else",
        '    7:153    $.properties.mail          "a@example.com"',
    ]


def test_nested_directives_are_told_step_by_step(tmp_path: Path) -> None:
    """Of nested directives each is told with what it made, in the order of the work."""
    inner = '{"@replace": {pattern: " ", replacement: _, value: $.properties.title}}'
    fields = f'account: $.userId, event: {{"@case": {{operator: lower, value: {inner}}}}}'
    assert fields_of(explained(tmp_path, fields, page(1, properties={"title": "Big Title"})))[1:] == [
        '     7:85  event:                "big_title"',
        '    7:178    $.properties.title  "Big Title"',
        '    7:120    @replace " "        "Big_Title"',
        '     7:85    @case lower         "big_title"',
    ]


def test_what_the_schema_did_is_told(tmp_path: Path) -> None:
    """What was removed because it is empty and what was converted is told under the field."""
    fields = "account: $.userId, email: $.mail, limit_config: {people_limit: $.n, overall_limit: $.m}"
    assert fields_of(explained(tmp_path, fields, page(1, mail="", n="2", m=None)))[1:] == [
        "     7:92  email:                                 nothing",
        '             $.mail                               ""',
        '             removed, it is empty                 ""',
        "    7:100  limit_config:",
        '    7:129    people_limit: $.n                    "2"',
        "    7:149    overall_limit: $.m                   null",
        '             converted people_limit               "2" → 2',
        "             removed, it is empty: overall_limit  null",
    ]


def test_what_is_refused_says_the_field_and_its_line(tmp_path: Path) -> None:
    """An invalid payload is told by field: the schema's sentence, the place in the file, the value that it was."""
    done = explained(tmp_path, "account: $.userId, email: $.mail", page(1, mail={"a": 1}))
    assert done.code == 0
    assert "✗ One: invalid" in done.out
    assert "  email: Email must be a string but it was an object.  rupt.yaml:7:92\n" in done.out
    assert fields_of(done)[1:] == [
        '    7:92  email: $.mail      {"a":1}',
        "            refused by the schema, see above",
    ]


def test_a_mapping_that_fails_shows_where(tmp_path: Path) -> None:
    """Where a directive cannot work on an event, it is named with its place, and what came after was not reached."""
    shape = '{"@arrayPath": [$.list, {"@transform": {apply: {a: $.b}, mapping: {c: $.a}}}]}'
    done = explained(tmp_path, f"account: $.userId, metadata: {shape}, email: $.mail", page(1, list=[1]))
    assert "@transform works on an object" in done.out
    assert "here it was given int: @transform\n    rupt.yaml:7:119\n" in done.out
    assert "item 1: @transform" in done.out
    assert "failed here" in done.out
    assert "not reached: the mapping failed before" in done.out


def test_long_values_are_cut_and_their_length_told(tmp_path: Path) -> None:
    """A value for which there is no room is cut; how long it is is told, and no line is wider than 80 columns."""
    done = explained(tmp_path, "account: $.userId, event: $.text", page(1, text="word " * 400))
    assert '"word word word' in done.out
    assert "… (2,002 characters)" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_what_the_file_spells_out_is_told_whole(tmp_path: Path) -> None:
    """All objects of a @merge are told, however many; of a list of the event only the first three items are."""
    objects = ", ".join(f"{{{key}: $.{key}}}" for key in "abcde")
    fields = f'account: $.userId, metadata: {{"@merge": {{direction: right, objects: [{objects}]}}}}'
    told = "\n".join(fields_of(explained(tmp_path, fields, page(1, d=4))))
    assert "e: $.e" in told
    assert "more" not in told
    shape = 'account: $.userId, groups: {"@arrayPath": [$.list, {id: $.id}]}'
    told = "\n".join(fields_of(explained(tmp_path, shape, page(1, list=[{"id": at} for at in range(5)]))))
    assert "item 3:" in told
    assert "… and 2 more" in told
    assert "item 4" not in told


# The request


def test_the_groups_that_are_left_out_are_named(tmp_path: Path) -> None:
    """Of groups without an id it is told which they are."""
    groups = [{"id": 7}, {"name": "x"}, {"id": "", "name": "y"}]
    (row,) = explained(tmp_path, "account: $.userId, groups: $.groups", page(1, groups=groups), "--json").rows
    (sent,) = [part for part in row["sent"] if part["key"] == "groups"]
    assert sent["value"] == [{"id": "7"}]
    assert [(change["kind"], change["path"]) for change in sent["changes"]] == [
        ("without_id", "[1]"),
        ("without_id", "[2]"),
    ]
    done = explained(tmp_path, "account: $.userId, groups: $.groups", page(1, groups=groups))
    assert "left out, it has no id: [1]" in done.out


def test_the_request_says_from_where_its_parts_are(tmp_path: Path) -> None:
    """Each key of the body is told with the field or the part of the event that it was made of, and its conversion."""
    fields = "account: $.userId, phone: $.phone, metadata: {n: $.n}, secret: $.token"
    done = explained(tmp_path, fields, page(1, phone="0049 151 12345678", n=1, token="t-1"))
    _, _, body = done.out.partition("  POST https://api.rupt.dev/v2/device/attach\n")
    assert body.splitlines() == [
        '    user: field account                            "user-1"',
        '    phone: field phone                             "+4915112345678"',
        "      converted",
        '          "0049 151 12345678" → "+4915112345678"',
        '    metadata: field metadata                       {"n":"1"}',
        '      converted n                                  1 → "1"',
        '    page: $.context.page.path                      "/home"',
        '    fingerprint: $.anonymousId                     "anon-1"',
        '    client: always, with an anonymousId            "segment"',
        "    callbacks: always",
        '        {"on_challenge":false,"limit_exceeded":false}',
        "    redirects: settings, whether the URLs are set",
        '        {"new_account":true,"logout":false}',
        "    not in it: secret (it goes into the authorization header, which is never",
        "      shown)",
    ]


def test_what_is_skipped_says_why(config: Path) -> None:
    """A mapping that makes no request of an event says why, and shows its fields all the same."""
    done = explain(config, page(1, anonymousId=None), "--mapping", "Attach Device")
    assert "✗ Attach Device: skipped" in done.out
    assert "  no_device: the event names no device (context.rupt, context.device or" in done.out
    assert "account: $.userId" in done.out
    assert "POST" not in done.out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"integrations": {"Rupt": False}}, "the event's integrations object keeps it from Rupt: Rupt"),
        ({"integrations": {"All": False}}, "the event's integrations object keeps it from Rupt: All"),
        (
            {"context": {"consent": {"categoryPreferences": {"ads": False}}}},
            "the event's consent preferences keep it from Rupt: ads",
        ),
    ],
)
def test_an_event_that_is_kept_from_rupt(more: dict[str, object], words: str, tmp_path: Path) -> None:
    """What keeps an event from Rupt as a whole is told at its head with what decided, and each trigger all the same."""
    config = write_config(tmp_path, settings=["consent_categories: [ads]"])
    done = explain(config, page(1, **more))
    assert done.out.splitlines()[1] == f"  ✗ {words}"
    assert "; its trigger holds\n" in done.out
    (row,) = explain(config, page(1, **more), "--json").rows
    assert row["routing"]["reason"] == row["reason"]
    assert row["outcome"] == "filtered"


def test_a_stale_event_is_explained_as_if_it_were_new(tmp_path: Path) -> None:
    """How old an event is keeps nothing from being told, but a server would skip it, and that is said."""
    config = write_config(tmp_path)
    one = page(1, timestamp="2001-01-01T00:00:00Z")
    done = explain(config, one)
    assert "Attach Device: would be sent" in done.out
    assert "  stale: older than max_event_age" in done.out
    assert explain(config, one, "--json").rows[0]["stale"] is True


# JSON and secrets


def test_json_starts_with_the_keys_of_replay(config: Path) -> None:
    """With --json every mapping is a line; its first keys are those of `replay --dry-run --json`."""
    done = explain(config, page(1), "--json")
    assert [(row["mapping"], row["outcome"], row.get("reason")) for row in done.rows] == [
        ("Attach Device", "planned", None),
        ("Off", "filtered", "DISABLED"),
        ("Other", "filtered", "NO_MATCHING_MAPPING"),
    ]
    first, _, other = done.rows
    assert list(first) == [
        "messageId",
        "mapping",
        "outcome",
        "payload",
        "request",
        "action",
        "location",
        "trigger",
        "fields",
        "sent",
    ]
    assert first["payload"]["account"] == first["request"]["body"]["user"] == "user-1"
    assert other["trigger"] == {
        "kind": "clause",
        "text": 'type = "track"',
        "location": f"{config}:9:44",
        "holds": False,
        "reached": True,
        "deciding": True,
        "values": [{"text": "type", "value": "page"}],
    }


SECRET_FIELDS = (
    "$.properties.token",
    '"{{userId}}/{{properties.token}}"',
    '{"@case": {operator: upper, value: {"@replace": {pattern: tok, replacement: TOKEN, value: $.properties.token}}}}',
    '{"@if": {exists: $.properties.token, then: $.properties.token, else: fallback-token}}',
    "fallback-token",
)


@pytest.mark.parametrize("secret", SECRET_FIELDS)
@pytest.mark.parametrize("option", [(), ("--json",)])
def test_a_secret_is_in_no_output(secret: str, option: tuple[str, ...], tmp_path: Path) -> None:
    """Neither a writeOnly field nor what was read for it is shown: in no step, clause, other field or request."""
    shape = '{"@arrayPath": [$.properties.list, {id: $.id}]}'
    fields = (
        f'account: $.userId, metadata: {{copy: $.properties.hint, text: "a {{{{properties.hint}}}}"}}, groups: {shape}'
    )
    trigger = """'type = "page" and contains(properties.hint, "tok") and lowercase(properties.hint) != "a"'"""
    one = page(1, properties={"token": "tok-s3cret-7", "hint": "tok-s3cret-7", "list": [{"id": "tok-s3cret-7"}]})
    done = explained(tmp_path, f"{fields}, secret: {secret}", one, *option, trigger=trigger)
    assert done.code == 0
    shown = (done.out + done.err).lower()
    assert "[redacted]" in shown
    assert "fallback-token" not in shown
    if "token" in secret.replace("fallback-token", ""):
        assert "s3cret" not in shown
    assert "user-1" in shown


def test_a_secret_of_another_mapping_is_hidden_too(tmp_path: Path) -> None:
    """With --mapping what the others take for a secret is one all the same."""
    one = '{name: One, action: attach, trigger: type = "page", fields: {account: $.userId, event: $.properties.hint}}'
    two = '{name: Two, action: attach, trigger: type = "page", fields: {account: $.userId, secret: $.properties.hint}}'
    config = write_config(tmp_path, one, two)
    done = explain(config, page(1, properties={"hint": "tok-s3cret-7"}), "--mapping", "One")
    assert "[redacted]" in done.out
    assert "s3cret" not in done.out


def test_a_signed_token_is_never_shown_for_what_is_not_taken(tmp_path: Path) -> None:
    """Also a mapping that does not take the event shows no token among what its clauses saw."""
    trigger = """'type = "track" and properties.token = "x"'"""
    one = page(1, properties={"token": "tok-s3cret-7"})
    for option in ((), ("--json",), ("--mapping", "One")):
        done = explained(tmp_path, "account: $.userId, secret: $.properties.token", one, *option, trigger=trigger)
        assert "s3cret" not in done.out + done.err


SECRET = {"api_key": "hunter2hunter2", "n": 1}
COPIES = (
    "$.properties.api_key",
    '"key {{properties.api_key}}"',
    '{"@case": {operator: upper, value: $.properties.api_key}}',
    '{"@replace": {pattern: h, replacement: j, value: {"@case": {operator: upper, value: $.properties.api_key}}}}',
    '{"@liquid": "{{ properties.api_key | upcase }}"}',
    '{"@json": {mode: encode, value: $.properties}}',
)


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("option", [(), ("--json",)])
def test_what_stands_under_the_name_of_a_secret_is_hidden_in_every_row(
    copy: str, option: tuple[str, ...], tmp_path: Path
) -> None:
    """A value that is hidden where it is read is hidden in what is made of it too, whatever the key is called there."""
    trigger = """'type = "page" and uppercase(properties.api_key) != "a"'"""
    done = explained(
        tmp_path, f"account: $.userId, metadata: {{k: {copy}}}", page(1, properties=SECRET), *option, trigger=trigger
    )
    assert "[redacted]" in done.out
    assert "unter2" not in done.out.lower()


def test_a_short_secret_is_hidden_where_it_was_read(tmp_path: Path) -> None:
    """A text too short to be sought everywhere is hidden in the fields that are made of it, and in no others."""
    fields = 'account: $.userId, metadata: {k: $.properties.api_key, t: "x{{properties.api_key}}"}, event: $.name'
    (row,) = explained(tmp_path, fields, page(1, name="abc", properties={"api_key": "abc"}), "--json").rows
    assert row["payload"]["metadata"] == row["request"]["body"]["metadata"] == {"k": "[redacted]", "t": "[redacted]"}
    assert row["payload"]["event"] == "abc"


@pytest.mark.parametrize("made", ['{"@case": {operator: upper, value: $.properties.hint}}', '"a {{properties.hint}}"'])
def test_what_was_made_of_a_secret_field_is_hidden(made: str, tmp_path: Path) -> None:
    """A value that a writeOnly field takes shows in no other form either."""
    one = page(1, properties={"hint": "tok-s3cret-7"})
    done = explained(tmp_path, f"account: $.userId, secret: $.properties.hint, event: {made}", one, "--json")
    assert "s3cret" not in done.out.lower()


def test_a_number_that_was_made_of_a_secret_is_hidden(tmp_path: Path) -> None:
    """What a conversion or a directive makes of a hidden text is hidden, though it is a number."""
    fields = (
        "account: $.userId, limit_config: {people_limit: $.properties.api_key}, "
        'metadata: {"@json": {mode: decode, value: $.properties.token}}'
    )
    one = page(1, properties={"api_key": "4711", "token": '{"pin": 98765}'})
    done = explained(tmp_path, fields, one, "--json")
    assert done.code == 0
    assert "4711" not in done.out
    assert "98765" not in done.out


def test_an_id_in_the_url_is_hidden_like_its_field(tmp_path: Path) -> None:
    """What may not be shown of a body may not be shown in the URL."""
    text = (
        '{name: One, action: update_user, trigger: type = "page", fields: {account: $.properties.token, email: $.mail}}'
    )
    config = write_config(tmp_path, text, settings=["api_secret: s", "max_event_age: none"])
    (row,) = explain(config, page(1, mail="a@example.com", properties={"token": "a/b c3cret"}), "--json").rows
    assert row["request"]["url"] == "https://api.rupt.dev/v3/user/[redacted]/update"
    assert "c3cret" not in json.dumps(row)


# Variables

VARIABLES = """\
destination: rupt
settings: {client_id: c, api_secret: s, new_account_url: "https://app.example.com/", max_event_age: none}
mappings:
  - name: One
    action: attach
    trigger: type = "page" and (name = "${EV}" or lowercase(event) != "${DEPLOY_KEY}")
    fields:
      account: $.userId
      event: ${DEPLOY_KEY}
      client: "{{name}} ${DEPLOY_KEY}"
      email: $.properties.${EV}
      fingerprint: {"@case": {operator: upper, value: "${DEPLOY_KEY}"}}
      limit_config: {people_limit: "${LIMIT}"}
      metadata: {"@merge": {direction: right, objects: [{a: "${EV}", v: "v${EV}"}, {b: $.name}]}}
      groups: {"@if": {exists: $.name, then: [{id: "${OTHER:-team}"}]}}
  - {name: Two, action: update_user, trigger: type = "page", fields: {account: "${DEPLOY_KEY}", email: $.name}}
"""
VALUES = {"EV": "hm", "DEPLOY_KEY": "sk_live_1234", "LIMIT": "5"}


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_no_value_of_a_variable_is_shown(option: tuple[str, ...], tmp_path: Path) -> None:
    """Texts of the file, constants, and what becomes of them in payload and request are told as `${NAME}`."""
    file = tmp_path / "rupt.yaml"
    file.write_text(VARIABLES, encoding="utf-8")
    one = page(1, properties={"hm": "see me"})
    done = call("explain", json.dumps(one), "--config", file, *option, env=VALUES)
    assert done.code == 0
    assert "sk_live" not in done.out.lower()
    assert '"hm"' not in done.out
    assert "$.properties.${EV}" in done.out
    assert "see me" in done.out
    assert "/${DEPLOY_KEY}" in done.out


def test_what_comes_of_a_variable_is_told_by_its_name(tmp_path: Path) -> None:
    """In payload and request a value of a variable is its name, and all else is as it is."""
    file = tmp_path / "rupt.yaml"
    file.write_text(VARIABLES, encoding="utf-8")
    row, _ = call("explain", json.dumps(page(1)), "--config", file, "--json", env=VALUES).rows
    payload, body = row["payload"], row["request"]["body"]
    assert (payload["event"], payload["client"]) == ("${DEPLOY_KEY}", "Home ${DEPLOY_KEY}")
    assert (payload["limit_config"], body["limit_config"]) == (
        {"people_limit": "${LIMIT}"},
        {"people_limit": "${LIMIT}"},
    )
    assert payload["metadata"] == body["metadata"] == {"a": "${EV}", "v": "v${EV}", "b": "Home"}
    assert payload["fingerprint"] == "[redacted]"
    assert payload["groups"] == [{"id": "team"}]
    assert row["trigger"]["parts"][1]["parts"][0]["text"] == 'name = "${EV}"'
    (event,) = [field for field in row["fields"] if field["name"] == "event"]
    assert (event["step"]["text"], event["step"]["value"]) == ('"${DEPLOY_KEY}"', "${DEPLOY_KEY}")


def test_what_a_path_read_is_not_told_as_a_variable(tmp_path: Path) -> None:
    """However alike they look, only what the file's own text gave is told by a variable's name."""
    fields = (
        'account: $.userId, metadata: {one: "${ONE}", n: $.properties.n, t: "{{properties.n}}-{{userId}}?x=${ONE}", '
        'l: {"@liquid": "{{ properties.n }}-${ONE}"}}'
    )
    config = write_config(tmp_path, f"{{name: One, action: attach, trigger: type = 'page', fields: {{{fields}}}}}")
    one = json.dumps(page(1, userId="pro-1", properties={"n": 1}))
    done = call("explain", one, "--config", config, "--json", env={"RUPT_CLIENT_ID": "c", "ONE": "1"})
    (row,) = done.rows
    shown = {"one": "${ONE}", "n": "1", "t": "1-pro-1?x=${ONE}", "l": "[redacted]"}
    assert (row["request"]["body"]["metadata"], row["payload"]["account"]) == (shown, "pro-1")
    template = row["fields"][1]["step"]["steps"][2]
    assert [read["value"] for read in template["reads"]] == [1, "pro-1"]
    (change,) = row["sent"][1]["changes"]
    assert (change["from"], change["to"]) == (1, "1")


def test_what_a_trigger_looked_at_is_told_as_it_is(tmp_path: Path) -> None:
    """A short variable in a clause is not found in the event's texts; a long one is where it is all of a text."""
    text = (
        """{name: One, action: attach, trigger: 'name = "${ONE}" or event = "${KEY}"', fields: {account: $.userId}}"""
    )
    config = write_config(tmp_path, text)
    one = {**page(1, name="pro-1"), "type": "track", "event": "se-cret"}
    env = {"RUPT_CLIENT_ID": "c", "ONE": "1", "KEY": "se-cret"}
    (row,) = call("explain", json.dumps(one), "--config", config, "--json", env=env).rows
    assert [part["values"][0]["value"] for part in row["trigger"]["parts"]] == ["pro-1", "${KEY}"]


# A terminal


def test_a_narrow_terminal_wraps_notes_and_cuts_nothing_short(tmp_path: Path) -> None:
    """In 40 columns a short value stands whole, what is said of it goes on in the next line."""
    text = """{name: One, action: attach, trigger: 'type = "page" or properties.n = 4', fields: {account: $.userId}}"""
    config = write_config(tmp_path, text, settings=["max_event_age: none"])
    env = {"COLUMNS": "40", "NO_COLOR": "1", "RUPT_CLIENT_ID": "c"}
    one = json.dumps(page(1, properties={"n": 5}))
    done = call("explain", one, "--config", config, env=env, stdout=Screen())
    assert "is 5, not asked any more\n" in done.out
    assert max(map(len, done.out.splitlines())) <= 40


def test_a_terminal_gets_colour_and_only_signs_that_it_has(config: Path) -> None:
    """On a terminal there is colour; where its locale is not UTF-8 the signs are ASCII."""
    text = f"{{name: One, action: attach, trigger: type = 'page', fields: {{account: '{{{{userId}}}} {'a ' * 40}'}}}}"
    config = write_config(config.parent, "preset: attach-device", text)
    args = ("explain", json.dumps(page(1)), "--config", str(config))
    env = {"RUPT_CLIENT_ID": "c", "COLUMNS": "80"}
    assert "\x1b[32m✓\x1b[0m" in call(*args, env=env, stdout=Screen()).out
    plain = call(*args, env={**env, "LC_ALL": "C", "NO_COLOR": "1"}, stdout=Screen()).out
    assert "..." in plain
    assert plain.isascii()
    assert "+ Attach Device: would be sent" in plain
    assert "\x1b" not in plain


def test_text_of_an_event_does_not_reach_a_terminal_unescaped(tmp_path: Path) -> None:
    """What a terminal obeys is escaped, in names and values alike."""
    done = explained(tmp_path, "account: $.userId, event: $.name", page(1, name="\x1b[31m\u202e"))
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


# Where events come from


def test_an_event_may_come_from_a_file_or_standard_input(config: Path, tmp_path: Path) -> None:
    """A file, -, and the JSON itself are the same; a file may be of any recorded form."""
    file = tmp_path / "event.json"
    file.write_bytes(lines(page(1)))
    expected = explain(config, page(1))
    assert call("explain", file, "--config", config) == expected
    assert call("explain", "-", "--config", config, stdin=lines(page(1))) == expected
    batch = call("explain", SDK / "03-analytics-node-next-v1-batch.json", "--config", config)
    assert batch.code == 0
    assert "page Pricing  node-next-" in batch.out
    assert "\n\n\ntrack Signed Up  node-next-" in batch.out


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_recording_is_read_as_replay_reads_it(is_packed: bool, config: Path, tmp_path: Path) -> None:
    """Lines of JSON, packed or not, are explained event by event; what is no event is named with its line."""
    text = lines(page(1), page(2), {"type": "page"})
    file = tmp_path / "recorded"
    file.write_bytes(gzip.compress(text) if is_packed else text)
    for done in (
        call("explain", file, "--config", config, "--mapping", "Attach Device", "--json"),
        call("explain", "-", "--config", config, "--mapping", "Attach Device", "--json", stdin=file.read_bytes()),
    ):
        assert [row["messageId"] for row in done.rows] == ["m-1", "m-2"]
        assert done.code == 2
        assert ":3: no_user_anon_id" in done.err


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("{", "not an event that can be sent: bad_request: not JSON"),
        ("[]", "not an event that can be sent: empty_batch"),
        ('{"type": "page"}', "not an event that can be sent: no_user_anon_id"),
        ('{"type": "bus", "userId": "u"}', "not an event that can be sent: UNSUPPORTED_EVENT_TYPE"),
    ],
)
def test_what_is_no_event_is_wrong_usage(event: str, words: str, config: Path) -> None:
    """What cannot be read as an event ends with 2 and says why."""
    done = call("explain", event, "--config", config)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_of_a_batch_the_good_events_are_explained(config: Path) -> None:
    """An item of a batch that is no event is told at the end, after the others were explained."""
    done = explain(config, {"batch": [page(1), {"type": "page"}, page(2)]}, "--json")
    assert done.code == 2
    assert {row["messageId"] for row in done.rows} == {"m-1", "m-2"}
    assert "no_user_anon_id: item 2" in done.err


def test_a_folder_is_no_event(config: Path, tmp_path: Path) -> None:
    """A folder cannot be read as an event, and it is said what can."""
    done = call("explain", tmp_path, "--config", config)
    assert done.code == 2
    assert "Is a directory; give a file, -, the JSON of an event, or a messageId" in done.err


def test_a_message_id_is_looked_up_in_recordings(config: Path, tmp_path: Path) -> None:
    """With --in an event is found by its messageId, and it is said where."""
    file = write_events(tmp_path / "recorded.ndjson", page(1), page(2), page(3))
    done = call("explain", "m-2", "--in", file, "--config", config, "--mapping", "Attach Device")
    assert done.code == 0
    assert done.out.startswith("page Home  m-2\n")
    assert f"m-2: found at {file}:2" in done.err
    unknown = call("explain", "m-9", "--in", file, "--config", config)
    assert (unknown.code, unknown.out) == (2, "")
    assert f"no event with the messageId 'm-9' is among the 3 in {file}" in unknown.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a queue as a server leaves it: an event that was kept, and one that was filtered."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("kept"))], now=NOW, filtered=[Filtered("unwanted", "NO_MATCHING_MAPPING")])

    return build(tmp_path / "data", fill)


def stored(folder: Path, config: Path, name: str, **env: str) -> Done:
    """Explain an event of a queue."""
    args = ("--data", folder) if not env else ()
    return call("explain", name, *args, "--config", config, env={"RUPT_CLIENT_ID": "c", **env})


def test_a_message_id_is_looked_up_in_the_queue_of_a_server(config: Path, folder: Path) -> None:
    """Anything that is no file and no JSON is a messageId: the stored event is explained as the file is now."""
    done = stored(folder, config, "kept")
    assert done.code == 0
    assert done.out.startswith("page  kept\n")
    assert '"user-42"' in done.out
    assert "`why kept` tells what became of it" in done.err
    assert stored(folder, config, "kept", RUPT_DATA=str(folder)) == done


def test_an_event_that_was_not_kept_says_why(config: Path, folder: Path) -> None:
    """Of an event that was filtered or forgotten nothing is kept, and that is said; the exit code is 1."""
    filtered = stored(folder, config, "unwanted")
    assert (filtered.code, filtered.out) == (1, "")
    assert "so it was not kept: NO_MATCHING_MAPPING: no trigger holds for it" in filtered.err
    assert call("forget", "--account", "user-42", "--data", folder, "--yes").code == 0
    forgotten = stored(folder, config, "kept")
    assert (forgotten.code, forgotten.out) == (1, "")
    assert "its content was erased: it has been forgotten" in forgotten.err


def test_a_message_id_that_is_not_known_says_what_was_tried(config: Path, folder: Path, tmp_path: Path) -> None:
    """What is neither file, JSON nor a known messageId is wrong usage: where it was looked for is said."""
    done = stored(folder, config, "nothing")
    assert (done.code, done.out) == (2, "")
    assert "'nothing' is no file and no JSON, and nothing is known of such a messageId in " in done.err
    absent = stored(folder, config, "/nowhere.json", RUPT_DATA=str(tmp_path / "none"))
    assert absent.code == 2
    assert "'/nowhere.json' is no file and no JSON" in absent.err
    assert "name the folder of a server with --data, or recordings with --in" in absent.err


def test_variables_without_a_value_need_not_matter(tmp_path: Path) -> None:
    """With --allow-unset an event is explained where the environment has no secrets, as in CI."""
    text = '{name: One, action: attach, trigger: type = "page", fields: {account: $.userId}}'
    config = write_config(tmp_path, text, settings=["logout_url: ${NOWHERE_SET}"])
    assert explain(config, page(1)).code == 2
    assert explain(config, page(1), "--allow-unset").code == 0
