"""Some four hundred one-line mistakes, written to probe the limits of the diagnosis."""

from __future__ import annotations

import re

import pytest
from one_line_mistakes import MISTAKES

from npreg.exercises.check import check
from npreg.exercises.course import load


def said(identifier, name, expression):
    """The codes for a file whose function ``name`` returns the expression; None where it was accepted."""
    exercise = load(identifier)
    known = [*exercise.inputs, *exercise.public_steps]
    used = [n for n in known if re.search(rf"\b{n}\b", expression)]
    source = f"import numpy as np\ndef {name}({', '.join(used)}):\n    return {expression}\n"
    (answer,) = [
        answer for answer in check(source, exercise, seed=4, seconds=0).answers if answer.name == name
    ]
    return None if answer.passed else frozenset(mistake.code for mistake in answer.mistakes)


@pytest.mark.slow
def test_nearly_all_one_line_mistakes_get_a_fair_name():
    unfair, unnamed, total = [], [], 0
    for identifier, mistakes in MISTAKES.items():
        for name, expression, fair in mistakes:
            total += 1
            codes = said(identifier, name, expression)
            assert codes is not None, (identifier, name, expression)
            if codes not in [frozenset(one.split("+")) for one in fair.split("|")]:
                (unnamed if codes == {"not-recognised"} else unfair).append((identifier, expression, codes))
    assert len(unfair) <= 0.01 * total, unfair
    assert len(unfair) + len(unnamed) <= 0.04 * total, unnamed
