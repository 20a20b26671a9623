"""The file a student starts from: signatures and shapes, no answers, one worked example above."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from npreg.exercises.forward.inputs import BANK_SIZES
from npreg.exercises.forward.program import Answer, Exercise
from npreg.exercises.report import UnusableFile
from npreg.exercises.words import say, wrap
from npreg.files import write_text

_WIDTH = 88


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
    functions = [_function(exercise, name, answers, lang) for name, answers in exercise.functions.items()]
    opening = _opening(exercise, lang, file or file_name(exercise))
    parts = [
        f"# exercise: {name or exercise.id}\n{opening}\nimport numpy as np\n",
        _comment(say("stub.example", lang)) + "def example_grad_a(a, t):\n"
        f'    """{say("stub.example_doc", lang)}"""\n    s = a * t\n    return np.cos(s) * t\n',
        _comment(say("stub.yours", lang)) + functions[0],
        *functions[1:],
    ]
    step = _step_to_suggest(exercise)
    if step:
        parameters = ", ".join(exercise.inputs)
        example = f"\ndef grad_{step}({parameters}):\n    raise NotImplementedError"
        parts.append(_comment(say("stub.optional", lang) + example))
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
        raise UnusableFile(f"{path} exists already and is left as it is; --file NAME writes to another file") from None
    except OSError as error:
        raise UnusableFile(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def step_shapes(exercise: Exercise) -> dict[str, str]:
    """Return the shape of every input and public step in words, such as ``"(n, d)"``.

    Found by running the program on inputs of two sets of sizes.

    >>> from npreg.exercises.course import load
    >>> step_shapes(load("minibatch-mean"))["r"]
    '(n,)'
    """
    rng = np.random.default_rng(0)
    sizes = [exercise.sizes(start) for start in BANK_SIZES[:2]]
    with np.errstate(all="ignore"):
        first, second = (exercise.forward(exercise.example(at, rng)) for at in sizes)
    public = [*exercise.inputs, *exercise.public_steps]
    pairs = {name: zip(first[name].shape, second[name].shape, strict=True) for name in public}
    return {name: show_shape([_size(a, b, *sizes) for a, b in found]) for name, found in pairs.items()}


def _size(a: int, b: int, first: Mapping[str, int], second: Mapping[str, int]) -> str:
    """Return a size that is a and b with these sizes: a letter, a letter and a number, or a number."""
    if a == b and a not in first.values():
        return str(a)
    near = sorted((abs(a - size), s) for s, size in first.items() if a - size == b - second[s])
    return next((s + (f"{a - first[s]:+d}" if by else "") for by, s in near), str(a) if a == b else "?")


def show_shape(shape: list[str]) -> str:
    """Return a shape as Python writes it, with symbols: ``(n,)``."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(shape)})"


def _opening(exercise: Exercise, lang: str, file: str) -> str:
    shapes = step_shapes(exercise)
    title = _words_of(exercise.title, lang) or exercise.id
    lines = [title, ""]
    statement = _words_of(exercise.statement, lang).strip()
    for paragraph in statement.split("\n\n") if statement else ():
        lines += [*_paragraph(paragraph), ""]
    steps = {name: shapes[name] for name in exercise.public_steps}
    lines += [say("stub.inputs", lang), *_table({name: shapes[name] for name in exercise.inputs}, lang), ""]
    lines += [say("stub.steps", lang), *_table(steps, lang), ""]
    lines.append(say("stub.check", lang, file=file))
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
        return say("stub.scalar", lang)
    return shape if short else say("stub.array", lang, shape=shape)


def _function(exercise: Exercise, name: str, answers: Sequence[Answer], lang: str) -> str:
    asked = [_asked(exercise, answer, lang) for answer in answers]
    whats = [line for what, _ in asked for line in wrap(what, _WIDTH)]
    returned = "; ".join(_shape_words(shape, lang) for _, shape in asked)
    returned = say("stub.tuple", lang, parts=returned) if len(asked) > 1 else returned
    lines = [*whats, "", *wrap(say("stub.returns", lang, shape=returned), _WIDTH)]
    body = "\n".join(f"    {line}" if line else "" for line in lines)
    parameters = ", ".join(exercise.inputs)
    return f'def {name}({parameters}):\n    """{body.strip()}\n    """\n    raise NotImplementedError\n'


def _asked(exercise: Exercise, answer: Answer, lang: str) -> tuple[str, str]:
    """What an answer must return, in words, and its shape."""
    kind = "update" if answer.formula else ("value", "gradient", "hessian")[answer.order]
    shape = step_shapes(exercise)[answer.wrt or exercise.loss]
    if kind == "hessian":
        size = shape.strip("(),")
        shape = f"({size}, {size})"
    return say(f"stub.{kind}", lang, loss=exercise.loss, wrt=answer.wrt), shape


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
