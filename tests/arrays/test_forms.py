"""The table in docs/your_data.md: every form of data with every function that takes data."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import ROOT, load, read

forms = load(ROOT / "docs" / "forms.py")
PAGE = read(ROOT / "docs" / "your_data.md").split(forms.BEGIN)[1].split(forms.END)[0]


@pytest.mark.parametrize("form", forms.FORMS)
def test_the_table_is_true(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        row = forms.row(form)
    except ImportError as error:
        pytest.skip(f"this form of data is a library's that is not installed: {error}")
    assert row in PAGE
    assert "another result" not in row
    assert "without words" not in row


def test_a_wrong_answer_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"`train`": lambda features, _: len(features) + (features is not forms.X), "`predict`": lambda *_: 1 / 0}
    monkeypatch.setattr(forms, "FUNCTIONS", wrong)
    monkeypatch.setattr(forms, "of_arrays", lambda function: wrong[function](forms.X, forms.Y))
    assert forms.outcome("lists", "`train`") == "another result"
    with pytest.raises(ZeroDivisionError):
        forms.outcome("lists", "`predict`")
