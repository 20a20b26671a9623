"""The example finds the two wrong pairs and no other, with river and without."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "check_river_losses.py"


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expect(verdicts: dict[str, bool]) -> None:
    assert [name for name, passed in verdicts.items() if not passed] == [
        name for name in verdicts if "Cauchy" in name or "alpha=0.9" in name
    ]
    assert len(verdicts) == 4


def test_without_river(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    expect(example_before := MODULE.main())
    assert all("own pair" in name for name in example_before)
    assert "pip install river" in capsys.readouterr().out


def test_with_river() -> None:
    losses = pytest.importorskip("river.optim.losses")
    inputs = MODULE.INPUTS
    expect(MODULE.main())
    for own, theirs in [(MODULE.OwnCauchy(), losses.Cauchy()), (MODULE.OwnQuantile(0.9), losses.Quantile(0.9))]:
        assert own(**inputs) == pytest.approx(theirs(**inputs))
        assert own.gradient(**inputs) == pytest.approx(theirs.gradient(**inputs))


MODULE = example()
