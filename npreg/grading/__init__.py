"""Grading: a folder of student files, hostile ones included, to marks, feedback and a class report.

    graded = grade("submissions", exercise, secret=read_key(), outputs=Outputs(csv="marks.csv"))

`npreg grade` is its command line, and docs/grading.md the page about both.
"""

from npreg.grading.grade import Graded, grade, read_key
from npreg.grading.marking import Mark, Result, Settings
from npreg.grading.outputs import Outputs

__all__ = ["Graded", "Mark", "Outputs", "Result", "Settings", "grade", "read_key"]
