"""The comparison of gradient checkers: right gradients are right, wrong ones wrong, the page complete."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("compare_checkers", ROOT / "benchmarks" / "compare_checkers.py")
assert spec is not None
assert spec.loader is not None
compare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare)


@pytest.mark.parametrize(("kind", "distance"), [("exact", 0.5), pytest.param("noisy", 1e-6, marks=pytest.mark.slow)])
def test_npreg_accepts_the_right_and_only_the_right(kind: str, distance: float) -> None:
    accepted = compare.judge(compare.by_npreg, kind, distance)
    assert {name for name, times in accepted.items() if times} == set(compare.RIGHT)
    assert {accepted[name] for name in compare.RIGHT} == {compare.SEEDS}


def test_a_checker_that_is_not_installed_has_an_empty_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "SEEDS", 1)
    monkeypatch.setattr(compare, "DISTANCES", (1e-6,))
    monkeypatch.setattr(
        compare, "CHECKERS", [("npreg", None, compare.by_npreg), ("JAX", "no-such-package", compare.by_jax)]
    )
    page = compare.page()
    assert "| exact | 1e-06 | 0 / 0 |  |" in page
    assert "| JAX | not installed |" in page
    assert "| sign | rejects |  |" in page


def test_the_stored_page_has_every_gradient_and_checker() -> None:
    page = compare.PAGE.read_text(encoding="utf-8")
    assert all(f"| {name} |" in page for name in compare.GRADIENTS)
    assert all(f"| {heading} |" in page for heading, _, _ in compare.CHECKERS)
