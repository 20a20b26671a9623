"""Writes the displayed equations of a page from the checks below them, so that the two cannot differ.

On the pages `derivation.md` and `moments.md` every equation is a line of Python first:

    same(derivative(lambda r: r**2 / 2, r), r, "power rule")

It is executed by the tests, and it is shown: this script turns each fenced python block that holds such
lines (a `same` with its reason as the third argument) into a fenced math block above it.

    python docs/equations.py docs/derivation.md docs/moments.md

rewrites the pages in place; the tests fail where a page is not what this script would write.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```[ \t]*$\n?",
    re.MULTILINE | re.DOTALL,
)

GREEK = {
    "beta",
    "delta",
    "ell",
    "epsilon",
    "eta",
    "gamma",
    "kappa",
    "lam",
    "mu",
    "rho",
    "sigma",
    "tau",
    "theta",
}
ACCENTS = {"hat": r"\hat", "tilde": r"\tilde", "bar": r"\overline"}
FUNCTIONS = {
    "log": r"\log",
    "tanh": r"\tanh",
    "sinh": r"\sinh",
    "cosh": r"\cosh",
    "sin": r"\sin",
}
FUNCTIONS |= {
    "cos": r"\cos",
    "linalg.cond": r"\mathrm{cond}",
    "maximum": r"\max",
    "minimum": r"\min",
    "max": r"\max",
}
SYMBOLS = {"zero": "0", "one": "1"}
COMPARISONS = {ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge", ast.Eq: "="}

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)  # how strongly an expression binds


def show_page(text: str) -> str:
    """The page with the math block above each python block that holds equations written anew."""
    text = re.sub(r"^```math\n.*?^```\n\n", "", text, flags=re.MULTILINE | re.DOTALL)

    def with_equations(fence: re.Match[str]) -> str:
        shown = show_block(fence["body"]) if fence["info"].strip() == "python" else ""
        return f"```math\n{shown}\n```\n\n{fence[0]}" if shown else fence[0]

    return FENCE.sub(with_equations, text)


def show_block(code: str) -> str:
    """The equations of a python block in LaTeX, or "" where it holds none.

    A block that holds a `same` with a reason is shown: its assignments as definitions, each `same` as an
    equation.  Where an equation starts with what the one before ended with, only its right side is shown.
    """
    body = ast.parse(code).body
    if not any(is_equation(node) for node in body):
        return ""
    lines, last = [], None
    for node in body:
        if is_equation(node):
            left, right, reason = node.value.args  # type: ignore[attr-defined]
            shown = "" if ast.dump(left) == last else show(left)
            lines.append(f"{shown} &= {show(right)}".lstrip())
            lines.append(f"& \\quad \\small\\text{{{reason.value}}}")
            last = ast.dump(right)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            lines.append(show_definition(node))
            last = None
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def is_equation(node: ast.stmt) -> bool:
    """Whether a statement is `same(left, right, "reason")`."""
    match node:
        case ast.Expr(ast.Call(ast.Name("same"), [_, _, ast.Constant(str())])):
            return True
    return False


def show_definition(node: ast.Assign) -> str:
    name, value = show(node.targets[0]), node.value
    if isinstance(value, ast.Lambda):
        name, value = f"{name}({', '.join(map(show_name, arguments(value)))})", value.body
    return f"{name} &:= {show(value)}"


def show(node: ast.expr, binds: int = SUM) -> str:
    """An expression in LaTeX, in parentheses where it binds less strongly than `binds`."""
    text, strength = latex(node)
    return text if strength >= binds else brackets(text)


def brackets(text: str) -> str:
    """Round brackets, as high as what stands in them; low ones are kept plain, they are spaced better."""
    high = any(sign in text for sign in (r"\frac", r"\sum", r"\left", r"\begin", "^"))
    return rf"\left({text}\right)" if high else f"({text})"


def latex(node: ast.expr) -> tuple[str, int]:
    """An expression in LaTeX, and how strongly it binds."""
    match node:
        case ast.Name(name):
            return show_name(name), ATOM
        case ast.Constant(value):
            return show_number(value), ATOM
        case ast.UnaryOp(ast.USub(), operand):
            return f"-{show(operand, PRODUCT)}", SIGN if isinstance(
                operand, ast.Constant
            ) else SUM
        case ast.BinOp(left, op, right):
            return show_operation(left, op, right)
        case ast.Attribute(ast.Name("np"), "pi"):
            return r"\pi", ATOM
        case ast.Attribute(value, "T"):
            return rf"{show(value, ATOM)}^\top", POWER
        case ast.Subscript(value, index):
            base = show(value, ATOM)
            return (
                f"{base}_{{{show_index(index)}}}",
                POWER if value.__class__ is ast.Attribute else ATOM,
            )
        case ast.List(elements):
            return rf"\left[{', '.join(map(show, elements))}\right]", ATOM
        case ast.ListComp():
            return show_array(node), ATOM
        case ast.Compare(left, ops, rights):
            pairs = zip(ops, rights, strict=True)
            return show(left) + "".join(
                f" {COMPARISONS[type(op)]} {show(right)}" for op, right in pairs
            ), SUM
        case ast.Call():
            return show_call(node)
    raise ValueError(f"line {node.lineno}: no way to show {ast.unparse(node)}")


def show_operation(left: ast.expr, op: ast.operator, right: ast.expr) -> tuple[str, int]:
    match op:
        case ast.Add():
            return f"{show(left)} + {show(right)}", SUM
        case ast.Sub():
            return f"{show(left)} - {show(right, PRODUCT)}", SUM
        case ast.Mult():
            binds = (
                SUM if isinstance(left, ast.UnaryOp) else PRODUCT
            )  # a sign in front needs no brackets
            return rf"{show(left, binds)} \cdot {show(right, SIGN)}", PRODUCT
        case ast.MatMult():
            return rf"{show_row(left)} \, {show(right, SIGN)}", PRODUCT
        case ast.Div():
            return rf"\frac{{{show(left)}}}{{{show(right)}}}", SIGN
        case ast.Pow():
            return f"{show(left, ATOM)}^{{{show(right)}}}", POWER
    raise ValueError(f"no way to show the operator {op.__class__.__name__}")


def show_row(left: ast.expr) -> str:
    """The left factor of a matrix product: a vector there is a row, which NumPy does not distinguish."""
    is_row_already = (
        isinstance(left, ast.BinOp)
        and isinstance(left.op, ast.MatMult)
        and rank(left.left) == 1
    )
    if rank(left) == 1 and not is_row_already:
        return rf"{show(left, ATOM)}^\top"
    entry_by_entry = (
        isinstance(left, ast.BinOp)
        and isinstance(left.op, ast.Mult)
        and rank(left.left) > 0
    )
    return show(left, SIGN if entry_by_entry else PRODUCT)


def rank(node: ast.expr) -> int:
    """0, 1 or 2 for a number, vector or matrix, told by the names: matrices have capital letters."""
    match node:
        case ast.Name(name):
            return 2 if name[0].isupper() else 1
        case ast.Attribute(value) | ast.UnaryOp(_, value):
            return rank(value)
        case ast.Subscript(value, index):
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            return rank(value) - sum(not isinstance(part, ast.Slice) for part in parts)
        case ast.BinOp(left, ast.MatMult(), right):
            return rank(left) + rank(right) - 2
        case ast.BinOp(left, _, right):
            return max(rank(left), rank(right))
        case ast.Call(ast.Attribute(_, "eye" | "diag" | "outer" | "block")):
            return 2
        case ast.Call(ast.Name(name), args):
            return 2 if name[0].isupper() else max(map(rank, args))
        case ast.Call(_, args):
            return max(map(rank, args))
    return 0


def show_call(node: ast.Call) -> tuple[str, int]:
    args = node.args
    match ast.unparse(node.func), args:
        case "derivative", [ast.Lambda() as function, at]:
            return show_derivative(function, at)
        case "derivative", [function, at]:
            return f"{show(function)}'{brackets(show(at))}", ATOM
        case "sum", [ast.GeneratorExp(element, [generator])]:
            return rf"\sum_{{{show(generator.target)}}} {show(element, PRODUCT)}", PRODUCT
        case "np.sum", [array]:
            return rf"\sum{show_axis(node)} {show(array, PRODUCT)}", PRODUCT
        case "np.mean", [array]:
            return rf"\mathrm{{mean}}{show_axis(node)}{brackets(show(array))}", ATOM
        case "np.exp", [power]:
            return f"e^{{{show(power)}}}", POWER
        case "np.sqrt", [radicand]:
            return rf"\sqrt{{{show(radicand)}}}", ATOM
        case "np.abs" | "abs", [value]:
            return rf"\left|{show(value)}\right|", ATOM
        case "np.where", [condition, yes, no]:
            yes_no = rf"{show(yes)} & \text{{where }} {show(condition)} \\ {show(no)} & \text{{elsewhere}}"
            return rf"\begin{{cases}} {yes_no} \end{{cases}}", SUM
        case "np.outer", [column, row]:
            return rf"{show(column, SIGN)} \, {show(row, ATOM)}^\top", PRODUCT
        case "np.block", [ast.List(rows)]:
            entries = [
                " & ".join(map(show, row.elts)) for row in rows if isinstance(row, ast.List)
            ]
            return r"\begin{pmatrix} " + r" \\ ".join(entries) + r" \end{pmatrix}", ATOM
        case "np.append", [upper, lower]:
            return (
                rf"\begin{{pmatrix}} {show(upper)} \\ {show(lower)} \end{{pmatrix}}",
                ATOM,
            )
        case "np.zeros", [_]:
            return "0", ATOM
        case "np.eye", [_]:
            return "I", ATOM
        case "np.ones", [_]:
            return r"\mathbf{1}", ATOM
        case "np.linalg.inv", [matrix]:
            return f"{show(matrix, ATOM)}^{{-1}}", POWER
        case name, _:
            function = FUNCTIONS.get(name.removeprefix("np.")) or show_name(
                name.removeprefix("np.")
            )
            return function + brackets(", ".join(map(show, args))), ATOM
    raise ValueError(f"line {node.lineno}: no way to show {ast.unparse(node)}")


def show_derivative(function: ast.Lambda, at: ast.expr) -> tuple[str, int]:
    (variable,) = arguments(function)
    body = function.body
    named = (
        isinstance(body, ast.Call)
        and isinstance(body.func, ast.Name)
        and body.func.id != "sum"
    )
    if named and all(isinstance(arg, ast.Name) for arg in body.args):  # type: ignore[attr-defined]
        text = rf"\frac{{\partial {show(body.func)}}}{{\partial {show_name(variable)}}}"  # type: ignore[attr-defined]
    else:
        text = (
            rf"\frac{{\partial}}{{\partial {show_name(variable)}}}\left[{show(body)}\right]"
        )
    if isinstance(at, ast.Name) and at.id == variable:
        return text, SIGN
    return rf"\left.{text}\right|_{{{show_name(variable)} = {show(at)}}}", SIGN


def show_array(node: ast.expr) -> str:
    """`[[A[i, j] for j in …] for i in …]` as [A_ij]_ij."""
    indices = ""
    while isinstance(node, ast.ListComp):
        indices += show(node.generators[0].target)
        node = node.elt
    return rf"\left[{show(node)}\right]_{{{indices}}}"


def show_axis(node: ast.Call) -> str:
    """A reduction's axis as the index that is summed over: i counts rows, j columns."""
    axes = [keyword.value for keyword in node.keywords if keyword.arg == "axis"]
    return f"_{{{'ij'[ast.literal_eval(axes[0])]}}}" if axes else ""


def show_index(index: ast.expr) -> str:
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    if any(isinstance(part, ast.Slice) for part in parts):
        return ", ".join(ast.unparse(part).replace(":", "{:}") for part in parts)
    shown = [show(part) for part in parts]
    return "".join(shown) if all(len(part) == 1 for part in shown) else " ".join(shown)


def show_name(name: str) -> str:
    """y_hat, W1, grad_w, lam … as they are written by hand."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    base, *below = name.split("_")
    if below == ["star"]:
        return f"{show_name(base)}^{{*}}"
    if below and below[0] in ACCENTS:
        return rf"{ACCENTS[below[0]]}{{{base}}}" + (
            f"_{{{show_name(below[1])}}}" if below[1:] else ""
        )
    if below:
        return f"{show_name(base)}_{{{' '.join(map(show_name, below))}}}"
    if base in GREEK:
        return "\\" + {"lam": "lambda"}.get(base, base)
    if match := re.fullmatch(r"([A-Za-z])(\d+)", base):
        return f"{match[1]}_{match[2]}"
    return base if len(base) == 1 or base.isdigit() else rf"\mathrm{{{base}}}"


def show_number(value: object) -> str:
    mantissa, _, exponent = repr(value).partition("e")
    return (
        mantissa
        if not exponent
        else f"10^{{{int(exponent)}}}"
        if mantissa == "1"
        else (rf"{mantissa} \cdot 10^{{{int(exponent)}}}")
    )


def arguments(function: ast.Lambda) -> list[str]:
    return [argument.arg for argument in function.args.args]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(
            show_page(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n"
        )
