"""The file a student starts from: signatures and shapes, no answers, one worked example above."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from npreg.exercises.forward.program import Answer, Exercise
from npreg.exercises.render import wrap
from npreg.exercises.report import UnusableFile
from npreg.files import write_text

_WIDTH = 88

_WORDS = {
    "en": {
        "inputs": "Inputs",
        "steps": "Steps of the forward computation (an answer may also take these as parameters)",
        "check": "Check your work with:  npreg check {file}",
        "example": "A worked example, on another function.\n"
        "Forward computation: s = a * t; loss = sin(s).\n"
        "Step by step: d loss / d s = cos(s), and d s / d a = t.\n"
        "The chain rule multiplies them: d loss / d a = cos(s) * t.",
        "example_doc": "Derivative of sin(a * t) with respect to a; all are scalars.",
        "yours": "From here on it is yours: replace each `raise NotImplementedError`.",
        "gradient": "Derivative of `{loss}` with respect to `{wrt}`.",
        "hessian": "Second derivative of `{loss}` with respect to `{wrt}`: a matrix with one row and one "
        "column for each entry of `{wrt}`.",
        "update": "The new value of `{wrt}` after one update.",
        "returns": "Returns: {shape}.",
        "scalar": "a scalar",
        "array": "an array of shape {shape}",
        "optional": "Optional: the derivative of the loss with respect to a step, in its shape.\n"
        "Where you write some, the check also tells which goes wrong first. For example:",
    },
    "zh": {
        "inputs": "输入",
        "steps": "前向计算的各个步骤（答案函数也可以把它们作为参数）",
        "check": "检查你的答案：  npreg check {file} --lang zh",
        "example": "一个完整的例子（另一个函数）。\n"
        "前向计算：s = a * t；loss = sin(s)。\n"
        "逐步求导：d loss / d s = cos(s)，d s / d a = t。\n"
        "链式法则把它们相乘：d loss / d a = cos(s) * t。",
        "example_doc": "sin(a * t) 对 a 的导数；全部都是标量。",
        "yours": "从这里开始由你来写：把每个 `raise NotImplementedError` 换成你的代码。",
        "gradient": "`{loss}` 对 `{wrt}` 的导数。",
        "hessian": "`{loss}` 对 `{wrt}` 的二阶导数：一个矩阵，`{wrt}` 的每个分量对应一行和一列。",
        "update": "更新一次之后 `{wrt}` 的新值。",
        "returns": "返回：{shape}。",
        "scalar": "标量",
        "array": "形状为 {shape} 的数组",
        "optional": "可选：损失对某一步的导数，形状与那一步相同。\n"
        "写了它，检查还会告诉你最先出错的是哪一步。例如：",
    },
}


def stub(exercise: Exercise, lang: str = "en", *, file: str | None = None, name: str | None = None) -> str:
    """Return the text of a student file for an exercise.

    Parameters
    ----------
    exercise : what to derive
    lang : "en" or "zh"
    file : the file's name, for the line that says how to check it
    name : how the file names its exercise; the id by default, a path for a teacher's own file

    >>> from npreg.exercises.course import load
    >>> print(stub(load("one-weight")).splitlines()[0])
    # exercise: one-weight
    """
    words = _WORDS[lang]
    functions = [_function(exercise, answer, spec, lang) for answer, spec in exercise.answers.items()]
    opening = _opening(exercise, lang, file or file_name(exercise))
    parts = [
        f"# exercise: {name or exercise.id}\n{opening}\nimport numpy as np\n",
        _comment(words["example"]) + "def example_grad_a(a, t):\n"
        f'    """{words["example_doc"]}"""\n    s = a * t\n    return np.cos(s) * t\n',
        _comment(words["yours"]) + functions[0],
        *functions[1:],
    ]
    step = _step_to_suggest(exercise)
    if step:
        parameters = ", ".join(exercise.inputs)
        example = f"\ndef grad_{step}({parameters}):\n    raise NotImplementedError"
        parts.append(_comment(words["optional"] + example))
    return "\n\n".join(parts)


def file_name(exercise: Exercise) -> str:
    """Return the name of an exercise's file: ``one_weight.py`` for ``one-weight``."""
    return exercise.id.replace("-", "_") + ".py"


def write_new(path: str | Path, text: str) -> Path:
    """Write a new file as a whole, never over one that exists.

    Raises
    ------
    UnusableFile
        if the file exists already, which is left as it is, or cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise UnusableFile(f"{path} cannot be written: there is no folder {path.parent}")
    try:
        write_text(path, text, new=True)
    except FileExistsError:
        raise UnusableFile(
            f"{path} exists already and is left as it is; --file NAME writes to another file"
        ) from None
    except OSError as error:
        raise UnusableFile(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def step_shapes(exercise: Exercise) -> dict[str, str]:
    """Return the shape of every input and public step in words, such as ``"(n, d)"``.

    Found by running the program once on ones, with a different number for every symbolic size.

    >>> from npreg.exercises.course import load
    >>> step_shapes(load("minibatch-mean"))["r"]
    '(n,)'
    """
    sizes = {symbol: 3 + 2 * position for position, symbol in enumerate(exercise.symbols)}
    names = {number: symbol for symbol, number in sizes.items()}
    inputs = {
        name: np.ones([sizes[s] if isinstance(s, str) else s for s in spec.shape])
        for name, spec in exercise.inputs.items()
    }
    with np.errstate(all="ignore"):
        values = exercise.forward(inputs)
    public = [*exercise.inputs, *exercise.public_steps]
    return {name: show_shape([names.get(s, str(s)) for s in values[name].shape]) for name in public}


def show_shape(shape: list[str]) -> str:
    """Return a shape as Python writes it, with symbols: ``(n,)``."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(shape)})"


def _opening(exercise: Exercise, lang: str, file: str) -> str:
    words, shapes = _WORDS[lang], step_shapes(exercise)
    title = _words_of(exercise.title, lang) or exercise.id
    lines = [title, ""]
    statement = _words_of(exercise.statement, lang).strip()
    for paragraph in statement.split("\n\n") if statement else ():
        lines += [*_paragraph(paragraph), ""]
    steps = {name: shapes[name] for name in exercise.public_steps}
    lines += [words["inputs"], *_table({name: shapes[name] for name in exercise.inputs}, lang), ""]
    lines += [words["steps"], *_table(steps, lang), ""]
    lines.append(words["check"].format(file=file))
    body = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{body}\n"""\n'


def _paragraph(paragraph: str) -> list[str]:
    """Wrap prose; keep the lines of an indented block, which is a formula."""
    lines = textwrap.dedent(paragraph).splitlines()
    if any(line.startswith((" ", "\t")) for line in paragraph.splitlines()):
        return paragraph.splitlines()
    return wrap(" ".join(lines), _WIDTH)


def _table(rows: dict[str, str], lang: str) -> list[str]:
    width = max(map(len, rows)) + 2
    return [f"    {name:<{width}}{_shape_words(shape, lang, short=True)}" for name, shape in rows.items()]


def _shape_words(shape: str, lang: str, short: bool = False) -> str:
    if shape == "()":
        return _WORDS[lang]["scalar"]
    return shape if short else _WORDS[lang]["array"].format(shape=shape)


def _function(exercise: Exercise, name: str, answer: Answer, lang: str) -> str:
    words, shapes = _WORDS[lang], step_shapes(exercise)
    kind = "update" if answer.formula else "hessian" if answer.order == 2 else "gradient"
    shape = shapes[answer.wrt]
    if kind == "hessian":
        size = shape.strip("(),")
        shape = f"({size}, {size})"
    what = words[kind].format(loss=exercise.loss, wrt=answer.wrt)
    returns = words["returns"].format(shape=_shape_words(shape, lang))
    body = "\n".join(f"    {line}" if line else "" for line in [*wrap(what, _WIDTH), "", returns])
    parameters = ", ".join(exercise.inputs)
    return f'def {name}({parameters}):\n    """{body.strip()}\n    """\n    raise NotImplementedError\n'


def _step_to_suggest(exercise: Exercise) -> str | None:
    """Return a step whose derivative is a first link of the chain: the last one that is no scalar."""
    if any(answer.order == 2 for answer in exercise.answers.values()):
        return None
    inner = [step for step in exercise.public_steps if step != exercise.loss and step in exercise.active]
    shapes = step_shapes(exercise)
    large = [step for step in inner if shapes[step] != "()"]
    found = large or inner
    return found[-1] if found else None


def _comment(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())


def _words_of(text: object, lang: str) -> str:
    if isinstance(text, str):
        return text
    assert isinstance(text, dict)
    return str(text.get(lang) or next(iter(text.values()), ""))
