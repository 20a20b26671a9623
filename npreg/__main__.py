"""The command line, ``python -m npreg`` or ``npreg``: argument parsing and printing.

Exit status: 0 all right, 1 something is wrong (an answer, or probes that cannot tell mistakes apart), 2 the
call or a file could not be used (the message is on standard error).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from npreg._version import __version__
from npreg.exercises import files, prover, session, stub
from npreg.exercises.course import IDS
from npreg.exercises.forward.program import Exercise
from npreg.exercises.report import Report, UnusableFile
from npreg.exercises.words import say
from npreg.isolation import FORBIDDEN, Limits, NoIsolation, Sandbox

RIGHT, WRONG, UNUSABLE = 0, 1, 2


class Command(NamedTuple):
    """A subcommand: its name, one line of help, its arguments, and what it does (returns the exit status)."""

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def _exercises_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", help="folder with your files (default: this one)")
    _limit_arguments(parser)


def _exercises(options: argparse.Namespace) -> int:
    if not Path(options.folder).is_dir():
        raise UnusableFile("no-folder", path=options.folder)
    following = None
    skipped: list[str] = []
    for state in session.progress(options.folder, _limits(options), skipped, options.lang):
        mark = "·" if state.path is None else "✓" if state.right == state.asked else "…"
        where = "" if state.path is None else f"  {state.path.name} {state.right}/{state.asked}"
        title = state.exercise.title.get(options.lang, "")
        print(f"{mark} {state.exercise.id:<19} {title}{where}", flush=True)
        if state.problem:
            print(f"    {state.problem}")
        if mark != "✓" and following is None:
            following = state
    for why in skipped:
        print(_as_called(say("skipped", options.lang, why=why)))
    if following is not None:
        key = "next" if following.path is None else "next-check"
        said = say(key, options.lang, exercise=following.exercise.id, path=following.path)
        print(_as_called(f"\n{said}"))
    return RIGHT


def _start_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercise", metavar="ID", help="an exercise of the course, or a teacher's .py file")
    parser.add_argument("--file", help="where to write (default: the id, as ID.py in this folder)")


def _start(options: argparse.Namespace) -> int:
    exercise = files.find_exercise(options.exercise)
    path = Path(options.file or stub.file_name(exercise))
    is_file = options.exercise.endswith(".py")
    named = os.path.relpath(options.exercise, path.parent).replace(os.sep, "/") if is_file else None
    stub.write_new(path, _as_called(stub.stub(exercise, options.lang, file=str(path), name=named)))
    print(_as_called(say("started", options.lang, path=path, answers=", ".join(exercise.answers))))
    return RIGHT


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="your file")
    parser.add_argument("--exercise", metavar="ID", help="default: the one that the file names")
    stages = "1 what is right, 2 the kind of mistake, 3 which one and where (default), 4 the rule to look at"
    parser.add_argument("--hints", type=int, choices=(1, 2, 3, 4), default=3, help=stages)
    parser.add_argument("--by-hand", action="store_true", help="a small example in whole numbers to redo on paper")
    parser.add_argument("--solution", action="store_true", help="the solution, where the exercise allows it")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--seed", type=int, help="for the same probes in every run")
    _limit_arguments(parser)


def _limit_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup, memory: int = 1024) -> None:
    parser.add_argument("--seconds", type=float, default=10.0, help="time for one file or function (10)")
    parser.add_argument("--memory", type=int, default=memory, help=f"megabytes for one file ({memory})")


def _limits(options: argparse.Namespace) -> Limits:
    try:
        return Limits(seconds=options.seconds, memory=options.memory * 2**20)
    except ValueError as error:
        raise UnusableFile("other", why=error) from None


def _check(options: argparse.Namespace) -> int:
    source = files.read_source(options.file)
    folder = "." if options.exercise else Path(options.file).parent
    asked = [options.exercise] if options.exercise else files.exercises_of(source, options.file)
    status = RIGHT
    for name in asked:
        try:
            exercise = files.find_exercise(name, folder)
            status = max(status, _check_one(files.section(source, name), exercise, options, len(asked) > 1))
        except UnusableFile as error:  # the other exercises of the file are judged all the same
            status = _unusable(error, options.lang)
    return status


def _check_one(source: str, exercise: Exercise, options: argparse.Namespace, several: bool) -> int:
    files.require_python(source, options.file)
    with _waiting(options.file) as watch:
        file = session.OwnFile(source, str(Path(options.file).resolve().parent), _limits(options), watch)
        checked = file.check(exercise, options.seed, options.lang)
        report = checked.report
        after = [] if options.json else list(_afterword(file, exercise, report, options))
    if options.json:
        print(report.to_json(indent=None if several else 2))
        return RIGHT if report.passed else WRONG
    print(report.text(hints=options.hints))
    for name, text in checked.printed.items():
        said = say("printed" if name else "printed-loading", options.lang, name=name)
        print(f"\n{said}\n" + textwrap.indent(text, "    "))
    for line in after:
        print(_as_called(f"\n{line}"))
    print(end="\n" if several else "")
    return RIGHT if report.passed else WRONG


@contextlib.contextmanager
def _waiting(file: str) -> Iterator[Callable[[float, str], None]]:
    """What shows on a screen, while a file takes long, which function is at work."""
    shown = False

    def watch(seconds: float, name: str) -> None:
        nonlocal shown
        if seconds >= 1 and sys.stderr.isatty():
            shown = True
            print(f"\r{file}: {name or '…'} {seconds:.0f} s ", end="", file=sys.stderr, flush=True)

    try:
        yield watch
    finally:
        if shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _afterword(file: session.OwnFile, exercise: Exercise, report: Report, options: argparse.Namespace) -> Iterator[str]:
    """Yield what may follow a report: names to mend, a small example, the solution, where to go on."""
    missing = [answer.name for answer in report.answers if answer.not_written]
    for name, found in files.misnamed(file.source, missing).items():
        yield say("names", options.lang, answer=name, found=found)
    judged = [answer for answer in report.answers if not answer.passed and not answer.not_written]
    if options.by_hand:
        for example in file.by_hand(exercise, [answer.name for answer in judged if answer.shows_in_numbers]):
            yield example.text(options.lang)
    if options.solution:
        yield exercise.solution or say("no-solution", options.lang, exercise=exercise.id)
    if report.passed and exercise.id in IDS:
        following = IDS[IDS.index(exercise.id) + 1 :]
        yield say("next", options.lang, exercise=following[0]) if following else say("done", options.lang)
    elif judged and options.hints < 4 and not options.by_hand:
        yield say("more-help" if options.hints == 3 else "more-hints", options.lang, stage=options.hints + 1)


def _prove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercise", metavar="FILE|ID", help="a teacher's .py file, or an exercise of the course")
    sizes = "sizes of a probe to try in place of the exercise's own; may be given several times"
    parser.add_argument("--sizes", action="append", metavar="n=7,d=3", help=sizes)
    messages = "list what students read for the twenty commonest mistakes"
    parser.add_argument("--messages", action="store_true", help=messages)
    parser.add_argument("--twins", action="store_true", help="list the mistakes that are one formula, too")


def _prove(options: argparse.Namespace) -> int:
    exercise = files.find_exercise(options.exercise)
    try:
        sizes = [_sizes(text) for text in options.sizes or ()]
        proof = prover.prove(exercise, prover.probes_of_sizes(exercise, sizes) if sizes else None)
    except ValueError as error:
        raise UnusableFile("other", why=error) from error
    print(_as_called(proof.text(options.lang, twins=options.twins)))
    for text in prover.preview(exercise, options.lang) if options.messages else ():
        print(f"\n{text}", flush=True)
    return RIGHT if proof.passed else WRONG


def _sizes(text: str) -> dict[str, int]:
    """Read ``"n=7,d=3"``."""
    try:
        return {name.strip(): int(size) for name, size in (part.split("=") for part in text.split(","))}
    except ValueError:
        raise ValueError(f"--sizes takes sizes such as n=7,d=3, not {text!r}") from None


def _grade_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="the students' files, an archive, or a single file")
    what = "what the files answer; may be given several times"
    parser.add_argument("--exercise", metavar="ID|FILE", required=True, action="append", help=what)
    out = parser.add_argument_group("results")
    out.add_argument("--csv", metavar="FILE", help="a table with one row per entry of the folder")
    out.add_argument("--gradebook", metavar="FILE", help="a table with a row per student, for a gradebook")
    out.add_argument("--bom", action="store_true", help="mark tables as UTF-8, for spreadsheets that guess")
    out.add_argument("--jsonl", metavar="FILE", help="the full reports, one JSON object per line")
    out.add_argument("--gradescope", metavar="DIR", help="a results.json per submission")
    out.add_argument("--points", type=float, default=10.0, help="what an exercise is worth there (10)")
    out.add_argument("--feedback", metavar="DIR", help="a Markdown page for every student")
    out.add_argument("--report", metavar="FILE", help="the class report, one HTML page")
    out.add_argument("--anonymous", action="store_true", help="no names in the class report, for projecting it")
    out.add_argument("--hints", type=int, choices=(1, 2, 3, 4), default=3, help="stage of hints in feedback")
    how = parser.add_argument_group("marks")
    how.add_argument("--key", metavar="FILE", help="secret that the probes are drawn from (made if missing)")
    how.add_argument("--student", metavar="NAME", help="who a single file is from (default: its name)")
    how.add_argument("--forbid", metavar="NAMES", help="packages not to be used, with commas; 'none' for none")
    how.add_argument("--allow", metavar="NAMES", default="", help="packages besides NumPy, with commas")
    how.add_argument("--numerical", type=float, default=0.0, help="mark for numerical derivatives (0)")
    run = parser.add_argument_group("processes")
    run.add_argument("--jobs", type=int, help="how many at a time (default: one per processor)")
    _limit_arguments(run, 256)
    run.add_argument("--isolation", choices=("auto", "bwrap", "plain"), default="auto", help="use of bwrap")
    run.add_argument("--journal", metavar="FILE", help="keep marks here; unchanged files are not run again")
    run.add_argument("--quiet", action="store_true", help="no progress")


def _grade(options: argparse.Namespace) -> int:
    from npreg.grading import Outputs, Settings, grade, read_key

    exercises = [files.find_exercise(name) for name in options.exercise]
    forbidden = FORBIDDEN if options.forbid is None else _names(options.forbid)
    named = ("csv", "gradebook", "bom", "jsonl", "gradescope", "feedback", "report", "anonymous", "journal", "points")
    outputs = Outputs(**{name: getattr(options, name) for name in named})
    try:
        sandbox = Sandbox(_limits(options), forbidden=forbidden, allowed=_names(options.allow))
        graded = grade(
            options.folder,
            exercises,
            secret=read_key(options.key),
            settings=Settings(options.lang, options.numerical, options.hints, sandbox),
            outputs=outputs,
            jobs=options.jobs,
            student=options.student,
            way=options.isolation,
            sources=[name for name in options.exercise if name.endswith(".py")],
            skip=[path for path in (options.key,) if path],
            quiet=options.quiet,
        )
    except (OSError, ValueError, NoIsolation) as error:
        raise UnusableFile("other", why=error) from None
    for line in graded.lines(rows=not (options.csv or options.gradebook or options.jsonl), lang=options.lang):
        print(line)
    for result in graded.troubles:
        print(f"npreg: {result.file}: {result.message}", file=sys.stderr)
    return UNUSABLE if graded.troubles else RIGHT if graded.all_right else WRONG


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip() not in ("", "none"))


COMMANDS = (
    Command("exercises", "list the course and your progress in a folder", _exercises_arguments, _exercises),
    Command("start", "write the file for an exercise, to fill in", _start_arguments, _start),
    Command("check", "check your answers and name the mistakes", _check_arguments, _check),
    Command("prove", "prove that an exercise's probes tell mistakes apart", _prove_arguments, _prove),
    Command("grade", "mark a folder of files in isolated processes", _grade_arguments, _grade),
)


_called = "npreg"


def _program() -> str:
    """The program as it was called: `npreg`, `.venv/bin/npreg` or `python -m npreg`."""
    program = sys.argv[0]
    if os.path.basename(program) == "__main__.py":
        return f"{shlex.quote(sys.orig_argv[0])} -m npreg"
    found = shutil.which("npreg")
    with contextlib.suppress(OSError):
        if found is None or not os.path.samefile(found, program):
            return shlex.quote(program)
    return "npreg"


def _as_called(text: str) -> str:
    """Commands in a text, as they have to be typed here."""
    names = "|".join(command.name for command in COMMANDS)
    return re.sub(rf"(?<![\w./-])npreg(?= (?:{names})\b)", lambda _: _called, text, flags=re.ASCII)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(prog=_called, description="Exercises in deriving gradients by hand.")
    top.add_argument("--version", action="version", version=f"npreg {__version__}")
    said = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    lang = "zh" if next(filter(None, said), "").lower().startswith("zh") else "en"
    below = top.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        sub = below.add_parser(command.name, help=command.help, description=command.help)
        command.add_arguments(sub)
        sub.add_argument("--lang", choices=("en", "zh"), default=lang, help="language (default: as $LANG says)")
        sub.set_defaults(run=command.run)
    return top


def _unusable(error: UnusableFile, lang: str) -> int:
    print(f"npreg: {_as_called(error.text(lang))}", file=sys.stderr)
    return UNUSABLE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; without one, print the help."""
    global _called
    _called = _program() if arguments is None else "npreg"
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    if "run" not in options:
        parser().print_help()
        return RIGHT
    try:
        return int(options.run(options))
    except UnusableFile as error:
        return _unusable(error, options.lang)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNUSABLE
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # nobody is shown a traceback; a mark is never made of one
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}, line {where.lineno})"
        print(f"npreg: this is a fault of npreg itself, please report it: {said}", file=sys.stderr)
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
