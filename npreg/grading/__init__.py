"""Grading: a folder of student files, hostile ones included, to marks, feedback and a class report.

``grade.grade`` is the one call; ``npreg grade`` is its command line, and docs/grading.md the page about both.
"""
