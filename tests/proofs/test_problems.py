"""What the proof tells of a mapping, and the event that witnesses each "can be": with it the claim comes true."""

from pathlib import Path
from typing import Any

import pytest

from connector.codes import SEVERITIES
from connector.destination import Destination, load
from connector.errors import Problem
from connector.lints import without_allowed
from connector.pipeline import Invalid, Skipped, compile_plan
from connector.proofs import proof_rows, prove
from tests.cli.command import write_config

TRIGGER = 'type = "page" and userId != null'
USER: dict[str, Any] = {"type": "page", "userId": "user-42", "anonymousId": "a"}


def loaded(folder: Path, fields: str, *, trigger: str = TRIGGER, action: str = "attach", more: str = "") -> Destination:
    """Load a destination with one mapping."""
    text = f"{{name: Mine, action: {action}, trigger: '{trigger}', fields: {{{fields}}}{more}}}"
    return load(write_config(folder, text, settings=["api_secret: s"]), {})


def told(destination: Destination) -> list[str]:
    """Give code and message of each problem, but for what a text field says of objects and lists."""
    skipped = ("proof_refused", "proof_empty")
    return [f"{each.code}: {each.message}" for each in prove(destination) if each.code not in skipped]


def codes(destination: Destination) -> list[str]:
    """Give the codes of what is told."""
    return [problem.code for problem in prove(destination)]


def only(destination: Destination, code: str) -> Problem:
    """Give the one problem with a code."""
    (problem,) = [each for each in prove(destination) if each.code == code]
    return problem


OPTIONAL = [
    (
        "email: $.context.traits.email",
        "email can be missing or null when `$.context.traits.email` is missing or null; it is then left out",
        [{}, {"context": {"traits": {"email": None}}}, {"context": None}],
    ),
    (
        'email: {"@if": {exists: $.context.traits.email, then: $.context.traits.email, else: $.properties.email}}',
        "email can be missing or null when `$.context.traits.email` and `$.properties.email` are both missing or null;"
        " it is then left out",
        [{}, {"context": {"traits": {"email": None}}, "properties": {"email": None}}],
    ),
    (
        'email: {"@if": {exists: $.name, then: $.context.ip}}',
        "email can be missing or null when `$.name` is there and `$.context.ip` is missing or null, or when `$.name` is"
        " missing or null; it is then left out",
        [{}, {"name": "Home"}, {"name": None, "context": {"ip": "::1"}}],
    ),
    (
        "email: '{{name}}{{category}}'",
        "email can be empty when `$.name` and `$.category` are both missing, null or empty; it is then left out",
        [{}, {"name": ""}, {"name": None, "category": ""}],
    ),
    (
        'email: {"@case": {operator: lower, value: $.name}}',
        "email can be missing or null when `$.name` is missing or null; it is then left out",
        [{}, {"name": None}],
    ),
    (
        'email: {"@replace": {pattern: a, replacement: b, value: $.name}}',
        "email can be empty when `$.name` is missing, null or empty; it is then left out",
        [{}, {"name": None}, {"name": ""}],
    ),
    (
        'email: {"@excludeWhenNull": $.name}',
        "email can be missing when `$.name` is missing or null; it is then left out",
        [{}, {"name": None}],
    ),
    (
        'email: {"@json": {mode: encode, value: $.name}}',
        "email can be missing when `$.name` is missing; it is then left out",
        [{}],
    ),
    (
        'email: {"@transform": {apply: {who: $.name}, mapping: {"@path": $.who}}}',
        "email can be missing or null when `$.name` is missing or null; it is then left out",
        [{}, {"name": None}],
    ),
    (
        'email: {"@literal": {"@path": $.name}}',
        "email can be missing or null when `$.name` is missing or null; it is then left out",
        [{}, {"name": None}],
    ),
    (
        'email: {"@liquid": "{{ name }}"}',
        "email can be empty; it is then left out",
        [{}, {"name": ""}],
    ),
    (
        'groups: {"@arrayPath": [$.properties.teams, {id: $.id}]}',
        "groups can be missing or null when `$.properties.teams` is missing or null; it is then left out",
        [{}, {"properties": {"teams": None}}],
    ),
    (
        """email: {"@path": "$.context['a b'].c[0]"}""",
        "email can be missing or null when `$.context['a b'].c.0` is missing or null; it is then left out",
        [{}, {"context": {"a b": {"c": []}}}],
    ),
]


@pytest.mark.parametrize(("fields", "message", "witnesses"), OPTIONAL)
def test_a_field_that_can_be_missing(
    fields: str, message: str, witnesses: list[dict[str, Any]], tmp_path: Path
) -> None:
    """An optional field that an event may leave without a value is noted with the paths that decide it."""
    destination = loaded(tmp_path, f"account: $.userId, {fields}")
    name = fields.partition(":")[0]
    assert f"proof_optional: {message}" in told(destination)
    (mapping,) = destination.mappings
    plan = compile_plan(mapping, destination.settings)
    for witness in witnesses:
        found = plan({**USER, **witness}, None)
        assert not isinstance(found, Invalid)
        assert found.payload is not None
        assert name not in found.payload


def test_the_place_is_that_of_the_node(tmp_path: Path) -> None:
    """A problem stands at the node that gives the value, with its span."""
    destination = loaded(tmp_path, 'account: $.userId, email: {"@if": {exists: $.name, then: "x", else: $.context.ip}}')
    problem = only(destination, "proof_optional")
    assert problem.source[problem.column - 1 :][: problem.width] == "$.context.ip"
    assert problem.line == 7


def test_nothing_is_told_of_what_is_always_there(tmp_path: Path) -> None:
    """What the trigger and the type of the event prove to be there can not be missing."""
    assert codes(loaded(tmp_path, "account: $.event", trigger='type = "track"')) == []
    assert codes(loaded(tmp_path, "account: $.groupId", trigger='type = "group"')) == []
    assert codes(loaded(tmp_path, "account: $.userId", trigger='type = "alias"')) == []
    assert codes(loaded(tmp_path, "account: $.name", trigger='name = "Home"')) == []
    assert codes(loaded(tmp_path, "account: $.name", trigger='match(name, "?*") and contains(name, "o")')) == []
    assert codes(loaded(tmp_path, "account: 'u-{{userId}}'")) == []
    assert codes(loaded(tmp_path, "account: 'u-{{userId}}{{anonymousId}}'", trigger='type = "page"')) == []
    assert codes(loaded(tmp_path, 'account: {"@if": {blank: $.userId, then: $.userId, else: $.anonymousId}}')) == []


REQUIRED = [
    ("$.userId", "account can be missing or null when `$.userId` is missing or null", {}),
    ('"{{userId}}"', "account can be empty when `$.userId` is missing, null or empty", {}),
    (
        '{"@if": {exists: $.name, then: $.userId, else: $.anonymousId}}',
        "account can be missing or null when `$.name` is there and `$.userId` is missing or null,"
        " or when `$.name` and `$.anonymousId` are both missing or null",
        {"name": "x"},
    ),
]


@pytest.mark.parametrize(("account", "message", "witness"), REQUIRED)
def test_a_required_field_that_can_be_missing(
    account: str, message: str, witness: dict[str, Any], tmp_path: Path
) -> None:
    """A field that the action needs and that an event may leave out is a warning, for that event is invalid."""
    destination = loaded(tmp_path, f"account: {account}", trigger='type = "page"')
    assert told(destination) == [f"proof_required: {message}: the event is then invalid"]
    assert only(destination, "proof_required").severity == "warning"
    (mapping,) = destination.mappings
    plan = compile_plan(mapping, destination.settings)
    assert isinstance(plan({"type": "page", "anonymousId": "a", **witness}, None), Invalid)


HOLLOW = [
    ("'user-{{type.id}}'", 'is no more than "user-"'),
    ("'user-{{userId}}'", 'is no more than "user-" when `$.userId` is missing or null'),
    (
        "'{{context.app.name}}-{{name}}'",
        'is no more than "-" when `$.context.app.name` and `$.name` are both missing or null',
    ),
    (
        '{"@if": {exists: $.userId, then: $.userId, else: "name-{{name}}"}}',
        'is no more than "name-" when `$.userId` and `$.name` are both missing or null',
    ),
]


@pytest.mark.parametrize(("account", "message"), HOLLOW)
def test_a_required_template_that_nothing_fills(account: str, message: str, tmp_path: Path) -> None:
    """A required field that can be its template's own text alone is a warning: many people would be one account."""
    destination = loaded(tmp_path, f"account: {account}", trigger='type = "page"')
    problem = only(destination, "proof_template")
    assert problem.severity == "warning"
    assert problem.message == f"account {message}: it is then the same for all such events"
    (mapping,) = destination.mappings
    found = compile_plan(mapping, destination.settings)({"type": "page", "anonymousId": "a"}, None)
    assert not isinstance(found, Invalid)
    assert found.payload is not None
    assert f'"{found.payload["account"]}"' in problem.message


def test_a_template_that_is_only_tested_or_not_required_is_nothing_to_tell_of(tmp_path: Path) -> None:
    """A text of an optional field, or one that an @if asks for, names nobody."""
    fields = "account: $.userId, email: 'user-{{name}}'"
    assert "proof_template" not in codes(loaded(tmp_path, fields))
    fields = 'account: {"@if": {exists: "a{{name}}", then: $.userId}}'
    assert "proof_template" not in codes(loaded(tmp_path, fields))


def test_a_field_that_no_event_has_is_not_asked_for(tmp_path: Path) -> None:
    """Of a path that leads nowhere the lints tell: the proof does not say that the trigger should ask for it."""
    for account in ("$.user_id", "$.context.page.titel", "$.groupId", "'user-{{user_id}}'"):
        found = codes(loaded(tmp_path, f"account: {account}", trigger='type = "page"'))
        assert {"proof_required", "proof_template", "proof_refused"}.isdisjoint(found), account
    assert codes(loaded(tmp_path, "account: x, email: $.context.page.titel")) == []
    account = '{"@if": {exists: $.user_id, then: $.user_id, else: $.userId}}'
    problem = only(loaded(tmp_path, f"account: {account}", trigger='type = "page"'), "proof_required")
    assert problem.help.startswith("add `and userId != null` to the trigger, or ")


def test_a_path_that_no_trigger_can_name_is_in_no_help(tmp_path: Path) -> None:
    """The help names a clause only when a trigger can have it."""
    problem = only(loaded(tmp_path, "account: $.traits", trigger='type = "identify"'), "proof_never")
    assert "`and" not in problem.help
    problem = only(
        loaded(tmp_path, 'account: {"@json": {mode: encode, value: $.traits}}', trigger='type = "identify"'),
        "proof_required",
    )
    assert problem.help.startswith("let the trigger ask for it, or ")


def test_a_trigger_that_holds_for_no_event_proves_nothing(tmp_path: Path) -> None:
    """What only the lints know to hold never, by the fields that events of a type have, proves nothing either."""
    for trigger in ('type = "page" and event = "Home"', 'type = "track" and name = "x"'):
        assert codes(loaded(tmp_path, "account: $.userId", trigger=trigger)) == []


SKIPPED = [
    ("update_user", "account: $.userId", "nothing_to_update"),
    ("update_user", "account: $.userId, phone: '0123'", "nothing_to_update"),
    ("update_user", "account: $.userId, email: $.userId.email", "nothing_to_update"),
    ("update_user", "account: $.userId, groups: {name: $.name}", "nothing_to_update"),
    ("update_user", "account: '..', email: $.name", "account_not_addressable"),
    ("detach", "account: $.userId, device: '.'", "device_not_addressable"),
]


@pytest.mark.parametrize(("action", "fields", "reason"), SKIPPED)
def test_an_action_that_can_do_nothing(action: str, fields: str, reason: str, tmp_path: Path) -> None:
    """A mapping of which the action skips every event is a warning, with the action's own reason."""
    destination = loaded(tmp_path, fields, action=action)
    problem = only(destination, "proof_skipped")
    assert problem.severity == "warning"
    assert problem.message.startswith(f"every event is skipped: {reason}")
    assert problem.source[problem.column - 1 :].startswith(action)
    (mapping,) = destination.mappings
    found = compile_plan(mapping, destination.settings)({**USER, "name": "Home"}, None)
    assert isinstance(found, Skipped)
    assert found.reason.startswith(reason)


def test_a_preset_of_which_nothing_is_left_to_send(tmp_path: Path) -> None:
    """What is cleared beside a preset is told at the preset."""
    cleared = "{preset: update-user, fields: {email: null, phone: null, groups: null}}"
    config = write_config(tmp_path, cleared, settings=["api_secret: s"])
    problem = only(load(config, {}), "proof_skipped")
    assert problem.file == str(config)
    assert problem.source[problem.column - 1 :].startswith("update-user")


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("update_user", "account: $.userId, email: $.context.traits.email"),
        ("update_user", "account: $.userId, phone: $.context.traits.phone"),
        ("update_user", "account: $.userId, metadata: {plan: $.name}"),
        ("update_user", "account: $.userId, groups: {id: $.context.groupId}"),
        ("update_user", "account: $.context, phone: '0123'"),
        ("detach", "account: $.userId, device: $.properties.device"),
        ("attach", "account: $.userId"),
    ],
)
def test_an_action_that_can_do_something(action: str, fields: str, tmp_path: Path) -> None:
    """Where an event may be sent, or is invalid in the first place, nothing is said of skips."""
    assert "proof_skipped" not in codes(loaded(tmp_path, fields, action=action))


def test_what_a_variable_holds_is_told_nobody(tmp_path: Path) -> None:
    """A text that comes from the environment may be a secret: it is in no message, and no row of the proof."""
    branch = '{"@if": {exists: $.name, then: "${WORD}", else: no}}'
    fields = f"include_page: {branch}, tolerance: {branch}, account: '${{WORD}}-{{{{userId}}}}'"
    text = f"{{name: Mine, action: attach, trigger: 'type = \"page\"', fields: {{{fields}}}}}"
    destination = load(write_config(tmp_path, text), {"WORD": "hush"})
    problems = prove(destination)
    assert {"proof_template", "proof_never"} <= {problem.code for problem in problems}
    assert not any("hush" in problem.message + problem.help for problem in problems)
    assert "hush" not in repr(list(proof_rows(destination)))


def test_an_id_that_can_be_an_empty_text_is_only_noted(tmp_path: Path) -> None:
    """An empty id is possible, and too rare for a warning."""
    destination = loaded(tmp_path, "account: $.userId")
    problem = only(destination, "proof_empty")
    assert problem.severity == "note"
    assert problem.message == "account can be empty when `$.userId` is empty: the event is then invalid"
    (mapping,) = destination.mappings
    assert isinstance(compile_plan(mapping, destination.settings)({**USER, "userId": ""}, None), Invalid)


FIXES = [
    ('type = "page"', "$.userId", 'type = "page" and userId != null'),
    ('type = "page" or type = "screen"', "$.userId", '(type = "page" or type = "screen") and userId != null'),
    (
        'type = "page"',
        '{"@if": {exists: $.context.traits.id, then: $.context.traits.id, else: $.properties.id}}',
        'type = "page" and (context.traits.id != null or properties.id != null)',
    ),
]


@pytest.mark.parametrize(("trigger", "account", "mended"), FIXES)
def test_the_trigger_can_be_mended(trigger: str, account: str, mended: str, tmp_path: Path) -> None:
    """The fix of a missing required field lets the trigger ask for it, and the warning is then gone."""
    destination = loaded(tmp_path, f"account: {account}", trigger=trigger)
    fix = only(destination, "proof_required").fix
    assert fix is not None
    file = Path(destination.file)
    text = file.read_text(encoding="utf-8")
    for edit in reversed(fix.edits):
        assert edit.file == str(file)
        text = text[: edit.start] + edit.text + text[edit.end :]
    file.write_text(text, encoding="utf-8")
    after = load(file, {})
    assert after.mappings[0].trigger_text == mended
    assert "proof_required" not in codes(after)


@pytest.mark.parametrize(
    "mapping",
    [
        '{name: A, action: attach, trigger: "type = \\"page\\"", fields: {account: $.userId}}',
        'name: Mine\n    action: attach\n    trigger: type = "page"\n    fields: {account: "$.context[\'a b\']"}',
    ],
)
def test_no_fix_where_a_trigger_cannot_be_extended_safely(mapping: str, tmp_path: Path) -> None:
    """A trigger that is folded, stands in a preset or cannot name the path is left to a person."""
    destination = load(write_config(tmp_path, mapping), {})
    problems = [each for each in prove(destination) if each.code in ("proof_required", "proof_never")]
    assert problems
    assert all(problem.fix is None and problem.help for problem in problems)


def test_a_problem_of_a_preset_stands_in_the_file_that_uses_it(tmp_path: Path) -> None:
    """A required field of a preset that can be missing is told at the mapping's own trigger, else where it is named."""
    config = write_config(tmp_path, "{preset: attach-device, trigger: 'type = \"screen\"'}")
    problem = only(load(config, {}), "proof_required")
    assert (problem.file, problem.line, problem.column) == (str(config), 6, 38)
    assert problem.fix is not None
    preset = tmp_path / "mine.yaml"
    preset.write_text(
        'name: A\naction: attach\ntrigger: type = "page"\nfields: {account: $.userId}\n', encoding="utf-8"
    )
    config = write_config(tmp_path, "{preset: ./mine.yaml}")
    problem = only(load(config, {}), "proof_required")
    assert (problem.file, problem.line, problem.column) == (str(config), 6, 14)
    assert problem.fix is None


def test_what_stands_in_one_of_our_presets_is_told_at_its_user(tmp_path: Path) -> None:
    """Notes of a preset that comes with the connector stand at `preset:`, where a comment can allow them."""
    config = write_config(tmp_path, "preset: attach-device")
    destination = load(config, {})
    found = prove(destination)
    assert {problem.code for problem in found} == {"proof_optional", "proof_refused"}
    assert {(problem.file, problem.line) for problem in found} == {(str(config), 6)}
    assert all("of the preset)" in problem.message and problem.fix is None for problem in found)
    text = config.read_text(encoding="utf-8").replace(
        "preset: attach-device", "preset: attach-device # check: allow proof_optional, proof_refused"
    )
    config.write_text(text, encoding="utf-8")
    destination = load(config, {})
    assert without_allowed(destination, prove(destination)) == []


def test_a_preset_says_that_it_is_meant(tmp_path: Path) -> None:
    """A preset's tests count where its trigger and its field are taken over, whatever else is put beside them."""
    config = write_config(tmp_path, "{preset: attach-device, name: Mine, fields: {phone: $.name}}")
    assert "proof_required" not in codes(load(config, {}))


def test_a_test_says_that_it_is_meant(tmp_path: Path) -> None:
    """A test that expects an event to be invalid for want of the field silences the warning; another one does not."""
    event = "event: {type: page, anonymousId: a}"
    meant = f", tests: [{{{event}, expect_invalid: the required field account}}]"
    other = f", tests: [{{{event}, expect_invalid: device}}]"
    assert codes(loaded(tmp_path, "account: $.userId", trigger='type = "page"', more=meant)) == []
    assert codes(loaded(tmp_path, "account: $.userId", trigger='type = "page"', more=other)) == ["proof_required"]


NEVER = [
    ("account: $.context", "account is always an object when it is there, and must be a text: every event is invalid"),
    (
        "account: $.userId, email: $.properties",
        "email is always an object when it is there, and must be a text: every event that has it is invalid",
    ),
    (
        'account: $.userId, tolerance: {"@if": {exists: $.name, then: strictest, else: loose}}',
        'tolerance is always "strictest" or "loose", and must be default, strict or lenient: every event is invalid',
    ),
    (
        'account: $.userId, include_page: {"@if": {exists: $.name, then: "yes", else: "no"}}',
        'include_page is always "yes" or "no", and must be true or false: every event is invalid',
    ),
    (
        'account: $.userId, limit_config: {people_limit: {"@if": {exists: $.name, then: "three", else: "four"}}}',
        'limit_config.people_limit is always "three" or "four", and must be a number: every event is invalid',
    ),
    (
        'account: $.userId, include_page: {"@if": {exists: $.name, then: 7, else: 8}}',
        "include_page is always a number, and must be true or false: every event is invalid",
    ),
    ("account: $.userId, phone: $.userId.phone", "phone is always missing or empty: it is never sent"),
    ('account: $.userId, email: ""', "email is always empty: it is never sent"),
    (
        'account: $.userId, email: {"@flatten": {value: $.context, separator: _}}',
        "email is always an object, and must be a text: every event is invalid",
    ),
    (
        "account: $.userId, limit_config: {people_limit: $.context.page}",
        "limit_config.people_limit is always an object when it is there, and must be a number: every event that has it"
        " is invalid",
    ),
]


@pytest.mark.parametrize(("fields", "message"), NEVER)
def test_a_field_that_can_never_pass(fields: str, message: str, tmp_path: Path) -> None:
    """A field that no event can fill as its schema wants is a warning."""
    destination = loaded(tmp_path, fields)
    assert f"proof_never: {message}" in told(destination)
    assert only(destination, "proof_never").severity == "warning"


YES: list[tuple[str, list[str]]] = [
    ('include_page: "true"', []),
    ('limit_config: {people_limit: "3"}', []),
    ('include_page: {"@if": {exists: $.name, then: "true", else: "false"}}', []),
    ('include_page: {"@if": {exists: $.name, then: 1}}', ["proof_optional"]),
    ('include_page: {"@if": {exists: $.name, then: "true"}}', ["proof_optional"]),
    ('include_page: {"@case": {operator: lower, value: "TRUE"}}', []),
]


@pytest.mark.parametrize(("fields", "found"), YES)
def test_a_written_text_that_is_converted_is_nothing_to_tell_of(fields: str, found: list[str], tmp_path: Path) -> None:
    """What a text or number of the file becomes is known: nothing is guessed of it."""
    destination = loaded(tmp_path, f"account: $.userId, {fields}")
    assert [code for code in codes(destination) if code != "proof_empty"] == found
    (mapping,) = destination.mappings
    assert not isinstance(compile_plan(mapping, destination.settings)(USER, None), Invalid)


def test_a_written_text_that_is_never_converted(tmp_path: Path) -> None:
    """A branch whose text the schema cannot convert makes its events invalid: that is a warning, and names the text."""
    fields = 'account: $.userId, include_page: {"@if": {exists: $.name, then: "yes", else: "true"}}'
    destination = loaded(tmp_path, fields)
    problem = only(destination, "proof_type")
    assert problem.severity == "warning"
    assert problem.message == (
        'include_page is "yes" when `$.name` is there, and must be true or false: the event is then invalid'
    )
    (mapping,) = destination.mappings
    plan = compile_plan(mapping, destination.settings)
    assert isinstance(plan({**USER, "name": "Home"}, None), Invalid)
    assert not isinstance(plan(USER, None), Invalid)


def test_a_list_of_nothing_is_no_choice(tmp_path: Path) -> None:
    """The one item of a list counts for it, and nothing becomes an empty text, which is none of the choices."""
    destination = loaded(tmp_path, 'account: $.userId, tolerance: [{"@if": {exists: $.type.x, then: strict}}]')
    assert "proof_never" in codes(destination)
    (mapping,) = destination.mappings
    assert isinstance(compile_plan(mapping, destination.settings)(USER, None), Invalid)


def test_a_branch_that_can_never_pass(tmp_path: Path) -> None:
    """One branch that gives what the schema refuses is a warning at that branch."""
    destination = loaded(tmp_path, 'account: {"@if": {exists: $.context.page, then: $.context.page, else: $.userId}}')
    problem = only(destination, "proof_type")
    assert problem.message == (
        "account is an object when `$.context.page` is an object, and must be a text: the event is then invalid"
    )
    assert problem.severity == "warning"
    (mapping,) = destination.mappings
    event: dict[str, Any] = {**USER, "context": {"page": {}}}
    assert isinstance(compile_plan(mapping, destination.settings)(event, None), Invalid)


REFUSED = [
    (
        "email: $.properties.email",
        "email can be a list of several or an object, as `$.properties.email` can",
        {"email": {}},
    ),
    (
        "include_page: $.properties.page",
        "include_page can be a text other than true and false, a number other than 0 and 1, a list of several or an"
        " object, as `$.properties.page` can",
        {"page": "yes"},
    ),
    (
        "tolerance: $.context.ip",
        "tolerance can be a text other than default, strict or lenient, as `$.context.ip` can",
        {},
    ),
    (
        "limit_config: {people_limit: $.properties.limit}",
        "limit_config.people_limit can be a text that is no number, a list of several or an object, as"
        " `$.properties.limit` can",
        {"limit": "many"},
    ),
    (
        "groups: $.properties.team",
        "groups can be a text, true or false, a number, a list of other values or an object with other values, as"
        " `$.properties.team` can",
        {"team": "Acme"},
    ),
]


@pytest.mark.parametrize(("fields", "message", "properties"), REFUSED)
def test_a_free_field_that_may_not_pass(fields: str, message: str, properties: dict[str, Any], tmp_path: Path) -> None:
    """What an event may hold and the schema refuses is a note, for a free field can be anything."""
    destination = loaded(tmp_path, f"account: $.userId, {fields}")
    problem = only(destination, "proof_refused")
    assert problem.message == f"{message}: the event is then invalid"
    assert problem.severity == "note"
    (mapping,) = destination.mappings
    event: dict[str, Any] = {**USER, "properties": properties, "context": {"ip": "::1"}}
    assert isinstance(compile_plan(mapping, destination.settings)(event, None), Invalid)


def test_a_list_of_one_passes_where_a_list_of_several_does_not(tmp_path: Path) -> None:
    """A list of one counts as its item, which the note says, and names only longer lists and objects as refused."""
    destination = loaded(tmp_path, "account: $.userId, email: $.properties.email")
    problem = only(destination, "proof_refused")
    assert "a list of several or an object" in problem.message
    assert problem.help.endswith("; a list of one counts as its item")
    (mapping,) = destination.mappings
    plan = compile_plan(mapping, destination.settings)
    found = plan({**USER, "properties": {"email": ["ada@example.com"]}}, None)
    assert not isinstance(found, Invalid)
    assert found.payload is not None
    assert found.payload["email"] == "ada@example.com"
    assert isinstance(plan({**USER, "properties": {"email": ["a", "b"]}}, None), Invalid)


def test_numbers_and_booleans_become_texts(tmp_path: Path) -> None:
    """What the schema converts on every event is nothing to tell of."""
    assert codes(loaded(tmp_path, "account: 'x', email: $.context.ip.length", trigger='context.ip != ""')) == [
        "proof_optional"
    ]
    fields = 'account: x, limit_config: {people_limit: {"@if": {exists: $.type, then: 3}}}'
    assert codes(loaded(tmp_path, fields)) == []


DEAD = [
    ("{exists: $.type, then: $.type, else: x}", "proof_else", "`else` is never taken: `$.type` is always there"),
    ("{exists: $.userId, then: $.userId, else: x}", "proof_else", "`else` is never taken: `$.userId` is always there"),
    ("{exists: $.type.a, then: x, else: $.type}", "proof_branch", "`then` is never taken: `$.type.a` is never there"),
    ("{blank: $.type, then: x, else: y}", "proof_else", "`else` is never taken: `$.type` is always filled"),
    ('{exists: "x", then: x, else: y}', "proof_else", "`else` is never taken: what `exists` asks for is always there"),
]


@pytest.mark.parametrize(("options", "code", "message"), DEAD)
def test_a_branch_that_is_never_taken(options: str, code: str, message: str, tmp_path: Path) -> None:
    """A branch whose condition never comes true is told: an else as a note, a then as a warning."""
    problem = only(loaded(tmp_path, f'account: $.userId, email: {{"@if": {options}}}'), code)
    assert problem.message == message
    assert problem.severity == SEVERITIES[code]


def test_only_the_outer_dead_branch_is_told(tmp_path: Path) -> None:
    """What stands in a branch that is never taken is not told again."""
    inner = '{"@if": {exists: $.type, then: x, else: y}}'
    fields = f'account: $.userId, email: {{"@if": {{exists: $.type, then: x, else: {inner}}}}}'
    assert codes(loaded(tmp_path, fields)).count("proof_else") == 1


def test_a_trigger_that_never_holds_proves_nothing(tmp_path: Path) -> None:
    """Of a mapping that takes no event nothing is claimed."""
    assert codes(loaded(tmp_path, "account: $.context", trigger='type = "page" and type = "track"')) == []


def test_what_every_event_is_given_is_not_told(tmp_path: Path) -> None:
    """An event that is taken in gets a messageId and its times, so that they can be missing is nothing to tell of."""
    assert codes(loaded(tmp_path, "account: $.messageId, event: $.timestamp")) == []


def test_several_types_are_named(tmp_path: Path) -> None:
    """Where only some of the events that a trigger lets through can do it, they are named."""
    trigger = '(type = "track" and event = "A") or type = "group"'
    messages = told(loaded(tmp_path, "account: $.event", trigger=trigger))
    assert messages == [
        "proof_required: account can be missing or null when the event is a group event and `$.event` is missing or"
        " null: the event is then invalid"
    ]


def test_every_problem_has_the_severity_of_its_code(tmp_path: Path) -> None:
    """The table of codes tells how severe each problem is."""
    fields = 'account: $.context, email: $.properties.email, tolerance: {"@if": {exists: $.type.a, then: x, else: y}}'
    problems = prove(loaded(tmp_path, fields))
    assert len(problems) >= 4
    assert all(problem.severity == SEVERITIES[problem.code] for problem in problems)


def test_the_work_is_bounded(tmp_path: Path) -> None:
    """Of conditions inside conditions that are too many to look at nothing is said, rather than something false."""
    deep = "$.userId"
    for number in range(9):
        deep = f'{{"@if": {{exists: {{"@if": {{exists: $.context.k{number}, then: {deep}}}}}, then: {deep}}}}}'
    destination = loaded(tmp_path, f"account: $.userId, email: {deep}")
    assert codes(destination) == ["proof_empty"]


def test_many_paths_are_counted(tmp_path: Path) -> None:
    """Of many paths that must all be missing the first are named."""
    email = "$.name"
    for number in range(9):
        path = f"$.properties.k{number}"
        email = f'{{"@if": {{exists: {path}, then: {path}, else: {email}}}}}'
    problem = only(loaded(tmp_path, f"account: $.userId, email: {email}"), "proof_optional")
    assert problem.message == (
        "email can be missing or null when `$.properties.k8`, `$.properties.k7`, `$.properties.k6` and 7 more are all"
        " missing or null; it is then left out"
    )
