"""The classroom: forward computations as exercises, and a checker that names the derivation mistake.

    report = check("one_weight.py")     a path, the text of a file, functions, or a notebook's globals()
    print(report)                       in words; also report.to_json(), .points(10), .raise_if_wrong()
    %load_ext npreg                     makes %%check one-weight known, which judges the functions of its cell

An exercise is a forward program (``Exercise``, ``gradient``, ``real``, …); ``course.load("ridge")`` is one of
the seventeen that come along. The command line ``npreg`` does the same with files.
"""

from npreg.exercises import forward
from npreg.exercises.check import check as check
from npreg.exercises.check import load_ipython_extension as load_ipython_extension
from npreg.exercises.findings import AnswerReport, Finding, Mistake, WrongAnswer
from npreg.exercises.forward import *  # noqa: F403
from npreg.exercises.report import Report, UnusableFile

__all__ = ["AnswerReport", "Finding", "Mistake", "Report", "UnusableFile", "WrongAnswer", "check"]
__all__ += forward.__all__
