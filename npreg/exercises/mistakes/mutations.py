"""What students do wrong, as data: every known mistake as an edit of the forward program's derivative.

No rule knows an exercise. Each looks at the graph (names, shapes, local Jacobians) and yields
``Mutation``s: the codes, the edits to make before one reverse sweep, and the kind, which has its place in the
order of preference.
"""

from __future__ import annotations

from npreg.exercises.forward.tape import Tape
from npreg.exercises.mistakes.chain import chain_cut_short, chain_elsewhere, chain_twice
from npreg.exercises.mistakes.edits import Mutation, Rule
from npreg.exercises.mistakes.inputs import ignored_inputs, mistaken_inputs, reversed_inputs
from npreg.exercises.mistakes.preference import cost
from npreg.exercises.mistakes.structure import (
    applied_again,
    axis_of_softmax,
    branches,
    broadcast_accidents,
    elementwise_products,
    joined_terms,
    slope_from_output,
    whole_step,
    wrong_axis,
    wrong_reductions,
)
from npreg.exercises.mistakes.upstream import (
    averaged_upstream,
    simplified_upstream,
    some_rows,
    upstream_dropped,
)

__all__ = ["RULES", "Mutation", "every_mutation", "frequent_mutations"]


def every_mutation(tape: Tape) -> list[Mutation]:
    """All single mistakes for the exercise of this tape (its values only show shapes and zeros)."""
    return [mutation for rule in RULES for mutation in rule(tape)]


def frequent_mutations(tape: Tape) -> list[Mutation]:
    """The mistakes that are also looked for in pairs."""
    found = [m for m in every_mutation(tape) if all(kind.frequent for kind in m.kinds)]
    return sorted(found, key=lambda mutation: cost(mutation.kinds))


RULES: tuple[Rule, ...] = (
    ignored_inputs,
    reversed_inputs,
    mistaken_inputs,
    chain_cut_short,
    chain_twice,
    chain_elsewhere,
    upstream_dropped,
    some_rows,
    averaged_upstream,
    simplified_upstream,
    branches,
    broadcast_accidents,
    wrong_axis,
    axis_of_softmax,
    applied_again,
    elementwise_products,
    joined_terms,
    whole_step,
    slope_from_output,
    wrong_reductions,
)
