"""What the site has beside the pages of this folder, and how their text differs from what a clone shows.

reference/   a page for every public name, the commands' help, the exercises of the course; made when it is built
equations    as MathML, which browsers show without scripts or a network
links        to a file of the clone that is a page of the site lead to that page
checks       of the equations are folded behind their formulas
"""

from __future__ import annotations

import html
import inspect
import os
import posixpath
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import GenericAlias
from typing import Any

from npreg.exercises import course

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

# Files of the clone outside of this folder, and the pages that include them
INCLUDED = {
    "README.md": "index.md",
    "README.zh-CN.md": "zh.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
READING = {  # the section of the derivation that an exercise is about
    "one-weight": "one-example-one-weight",
    "one-example": "one-example-many-weights",
    "minibatch-sum": "the-minibatch-sum",
    "minibatch-mean": "the-mean",
    "mean-squared-error": "squared",
    "column-vectors": "the-matrix-form-and-the-transpose",
    "ridge": "the-l2-penalty",
    "logistic": "the-softmax-and-the-logistic-loss",
    "softmax": "the-softmax-and-the-logistic-loss",
    "hidden-layer": "a-hidden-layer",
    "sgd-step": "the-sgd-step",
    "hessian": "second-derivatives",
    "layer-norm": "normalisation-and-attention",
    "attention": "normalisation-and-attention",
}
FOLDED = ("derivation", "moments")
LINK = re.compile(r"(?<=\]\()(?!https?:)([^)#\s]+)(?=[)#])")
CHECKS = re.compile(
    r"(?<=^```\n\n)(```python\n(?:(?!^```).)*?^```)$", re.MULTILINE | re.DOTALL
)
MARKUP = re.compile(
    r"(`+[^`]*`+)|(\||(?<!^)\*|(?<=\w)_(?!\w))"
)  # code, or what would be read as markup
COMMANDS = ("exercises", "start", "check", "prove", "grade")

# The room npreg under headings, then the other rooms whole; a name is told once, where it is met first.
SECTIONS = {
    (
        "The notebook",
        "npreg",
    ): "synthetic_data data_iter init_params linreg linreg_backward squared_loss "
    "squared_loss_grad sgd set_figsize use_svg_display",
    (
        "Losses",
        "npreg",
    ): "LOSSES Loss absolute_loss absolute_loss_grad huber_loss huber_loss_grad log_cosh_loss "
    "log_cosh_loss_grad quantile_loss quantile_loss_grad",
    (
        "Training",
        "npreg",
    ): "train TrainResult Trajectory RowBlocks EarlyStopping Checkpoint Step Progress ProgressBar Record",
    (
        "Learning rates, rules, schedules",
        "npreg",
    ): "max_learning_rate SGD Momentum Nesterov AdaGrad Adam "
    "InverseScaling StepDecay ExponentialDecay Cosine",
    (
        "Many learning rates, and the exact solution",
        "npreg",
    ): "sweep SweepResult least_squares LeastSquaresResult",
    (
        "Warnings and errors",
        "npreg",
    ): "ConvergenceWarning LearningRateWarning RankWarning DivergenceError "
    "CheckpointError TrainingInterrupted",
    ("A gradient of your own", "npreg.gradcheck"): "check_gradient assert_gradient",
    ("Pictures", "npreg.plot"): "",
    ("Numerical derivatives", "npreg.differentiate"): "",
    ("scikit-learn", "npreg.sklearn"): "",
    ("Dask", "npreg.dask"): "",
    ("Exercises", "npreg.exercises"): "",
    ("Grading", "npreg.grading"): "",
}


def public_names() -> dict[str, list[str]]:
    """The public names in the order of the reference, under its headings."""
    met: list[Any] = []
    sections: dict[str, list[str]] = {}
    for (heading, room), first in SECTIONS.items():
        module = import_module(room)
        rest = sorted(module.__all__, key=str.lower) if room != "npreg" else []
        sections[heading] = []
        for name in dict.fromkeys([*first.split(), *rest]):
            value = getattr(module, name)
            if not any(value is other for other in met) and not isinstance(
                value, GenericAlias
            ):
                sections[heading].append(f"{room}.{name}")
                met.append(value)
    return sections


def write() -> None:
    """Write the pages of reference/, those that have changed."""
    pages = {"index.rst": _reference(), "commands.md": _commands(), "course.md": _course()}
    (DOCS / "reference").mkdir(exist_ok=True)
    listed = {
        f"{name}{end}.rst"
        for names in public_names().values()
        for name in names
        for end in ("", "-class")
    }
    for path in (DOCS / "reference" / "names").glob("*.rst"):
        if path.name not in listed:  # a name that has gone
            path.unlink()
    for name, text in pages.items():
        path = DOCS / "reference" / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _reference() -> str:
    text = "Reference\n=========\n\nEvery public name, by what it is for.\n"
    for heading, names in public_names().items():
        table = "".join(f"   {name}\n" for name in names)
        text += f"\n{heading}\n{'-' * len(heading)}\n\n"
        text += f".. autosummary::\n   :toctree: names\n   :nosignatures:\n\n{table}"
    return text


def _commands() -> str:
    text = "# The commands\n\nAs each prints it with `--help`.\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "90", "LANG": "C"}
    for command in COMMANDS:
        call = f"from npreg.__main__ import main; main([{command!r}, '--help'])"
        run = [sys.executable, "-c", call]
        shown = subprocess.run(
            run, capture_output=True, text=True, check=True, env=environment
        ).stdout
        text += f"\n## npreg {command}\n\n```text\n{shown.strip()}\n```\n"
    return text


def _course() -> str:
    text = (
        "# The course\n\nSeventeen exercises, each adding one idea. `npreg start ID` writes a file to fill in.\n"
        "What is asked for: the derivatives of the loss with respect to the named inputs.\n"
    )
    for identifier in course.IDS:
        exercise = course.load(identifier)
        inputs = ", ".join(
            f"`{name}` ({', '.join(map(str, one.shape))})"
            for name, one in exercise.inputs.items()
        )
        answers = ", ".join(f"`{name}`" for name in exercise.answers)
        text += (
            f"\n## {identifier}\n\n**{exercise.title['en']}.** {exercise.statement['en']}\n\n"
            f"```python\n{inspect.getsource(exercise.function).strip()}\n```\n\n"
            f"Inputs: {inputs}. Answers: {answers}. To read: "
            f"[the derivation](../derivation.md#{READING.get(identifier, identifier)}).\n"
        )
    return text


def equations(builder: Any, node: Any) -> None:
    """Write a block of aligned equations: a row a line, a cell between two `&`, reasons below their lines."""
    from docutils.nodes import SkipNode

    lines = re.sub(r"\\(begin|end)\{\w+\}", "", node.astext()).strip().split(r"\\")
    rows = [
        "".join(f"<td>{_cell(cell.strip())}</td>" for cell in line.split("&"))
        for line in lines
    ]
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    builder.body.append(
        f'<div class="equations"><table role="presentation">{table}</table></div>'
    )
    raise SkipNode


def _cell(text: str) -> str:
    reason = re.fullmatch(r"\\quad\s*\\small\\text\{(.*)\}", text, re.DOTALL)
    if reason or not text:
        return f"<small>{html.escape(reason[1])}</small>" if reason else ""
    from latex2mathml.converter import convert

    formula = convert(text.replace(":=", "≔"))
    return formula.replace("<math ", '<math displaystyle="true" ', 1)


def on_the_site(app: Any, name: str, text: list[str]) -> None:
    """A page's text as the site has it."""
    text[0] = linked(text[0], posixpath.dirname(f"docs/{name}"), name)
    if name in FOLDED:
        folded = "<details><summary>the line that checks it</summary>"
        text[0] = CHECKS.sub(rf"{folded}\n\n\1\n\n</details>", text[0])
        sections = re.findall(r"^## (.*)$", text[0], re.MULTILINE)
        links = " · ".join(f"[{section}](#{slug(section)})" for section in sections)
        text[0] = re.sub(r"(?=^## )", f"{links}\n\n", text[0], count=1, flags=re.MULTILINE)


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub and MyST make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def included(app: Any, path: Path, name: str, text: list[str]) -> None:
    """The text of a file of the clone, in the page that includes it."""
    file = Path(path) if Path(path).is_absolute() else DOCS / path
    text[0] = linked(text[0], file.resolve().parent.relative_to(ROOT).as_posix(), name)


def linked(text: str, folder: str, page: str) -> str:
    """The links of a file in `folder` of the clone, for a page of the site."""

    def there(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        if target.startswith("docs/reference"):
            return match[1]
        if (ROOT / target).is_dir():
            return (
                match[1]
                if target.startswith("docs/")
                else f"{page_of('CONTRIBUTING.md', page)}"
            )
        return page_of(target, page)

    return LINK.sub(there, text)


def page_of(target: str, page: str) -> str:
    """The way from a page of the site to a file of the clone, or to the page that includes it."""
    wanted = f"docs/{INCLUDED[target]}" if target in INCLUDED else target
    return posixpath.relpath(wanted, posixpath.dirname(f"docs/{page}"))


def plain(
    app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """A docstring whose formulas are plain text, as reStructuredText; its groups of parameters under one heading."""
    heads = [at for at, line in enumerate(lines) if line.startswith("Parameters: ")]
    for at in reversed(heads):
        lines[at : at + 2] = ["Parameters", "----------"] if at == heads[0] else []
    for at in range(len(lines) - 1, 0, -1):  # what is set off by four spaces is a formula
        if (
            lines[at].startswith("    ")
            and not lines[at - 1]
            and (at < 2 or lines[at - 2][:1].strip())
        ):
            lines[at:at] = ["::", ""]
    formula = False
    for at, line in enumerate(lines):
        formula = line == "::" or (formula and line[:1] in ("", " "))
        if formula:
            continue
        if not line.lstrip().startswith((">>>", "...")):
            lines[at] = MARKUP.sub(lambda match: match[1] or rf"\{match[2]}", line)


def of_others(
    app: Any, what: str, name: str, value: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out methods that another library puts into a class, such as scikit-learn's for its metadata."""
    module = getattr(value, "__module__", None) or "npreg"
    return None if module.startswith("npreg") else True
