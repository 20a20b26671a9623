"""The command line, ``python -m npreg`` or ``npreg``. Exit status: 0 all right, 1 an answer is wrong (or probes cannot
tell mistakes apart), 2 the call or a file could not be used (the message is on standard error).
"""

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
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from npreg._version import __version__
from npreg.exercises import files, prover, session, stub
from npreg.exercises.by_hand import by_hand
from npreg.exercises.course import IDS
from npreg.exercises.forward.program import Exercise
from npreg.exercises.report import Report, UnusableFile
from npreg.exercises.words import LANGUAGES, reworded, say, texts, wrap
from npreg.isolation import FORBIDDEN, Limits, NoIsolation, Sandbox

RIGHT, WRONG, UNUSABLE = 0, 1, 2


class Parser(argparse.ArgumentParser):
    """One command's parser in a language: its headings, help and errors stand in `exercises/words`."""

    def __init__(self, command: str, lang: str, **options: Any) -> None:
        self.command, self.lang, self.groups = command, lang, dict[str, argparse._ArgumentGroup]()
        about = say(f"help.{command}".rstrip("."), lang)
        super().__init__(add_help=False, description=about, formatter_class=partial(_Help, lang), **options)

    def add(self, *arguments: str, group: str = "", **options: Any) -> None:
        """Add arguments such as "file FILE", "--csv FILE" and "--quiet" below a heading."""
        for name, _, metavar in (argument.partition(" ") for argument in arguments):
            title = group or ("options" if name.startswith("-") else "arguments")
            if title not in self.groups:
                self.groups[title] = self.add_argument_group(say(f"usage.{title}", self.lang))
            key = f"help.{self.command}.{name.lstrip('-')}"
            text = texts(self.lang).get(key) or say(f"help.{name.lstrip('-')}", self.lang)
            kind = {"metavar": metavar} if metavar else {} if options else {"action": "store_true"}
            short = ("-h",) if name == "--help" else ()
            self.groups[title].add_argument(*short, name, help=text, **{**kind, **options})

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong with the call, and exit."""
        self.print_usage(sys.stderr)
        self.exit(UNUSABLE, say("usage.error", self.lang, program=self.prog, why=reworded(message, self.lang)) + "\n")


class _Help(argparse.HelpFormatter):
    def __init__(self, lang: str, prog: str) -> None:
        super().__init__(prog)
        self._lang = lang

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, say("usage.prefix", self._lang) if prefix is None else prefix)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(text, width)


def _exercises(options: argparse.Namespace) -> int:
    if not Path(options.folder).is_dir():
        raise UnusableFile("no-folder", path=options.folder)
    following, skipped = None, list[UnusableFile]()
    for state in session.progress(options.folder, _limits(options), skipped, options.lang):
        mark = "·" if state.path is None else "✓" if state.right == state.asked else "…"
        where = "" if state.path is None else f"  {state.path.name} {state.right}/{state.asked}"
        title = state.exercise.title.get(options.lang, "")
        print(f"{mark} {state.exercise.id:<19} {title}{where}", flush=True)
        if state.problem:
            print(f"    {state.problem}")
        following = following or (None if mark == "✓" else state)
    for error in skipped:
        print(_as_called(say("skipped", options.lang, why=error.text(options.lang).splitlines()[0])))
    if following is not None:
        key = "next" if following.path is None else "next-check"
        said = say(key, options.lang, exercise=following.exercise.id, path=following.path)
        print(_as_called(f"\n{said}"))
    return RIGHT


def _start(options: argparse.Namespace) -> int:
    exercise = files.find_exercise(options.exercise)
    path = Path(options.file or stub.file_name(exercise))
    is_file = options.exercise.endswith(".py")
    named = os.path.relpath(options.exercise, path.parent).replace(os.sep, "/") if is_file else None
    stub.write_new(path, _as_called(stub.stub(exercise, options.lang, file=str(path), name=named)))
    print(_as_called(say("started", options.lang, path=path, answers=", ".join(exercise.answers))))
    return RIGHT


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
    shown = sys.stderr.isatty()

    def watch(seconds: float, name: str) -> None:
        if shown and seconds >= 1:
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
        names = [answer.name for answer in judged if answer.shows_in_numbers]
        for example in by_hand(file.source, exercise, names, lambda _, *asked: file.isolated.run(*asked).outcome):
            yield example.text(options.lang)
    if options.solution:
        yield exercise.solution or say("no-solution", options.lang, exercise=exercise.id)
    if report.passed and exercise.id in IDS:
        following = IDS[IDS.index(exercise.id) + 1 :]
        yield say("next", options.lang, exercise=following[0]) if following else say("done", options.lang)
    elif judged and options.hints < 4 and not options.by_hand:
        yield say("more-help" if options.hints == 3 else "more-hints", options.lang, stage=options.hints + 1)


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
    try:
        return {name.strip(): int(size) for name, size in (part.split("=") for part in text.split(","))}
    except ValueError:
        raise ValueError(f"--sizes takes sizes such as n=7,d=3, not {text!r}") from None


def _grade(options: argparse.Namespace) -> int:
    from npreg.grading import Outputs, Settings, grade, read_key

    exercises = [files.find_exercise(name) for name in options.exercise]
    try:
        outputs = Outputs(**{each.name: getattr(options, each.name) for each in fields(Outputs)})
        sandbox = Sandbox(_limits(options), forbidden=options.forbid, allowed=options.allow)
        settings = Settings(options.lang, options.numerical, options.hints, sandbox)
        how: dict[str, Any] = {name: getattr(options, name) for name in ("jobs", "student", "quiet")}
        how |= {"way": options.isolation, "sources": [name for name in options.exercise if name.endswith(".py")]}
        how |= {"skip": [options.key] if options.key else [], "secret": read_key(options.key)}
        graded = grade(options.folder, exercises, settings=settings, outputs=outputs, **how)
    except (OSError, ValueError, NoIsolation) as error:
        raise UnusableFile("other", why=error) from None
    for line in graded.lines(rows=not (options.csv or options.gradebook or options.jsonl), lang=options.lang):
        print(line)
    for result in graded.troubles:
        print(f"npreg: {result.file}: {result.message}", file=sys.stderr)
    return UNUSABLE if graded.troubles else RIGHT if graded.all_right else WRONG


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip() not in ("", "none"))


COMMANDS = {"exercises": _exercises, "start": _start, "check": _check, "prove": _prove, "grade": _grade}
"""Every subcommand and what does it, which returns the exit status."""


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
    return re.sub(rf"(?<![\w./-])npreg(?= (?:{'|'.join(COMMANDS)})\b)", lambda _: _called, text, flags=re.ASCII)


def parser(lang: str = "en") -> Parser:
    """Return the parser of the whole command line."""
    top = Parser("", lang, prog=_called)
    below = top.add_subparsers(title=say("usage.commands", lang), metavar="COMMAND", dest="command")
    parsers = [below.add_parser(name, command=name, lang=lang, help=say(f"help.{name}", lang)) for name in COMMANDS]
    exercises, start, check, prove, grade = parsers
    exercises.add("folder FOLDER", nargs="?", default=".")
    start.add("exercise ID", "--file FILE")
    check.add("file FILE", "--exercise ID")
    check.add("--by-hand", "--solution", "--json")
    check.add("--seed N", type=int)
    prove.add("exercise FILE|ID")
    prove.add("--sizes n=7,d=3", action="append")
    prove.add("--messages", "--twins")
    grade.add("folder FOLDER")
    grade.add("--exercise ID|FILE", required=True, action="append")
    tables = ("--csv FILE", "--gradebook FILE", "--bom", "--jsonl FILE")
    grade.add(*tables, "--gradescope DIR", "--feedback DIR", "--report FILE", "--anonymous", group="results")
    grade.add("--points P", type=float, default=10.0, group="results")
    grade.add("--key FILE", "--student NAME", group="marks")
    grade.add("--forbid NAMES", type=_names, default=FORBIDDEN, group="marks")
    grade.add("--allow NAMES", type=_names, default=(), group="marks")
    grade.add("--numerical MARK", type=float, default=0.0, group="marks")
    grade.add("--isolation auto|bwrap|plain", choices=("auto", "bwrap", "plain"), default="auto", group="processes")
    grade.add("--jobs N", type=int, group="processes")
    grade.add("--journal FILE", "--quiet", group="processes")
    for each, group in (check, ""), (grade, "results"):
        each.add("--hints 1|2|3|4", type=int, choices=(1, 2, 3, 4), default=3, group=group)
    for each, group, memory in (exercises, "", 1024), (check, "", 1024), (grade, "processes", 256):
        each.add("--seconds S", type=float, default=10.0, group=group)
        each.add("--memory MB", type=int, default=memory, group=group)
    for each in (*parsers, top):
        each.add("--lang en|zh", choices=LANGUAGES, default=lang)
        each.add("--help", action="help")
    top.add("--version", action="version", version=f"npreg {__version__}")
    return top


def _language(arguments: Sequence[str] | None) -> str:
    """The language that the call, or else the environment, asks for."""
    said = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    lang = "zh" if next(filter(None, said), "").lower().startswith("zh") else "en"
    first = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    first.add_argument("--lang", choices=LANGUAGES, default=lang)
    with contextlib.suppress(argparse.ArgumentError):
        lang = first.parse_known_args(arguments)[0].lang
    return lang


def _unusable(error: UnusableFile, lang: str) -> int:
    print(f"npreg: {_as_called(error.text(lang))}", file=sys.stderr)
    return UNUSABLE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; without one, print the help."""
    global _called
    _called = _program() if arguments is None else "npreg"
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    parse = parser(_language(arguments))
    options = parse.parse_args(arguments)
    if options.command is None:
        parse.print_help()
        return RIGHT
    try:
        return COMMANDS[options.command](options)
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
        return _unusable(UnusableFile("fault", why=said), options.lang)


if __name__ == "__main__":
    sys.exit(main())
