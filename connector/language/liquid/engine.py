"""The meaning of `@liquid`: python-liquid's tree to closures that answer as liquidjs 10.27.2 does.

python-liquid itself renders Ruby's Liquid, which prints lists, numbers and missing values, compares and rounds
otherwise, so its rendering is not used. The language has no loops, what one rendering may make is limited, and the
event is never changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.decrement_tag import DecrementNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.increment_tag import IncrementNode
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.builtin.tags.unless_tag import UnlessNode

from connector.errors import Fault, LanguageError, ResolveError
from connector.language.liquid.expressions import compile_value
from connector.language.liquid.rendering import Build, Read, Rendering, StopError, Write, weigh
from connector.language.liquid.syntax import parse_text
from connector.language.liquid.values import is_true, is_truthy, to_text, without_halves
from connector.values import Value, text_of

Reads: TypeAlias = frozenset[tuple[str, ...]] | None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template ready to render: `reads` are the event paths it may read, None when only an event can tell."""

    render: Callable[[Value], str]
    reads: Reads


@lru_cache(maxsize=256)
def compile_template(text: str) -> Compiled:
    """Compile a template. Raises LanguageError with every fault; rendering raises ResolveError."""
    nodes, build = parse_text(text), Build()
    try:
        write = _compile_nodes(nodes, build)
    except RecursionError:
        build.faults.append(Fault("liquid_too_deep", "too many conditions in one", "split it", (), 0, len(text)))
    if build.faults:
        raise LanguageError(*build.faults)
    return Compiled(_renderer(write), frozenset(build.reads) if build.reads_known else None)


def _renderer(write: Write) -> Callable[[Value], str]:
    def render(event: Value) -> str:
        out: list[str] = []
        try:
            write(Rendering(event), out)
        except StopError:
            pass  # {% break %}: what was written before it counts
        except RecursionError:
            raise ResolveError("a value of the event is nested too deeply for a Liquid template") from None
        return without_halves("".join(out))

    return render


# Nodes: each becomes a function that writes.


def _compile_nodes(nodes: Sequence[Node], build: Build) -> Write:
    steps = [_NODES[type(node)](node, build) for node in nodes if not isinstance(node, CommentNode)]
    if len(steps) == 1:
        return steps[0]

    def write(rendering: Rendering, out: list[str]) -> None:
        for step in steps:
            step(rendering, out)

    return write


def _compile_content(node: Node, _: Build) -> Write:
    assert isinstance(node, ContentNode)
    text = node.text
    return lambda _, out: out.append(text)


def _compile_output(node: Node, build: Build) -> Write:
    assert isinstance(node, OutputNode)
    return _writer(compile_value(node.expression, build))


def _writer(read: Read) -> Write:
    def write(rendering: Rendering, out: list[str]) -> None:
        text = to_text(read(rendering))
        rendering.spend(len(text))
        out.append(text)

    return write


def _compile_assign(node: Node, build: Build) -> Write:
    assert isinstance(node, AssignNode)
    name, read = str(node.name), compile_value(node.expression, build)

    def write(rendering: Rendering, _: list[str]) -> None:
        rendering.names[name] = read(rendering)

    return write


def _compile_capture(node: Node, build: Build) -> Write:
    assert isinstance(node, CaptureNode)
    name, fill = str(node.name), _compile_nodes(node.block.nodes, build)

    def write(rendering: Rendering, _: list[str]) -> None:
        inner: list[str] = []
        try:
            fill(rendering, inner)
        finally:  # a {% break %} inside ends the rendering, but what was captured is kept
            rendering.names[name] = "".join(inner)

    return write


def _compile_if(node: Node, build: Build) -> Write:
    assert isinstance(node, IfNode | UnlessNode)
    wanted = isinstance(node, IfNode)
    first = (compile_value(node.condition, build), wanted, _compile_nodes(node.consequence.nodes, build))
    branches = [first, *(_compile_branch(branch, build) for branch in node.alternatives)]
    default = _compile_nodes(node.default.nodes if node.default else (), build)

    def write(rendering: Rendering, out: list[str]) -> None:
        for read, wanted, block in branches:
            if is_true(read(rendering)) is wanted:
                return block(rendering, out)
        return default(rendering, out)

    return write


def _compile_branch(node: ConditionalBlockNode, build: Build) -> tuple[Read, bool, Write]:
    return compile_value(node.expression, build), True, _compile_nodes(node.block.nodes, build)


def _compile_cycle(node: Node, build: Build) -> Write:
    assert isinstance(node, CycleNode)
    group = compile_value(node.group, build) if node.group else None
    items = [compile_value(item, build) for item in node.args]

    def write(rendering: Rendering, out: list[str]) -> None:
        # Its group is told apart by name and number of items alone: liquidjs prints every item as [object Object].
        key = (text_of(group(rendering)) if group else "undefined", len(items))
        at = rendering.cycles.get(key, 0)
        rendering.cycles[key] = (at + 1) % len(items)
        value = items[at](rendering)
        if is_truthy(value):
            rendering.spend(weigh(value))
            out.append(to_text(value))

    return write


def _compile_counter(node: Node, build: Build) -> Write:
    assert isinstance(node, IncrementNode | DecrementNode)
    name, step = str(node.name), 1 if isinstance(node, IncrementNode) else -1
    build.reads.add((name,))

    def write(rendering: Rendering, out: list[str]) -> None:
        before = rendering.count(name)
        rendering.counters[name] = before + step
        out.append(to_text(before if step > 0 else before + step))

    return write


def _compile_stop(_: Node, __: Build) -> Write:
    def stop(_: Rendering, __: list[str]) -> None:
        raise StopError

    return stop


def _compile_liquid(node: Node, build: Build) -> Write:
    assert isinstance(node, LiquidNode)
    return _compile_nodes(node.block.nodes, build)


_NODES: Final[dict[type[Node], Callable[[Node, Build], Write]]] = {
    AssignNode: _compile_assign,
    BreakNode: _compile_stop,
    CaptureNode: _compile_capture,
    ContentNode: _compile_content,
    ContinueNode: _compile_stop,
    CycleNode: _compile_cycle,
    DecrementNode: _compile_counter,
    IfNode: _compile_if,
    IncrementNode: _compile_counter,
    LiquidNode: _compile_liquid,
    OutputNode: _compile_output,
    UnlessNode: _compile_if,
}
