"""For gradescope-utils, where the student's code may run inside the grader: part of the points, and the reason."""

import unittest

from gradescope_utils.autograder_utils.decorators import partial_credit

from npreg.exercises import UnusableFile, check


class Gradients(unittest.TestCase):
    @partial_credit(2)
    def test_ridge(self, set_score=None):
        """The gradients of ridge regression"""
        set_score(0)
        try:
            report = check("/autograder/submission/ridge.py", "ridge")
        except UnusableFile as error:
            self.fail(str(error))
        set_score(report.points(2))
        report.raise_if_wrong()
