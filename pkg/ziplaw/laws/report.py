"""One table's law as plain numbers: what ``ziplaw fit`` prints, as JSON or as text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import FitError
from . import constrained, kaplan
from .allocate import optimal_split
from .approaches import envelope, isoflop
from .catalogue import fit_law
from .forms import CHINCHILLA_REFIT
from .intervals import Bootstrap
from .methods import resample
from .serving import serve
from .sweep import fit_document

_OVERFITTING = 0.02
_SERVED = ("N", "D", "training_flops", "total_flops")


def law_document(
    fitted, *, method=None, clusters=None, bootstrap=1000, level=0.95, seed=42, flops=(), points=(), serving=None
):
    """Return everything worth saying about an additive law, as plain numbers.

    Parameters
    ----------
    fitted : LawFit
        The law.
    method, clusters, bootstrap, level, seed
        The intervals; see ``methods.intervals``.
    flops : sequence of float
        Budgets to allocate; by default the decades of the measured range and two beyond.
    points : sequence of (N, D)
        Where to predict the loss.
    serving : tuple of float, optional
        (target loss, tokens to be served): adds the cheapest plan in total FLOPs.

    Returns
    -------
    dict
        A FIT (see ``docs/formats.md``) with "allocation", "predictions", "approaches" and "serving".
    """
    document = fit_document(fitted, clusters, method=method, bootstrap=bootstrap, level=level, seed=seed)
    method, draws = resample(fitted, method, clusters=clusters, n=bootstrap, seed=seed)
    largest = 6 * (fitted.N * fitted.D).max()
    document["law"] = "chinchilla"
    document["allocation"] = []
    for C in flops or _decades(fitted):
        N, D, loss = (float(v) for v in optimal_split(fitted.parameters, C))
        if draws is None:
            found = fitted.intervals(method, level, C=C)
            bands = {name: found[f"{name}_opt"] for name in ("N", "D", "loss")}
        else:
            bands = draws.allocate(C, level)
        kaplan_N = kaplan.allocate(C).N
        document["allocation"].append(
            {
                "C": float(C),
                "N": N,
                "D": D,
                "loss": loss,
                "extrapolates": bool(largest < C),
                "intervals": {name: [float(v) for v in pair] for name, pair in bands.items()},
                "published": {
                    "chinchilla": {"N": float(optimal_split(CHINCHILLA_REFIT.array, C)[0])},
                    "kaplan": {"N": kaplan_N},
                },
            }
        )
    document["predictions"] = []
    for N, D in points:
        lo, hi = fitted.intervals(method, level, N=N, D=D)["loss"] if draws is None else draws.predict(N, D, level)
        document["predictions"].append(
            {"N": float(N), "D": float(D), "loss": fitted.predict(N, D), "interval": [float(lo), float(hi)]}
        )
    document["approaches"] = approaches(fitted)
    document["serving"] = _serving(fitted, draws, level, *serving) if serving else None
    return document


def _serving(fitted, draws, level, loss, tokens):
    """The cheapest plan for a target loss; its intervals are quantiles over the resamples that can reach the loss."""
    plan = serve(fitted.parameters, loss, tokens)
    out = {"loss": plan.loss, "served_tokens": plan.served_tokens, "intervals": None}
    out.update({key: getattr(plan, key) for key in _SERVED})
    if isinstance(draws, Bootstrap):
        reaching = draws.samples[draws.samples[:, 0] < loss]
        out["share_that_reach"] = len(reaching) / len(draws.samples)
        if len(reaching) >= 0.5 * len(draws.samples):
            plans, edges = serve(reaching, loss, tokens), [(1 - level) / 2, (1 + level) / 2]
            out["intervals"] = {key: np.quantile(getattr(plans, key), edges).tolist() for key in _SERVED}
    return out


def _decades(fitted):
    C = 6 * fitted.N * fitted.D
    first, last = int(np.ceil(np.log10(C.min()))), int(np.floor(np.log10(C.max())))
    return [10.0**power for power in range(first, last + 3)]


def approaches(fitted) -> dict:
    """Allocation exponent a by the three approaches of Hoffmann et al.; None where one cannot be had."""
    out = {
        "additive law": {"a": fitted.beta / (fitted.alpha + fitted.beta), "interval": None, "bias": None, "note": ""}
    }
    for approach in (envelope, isoflop):
        try:
            found = approach(fitted.N, fitted.D, fitted.loss, law=fitted.parameters)
        except FitError as error:
            out[approach.__name__] = {"a": None, "interval": None, "bias": None, "note": str(error)}
        else:
            out[approach.__name__] = {
                "a": found.a,
                "interval": list(found.a_interval),
                "bias": found.bias,
                "note": found.note,
            }
    return out


def other_document(law, columns, loss, *, x="C", delta=1e-3, bootstrap=200, level=0.95, seed=42, flops=(), unique=None):
    """Fit one of the other laws (``catalogue.LAWS``) and return it as plain numbers, with case-bootstrap intervals.

    "kaplan" gives the bound on overfitting too, "data-constrained" the best split of each budget in ``flops`` for
    ``unique`` tokens (by default the most in the table).
    """
    fitted = fit_law(law, columns, loss, x=x, delta=delta)
    draws = fitted.bootstrap(bootstrap, seed=seed)
    ends = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    document = fitted.to_dict()
    document["intervals"] = {name: [float(lo), float(hi)] for name, lo, hi in zip(fitted.form.parameters, *ends)}
    document["interval_method"] = f"case bootstrap, {bootstrap} refits, percentile"
    document["level"] = level
    document["warnings"] = [f"{name}: it is not identified" for name in document["flags"]]
    if not fitted.converged:
        document["warnings"].insert(0, fitted.message)
    if document["rms_log_residual"] > 0.05:
        document["warnings"].insert(0, f"poor fit: RMS error of log loss {document['rms_log_residual']:.3g}")
    document["usable"] = fitted.converged and not document["warnings"]
    if law == "kaplan":
        document["overfitting_bound"] = _overfitting_bound(fitted, draws, level)
    if law == "data-constrained" and flops:
        U = float(np.max(columns["U"])) if unique is None else float(unique)
        document["allocation"] = [_constrained(fitted, draws, level, C, U) for C in flops]
    return document


def _constrained(fitted, draws, level, C, U):
    """The best split of C for U unique tokens, with quantiles over the resamples."""
    plan = constrained.allocate(C, U, list(fitted.parameters.values()))
    plans = [constrained.allocate(C, U, row) for row in draws if np.isfinite(row).all()]
    ends = [(1 - level) / 2, (1 + level) / 2]
    out = {"C": float(C), "U": U, "epochs": plan.D / U, "N": plan.N, "D": plan.D, "loss": plan.loss}
    out["intervals"] = {key: np.quantile([getattr(p, key) for p in plans], ends).tolist() for key in ("N", "D", "loss")}
    return out


def _overfitting_bound(fitted, draws, level):
    """D >= k N^p for overfitting of at most 2 %, from the fitted joint law, with intervals."""

    def bound(Nc, Dc, alpha_N, alpha_D):
        found = replace(kaplan.KAPLAN, joint_N_c=Nc, joint_D_c=Dc, joint_alpha_N=alpha_N, joint_alpha_D=alpha_D)
        with np.errstate(all="ignore"):
            return kaplan.overfitting_bound(_OVERFITTING, found)

    ends = [(1 - level) / 2, (1 + level) / 2]
    out = {"tolerance": _OVERFITTING}
    for name, value, drawn in zip("kp", bound(*fitted.parameters.values()), bound(*draws.T)):
        out[name], out[f"{name}_interval"] = float(value), np.nanquantile(drawn, ends).tolist()
    return out
