"""Runs a mapping's tree without an event: a node and what is known of the event in; the cases of its value out.

Each directive does to kinds what its closure in builtins does to values. Where that cannot be followed a case is vague:
it may then say too much, and never too little.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from msgspec.structs import replace

from connector.errors import Path
from connector.language.compiler import compile_mapping
from connector.language.directives import (
    Call,
    Constant,
    Fields,
    Items,
    Node,
    PathText,
    TemplateText,
    is_falsy,
)
from connector.language.templates import Placeholder
from connector.proofs.facts import Facts
from connector.proofs.kinds import (
    ABSENT,
    ALL,
    BOOLEAN,
    EMPTY,
    FALSE,
    LIST,
    NOTHING,
    NULL,
    NUMBER,
    OBJECT,
    PRESENT,
    TEXT,
    ZERO,
)
from connector.proofs.shapes import (
    GONE,
    UNKNOWN,
    Case,
    Choice,
    Found,
    Ref,
    Shape,
    Value,
    constant,
    flat,
    only,
    read,
    texts_of,
)

_MOST_STEPS: Final = 2_000  # nodes of one field, each time that it is looked at; what is beyond is not known
_MOST_BRANCHES: Final = 4  # ways into a branch that are looked at apart
_HOLDS: Final = {"exists": PRESENT, "blank": PRESENT & ~(EMPTY | FALSE | ZERO)}
_FAILS: Final = {"exists": ABSENT, "blank": ABSENT | EMPTY | FALSE | ZERO | LIST}
_EVENT: Final = Ref(())

Branch: TypeAlias = tuple[Path, str]  # where an @if stands, and "then" or "else"


class Evaluation:
    """Evaluates one field. `reached` are the branches that an event can take, of those that were come to.

    `hollow` are templates with a text of their own, where all that they insert is missing or null.
    """

    def __init__(self) -> None:
        self.reached: set[Branch] = set()
        self.hollow: list[Case] = []
        self.is_whole = True
        self._steps = 0

    def cases(self, node: Node, facts: Facts, root: Value = _EVENT) -> list[Case]:
        """Give the cases of a node's value; its paths start at `root`."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            self.is_whole = False
            return [Case(facts, UNKNOWN, node.path)]
        match node:
            case Constant(value):
                return [Case(facts, constant(value), node.path)]
            case PathText(keys):
                return _cases(read(root, keys, facts), node.path)
            case TemplateText():
                return self._template(node, facts, root)
            case Items(items):
                values = tuple(self.value(item, facts, root) for item in items)
                return [Case(facts, Shape(LIST, items=values), node.path)]
            case Fields(fields):
                inner = {key: self.value(item, facts, root) for key, item in fields}
                return [Case(facts, Shape(OBJECT, inner=inner), node.path)]
            case Call():
                return _DIRECTIVES[node.directive.name](self, node, facts, root)

    def value(self, node: Node, facts: Facts, root: Value) -> Value:
        """Give a node's value as one."""
        return Choice(tuple(self.cases(node, facts, root)))

    def _option(self, call: Call, name: str, facts: Facts, root: Value) -> list[Case]:
        node = call.options.get(name)
        return [Case(facts, GONE, call.path)] if node is None else self.cases(node, facts, root)

    def _truthy(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        """Evaluate the option `value`; an empty one counts as none."""
        node = call.options.get("value")
        return [Case(facts, GONE, call.path)] if node is None or is_falsy(node) else self.cases(node, facts, root)

    def _template(self, node: TemplateText, facts: Facts, root: Value) -> list[Case]:
        """A template is empty where it has no text of its own and no value inserts any."""
        pieces = [piece for piece in node.pieces if not isinstance(piece, str)]
        triple = any(piece.triple for piece in pieces)  # what is inserted may then itself have placeholders
        made = Case(facts, Shape(TEXT | EMPTY, vague=True) if triple else Shape(TEXT), node.path)
        if len(pieces) < len(node.pieces):
            hollow = self._without(pieces, ABSENT, facts, root) if pieces else []
            self.hollow += [Case(known, made.value, node.path) for known in hollow]
            return [made]
        is_filled = triple
        for piece in pieces:
            values = list(read(root, piece.keys, facts))
            is_filled = is_filled or any(True for value in values for _ in only(value, ~(ABSENT | EMPTY)))
            if any(True for value in values for _ in only(value, LIST)):  # one of nothing inserts nothing
                made = Case(facts, Shape(TEXT | EMPTY, vague=True), node.path)
        empty = self._without(pieces, ABSENT | EMPTY, facts, root)
        cases = [Case(known, Shape(EMPTY), node.path) for known in empty]
        return [*cases, made] if is_filled else cases

    def _without(self, pieces: list[Placeholder], kinds: int, facts: Facts, root: Value) -> list[Facts]:
        """Give the ways in which all placeholders have these kinds; none where they cannot."""
        ways = [facts]
        for piece in pieces:
            found = (only(value, kinds) for known in ways for value in read(root, piece.keys, known))
            ways = [known for way in found for known, _ in way]
            if len(ways) > _MOST_BRANCHES:
                ways = [facts]
        return ways

    def _path(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        return self._option(call, "path", facts, root)

    def _inserted(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        return self._option(call, "template", facts, root)

    def _literal(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        return self._option(call, "value", facts, root)

    def _if(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        options = call.options
        kind = "exists" if "exists" in options else "blank"
        test = [(case.facts, case.value) for case in self.cases(options[kind], facts, root)]
        otherwise = options.get("else")
        branches = (
            ("then", options.get("then"), _HOLDS[kind]),
            ("else", None if otherwise is None or is_falsy(otherwise) else otherwise, _FAILS[kind]),
        )
        self.reached.add((call.path, ""))
        found: list[Case] = []
        for name, node, kinds in branches:
            ways = [known for one in test for known, _ in only(one, kinds)]
            if ways:
                self.reached.add((call.path, name))
            for known in ways if len(ways) <= _MOST_BRANCHES else [facts]:
                found += [Case(known, GONE, call.path)] if node is None else self.cases(node, known, root)
        return found

    def _array_path(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        lists, shape = self._option(call, "path", facts, root), call.options.get("item")
        if not isinstance(shape, Call) and not (isinstance(shape, Fields) and shape.fields):
            return lists
        made = Shape(LIST, item=self.value(shape, facts, UNKNOWN))
        return [
            after
            for case in lists
            for after in (*_changed(case, LIST | OBJECT, lambda _: made), *_kept(case, ~(LIST | OBJECT)))
        ]

    def _case(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        return [
            after
            for case in self._truthy(call, facts, root)
            for after in (
                *_changed(case, TEXT, lambda texts: _renewed(call, texts) or Shape(TEXT)),
                *_kept(case, ~TEXT),
            )
        ]

    def _replace(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        node = call.options.get("value")
        if node is None or is_falsy(node):
            return [Case(facts, GONE, call.path)]
        empties = _may_empty(call, "pattern", "replacement") or _may_empty(call, "pattern2", "replacement2")
        other = Shape(TEXT | EMPTY, vague=True) if empties else Shape(TEXT)
        return [
            after
            for case in self.cases(node, facts, root)
            for after in (
                *_changed(case, TEXT, lambda texts: _renewed(call, texts) or other),
                *_changed(case, BOOLEAN | ZERO | NUMBER, lambda _: other),
                *_changed(case, ABSENT | EMPTY | LIST | OBJECT, lambda _: Shape(EMPTY)),
            )
        ]

    def _merge(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        objects = call.options["objects"]
        parts = objects.items if isinstance(objects, Items) else ()
        found = [one for part in parts for one in self.cases(part, facts, root)]
        inner: dict[str, list[Case]] = {}
        for case in found:
            value = case.value
            if isinstance(value, Ref) or value.open or value.kinds & (TEXT | LIST):
                return [Case(facts, Shape(OBJECT, open=True), call.path)]
            for key, item in value.inner.items():
                ways = inner.setdefault(key, [Case(facts, Shape(NOTHING, vague=True), call.path)])
                ways += [Case(known, way, call.path) for known, way in flat(item, case.facts)]
        return [Case(facts, Shape(OBJECT, inner={key: Choice(tuple(ways)) for key, ways in inner.items()}), call.path)]

    def _transform(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        return self._option(call, "mapping", facts, self.value(call.options["apply"], facts, root))

    def _flatten(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        self._option(call, "value", facts, root)
        return [Case(facts, Shape(OBJECT, open=True), call.path)]

    def _json(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        mode = call.options["mode"]
        encodes = isinstance(mode, Constant) and mode.value == "encode"
        changed, made = (~NOTHING, Shape(TEXT)) if encodes else (TEXT, Shape(ALL & ~NOTHING, open=True, vague=True))
        return [
            after
            for case in self._option(call, "value", facts, root)
            for after in (*_changed(case, changed, lambda _: made), *_kept(case, ~changed))
        ]

    def _exclude(self, call: Call, facts: Facts, root: Value) -> list[Case]:
        return [
            after
            for case in self._option(call, "value", facts, root)
            for after in (
                *_changed(case, NULL, lambda _: GONE),
                *_changed(case, OBJECT, lambda _: Shape(OBJECT, open=True)),
                *_kept(case, ~(NULL | OBJECT)),
            )
        ]

    def _liquid(self, call: Call, facts: Facts, _: Value) -> list[Case]:
        return [Case(facts, Shape(TEXT | EMPTY, vague=True), call.path)]


_DIRECTIVES: Final[dict[str, Callable[[Evaluation, Call, Facts, Value], list[Case]]]] = {
    "@path": Evaluation._path,
    "@template": Evaluation._inserted,
    "@literal": Evaluation._literal,
    "@if": Evaluation._if,
    "@arrayPath": Evaluation._array_path,
    "@case": Evaluation._case,
    "@replace": Evaluation._replace,
    "@merge": Evaluation._merge,
    "@transform": Evaluation._transform,
    "@flatten": Evaluation._flatten,
    "@json": Evaluation._json,
    "@excludeWhenNull": Evaluation._exclude,
    "@liquid": Evaluation._liquid,
}


def _cases(found: Iterator[Found], path: Path) -> list[Case]:
    return [Case(facts, value, path) for facts, value in found]


def _kept(case: Case, kinds: int) -> Iterator[Case]:
    """Give a case as far as its value has these kinds."""
    for facts, value in only((case.facts, case.value), kinds):
        yield Case(facts, value, case.path)


def _changed(case: Case, kinds: int, change: Callable[[frozenset[str] | None], Shape]) -> Iterator[Case]:
    """Put another value where a case's has these kinds."""
    for facts, value in only((case.facts, case.value), kinds):
        made = change(texts_of(value, facts))
        vague = made.vague or (isinstance(value, Shape) and value.vague)
        yield Case(facts, replace(made, vague=vague), case.path)


def _renewed(call: Call, texts: frozenset[str] | None) -> Shape | None:
    """Let a @case or @replace work on the few texts that a value can be; None where it can be any."""
    if texts is None:
        return None
    made = {str(_run(call, text)) for text in texts}
    kinds = (EMPTY if "" in made else 0) | (TEXT if made - {""} else 0)
    return Shape(kinds, frozenset(made - {""}))


def _run(call: Call, text: str) -> object:
    alone = Call(call.directive, {**call.options, "value": Constant(text, call.path)}, call.path)
    return compile_mapping(alone)({})


def _may_empty(call: Call, pattern: str, replacement: str) -> bool:
    """Say whether a replacement may take all of a text away."""
    given, put = call.options.get(pattern), call.options.get(replacement)
    text = put.value if isinstance(put, Constant) and isinstance(put.value, str) else ""
    return isinstance(given, Constant) and bool(given.value) and (not text or "$" in text)
