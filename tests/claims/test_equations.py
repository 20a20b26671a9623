"""The equations of the pages in docs/ hold, are shown as they are checked, and give their reasons.

They are tested twice over: that they hold, and that they would not hold with a factor, a sign, a transpose
or an index wrong, so that the checks on the pages are known to be able to fail.
"""

from __future__ import annotations

import ast
import copy
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import (
    WITH_EQUATIONS,
    blocks,
    count_equations,
    equations,
    fresh_namespace,
    name_of,
    prose,
    read,
    run_page,
    run_statement,
)


def check_equations(text: str, name: str) -> None:
    """What a page with equations promises; the first breach raises AssertionError."""
    assert equations.show_page(text) == text, f"run: python docs/equations.py {name}"
    for line in prose(text).splitlines():
        assert not re.search(r"\$| = ", line), f"{name}: an equation in the text has no check: {line}"
    run_page(text, name)


@pytest.mark.parametrize("path", WITH_EQUATIONS, ids=name_of)
def test_each_displayed_equation_is_what_its_check_says(path: Path) -> None:
    text = read(path)
    check_equations(text, name_of(path))
    formulas = [fence["body"] for fence in equations.FENCE.finditer(text) if fence["info"] == "math"]
    assert sum(formula.count("&= ") for formula in formulas) == sum(map(count_equations, blocks(text))) > 0


@pytest.mark.parametrize("path", WITH_EQUATIONS, ids=name_of)
def test_each_equation_gives_its_reason(path: Path) -> None:
    for block in blocks(read(path)):
        for node in filter(equations.is_equation, block.statements()):
            assert len(node.value.args[2].value.split()) >= 2, f"{name_of(path)}:{node.lineno}"


PLANTED = {
    "a factor in a formula": (r"&= r \\cdot x\b", r"&= 2 \\cdot r \\cdot x"),
    "a sign in a formula": (r"&= -", r"&= "),
    "a transpose in a formula": (r"X\^\\top \\, r\b", r"X \\, r"),
    "a formula without a check": (r"\n## The mean\n", "\n```math\na &= b\n```\n\n## The mean\n"),
    "an equation in the text": (r"\n## The mean\n", "\n$a = b$\n\n## The mean\n"),
    "a check without its formula": (r"```math\n.*?^```\n\n", ""),
    "a factor in a check": (r"X\.T @ r / n \+ lam \* w,", "X.T @ r / n + 2 * lam * w,"),
    "a sign in a check": (r"r \* x, \"minus times minus", '-r * x, "minus times minus'),
    "a transpose in a check": (r"E\.T @ Q", "E @ Q"),
    "a reduction in a check": (r"np\.sum\(R, axis=0\),", "np.sum(R, axis=1),"),
    "npreg's function for another": (r"npreg\.huber_loss_grad\(r", "npreg.absolute_loss_grad(r"),
}


@pytest.mark.parametrize("error", PLANTED)
def test_a_planted_error_is_found(error: str) -> None:
    pattern, wrong = PLANTED[error]
    text = read(WITH_EQUATIONS[0])
    planted = re.sub(pattern, wrong, text, count=1, flags=re.MULTILINE | re.DOTALL)
    assert planted != text
    if "formula" not in error and "text" not in error:  # only the numbers can tell then
        planted = equations.show_page(planted)
    with pytest.raises((AssertionError, ValueError, TypeError)):
        check_equations(planted, "derivation.md")


# Test the tester: an equation with anything wrong in it must not pass


class Mutant(ast.NodeTransformer):
    """Plants error number `which` into an expression; without one, `count` says how many there are."""

    def __init__(self, which: int = -1) -> None:
        self.which, self.count, self.what = which, 0, ""

    def here(self, what: str) -> bool:
        self.count += 1
        if self.count - 1 == self.which:
            self.what = what
            return True
        return False

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node  # what is differentiated is the question; a constant wrong in it leaves the answer right

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        turned: dict[type[ast.operator], ast.operator]
        turned = {ast.Add: ast.Sub(), ast.Sub: ast.Add(), ast.Div: ast.Mult()}
        if type(node.op) in turned and self.here(f"{node.op.__class__.__name__} turned around"):
            node.op = turned[type(node.op)]
        elif isinstance(node.op, ast.Mult) and self.here("a factor dropped"):
            return node.left
        elif is_product(node) and self.here("matrices in the other order"):
            node.left, node.right = node.right, node.left
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        return node.operand if self.here("a sign dropped") else self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return node.value if node.attr == "T" and self.here("a transpose dropped") else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
        return ast.Constant(node.value + 1) if number and self.here("a number") else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.slice, ast.Tuple) and self.here("indices in the other order"):
            node.slice.elts.reverse()
        node.value = self.visit(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if self.here("a comparison turned around"):
            node.left, node.comparators = node.comparators[0], [node.left]
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        if node.arg == "axis" and self.here("the other axis"):
            node.value = ast.Constant(1 - ast.literal_eval(node.value))
        return node


def is_product(node: ast.BinOp) -> bool:
    """Whether it is a product of two matrices: by convention of the pages they have capital letters."""
    factors = [side.value if isinstance(side, ast.Attribute) else side for side in (node.left, node.right)]
    matrices = [isinstance(factor, ast.Name) and factor.id[0].isupper() for factor in factors]
    return isinstance(node.op, ast.MatMult) and all(matrices)


def mutants(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    """The expression with one error planted, for each error that can be."""
    yield doubled(node), "twice"
    yield negated(node), "negative"
    counter = Mutant()
    counter.visit(copy.deepcopy(node))
    for which in range(counter.count):
        mutant = Mutant(which)
        yield mutant.visit(copy.deepcopy(node)), mutant.what


def passes(node: ast.stmt, namespace: dict[str, Any]) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run_statement(node, "mutant", namespace)
    except (AssertionError, ValueError, IndexError, TypeError):
        return False
    return True


# Changed, and true nevertheless: the equation says just that.
TRUE_ANYWAY = {
    "(np.abs(0 - h) - np.abs(0)) / h",  # |−h| is |h|
    "(np.abs(0 + h) - np.abs(0)) / -h",
    "(np.abs(0 + h) + np.abs(0)) / h",  # |0| is 0
    "(np.abs(0 - h) + np.abs(0)) / -h",
    "r",  # r times 1
    "s(x)",  # the positive root is its own absolute value
    "p - y",  # the labels of one example sum to 1
    "H",  # the Hessian is symmetric
    "M[p, :p]",  # and so is a moment matrix
}


def survivors(text: str) -> tuple[list[str], int]:
    """The equations that still pass with an error planted into one side, and how many were tried."""
    namespace, alive, tried = fresh_namespace(), [], 0
    for block in blocks(text):
        for node in block.statements():
            if equations.is_equation(node):
                for side in (0, 1):
                    original = node.value.args[side]  # type: ignore[attr-defined]
                    for wrong, what in mutants(original):
                        planted = copy.deepcopy(node)
                        planted.value.args[side] = wrong  # type: ignore[attr-defined]
                        tried += 1
                        if ast.unparse(wrong) not in {ast.unparse(original), *TRUE_ANYWAY} and passes(
                            planted, namespace
                        ):
                            alive.append(f"line {node.lineno}, {what}: {ast.unparse(planted)}")
            run_statement(node, "page", namespace)
    return alive, tried


def definitions_that_may_be_wrong(text: str) -> tuple[list[str], int]:
    """The displayed definitions that can be doubled or negated and no later line of the section fails."""
    namespace, alive, tried = fresh_namespace(), [], 0
    sections: dict[str, list[tuple[ast.stmt, bool]]] = {}
    for block in blocks(text):
        shown = count_equations(block) > 0
        sections.setdefault(block.heading, []).extend((node, shown) for node in block.statements())
    for heading, nodes in sections.items():
        for at, (node, shown) in enumerate(nodes):
            if shown and isinstance(node, ast.Assign):
                rest = [later for later, _ in nodes[at + 1 :]]
                for wrong in doubled_and_negated(node):
                    tried += 1
                    trial = copy_of(namespace)
                    if all(passes(later, trial) for later in [wrong, *rest]):
                        alive.append(f"{heading}: {ast.unparse(wrong)}")
            run_statement(node, "page", namespace)
    return alive, tried


def doubled(value: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(2), ast.Mult(), value)


def negated(value: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), value)


def doubled_and_negated(node: ast.Assign) -> Iterator[ast.Assign]:
    for change in (doubled, negated):
        wrong = copy.deepcopy(node)
        if isinstance(wrong.value, ast.Lambda):
            wrong.value.body = change(wrong.value.body)
        else:
            wrong.value = change(wrong.value)
        yield wrong


def copy_of(namespace: dict[str, Any]) -> dict[str, Any]:
    """A namespace in which statements can run without a trace in the first: functions look up names in it."""
    copied = fresh_namespace()
    for name, value in namespace.items():
        if isinstance(value, FunctionType) and value.__globals__ is namespace:
            value = FunctionType(value.__code__, copied, name, value.__defaults__, value.__closure__)
        elif isinstance(value, (np.ndarray, np.random.Generator)):
            value = copy.deepcopy(value)
        copied[name] = value
    return copied


@pytest.mark.parametrize("path", WITH_EQUATIONS, ids=name_of)
def test_no_definition_can_be_wrong_unnoticed(path: Path) -> None:
    alive, tried = definitions_that_may_be_wrong(read(path))
    assert tried > 10
    assert not alive, "\n".join(alive)


@pytest.mark.parametrize("path", WITH_EQUATIONS, ids=name_of)
def test_no_equation_survives_an_error(path: Path) -> None:
    alive, tried = survivors(read(path))
    assert tried > 100
    assert not alive, "\n".join(alive)


# The formula that is shown is the one that is checked


def from_latex(text: str) -> str:
    """Read a formula of numbers back, as someone does who never saw the Python."""
    while match := re.search(r"\\frac(?=\{)", text):
        numerator, rest = braces(text[match.end() :])
        denominator, rest = braces(rest)
        text = f"{text[: match.start()]}(({numerator})/({denominator})){rest}"
    while match := re.search(r"\^(?=\{)", text):
        power, rest = braces(text[match.end() :])
        text = f"{text[: match.start()]}**({power}){rest}"
    return text.replace(r"\left", "").replace(r"\right", "").replace(r"\cdot", "*")


def braces(text: str) -> tuple[str, str]:
    """What stands in the braces that `text` starts with, and what follows them."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return text[1:i], text[i + 1 :]
    raise AssertionError(f"unbalanced: {text}")


def combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.builds("({} {} {})".format, parts, st.sampled_from(["+", "-", "*", "/"]), parts)
    return binary | st.builds("(-{})".format, parts) | st.builds("({} ** {})".format, parts, st.sampled_from("23"))


@given(st.recursive(st.sampled_from(["a", "b", "c", "2", "3"]), combined, max_leaves=8))
def test_a_shown_formula_means_what_its_python_means(expression: str) -> None:
    shown = equations.show(ast.parse(expression, mode="eval").body)
    values = {"a": 1.7, "b": -0.6, "c": 2.9}
    try:
        expected = eval(expression, values.copy())
    except (ZeroDivisionError, OverflowError):
        return
    assert eval(from_latex(shown), values.copy()) == pytest.approx(expected, rel=1e-9, abs=1e-9), shown


@pytest.mark.parametrize(
    ("python", "shown"),
    [
        ("x @ w + b", r"x^\top \, w + b"),
        ("X @ w", r"X \, w"),
        ("X.T @ (y_hat - y)", r"X^\top \, (\hat{y} - y)"),
        ("v @ H @ v", r"v^\top \, H \, v"),
        ("(X.T @ u) @ v", r"\left(X^\top \, u\right)^\top \, v"),
        ("(A * B) @ v", r"(A \cdot B) \, v"),
        ("A @ (B * C)", r"A \, (B \cdot C)"),
        ("sum(r[i] * X[i, j] for i in range(n))", r"\sum_{i} r_{i} \cdot X_{ij}"),
        ("[[W[j, c] for c in range(k)] for j in range(d)]", r"\left[W_{jc}\right]_{jc}"),
        ("np.sum(G * U, axis=0)", r"\sum_{i} G \cdot U"),
        ("derivative(lambda w: loss(w, b), w)", r"\frac{\partial \mathrm{loss}}{\partial w}"),
        ("derivative(f, g(x))", "f'(g(x))"),
        ("lam / 2 * W1", r"\frac{\lambda}{2} \cdot W_1"),
    ],
)
def test_how_an_expression_is_shown(python: str, shown: str) -> None:
    assert equations.show(ast.parse(python, mode="eval").body) == shown


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(ValueError, match="no way to show"):
        equations.show(ast.parse("a if b else c", mode="eval").body)
