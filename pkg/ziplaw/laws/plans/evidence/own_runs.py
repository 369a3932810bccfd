"""A user's own runs as evidence about the split of their corpus: (ln N_opt, a) in the middle of their compute.

No form of law is known to be right, so the runs are fitted under every link l of ``forms.links`` and the index of each
is read. Each errs by h_l (RMS of log loss) on the tenth of the runs with the most compute, fitted without them:

    y = sum_l w_l y_l,   w_l ~ 1 / h_l^2,   V = V_b + sum_l w_l (y_l - y)(y_l - y)' + d d'.

V_b is a case bootstrap of the link that errs least, widened for the degrees of freedom left; the sum is what the links
disagree by; and d is by how much that link's own index moves when the quarter of the runs with the most compute is left
out: a law that drifts with compute is not a law to extrapolate by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ....errors import FitError
from ....numerics.functions import cov, exp, log, raised
from ...fits.link_fit import fit_link
from ...forms.allocation import FLOPS_PER_PARAMETER_TOKEN, exponents
from ...forms.catalogue import LINKS
from ...forms.form import Form
from ...intervals import identification
from ...intervals.quantities import tails
from ...solve.additive import Array
from ...solve.misfit import POOR_RMS
from .gaussian_split import GaussianSplit, inflation

REFITS = 200
BEYOND = 0.025  # of the refits, that may have no best N: no more than lie beyond one end of a 95 % band
DRIFT_SHARE = 0.25  # of the runs, those with the most compute: left out to see whether the index drifts
_OF_THE_FORM = ("poor fit",)  # first words of a doubt about the form rather than the runs


@dataclass(frozen=True, eq=False)
class OwnRuns:
    """What runs of one corpus say.

    Attributes
    ----------
    split : GaussianSplit
        Told at the geometric mean of the runs' compute.
    link : str
        The one that errs least on the runs with the most compute.
    fit : LawFit or LinkFit
        The law of that link.
    links : dict
        link -> ``ln_N a weight holdout`` of every law that converged; ``holdout``: RMS error of log loss on the runs
        with the most compute.
    samples : ndarray (k, p)
        Bootstrap refits.
    """

    split: GaussianSplit
    link: str
    fit: Any
    links: dict[str, dict[str, Any]]
    samples: Array = field(repr=False)

    @property
    def n(self) -> int:
        """Number of runs."""
        return len(self.fit.loss)

    @property
    def C(self) -> tuple[float, float]:
        """Least and most compute of a run, FLOPs."""
        return self.spent(lambda N: FLOPS_PER_PARAMETER_TOKEN * N)

    @property
    def law(self) -> tuple[Array, Form]:
        """Natural parameters and form of the law of ``link``."""
        return self.fit.parameters, self.fit.form

    @property
    def beta(self) -> float:
        """Exponent of D in the index of ``link``."""
        return float(self.fit.form.power_terms(self.fit.parameters)[3])

    def spent(self, per_token: Callable[[Array], Array]) -> tuple[float, float]:
        """Least and most compute of a run where a token costs so many FLOPs at N."""
        C = per_token(self.fit.N) * self.fit.D
        return float(C.min()), float(C.max())

    def loss(self, N: float, D: float, level: float) -> tuple[float, list[float]]:
        """Loss at N and D by the law of the runs, and its band over the refits."""
        drawn = self.fit.form.loss_at(self.samples, N, D)
        ends = np.quantile(drawn[np.isfinite(drawn)], tails(level))
        told = self.fit.view.told_loss(tuple(ends), {"N": np.asarray(N), "D": np.asarray(D)})
        return float(self.fit.predict(N, D)), list(told)


def own_runs(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    seed: int = 42,
    refits: int | None = None,
    duplicates: str = "error",
) -> OwnRuns:
    """Fit one corpus's runs under every link and read their split off the index.

    Parameters
    ----------
    N, D : array-like (n,)
        Parameters and training tokens.
    loss : array-like (n,)
        Held-out loss, nats per token.
    seed, refits : int
        Of the bootstrap; by default ``REFITS`` refits.
    duplicates : {"error", "keep"}
        What to do with rows that stand twice.

    Raises
    ------
    FitError
        When the fit cannot be trusted (``identification``): in one line, with the runs to add.
    """
    refits = refits or REFITS
    plain = fit_link(N, D, loss, link="identity", duplicates=duplicates)
    ends = plain.bootstrap(refits, seed=seed).interval(identification.LEVEL)
    doubts = identification.law_doubts(plain, ends)
    _require(doubt for doubt in doubts if not doubt.reason.startswith(_OF_THE_FORM))
    fits = _fits(plain)
    held = {link: _held_out(fitted) for link, fitted in fits.items()}
    # the first of equals is the simplest; without a hold-out that is the identity
    link = min(fits, key=lambda name: held[name])
    fitted = fits[link]
    # what the additive form alone gets wrong is mended by another link
    if fitted.rms > POOR_RMS:
        _require(doubts)
    C = float(exp(log(FLOPS_PER_PARAMETER_TOKEN * fitted.N * fitted.D).mean()))
    samples = fitted.bootstrap(refits, seed=seed).samples
    samples = samples[np.isfinite(samples).all(axis=1)]
    drawn = pair_at(samples, C)
    told = np.asarray(np.isfinite(drawn).all(axis=1))
    if (lost := int((~told).sum())) > BEYOND * len(told):
        raise FitError(
            f"the best N is not identified: in {lost} of {len(told)} refits N or D does not matter, at most "
            f"{BEYOND:.1%} may; add runs of other sizes and of other tokens"
        )
    samples, drawn = samples[told], drawn[told]
    pairs = {name: pair_at(one.parameters, C) for name, one in fits.items()}
    weights = held_out_weights(held)
    mean = sum(weights[name] * pair for name, pair in pairs.items())
    covariance = cov(drawn.T) * inflation(max(fitted.n - fitted.n_free, 1))
    covariance = covariance + sum(weights[name] * np.outer(pair - mean, pair - mean) for name, pair in pairs.items())
    covariance = covariance + _drift(fitted, C)
    links = {
        name: {"ln_N": float(pair[0]), "a": float(pair[1]), "weight": weights[name],
               "holdout": held[name] if np.isfinite(held[name]) else None}
        for name, pair in pairs.items()
    }  # fmt: skip
    return OwnRuns(GaussianSplit(np.asarray(mean), covariance, C), link, fitted, links, samples)


def held_out_weights(held: dict[str, float]) -> dict[str, float]:
    """Weights of the links, by their error on what they were not shown; all alike where nothing could be held out."""
    known = {name: raised(max(error, 1e-12), -2) for name, error in held.items() if np.isfinite(error)}
    known = known or dict.fromkeys(held, 1.0)
    return {name: known.get(name, 0.0) / sum(known.values()) for name in held}


def _drift(fitted: Any, C: float) -> Array:
    """D d' (2, 2), see the head of this module; none where too few runs are left to fit."""
    compute = fitted.N * fitted.D
    try:
        part = fitted.refit(compute < np.quantile(compute, 1 - DRIFT_SHARE))
    except FitError:
        return np.zeros((2, 2))
    d = pair_at(part.parameters, C) - pair_at(fitted.parameters, C)
    return np.outer(d, d) if part.converged and np.isfinite(d).all() else np.zeros((2, 2))


def _fits(plain: Any) -> dict[str, Any]:
    """The law under every link that the table can hold and that converged, the additive one among them."""
    fits = {"identity": plain}
    for link in LINKS:
        if link not in fits:
            try:
                fitted = fit_link(plain.N, plain.D, plain.loss, link=link, duplicates="keep", units="keep")
            except FitError:  # more parameters than the rows can hold
                continue
            if fitted.converged and np.isfinite(pair_at(fitted.parameters, 1.0)).all():
                fits[link] = fitted
    return fits


def _held_out(fitted):
    held = fitted.error_at_largest_C()
    return float(held["rms_log_error"]) if held else np.inf


def _require(doubts: Iterable[identification.Doubt]) -> None:
    """Raise where runs carry no split: N and D together, too few sizes, an optimum outside of them, a poor fit."""
    if found := list(doubts):
        raise FitError(identification.refusal(found))


def pair_at(parameters: npt.ArrayLike, C: float) -> Array:
    """(ln N_opt at C, a) of laws (..., p) of any link: float64 (..., 2)."""
    a, _, log10_G = exponents(np.asarray(parameters)[..., :5])
    ln_N = log10_G * log(10) + a * log(C / FLOPS_PER_PARAMETER_TOKEN)
    return np.stack([ln_N, a], axis=-1)
