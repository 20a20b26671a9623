"""Grading: a folder of student files, hostile ones included, to marks, feedback and a class report.

    graded = grade("submissions", exercise, secret=read_key(), outputs=Outputs(csv="marks.csv"))

`npreg grade` is its command line, and docs/grading.md the page about both.
"""

from npreg.grading.grade import Graded, grade
from npreg.grading.marking import Settings
from npreg.grading.outputs import Outputs
from npreg.grading.result import Mark, Result
from npreg.grading.seeds import read_key

__all__ = ["Graded", "Mark", "Outputs", "Result", "Settings", "grade", "read_key"]
