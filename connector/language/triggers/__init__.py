"""Triggers: which events a mapping takes, in Segment's filter language FQL; text to frozen tree, tree to closures.

Where Segment's published parser and its documentation agree, so does this. Documented and taken here, though not by
that parser: groups in groups, functions in groups, `!` before a group, single quotes, `in [...]`, `"x" in traits.list`,
`= ["a", "b"]`, any event field, all globs of match, the functions of functions.py. A spelling that the parser reads in
another way without a word, and for which there is a right one, is a fault with that one in its help.
"""

from connector.language.triggers.closures import Holds, compile_operand, compile_trigger
from connector.language.triggers.functions import FUNCTIONS, Function
from connector.language.triggers.gate import Gate, trigger_gate, trigger_reads
from connector.language.triggers.parser import parse_trigger
from connector.language.triggers.tracing import Seen, compile_trigger_trace
from connector.language.triggers.tree import (
    And,
    Call,
    Choices,
    Clause,
    Compare,
    Constant,
    Contains,
    Field,
    Match,
    Member,
    Not,
    Operand,
    Or,
    Trigger,
    clauses,
    field_of,
    operands,
)

__all__ = [
    "FUNCTIONS",
    "And",
    "Call",
    "Choices",
    "Clause",
    "Compare",
    "Constant",
    "Contains",
    "Field",
    "Function",
    "Gate",
    "Holds",
    "Match",
    "Member",
    "Not",
    "Operand",
    "Or",
    "Seen",
    "Trigger",
    "clauses",
    "compile_operand",
    "compile_trigger",
    "compile_trigger_trace",
    "field_of",
    "operands",
    "parse_trigger",
    "trigger_gate",
    "trigger_reads",
]
