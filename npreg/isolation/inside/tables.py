"""What can be changed in a piece of code, as data: rows of ``kind cost code``.

The kind says what sort of thing is changed, and a token changed is cheaper than one added. The code is what comes to
stand there: ``_e`` is the expression that stood there, ``_l`` and ``_r`` its two operands, ``_c`` a condition; a letter
in braces is one of the `Names`.
"""

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BINARY = {
    ast.Add: "sign 1 _l - _r; operator 1.2 _l * _r",
    ast.Sub: "sign 1 _l + _r; order 1.1 _r - _l; too-much 1.7 -_r",
    ast.Mult: "operator 1 _l @ _r; operator 1.2 _l / _r; operator 1.7 _l + _r; operator 1.5 np.outer(_l, _r);"
    "operator 1.7 _l.T @ _r; operator 1.7 _r.T @ _l",
    ast.MatMult: "operator 1 _l * _r; order 1.1 _r @ _l; order 1.6 _r.T @ _l; order 1.6 _r @ _l.T;"
    "operator 1.6 np.outer(_l, _r)",
    ast.Div: "operator 1 _l * _r; order 1.1 _r / _l; formula 1.8 _l + _r; formula 1.8 _l - _r",
    ast.FloorDiv: "operator 1 _l / _r",
    ast.Pow: "operator 1.2 _l * _r; order 1.3 _r ** _l",
}
EITHER = "too-much 1.5 _l; too-much 1.6 _r"
COMPARED = """
    comparison 1 _l < _r; comparison 1.1 _l <= _r; comparison 1.2 _l > _r; comparison 1.3 _l >= _r;
    comparison 1.4 _l == _r; comparison 1.5 _l != _r; comparison 1.6 np.abs(_l) < _r; comparison 1.6 np.abs(_l) <= _r;
    comparison 1.6 np.abs(_l) > _r; comparison 1.6 np.abs(_l) >= _r; comparison 1.7 _l < 0; comparison 1.7 _l > 0;
    comparison 1.8 _l"""
CHOSEN = "branches 1.1 _r if _c else _l; too-much 1.6 _l; too-much 1.6 _r"
NAMED = (
    "transposition 1.4 _e.T; shape 1.6 _e[:, None]; formula 2.1 1 - _e; formula 2.4 1 + _e;"
    "formula 2.4 1 - _e ** 2; formula 2.4 _e * (1 - _e)"
)
RANGES = "range 1.2 range(_r); range 1.2 range(_r - 1); range 1.2 range(_r + 1); range 1.2 range(1, _r)"
NAME = "name 1.5 {x}; name 2.9 {g}; name 1.8 {s}"
# Of whatever is returned, assigned, added up, or handed on:
ADDED = """
    sign 2 -_e; factor 2.2 2 * _e; factor 2.2 _e / 2; factor 2.2 4 * _e; factor 2.2 _e / 4; factor 2.2 3 * _e;
    factor 2.2 _e / 3; shape 2.4 _e[:, None]; shape 2.4 _e[None, :]; shape 2.4 np.ravel(_e); shape 2.4 np.array([_e]);
    shape 2.4 np.reshape(_e, (-1, 1)); shape 2.4 np.squeeze(_e); call 2.5 np.sum(_e, axis=0);
    call 2.5 np.sum(_e, axis=1); call 2.6 np.mean(_e, axis=0); call 2.6 np.mean(_e, axis=1); call 2.6 np.sum(_e);
    call 2.6 np.mean(_e); call 2.6 np.sign(_e); call 2.6 np.abs(_e); call 2.6 np.sqrt(_e); call 2.6 np.exp(_e);
    call 2.6 np.tanh(_e); call 2.6 np.diag(_e); power 2.7 _e ** 2; formula 2.7 1 - _e; call 2.9 1 / (1 + np.exp(-_e));
    term 3.1 _e - np.mean(_e, axis=1, keepdims=True); factor 2.2 _e / {s}; factor 2.3 _e * {s}; factor 2.5 2 * _e / {s};
    factor 2.5 _e / (2 * {s}); factor 2.6 _e * {s} / {t}; call 2.6 {f}(_e); factor 2.8 _e * {v}; term 2.8 _e + {v};
    term 2.8 _e - {v}; factor 3 _e / {v}; factor 3 {a} @ _e; factor 3 {a}.T @ _e; factor 3 _e @ {a};
    factor 3 _e @ {a}.T; factor 3.2 np.outer(_e, {a}); factor 3.2 np.outer({a}, _e); factor 2.9 _e * {a} * (1 - {a});
    factor 2.9 _e * (1 - {a}); factor 2.9 _e * (1 - {a} ** 2); factor 2.9 _e * np.sign({a}); factor 3.5 _e * ({a} > 0);
    factor 3.5 _e * {a}[:, None]; factor 3.5 _e / np.sqrt({a});
    term 3.4 _e - {a} * np.mean(_e * {a}, axis=1, keepdims=True);
    factor 3.6 {a} * (_e - np.sum(_e * {a}, axis=1, keepdims=True)); term 3.2 _e + {t} * {v}; term 3.2 _e - {t} * {v}"""
# In the place of whole expressions, also inside a product:
WHOLE = """
    too-much 2.6 1; formula 2.6 2; formula 2.6 1 / 2; power 2.7 _e ** 2; call 3.2 np.clip(_e, -{t}, {t});
    call 2.1 np.sqrt(_e); formula 3 {g}; formula 3.1 {g}[{i}]; formula 3.6 1 - {a} ** 2; formula 3.6 {a} * (1 - {a});
    formula 3.6 1 - {a}; formula 3.7 {a} > 0; formula 3.7 np.sign({a}); formula 3.9 np.clip({a}, -{t}, {t});
    formula 3.9 ({a} < 0) - {t}; formula 3.9 {t} - ({a} < 0); formula 4 2 * ({t} - ({a} < 0));
    formula 4 1 - ({a} < 0) / {t}; formula 3.08 {t} * np.sign({a}); formula 3.9 {t} * {a};
    formula 3.3 {g} - {t} / {q} * _e"""
# In the place of all that is returned or assigned:
RESULT = """
    formula 4 np.sum({c}); formula 4 np.sum({c}, axis=0); formula 4 np.mean({c}); formula 4 np.mean({c}, axis=0);
    formula 4.1 2 * np.mean({c}); formula 4 {c}; formula 4 ({c}) / _size_n; formula 4.1 {u}.T @ ({c});
    formula 4.1 {u}.T @ ({c}) / _size_n; formula 4.2 2 * {u}.T @ ({c}) / _size_n; formula 4 {t} * {u};
    term 4.4 _e + {u}.T @ ({c}) / _size_n"""
GIVEN = "_given_"  # before the names of inputs, steps and settings as they are handed in

Names = Mapping[str, Sequence[str]]
"""What a change may name, by letters: x, variables of the code, of which i count the turns of loops; g, what is handed
in; v, both, and a, those that are no numbers; u, all arrays that are handed in, and c, differences of two as well; s,
sizes and settings, and t and q, settings; f, functions of one argument."""
Rows = Iterator[tuple[str, float, Any]]
"""Kind, cost, and what comes to stand there: a node, or code with placeholders."""


def rows(table: str, names: Names) -> Rows:
    """The rows of a table, for each way to put names into it."""
    for row in table.split(";"):
        kind, cost, text = row.split(None, 2)
        letters = sorted(set(re.findall(r"{(\w)}", text)))
        for chosen in itertools.product(*(names[letter] for letter in letters)):
            yield kind, float(cost), text.format(**dict(zip(letters, chosen, strict=True)))
