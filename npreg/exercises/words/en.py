"""The English words: one entry per family of codes, in the order of the documentation."""

from __future__ import annotations

from npreg.exercises.words.template import Words

WORDS: dict[str, Words] = {
    "sign": Words(
        kind="a sign",
        brief="exactly the negative",
        text="The sign is reversed[{alone}: every entry has the right size, and your answer points exactly "
        "the other way]. Either a difference is taken the wrong way round, or one minus sign too many or "
        "too few was carried along.",
        rule="the inner derivative: whatever enters with a minus brings that minus along when it is "
        "differentiated",
    ),
    "factor": Words(
        kind="a constant factor",
        brief="times {arg}",
        text="[{direction} ]{subject} is exactly {times}[ ({measured})][: {cause}].",
        rule="constants in front of a function stay when it is differentiated, and so does the reduction "
        "over the batch (a sum, or a mean)",
    ),
    "ignores": Words(
        kind="a quantity that the answer does not use",
        brief="as if {arg} were absent",
        text="{subject} is exactly what comes out when `{arg}` is absent from the forward computation. "
        "Find every place where `{arg}` enters it, and see what became of each of them in your formula.",
        rule="a derivative is taken at the present values of all inputs, also of those it is not taken by",
    ),
    "missing-term": Words(
        kind="a missing term",
        brief="the term from {arg} is absent",
        text="One additive term is absent, the one that comes from `{arg}`; everything else is right.",
        rule="the derivative of a sum is the sum of the derivatives: every way in which the parameter "
        "reaches the loss contributes one term",
    ),
    "term-sign": Words(
        kind="the sign of one term",
        brief="the term from {arg} has the opposite sign",
        text="One additive term has the wrong sign, the one that comes from `{arg}`; everything else is "
        "right.",
        rule="the derivative of a sum is the sum of the derivatives, each with the sign of its own term",
    ),
    "term-factor": Words(
        kind="the factor of one term",
        brief="the term from {arg} has a wrong factor",
        text="One additive term has the wrong factor[, {expr} times the right one][ ({measured})]: the one "
        "that comes from `{arg}`; everything else is right.",
        rule="the derivative of a sum is the sum of the derivatives, and each term keeps its own constants",
    ),
    "extra-term": Words(
        kind="a term too many",
        brief="a term from {arg} too many",
        text="There is one term too many, made of `{arg}`; without it {subject_inner} would be right.",
        rule="only the terms of the loss that contain the parameter contribute to its derivative",
    ),
    "chain-missing": Words(
        kind="a link of the chain is missing",
        brief="the local derivative of {arg} is left out",
        text="The local derivative of the step `{arg}` is left out: your chain passes that step as if it "
        "changed nothing.",
        rule="the chain rule: one factor for every step between the parameter and the loss",
    ),
    "chain-twice": Words(
        kind="a link of the chain is used twice",
        brief="the local derivative of {arg} is used twice",
        text="The local derivative of the step `{arg}` is used twice: once more than the chain passes that "
        "step. It may hide in a derivative that you had simplified already.",
        rule="the chain rule: exactly one factor for every step between the parameter and the loss",
    ),
    "chain-at": Words(
        kind="a link of the chain is taken at the wrong place",
        brief="the local derivative of {arg} is wrong, or taken at the wrong place",
        text="The step `{arg}` has a local derivative in your chain, but not the right one: it is taken at "
        "another value than the one that enters the step (before in place of after, or the other way "
        "round), or it is incomplete.",
        rule="the chain rule: each step's derivative is taken where that step is evaluated, and connects "
        "every output of the step with every input that it depends on",
    ),
    "wrong-variable": Words(
        kind="a mix-up of two quantities",
        brief="another quantity in the right one's place",
        text="Another quantity stands in the place of the right one[: `{used}` where `{meant}` belongs]. "
        "Compare your formula with the derivation letter by letter.",
        rule="which quantity multiplies the parameter in the forward computation, and at which value each "
        "derivative is taken",
    ),
    "swapped-answer": Words(
        kind="a mix-up of two answers",
        brief="the value that belongs to {arg}",
        text="These are the values that belong to `{arg}`.",
        rule="by which parameter the derivative is taken: it has the shape of that parameter",
    ),
    "loss-for-derivative": Words(
        kind="a value in the place of its derivative",
        brief="a value where its derivative belongs",
        text="Somewhere in your chain the value of a function stands where its derivative belongs[ (step "
        "`{step}`)].",
        rule="the first link of the chain: how the loss of one example changes with the prediction",
    ),
    "axis": Words(
        kind="a sum or mean over the wrong axis",
        brief="reduced over the wrong axis",
        text="A sum or mean runs over the wrong axis[; your result has the shape {got}]. Ask which index "
        "must survive and which must be summed away.",
        rule="the sum over the minibatch: examples are added up, parameters are not",
    ),
    "not-summed": Words(
        kind="a sum that is not taken",
        brief="not reduced over the batch",
        text="The contributions are there, but they are not added up[: your result has the shape {got}, "
        "the parameter {expected}].",
        rule="one parameter acts on every example, so the contributions of all examples add up",
    ),
    "shape": Words(
        kind="a shape",
        brief="right values in another shape",
        text="The values are right, the shape is not[: yours is {got}, asked for is {expected}].",
        rule="a gradient has the shape of its parameter",
    ),
    "transpose": Words(
        kind="a transposition",
        brief="transposed",
        text="A matrix is transposed where it should not be, or the other way round[: your result has the "
        "shape {got}, the parameter {expected}]. Write the shapes below each factor of the product.",
        rule="what a matrix product becomes when it is differentiated, and why one factor changes places",
    ),
    "broadcast": Words(
        kind="a broadcasting accident",
        brief="a column (n, 1) met a vector (n,)",
        text="A column of shape (n, 1) met a vector of shape (n,), and NumPy made an (n, n) table of them: "
        "every prediction is compared with every label. Print the shapes before you subtract.",
        rule="the shapes of prediction and label must agree before they are subtracted",
    ),
    "elementwise": Words(
        kind="the kind of product",
        brief="`*` in place of `@`",
        text="An elementwise product `*` stands where a matrix product `@` belongs, so the sum over the "
        "shared index is not taken[: your result has the shape {got}, the parameter {expected}]. Or only "
        "the diagonal is used of a derivative in which every output depends on every input.",
        rule="a matrix product multiplies and adds up; where the forward computation adds up, so does its "
        "derivative",
    ),
    "first-only": Words(
        kind="not all examples are used",
        brief="only the first example counts",
        text="Only the first example of the batch has an effect. Does a `return` stand inside the loop, or "
        "an index 0 somewhere?",
        rule="the sum over the minibatch: every example contributes",
    ),
    "last-only": Words(
        kind="not all examples are used",
        brief="only the last example counts",
        text="Only the last example of the batch has an effect. Is a value replaced in the loop where it "
        "should be added to?",
        rule="the sum over the minibatch: every example contributes",
    ),
    "off-by-one": Words(
        kind="not all examples are used rightly",
        brief="one example too few, or rows shifted by one",
        text="The count is off by one: one example is left out, or rows are paired with their neighbours. "
        "Look at the bounds of the loop or slice.",
        rule="the sum over the minibatch: every example contributes once, with its own label",
    ),
    "mean-of-products": Words(
        kind="the order of averaging and multiplying",
        brief="averages are multiplied where products should be averaged",
        text="You multiply averages where products should be averaged: each example's factors must meet "
        "before anything is added up.",
        rule="the derivative of a sum over examples is the sum of each example's derivative, and each of "
        "those is a product",
    ),
    "kink-threshold": Words(
        kind="a branch of a piecewise function",
        brief="wrong branch or threshold",
        text="For some examples the wrong branch of the piecewise function is used[ (step `{step}`)]: "
        "check which condition decides, on which side of it each formula belongs, and where the threshold "
        "lies.",
        rule="a piecewise function is differentiated piece by piece, with the same condition as in the "
        "forward computation",
    ),
    "update-returned": Words(
        kind="something else than a gradient is returned",
        brief="the updated parameter, or −lr·gradient, is returned",
        text="You return the updated parameter, or the step that would be added to it; asked for is the "
        "gradient itself.",
        rule="the gradient says how the loss changes; the update rule uses it afterwards",
    ),
    "changes-input": Words(
        kind="behaviour, not the formula",
        brief="an argument is changed in place",
        text="Your function changes its arguments[ (`{input}`)]. Operators such as `-=`, and assignments "
        "to a part of an array, work in place; make a new array instead.",
        rule="a function of its arguments should leave them as they were: whoever called it still needs them",
    ),
    "not-repeatable": Words(
        kind="behaviour, not the formula",
        brief="a second call gives another result",
        text="Called twice with the same arguments your function gives two different results: something is "
        "kept between the calls (an accumulator outside the function, a mutable default), or is random.",
        rule="a gradient depends on its arguments alone; start sums afresh inside the function",
    ),
    "global-or-hardcoded": Words(
        kind="behaviour, not the formula",
        brief="a global or a fixed number in an argument's place",
        text="A number, or a variable from outside the function, stands where an argument, or a size taken "
        "from one, belongs[: your answer is right only where {instead_of} is {value}][: it is {constant} "
        "whatever the data][: `{variable}` is read from outside][: your answer is {expr} times the right "
        "one on all data].",
        rule="sizes come from the shapes of the arguments, and everything else from the arguments too",
    ),
    "numerical": Words(
        kind="precision, not the formula",
        brief="right up to lost digits",
        text="The formula looks right, but digits are lost[: it agrees to about {deviation} only]. Typical "
        "causes are a difference quotient in place of a derivative, rounding, an overflow in `exp`, or a "
        "`log` near zero.",
        rule="a derived formula is exact; rewrite the part that subtracts nearly equal numbers or overflows",
    ),
    "dtype": Words(
        kind="what kind of value is returned",
        brief="not an array of floating-point numbers",
        text="Your function does not return floating-point numbers[ but {got}]. Convert neither the inputs "
        "nor the result to another type.",
        rule="a gradient has the shape and the type of its parameter",
    ),
    "no-return": Words(
        kind="nothing is returned",
        brief="returns None",
        text="Your function returns `None`. Is the `return` missing, or a `print` in its place?",
        rule="the answer is what the function returns",
    ),
    "raises": Words(
        kind="the function stops with an error",
        brief="stops with an error",
        text="It stops with an error[ in line {line}][: {error}].",
        rule="read the last line of the error first; where shapes disagree, write them below each factor",
    ),
    "non-finite": Words(
        kind="values that are not finite",
        brief="NaN or infinity in the result",
        text="The result contains NaN or infinity[ ({value})][, first at entry {entry}]. Look for a "
        "division by zero, a `log` of zero, or an `exp` of a large number.",
        rule="at which values each of your steps is defined",
    ),
    "not-implemented": Words(
        kind="not written yet",
        brief="not written yet",
        text="Not written yet: the function `{answer}` is missing or still the empty stub.",
        rule="start with the smallest case on paper, then write it down",
    ),
    "not-recognised": Words(
        kind="no known mistake",
        brief="wrong, and no known mistake explains it",
        text="Wrong, and no known mistake explains it.[ Your result has the shape {got}, asked for is "
        "{expected}.][ {wrong} of {size} entries are off, the first one is {entry}.][ Seen at "
        "{sizes}.][ The largest deviation is {deviation} times the size of its terms.]",
        rule="do it step by step: fill in the intermediate derivatives (`grad_` and the step's name) and "
        "check again, the first wrong one shows where to look",
    ),
}

FACTOR = {
    "large": "{expr} times too large",
    "small": "{expr} times too small",
    "other": "{expr} times the right one",
    "direction": "Direction right.",
    "at": "{factor}× at {sizes}",
    "between": ", ",
    "everywhere": "{factor}× on every probe",
    "n": "the mean over the batch is missing",
    "1/n": "it is divided by the size of the batch once too often",
    "n/size": "it is divided by {name} where the number of examples belongs",
    "size/n": "it is divided by the number of examples where {name} belongs",
    "k": "a mean over the outputs is missing",
    "1/k": "it is averaged over the outputs, too, which this loss does not do",
    "d": "it is multiplied by the number of features",
    "1/d": "it is divided by the number of features, too, which this loss does not do",
    "many": "a factor {constant} too many; compare the constant in front of the loss with what "
    "differentiating brings down",
    "lost": "a factor {constant} is lost; see whether the constant in front of the loss was used twice, or "
    "what differentiating brings down left out",
    "n-1": "a division by n − 1 where n belongs, or the other way round",
    "lr": "the learning rate is no part of a gradient",
    "name": "`{name}` is used as a factor once too often",
    "1/name": "`{name}` is missing as a factor, or divides what it should not",
    "join": "; ",
}

CONVENTION = {
    "sentence": "This is the right gradient under another common convention ({list}); here the loss is "
    "defined otherwise.",
    "sum": "the losses summed",
    "mean": "the losses averaged",
    "with-half": "the square halved",
    "without-half": "the square not halved",
}

FINDINGS = {
    "runs": "it runs",
    "shape": "shape",
    "dtype": "floating-point values",
    "finite": "all values finite",
    "direction": "direction",
    "sign": "sign",
    "scale": "scale",
    "value": "values",
    "kink": "a subgradient at the kink",
    "repeatable": "repeatable",
    "inputs-unchanged": "inputs left unchanged",
}

CHANGES = {
    "sign": "a sign",
    "order": "the order of two operands",
    "operator": "an operator",
    "constant": "a number, or what is done with it",
    "axis": "an axis",
    "keepdims": "`keepdims`",
    "transposition": "a transposition",
    "name": "a name",
    "call": "a function that is called there, or is not",
    "comparison": "a comparison",
    "branches": "which branch is which",
    "index": "an index",
    "range": "a range",
    "accumulation": "how a sum is collected",
    "indentation": "whether a line belongs to the loop",
    "statement-order": "the order of two lines",
    "too-much": "something that is too much",
    "factor": "a factor that is missing",
    "term": "a term that is missing",
    "shape": "the shape",
}

FINDING_NOTES = {
    "dtype": "judged with the precision of {got}",
    "kink": "at a kink any subgradient is right",
}

TOPICS = {
    "chain": "The chain rule",
    "one-weight": "One example, one weight",
    "one-example": "One example, many weights",
    "sum": "The minibatch: sum",
    "mean": "The mean",
    "step": "The SGD step",
    "matrix": "The matrix form and the transpose",
    "outputs": "Several outputs",
    "squared": "Squared",
    "huber": "Huber",
    "quantile": "Quantile",
    "penalty": "The L2 penalty",
    "second": "Second derivatives",
    "softmax": "The softmax and the logistic loss",
    "hidden": "A hidden layer",
    "norm": "Normalisation and attention",
    "check": "Checking a gradient numerically",
}

UI = {
    "stopped": "Line {line} of the loss, `{code}`, cannot be followed: {why} The loss counts as a single "
    "step: answers are judged, but no mistake inside of it is named.",
    "stop-number": "it asks for a plain number (math.exp, float, item, an entry of a plain array). Write "
    "NumPy's function: np.exp(z) for math.exp(z), z for float(z), np.stack for an array that is filled.",
    "stop-branch": "what it does depends on a value (if, and, max). Write np.where(condition, this, that), "
    "or np.maximum(a, b) for max(a, b).",
    "stop-array": "it makes a plain array of the values, as a library beside NumPy does. Write NumPy's "
    "functions.",
    "stop-loop": "how many steps there are depends on the sizes, as in a loop over the rows. Write it with "
    "whole arrays: X @ w for a sum over entries, np.sum(a) for adding up.",
    "stop-changed": "followed step by step it gives another loss, as where part of an array is changed "
    "through another name, or numbers are drawn at random. Write new arrays; make random numbers an input.",
    "stop-error": "it does something that only plain arrays can do. Write it with NumPy's functions.",
    "proved": "{exercise}: the probes ({sizes}) tell all {mistakes} known mistakes apart, save {twins} "
    "pairs that are the same formula.",
    "not-proved": "{exercise}: these probes ({sizes}) cannot tell apart:",
    "proved-scalar": "{exercise}: the probes tell all {mistakes} known mistakes apart, save {twins} "
    "pairs that are the same formula.",
    "not-proved-scalar": "{exercise}: these probes cannot tell apart:",
    "proof-twins": "The same formula under two names:",
    "file-error": "The file itself stops in line {line} ({error}); what stands below is not there.",
    "printed-loading": "Printed while the file was loaded:",
    "printed": "Printed by `{name}` on the first probe:",
    "skipped": "Skipped: {why}",
    "started": "{path} is written. Fill in {answers}, then: npreg check {path}",
    "space": " ",
    "scalar": "() (a scalar)",
    "steps": "Derivatives of the steps, from the loss inwards: {list}.",
    "first-wrong": "The first wrong one, so the link to look at, is `{step}`.",
    "twin": "{code} ({brief})",
    "line": "line {line}",
    "cell": "cell {cell}, line {line}",
    "place-alone": "One change here, in {where}, is enough to make this answer right:",
    "place-alone-line": "One change in {where} is enough to make this answer right.",
    "place-one": "One of the mistakes (`{code}`) is here, in {where}:",
    "place-one-line": "One of the mistakes is in {where}.",
    "place-kind": "What is to change there: {kind}.",
    "not-written": "not written yet",
    "names": "The file defines `{found}`; the answer is looked for under the name `{answer}`.",
    "more-help": "More help: --hints 4 (the rule to look at again), --by-hand (a small example).",
    "more-hints": "More help: --hints {stage} (more about the mistake), --by-hand (a small example).",
    "next": "Next: npreg start {exercise}",
    "done": "That was the last exercise of the course.",
    "no-solution": "The file of the exercise {exercise} holds no solution to show.",
    "colon": ": ",
    "by-hand": "By hand, the smallest whole numbers on which `{answer}` is wrong ({sizes}):",
    "by-hand-scalar": "By hand, the smallest whole numbers on which `{answer}` is wrong:",
    "by-hand-yours": "Your `{answer}` gives {value} there. Work it out on paper and compare.",
    "by-hand-none": "By hand: no example of up to three rows and columns shows what is wrong with "
    "`{answer}`.",
    "gradient": "Your gradient",
    "gradient_inner": "your gradient",
    "answer": "Your `{answer}`",
    "answer_inner": "your `{answer}`",
    "all-right": "{exercise}: all right ({count} of {count}).",
    "some-right": "{exercise}: {right} of {count} answers right.",
    "right": "right",
    "wrong": "wrong",
    "already": "Already right: {list}.",
    "not-yet": "Not yet: {list}.",
    "nothing-right": "Nothing to confirm yet.",
    "kind": "Kind of mistake: {kind}.",
    "kinds": "Two mistakes at once: {kind}.",
    "also": "The same numbers would also come from: {list}.",
    "more": "{count} more",
    "step": "It first goes wrong at the step `{step}`.",
    "own-kind": "a mistake described by your teacher",
    "own-rule": "the derivation of this exercise",
    "look": "The rule to look at again: {rule} ({place}).",
    "place": '"{title}" in docs/derivation.md#{anchor}',
    "cut": "... {count} more lines",
    "list": ", ",
    "joint": " and ",
    "note": "{name}: {note}.",
}
