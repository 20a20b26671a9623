"""What grading writes: tables, pages for students, Gradescope's files, the class report."""

from __future__ import annotations

from npreg.grading.results.class_report import write_report
from npreg.grading.results.exports import write_csv, write_gradebook, write_jsonl
from npreg.grading.results.feedback import write_feedback
from npreg.grading.results.gradescope import results_path, write_results, write_zero

__all__ = [
    "results_path",
    "write_csv",
    "write_feedback",
    "write_gradebook",
    "write_jsonl",
    "write_report",
    "write_results",
    "write_zero",
]
