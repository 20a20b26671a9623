"""The order of preference: one table, whose groups docs/codes.md shows."""

from __future__ import annotations

import re
from pathlib import Path

from npreg.exercises.mistakes.preference import Kind

ROOT = Path(__file__).parents[3]


def test_the_documentation_shows_every_group_and_then_pairs():
    page = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    _, _, shown = page.partition("The order of preference")
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", shown, re.MULTILINE)]
    assert numbers == list(range(1, len({kind.group for kind in Kind}) + 2))
    assert f"{numbers[-1]}. pairs of the above." in shown


def test_the_members_stand_in_the_order_of_their_costs():
    costs = [kind.cost for kind in Kind]
    assert costs == sorted(costs)
