"""The file a student starts from: signatures and shapes, no answers, one worked example above."""

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
    """The text of a student's file for an exercise; `file` is its name, for the line that says how to check it, and
    `name` how it names its exercise: the id by default, a path for a teacher's own file.
    """
    shapes = step_shapes(exercise)
    functions = [_function(exercise, name, answers, shapes, lang) for name, answers in exercise.functions.items()]
    opening = _opening(exercise, shapes, lang, file or file_name(exercise))
    parts = [
        f"# exercise: {name or exercise.id}\n{opening}\nimport numpy as np\n",
        _comment(say("stub.example", lang)) + "def example_grad_a(a, t):\n"
        f'    """{say("stub.example_doc", lang)}"""\n    s = a * t\n    return np.cos(s) * t\n',
        _comment(say("stub.yours", lang)) + functions[0],
        *functions[1:],
    ]
    inner = [step for step in exercise.public_steps if step != exercise.loss and step in exercise.active]
    links = [step for step in inner if shapes[step] != "()"] or inner
    if links and not any(answer.order == 2 for answer in exercise.answers.values()):
        example = f"\ndef grad_{links[-1]}({', '.join(exercise.inputs)}):\n    raise NotImplementedError"
        parts.append(_comment(say("stub.optional", lang) + example))
    return "\n\n".join(parts)


def file_name(exercise: Exercise) -> str:
    """The name of an exercise's file: ``one_weight.py`` for ``one-weight``."""
    return exercise.id.replace("-", "_") + ".py"


def write_new(path: str | Path, text: str) -> Path:
    """Write a new file as a whole, never over one that exists; an `UnusableFile` where it cannot be."""
    path = Path(path)
    if not path.parent.is_dir():
        raise UnusableFile("no-folder-for", path=path, folder=path.parent)
    try:
        write_text(path, text, new=True)
    except FileExistsError:
        raise UnusableFile("exists", path=path) from None
    except OSError as error:
        raise UnusableFile("write", path=path, why=error.strerror or error) from None
    return path


def step_shapes(exercise: Exercise) -> dict[str, str]:
    """The shape of every input and public step in words, found by running the program at two sets of sizes."""
    rng = np.random.default_rng(0)
    sizes = [exercise.sizes(start) for start in BANK_SIZES[:2]]
    with np.errstate(all="ignore"):
        first, second = (exercise.forward(exercise.example(at, rng)) for at in sizes)
    found = {}
    for name in (*exercise.inputs, *exercise.public_steps):
        shape = [_size(a, b, *sizes) for a, b in zip(first[name].shape, second[name].shape, strict=True)]
        found[name] = f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(shape)})"
    return found


def _size(a: int, b: int, first: Mapping[str, int], second: Mapping[str, int]) -> str:
    """A size that is a and b with these sizes: a letter, a letter and a number, or a number."""
    if a == b and a not in first.values():
        return str(a)
    near = sorted((abs(a - size), s) for s, size in first.items() if a - size == b - second[s])
    return next((s + (f"{a - first[s]:+d}" if by else "") for by, s in near), str(a) if a == b else "?")


def _opening(exercise: Exercise, shapes: Mapping[str, str], lang: str, file: str) -> str:
    """The docstring of the file: what to derive, and the shapes of what is given."""
    texts = [text if isinstance(text, Mapping) else {lang: text} for text in (exercise.title, exercise.statement)]
    title, statement = (str(text.get(lang) or next(iter(text.values()), "")) for text in texts)
    lines = [title or exercise.id, ""]
    for paragraph in statement.strip().split("\n\n") if statement.strip() else ():
        formula = any(line.startswith((" ", "\t")) for line in paragraph.splitlines())
        prose = " ".join(textwrap.dedent(paragraph).splitlines())
        lines += [*(paragraph.splitlines() if formula else wrap(prose, _WIDTH)), ""]
    for key, names in (("stub.inputs", tuple(exercise.inputs)), ("stub.steps", exercise.public_steps)):
        width = max(map(len, names)) + 2
        words = {name: say("stub.scalar", lang) if shapes[name] == "()" else shapes[name] for name in names}
        rows = [f"    {name:<{width}}{words[name]}" for name in names]
        lines += [say(key, lang), *rows, ""]
    lines.append(say("stub.check", lang, file=file))
    body = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{body}\n"""\n'


def _function(exercise: Exercise, name: str, answers: Sequence[Answer], shapes: Mapping[str, str], lang: str) -> str:
    lines, returned = [], []
    for answer in answers:
        kind = "update" if answer.formula else ("value", "gradient", "hessian")[answer.order]
        shape = shapes[answer.wrt or exercise.loss]
        if kind == "hessian":
            shape = f"({', '.join([shape.strip('(),')] * 2)})"
        lines += wrap(say(f"stub.{kind}", lang, loss=exercise.loss, wrt=answer.wrt), _WIDTH)
        returned.append(say("stub.scalar" if shape == "()" else "stub.array", lang, shape=shape))
    shown = say("stub.tuple", lang, parts="; ".join(returned)) if len(returned) > 1 else returned[0]
    lines += ["", *wrap(say("stub.returns", lang, shape=shown), _WIDTH)]
    body = "\n".join(f"    {line}" if line else "" for line in lines).strip()
    parameters = ", ".join(exercise.inputs)
    return f'def {name}({parameters}):\n    """{body}\n    """\n    raise NotImplementedError\n'


def _comment(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())
