"""Every python block of the README and of the pages in docs/ runs, and every displayed equation is checked.

The pages with equations are tested twice over: that they hold, and that they would not hold with a factor,
a sign, a transpose or an index wrong (so that the checks on the page are known to be able to fail).
"""

from __future__ import annotations

import ast
import copy
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from pages import ROOT, Block, blocks, equations, fresh_namespace, load, prose, run_page, run_statement

PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")])
WITH_EQUATIONS = [ROOT / "docs" / name for name in ("derivation.md", "moments.md")]
OPTIONAL = {"dask", "distributed", "sklearn", "torch", "tqdm", "pandas", "scipy", "numba", "jax"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def a_quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A temporary working directory and no window; warnings are errors by the suite's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        pyplot = sys.modules["matplotlib.pyplot"]
        pyplot.close("all")
        pyplot.rcdefaults()
        pyplot.switch_backend("Agg")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_page_runs(path: Path) -> None:
    try:
        run_page(read(path), name_of(path))
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}")


def test_a_failing_line_is_reported_with_its_place_on_the_page() -> None:
    text = "# A page\n\ntext\n\n```python\nx = 1\nassert x == 2\n```\n"
    with pytest.raises(AssertionError) as caught:
        run_page(text, "page.md")
    last = caught.traceback[-1]
    assert last.frame.code.raw.co_filename == "page.md"
    assert last.lineno + 1 == 7


def test_a_warning_on_a_page_is_an_error() -> None:
    with pytest.raises(RuntimeWarning, match="divide by zero"):
        run_page("```python\nimport numpy as np\n\nnp.ones(1) / 0\n```\n", "page.md")


def test_pages_do_not_see_each_other() -> None:
    run_page("```python\nleft_behind = 1\n```\n", "page.md")
    with pytest.raises(NameError):
        run_page("```python\nleft_behind\n```\n", "other.md")


def test_sessions_are_compared_with_what_they_print() -> None:
    run_page("```python\n>>> 1 + 1\n2\n```\n", "page.md")
    with pytest.raises(Exception, match="DocTest"):
        run_page("```pycon\n>>> 1 + 1\n3\n```\n", "page.md")


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # matplotlib 3.8 with a new pyparsing
def test_pictures_are_drawn_by_their_script(tmp_path: Path) -> None:
    figures = load(ROOT / "docs" / "figures.py")
    figures.main(tmp_path)
    drawn = {path.name for path in tmp_path.glob("*.svg")}
    assert drawn == {path.name for path in (ROOT / "docs" / "figures").glob("*.svg")}
    assert all((tmp_path / name).read_text(encoding="utf-8").rstrip().endswith("</svg>") for name in drawn)


# Links and headings


def anchors(text: str) -> set[str]:
    """The anchors GitHub makes of a page's headings: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ +(.*)$", prose(text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(read(path))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{name_of(path)}: {target}"
        assert not anchor or anchor in anchors(read(there)), f"{name_of(path)}: {target}"


def test_references_to_the_derivation_from_the_code_lead_somewhere() -> None:
    known = {name: anchors(read(ROOT / "docs" / name)) for name in [path.name for path in WITH_EQUATIONS]}
    for path in [*(ROOT / "npreg").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]:
        for page, anchor in re.findall(r"(\w+\.md)#([\w-]+)", read(path)):
            assert anchor in known.get(page, {anchor}), f"{path.relative_to(ROOT)}: {page}#{anchor}"


@pytest.mark.parametrize(
    "heading",
    [
        "the chain rule",
        "one example, one weight",
        "one example, many weights",
        "the minibatch: sum",
        "the mean",
        "the matrix form and the transpose",
        "several outputs",
        "squared",
        "absolute",
        "huber",
        "log-cosh",
        "quantile",
        "the l2 penalty",
        "second derivatives",
        "the softmax and the logistic loss",
        "a hidden layer",
        "normalisation and attention",
        "checking a gradient numerically",
    ],
)
def test_each_section_of_the_derivation_holds_checked_equations(heading: str) -> None:
    found = [block for block in blocks(read(WITH_EQUATIONS[0])) if block.heading.lower() == heading]
    assert sum(map(count_equations, found)) >= 1


# Equations: shown, justified, checked


def count_equations(block: Block) -> int:
    return sum(map(equations.is_equation, block.statements()))


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
        return (
            node.value if node.attr == "T" and self.here("a transpose dropped") else self.generic_visit(node)
        )

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
