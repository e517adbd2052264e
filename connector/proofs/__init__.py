"""What a mapping can give, proven from the file alone, and what its action's schema makes of that."""

from connector.destination import Destination
from connector.errors import Problem
from connector.lints import moved_to_user
from connector.proofs.problems import mapping_problems
from connector.proofs.table import ProofRow, proof_rows

__all__ = ["ProofRow", "proof_rows", "prove"]


def prove(destination: Destination) -> list[Problem]:
    """Tell what can be proven wrong, or is worth knowing, of every mapping's fields: warnings and notes, by place.

    They hold for every event that keeps to the event schema and that the mapping's trigger lets through. What stands in
    a preset that comes with the connector is told at the mapping which starts from it, without a fix.
    """
    mappings = destination.mappings
    found = [moved_to_user(mapping, problem) for mapping in mappings for problem in mapping_problems(mapping)]
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.file, problem.line, problem.column))
