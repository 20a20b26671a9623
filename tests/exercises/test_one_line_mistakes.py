"""Some four hundred one-line mistakes, written to probe the limits of the diagnosis."""

from __future__ import annotations

from pathlib import Path

import pytest

from npreg.exercises.check import check

FILES = sorted((Path(__file__).parents[1] / "corpus" / "one-line").glob("*.py"))
LINES = [(file.stem, line) for file in FILES for line in file.read_text("utf-8").splitlines() if line[0] != "#"]


SOME = [line for line in LINES if line[0] in ("minibatch-sum", "ridge", "huber")][::4]


@pytest.mark.parametrize("chosen", [SOME, pytest.param(LINES[::3], marks=pytest.mark.slow)], ids=["some", "a third"])
def test_nearly_all_one_line_mistakes_get_a_fair_name(chosen: list[tuple[str, str]]) -> None:
    unfair, unnamed = [], []
    for exercise, line in chosen:
        answer, _, fair = line.rpartition("  # ")
        name = answer.partition(" = ")[0]
        report = check(f"import numpy as np\n{answer}\n", exercise, seed=4, seconds=0)
        (judged,) = [one for one in report.answers if one.name == name]
        assert not judged.passed, (exercise, line)
        codes = {mistake.code for mistake in judged.mistakes}
        if codes not in [set(one.split("+")) for one in fair.split("|")]:
            (unnamed if codes == {"not-recognised"} else unfair).append((exercise, line, codes))
    assert len(unfair) <= 0.01 * len(chosen), unfair
    assert len(unfair) + len(unnamed) <= 0.04 * len(chosen), unnamed
