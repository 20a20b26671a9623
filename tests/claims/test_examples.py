"""The examples run as a newcomer runs them, say what they should, and write where they are told."""

from __future__ import annotations

import os
import re
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripts import run

import npreg

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NOTEBOOK = EXAMPLES / "linear_regression.ipynb"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]\d+)?")


def section(output: str, title: str) -> str:
    """What a script prints below `# title…`."""
    found = re.search(rf"^# {re.escape(title)}[^\n]*\n\n(.*?)(?=^# |\Z)", output, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title!r} in:\n{output}"
    return found[1]


def numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]


def test_linear_regression_prints_the_notebooks_tensors(linear_regression: tuple[str, Path]) -> None:
    output, _ = linear_regression
    features, labels = npreg.synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    printed = numbers(section(output, "The data"))
    np.testing.assert_allclose(printed, [*features[0], labels[0], 1000, 2, 1000], rtol=1e-6)
    shapes, drawn = section(output, "The first minibatch").split("\n", 1)
    assert shapes == "features[tt], labels[tt]: (10, 2) (10,)"
    batch = np.array(numbers(drawn))
    X, y = batch[:20].reshape(10, 2), batch[20:]
    for row, label in zip(X, y, strict=True):
        (place,) = np.flatnonzero(np.abs(features - row).max(axis=1) < 1e-6)
        assert label == pytest.approx(labels[place], rel=1e-6)


def test_linear_regression_trains_three_epochs_to_the_true_parameters(linear_regression: tuple[str, Path]) -> None:
    output, _ = linear_regression
    lines = section(output, "Training").splitlines()
    losses = [float(re.fullmatch(rf"epoch {k}, loss (\d+\.\d{{6}})", lines[k - 1])[1]) for k in (1, 2, 3)]
    assert len([line for line in lines if line]) == 3
    assert 0.1 > losses[0] > 0.01 > losses[1] > losses[2] > 3e-5
    learned = section(output, "Learned and true parameters").splitlines()
    w, true_w = (numbers(part) for part in learned[0].split("true"))
    b, true_b = (numbers(part) for part in learned[1].split("true"))
    assert (true_w, true_b) == ([2, -3.4], [4.2])
    np.testing.assert_allclose(w + b, true_w + true_b, atol=0.01)
    np.testing.assert_allclose(numbers(output.splitlines()[-1])[:3], w + b)


def test_one_call_of_train_does_the_same(linear_regression: tuple[str, Path]) -> None:
    output, _ = linear_regression
    loop = section(output, "Training").split("\n\n")[0]
    once = section(output, "The same run in one call").splitlines()
    np.testing.assert_allclose(numbers("\n".join(once[:3])), numbers(loop), atol=2e-6)
    assert re.sub(r"\d+\.\d+", "", "\n".join(once[:3])) == re.sub(r"\d+\.\d+", "", loop)
    assert numbers(once[3])[-1] < 5e-6


def test_linear_regression_saves_its_pictures_where_it_says(linear_regression: tuple[str, Path]) -> None:
    output, folder = linear_regression
    told = re.search(r"Pictures, in (.*):\n((?:  .*\n)+)", output)
    assert told
    assert Path(told[1]).resolve() == (folder / "pictures").resolve()
    names = sorted(line.strip() for line in told[2].splitlines())
    assert len(names) == 5
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == names
    for name in names:
        assert "<svg" in (folder / "pictures" / name).read_text(encoding="utf-8")[:1000]


@pytest.mark.slow
def test_another_seed_an_existing_folder_and_older_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "a folder" / "in a folder"
    folder.mkdir(parents=True)
    (folder / "loss.svg").write_text("old", encoding="utf-8")
    (folder / "mine.txt").write_text("kept", encoding="utf-8")
    done = run("linear_regression.py", "--seed", "7", "--out", str(folder), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    learned = numbers(done.stdout.splitlines()[-1])[:3]
    np.testing.assert_allclose(learned, [2, -3.4, 4.2], atol=0.01)
    assert "<svg" in (folder / "loss.svg").read_text(encoding="utf-8")
    assert (folder / "mine.txt").read_text(encoding="utf-8") == "kept"
    assert not (tmp_path / "pictures").exists()
    assert len(list(folder.iterdir())) == 6


def test_a_folder_that_cannot_be_used_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    for out in ("file", "file/below"):
        done = run("linear_regression.py", "--out", out, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stdout == ""
        assert "cannot make the folder" in done.stderr
        assert "--out DIR" in done.stderr


def test_a_folder_that_is_not_writable_is_refused_before_the_run(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write into every folder, as root may, and on Windows everybody")
    done = run("linear_regression.py", "--out", "closed", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write into the folder" in done.stderr


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    done = run("linear_regression.py", "--seed", "-1", cwd=tmp_path)
    assert done.returncode == 2
    assert "--seed must not be negative, but is -1" in done.stderr


@pytest.mark.slow
def test_show_opens_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a browser that writes down what it is to open."""
    browser = tmp_path / "browser.py"
    browser.write_text(
        f"import sys\nopen({str(tmp_path / 'opened')!r}, 'a', encoding='utf-8').write(sys.argv[1] + '\\n')\n",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    if " " in sys.executable + str(browser) or os.name == "nt":
        pytest.skip("webbrowser splits $BROWSER at spaces, and Python's path has one; on Windows it is not read")
    monkeypatch.setenv("BROWSER", f"{sys.executable} {browser} %s")
    done = run("real_data.py", "--show", "--out", str(out), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    opened = (tmp_path / "opened").read_text(encoding="utf-8").splitlines()
    assert opened == [(out / "real_data.svg").resolve().as_uri()]


def test_real_data_tells_what_went_wrong_and_ends_at_least_squares(tmp_path: Path) -> None:
    done = run("real_data.py", "--out", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    trouble = section(done.stdout, "The notebook's learning rate")
    assert "lr = 0.03 is beyond" in trouble
    assert "the run diverged in epoch 1 at lr = 0.03" in trouble
    table = section(done.stdout, "A safe learning rate")
    rows = {name: numbers(rest)[-2:] for name, rest in re.findall(r"^(\w.{29}) (.*\d)$", table, re.MULTILINE)}
    by_name = {name.strip(): row for name, row in rows.items()}
    loss, error = by_name["exact least squares"]
    X, y = diabetes()
    order = np.random.default_rng(0).permutation(len(y))
    train_rows, test_rows = order[110:], order[:110]
    ones = np.ones((len(y), 1))
    theta = np.linalg.lstsq(np.hstack([X, ones])[train_rows], y[train_rows], rcond=None)[0]
    residual = np.hstack([X, ones]) @ theta - y
    assert loss == pytest.approx(np.mean(residual[train_rows] ** 2) / 2, abs=0.06)
    assert error == pytest.approx(np.sqrt(np.mean(residual[test_rows] ** 2)), abs=0.006)
    assert by_name["standardize=True, average=0.5"][0] == pytest.approx(loss, rel=2e-3)
    assert by_name["standardize=True, average=0.5"][1] == pytest.approx(error, rel=5e-3)
    assert loss < by_name["standardize=True"][0] < by_name["raw columns"][0] < by_name["always the mean"][0]


def diabetes() -> tuple[np.ndarray, np.ndarray]:
    table = np.loadtxt(EXAMPLES / "data" / "diabetes.csv", delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1]


def test_the_diabetes_data_are_the_published_ones() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    bunch = datasets.load_diabetes(scaled=False)
    X, y = diabetes()
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)
    header = (EXAMPLES / "data" / "diabetes.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header == [*bunch.feature_names, "progression"]


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@pytest.mark.slow
def test_learning_rates_break_just_beyond_the_bound_and_the_largest_column_is_why(tmp_path: Path) -> None:
    done = run("learning_rates.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    X, y = diabetes()
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    for title, features in (("Raw columns", X), ("The same with every column", standard)):
        text = section(done.stdout, title)
        bound = npreg.max_learning_rate(features, 10)
        table = [line for line in text.splitlines() if re.match(r" *\d", line) and "runs" not in line]
        assert len(table) == 11
        for line in table:
            lr, part, *loss = numbers(line)
            assert part == pytest.approx(lr / bound, abs=1e-3, rel=0.01)
            assert ("diverged" in line) is (not loss)
            if loss:
                one = npreg.train(features, y, lr=lr, num_epochs=20, rng=0)
                assert loss[0] == pytest.approx(one.losses[-1], rel=0.02)  # lr has three digits here
            assert loss or part > 1, "below the bound no run diverges"
        first = re.search(r"(\d+) runs diverged, the first of them at (\S+) times the bound", text)
        assert first
        assert int(first[1]) > 10
        assert 1 < float(first[2]) < 2
    why = section(done.stdout, "Why there")
    rows = [line.split() for line in why.splitlines() if len(line.split()) == 4 and "(" not in line]
    bounds = [float(row[3]) for row in rows]
    assert [row[0] for row in rows][:2] == ["s1", "s2"]
    assert len(rows) == 10
    assert bounds == sorted(bounds)
    assert bounds[-1] == pytest.approx(npreg.max_learning_rate(standard, 10), rel=0.05)
    assert (tmp_path / "pictures" / "learning_rates.svg").read_text(encoding="utf-8").count("<svg") == 1


def outputs(notebook: Any) -> str:
    """All that the notebook prints and shows as text."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error", output
            assert output.get("name") != "stderr", output
            found.append(output.get("text") or output["data"]["text/plain"] + "\n")
    return "".join(found)


def pictures(notebook: Any) -> list[str]:
    data = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [entry["image/svg+xml"] for entry in data if "image/svg+xml" in entry]


def test_the_notebook_shows_what_it_does_when_it_is_run(
    linear_regression: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored with its outputs and pictures; they are those of today, and of the script."""
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    renew = runpy.run_path(str(ROOT / "docs" / "outputs.py"))["run_notebook"]
    stored = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(stored)
    with tempfile.TemporaryDirectory() as folder:
        run_again = nbformat.reads(renew(NOTEBOOK, folder), as_version=4)
    assert [cell.source for cell in run_again.cells] == [cell.source for cell in stored.cells]
    shown, expected = outputs(stored), outputs(run_again)
    assert NUMBER.sub("#", shown) == NUMBER.sub("#", expected), "run: python docs/outputs.py examples/*.ipynb"
    np.testing.assert_allclose(numbers(shown), numbers(expected), rtol=1e-5, atol=2e-6)
    assert len(pictures(stored)) == len(pictures(run_again)) == 5
    for old, new in zip(pictures(stored), pictures(run_again), strict=True):
        assert "<svg" in old
        # Their words are drawn as glyphs, whose names tell what is written; the rest depends on matplotlib.
        assert set(re.findall(r"<!-- (.+?) -->", old)) == set(re.findall(r"<!-- (.+?) -->", new))
    script, _ = linear_regression
    lines = [line for line in shown.splitlines() if line.startswith("epoch")]
    printed = [line for line in script.splitlines() if line.startswith("epoch")]
    assert len(lines) == 6
    np.testing.assert_allclose(numbers("\n".join(lines)), numbers("\n".join(printed)), atol=2e-6)
    assert section(script, "The first minibatch").strip().splitlines()[-1] in shown


def test_a_changed_output_of_the_notebook_would_be_seen() -> None:
    assert NUMBER.sub("#", "epoch 1, loss 0.035315") != NUMBER.sub("#", "epoch 1, lost 0.035315")
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(numbers("loss 0.035315"), numbers("loss 0.035325"), rtol=1e-5, atol=2e-6)
