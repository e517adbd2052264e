"""Destination files: what loads into what, and every problem with its place and help."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.codes import CODES
from connector.destination import load
from connector.errors import DestinationError, Problem
from connector.settings import Settings
from connector.values import JSON

HEAD = """\
destination: rupt
settings: {client_id: an-id, new_account_url: https://app.example.com/sign-up, api_secret: "${SECRET:-s}"}
"""
ONE = """\
  - name: One
    action: attach
    trigger: type = "page"
    fields: {account: $.userId}
"""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a destination file and others beside it; the path of the first is given."""

    def write(text: str, **others: str) -> Path:
        for name, content in {"rupt": text, **others}.items():
            (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
        return tmp_path / "rupt.yaml"

    return write


def problems_of(path: Path, **environment: str) -> tuple[Problem, ...]:
    """Load a file that has problems, and give them."""
    with pytest.raises(DestinationError) as caught:
        load(path, environment)
    return caught.value.problems


def alone(entry: str) -> str:
    """Make a file of its own of one entry of a list."""
    return "\n".join(line[4:] for line in entry.splitlines())


def test_the_example_of_the_documentation(write: Write) -> None:
    """A file with settings, directives, shorthands and tests becomes compiled mappings."""
    path = write(
        """\
# yaml-language-server: $schema=schemas/destination.schema.json
destination: rupt
settings:
  client_id: ${RUPT_CLIENT_ID}
  new_account_url: https://app.example.com/sign-up
  logout_url: https://app.example.com/logout
include: [more.yaml]
mappings:
  - name: Attach Device
    action: attach
    trigger: type = "page"
    enabled: true
    fields:
      account: $.userId
      email: {"@if": {exists: $.context.traits.email, then: $.context.traits.email, else: $.properties.email}}
      metadata: {plan: $.context.traits.plan, title: "{{properties.title}} ({{name}})"}
      include_page: true
    tests:
      - name: a page view attaches the device
        event: {type: page, userId: user-42, context: {traits: {email: ada@example.com}}}
        expect: {account: user-42, email: ada@example.com}
""",
        more="mappings:\n" + ONE,
    )
    destination = load(path, {"RUPT_CLIENT_ID": "an-id"})
    assert destination.settings == Settings(
        "an-id", "https://app.example.com/sign-up", logout_url="https://app.example.com/logout"
    )
    first, second = destination.mappings
    assert (first.name, first.action, first.enabled, second.name) == ("Attach Device", "attach", True, "One")
    event = first.tests[0].event
    assert event is not None
    assert first.matches(event)
    assert first.resolve(event) == {
        "account": "user-42",
        "email": "ada@example.com",
        "metadata": {"title": " ()"},
        "include_page": True,
    }
    assert first.gate.types == frozenset({"page"})
    assert first.tests[0].expected is not None
    assert first.tests[0].expected.payload == {"account": "user-42", "email": "ada@example.com"}


def test_a_destination_may_have_no_mappings(write: Write) -> None:
    """A file that only has settings loads, and takes no event."""
    assert load(write(HEAD), {}).mappings == ()


def test_reads_are_those_of_all_mappings(write: Write) -> None:
    """A destination knows the paths of events that its triggers, fields and actions read."""
    more = ONE.replace("One", "Two").replace("$.userId", "$.traits.id").replace('"page"', '"identify"')
    destination = load(write(f"{HEAD}mappings:\n{ONE}{more}"), {})
    assert destination.reads is not None
    assert {("type",), ("userId",), ("traits", "id"), ("anonymousId",)} <= destination.reads
    assert destination.event_reads == destination.reads | {("integrations",), ("event",)}


def test_one_mapping_that_reads_everything(write: Write) -> None:
    """Where one mapping may read anything, the destination reads everything."""
    more = ONE.replace("One", "Two").replace("}", ', metadata: {"@flatten": {value: {"@path": $.}, separator: _}}}')
    destination = load(write(f"{HEAD}mappings:\n{ONE}{more}"), {})
    assert destination.reads is None
    assert destination.event_reads is None


def test_consent_is_read_where_it_is_asked_for(write: Write) -> None:
    """With consent categories, the event's consent is decoded too."""
    path = write(HEAD.replace("api_secret", "consent_categories: [ads], api_secret") + "mappings:\n" + ONE)
    assert ("context", "consent") in (load(path, {}).event_reads or set())


def test_only(write: Write) -> None:
    """A destination can be narrowed to mappings by name."""
    destination = load(write(f"{HEAD}mappings:\n{ONE}{ONE.replace('One', 'Two')}"), {})
    assert [mapping.name for mapping in destination.only(["Two"]).mappings] == ["Two"]
    assert len(destination.mappings) == 2


def test_enabled_may_come_from_a_variable(write: Write) -> None:
    """A mapping is switched by the environment."""
    path = write(f"{HEAD}mappings:\n{ONE}    enabled: ${{ON:-false}}\n")
    assert [load(path, environment).mappings[0].enabled for environment in ({}, {"ON": "true"})] == [False, True]


def test_a_field_that_is_null_is_not_filled(write: Write) -> None:
    """A field without a value is as if it were not there."""
    path = write(f"{HEAD}mappings:\n{ONE.replace('}', ', email: null}')}")
    assert load(path, {}).mappings[0].resolve({"userId": "u"}) == {"account": "u"}


# ------------------------------------------------------------------------------------------------------------- presets


def test_a_preset_by_name(write: Write) -> None:
    """A preset gives all that does not stand beside it."""
    text = f"{HEAD}mappings:\n  - preset: attach-device\n  - {{preset: attach-device, name: Two, enabled: false}}\n"
    first, second = load(write(text), {}).mappings
    assert (first.name, first.enabled, second.name, second.enabled) == ("Attach Device", True, "Two", False)
    assert first.trigger_text == second.trigger_text == 'type = "page"'
    assert len(first.tests) == len(second.tests) > 0


def test_what_stands_beside_a_preset_overrides(write: Write) -> None:
    """Fields are merged key by key, a field that is null is taken out, everything else replaces."""
    text = """\
mappings:
  - preset: ./base.yaml
    trigger: type = "screen"
    fields: {phone: null, email: $.traits.email}
"""
    base = alone(ONE.replace("}", ", email: $.properties.email, phone: $.properties.phone}"))
    (mapping,) = load(write(HEAD + text, base=base), {}).mappings
    assert mapping.name == "One"
    assert mapping.matches({"type": "screen"})
    event: dict[str, JSON] = {
        "userId": "u",
        "traits": {"email": "t"},
        "properties": {"email": "p", "phone": "1"},
    }
    assert mapping.resolve(event) == {"account": "u", "email": "t"}


def test_tests_of_a_preset_hold_for_the_preset_as_it_is(write: Write) -> None:
    """A mapping that changes trigger, action or fields does not take over the preset's tests; its own count."""
    own = "tests: [{event: {type: track}, expect_filtered: true}]"
    text = f"{HEAD}mappings:\n  - {{preset: attach-device, name: A, fields: {{email: $.e}}}}\n"
    text += f"  - {{preset: attach-device, name: B, {own}}}\n"
    assert [len(mapping.tests) for mapping in load(write(text), {}).mappings] == [0, 1]


def test_a_preset_may_start_from_another(write: Write) -> None:
    """Presets build on each other, the outermost decides."""
    middle = "preset: ./base.yaml\nname: Middle\nfields: {email: $.e}\n"
    path = write(f"{HEAD}mappings: [{{preset: ./middle.yaml}}]", middle=middle, base=alone(ONE))
    (mapping,) = load(path, {}).mappings
    assert mapping.name == "Middle"
    assert mapping.resolve({"userId": "u", "e": "e"}) == {"account": "u", "email": "e"}


def test_a_mapping_says_where_its_parts_stand(write: Write) -> None:
    """Each part of a mapping has a place, one from a preset in the preset's file."""
    path = write(f"{HEAD}mappings:\n  - preset: ./base.yaml\n    fields:\n      email: $.e\n", base=alone(ONE))
    (mapping,) = load(path, {}).mappings
    base = str(path.with_name("base.yaml"))
    assert str(mapping.location()) == f"{path}:4:5"
    assert str(mapping.location(("fields", "email"))) == f"{path}:6:14"
    assert str(mapping.location(("fields", "account"))) == f"{base}:4:19"
    assert str(mapping.location(("trigger",), 7, 13)) == f"{base}:3:17"
    assert str(mapping.location(("description",))) == f"{path}:4:5"


def test_a_problem_in_a_preset_is_told_once_in_its_file(write: Write) -> None:
    """A fault of a preset names the preset's file and line, however many mappings start from it."""
    base = alone(ONE.replace('"page"', "page"))
    text = f"{HEAD}mappings:\n  - {{preset: ./base.yaml, name: A}}\n  - {{preset: ./base.yaml, name: B}}\n"
    (problem,) = problems_of(path := write(text, base=base))
    assert (problem.file, problem.line, problem.column) == (str(path.with_name("base.yaml")), 3, 17)
    assert problem.code == "trigger_unquoted"


# ------------------------------------------------------------------------------------------------------------ includes


def test_includes(write: Write) -> None:
    """Mappings of included files follow the file's own, in the order of the includes and then of the names."""
    path = write(
        f"{HEAD}include: [b.yaml, 'a*.yaml']\nmappings:\n{ONE}",
        b="include: c.yaml\nmappings:\n" + ONE.replace("One", "B"),
        c=alone(ONE.replace("One", "C")),
        a2="description: more\nmappings:\n" + ONE.replace("One", "A2"),
        a1="mappings:\n" + ONE.replace("One", "A1"),
    )
    assert [mapping.name for mapping in load(path, {}).mappings] == ["One", "B", "C", "A1", "A2"]


def test_a_file_is_included_once(write: Write) -> None:
    """A file that two patterns match gives its mappings once."""
    path = write(f"{HEAD}include: [a.yaml, 'a*.yaml']", a="mappings:\n" + ONE)
    assert len(load(path, {}).mappings) == 1


def test_an_include_cycle_names_the_chain(write: Write) -> None:
    """Files that include each other are a problem in the one that closes the circle."""
    path = write(f"{HEAD}include: a.yaml", a="include: [b.yaml]", b="include:\n  - a.yaml")
    a, b = (str(path.with_name(name)) for name in ("a.yaml", "b.yaml"))
    (problem,) = problems_of(path)
    assert (problem.code, problem.file, problem.line, problem.column) == ("include_cycle", b, 2, 5)
    assert problem.message == f"files include each other: {path} includes {a} includes {b} includes {a}"


def test_a_preset_cycle_names_the_chain(write: Write) -> None:
    """Presets that start from each other are a problem."""
    path = write(f"{HEAD}mappings: [{{preset: ./a.yaml}}]", a="preset: ./b.yaml", b="preset: ./a.yaml")
    a, b = (str(path.with_name(name).resolve()) for name in ("a.yaml", "b.yaml"))
    (problem,) = problems_of(path)
    assert (problem.code, problem.file) == ("preset_cycle", str(path.with_name("b.yaml")))
    assert problem.message == f"presets start from each other: {a} starts from {b} starts from {a}"


def test_a_long_chain_of_presets_is_refused(write: Write) -> None:
    """More presets in a row than anyone can follow are a problem, not a crash."""
    chain = {f"p{at}": f"preset: ./p{at + 1}.yaml" for at in range(300)}
    (problem,) = problems_of(write(f"{HEAD}mappings: [{{preset: ./p0.yaml}}]", **chain))
    assert problem.code == "preset_cycle"


def test_a_long_chain_of_includes_loads(write: Write) -> None:
    """Includes may follow each other without end."""
    chain = {f"p{at}": f"include: p{at + 1}.yaml" for at in range(400)}
    path = write(f"{HEAD}include: p0.yaml", **chain, p400="mappings:\n" + ONE)
    assert len(load(path, {}).mappings) == 1


def test_settings_in_an_included_file(write: Write) -> None:
    """An included file holds mappings only."""
    path = write(f"{HEAD}include: a.yaml", a="settings: {debug: true}\nmappings: []")
    (problem,) = problems_of(path)
    assert (problem.code, problem.help) == ("unknown_key", "known are description, include, mappings")


# ------------------------------------------------------------------------------------------------------------- problems

# A text that follows HEAD, « where the problem is; its code, and what its help says.
PROBLEMS = [
    ("«maping: []", "unknown_key", "did you mean 'mappings'?"),
    ("«version: 1", "unknown_key", "known are destination, settings, include, mappings"),
    ("«mappings: {}", "wrong_type", "write `- name: …` under it"),
    ("mappings: «all", "wrong_type", "write `- name: …` under it"),
    ("mappings:\n  - «One", "wrong_type", "write `- name: …`"),
    ("mappings:\n  - [«One]".replace("[«", "«["), "wrong_type", "write `- name: …`"),
    (
        "include: «{a: b}".replace("«{", "{").replace("include", "«include"),
        "wrong_type",
        "write include: [mappings/*.yaml]",
    ),
    ("include: [«5]", "wrong_type", "write mappings/*.yaml"),
    ("include: [«nothing/*.yaml]", "include_not_found", "the folder of this file"),
    ('include: «"${FILES:-*.yml}"', "include_not_found", "the folder of this file"),
    ('include: [«"\\0"]', "include_not_found", "the folder of this file"),
    ("include: [«rupt.yaml]", "include_cycle", "remove one of these includes"),
    # a mapping's keys
    (f"mappings:\n{ONE}    «triger: x", "unknown_key", "did you mean 'trigger'?"),
    (f"mappings:\n{ONE.replace('name: One', '«description: d')}", "missing_key", "write `name: Attach Device`"),
    (
        f"mappings:\n{ONE.replace('    action: attach', '').replace('One', '«One')}",
        "missing_key",
        "write `action: attach`",
    ),
    (
        ONE.replace('    trigger: type = "page"\n', "").replace("One", "«One"),
        "missing_key",
        'write `trigger: type = "page"`',
    ),
    (ONE.replace('type = "page"', "").replace("trigger", "«trigger"), "missing_key", 'write `trigger: type = "page"`'),
    (ONE.replace("One", "«5"), "wrong_type", ""),
    (ONE.replace("One", "«' '"), "wrong_type", ""),
    (ONE.replace("attach", "«attatch"), "unknown_action", "did you mean 'attach'?"),
    (ONE.replace("attach", "«${ACTION:-send}"), "unknown_action", "known are attach, detach, update_user"),
    (ONE.replace("attach", "[attach]").replace("action", "«action"), "wrong_type", "write one of attach, detach"),
    (ONE + "    enabled: «yes", "wrong_type", "yes, no, on and off are texts"),
    (ONE + "    enabled: «${ON:-no}", "wrong_type", "yes, no, on and off are texts"),
    (ONE + "    description: «5", "wrong_type", ""),
    (ONE + "    «subscribe: x", "unknown_key", "write 'trigger', as it is called here"),
    (ONE + "    «mapping: {}", "unknown_key", "write 'fields', as it is called here"),
    # triggers
    (ONE.replace('"page"', '«"Order #1"'), "trigger_unterminated", "put the whole trigger in quotes"),
    (ONE.replace('type = "page"', "«5"), "wrong_type", 'for example type = "page"'),
    (ONE.replace('type = "page"', "type = «page"), "trigger_unquoted", 'type = "page"'),
    (ONE.replace('type = "page"', "'«tipe = \"page\"'"), "trigger_field", 'type = "page"'),
    (ONE.replace('type = "page"', '|\n      type = "page"\n      and «evnt = "x"'), "trigger_field", "event"),
    (ONE.replace('type = "page"', '"type = \\"page\\" and «tipe = 1"'), "trigger_field", "type"),
    # fields
    (ONE.replace("{account", "{«acount: $.x, account"), "unknown_field", "did you mean 'account'?"),
    (ONE.replace("{account", "{«color: $.x, account"), "unknown_field", "attach has account, email"),
    (ONE.replace("{account", '{«"@path": $.x, account'), "unknown_field", "write a directive under a field"),
    (ONE.replace("    fields: {account", "    «fields: {email"), "required_field", "write `account: …` under `fields`"),
    (
        ONE.replace("$.userId", "null").replace("account", "account").replace("null", "«null"),
        "required_field",
        "account",
    ),
    (ONE.replace("    fields: {account: $.userId}", "").replace("One", "«One"), "required_field", "account"),
    (ONE.replace("{account: $.userId}", "«all"), "wrong_type", "write `account: $.userId` under it"),
    (ONE.replace("}", ', email: {«"@iff": {exists: $.a, then: 1}}}'), "unknown_directive", "did you mean '@if'?"),
    (
        ONE.replace("}", ', email: {"@if": {«exist: $.a, then: 1, blank: $.b}}}'),
        "unknown_option",
        "did you mean 'exists'?",
    ),
    (ONE.replace("}", ', email: {«"@case": {value: $.a}}}'), "missing_option", "operator"),
    (ONE.replace("}", ', email: {"@case": {value: $.a, operator: «loud}}}'), "wrong_option", "lower or upper"),
    (ONE.replace("}", ', email: {«"@path": $.a, x: 1}}'), "directive_not_alone", "@merge"),
    (ONE.replace("}", ', email: "$.a«[*]"}'), "path_bracket", "@arrayPath"),
    (ONE.replace("}", ', email: "a {{«$.b}}"}'), "template_dollar", "write {{b}}"),
    (ONE.replace("}", ', email: {"@liquid": "{{ a | «upcsae }}"}}'), "liquid_unknown_filter", "did you mean 'upcase'?"),
    (ONE.replace("}", ", include_page: «maybe}"), "wrong_field", "a directive that gives one"),
    (ONE.replace("}", ", tolerance: «lax}"), "wrong_field", "a directive that gives one"),
    (ONE.replace("}", ", «limit_config: {people_limit: many}}"), "wrong_field", "a directive that gives one"),
    (ONE.replace("}", ', email: "«${EMAIL}"}'), "unset_variable", "set EMAIL in the environment"),
    # presets
    ("  - preset: «atach-device", "preset_not_found", "did you mean 'attach-device'?"),
    ("  - preset: «everything", "preset_not_found", "known are attach-device, attach-on-identify"),
    ("  - preset: «./nothing.yaml", "preset_not_found", "the folder of this file"),
    ("  - preset: «[attach-device]".replace("«[", "[").replace("preset", "«preset"), "wrong_type", "attach-device"),
    ("  - preset: «./rupt.yaml", "wrong_value", "write its keys at the top of the file"),
    ("  - preset: attach-device\n    fields:\n      account: «null", "required_field", "account"),
    # tests
    (ONE + "    «tests: {}", "wrong_type", "`event:`"),
    (ONE + "    tests: [«x]", "wrong_type", "`event:`"),
    (ONE + "    tests: [«{expect: {}}]", "missing_key", "event"),
    (ONE + "    tests: [{«event: [], expect: {}}]", "wrong_type", "event"),
    (ONE + "    tests: [«{event: {}}]", "missing_key", "expect, expect_skipped, expect_invalid, expect_filtered"),
    (ONE + "    tests: [{event: {}, expect: {}, expect_filtered: «true}]", "wrong_value", "make two tests of it"),
    (ONE + "    tests: [{event: {}, expect: «5}]", "wrong_type", "account: user-42"),
    (ONE + "    tests: [{event: {}, expect_skipped: «false}]", "wrong_type", "write true"),
    (ONE + "    tests: [{event: {}, «expects: {}, expect: {}}]", "unknown_key", "did you mean 'expect'?"),
    (ONE + "    tests: [{event: {}, name: «5, expect: {}}]", "wrong_type", ""),
]


@pytest.mark.parametrize(("text", "code", "help"), PROBLEMS)
def test_problems(text: str, code: str, help: str, write: Write) -> None:
    """Whatever is wrong is one problem of its own code, at its place, with what to write instead."""
    text = HEAD + (f"mappings:\n{text}" if text.startswith("  - ") else text)
    before = text.partition("«")[0]
    (problem,) = problems_of(write(text.replace("«", "")))
    assert (problem.code, problem.line) == (code, before.count("\n") + 1)
    assert problem.column == len(before) - before.rfind("\n")
    assert help in problem.help


HEADS = [
    ("«settings: {client_id: i, new_account_url: https://a.b}", "missing_key", "write destination: rupt"),
    ("destination: «segment\nsettings: {client_id: i, new_account_url: https://a.b}", "wrong_value", "rupt"),
    ("destination: rupt\n«settings: {new_account_url: https://a.b}", "missing_key", "write client_id: …"),
    ("destination: rupt\nsettings: {«client_id: , new_account_url: https://a.b}", "missing_key", "write client_id: …"),
    ("destination: rupt\nsettings: {client_id: «12, new_account_url: https://a.b}", "wrong_type", "put it in quotes"),
    ("destination: rupt\nsettings: {client_id: i, new_account_url: «a.b}", "wrong_value", "write https://"),
    ('destination: rupt\nsettings: {client_id: "«${ID}", new_account_url: https://a.b}', "unset_variable", "set ID"),
    ("destination: rupt\nsettings: {client_id: i, new_account_url: https://a.b, «debugg: 1}", "unknown_key", "'debug'"),
    ("«- a", "wrong_type", "write `destination: rupt`"),
    ("«text", "wrong_type", "write `destination: rupt`"),
    ("destination: rupt\nsettings: {client_id: i, «client_id: i, new_account_url: https://a.b}", "duplicate_key", ""),
]


@pytest.mark.parametrize(("text", "code", "help"), HEADS)
def test_problems_of_the_head(text: str, code: str, help: str, write: Write) -> None:
    """What is wrong with the destination or its settings is told like anything else."""
    before = text.partition("«")[0]
    (problem,) = problems_of(write(text.replace("«", "")))
    assert (problem.code, problem.line) == (code, before.count("\n") + 1)
    assert problem.column == len(before) - before.rfind("\n")
    assert help in problem.help


def test_fifty_one_mappings(write: Write) -> None:
    """The 51st mapping is refused by the limit's own words; disabled ones count."""
    entries = [ONE.replace("One", f"M{at}") + "    enabled: false\n" for at in range(51)]
    (problem,) = problems_of(write(f"{HEAD}mappings:\n{''.join(entries)}"))
    assert problem.code == "too_many_mappings"
    assert problem.message == "a destination takes at most 50 mappings, this one has 51"
    assert problem.source == "  - name: M50"


def test_fifty_mappings(write: Write) -> None:
    """50 mappings load, those of included files among them."""
    entries = "".join(ONE.replace("One", f"M{at}") for at in range(49))
    path = write(f"{HEAD}include: more.yaml\nmappings:\n{entries}", more="mappings:\n" + ONE)
    assert len(load(path, {}).mappings) == 50


def test_the_limit_counts_included_mappings(write: Write) -> None:
    """The 51st mapping may stand in an included file."""
    entries = "".join(ONE.replace("One", f"M{at}") for at in range(50))
    path = write(f"{HEAD}include: more.yaml\nmappings:\n{entries}", more="mappings:\n" + ONE)
    (problem,) = problems_of(path)
    assert (problem.code, problem.file) == ("too_many_mappings", str(path.with_name("more.yaml")))


def test_duplicate_names(write: Write) -> None:
    """Of two mappings with one name the second is the problem, and the first is named."""
    (problem,) = problems_of(path := write(f"{HEAD}mappings:\n{ONE}{ONE}"))
    assert (problem.code, problem.line, problem.column) == ("duplicate_name", 8, 11)
    assert problem.message == f"two mappings have the name 'One', the other at {path}:4:11"


def test_duplicate_names_of_presets(write: Write) -> None:
    """The same preset twice needs a name of its own for the second."""
    text = f"{HEAD}mappings:\n  - preset: attach-device\n  - preset: attach-device\n"
    (problem,) = problems_of(write(text))
    assert (problem.code, problem.line) == ("duplicate_name", 5)
    assert problem.help == "give it a name of its own: `name: …`"


def test_update_user_needs_the_api_secret(write: Write) -> None:
    """A file with update_user and no api_secret does not load, be the mapping disabled."""
    text = HEAD.replace(', api_secret: "${SECRET:-s}"', "") + "mappings:\n" + ONE.replace("attach", "update_user")
    (problem,) = problems_of(write(text + "    enabled: false\n"))
    assert (problem.code, problem.line, problem.column) == ("needs_api_secret", 5, 13)
    assert problem.help == "write `api_secret: ${RUPT_API_SECRET}` under `settings`"


def test_all_problems_are_told_at_once_in_order(write: Write) -> None:
    """One loading tells every problem of every file, by file and line."""
    path = write(
        HEAD.replace("an-id", '"${ID}"')
        + "include: [a.yaml, nothing.yaml]\nmappings:\n"
        + ONE.replace('"page"', "page").replace("$.userId", "$.a..b")
        + ONE.replace("account", "acount"),
        a="mappings:\n  - name: A\n    action: atach\n    trigger: type = 1 or\n    fields: {account: {'@path': 5}}\n",
    )
    problems = problems_of(path)
    assert [(Path(problem.file).stem, problem.line, problem.code) for problem in problems] == [
        ("a", 3, "unknown_action"),
        ("a", 4, "trigger_clause"),
        ("a", 5, "wrong_option"),
        ("rupt", 2, "unset_variable"),
        ("rupt", 3, "include_not_found"),
        ("rupt", 7, "trigger_unquoted"),
        ("rupt", 8, "path_empty_key"),
        ("rupt", 9, "duplicate_name"),
        ("rupt", 12, "required_field"),
        ("rupt", 12, "unknown_field"),
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is a problem that names it."""
    (problem,) = problems_of(tmp_path / "rupt.yaml")
    assert (problem.code, problem.line) == ("cannot_read", 0)
    assert problem.message.endswith("rupt.yaml' cannot be read: No such file or directory")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder in place of a file is a problem."""
    assert problems_of(tmp_path)[0].code == "cannot_read"


def test_a_bad_included_file_does_not_hide_other_problems(write: Write) -> None:
    """A file that cannot be read is one problem among the others."""
    path = write(f"{HEAD}include: a.yaml\nmappings:\n{ONE.replace('attach', 'atach')}", a="a: 'x")
    assert [problem.code for problem in problems_of(path)] == ["bad_yaml", "unknown_action"]


def test_values_of_the_environment_are_in_no_problem(write: Write) -> None:
    """Wherever a variable is filled in, problems show its name."""
    mapping = """\
  - name: ${V}
    action: ${V}
    trigger: type = ${V}
    fields:
      account: $.userId
      email: $.a[${V}]
      tolerance: ${V}
      metadata: {"@case": {value: $.a, operator: "${V}"}}
"""
    head = HEAD.replace("https://app.example.com/sign-up", '"${V}"')
    text = f"{head}include: ${{V}}\nmappings:\n{mapping}{mapping}  - preset: ${{V}}\n"
    text += mapping.replace("action: ${V}", "action: attach")
    problems = problems_of(write(text), V="hush-hush-7")
    rendered = "\n".join(problem.render() for problem in problems)
    assert len(problems) > 8
    assert "hush" not in rendered


def test_what_a_problem_looks_like(write: Write) -> None:
    """A problem prints its code, place, line, a caret under what is wrong, and help."""
    path = write(f"{HEAD}mappings:\n" + ONE.replace('"page"', "page").replace("$.userId", '{"@pth": $.userId}'))
    with pytest.raises(DestinationError) as caught:
        load(path, {})
    assert (
        str(caught.value)
        == f"""\
error[trigger_unquoted]: a text without quotes
  --> {path}:6:21
  |
6 |     trigger: type = page
  |                     ^^^^
  help: put it in quotes: type = "page"

error[unknown_directive]: there is no directive @pth
  --> {path}:7:24
  |
7 |     fields: {{account: {{"@pth": $.userId}}}}
  |                        ^^^^^^
  help: did you mean '@path'?"""
    )


EVERYTHING = f"""{HEAD}mappings:
  - name: One
    action: attach
    trigger: type = "page" and (name = "Home" or !contains(properties.url, "x"))
    enabled: true
    fields:
      account: $.userId
      email: {{"@if": {{exists: $.context.traits.email, then: $.a, else: "{{{{b}}}} ${{X:-y}}"}}}}
      metadata: {{"@merge": {{direction: right, objects: [{{a: 1}}, {{"@path": $.b}}]}}}}
      event: &name |
        {{{{event}}}}
      page: *name
    tests:
      - event: {{type: page}}
        expect: {{account: null}}
  - preset: conversions
"""
TOKENS = [
    "",
    "@",
    "'",
    '"',
    "{",
    "}",
    "[",
    ": ",
    "- ",
    "\n",
    "\t",
    "#",
    "&a ",
    "*a",
    "!t ",
    "${X}",
    "null",
    "5",
    "é",
    "$.",
]


@settings(max_examples=250, deadline=None)
@given(at=st.integers(0, len(EVERYTHING)), cut=st.integers(0, 30), token=st.sampled_from(TOKENS))
def test_any_edit_loads_or_has_problems_in_the_file(
    at: int, cut: int, token: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is taken out of a file or put into it, it loads, or each problem has a place in a file and prints."""
    path = tmp_path_factory.getbasetemp() / "edited.yaml"
    text = EVERYTHING[:at] + token + EVERYTHING[at + cut :]
    path.write_text(text, encoding="utf-8")
    try:
        load(path, {})
    except DestinationError as error:
        for problem in error.problems:
            assert 1 <= problem.line <= text.count("\n") + 1
            assert 1 <= problem.column <= len(text.split("\n")[problem.line - 1]) + 1
            assert problem.code in CODES
            assert problem.render()
