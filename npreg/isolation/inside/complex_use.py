"""Which functions of a file work with complex numbers, themselves or through others: the complex step."""

from __future__ import annotations

from types import CodeType

NAMES = frozenset({"complex", "complex64", "complex128", "cdouble", "csingle", "clongdouble", "imag"})


def complex_functions(source: str) -> list[str]:
    """Return the names of the file's functions in whose code a complex number or ``.imag`` stands.

    Nothing is run. A file that does not compile has none.

    >>> complex_functions("def f(w): return L(w + 1e-20j).imag\\ndef L(w): return w\\ndef g(w): return f(w)")
    ['f', 'g']
    """
    try:
        module = compile(source, "<answers>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return []
    codes: dict[str, CodeType] = {}
    for constant in module.co_consts:
        if isinstance(constant, CodeType):
            codes[constant.co_name] = constant
    found = {name for name, code in codes.items() if _is_complex(code)}
    while True:
        calling = {name for name, code in codes.items() if found & _names(code)} - found
        if not calling:
            return sorted(found)
        found |= calling


def _inner(code: CodeType) -> list[CodeType]:
    """The code and all code defined inside it."""
    codes = [code]
    for each in codes:
        codes += [constant for constant in each.co_consts if isinstance(constant, CodeType)]
    return codes


def _names(code: CodeType) -> set[str]:
    return {name for each in _inner(code) for name in each.co_names}


def _is_complex(code: CodeType) -> bool:
    constants = [constant for each in _inner(code) for constant in each.co_consts]
    return bool(NAMES & _names(code)) or any(isinstance(constant, complex) for constant in constants)
