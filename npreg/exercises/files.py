"""Files on disk: reading a student's file or notebook, which exercise it names, and finding exercises by id or file.

Source: the notebook format, https://nbformat.readthedocs.io/en/latest/format_description.html
"""

import ast
import difflib
import io
import json
import os
import re
import runpy
import tokenize
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from npreg.exercises.course import IDS, load
from npreg.exercises.forward.program import Exercise
from npreg.exercises.report import UnusableFile

MAX_BYTES, MAX_NOTEBOOK = 1_000_000, 20_000_000
MOST_EXERCISES = 50
_NAMED = re.compile(
    r"(?:#\s*(?:npreg\s+)?exercise\s*:|exercise\s*=)\s*([\"']?)([\w./-]+)\1|#?\s*%%check\s+([\w./-]+)(?:\s.*)?",
    re.IGNORECASE,
)
_FOR_ALL = re.compile(r"(?:import|from)\s+(?:numpy|math)\b[^(\\#]*(?:#.*)?")
RUN_AS_THEY_ARE = ("%%time", "%%timeit", "%%capture", "%%check")
_MAGIC = re.compile(r"^\s*(%{1,2}\w|!|\?)|^\s*[\w.]+\?{1,2}\s*$|^\s*\w+\s*=\s*(%\w|!)")


def read_source(path: str | Path) -> str:
    """The text of a Python file (UTF-8 unless it declares another encoding), or of a notebook's code cells.
    An `UnusableFile` with the cure if there is no such file, or it is a folder, empty, too long, or no text.
    """
    path = Path(path)
    if path.is_dir():
        raise UnusableFile("folder", path=path, such=path / "one_weight.py")
    if not path.exists():
        there = [near.name for near in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise UnusableFile("no-file", path=path, near=_near(path.name, there))
    if not path.is_file():
        raise UnusableFile("no-ordinary-file", path=path)
    notebook = path.suffix.lower() == ".ipynb"
    longest = MAX_NOTEBOOK if notebook else MAX_BYTES
    try:
        if path.stat().st_size > longest:
            raise UnusableFile("long", path=path, most=longest)
        text = decode(path.read_bytes(), str(path))
        return notebook_source(text, str(path)) if notebook else text
    except OSError as error:
        raise UnusableFile("read", path=path, why=error.strerror or error) from None


def decode(content: bytes, name: str) -> str:
    """The text of bytes, as a byte-order mark or a comment says how to read them, or UTF-8; newlines as ``\\n``."""
    encoding = "utf-16"
    try:
        if not content.startswith((b"\xff\xfe", b"\xfe\xff")):
            encoding = tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError as error:
        if "unknown encoding" in str(error):
            raise UnusableFile("declares", path=name, what=error.msg) from None
        encoding = "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line, byte = content[: error.start].count(b"\n") + 1, f"0x{content[error.start]:02x}"
        raise UnusableFile("bytes", path=name, encoding=error.encoding.upper(), line=line, byte=byte) from None
    if not text.strip() or "\0" in text:
        raise UnusableFile("zero-bytes" if text.strip() else "empty", path=name)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def notebook_source(text: str, name: str) -> str:
    """The code cells in order as one source; magics become comments, and so does a cell in another language."""
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableFile("notebook", path=name, why=f"not JSON: {error}") from None
    if not isinstance(notebook, dict):
        raise UnusableFile("notebook", path=name, why="not a JSON object")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):
        cells = [cell for sheet in notebook["worksheets"] if isinstance(sheet, dict) for cell in sheet.get("cells", ())]
    if not isinstance(cells, list):
        raise UnusableFile("notebook", path=name, why="no list of cells")
    codes = [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    given = [code.get("source", code.get("input", "")) for code in codes]
    parts = [[source] if isinstance(source, str) else source if isinstance(source, list) else [] for source in given]
    sources = ["".join(line for line in lines if isinstance(line, str)) for lines in parts]
    return "\n\n".join(_plain_python(source) for source in sources if source.strip())


def _plain_python(source: str) -> str:
    lines = source.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(RUN_AS_THEY_ARE):
        return "\n".join(f"# {line}" for line in lines)
    for at, line in enumerate(lines):
        if _MAGIC.search(line) and not line.lstrip().startswith("#"):
            indent = line[: len(line) - len(line.lstrip())]
            lines[at] = f"{indent}pass  # {line.strip()}" if indent else f"# {line.strip()}"
    return "\n".join(lines)


def require_python(source: str, name: str) -> None:
    """Raise `UnusableFile` with the line and the place if the text is no Python; nothing is run."""
    try:
        compile(source, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        code = line.lstrip()
        column = max((error.offset or 1) - 1 - (len(line) - len(code)), 0)
        shown = f"\n    {code}\n    {' ' * column}^" if line else ""
        raise UnusableFile("python-line", path=name, line=error.lineno, why=error.msg, shown=shown) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnusableFile("python", path=name, why=error) from None


def exercises_in(source: str) -> list[str]:
    """The exercises that a file names in lines of their own, ``# exercise: ID``, ``exercise = "ID"``, `%%check ID`."""
    return list(dict.fromkeys(owner for owner in _owners(source) if owner))


def section(source: str, exercise: str) -> str:
    """The text for one exercise of a file: all of it, unless it is one of several that the file names.

    Then what follows such a line is for that exercise alone; in the text for another its lines are empty, but for
    imports of NumPy. What comes before the first such line is for all of them.
    """
    owners, wanted = list(map(plain_id, _owners(source))), plain_id(exercise)
    if wanted not in owners:
        return source
    lines = zip(owners, source.split("\n"), strict=True)
    return "\n".join(line if owner in ("", wanted) or _FOR_ALL.fullmatch(line) else "" for owner, line in lines)


def _owners(source: str) -> list[str]:
    """Line by line the exercise that it is for, as the file first writes it; "" for those before the first."""
    owners, spelled = [""], dict[str, str]()
    for line in source.split("\n"):
        found = _NAMED.fullmatch(line.rstrip() if spelled else line.strip())  # only the first may be indented
        name = (found[2] or found[3]) if found and len(spelled) < MOST_EXERCISES else ""
        owners.append(spelled.setdefault(plain_id(name), name) if name else owners[-1])
    return owners[1:]


def plain_id(name: str) -> str:
    """An exercise's id, or a teacher's file, in the one way to write it."""
    return os.path.basename(name).strip().lower().replace("_", "-")


def misnamed(source: str, missing: Collection[str]) -> dict[str, str]:
    """For names that a file does not define, what looks most like each, a method too, or its only other gradient."""
    tree = ast.parse(source)
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    defined += [f"{one.name}.{node.name}" for one in classes for node in one.body if isinstance(node, ast.FunctionDef)]
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    defined += [target.id for target in targets if isinstance(target, ast.Name)]
    wanted = [name for name in missing if name not in defined]
    compare = difflib.SequenceMatcher
    likeness = [(compare(None, a.lower(), b.rpartition(".")[2].lower()).ratio(), a, b) for a in wanted for b in defined]
    found: dict[str, str] = {}
    for ratio, name, other in sorted(likeness, key=lambda pair: -pair[0]):
        if ratio >= 0.6 and name not in found and other not in found.values():
            found[name] = other
    others = [other for other in defined if "grad" in other.lower() and other not in (*missing, *found.values())]
    return {name: others[0] for name in wanted if len(others) == 1} | found


def exercises_of(source: str, path: str | Path) -> list[str]:
    """The exercises that a file is for: those it names, else the one its own name is, else an `UnusableFile`."""
    named, own = exercises_in(source), plain_id(Path(path).stem)
    if not named and own not in IDS:
        raise UnusableFile("names-none", path=path)
    return named or [own]


def find_exercise(name: str, folder: str | Path = ".") -> Exercise:
    """An exercise of the course by its id, or the one that a teacher's ``.py`` file (below `folder`) defines."""
    if name.endswith(".py"):
        return load_exercise(Path(folder) / name)
    wanted = plain_id(name)
    if wanted in IDS:
        return load(wanted)
    near = _near(wanted, IDS)
    raise UnusableFile("no-exercise", name=repr(name), near=near, listed="" if near else "`npreg exercises`")


def load_exercise(path: str | Path) -> Exercise:
    """Run a teacher's file and return the `Exercise` that it defines."""
    require_python(read_source(path), str(path))
    try:
        namespace = runpy.run_path(str(path), run_name="exercise")
    except Exception as error:
        raise UnusableFile("stops", path=path, why=f"{type(error).__name__}: {error}") from error
    found = list({id(value): value for value in namespace.values() if isinstance(value, Exercise)}.values())
    if len(found) != 1:
        raise UnusableFile("one-exercise", path=path, count=len(found))
    return found[0]


def student_files(folder: str | Path, skipped: list[UnusableFile]) -> Iterator[tuple[Path, str, str]]:
    """Files of a folder that name exercises: path, id, text for it; why others were skipped is added to `skipped`."""
    for path in sorted(path for path in Path(folder).glob("[!.]*") if path.suffix in (".py", ".ipynb")):
        try:
            source = read_source(path)
        except UnusableFile as error:
            skipped.append(error)
            continue
        for name in exercises_in(source):
            if plain_id(name) in IDS:
                yield path, plain_id(name), section(source, name)
            else:
                skipped.append(UnusableFile("not-in-course", path=path, name=name))


def _near(name: str, known: Iterable[str]) -> str:
    return ", ".join(difflib.get_close_matches(name, list(known), n=3, cutoff=0.5))
