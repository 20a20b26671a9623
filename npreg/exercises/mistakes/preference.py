"""The order of preference: of several mistakes with the same values, the one that costs least is named."""

from collections.abc import Iterable
from enum import Enum
from fractions import Fraction

from npreg.exercises.found import Factor

MORE = 1.0  # what each turn of the shape, missing part or further mistake beside an explanation costs
FREE = "free"  # the size of its factor means nothing, at most a sign is reported
SETTING = "setting"  # far-fetched with a factor beside it, for a setting is a factor itself
FREQUENT = "frequent"  # also looked for in pairs


class Kind(Enum):
    """A kind of mistake: its group (see docs/codes.md), what it is, and its marks; members of a group are in order."""

    RIGHT = 0, "the right answer"
    OWN = 0, "registered by the teacher"
    PLAIN_GRADIENT = 1, "the gradient in the place of an update"
    SETTING_IGNORED = 1, "a setting taken as 1", SETTING, FREQUENT
    NOT_SUMMED = 1, "the contributions of the rows, perhaps under another name", FREE
    TABLE = 1, "a column met a vector, perhaps summed over one axis", FREE
    TERM = 9, "a combination of the terms, or of the parameter and the gradient"
    INPUT_IGNORED = 10, "an input as if it were zero (weights: one), everywhere or in one of its uses", FREQUENT
    TERM_LOST = 11, "a term that meets others, lost or reversed on the way back", FREQUENT
    BRANCH = 11, "another branch or threshold", FREQUENT
    CUT = 11, "the result, or each contribution, cut off at a setting"
    SETTING_IGNORED_BELOW = 11, "a local derivative with a setting taken as 1"
    LINK_MISSING = 12, "every dependence counts as 1", FREQUENT
    LINK_MISSING_SHORT = 12, "the argument of a step in the place of its value, in a simplified form"
    ROWS = 12, "only some of the rows", FREQUENT
    FEATURES = 12, "all features but one"
    AXIS = 12, "a step, or a sum, along another axis"
    PRODUCT = 12, "a product of entries for a dot product"
    REVERSED_SHORT = 12, "a term of a simplified form reversed"
    INPUT_REVERSED = 12, "an input with the opposite sign", FREQUENT
    SETTING_ZERO = 12, "a setting taken as 0", FREQUENT
    TYPED_IN = 12, "a number typed in for a scalar input"
    BROADCAST = 12, "a column met a vector, further up", FREE
    LINK_MISSING_POWER = 12, "what a power leaves behind where its base is forgotten", FREQUENT
    UPSTREAM_DROPPED = 12, "nothing arrives from above", FREE
    SWAPPED = 12, "the value of another answer"
    ARGUMENT_REVERSED = 12, "a function of minus its argument"
    USE_REVERSED = 12, "a quantity with the opposite sign, in one of its uses", FREQUENT
    LINK_SKIPPED = 12, "a step passed over, forward and backward", FREQUENT
    LOSS_FOR_DERIVATIVE = 12, "a value where its derivative belongs, what arrives squared", FREE
    CHAIN_ENDS = 12, "the derivative in a step, as if the chain ended there", FREE
    EXTRA_OWN = 12, "a multiple of the parameter too many"
    CHAIN_TWICE = 13, "a local derivative used twice"
    MEANS = 13, "a product of averages"
    DIAGONAL = 13, "only the diagonal of a local derivative"
    TRANSPOSED = 13, "a square matrix transposed", FREQUENT
    MEAN_ABOVE = 13, "what arrives from above, averaged", FREE, FREQUENT
    VALUE_FOR_STEP = 13, "the argument of a step in the place of its value", FREQUENT
    SETTING_ONCE = 13, "a setting taken as 1 in one of its uses", FREQUENT
    GRADIENT_PRODUCT = 13, "gradients multiplied", FREE
    REDUCED = 13, "the right answer, or its contributions, summed over other axes", FREE
    EXTRA = 13, "a multiple of another quantity too many"
    VALUE_FOR_TERM = 13, "the value of a term in the place of its derivative"
    FREE_OF_ROWS = 13, "nothing of the rows", FREE
    BELOW = 14, "a local derivative taken at averages, at minus an input, at ones"
    OWN_VALUE_MATRIX = 14, "the value of a step for its derivative that is no diagonal"
    WHOLE_STEP = 14, "the factor that a step puts on everything below it"
    INPUT_ABOVE = 14, "an input in the place of what arrives from above", FREE
    WEIGHTED = 14, "rows weighted by a quantity", FREE
    USE_MISSING = 14, "a step absent in one of its uses, or from a simplified form"
    UPDATED = 14, "updated parameters in an update"
    UPDATE_BY_ONE = 14, "the parameter and the gradient, the learning rate being 1"
    TWO_IGNORED = 14, "two inputs left out"
    SLOPE = 14, "a local derivative written with the value of the step, and changed"
    OWN_VALUE = 14, "the value of a step for its derivative"
    OTHER_SLOPE = 16, "the derivative of another function", FREE
    OTHER_FUNCTION = 16, "another function, forward and backward"
    ELSEWHERE = 16, "a local derivative taken at another quantity"
    STATISTIC = 16, "a statistic with another divisor"
    AGAIN = 16, "a function applied to its own result"
    OTHER_BELOW = 16, "a local derivative with another quantity for one of its arguments"
    OWN_ABOVE = 16, "a step in the place of what arrives from above", FREE
    WRONG_QUANTITY = 18, "another quantity, forward and backward"
    WRONG_VALUE = 18, "another quantity returned", FREE
    OTHER_ABOVE = 18, "another quantity in the place of what arrives from above", FREE
    TIMES = 18, "another quantity as a factor, or in a simplified form"
    SHIFTED = 20, "rows shifted by one"

    def __init__(self, group: int, what: str, *marks: str) -> None:
        self.group = group
        self.free_scale, self.is_setting, self.frequent = (m in marks for m in (FREE, SETTING, FREQUENT))
        self.cost = group + 0.01 * len(type(self).__members__)


def cost(kinds: Iterable[Kind], factor: Factor | None = None) -> float:
    """What an explanation costs: its kinds, and the factor beside them.

    >>> cost([Kind.INPUT_IGNORED]) < cost([Kind.INPUT_IGNORED], Factor(-1)) < cost([Kind.WRONG_QUANTITY])
    True
    """
    kinds = list(kinds)
    beside = 0.0 if factor is None else factor_cost(factor)
    if any(kind.free_scale for kind in kinds):
        beside /= 10
    elif factor is not None and not factor.magnitude_is_one:
        beside += sum(Kind.INPUT_IGNORED.group for kind in kinds if kind.is_setting)
    return sum(kind.cost for kind in kinds) + beside


def factor_cost(factor: Factor) -> float:
    """How far-fetched a factor is; 0 for 1."""
    sign, constant = factor.sign < 0, factor.constant
    halves = 0 if constant == 1 else 2 if constant in (2, Fraction(1, 2)) else 3
    return sign + halves / 2 + sum(1 if abs(power) == 1 else 2 for _, power in factor.powers)
