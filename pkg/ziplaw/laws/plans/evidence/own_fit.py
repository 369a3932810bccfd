"""A corpus's own fit as evidence about its split: ``fits/<dataset>.json`` in the place of its table of runs.

The file holds the split by every link with the jackknife's covariance over runs. As of a table (``own_runs``) the links
are weighed by their error on the cells of largest compute, and what they disagree by is part of the covariance:

    y = sum_l w_l y_l,   w_l ~ 1 / h_l^2,   V = V_chosen + sum_l w_l (y_l - y)(y_l - y)'.

How far a law drifts with compute the file does not say, nor does it hold refits, so no loss is foretold from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import FitError
from ...forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ...forms.form import Form
from ...forms.links import linked
from ...solve.additive import Array
from .gaussian_split import GaussianSplit, normal_quantile
from .own_runs import held_out_weights

_REMEDY = "measure more (N, D) points on both sides of the best split"


@dataclass(frozen=True, eq=False)
class OwnFit:
    """What the fit of one corpus says.

    Attributes
    ----------
    split : GaussianSplit
        Told at the compute of the file's splits.
    link : str
        The one that errs least where compute is largest.
    links : dict
        link -> ``ln_N a weight holdout`` of every link that identifies the split.
    n : int
        Cells behind it.
    N, over : ndarray (k,)
        Best sizes over the compute that was measured, and that compute, 6 N D.
    beta : float
        Exponent of D in the index of ``link``.
    law : (ndarray, Form) or None
        Natural parameters and form of the law of ``link``; None of the free link.
    """

    split: GaussianSplit
    link: str
    links: dict[str, dict[str, Any]]
    n: int
    N: Array
    over: Array
    beta: float
    law: tuple[Array, Form] | None

    @property
    def C(self) -> tuple[float, float]:
        """Least and most compute of a cell, 6 N D."""
        return float(self.over.min()), float(self.over.max())

    def spent(self, per_token: Callable[[Array], Array]) -> tuple[float, float]:
        """Least and most compute where a token costs so many FLOPs at N, of runs of the best sizes."""
        C = self.over * per_token(self.N) / (FLOPS_PER_PARAMETER_TOKEN * self.N)
        return float(C.min()), float(C.max())

    def loss(self, N: float, D: float, level: float) -> tuple[None, None]:
        """No loss: the file holds no refits, and so no band of one."""
        return None, None


def own_fit(document: Mapping[str, Any]) -> OwnFit:
    """Read the split off ``fits/<dataset>.json``.

    Raises
    ------
    FitError
        When the file is the fit of another table, or no link identifies the split.
    """
    links = document.get("links")
    if not isinstance(links, Mapping):
        raise FitError("this fit holds no splits by link: give fits/NAME.json of a sweep, or its table with --runs")
    known = {name: one for name, one in links.items() if _identified(one)}
    if not known:
        reasons = {str((one.get("split") or one).get("reason") or one.get("message")) for one in links.values()}
        raise FitError(f"the split is not identified by this fit: {'; '.join(sorted(reasons))}; {_REMEDY}")
    held = {name: float((one["holdout"] or {}).get("rms_log_error") or np.inf) for name, one in known.items()}
    link = min(known, key=lambda name: held[name])
    C = float(known[link]["split"]["C"])
    pairs = {name: np.array([one["split"]["ln_N"], one["split"]["a"]]) for name, one in known.items()}
    weights = held_out_weights(held)
    mean = sum(weights[name] * pair for name, pair in pairs.items())
    covariance = np.array(known[link]["split"]["covariance"]) * _widened(document, known[link]["split"])
    covariance = covariance + sum(weights[name] * np.outer(pair - mean, pair - mean) for name, pair in pairs.items())
    told = {
        name: {"ln_N": float(pair[0]), "a": float(pair[1]), "weight": weights[name],
               "holdout": held[name] if np.isfinite(held[name]) else None}
        for name, pair in pairs.items()
    }  # fmt: skip
    near = known[link]["near_best"]
    rows = [(n, c) for n, c in zip(near["N"], near["C"]) if n is not None]
    N, over = (np.array(column, dtype=np.float64) for column in zip(*rows))
    split = GaussianSplit(np.asarray(mean), covariance, C)
    beta = float(known[link]["index"]["beta"])
    return OwnFit(split, link, told, int(known[link]["n"]), N, over, beta, law_of(known[link], link))


def _identified(one: Any) -> bool:
    split = one.get("split") if isinstance(one, Mapping) else None
    return bool(split and split.get("identified") and split.get("covariance"))


def _widened(document: Mapping[str, Any], split: Mapping[str, Any]) -> float:
    """By what a covariance of few runs is multiplied: (t / z)^2, as the file's own interval of ln N has it."""
    low, high = split["intervals"]["ln_N"]
    sd = float(np.sqrt(split["covariance"][0][0]))
    level = next((v["level"] for v in document["variants"].values() if v and v.get("level")), 0.95)
    return float(np.square((high - low) / (2 * sd * normal_quantile(level)))) if sd > 0 else 1.0


def law_of(one: Mapping[str, Any], link: str) -> tuple[Array, Form] | None:
    """Natural parameters and form of a link of a fit; None of the free link, whose knots are not in the file."""
    if link == "free":
        return None
    form, numbers = linked(link), dict(one["parameters"]) | {"E": one["E"]}
    return np.array([numbers[name] for name in form.parameters], dtype=np.float64), form
