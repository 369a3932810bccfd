"""What was measured of each dataset's law, as columns: ln N_opt and exponents, by kind, with squared errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...laws.dependence.selection import choose_fits, estimates
from ...laws.forms.allocation import exponents
from ...laws.solve.additive import Array
from ...laws.studies.effects.best_sizes import best_sizes, computes
from ...laws.studies.effects.law_readings import EXPONENTS, KINDS, Readings
from ...numerics.functions import product
from ..measured import Study

ADDITIVE = "additive"  # the law of the cells in the scaling regime, of reportable datasets: what the claims are about


@dataclass(frozen=True, eq=False)
class Measured:
    """One quantity of some datasets.

    Attributes
    ----------
    quantity : str
        "ln_N" (at the middle compute, 6 N D), "a", "alpha" or "beta".
    kind : str
        A link, "isoflop" or "additive".
    names : tuple of str
    y, variance : ndarray, float64 (K,)
    """

    quantity: str
    kind: str
    names: tuple[str, ...]
    y: Array
    variance: Array

    def of(self, datasets: set[str]) -> Measured:
        """Those of these datasets alone."""
        keep = [i for i, name in enumerate(self.names) if name in datasets]
        names = tuple(self.names[i] for i in keep)
        return Measured(self.quantity, self.kind, names, self.y[keep], self.variance[keep])


def measured_laws(study: Study, readings: Mapping[str, Readings]) -> list[Measured]:
    """Every quantity by every kind that has one, over all datasets of a study."""
    C = computes(study.runs, "6nd")["middle"]
    found = []
    for kind in KINDS:
        sizes = best_sizes(readings, kind, "6nd", C)
        found.append(Measured("ln_N", kind, sizes.names, sizes.ln_N, sizes.variance))
    for i, quantity in enumerate(EXPONENTS):
        for kind in KINDS:
            told = {name: one.by[kind].exponents for name, one in readings.items() if kind in one.by}
            told = {name: (value, S) for name, (value, S) in told.items() if len(value) > i}
            if told:
                y = np.array([value[i] for value, _ in told.values()])
                v = np.array([S[i, i] for _, S in told.values()])
                found.append(Measured(quantity, kind, tuple(told), y, v))
    return [*found, *_additive(study)]


def _additive(study: Study) -> list[Measured]:
    used, variant, _ = choose_fits([fit for fit in study.fits if "variants" in fit])
    if not used:
        return []
    values, covariances, _ = estimates(used, variant)
    names = tuple(fit["dataset"] for fit in used)
    alpha, beta = values[:, 3], values[:, 4]
    S = covariances[:, 3:, 3:]
    # a = beta/(alpha+beta)
    slopes = np.stack([-beta, alpha], axis=1) / np.square(alpha + beta)[:, None]
    v_a = np.array([product(row, one, row) for row, one in zip(slopes, S)])
    columns = {"a": (exponents(values)[0], v_a), "alpha": (alpha, S[:, 0, 0]), "beta": (beta, S[:, 1, 1])}
    return [Measured(quantity, ADDITIVE, names, y, v) for quantity, (y, v) in columns.items()]
