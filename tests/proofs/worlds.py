"""Random events that keep to the event schema, random mappings, and whether a run agrees with what was proven."""

from typing import Any

from hypothesis import strategies as st

from connector.errors import LanguageError
from connector.language.compiler import parse_mapping
from connector.language.directives import Node
from connector.language.paths import walk
from connector.proofs.facts import Facts
from connector.proofs.kinds import LIST, NOTHING, NULL, OBJECT, kind_of
from connector.proofs.shapes import Choice, Ref, Shape, Value
from connector.values import JSON, MISSING


def some(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make lists of at most two items."""
    return st.one_of(st.just([]), st.tuples(inner), st.tuples(inner, inner)).map(list)


def keyed(inner: st.SearchStrategy[Any], *keys: str) -> st.SearchStrategy[Any]:
    """Make objects with some of the keys."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, inner))


TYPES = ("identify", "track", "page", "screen", "group", "alias", "delete")
TEXTS = st.sampled_from(["", "a", "b", "A b", "strict", "Signed Up", "7", "true", "ada@example.com", "{{name}}"])
FREE = st.recursive(
    st.one_of(st.none(), TEXTS, st.booleans(), st.sampled_from([0, 1, 7, 2.5])),
    lambda inner: st.one_of(some(inner), keyed(inner, "a", "b", "email", "id")),
    max_leaves=4,
)
TEXT_OR_NULL = st.one_of(st.none(), TEXTS)
FILLED = TEXTS.filter(bool)
OBJECTS = st.one_of(st.none(), keyed(FREE, "a", "b", "email", "id"))
PAGES = st.one_of(st.none(), keyed(TEXT_OR_NULL, "path", "url", "title"))
CONTEXTS = st.one_of(
    st.none(),
    st.fixed_dictionaries({}, optional={"traits": OBJECTS, "page": PAGES, "ip": TEXT_OR_NULL, "own": FREE}),
)
KNOWN: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("userId", "anonymousId", "event", "name", "groupId", "previousId"), TEXT_OR_NULL),
    **dict.fromkeys(("properties", "traits"), OBJECTS),
    "context": CONTEXTS,
    "own": FREE,
}
NEEDED = {"track": "event", "group": "groupId", "alias": "previousId"}


@st.composite
def events(draw: st.DrawFn) -> dict[str, JSON]:
    """Make an event that keeps to the event schema."""
    kind = draw(st.sampled_from(TYPES))
    event: dict[str, JSON] = {"type": kind, **draw(st.fixed_dictionaries({}, optional=KNOWN))}
    if kind in NEEDED:
        event[NEEDED[kind]] = draw(FILLED)
    if kind in ("alias", "delete") or not event.get("anonymousId"):
        event["userId"] = draw(FILLED)
    return event


WHERE = """
    userId anonymousId name event groupId type properties properties.email properties.a.b traits traits.id own own.a
    context context.traits context.own.a context.traits.email context.page.path context.page.title.length context.ip.0
    properties.a.0
"""
PATHS = st.sampled_from(WHERE.split())
LITERALS = st.sampled_from(["", "x", "strict", 0, 1, 7, True, False, None, [], ["x"], {"a": "x"}])


TEMPLATES = st.sampled_from(["{{userId}}", "{{own}}{{name}}", "a {{name}}", "{{{own.a}}}", "{{{name}}}x", "", "x"])
LIQUIDS = st.sampled_from(["{{ userId }}", "x{{ own }}", "{% if name %}{{ name | upcase }}{% endif %}"])
READ = PATHS.map(lambda path: {"@path": path})
LEAVES = st.one_of(
    READ,
    READ,
    LITERALS,
    TEMPLATES.map(lambda text: {"@template": text}),
    LIQUIDS.map(lambda text: {"@liquid": text}),
    LITERALS.map(lambda value: {"@literal": value}),
)
SHORT = st.sampled_from(["", "a", "_", "$`", "$&"])
FOUND = st.sampled_from(["a", "7", "Signed Up"])
NAMES = st.sampled_from(
    ["if", "exclude", "case", "replace", "merge", "transform", "flatten", "json", "list", "object", "items"]
)


@st.composite
def mapped(draw: st.DrawFn, levels: int = 3) -> Any:
    """Make what may stand at a field; some of it does not load."""
    if levels == 0 or draw(st.integers(0, 3)) == 0:
        return draw(LEAVES)
    inner = mapped(levels - 1)
    return draw(_directive(draw(NAMES), inner))


def _directive(name: str, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = keyed(inner, "a", "b", "id")
    parts = st.one_of(objects, READ, inner)
    match name:
        case "if":
            branches = {"then": inner, "else": inner}
            tests = [st.fixed_dictionaries({kind: parts}, optional=branches) for kind in ("exists", "blank")]
            return _call("@if", st.one_of(*tests))
        case "exclude":
            return _call("@excludeWhenNull", inner)
        case "case":
            return _options("@case", operator=st.sampled_from(["lower", "upper"]), value=parts)
        case "replace":
            return _options("@replace", pattern=FOUND, replacement=SHORT, value=parts)
        case "merge":
            return _options("@merge", objects=some(parts), direction=st.sampled_from(["left", "right"]))
        case "transform":
            return _options("@transform", apply=objects, mapping=parts)
        case "flatten":
            return _options("@flatten", value=inner, separator=st.just("_"))
        case "json":
            return _options("@json", value=parts, mode=st.sampled_from(["encode", "decode"]))
        case "list":
            return _call("@arrayPath", st.tuples(st.one_of(PATHS, parts), inner).map(list))
        case "object":
            return objects
        case _:
            return some(inner)


def _call(name: str, given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return given.map(lambda options: {name: options})


def _options(name: str, **options: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return _call(name, st.fixed_dictionaries(options))


MAPPED = mapped()

CLAUSES = st.sampled_from(
    [
        'type = "page"',
        'type = "track"',
        'type != "identify"',
        'type in ["group", "track", "alias"]',
        'event = "Signed Up"',
        'event in ["a", "Signed Up", "7"]',
        "userId != null",
        'userId != ""',
        "anonymousId = null",
        'context.traits.email = "ada@example.com"',
        "context.traits.email != null",
        "properties.email = true",
        "properties.email = 7",
        "properties.email > 1",
        'properties.email != "a"',
        "context.own.a = null",
        'contains(name, "a")',
        '!contains(name, "a")',
        'match(context.traits.email, "*@*")',
        'typeof(properties.email) = "string"',
        'typeof(properties.a) != "list"',
        "length(properties.a) > 0",
        "bool(properties.email) = true",
        'lowercase(name) = "a b"',
        "number(properties.email) = 7",
        'string(properties.a) != "x"',
        '"a" in properties.a',
        'properties.email in ["a", "7", true]',
        'traits.a = ["a", "b"]',
        'groupId = ""',
    ]
)
TRIGGERS = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
        inner.map(lambda text: f"!({text})"),
    ),
    max_leaves=4,
)


def parsed(mapping: JSON) -> Node | None:
    """Read a mapping; None for one that does not load."""
    try:
        return parse_mapping(mapping)
    except LanguageError:
        return None


def holds(facts: Facts, event: dict[str, JSON]) -> bool:
    """Say whether facts are true of an event."""
    data: Any = event
    for keys, kinds in {**facts.kinds, **facts.stated}.items():
        if not kind_of(walk(data, keys)) & kinds:
            return False
    return all(
        not isinstance(value := walk(data, keys), str) or not value or value in texts
        for keys, texts in facts.texts.items()
    )


def agrees(value: Value, facts: Facts, found: Any, event: dict[str, JSON], *, in_list: bool = False) -> bool:
    """Say whether a value that a run gave is one that was proven; in lists null stands for missing."""
    if isinstance(value, Choice):
        return any(
            holds(case.facts, event) and agrees(case.value, case.facts, found, event, in_list=in_list)
            for case in value.cases
        )
    if isinstance(value, Ref):
        there: Any = walk(event, value.keys)  # type: ignore[arg-type]  # JSON is a Value without MISSING
        kinds = facts.at(value.keys)
        same = type(found) is type(there) and found == there
        return bool(kind_of(there) & kinds) and (same or (in_list and found is None and there is MISSING))
    return _has_shape(value, facts, found, event, in_list=in_list)


def _has_shape(shape: Shape, facts: Facts, found: Any, event: dict[str, JSON], *, in_list: bool) -> bool:
    kinds = shape.kinds | (NULL if in_list and shape.kinds & NOTHING else 0)
    kind = kind_of(found)
    if not kind & kinds:
        return False
    if kind == OBJECT and not shape.open:
        return found.keys() <= shape.inner.keys() and all(
            agrees(inner, facts, found.get(key, MISSING), event) for key, inner in shape.inner.items()
        )
    if kind == LIST and shape.items is not None:
        return len(found) == len(shape.items) and all(
            agrees(inner, facts, item, event, in_list=True) for inner, item in zip(shape.items, found, strict=True)
        )
    if kind == LIST and shape.item is not None:
        return all(agrees(shape.item, facts, item, event, in_list=True) for item in found)
    return shape.texts is None or not isinstance(found, str) or not found or found in shape.texts
