"""The student files of tests/corpus: named rightly or honestly not recognised, never named wrongly."""

from __future__ import annotations

import ast
import contextlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from npreg.__main__ import main
from npreg.exercises import words
from npreg.exercises.check import check
from npreg.exercises.course import IDS, load
from npreg.exercises.findings import WrongAnswer
from npreg.exercises.forward.probes import fresh
from npreg.exercises.prover import prove
from npreg.exercises.report import Report
from npreg.exercises.stub import stub

CORPUS = Path(__file__).parents[1] / "corpus"
SIZES = {
    "n": 7.3,
    "d": 3.1,
    "k": 5.7,
    "h": 4.9,
    "lam": 1.37,
    "delta": 0.77,
    "tau": 0.31,
    "lr": 0.19,
    "batch_size": 12.7,
    "b": 0.83,
    "x": 1.9,
    "y": -0.6,
    "w": 0.7,
}
OPERATIONS = {
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.Sub: lambda a, b: a - b,
}


OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
ELSEWHERE = (
    "reason",
    "where.",
    "class.",
    "isolation.",
    "feedback.",
    "gradescope.",
    "usage.",
)  # of grading, of the command line
BESIDE = (
    "course.",
    "cannot.",
    "graded",
    "unfold-",
    "next-check",
    "preview-",
    "narrow",
    "change.",
    "place-",
    "line",
    "same-line",
    "cell",
    "stop",
    "stub.value",
    "stub.tuple",
)  # see test_place, test_trace
UNUSED = ("code.not-implemented.kind",)  # what is not written gets first hints instead


@dataclass(frozen=True)
class Spoken:
    lang: str
    keys: set[str]
    parts: set[tuple[str, str]]


@dataclass(frozen=True)
class Judged:
    """One answer of one file: what a fair judge says, and what the checker said."""

    file: str
    answer: str
    fair: tuple[frozenset[str], ...]
    said: frozenset[str]
    passed: bool

    @property
    def is_right(self) -> bool:
        return self.fair == (frozenset({"right"}),)

    @property
    def is_nameable(self) -> bool:
        return not self.is_right and frozenset({"not-recognised"}) not in self.fair

    @property
    def is_named_rightly(self) -> bool:
        return self.said in self.fair


def magnitude(node: ast.AST) -> float:
    """The value of a factor's expression; only numbers, names of sizes, products and roots are allowed."""
    if isinstance(node, ast.Expression):
        return magnitude(node.body)
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.Name):
        return SIZES[node.id]
    if isinstance(node, ast.Call):
        return math.sqrt(magnitude(node.args[0]))
    assert isinstance(node, ast.BinOp), ast.dump(node)
    return OPERATIONS[type(node.op)](magnitude(node.left), magnitude(node.right))


def normal(code: str) -> str:
    """A code with its factor as a number, and the gradient of an update under one name."""
    kind, _, what = code.strip().partition(":")
    if kind == "factor":
        return f"factor:{magnitude(ast.parse(what.replace('^', '**'), mode='eval')):.9g}"
    if kind.startswith("term-") and re.fullmatch(r"gradient|loss|grad_\w+", what):
        return f"{kind}:gradient"
    return code.strip()


def expected(first_line: str) -> dict[str, tuple[frozenset[str], ...]]:
    """What the first line of a file says, by answer."""
    entries = [entry.split("=", 1) for entry in first_line.split(":", 1)[1].split(";") if entry.strip()]
    return {
        name.strip(): tuple(frozenset(normal(code) for code in fair.split("+")) for fair in said.split("|"))
        for name, said in entries
    }


@cache
def reports(exercise: str) -> dict[Path, Report]:
    paths = sorted((CORPUS / exercise).glob("*.py"))
    return {path: check(path.read_text(encoding="utf-8"), exercise, seed=1, seconds=0) for path in paths}


# a few of the exercises by default
by_exercise = pytest.mark.parametrize(
    "exercise", [pytest.param(name, marks=[pytest.mark.slow] * (at % 6 != 0)) for at, name in enumerate(IDS)]
)


@cache
def judged(exercise: str) -> list[Judged]:
    found = []
    for path, report in reports(exercise).items():
        fair = expected(path.read_text(encoding="utf-8").splitlines()[0])
        for answer in report.answers:
            said = frozenset(normal(mistake.code) for mistake in answer.mistakes)
            found.append(Judged(f"{exercise}/{path.name}", answer.name, fair[answer.name], said, answer.passed))
    return found


@by_exercise
def test_the_right_is_accepted_and_the_wrong_is_not(exercise: str) -> None:
    assert [j for j in judged(exercise) if j.passed != j.is_right] == []


@by_exercise
def test_nothing_is_named_wrongly(exercise: str) -> None:
    wrong = [j for j in judged(exercise) if not j.is_right and not j.is_named_rightly]
    assert [j for j in wrong if j.said != {"not-recognised"}] == []


@pytest.mark.slow
def test_nearly_all_nameable_mistakes_are_named() -> None:
    found = [j for exercise in IDS for j in judged(exercise) if j.is_nameable]
    counts = Counter(j.is_named_rightly for j in found)
    assert len(found) >= 150
    assert counts[True] >= 0.95 * len(found), [j for j in found if not j.is_named_rightly]


def at_a_kink(exercise: str) -> Iterator[Report]:
    """The right files on inputs that lie on the kink of the quantile loss."""
    if exercise != "quantile":
        return
    program = load(exercise)
    probe = fresh(program, 0, 1)[0]
    probe["y"][0] = program.forward(probe)["y_hat"][0]
    for path in (CORPUS / exercise).glob("ok_*.py"):
        yield check(path.read_text(encoding="utf-8"), program, probes=[probe], seconds=0)


class Template(str):
    """A text that knows its key."""

    key = ""


class Recorded(dict[str, str]):
    """Phrases that note which of them are taken."""

    def __init__(self, texts: Mapping[str, str], taken: set[str]) -> None:
        super().__init__(texts)
        self.taken = taken

    def __getitem__(self, key: str) -> str:
        self.taken.add(key)
        template = Template(super().__getitem__(key))
        template.key = key
        return template

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401


@pytest.fixture(params=["en", pytest.param("zh", marks=pytest.mark.slow)])  # both have the same keys
def spoken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoken]:
    """A language, and what is said in it from now on: keys, and (key, optional part)."""
    found = Spoken(request.param, set(), set())
    read, fill = words.read, words.fill

    def recording_fill(template: str, values: Mapping[str, object]) -> str:
        for part in OPTIONAL.findall(template):
            if words.placeholders(part) <= values.keys():
                found.parts.add((template.key, part))
        return fill(template, values)

    monkeypatch.setattr(words, "read", lambda text: Recorded(read(text), found.keys))
    monkeypatch.setattr(words, "fill", recording_fill)
    words.texts.cache_clear()
    yield found
    words.texts.cache_clear()


def at_the_command_line(lang: str) -> None:
    """What is said around a report, in the current folder."""
    own = (CORPUS.parents[1] / "examples" / "my_exercise.py").read_text(encoding="utf-8")
    files = {
        "right.py": "# exercise: one-weight\ngrad_w = lambda x, r: x * r\ngrad_b = lambda r: r\n",
        "wrong.py": "# exercise: one-weight\ngrad_w = lambda x, r: r\ngrad_b = lambda r: r\n",
        "sizes.py": "# exercise: one-example\ngrad_w = lambda x, r: -x * r\n"
        "grad_b = lambda x, r: r / (1 + (len(x) > 3))\n",
        "named.py": "# exercise: one-weight\nprint(1)\ndef grad_b(r): print(2)\ngradw = lambda x, r: x * r\n",
        "own.py": "# exercise: my_exercise.py\ngrad_w = lambda X, y, mu: X.T @ ((mu - y) / mu**0.5)\n",
        "my_exercise.py": own,
        "lost.py": "# exercise: nowhere.py\n",
    }
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    last = str(next((CORPUS / IDS[-1]).glob("ok_*.py")))
    for arguments in (
        ["start", "ridge"],
        ["exercises"],
        ["check", "right.py"],
        ["check", last],
        ["check", "named.py"],
        ["check", "wrong.py"],
        ["check", "wrong.py", "--hints=2"],
        ["check", "wrong.py", "--by-hand", "--solution"],
        ["check", "sizes.py", "--by-hand"],
        ["check", "own.py", "--hints=2"],
        ["check", "own.py", "--hints=4"],
        ["prove", "one-weight", "--twins"],
        ["prove", "one-example"],
        ["prove", "one-example", "--sizes=d=1"],
    ):
        main([*arguments, f"--lang={lang}"])
    long = "def grad_b2(X): raise ValueError('E ' * 5000)\ngrad_W1 = grad_b1 = grad_w2 = grad_b2\n"
    with contextlib.suppress(WrongAnswer):
        check(long, "hidden-layer").raise_if_wrong(lang)
    zeros = {name: np.zeros(()) for name in load("one-weight").inputs}
    prove(load("one-weight"), [zeros]).text(lang)


@pytest.mark.slow
def test_every_sentence_is_said_about_some_student_file(
    spoken: Spoken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sentence, and no part of one, that the checker cannot say."""
    lang = spoken.lang
    monkeypatch.chdir(tmp_path)
    at_the_command_line(lang)
    for exercise in IDS:
        stub(load(exercise), lang)
        for report in (*reports(exercise).values(), *at_a_kink(exercise)):
            for hints in (1, 2, 3, 4):
                report.text(lang, hints=hints)
            report.to_dict(lang)
            with contextlib.suppress(WrongAnswer):
                report.raise_if_wrong(lang)
            for mistake in (mistake for answer in report.answers for mistake in answer.mistakes):
                words.brief(mistake.code, lang)  # as in the class report
    all_texts = words.texts(lang)
    ours = [key for key in all_texts if not key.startswith((*ELSEWHERE, *BESIDE, *UNUSED))]
    assert [key for key in ours if key not in spoken.keys] == []
    parts = [(key, part) for key in ours for part in OPTIONAL.findall(dict.__getitem__(all_texts, key))]
    assert [part for part in parts if part not in spoken.parts] == []
