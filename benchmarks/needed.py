"""What a script needs beside npreg, said before it begins."""

from __future__ import annotations

from importlib import import_module


def need(**packages: str) -> None:
    """End the script with the command that installs what is missing: `need(sklearn="scikit-learn")`."""
    missing = []
    for module, package in packages.items():
        try:
            import_module(module)
        except ImportError:
            missing.append(package)
    if missing:
        names = " ".join(missing)
        raise SystemExit(f"this script needs {' and '.join(missing)}: python -m pip install {names}")
