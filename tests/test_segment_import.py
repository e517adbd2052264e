"""Segment's subscriptions become a destination file that means the same, whatever texts stand in them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.destination import MOST_MAPPINGS, Destination, load
from connector.errors import LanguageError, ResolveError, UsageError
from connector.language.compiler import compile_mapping, parse_mapping
from connector.language.triggers import parse_trigger
from connector.segment_import import Subscription, read_subscriptions, write_destination
from connector.values import JSON, dump_json, load_json

LANGUAGE = Path(__file__).parent / "language"
ENVIRONMENT = {"RUPT_CLIENT_ID": "an-id", "RUPT_API_SECRET": "a-secret"}
ACCOUNT: JSON = {"@path": "$.userId"}
ODD_TEXTS = (
    "",
    " ",
    " in front",
    "behind ",
    "two  spaces",
    "yes",
    "NO",
    "null",
    "~",
    "true",
    "1e3",
    "0x10",
    "007",
    "-",
    "- item",
    "? key",
    "a: b",
    "a:b",
    "a #b",
    "#",
    "# note",
    "&anchor",
    "*alias",
    "!tag",
    "%directive",
    "@name",
    "`tick`",
    "|",
    ">-",
    "{a: 1}",
    "[1, 2]",
    "a, b",
    "it's",
    'a "quoted" text',
    "back\\slash",
    "a\nb\n",
    "\ttab",
    "\r\n",
    "\x00\x07\x1b[0m\x7f\x85\xa0\u2028\u2029\ufeff\uffff",
    "日本 café 🌙",
    "---",
    "...",
    "<<",
    "=",
    "2026-11-21",
    "12:30:45",
    "$.userId",
    "$.",
    "$",
    "{{userId}}",
    "{{",
    "{{ ${X} }}",
    "${X}",
    "$${X}",
    "$$${X}",
    "${{X}}",
    "${",
    "{% if ${X} %}",
    "a ${X:-b} c",
    "x" * 2_000,
)
Load = Callable[[str], Destination]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Load the text of a destination file."""

    def load_text(text: str) -> Destination:
        path = tmp_path / "rupt.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path, ENVIRONMENT)

    return load_text


def subscription(**changed: JSON) -> dict[str, JSON]:
    """Give a subscription as Segment's web interface has it."""
    return {
        "name": "Attach Device",
        "partnerAction": "attach",
        "subscribe": 'type = "page"',
        "mapping": {"account": ACCOUNT},
        **changed,
    }


def with_metadata(*trees: JSON) -> str:
    """Write a destination with a mapping for each tree, which stands under `metadata`."""
    return write_destination(
        read_subscriptions([subscription(mapping={"account": ACCOUNT, "metadata": tree}) for tree in trees])
    )


def recorded(name: str) -> list[dict[str, JSON]]:
    """Read the cases that Segment's published runtime gave."""
    return [object_of(load_json(line)) for line in (LANGUAGE / name).read_bytes().splitlines()]


def object_of(value: JSON) -> dict[str, JSON]:
    """Take a value for the object that it is."""
    assert isinstance(value, dict)
    return value


def parts(cases: list[dict[str, JSON]]) -> Iterator[list[dict[str, JSON]]]:
    """Divide cases into as many as fit into a destination."""
    for at in range(0, len(cases), MOST_MAPPINGS):
        yield cases[at : at + MOST_MAPPINGS]


# What is read


WEB = subscription(name="Web", enabled=False)
API: dict[str, JSON] = {
    "id": "sub-1",
    "name": "Api",
    "actionId": "action-1",
    "actionSlug": "attach",
    "destinationId": "destination-1",
    "enabled": True,
    "trigger": 'type = "page"',
    "settings": {"account": ACCOUNT},
}


@pytest.mark.parametrize("known", [WEB, API])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda known: known,
        lambda known: [known],
        lambda known: {"subscriptions": [known]},
        lambda known: {"data": {"subscriptions": [known], "pagination": {"current": "MA=="}}},
        lambda known: {"data": {"destinationSubscription": known}},
        lambda known: {"integrations": {}, "remotePlugins": [{"name": "Rupt", "settings": {"subscriptions": [known]}}]},
    ],
)
def test_both_shapes_alone_and_wrapped(known: dict[str, JSON], wrap: Callable[[JSON], JSON]) -> None:
    """A subscription of either shape is found alone, in lists, and inside what the interfaces wrap it in."""
    (found,) = read_subscriptions(wrap(known))
    assert found == Subscription(
        name=str(known["name"]),
        action="attach",
        trigger='type = "page"',
        enabled=known is API,
        fields={"account": ACCOUNT},
    )


def test_subscriptions_keep_their_order() -> None:
    """Several subscriptions come in the order of the document, both shapes together."""
    names = [found.name for found in read_subscriptions([WEB, {"data": [API, subscription()]}])]
    assert names == ["Web", "Api", "Attach Device"]


def test_a_mapping_as_a_text(load_text: Load) -> None:
    """A mapping that an interface gives as a JSON text is read like one that it gives as an object."""
    text = dump_json({"account": ACCOUNT}).decode()
    assert read_subscriptions(subscription(mapping=text)) == read_subscriptions(subscription())


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("{", "the mapping of a subscription is a text that is not JSON"),
        ("[]", "the mapping of a subscription must be an object, not array"),
        ([1], "the mapping of a subscription must be an object, not array"),
        (7, "the mapping of a subscription must be an object, not number"),
    ],
)
def test_a_mapping_that_is_none(mapping: JSON, message: str) -> None:
    """A mapping that is not an object is refused in words."""
    with pytest.raises(UsageError, match=message):
        read_subscriptions(subscription(mapping=mapping))


@pytest.mark.parametrize("value", [None, 1, "text", [], {}, {"name": "x"}, {"partnerAction": None}, [[{}]]])
def test_nothing_to_import(value: JSON) -> None:
    """A document without any subscription is refused, and told what was expected."""
    with pytest.raises(UsageError, match="no subscription found: expected objects with partnerAction"):
        read_subscriptions(value)


@pytest.mark.parametrize("missing", ["name", "subscribe", "mapping", "enabled"])
def test_a_subscription_may_lack_a_key(missing: str) -> None:
    """A subscription that lacks a key is not passed over."""
    (found,) = read_subscriptions({key: value for key, value in subscription().items() if key != missing})
    assert (found.name, found.action) == ("Attach" if missing == "name" else "Attach Device", "attach")


def test_documents_of_any_depth() -> None:
    """A subscription under a thousand lists is found, and a mapping of a thousand levels is refused in words."""
    deep: JSON = subscription()
    mapping: JSON = 1
    for _ in range(1_000):
        deep, mapping = [deep], {"a": mapping}
    assert len(read_subscriptions(deep)) == 1
    with pytest.raises(UsageError, match="the mapping of 'Attach Device' nests too deeply"):
        write_destination(read_subscriptions(subscription(mapping={"metadata": mapping})))


# What is written


def test_the_file_as_a_person_reads_it() -> None:
    """Paths and templates are written as the shorthands of YAML, triggers without quotes where that can be."""
    mapping: JSON = {
        "account": ACCOUNT,
        "email": {
            "@if": {
                "exists": {"@path": "$.context.traits.email"},
                "then": {"@path": "$.context.traits.email"},
                "else": {"@path": "properties.email"},
            }
        },
        "metadata": {"title": {"@template": "{{properties.title}} ({{name}})"}, "size": 1.5, "list": [True, None]},
    }
    text = write_destination(read_subscriptions(subscription(mapping=mapping)))
    assert text == (
        "# yaml-language-server: $schema=schemas/destination.schema.json\n"
        "# Imported from Segment: 1 mapping. Read it, then run: rupt-connector check --config FILE\n"
        "destination: rupt\n"
        "settings:\n"
        "  client_id: ${RUPT_CLIENT_ID}\n"
        "  new_account_url: ${RUPT_NEW_ACCOUNT_URL:-https://app.example.com/sign-up}\n"
        "mappings:\n"
        "  - name: Attach Device\n"
        "    action: attach\n"
        '    trigger: type = "page"\n'
        "    fields:\n"
        "      account: $.userId\n"
        '      email: {"@if": {exists: $.context.traits.email, then: $.context.traits.email, '
        "else: $.properties.email}}\n"
        '      metadata: {title: "{{properties.title}} ({{name}})", size: 1.5, list: [true, null]}\n'
    )


def test_names_that_clash(load_text: Load) -> None:
    """Subscriptions of one name get numbers, and a comment says which were renamed."""
    text = write_destination(read_subscriptions([subscription(), subscription(), subscription(name="Other")] * 2))
    destination = load_text(text)
    assert [mapping.name for mapping in destination.mappings] == [
        "Attach Device",
        "Attach Device (2)",
        "Other",
        "Attach Device (3)",
        "Attach Device (4)",
        "Other (2)",
    ]
    assert text.count('# renamed: another mapping is called "Attach Device"') == 3


@pytest.mark.parametrize("slug", ["attach", "attachDevice", "Attach Device", "attach-device", "attach_device"])
def test_spellings_of_an_action(slug: str, load_text: Load) -> None:
    """An action is known in the spellings that Segment's slugs and titles have."""
    (mapping,) = load_text(write_destination(read_subscriptions(subscription(partnerAction=slug)))).mappings
    assert mapping.action == "attach"


def test_the_other_actions(load_text: Load) -> None:
    """Subscriptions of update_user bring the API secret among the settings, those of detach do not."""
    detach = subscription(partnerAction="detachDevice", mapping={"account": ACCOUNT, "device": {"@path": "$.id"}})
    update = subscription(partnerAction="updateUser", name="Update")
    assert "api_secret" not in write_destination(read_subscriptions(detach))
    destination = load_text(write_destination(read_subscriptions([detach, update])))
    assert [mapping.action for mapping in destination.mappings] == ["detach", "update_user"]
    assert destination.settings.api_secret == "a-secret"


def test_an_unknown_action_becomes_a_comment(load_text: Load) -> None:
    """A subscription whose action is not here stands in the file as a comment, and the file loads."""
    text = write_destination(read_subscriptions([subscription(partnerAction="trackIt", name="Track"), subscription()]))
    assert (
        '  # left out: there is no action "trackIt" here, choose attach, detach, update_user\n'
        "  # - name: Track\n"
        "  #   action: trackIt\n"
        '  #   trigger: type = "page"\n'
        "  #   fields:\n"
        "  #     account: $.userId\n"
    ) in text
    assert [mapping.name for mapping in load_text(text).mappings] == ["Attach Device"]


def test_an_unknown_field_becomes_a_comment(load_text: Load) -> None:
    """A field that the action does not have stands in the file as a comment, and the file loads."""
    mapping: JSON = {"account": ACCOUNT, "batch_size": 5, "odd\nkey": {"a": "\u2028"}}
    text = write_destination(read_subscriptions(subscription(mapping=mapping)))
    assert '  # left out: the action attach has no field "batch_size"\n' in text
    assert "      # batch_size: 5\n" in text
    assert '      # "odd\\nkey": {a: "\\u2028"}\n' in text
    (loaded,) = load_text(text).mappings
    assert loaded.resolve({"userId": "user-42"}) == {"account": "user-42"}


def test_a_trigger_that_segment_reads_otherwise() -> None:
    """A trigger that is not taken here is kept, below a comment that says what to write."""
    text = write_destination(read_subscriptions(subscription(subscribe='type = "page" AND event = "x"')))
    note, entry = text.splitlines()[7:9]
    assert note.startswith("  # trigger: ")
    assert entry == "  - name: Attach Device"
    assert '    trigger: type = "page" AND event = "x"\n' in text


def test_a_disabled_subscription(load_text: Load) -> None:
    """A subscription that is switched off stays off."""
    (mapping,) = load_text(write_destination(read_subscriptions(subscription(enabled=False)))).mappings
    assert not mapping.enabled


@pytest.mark.parametrize(("count", "told"), [(50, 0), (51, 1)])
def test_more_than_fifty(count: int, told: int) -> None:
    """With a 51st mapping the file says that it must be split."""
    text = write_destination(read_subscriptions([subscription()] * count))
    assert text.count("# A destination takes at most 50 mappings: split this file.") == told


# What is written means what was read


def test_every_recorded_mapping_survives(load_text: Load) -> None:
    """Each recorded mapping, imported and loaded, resolves to the same as the original on its event."""
    cases = recorded("mapping.jsonl")
    different = []
    for part in parts(cases):
        destination = load_text(with_metadata(*(case["mapping"] for case in part)))
        for mapping, case in zip(destination.mappings, part, strict=True):
            original, event = {"account": ACCOUNT, "metadata": case["mapping"]}, object_of(case["event"])
            expected = compile_mapping(parse_mapping(original))(event)
            if dump_json(mapping.resolve(event)) != dump_json(expected):
                different.append(case["mapping"])
    assert len(cases) == 1487
    assert different == []


def test_every_recorded_trigger_survives(load_text: Load) -> None:
    """Each recorded trigger, imported and loaded, is the same text, compiled from the same tree."""
    cases = recorded("trigger.jsonl")
    for part in parts(cases):
        triggers = [case["trigger"] for case in part]
        text = write_destination(read_subscriptions([subscription(subscribe=trigger) for trigger in triggers]))
        mappings = load_text(text).mappings
        assert [mapping.trigger_text for mapping in mappings] == triggers
        assert [mapping.trigger for mapping in mappings] == [parse_trigger(str(trigger)) for trigger in triggers]
    assert len(cases) == 260


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_texts_survive(text: str, load_text: Load) -> None:
    """A text is the same after import wherever it stands: as a value, a key, a name, in lists and in @literal."""
    tree: JSON = {
        "value": text,
        "key" + text: text,
        "list": [text, {"key" + text: text}],
        "literal": {"@literal": {"a": [text]}},
        "replaced": {"@replace": {"pattern": "#?", "replacement": text[:10], "value": f"a#?b{text}"}},
        "flat": {"@flatten": {"value": {"@literal": {"a": {"b": text}}}, "separator": text or "."}},
    }
    name = text if text.strip() else "Unnamed"
    whole: dict[str, JSON] = {"account": text or "x", "metadata": tree}
    entry = subscription(name=name, mapping=whole)
    (mapping,) = load_text(write_destination(read_subscriptions(entry))).mappings
    expected = compile_mapping(parse_mapping(whole))({})
    assert mapping.name == name
    assert mapping.resolve({}) == expected


@pytest.mark.parametrize(
    "trigger",
    [
        'event = "yes"',
        'event = "a: b"',
        'event = "a #b"',
        'event = "${X}"',
        'event = "a\nb"',
        'event = "a\u2028b"',
        '  event = "x"  ',
        'event  =  "x"',
        '!contains(event, "x")',
        '(event = "x")',
        '"x" in traits.list',
        'event = "日本"',
        'event in ["a", "b"]',
    ],
)
def test_odd_triggers_survive(trigger: str, load_text: Load) -> None:
    """A trigger is the same text after import, quoted where YAML needs it."""
    (mapping,) = load_text(write_destination(read_subscriptions(subscription(subscribe=trigger)))).mappings
    assert mapping.trigger_text == trigger


@pytest.mark.parametrize(
    "tree",
    [
        {"@path": "a$.b"},
        {"@path": "a.$.b"},
        {"@path": "$.a.$.b"},
        {"@path": ".a"},
        {"@path": "."},
        {"@path": "$.['a b']"},
        {"@path": "a", "_metadata": {"label": "A"}},
        {"@literal": {"@path": "$.a"}},
        {"@literal": {"x": {"@path": "$.a"}, "y": "$.a"}},
        {"@literal": {"@if": {"exists": "$.a", "then": "{{a}}"}}},
        {"@arrayPath": [{"@path": "$.path"}, {"x": {"@path": "$.b"}}]},
        {"@arrayPath": ["a", "$.b"]},
        {"@case": {"operator": "upper", "value": "$.a"}},
        {"@json": {"mode": "encode", "value": "{{a}}"}},
        {"@merge": {"direction": "left", "objects": [{"x": "$.a"}, {"@path": "$.a"}]}},
        {
            "@transform": {
                "apply": {"x": "{{a}}", "z": {"@path": "$.a"}},
                "mapping": {"y": {"@path": "$.x"}, "w": "$.z"},
            }
        },
        {"@template": "$.{{path}}"},
        {"@template": "no placeholder"},
        {"@liquid": "$.{{ path }}"},
    ],
)
def test_directives_that_look_like_shorthands(tree: JSON, load_text: Load) -> None:
    """Where a shorthand would mean something else than Segment's directive, the directive is written out."""
    event: dict[str, JSON] = {"a": {"b": 1, "$": {"b": 2}}, "path": "$.a", "ab": 3, "a$": {"b": 4}, "a b": 5}
    (mapping,) = load_text(with_metadata({"x": tree})).mappings
    expected = compile_mapping(parse_mapping({"metadata": {"x": tree}}))(event)
    assert mapping.resolve(event) == expected


TEXTS = st.sampled_from(ODD_TEXTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PATHS = st.sampled_from(["$.a", "a.b", "$.a.b", "a[0]", "", ".", "a$.b", "$.['k k']"]) | TEXTS
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
SIMPLE = LEAVES | st.builds(
    lambda name, text: {name: text}, st.sampled_from(["@path", "@template", "@liquid", "@literal"]), PATHS
)


def _directives(tree: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    return st.one_of(
        st.lists(tree, max_size=3),
        st.dictionaries(TEXTS, tree, max_size=3),
        st.builds(lambda value: {"@literal": value}, tree),
        st.builds(lambda a, b, c: {"@if": {"exists": a, "then": b, "else": c}}, tree, tree, tree),
        st.builds(lambda path, item: {"@arrayPath": [path, item]}, PATHS | tree, tree),
        st.builds(
            lambda pattern, put, value: {"@replace": {"pattern": pattern, "replacement": put, "value": value}},
            TEXTS,
            TEXTS,
            tree,
        ),
        st.builds(lambda value, by: {"@flatten": {"value": value, "separator": by}}, tree, TEXTS),
        st.builds(lambda *items: {"@merge": {"direction": "left", "objects": list(items)}}, tree, tree),
        st.builds(lambda a, b: {"@transform": {"apply": {"x": a}, "mapping": {"y": b}}}, tree, tree),
        st.builds(lambda value: {"@json": {"mode": "encode", "value": value}}, tree),
    )


def _compiles(tree: JSON) -> bool:
    try:
        parse_mapping({"metadata": {"x": tree}})
    except LanguageError:
        return False
    return True


def _resolved(resolve: Callable[[dict[str, JSON]], JSON], event: dict[str, JSON]) -> bytes:
    try:
        return dump_json(resolve(event))
    except ResolveError as error:
        return str(error).encode()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.recursive(SIMPLE, _directives, max_leaves=8).filter(_compiles))
def test_any_mapping_survives(tree: JSON, load_text: Load) -> None:
    """Any mapping that compiles, imported and loaded, resolves to the same, or fails in the same words."""
    event: dict[str, JSON] = {"a": {"b": [1, {"c": "x"}]}, "k k": None, "userId": "user-42"}
    (mapping,) = load_text(with_metadata({"x": tree})).mappings
    expected = compile_mapping(parse_mapping({"account": ACCOUNT, "metadata": {"x": tree}}))
    assert _resolved(mapping.resolve, event) == _resolved(expected, event)
