"""What a destination compares texts and numbers with: a pseudonym must be judged as its original is.

In: a destination. Out: rules, each with the constant and its place in the file. They look at values alone, wherever
these stand, so that a value has one pseudonym.
"""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from connector.destination import Destination, Mapping
from connector.language.compiler import mapping_reads
from connector.language.directives import Call, Constant, PathText, TemplateText, walk_nodes
from connector.language.triggers import Call as Function
from connector.language.triggers import Choices, Clause, Compare, Contains, Match, Member, clauses, field_of, operands
from connector.language.triggers import Constant as Literal
from connector.language.triggers.globs import compile_glob
from connector.schemas import load_schema
from connector.values import utf16_length

Test: TypeAlias = Callable[[str], object]
_WILD: Final = re.compile(r"\*|\?|\[[^\]]*\]")
_LIQUID: Final = re.compile(r"""(?:[=!]=|<>|\bcontains)\s*("[^"]*"|'[^']*')""")
_LIQUID_NUMBER: Final = re.compile(r"(?:[=!<>]=|<>|[<>])\s*(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)(?![\w.])")
_PATTERNS: Final = ("pattern", "pattern2")  # of @replace, the one directive that has them
_ORDER: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.eq,
}


class Rule(msgspec.Struct, frozen=True):
    """One comparison: its constant, how it reads (`properties.plan = "pro"`) and where it stands."""

    told: str
    place: str
    literal: str | float | None = None


class TextRule(msgspec.Struct, frozen=True):
    """A test of texts; `pieces` are the parts of a text that decide it, empty where all of the text does."""

    rule: Rule
    holds: Test
    pieces: tuple[str, ...] = ()


class NumberRule(msgspec.Struct, frozen=True):
    """A test of numbers."""

    rule: Rule
    holds: Callable[[float], object]


class Rules(msgspec.Struct, frozen=True):
    """All rules of a destination. `texts` are whole texts that stay, by their lower case; `keys` are keys that stay."""

    texts: dict[str, Rule] = {}
    tests: tuple[TextRule, ...] = ()
    numbers: tuple[NumberRule, ...] = ()
    keys: frozenset[str] = frozenset()


NO_RULES: Final = Rules()


def rules_of(destination: Destination) -> Rules:
    """Collect what the mappings of a destination compare, whether they are enabled or not."""
    texts: dict[str, Rule] = {}
    tests: list[TextRule] = []
    numbers: list[NumberRule] = []
    for mapping in destination.mappings:
        for clause in clauses(mapping.trigger):
            _read_clause(mapping, clause, texts, tests, numbers)
        tests += _looked_for(mapping)
        numbers += _liquid_numbers(mapping)
        for rule in _choices(mapping.action):
            texts.setdefault(str(rule.literal).lower(), rule)
    keys = frozenset(key for mapping in destination.mappings for key in _keys(mapping))
    return Rules(texts, tuple(tests), tuple(numbers), keys)


def _keys(mapping: Mapping) -> Iterator[str]:
    """List the keys of all paths that a mapping names."""
    for clause in clauses(mapping.trigger):
        for operand in operands(clause):
            yield from field_of(operand).keys
    for node in walk_nodes(mapping.fields):
        if isinstance(node, PathText):
            yield from node.keys
        elif isinstance(node, TemplateText) or (isinstance(node, Call) and node.directive.name == "@liquid"):
            yield from (key for keys in mapping_reads(node) or () for key in keys)


def _choices(action: str) -> Iterator[Rule]:
    """Give the texts from which a field of an action is chosen."""
    properties = load_schema(action).get("properties")
    for name, field in properties.items() if isinstance(properties, dict) else ():
        known = field.get("enum") if isinstance(field, dict) else None
        for text in known if isinstance(known, list) else ():
            yield Rule(f'{name} = "{text}"', f"the action {action}", str(text))


def _read_clause(
    mapping: Mapping, clause: Clause, texts: dict[str, Rule], tests: list[TextRule], numbers: list[NumberRule]
) -> None:
    is_length = any(_calls(operand, "length") for operand in operands(clause))
    for sign, constant in _constants(clause):
        told = _told(mapping.trigger_text, clause, constant)
        place = str(mapping.location(("trigger",), constant.start, constant.end))
        rule = Rule(told, place, None if constant.value is None else constant.value)
        if isinstance(clause, Contains):
            tests.append(_contains(rule, str(constant.value)))
        elif isinstance(clause, Match):
            tests.append(_matches(rule, str(constant.value)))
        elif isinstance(constant.value, str):
            texts.setdefault(constant.value.lower(), rule)
        elif isinstance(constant.value, int | float) and not isinstance(constant.value, bool):
            compare, against = _ORDER[sign], constant.value
            if is_length:
                tests.append(TextRule(rule, lambda text, c=compare, a=against: c(utf16_length(text), a)))  # type: ignore[misc]
            numbers.append(NumberRule(rule, lambda number, c=compare, a=against: c(number, a)))  # type: ignore[misc]


def _told(text: str, clause: Clause, constant: Literal) -> str:
    """Write a comparison with one constant, as `properties.plan = "pro"`; of a list only that one is named."""
    if constant.start == clause.start or isinstance(clause, Contains | Match):
        return " ".join(text[clause.start : clause.end].split())
    (operand, *_) = operands(clause)
    sign = clause.operator if isinstance(clause, Compare) else "="
    return f"{text[operand.start : operand.end]} {sign} {text[constant.start : constant.end]}"


def _liquid_numbers(mapping: Mapping) -> Iterator[NumberRule]:
    """Give the numbers in the conditions of @liquid: one is at, below or above each of them."""
    for place, text in _templates(mapping):
        for found in _LIQUID_NUMBER.finditer(text):
            against = float(found[1])
            rule = Rule(f"@liquid {found[0]}", place, against)
            yield NumberRule(rule, lambda number, a=against: (number > a) - (number < a))  # type: ignore[misc]


def _templates(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """List the templates of @liquid, each after its place; those of @template have no conditions."""
    for node in walk_nodes(mapping.fields):
        template = node.options.get("template") if isinstance(node, Call) else None
        if isinstance(template, Constant):
            yield str(mapping.location(("fields", *template.path))), str(template.value)


def _calls(operand: object, name: str) -> bool:
    while isinstance(operand, Function):
        if operand.name == name:
            return True
        operand = operand.argument
    return False


def _constants(clause: Clause) -> Iterator[tuple[str, Literal]]:
    match clause:
        case Compare(_, sign, Literal() as constant):
            yield sign, constant
        case Compare(_, sign, Choices(items)):
            yield from ((sign, item) for item in items)
        case Contains(_, part):
            yield "=", part
        case Match(_, pattern):
            yield "=", pattern
        case Member(item, choices):
            if isinstance(choices, Choices):
                yield from (("=", constant) for constant in choices.items)
            if isinstance(item, Literal):
                yield "=", item


def _contains(rule: Rule, part: str) -> TextRule:
    folded = part.lower()
    return TextRule(rule, lambda text: (part in text, folded in text.lower()), (part,))


def _equals_or_contains(rule: Rule, text: str) -> TextRule:
    folded = text.lower()
    pieces = (text,) if text else ()
    return TextRule(rule, lambda other: (other == text, text in other, other.lower() == folded), pieces)


def _matches(rule: Rule, pattern: str) -> TextRule:
    holds = compile_glob(pattern)
    pieces = tuple(piece for piece in _literals(pattern) if piece)
    return TextRule(rule, lambda text: (holds(text), holds(text.lower()), holds(text.upper())), pieces)


def _literals(pattern: str) -> Sequence[str]:
    """Give the parts of a glob that stand for themselves."""
    return _WILD.split(pattern)


def _looked_for(mapping: Mapping) -> Iterator[TextRule]:
    """Give what @replace and the conditions of @liquid look for: a pseudonym must have it where its original has."""
    for call in walk_nodes(mapping.fields):
        if not isinstance(call, Call):
            continue
        for option in _PATTERNS:
            node = call.options.get(option)
            if isinstance(node, Constant) and isinstance(node.value, str) and node.value:
                place = str(mapping.location(("fields", *node.path)))
                yield _contains(Rule(f'@replace of "{node.value}"', place, node.value), node.value)
    for place, template in _templates(mapping):
        for found in _LIQUID.finditer(template):
            text = found[1][1:-1]
            yield _equals_or_contains(Rule(f"@liquid {found[0]}", place, text), text)
