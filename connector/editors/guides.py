"""What an editor explains at length: the language of triggers, with examples that a test reads.

In: the functions of triggers. Out: Markdown.
"""

from collections.abc import Iterable
from typing import Final

from connector.language.triggers.functions import Function

TRIGGER_EXAMPLES: Final = (
    'type = "page"',
    'type = "track" and event = "Signed Up"',
    'type = "identify" and traits.plan != null',
    'type = "track" and event in ["Order Completed", "Order Refunded"]',
    'type = "track" and properties.total >= 100',
    'type = "page" and (contains(context.page.path, "/app/") or match(name, "Account*"))',
    'type = "screen" and !match(lowercase(name), "login*")',
)
_CLAUSES: Final = (
    ("`=` `!=` `<` `<=` `>` `>=`", "compare a field with a text, number, true, false or null"),
    ('`in ["a", "b"]`', "holds when the field is one of these"),
    ('`contains(field, "text")`', "holds when the text is in the field"),
    ('`match(field, "pattern")`', "compares with `*`, `?` and `[a-z]`"),
    ("`and` `or` `!` `( )`", "join clauses; `and` with `or` only with parentheses"),
)
_FIELDS: Final = (
    "Fields are those of the event: `type`, `event`, `name`, `userId`, `properties.…`, `traits.…`, `context.…`. "
    "`= null` holds for one that is missing. Operators and values are lower case."
)


def trigger_guide(summary: str, functions: Iterable[Function]) -> str:
    """Explain triggers: the summary, clauses, functions and examples."""
    clauses = "\n".join(f"* {clause}: {meaning}" for clause, meaning in _CLAUSES)
    known = "\n".join(f"* `{function.name}(field)`: {function.summary}" for function in functions)
    examples = "\n".join(f"trigger: {example}" for example in TRIGGER_EXAMPLES)
    return f"{summary}\n\n{clauses}\n\n{_FIELDS}\n\nFunctions:\n\n{known}\n\nFor example:\n\n```yaml\n{examples}\n```"
