"""Digits of `npreg.least_squares` and of `numpy.linalg.lstsq` on NIST's certified data sets.

    python benchmarks/nist.py FOLDER

FOLDER holds the eleven files of the StRD archive's linear section (Norris.dat, Pontius.dat, ..., from
https://www.itl.nist.gov/div898/strd/lls/lls.shtml).  Prints a Markdown table.  The digits of a group of
numbers are the smallest over the group of −log10(|computed − certified| / |certified|), or of
−log10 |computed| where the certified value is 0, cut to the range 0 to 15: the certified values have 15
digits.  The last row enters Filip's powers to 32 digits, as features + features_low.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from npreg.exact.least_squares import least_squares

SETS = {  # name: degree of the polynomial in x, or None where the columns are the model's
    "Norris": 1,
    "Pontius": 2,
    "NoInt1": None,
    "NoInt2": None,
    "Filip": 10,
    "Longley": None,
    "Wampler1": 5,
    "Wampler2": 5,
    "Wampler3": 5,
    "Wampler4": 5,
    "Wampler5": 5,
}


@dataclass
class NistSet:
    """One file: the design matrix without the intercept's column, and the certified values."""

    features: np.ndarray
    labels: np.ndarray
    intercept: bool
    coefficients: np.ndarray
    stderr: np.ndarray
    residual_sd: float
    r2: float
    features_low: np.ndarray | None = None


def read(folder: Path, name: str) -> NistSet:
    """Parse one of NIST's files, whose first lines say where the certified values and the data are."""
    lines = (folder / f"{name}.dat").read_text(encoding="ascii").splitlines()

    def section(title: str) -> list[str]:
        first, last = re.search(rf"{title}\s*\(lines\s+(\d+)\s+to\s+(\d+)\)", "\n".join(lines[:10])).groups()
        return lines[int(first) - 1 : int(last)]

    certified = section("Certified Values")
    table = np.array([line.split()[1:3] for line in certified if re.match(r"\s+B\d+\s", line)], dtype=float)
    data = np.array([line.split() for line in section("Data") if line.strip()], dtype=float)
    labels, x = data[:, 0], data[:, 1:]
    return NistSet(
        features=x if SETS[name] is None else x ** np.arange(1, SETS[name] + 1),
        labels=labels,
        intercept=name not in ("NoInt1", "NoInt2"),
        coefficients=table[:, 0],
        stderr=table[:, 1],
        residual_sd=_number_after("Standard Deviation", certified),
        r2=_number_after("R-Squared", certified),
    )


def _number_after(label: str, lines: list[str]) -> float:
    return next(float(line.split()[-1]) for line in lines if re.match(rf"\s+{label}\s+[\d.]", line))


def digits(computed: np.ndarray | float, certified: np.ndarray | float) -> float:
    """The smallest number of right digits, between 0 and 15."""
    computed, certified = np.atleast_1d(computed), np.atleast_1d(certified)
    error = np.abs(computed - certified) / np.where(certified == 0, 1.0, np.abs(certified))
    return float(np.clip(-np.log10(np.maximum(error, 1e-300)), 0.0, 15.0).min())


def with_exact_powers(data: NistSet) -> NistSet:
    """The same set, its powers not rounded to float64 but to twice its precision."""
    powers = [[Fraction(x) ** k for k in range(1, data.features.shape[1] + 1)] for x in data.features[:, 0]]
    high = np.array(powers, dtype=float)
    low = [[float(p - Fraction(h)) for p, h in zip(*rows, strict=True)] for rows in zip(powers, high, strict=True)]
    return replace(data, features=high, features_low=np.array(low))


def measure(data: NistSet) -> tuple[float, list[float]]:
    """The condition number; digits of lstsq, and of our coefficients, standard errors, sd and R²."""
    ones = np.ones((len(data.labels), int(data.intercept)))
    lstsq = np.linalg.lstsq(np.hstack([ones, data.features]), data.labels, rcond=None)[0]
    fit = least_squares(data.features, data.labels, intercept=data.intercept, features_low=data.features_low)
    first = slice(0 if data.intercept else 1, None)
    return fit.condition_number, [
        digits(lstsq, data.coefficients),
        digits(np.r_[fit.b, fit.w[:, 0]][first], data.coefficients),
        digits(np.r_[fit.b_stderr, fit.w_stderr[:, 0]][first], data.stderr),
        digits(fit.residual_sd, data.residual_sd),
        digits(fit.r2_centered if data.intercept else fit.r2_uncentered, data.r2),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where NIST's .dat files are")
    folder = parser.parse_args().folder
    missing = [f"{name}.dat" for name in SETS if not (folder / f"{name}.dat").is_file()]
    if missing:
        sys.exit(f"{folder} lacks {', '.join(missing)}; NIST's StRD archive, linear section, has them")
    sets = {name: read(folder, name) for name in SETS}
    sets["Filip, exact powers"] = with_exact_powers(sets["Filip"])
    print("| set | condition number | `lstsq` | coefficients | standard errors | residual sd | R² |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, data in sets.items():
        condition_number, found = measure(data)
        print(f"| {name} | {condition_number:.0e} | " + " | ".join(f"{value:.1f}" for value in found) + " |")


if __name__ == "__main__":
    main()
