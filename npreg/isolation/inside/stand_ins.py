"""Stand-ins for packages that are not there: who imports what is never used is not wrong; use is refused."""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, cast

SHOWING = "matplotlib mpl_toolkits pylab seaborn plotly IPython ipywidgets tqdm"
"""Packages that only show things; they never take part in a derivative."""


class Forbidden(ImportError):
    """The use of a module of a package that is not allowed; ``package`` is its name."""

    def __init__(self, module: str) -> None:
        self.package = module.partition(".")[0]
        told = f"{self.package!r} is not allowed here: derive it by hand and use NumPy only"
        super().__init__(told, name=self.package)


class StandIn(ModuleType):
    """Every attribute, call, item and operation gives another stand-in, until ``closed`` if it could be of use."""

    closed = False
    __path__: list[str] = []  # noqa: RUF012  (a package has one)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._use()

    def _use(self, *args: Any, **kwargs: Any) -> Any:
        if StandIn.closed and self.__name__.partition(".")[0] not in SHOWING.split():
            raise Forbidden(self.__name__)
        return StandIn(self.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not StandIn.closed and len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]  # a decorator leaves the function as it is
        if args and self.__name__.startswith("tqdm"):
            return range(*args) if isinstance(args[0], int) else args[0]
        return self._use()

    def __iter__(self) -> Iterator[Any]:
        return iter([self._use(), self._use()])  # fig, ax = plt.subplots()

    def __exit__(self, *error: object) -> None:
        return None

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Forbidden(self.__name__)


_OPERATIONS = "enter getitem setitem add radd sub rsub mul rmul truediv rtruediv matmul rmatmul pow neg"
for _operation in _OPERATIONS.split():
    setattr(StandIn, f"__{_operation}__", StandIn._use)


class Finder:
    """Finds stand-ins for ``packages`` and all below them, and the modules of a file's own folder (name: source)."""

    def __init__(self, packages: Iterable[str], sources: Mapping[str, str]) -> None:
        self.packages, self.sources = frozenset(packages), sources

    def find_spec(self, fullname: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        stands_in = fullname.partition(".")[0] in self.packages
        if not stands_in and fullname not in self.sources:
            return None
        package = stands_in or any(name.startswith(f"{fullname}.") for name in self.sources)
        return importlib.machinery.ModuleSpec(fullname, cast(Any, self), is_package=package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return StandIn(spec.name) if spec.name.partition(".")[0] in self.packages else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the source of a module that was sent along."""
        if not isinstance(module, StandIn):
            code = compile(self.sources[module.__name__], f"{module.__name__}.py", "exec", dont_inherit=True)
            exec(code, module.__dict__)


def guard(forbidden: Iterable[str], helpers: Mapping[str, str]) -> None:
    """Put stand-ins in front of the packages ``forbidden`` and of those that only show things."""
    forbidden = frozenset(forbidden)
    finder = Finder([*forbidden, *SHOWING.split()], helpers)
    sys.meta_path.insert(0, cast(Any, finder))
    for name in [name for name in sys.modules if name.partition(".")[0] in forbidden]:
        del sys.modules[name]

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:  # for when the stand-ins are pushed aside
        module = str(arguments[0]) if event == "import" else ""
        aside = not sys.meta_path or sys.meta_path[0] is not finder
        if aside and module.partition(".")[0] in forbidden:
            raise Forbidden(module)

    sys.addaudithook(refuse)  # Python code cannot take it away again
