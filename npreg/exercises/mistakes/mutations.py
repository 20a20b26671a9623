"""What students do wrong, as data: every known mistake as an edit of the forward program's derivative.

No rule knows an exercise. Each looks at the graph (names, shapes, local Jacobians) and yields
``Mutation``s: the codes, the edits to make before one reverse sweep, and the kind, which has its place in the
order of preference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from npreg.exercises.forward.tape import Tape
from npreg.exercises.mistakes.chain import chain_cut_short, chain_elsewhere, chain_twice
from npreg.exercises.mistakes.edits import Mutation, Rule
from npreg.exercises.mistakes.functions import other_functions, other_slopes, spread
from npreg.exercises.mistakes.inputs import ignored_inputs, mistaken_inputs, reversed_inputs, updated_inputs
from npreg.exercises.mistakes.preference import cost
from npreg.exercises.mistakes.structure import (
    applied_again,
    axis_of_softmax,
    branches,
    broadcast_accidents,
    elementwise_products,
    joined_terms,
    slope_from_output,
    whole_for_part,
    whole_step,
    wrong_axis,
    wrong_reductions,
)
from npreg.exercises.mistakes.upstream import averaged_upstream, simplified_upstream, some_rows, upstream_dropped

__all__ = ["RULES", "Mutation", "every_mutation", "frequent_mutations"]


@np.errstate(all="ignore")
def every_mutation(tape: Tape) -> list[Mutation]:
    """All single mistakes for the exercise of this tape (its values only show shapes and zeros)."""
    found = [mutation for rule in RULES for mutation in rule(tape)]
    return [*found, *_in_every_round(found, tape.program.rounds)]


def _in_every_round(found: Sequence[Mutation], rounds: Mapping[str, Any]) -> Iterator[Mutation]:
    """The same mistake in all rounds of a loop: steps that one place in the code made."""
    alike: dict[Any, list[Mutation]] = {}
    for mutation in found:
        if not rounds.keys().isdisjoint(mutation.edits.names):
            alike.setdefault((mutation.kinds, mutation.edits.shape(rounds)), []).append(mutation)
    for same in alike.values():
        if len(same) > 1:
            edits = sum((mutation.edits for mutation in same[1:]), same[0].edits)
            yield replace(same[-1], edits=edits)


def frequent_mutations(tape: Tape) -> list[Mutation]:
    """The mistakes that are also looked for in pairs."""
    found = [m for m in every_mutation(tape) if all(kind.frequent for kind in m.kinds)]
    return sorted(found, key=lambda mutation: cost(mutation.kinds))


RULES: tuple[Rule, ...] = (
    ignored_inputs,
    reversed_inputs,
    mistaken_inputs,
    updated_inputs,
    chain_cut_short,
    chain_twice,
    chain_elsewhere,
    upstream_dropped,
    some_rows,
    averaged_upstream,
    simplified_upstream,
    branches,
    broadcast_accidents,
    whole_for_part,
    wrong_axis,
    axis_of_softmax,
    applied_again,
    elementwise_products,
    joined_terms,
    whole_step,
    slope_from_output,
    wrong_reductions,
    other_slopes,
    other_functions,
    spread,
)
