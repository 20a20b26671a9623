"""The order of preference: one table, the one that docs/codes.md shows."""

from __future__ import annotations

import re
from pathlib import Path

from npreg.exercises.mistakes.preference import GROUPS, Kind

ROOT = Path(__file__).parents[3]


def test_the_documentation_shows_the_table():
    page = ROOT / "docs" / "codes.md"
    shown = re.sub(r"\n   ", " ", page.read_text(encoding="utf-8"))
    lines = [*GROUPS.values(), "pairs of the above"]
    ends = [";"] * (len(lines) - 1) + ["."]
    numbered = zip(range(1, len(lines) + 1), lines, ends, strict=True)
    assert "".join(f"{place}. {line}{end}\n" for place, line, end in numbered) in shown


def test_the_members_stand_in_the_order_of_their_costs():
    costs = [kind.cost for kind in Kind]
    assert costs == sorted(costs)
    assert {kind.group for kind in Kind} == {*GROUPS}
