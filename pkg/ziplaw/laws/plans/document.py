"""All that is said about a law of N and D of one table, as plain numbers: what ``ziplaw fit`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ...base import limits
from ...errors import FitError
from ...numerics.functions import exp, expm1, log, log10, raised
from ..fits.dataset import resampled_document
from ..fits.fit import LawFit
from ..fits.link_fit import LinkFit
from ..forms import kaplan
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN, optimal_split
from ..forms.arguments import check_within
from ..forms.chinchilla import CHINCHILLA_REFIT
from ..intervals import identification
from ..intervals.bootstrap import Bootstrap
from ..intervals.choose import interval_of, resample
from ..intervals.identification import Doubt
from ..intervals.quantities import Runs, tails
from ..solve.misfit import together_along_runs
from ..valleys.envelope import envelope
from ..valleys.isoflop import isoflop
from .evidence.combined_plan import Accounting
from .serving import serve
from .verdicts import Verdicts

_SERVED = ("N", "D", "training_flops", "total_flops")


def law_document(
    fitted: LawFit | LinkFit,
    *,
    method: str | None = None,
    clusters: Runs = None,
    bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 42,
    flops: Sequence[float] = (),
    points: Sequence[Sequence[float]] = (),
    serving: tuple[float, float] | None = None,
    check: bool = True,
    compute: Accounting | None = None,
) -> dict[str, Any]:
    """Return everything worth saying about a law of the index ln(A/N^alpha + B/D^beta), as plain numbers.

    Parameters
    ----------
    fitted : LawFit or LinkFit
        The law.
    method, clusters, bootstrap, level, seed
        The intervals; see ``choose.intervals``.
    flops : sequence of float
        Budgets to allocate; by default the decades of the measured range and two beyond.
    points : sequence of (N, D)
        Where to predict the loss.
    serving : tuple of float, optional
        (target loss, tokens to be served): adds the cheapest plan in total FLOPs; of the additive law alone.
    check : bool
        Leave out the plans that the runs do not identify; False keeps them, marked.
    compute : Accounting, optional
        Adds "all_flops" to every plan of "allocation": the split where C is all FLOPs rather than 6 N D.

    Returns
    -------
    dict
        A FIT (see ``docs/formats.md``) with "allocation", "predictions", "approaches" and "serving".
        "plan_refused" holds what is left out, with its reason and the runs to add: C is null where no split
        is identified at all.

    Raises
    ------
    FitError
        Where runs are named that are too few for intervals over them.
    """
    flops = [float(check_within(C, "C", limits.FLOPS)) for C in flops]
    points = [[float(check_within(v, name, limits.SIZE)) for v, name in zip(point, "ND")] for point in points]
    method, draws = resample(fitted, method, clusters=clusters, n=bootstrap, seed=seed)
    document = resampled_document(fitted, clusters, method, draws, bootstrap=bootstrap, level=level)
    document |= {"law": fitted.form.name, "link": fitted.link, "formula": fitted.form.formula}
    if clusters is None and (shared := together_along_runs(fitted)):
        document["warnings"].append(
            f"rows of one run? neighbouring rows of one size err together (correlation {shared:.2f}): --cluster COLUMN "
            "names the run of every row; without it these intervals are too narrow"
        )
    verdicts = Verdicts(document["plan_refused"], check)
    document["allocation"] = []
    for C in flops or _decades(fitted):
        plan, doubts = _allocation(fitted, method, draws, level, C)
        if verdicts.admit(plan, doubts):
            if compute is not None:
                plan["all_flops"] = _of_all_flops(fitted, method, draws, level, C, compute)
            document["allocation"].append(plan)
    document["predictions"] = []
    for N, D in points:
        lo, hi = fitted.intervals(method, level, N=N, D=D)["loss"] if draws is None else draws.predict(N, D, level)
        document["predictions"].append(
            {"N": N, "D": D, "loss": fitted.predict(N, D), "interval": [float(lo), float(hi)]}
        )
    document["approaches"] = approaches(fitted, clusters, level)
    document["serving"] = None
    if serving and (verdicts.known or not check):
        plan = _serving(fitted, draws, level, *serving)
        if verdicts.admit(plan, _serving_doubts(fitted, plan, draws, level)):
            document["serving"] = plan
    return document


def _allocation(fitted, method, draws, level, C):
    """The best split of C with its bands, and what is to be said against it."""
    best = fitted.allocate(C, check=False)
    N, D, loss = best.N, best.D, best.loss
    measured = FLOPS_PER_PARAMETER_TOKEN * fitted.N * fitted.D
    bands = _bands(fitted, method, draws, level, C)
    # whatever level is printed, identification goes by one: asking for narrow bands identifies nothing
    judged = bands if level == identification.LEVEL else _bands(fitted, method, draws, identification.LEVEL, C)
    plan = {
        "C": C,
        "N": N,
        "D": D,
        "loss": loss,
        "near_best": near_best_document(fitted, C),
        "extrapolates": not bool(measured.min() * (1 - 1e-9) <= C <= measured.max() * (1 + 1e-9)),
        "intervals": {name: [float(v) for v in pair] for name, pair in bands.items()},
        "published": {
            "chinchilla": {"N": float(optimal_split(CHINCHILLA_REFIT.array, C)[0])},
            "kaplan": {"N": kaplan.efficient_plan(C).N},
        },
    }
    return plan, identification.split_doubts(C, N, judged["N"], largest=float(measured.max()))


def _of_all_flops(fitted, method, draws, level, C, compute):
    """The best split where C is c(N) D, with its bands: every resample has its own best N."""
    form = fitted.form

    def log_N(p: Any) -> Any:
        with np.errstate(divide="ignore"):
            A, B, alpha, beta = form.power_terms(p)
            return compute.best(log(A), log(B), alpha, beta, C)

    def N(p: Any) -> Any:
        return exp(log_N(p))

    def D(p: Any) -> Any:
        return C / compute.per_token(N(p))

    here = np.asarray(fitted.parameters, dtype=np.float64)
    best, tokens = float(N(here)), float(D(here))
    loss = draws.predict(best, tokens, level) if draws is not None else None
    if loss is None:
        loss = fitted.intervals(method, level, N=best, D=tokens)["loss"]
    bands = {name: interval_of(fitted, of, method, draws, level) for name, of in (("N", N), ("D", D))}
    return {
        "N": best,
        "D": tokens,
        "loss": float(fitted.predict(best, tokens)),
        "C_6nd": FLOPS_PER_PARAMETER_TOKEN * best * tokens,
        "intervals": {name: [float(end) for end in ends] for name, ends in (bands | {"loss": loss}).items()},
    }


def near_best_document(fitted: Any, C: float, tolerance: float = 1e-3) -> dict[str, Any]:
    """Which N cost at most ``tolerance`` (a share) of the best loss at C: "N" [low, high], null where nothing ends it.

    Parameters
    ----------
    fitted : LawFit or LinkFit
        A law whose split has a closed form.
    C : float
        Training FLOPs.
    tolerance : float
        How much the loss may exceed the lowest one, relative to that.
    """
    ends = fitted.near_best(C, tolerance)
    return {"tolerance": tolerance, "N": [end if 0 < end < np.inf else None for end in ends]}


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
        # quantiles over those that can reach the loss mean something only where most can
        if len(reaching) >= 0.5 * len(draws.samples):
            plans, edges = serve(reaching, loss, tokens), tails(level)
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
    largest = float(FLOPS_PER_PARAMETER_TOKEN * (fitted.N * fitted.D).max())
    return identification.split_doubts(C, plan["N"], plan["intervals"]["N"], largest=largest)


def _decades(fitted):
    C = FLOPS_PER_PARAMETER_TOKEN * fitted.N * fitted.D
    first, last = int(np.ceil(log10(C.min()))), int(np.floor(log10(C.max())))
    decades = [float(raised(10.0, decade)) for decade in range(first, last + 3)]
    return [C for C in decades if C in limits.FLOPS]


def approaches(fitted: LawFit | LinkFit, clusters: Runs = None, level: float = 0.95) -> dict[str, dict[str, Any]]:
    """Allocation exponent a by the three approaches of Hoffmann et al.; None where one cannot be had.

    Each carries its bias: what it gets wrong, in a and as a share of N at the middle compute, were the fitted law the
    truth (of the additive law alone). isoFLOP stands there twice, by parabolas as published and by valleys that may
    lean.
    """
    additive = isinstance(fitted, LawFit)
    alpha, beta = fitted.parameters[3:5].tolist()
    out: dict[str, dict[str, Any]] = {
        "additive law" if additive else "law": {"a": beta / (alpha + beta), "interval": None, "bias": None, "note": ""}
    }
    ways: dict[str, Any] = {"envelope": envelope, "isoflop": isoflop, "isoflop, leaning": partial(isoflop, lean=True)}
    for name, approach in ways.items():
        try:
            law = fitted.parameters if additive else None
            found = approach(fitted.N, fitted.D, fitted.loss, law=law, runs=clusters, level=level)
        except FitError as error:
            out[name] = {"a": None, "interval": None, "bias": None, "note": str(error)}
            continue
        out[name] = {
            "a": found.a,
            "interval": [_finite(end) for end in found.a_interval],
            "bias": found.bias,
            "bias_N": None if found.bias_log_N is None else float(expm1(found.bias_log_N)),
            "note": found.note,
            "measured": found.measured,
            "points": [
                {"C": float(C), "N": float(N), "interval": [_finite(end) for end in ends]}
                for C, N, ends in zip(found.C, found.N, found.N_interval)
            ],
        }
    return out


def _finite(end):
    return float(end) if np.isfinite(end) else None
