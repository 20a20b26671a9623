"""How long `npreg grade` takes for a class, and how much memory: 200 honest files of one exercise.

Run it from the repository's root: `python benchmarks/grading.py [EXERCISE] [COUNT] [JOBS]`. The files are the
right and wrong answers of `tests/corpus`, in turn. It prints the wall clock, the processor time of the grader
itself and of the students' processes, and the grader's peak memory.
"""

from __future__ import annotations

import itertools
import resource
import sys
import tempfile
import time
from pathlib import Path

from npreg.exercises import course
from npreg.grading import Outputs, grade

CORPUS = Path(__file__).parents[1] / "tests" / "corpus"


def main(exercise: str = "minibatch-mean", count: str = "200", jobs: str = "2") -> None:
    sources = sorted((CORPUS / exercise).glob("*.py"))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "class"
        folder.mkdir()
        for number, source in zip(range(int(count)), itertools.cycle(sources), strict=False):
            (folder / f"student_{number:03}.py").write_bytes(source.read_bytes())
        outputs = Outputs(
            csv=Path(place) / "out.csv",
            jsonl=Path(place) / "out.jsonl",
            feedback=Path(place) / "feedback",
            gradescope=Path(place) / "gradescope",
            report=Path(place) / "report.html",
        )
        begun = time.perf_counter()
        graded = grade(folder, course.load(exercise), secret=b"key", outputs=outputs, jobs=int(jobs), quiet=True)
        wall = time.perf_counter() - begun
    scale = 2**20 if sys.platform == "darwin" else 2**10
    own, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    for line in graded.lines(rows=False):
        print(line)
    print(f"wall clock, {jobs} jobs   {wall:6.1f} s")
    print(f"grader, processor     {own.ru_utime + own.ru_stime:6.1f} s")
    print(f"grader, peak memory   {own.ru_maxrss / scale:6.0f} MB")
    print(f"students, processor   {theirs.ru_utime + theirs.ru_stime:6.1f} s (without what ran in bwrap)")


if __name__ == "__main__":
    main(*sys.argv[1:])
