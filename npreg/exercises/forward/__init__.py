"""A forward computation and its derivatives; what an exercise is written with."""

from npreg.exercises.forward.inputs import Array, Input, classes, count, fraction, labels, one_hot, positive, real
from npreg.exercises.forward.program import Answer, Exercise, OwnMistake, gradient, gradients, hessian, update, value

__all__ = ["Answer", "Exercise", "OwnMistake", "gradient", "gradients", "hessian", "update", "value"]
__all__ += ["Array", "Input", "classes", "count", "fraction", "labels", "one_hot", "positive", "real"]
