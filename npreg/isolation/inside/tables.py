"""What can be changed in a piece of code, as data: rows of ``kind cost code``.

The kind says what sort of thing is changed, and a token changed is cheaper than one added. The code is what comes to
stand there: ``_e`` is the expression that stood there, ``_l`` and ``_r`` its two operands, ``_c`` a condition; ``{v}``
is a variable, ``{s}`` a size or setting.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

BINARY = {
    ast.Add: "sign 1 _l - _r; operator 1.2 _l * _r",
    ast.Sub: "sign 1 _l + _r; order 1.1 _r - _l; too-much 1.7 -_r",
    ast.Mult: "operator 1 _l @ _r; operator 1.2 _l / _r; operator 1.4 _l + _r; operator 1.7 np.outer(_l, _r);"
    "operator 1.7 _l.T @ _r; operator 1.7 _r.T @ _l",
    ast.MatMult: "operator 1 _l * _r; order 1.1 _r @ _l; order 1.6 _r.T @ _l; order 1.6 _r @ _l.T;"
    "operator 1.6 np.outer(_l, _r)",
    ast.Div: "operator 1 _l * _r; order 1.1 _r / _l; operator 1.8 _l + _r; operator 1.8 _l - _r",
    ast.FloorDiv: "operator 1 _l / _r",
    ast.Pow: "operator 1.2 _l * _r; order 1.3 _r ** _l",
}
EITHER = "too-much 1.5 _l; too-much 1.6 _r"
COMPARED = "; ".join(
    [f"comparison {1 + 0.1 * i} _l {sign} _r" for i, sign in enumerate(("<", "<=", ">", ">=", "==", "!="))]
    + [f"comparison 1.6 np.abs(_l) {sign} _r" for sign in ("<", "<=", ">", ">=")]
    + [f"comparison 1.7 _l {sign} 0" for sign in ("<", ">")]
)
CHOSEN = "branches 1.1 _r if _c else _l; too-much 1.6 _l; too-much 1.6 _r"
NAMED = "transposition 1.4 _e.T; constant 1.9 1 - _e; constant 2.4 1 - _e ** 2; constant 2.4 _e * (1 - _e)"
RANGES = "range 1.2 range(_r); range 1.2 range(_r - 1); range 1.2 range(_r + 1); range 1.2 range(1, _r)"
# Of whatever is returned, assigned, added up, or handed on:
ADDED = """
    sign 2 -_e; factor 2.2 2 * _e; factor 2.2 _e / 2; factor 2.2 4 * _e; factor 2.2 _e / 4; factor 2.2 3 * _e;
    factor 2.2 _e / 3; shape 2.4 _e[:, None]; shape 2.4 _e[None, :]; shape 2.4 np.ravel(_e);
    shape 2.4 np.array([_e]); shape 2.4 np.reshape(_e, (-1, 1)); shape 2.4 np.squeeze(_e);
    axis 2.5 np.sum(_e, axis=0); axis 2.5 np.sum(_e, axis=1); axis 2.6 np.mean(_e, axis=0);
    axis 2.6 np.mean(_e, axis=1); call 2.6 np.sum(_e); call 2.6 np.mean(_e); call 2.6 np.sign(_e);
    call 2.6 np.abs(_e); call 2.6 np.sqrt(_e); call 2.6 np.exp(_e); call 2.6 np.tanh(_e);
    call 2.6 np.diag(_e); constant 2.7 _e ** 2; constant 2.7 1 - _e;
    call 2.9 1 / (1 + np.exp(-_e))"""
SCALED = "factor 2.2 _e / {s}; factor 2.3 _e * {s}; factor 2.5 2 * _e / {s}; factor 2.5 _e / (2 * {s})"
CLIPPED = "call 3.1 np.clip(_e, -{s}, {s})"
JOINED = "factor 2.8 _e * {v}; term 2.8 _e + {v}; term 2.8 _e - {v}; factor 3 _e / {v}"
JOINED_ARRAYS = """
    factor 3 {v} @ _e; factor 3 {v}.T @ _e; factor 3 _e @ {v}; factor 3 _e @ {v}.T; factor 3.2 np.outer(_e, {v});
    factor 3.2 np.outer({v}, _e); factor 3.4 _e * {v} * (1 - {v}); factor 3.4 _e * (1 - {v});
    factor 3.4 _e * (1 - {v} ** 2); factor 3.5 _e * np.sign({v}); factor 3.5 _e * ({v} > 0);
    factor 3.5 _e * {v}[:, None]; factor 3.5 _e / np.sqrt({v})"""
PENALISED = "term 3.2 _e + {s} * {v}; term 3.2 _e - {s} * {v}"
UPDATED = "formula 3.3 {v} - {s} / {t} * _e"
# In the place of whole expressions, also inside a product:
REPLACED = """
    formula 3.6 1 - {v} ** 2; formula 3.6 {v} * (1 - {v}); formula 3.6 1 - {v}; formula 3.7 {v} > 0;
    formula 3.7 np.sign({v}); formula 3.8 {v}.T @ {v}; formula 3.8 np.sum({v}, axis=0)"""
BRANCHED = """
    formula 3.9 np.clip({v}, -{s}, {s}); formula 3.9 ({v} < 0) - {s}; formula 3.9 {s} - ({v} < 0);
    formula 3.9 {s} * np.sign({v})"""
SIMPLER = "constant 2.6 1; constant 2.6 2; constant 2.6 1 / 2; constant 2.7 _e ** 2; call 3.2 np.sqrt(_e)"
GIVEN = "_given_"  # before the names of inputs, steps and settings as they are handed in

Rows = Iterator[tuple[str, float, Any]]
"""Kind, cost, and what comes to stand there: a node, or code with placeholders."""


@dataclass(frozen=True)
class Names:
    """What a change may name: quantities that are handed in (``foreign``, some are ``numbers``), sizes and settings
    (``scalars``), functions of one argument; and what is found in the code, its ``variables`` and those that count
    the ``turns`` of loops.
    """

    foreign: Sequence[str] = ()
    scalars: Sequence[str] = ()
    helpers: Sequence[str] = ()
    numbers: Sequence[str] = ()
    variables: Sequence[str] = ()
    turns: Sequence[str] = ()

    @property
    def arrays(self) -> list[str]:
        """Variables and quantities that are no numbers."""
        known = (*self.variables, *self.foreign)
        return [name for name in known if name.removeprefix(GIVEN) not in (*self.numbers, *self.turns)]

    @property
    def settings(self) -> list[str]:
        """The scalars that are no sizes."""
        return [scalar for scalar in self.scalars if scalar.startswith(GIVEN)]


def rows(table: str, **names: Sequence[str]) -> Rows:
    """The rows of a table, for each way to put names into it."""
    for row in table.split(";"):
        kind, cost, text = row.split(None, 2)
        for chosen in itertools.product(*names.values()):
            yield kind, float(cost), text.format(**dict(zip(names, chosen, strict=True)))


def whole(names: Names) -> Rows:
    """What may stand for any whole formula."""
    yield from rows(SIMPLER)
    yield from rows("formula 3 {v}", v=names.foreign)
    yield from rows("formula 3.1 {v}[{i}]", v=names.foreign, i=names.turns)
    yield from rows(REPLACED, v=names.arrays)
    yield from rows(BRANCHED, v=names.arrays, s=names.settings)
    yield from rows(UPDATED, v=names.foreign, s=names.settings, t=names.settings)


def added(names: Names) -> Rows:
    """What may be added to any term: the same everywhere, up to the term."""
    yield from rows(ADDED)
    yield from rows(SCALED, s=names.scalars)
    yield from rows("call 2.6 {f}(_e)", f=names.helpers)
    yield from rows(CLIPPED, s=names.settings)
    yield from rows(JOINED, v=(*names.variables, *names.foreign))
    yield from rows(JOINED_ARRAYS, v=names.arrays)
    yield from rows(PENALISED, v=(*names.variables, *names.foreign), s=names.settings)
