"""One table's law as plain numbers: what ``ziplaw fit`` prints, as JSON or as text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...base import limits
from ...errors import FitError
from ..fits.by_name import fit_law
from ..fits.dataset import resampled_document
from ..forms import constrained, kaplan
from ..forms.allocation import optimal_split
from ..forms.arguments import check_within
from ..forms.chinchilla import CHINCHILLA_REFIT
from ..intervals import identification
from ..intervals.bootstrap import Bootstrap
from ..intervals.choose import resample
from ..intervals.identification import Doubt
from ..solve.levels import common_line
from .approaches import envelope, isoflop
from .serving import serve

_OVERFITTING = 0.02
_SERVED = ("N", "D", "training_flops", "total_flops")


def law_document(
    fitted,
    *,
    method=None,
    clusters=None,
    bootstrap=1000,
    level=0.95,
    seed=42,
    flops=(),
    points=(),
    serving=None,
    check=True,
):
    """Return everything worth saying about an additive law, as plain numbers.

    Parameters
    ----------
    fitted : LawFit
        The law.
    method, clusters, bootstrap, level, seed
        The intervals; see ``choose.intervals``.
    flops : sequence of float
        Budgets to allocate; by default the decades of the measured range and two beyond.
    points : sequence of (N, D)
        Where to predict the loss.
    serving : tuple of float, optional
        (target loss, tokens to be served): adds the cheapest plan in total FLOPs.
    check : bool
        Leave out the plans that the runs do not identify; False keeps them, marked.

    Returns
    -------
    dict
        A FIT (see ``docs/formats.md``) with "allocation", "predictions", "approaches" and "serving". "plan_refused" holds
        what is left out, with its reason and the runs to add: C is null where no split is identified at all.

    Raises
    ------
    FitError
        Where runs are named that are too few for intervals over them.
    """
    flops = [float(check_within(C, "C", limits.FLOPS)) for C in flops]
    points = [tuple(float(check_within(v, name, limits.SIZE)) for v, name in zip(point, "ND")) for point in points]
    method, draws = resample(fitted, method, clusters=clusters, n=bootstrap, seed=seed)
    document = resampled_document(fitted, clusters, method, draws, bootstrap=bootstrap, level=level)
    document["law"] = "chinchilla"
    known, refused = not document["plan_refused"], document["plan_refused"]
    document["allocation"] = []
    for C in flops or _decades(fitted):
        plan, doubts = _allocation(fitted, method, draws, level, C)
        refused += [doubt.to_dict() for doubt in doubts if known]
        plan["identified"] = known and not doubts
        if plan["identified"] or not check:
            document["allocation"].append(plan)
    document["predictions"] = []
    for N, D in points:
        lo, hi = fitted.intervals(method, level, N=N, D=D)["loss"] if draws is None else draws.predict(N, D, level)
        document["predictions"].append(
            {"N": N, "D": D, "loss": fitted.predict(N, D), "interval": [float(lo), float(hi)]}
        )
    document["approaches"] = approaches(fitted)
    document["serving"] = None
    if serving and (known or not check):
        plan = _serving(fitted, draws, level, *serving)
        doubts = _serving_doubts(fitted, plan, draws, level)
        refused += [doubt.to_dict() for doubt in doubts if known]
        plan["identified"] = known and not doubts
        document["serving"] = plan if plan["identified"] or not check else None
    return document


def _allocation(fitted, method, draws, level, C):
    """The best split of C with its bands, and what is to be said against it."""
    N, D, loss = (float(v) for v in optimal_split(fitted.parameters, C))
    measured = 6 * fitted.N * fitted.D
    bands = _bands(fitted, method, draws, level, C)
    judged = bands if level == identification.LEVEL else _bands(fitted, method, draws, identification.LEVEL, C)
    plan = {
        "C": C,
        "N": N,
        "D": D,
        "loss": loss,
        "extrapolates": not bool(measured.min() * (1 - 1e-9) <= C <= measured.max() * (1 + 1e-9)),
        "intervals": {name: [float(v) for v in pair] for name, pair in bands.items()},
        "published": {
            "chinchilla": {"N": float(optimal_split(CHINCHILLA_REFIT.array, C)[0])},
            "kaplan": {"N": kaplan.efficient_plan(C).N},
        },
    }
    return plan, identification.split_doubts(C, N, judged["N"], largest=float(measured.max()))


def _bands(fitted, method, draws, level, C):
    if draws is not None:
        return draws.allocate(C, level)
    found = fitted.intervals(method, level, C=C)
    return {name: found[f"{name}_opt"] for name in ("N", "D", "loss")}


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


def _serving_doubts(fitted, plan, draws, level):
    """What is to be said against a plan for serving: refits that cannot reach its loss, or a wide band of N."""
    if not isinstance(draws, Bootstrap):
        return []
    C = float(plan["training_flops"])
    if plan["intervals"] is None:
        reason = (
            f"only {plan['share_that_reach']:.0%} of the refits can reach a loss of {plan['loss']:g} at any compute"
        )
        return [Doubt(reason, "ask for a higher loss, or add runs nearer to it", C)]
    if level != identification.LEVEL:
        plan = _serving(fitted, draws, identification.LEVEL, plan["loss"], plan["served_tokens"])
    largest = float(6 * (fitted.N * fitted.D).max())
    return identification.split_doubts(C, plan["N"], plan["intervals"]["N"], largest=largest)


def _decades(fitted):
    C = 6 * fitted.N * fitted.D
    first, last = int(np.ceil(np.log10(C.min()))), int(np.floor(np.log10(C.max())))
    decades = [10.0**power for power in range(first, last + 3)]
    return [C for C in decades if C in limits.FLOPS]


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


def other_document(
    law, columns, loss, *, x="C", delta=1e-3, bootstrap=200, level=0.95, seed=42, flops=(), unique=None, check=True
):
    """Fit one of the other laws (``catalogue.LAWS``) and return it as plain numbers, with case-bootstrap intervals.

    "kaplan" gives the bound on overfitting too, "data-constrained" the best split of each budget in ``flops`` for
    ``unique`` tokens (by default the most in the table), ``check=False`` also where it is not identified.
    """
    flops = [float(check_within(C, "C", limits.FLOPS)) for C in flops]
    unique = None if unique is None else float(check_within(unique, "unique", limits.TOKENS))
    fitted = fit_law(law, columns, loss, x=x, delta=delta)
    draws = fitted.bootstrap(bootstrap, seed=seed)
    document = fitted.to_dict()
    document["intervals"] = {name: list(ends) for name, ends in draws.interval(level).items()}
    document["interval_method"] = f"case bootstrap, {bootstrap} refits, percentile"
    document["level"] = level
    document["warnings"] = [f"{name}: it is not identified" for name in document["flags"]]
    if not fitted.converged:
        document["warnings"].insert(0, fitted.message)
    if document["rms_log_residual"] > 0.05:
        document["warnings"].insert(0, f"poor fit: RMS error of log loss {document['rms_log_residual']:.3g}")
    for name in ("D", "S"):
        if {"N", name} <= set(fitted.columns) and (
            line := common_line(fitted.columns["N"], fitted.columns[name], name)
        ):
            text = f"N and {name} move together ({line}): the effect of one cannot be told from that of the other"
            document["warnings"].insert(0, text)
    document["usable"] = fitted.converged and not document["warnings"]
    if law == "kaplan":
        document["overfitting_bound"] = _overfitting_bound(fitted, draws.samples, level) if document["usable"] else None
    if law == "data-constrained" and flops:
        U = float(np.max(columns["U"])) if unique is None else unique
        _allocate_constrained(document, fitted, draws.samples, level, flops, U, check)
    return document


def _allocate_constrained(document, fitted, draws, level, flops, U, check):
    """Add the splits for U unique tokens, and "plan_refused" with those that these runs do not identify."""
    document["allocation"], document["plan_refused"] = [], []
    if not document["usable"]:
        why = document["warnings"][0] if document["warnings"] else fitted.message
        document["plan_refused"] = [Doubt(why, "add runs, or fit --law chinchilla").to_dict()]
    known = document["usable"]
    largest = float(6 * np.max(fitted.columns["N"] * fitted.columns["D"]))
    for C in flops:
        plan = _constrained(fitted, draws, level, C, U)
        judged = plan if level == identification.LEVEL else _constrained(fitted, draws, identification.LEVEL, C, U)
        doubts = identification.split_doubts(C, plan["N"], judged["intervals"]["N"], largest=largest)
        document["plan_refused"] += [doubt.to_dict() for doubt in doubts if known]
        plan["identified"] = known and not doubts
        if plan["identified"] or not check:
            document["allocation"].append(plan)


def _constrained(fitted, draws, level, C, U):
    """The best split of C for U unique tokens, with quantiles over the resamples."""
    plan = constrained.repeating_plan(C, U, fitted.parameters)
    plans = [constrained.repeating_plan(C, U, row) for row in draws if np.isfinite(row).all()]
    ends = [(1 - level) / 2, (1 + level) / 2]
    out = {"C": C, "U": U, "epochs": plan.D / U, "N": plan.N, "D": plan.D, "loss": plan.loss}
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
    for name, value, drawn in zip("kp", bound(*fitted.parameters.tolist()), bound(*draws.T)):
        out[name], out[f"{name}_interval"] = float(value), np.nanquantile(drawn, ends).tolist()
    return out
