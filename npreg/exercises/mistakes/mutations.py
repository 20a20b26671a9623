"""What students do wrong, as data: every known mistake as an edit of the forward program's derivative.

No rule knows an exercise. Each looks at the graph (names, shapes, local Jacobians) and yields mistakes: the
codes, the edits to make before one reverse sweep, and the kind, which has its place in the order of preference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from npreg.exercises.forward.tape import Tape
from npreg.exercises.mistakes import flows, inputs, links, steps
from npreg.exercises.mistakes.mistake import Mistake

RULES = (
    *(inputs.inputs, inputs.uses, inputs.updated_inputs, inputs.branches, inputs.broadcasts),
    *(links.links, links.elsewhere, links.whole_steps),
    *(flows.flows, flows.short_forms),
    *(steps.of_one_argument, steps.products_and_statistics, steps.whole_for_part),
)


@np.errstate(all="ignore")
def every_mutation(tape: Tape) -> list[Mistake]:
    """All single mistakes for the exercise of this tape (its values only show shapes and zeros).

    A mistake in one round of a loop, in steps that one place in the code made, is also made in all of them.
    """
    found = [mistake for rule in RULES for mistake in rule(tape)]
    rounds, alike = tape.program.rounds, dict[Any, list[Mistake]]()
    for mistake in found:
        if not rounds.keys().isdisjoint(mistake.edits.names):
            alike.setdefault((mistake.kinds, mistake.edits.shape(rounds)), []).append(mistake)
    for first, *others in alike.values():
        if others:
            edits = sum((mistake.edits for mistake in others), first.edits)
            found.append(replace(others[-1], edits=edits))
    return found
