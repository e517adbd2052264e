"""Warnings of what fields read and are filled with."""

from pathlib import Path

import pytest

from connector.destination import load
from connector.lints import inspect
from connector.variables import StandIns
from tests.lints.inspecting import HEAD, fixed, found_in, mapping, shown_by

PAGE = 'type = "page"'


@pytest.mark.parametrize(
    ("path", "instead"),
    [
        ("$.user_id", "$.userId"),
        ("$.propertes.email", "$.properties.email"),
        ("$.context.trait.email", "$.context.traits.email"),
        ("$.context.useragent", "$.context.userAgent"),
        ("$.context.page.pth", "$.context.page.path"),
        ("$.ip", "$.context.ip"),
        ("'{{{ traits.email }}}'", "'{{{ context.traits.email }}}'"),
        ("$.traits.email", "$.context.traits.email"),
        ("'{{ context.pge.title }} x'", "'{{ context.page.title }} x'"),
        ('{"@path": traits.email}', '{"@path": context.traits.email}'),
    ],
)
def test_a_path_that_leads_nowhere(path: str, instead: str, tmp_path: Path) -> None:
    """A path to what no event has, or none that the trigger takes, is mended where one path is near."""
    (problem,) = found_in(tmp_path, mapping(PAGE, f"account: $.userId, event: {path}"))
    assert problem.code in ("unknown_path", "absent_field")
    assert f"event: {instead}}}" in fixed(problem, tmp_path)


@pytest.mark.parametrize(
    ("trigger", "path", "code"),
    [
        ('type = "identify"', "$.properties.email", "absent_field"),
        ('type = "track"', "$.name", "absent_field"),
        (PAGE, "$.email", "unknown_path"),
        (PAGE, "$.context.traits.emial", ""),
        (PAGE, "$.context.mine.x", ""),
        (PAGE, "$.context.ip", ""),
        (PAGE, "$.properties.traits.x", ""),
        ('type = "page" or type = "identify"', "$.traits.email", ""),
        ('type = "group"', "$.groupId", ""),
        (PAGE, '{"@liquid": "{{ usrId }}"}', "unknown_path"),
        (PAGE, '{"@transform": {apply: {who: $.userId}, mapping: {id: $.who}}}', ""),
    ],
)
def test_which_paths_are_told_of(trigger: str, path: str, code: str, tmp_path: Path) -> None:
    """Properties, traits and what people add to the context are their own; the rest must be in some event taken."""
    problems = found_in(tmp_path, mapping(trigger, f"account: $.userId, groups: {{id: {path}}}"))
    assert [problem.code for problem in problems] == ([code] if code else [])


@pytest.mark.parametrize("path", ["$.traits.email", '{"@path": $.traits.email}', '"{{traits.email}}"'])
def test_a_fix_does_not_make_branches_the_same(path: str, tmp_path: Path) -> None:
    """Where both branches of an @if would be the same by the fix, there is none, and the help says what to write."""
    branches = f"then: {path}, else: {path.replace('traits', 'context.traits')}"
    fields = f'account: $.userId, email: {{"@if": {{exists: $.traits.email, {branches}}}}}'
    problems = found_in(tmp_path, mapping(PAGE, fields))
    assert [problem.code for problem in problems] == ["absent_field"] * 2
    for problem in problems:
        assert problem.fix is None
        assert problem.help.startswith("write $.context.traits.email in place of the @if")


def test_a_path_of_liquid(tmp_path: Path) -> None:
    """A template of Liquid is advised a path as Liquid has it."""
    (problem,) = found_in(tmp_path, mapping(PAGE, 'account: $.userId, event: {"@liquid": "{{ traits.email }}"}'))
    assert problem.help.startswith("write context.traits.email")


def test_the_context_is_open(tmp_path: Path) -> None:
    """Of a key in the context that is near a known one it is said that Segment names it otherwise, no more."""
    (problem,) = found_in(tmp_path, mapping(PAGE, "account: $.userId, event: $.context.user_agent"))
    assert problem.message == "Segment names no field 'user_agent' in context"


def test_a_path_of_a_trigger(tmp_path: Path) -> None:
    """A trigger that asks page events for traits is told where these stand."""
    (problem,) = found_in(tmp_path, mapping('type = "page" and traits.plan = "pro"'))
    assert (problem.code, shown_by(problem, tmp_path)) == ("absent_field", "traits.plan")
    assert "and context.traits.plan = " in fixed(problem, tmp_path)


def test_the_fields_of_a_shared_preset(tmp_path: Path) -> None:
    """What a preset of one's own reads is told of only when no mapping that starts from it can have it."""
    preset = 'name: P\naction: attach\ntrigger: type = "page"\nfields: {account: $.userId, email: $.traits.email}\n'
    (tmp_path / "mine.yaml").write_text(preset, encoding="utf-8")
    page, both = "  - {preset: ./mine.yaml}\n", '  - {name: Q, preset: ./mine.yaml, trigger: type = "identify"}\n'
    assert [problem.code for problem in found_in(tmp_path, page)] == ["absent_field"]
    assert found_in(tmp_path, page, both) == []


def test_what_is_wrong_with_our_presets_stands_where_they_are_used(tmp_path: Path) -> None:
    """A trigger that does not go with a preset's fields is told of at `preset:`, without a fix."""
    problems = found_in(tmp_path, '  - {name: Q, preset: attach-device, trigger: type = "identify"}\n')
    assert {(problem.code, shown_by(problem, tmp_path), problem.fix) for problem in problems} == {
        ("absent_field", "attach-device", None)
    }


@pytest.mark.parametrize(
    "value", ["{overall_limit: 3}", '{"@if": {exists: $.userId, then: {overall_limit: 3}, else: {people_limit: 1}}}']
)
def test_an_old_name_is_mended(value: str, tmp_path: Path) -> None:
    """A deprecated field is a warning at its key, wherever it is given, and the fix writes its new name."""
    (problem,) = found_in(tmp_path, mapping(PAGE, f"account: $.userId, limit_config: {value}"))
    assert (problem.code, shown_by(problem, tmp_path)) == ("deprecated_field", "overall_limit")
    assert value.replace("overall_limit", "overall_device_limit") in fixed(problem, tmp_path)
    assert problem.fix is not None
    assert not problem.fix.safe


def test_an_old_name_beside_its_new_one_has_no_fix(tmp_path: Path) -> None:
    """Where the new name is there already, somebody must decide."""
    fields = "account: $.userId, limit_config: {overall_limit: 3, overall_device_limit: 4}"
    (problem,) = found_in(tmp_path, mapping(PAGE, fields))
    assert (problem.code, problem.fix) == ("deprecated_field", None)


@pytest.mark.parametrize(
    "value",
    [
        "{m: $.context.traits.email}",
        "{m: $.properties.phone_number}",
        "{m: $.context.traits.name}",
        '{m: "{{context.ip}}"}',
        "{m: $.context.userAgent}",
        '{m: {"@case": {operator: lower, value: $.context.traits.address.street}}}',
        '{m: "{{{context.traits.email}}}"}',
        "{m: $.context.device.name}",
        '{m: {"@if": {exists: $.userId, then: $.context.traits.email}}}',
        "$.context.traits",
        "$.context",
    ],
)
def test_personal_data_in_metadata(value: str, tmp_path: Path) -> None:
    """Metadata that is filled with personal data, or with all there is, is a warning."""
    (problem,) = found_in(tmp_path, mapping(PAGE, f"account: $.userId, metadata: {value}"))
    assert problem.code == "personal_data"


def test_what_is_not_personal(tmp_path: Path) -> None:
    """Plans and page names in metadata are nobody's secret, nor are the traits of a group."""
    harmless = (
        'plan: $.context.traits.plan, title: $.name, page: "{{name}}", company: $.context.traits.company.name, '
        "by_phone: $.context.userAgentData.mobile, "
        'has_mail: {"@if": {exists: $.context.traits.email, then: "yes", else: "no"}}'
    )
    plain = mapping(PAGE, f"account: a, metadata: {{{harmless}}}", name="A")
    fields = "account: b, metadata: $.traits, groups: {id: $.groupId, metadata: {mail: $.traits.email}}"
    assert found_in(tmp_path, plain, mapping('type = "group"', fields, name="B")) == []


def test_the_traits_of_a_user_are_not_a_group_s(tmp_path: Path) -> None:
    """What an identify event says of a user is personal, in the metadata of a group too."""
    (problem,) = found_in(
        tmp_path, mapping('type = "identify"', "account: $.userId, groups: {id: g, metadata: $.traits}")
    )
    assert (problem.code, shown_by(problem, tmp_path)) == ("personal_data", "$.traits")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("userId", "literal_path"),
        ("context.traits.email", "literal_path"),
        ("$userId", "literal_path"),
        ("'@path $.x'", "literal_directive"),
        ("'{% if x %}a{% endif %}'", "literal_directive"),
        ('{"@if": {exists: $.userId, then: a, else: a}}', "same_branches"),
        ('{"@literal": userId}', ""),
        ("sign_up", ""),
        ("properties", ""),
        ('{"@replace": {value: $.name, pattern: userId, replacement: "x"}}', ""),
        ('{"@if": {exists: $.userId, then: 1, else: "1"}}', ""),
    ],
)
def test_values_that_are_most_likely_not_meant(value: str, code: str, tmp_path: Path) -> None:
    """Texts that look like paths or directives, and branches that are the same, are warnings."""
    problems = found_in(tmp_path, mapping(PAGE, f"account: $.userId, event: {value}"))
    assert [problem.code for problem in problems] == ([code] if code else [])


@pytest.mark.parametrize(
    ("field", "codes"),
    [
        ("metadata: {a: '${RUPT_API_SECRET}'}", ["secret_sent"]),
        ("event: '${API_KEY:-x} of {{name}}'", ["secret_sent"]),
        ("""event: {"@if": {exists: $.name, then: "${TOKEN}"}}""", ["secret_sent"]),
        ("metadata: {a: '${db_password}', b: '${STAGE}'}", ["secret_sent"]),
        ("metadata: {a: '${KEYBOARD}', b: '${TOKENIZER}', c: '$${TOKEN}'}", []),
        ("secret: '${RUPT_DEVICE_SECRET}'", []),
    ],
)
def test_a_variable_with_the_name_of_a_secret(field: str, codes: list[str], tmp_path: Path) -> None:
    """What has the name of a secret is not to be sent, but in the field for one; its value is in no message."""
    names = (
        "RUPT_API_SECRET",
        "API_KEY",
        "TOKEN",
        "db_password",
        "STAGE",
        "KEYBOARD",
        "TOKENIZER",
        "RUPT_DEVICE_SECRET",
    )
    file = tmp_path / "rupt.yaml"
    file.write_text(HEAD + mapping(PAGE, f"account: $.userId, {field}"), encoding="utf-8")
    for environment in (dict.fromkeys(names, "hush-hush"), StandIns()):
        found = [one for one in inspect(load(file, environment)) if one.severity == "warning"]
        assert [one.code for one in found] == codes
        assert "hush" not in repr(found)


def test_a_text_that_looks_like_a_path_is_mended(tmp_path: Path) -> None:
    """The fix writes the path that the text looks like."""
    (problem,) = found_in(tmp_path, mapping(PAGE, "account: userId"))
    assert "account: $.userId" in fixed(problem, tmp_path)
