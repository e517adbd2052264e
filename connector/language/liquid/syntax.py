"""The grammar of `@liquid`: a template's text to python-liquid's tree, with the tags that Segment leaves enabled.

The nodes are python-liquid's, and so are its expressions; one grammar holds wherever a value stands, as in liquidjs, so
that `{{ a == b }}` and `{% if list | size %}` can be read. Nothing is rendered here.
"""

from collections.abc import Iterator
from typing import Final

from liquid import Environment
from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.content import ContentNode, Literal
from liquid.builtin.expressions import (
    Filter,
    FilteredExpression,
    KeywordArgument,
    PositionalArgument,
    parse_name,
    parse_primitive,
)
from liquid.builtin.expressions.logical import parse_boolean_primitive
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.comment_tag import CommentTag
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.decrement_tag import DecrementTag
from liquid.builtin.tags.for_tag import BreakTag, ContinueTag
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.increment_tag import IncrementTag
from liquid.builtin.tags.inline_comment_tag import InlineCommentTag
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.exceptions import LiquidError
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.tag import Tag
from liquid.token import (
    TOKEN_ASSIGN,
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_EOF,
    TOKEN_EXPRESSION,
    TOKEN_ILLEGAL,
    TOKEN_OUTPUT,
    TOKEN_PIPE,
    TOKEN_TAG,
    TOKEN_WORD,
    Token,
)

from connector.errors import Fault, LanguageError, closest
from connector.language.liquid.tokens import RefusedError, Stream, not_ended, place, refuse, split_lines, split_template

DISABLED_TAGS: Final = frozenset({"case", "for", "include", "layout", "render", "tablerow"})
_HELP: Final = "Liquid is written {{ value | filter: argument }} and {% if value == 1 %}...{% endif %}"


def parse_text(text: str) -> list[Node]:
    """Parse a template into python-liquid's nodes. Raises LanguageError with the first fault and its place."""
    try:
        return get_parser(_ENVIRONMENT).parse(Stream(split_template(text), text, len(text)))
    except RefusedError as refused:
        raise LanguageError(refused.fault) from None
    except LiquidError as error:
        raise LanguageError(_to_fault(error, text)) from None
    except RecursionError:
        fault = Fault("liquid_too_deep", "the template is nested too deeply", "write it flatter", (), 0, len(text))
        raise LanguageError(fault) from None


def _to_fault(error: LiquidError, text: str) -> Fault:
    token = error.token
    if token is None or token.start_index < 0:
        return Fault("liquid_syntax", str(error.message), _HELP, (), 0, len(text))
    found = repr(token.value) if token.value else "the end"
    return Fault("liquid_syntax", f"{found} cannot stand here: {error.message}", _HELP, (), *place(token))


def _parse_value(environment: Environment, tokens: TokenStream) -> FilteredExpression:
    """VALUE (OPERATOR VALUE)* (`|` FILTER ARGUMENTS)*"""
    left = parse_boolean_primitive(environment, tokens)
    filters = []
    while tokens.current.kind == TOKEN_PIPE:
        next(tokens)
        name = tokens.eat(TOKEN_WORD)
        filters.append(Filter(name, name.value, [*_parse_arguments(environment, tokens)]))
    tokens.eat(TOKEN_EOF)
    return FilteredExpression(left.token, left, filters)


def _parse_arguments(environment: Environment, tokens: TokenStream) -> Iterator[PositionalArgument | KeywordArgument]:
    """(`:` (NAME `:`)? VALUE (`,` (NAME `:`)? VALUE)*)?; python-liquid's own takes neither `empty` nor `blank`."""
    separator = TOKEN_COLON
    while tokens.current.kind == separator:
        next(tokens)
        separator = TOKEN_COMMA
        token = tokens.current
        if token.kind == TOKEN_WORD and tokens.peek.kind == TOKEN_COLON:
            next(tokens)
            next(tokens)
            yield KeywordArgument(token, token.value, parse_primitive(environment, tokens))
        else:
            yield PositionalArgument(parse_primitive(environment, tokens))


# A tag's parse function leaves the stream at the tag's last token.


class _Text(Literal):
    """Anything outside of markup; an expression is here when its tag takes none."""

    def parse(self, stream: TokenStream) -> ContentNode:
        if stream.current.kind == TOKEN_EXPRESSION:
            raise refuse("this tag takes nothing after its name", "remove it", stream.current)
        return super().parse(stream)


class _Output(Tag):
    """{{ VALUE }}"""

    name = TOKEN_OUTPUT
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = next(stream)
        return OutputNode(token, _parse_value(self.env, stream.into_inner(tag=token, eat=False)))


class _Echo(_Output):
    """{% echo VALUE %}"""

    name = "echo"


class _Assign(Tag):
    """{% assign NAME = VALUE %}"""

    name = "assign"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token, eat=False)
        name = parse_name(self.env, tokens)
        tokens.eat(TOKEN_ASSIGN)
        return AssignNode(token, name=name, expression=_parse_value(self.env, tokens))


class _Capture(Tag):
    """{% capture NAME %} ... {% endcapture %}"""

    name = "capture"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token)
        name = parse_name(self.env, tokens)
        tokens.expect_eos()
        block = get_parser(self.env).parse_block(stream, ("endcapture",))
        _expect_end(stream, token)
        return CaptureNode(token, name, block)


class _Cycle(Tag):
    """{% cycle (VALUE `:`)? VALUE (`,` VALUE)* %}"""

    name = "cycle"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token, eat=False)
        items, group = [parse_primitive(self.env, tokens)], None
        if tokens.current.kind == TOKEN_COLON:
            next(tokens)
            items, group = [parse_primitive(self.env, tokens)], items[0]
        while tokens.current.kind == TOKEN_COMMA:
            next(tokens)
            items.append(parse_primitive(self.env, tokens))
        tokens.eat(TOKEN_EOF)
        return CycleNode(token, group, items)


class _If(Tag):
    """{% if VALUE %} ... ({% elsif VALUE %} ...)* ({% else %} ...)? {% endif %}"""

    name = "if"
    node: type[IfNode] | type[UnlessNode] = IfNode

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        condition = _parse_value(self.env, stream.into_inner(tag=token))
        parse_block, ends = get_parser(self.env).parse_block, (f"end{self.name}", "elsif", "else")
        consequence = parse_block(stream, ends)
        alternatives = []
        while stream.current.is_tag("elsif"):
            branch = next(stream)
            value = _parse_value(self.env, stream.into_inner(tag=branch))
            alternatives.append(ConditionalBlockNode(branch, value, parse_block(stream, ends)))
        default = None
        if stream.current.is_tag("else"):
            next(stream)
            default = parse_block(stream, ends)
        _expect_end(stream, token)
        return self.node(token, condition, consequence, alternatives, default)


class _Unless(_If):
    """{% unless VALUE %} ... ({% elsif VALUE %} ...)* ({% else %} ...)? {% endunless %}"""

    name = "unless"
    node = UnlessNode


class _Liquid(Tag):
    """{% liquid TAG NEWLINE TAG ... %}"""

    name = "liquid"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = stream.expect(TOKEN_TAG)
        lines: list[Token] = []
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
            lines = [*split_lines(stream.current)]
        end = stream.current.start_index + len(stream.current.value)
        inner = Stream(iter(lines), token.source, end, stream.block_depth)
        return LiquidNode(token, None, get_parser(self.env).parse_block(inner, ()))


class _Unknown(Tag):
    """A tag that is disabled, unknown, or not in its place."""

    name = TOKEN_ILLEGAL
    block = False

    def parse(self, stream: TokenStream) -> Node:
        raise RefusedError(_tag_fault(stream.current.value, *place(stream.current)))


def _tag_fault(name: str, start: int, end: int) -> Fault:
    if name in DISABLED_TAGS:
        help = "use @arrayPath, @if or @case of the mapping, or the filters join and where"
        return Fault("liquid_disabled_tag", f"the tag {name!r} is disabled", help, (), start, end)
    if name in ("else", "elsif") or name.removeprefix("end") in _TAG_NAMES:
        message = f"the tag {name!r} stands here without the tag that it belongs to"
        return Fault("liquid_misplaced_tag", message, "remove it", (), start, end)
    message = f"there is no tag {name!r}" if name else "a tag's name is missing"
    help = closest(name, _TAG_NAMES) or f"known are {', '.join(_TAG_NAMES)}"
    return Fault("liquid_unknown_tag", message, help, (), start, end)


def _expect_end(stream: TokenStream, tag: Token) -> None:
    if stream.current.kind == TOKEN_EOF:
        raise not_ended(tag)
    if not stream.current.is_tag(f"end{tag.value}"):
        raise refuse(f"the tag {tag.value!r} has an 'else' already", "remove this one", stream.current)


_TAGS: Final[tuple[type[Tag], ...]] = (
    *(_Text, _Output, _Unknown, _Assign, BreakTag, _Capture, CommentTag, ContinueTag, _Cycle, DecrementTag),
    *(_Echo, _If, IncrementTag, InlineCommentTag, _Liquid, _Unless),
)
_TAG_NAMES: Final = sorted([tag.name for tag in _TAGS if tag not in (_Text, _Output, _Unknown)] + ["raw"])


class _Environment(Environment):
    logical_not_operator = True

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        del extra
        for tag in _TAGS:
            self.add_tag(tag)


_ENVIRONMENT: Final = _Environment()
