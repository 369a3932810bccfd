"""All that is said about a law other than the additive one, as plain numbers: what ``ziplaw fit --law`` prints.

Every law of ``forms.catalogue`` gets its parameters with intervals and its warnings; what follows from one law alone
stands in a table by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...numerics.functions import log
from ..fits.by_name import fit_law, rows_fitted
from ..fits.fitted import Fitted
from ..fits.form_fit import fit_form
from ..forms import kaplan
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN, exponents, split
from ..forms.arguments import check_within
from ..intervals import identification
from ..intervals.bootstrap import Bootstrap
from ..intervals.choose import Draws, describe, interval_of, resample
from ..intervals.identification import Doubt
from ..intervals.quantities import Function, Runs, tails
from ..solve.additive import Array
from ..solve.levels import common_line, n_levels
from .document import near_best_document
from .repeating import LOSSES, repeating_split, rising
from .verdicts import Verdicts

_OVERFITTING = 0.02


@dataclass(frozen=True)
class _Asked:
    """What was asked about a law besides its parameters."""

    level: float
    flops: Sequence[float]
    unique: float | None
    check: bool
    method: str
    draws: Draws
    bootstrap: int
    seed: int

    def samples(self, fitted: Any) -> Array:
        """Refits (n, q): those of the intervals, or of a case bootstrap where these have none."""
        draws = self.draws if isinstance(self.draws, Bootstrap) else fitted.bootstrap(self.bootstrap, seed=self.seed)
        found: Array = draws.samples
        return found


def other_document(
    law: str,
    columns: Mapping[str, npt.ArrayLike],
    loss: npt.ArrayLike,
    *,
    x: str = "C",
    link: str | None = None,
    delta: float = 1e-3,
    method: str | None = None,
    clusters: Runs = None,
    bootstrap: int = 200,
    level: float = 0.95,
    seed: int = 42,
    flops: Sequence[float] = (),
    unique: float | None = None,
    check: bool = True,
) -> dict[str, Any]:
    """Fit one of ``catalogue.LAWS`` and return it as plain numbers, with intervals.

    Parameters
    ----------
    law, columns, loss, x, link, delta
        The fit; see ``by_name.fit_law``.
    method, clusters, bootstrap, level, seed
        The intervals; see ``choose.intervals``.
    flops : sequence of float
        Budgets to allocate, where the law gives a split.
    unique : float, optional
        Unique tokens at hand for the split of "data-constrained"; by default the most in the table.
    check : bool
        Leave out splits that the runs do not identify; False keeps them, marked.

    Returns
    -------
    dict
        A FIT of another law (see ``docs/formats.md``), with "overfitting_bound" or "allocation" where it has them.
    """
    flops = [float(check_within(C, "C", limits.FLOPS)) for C in flops]
    unique = None if unique is None else float(check_within(unique, "unique", limits.TOKENS))
    fitted: Any = fit_law(law, columns, loss, x=x, link=link, delta=delta)
    if clusters is not None:
        clusters = np.asarray(clusters)[rows_fitted(law, columns, loss, x=x)]
    method, draws = resample(fitted, method, clusters=clusters, n=bootstrap, seed=seed)
    document = fitted.to_dict()
    ends = fitted.intervals(method, level) if draws is None else draws.interval(level)
    document["intervals"] = {name: list(pair) for name, pair in ends.items()}
    document["interval_method"] = describe(method, draws, bootstrap)
    document["level"] = level
    document["warnings"] = _warnings(fitted, document)
    document["usable"] = fitted.converged and not document["warnings"]
    asked = _Asked(level, flops, unique, check, method, draws, bootstrap, seed)
    if fitted.view.splits:
        a, b, _ = exponents(fitted.parameters, fitted.form)
        document["exponents"] = {"a": float(a), "b": float(b)}
        _splits(document, fitted, asked)
    if link is not None:
        return document  # what else follows from a law follows from its own link
    if law == "data-constrained":
        _rising_series(document, fitted)
    if law in _FOLLOWS:
        _FOLLOWS[law](document, fitted, asked)
    return document


def _warnings(fitted: Fitted, document: Mapping[str, Any]) -> list[str]:
    """What keeps a law from being used, worst first."""
    out = [f"{name}: it is not identified" for name in document["flags"]]
    if not fitted.converged:
        out.insert(0, fitted.message)
    if document["rms_log_residual"] > 0.05:
        out.insert(0, f"poor fit: RMS error of log loss {document['rms_log_residual']:.3g}")
    for name in ("D", "S"):
        if {"N", name} <= set(fitted.columns) and (
            line := common_line(fitted.columns["N"], fitted.columns[name], name)
        ):
            text = f"N and {name} move together ({line}): the effect of one cannot be told from that of the other"
            out.insert(0, text)
    return _too_few(fitted) + out


def _too_few(fitted: Fitted) -> list[str]:
    """Warn of one size or one budget, and of two beside a floor that is fitted: they leave exponents open."""
    out = []
    for name, what in (("N", "model size"), ("D", "token budget"), ("S", "number of steps")):
        if name in fitted.columns and len(fitted.columns) > 1:
            count = n_levels(fitted.columns[name])
            if count == 1 or (count == 2 and "E" in fitted.form.parameters):
                levels = f"one {what}" if count == 1 else f"two {what}s" if name != "S" else "two numbers of steps"
                out.append(f"{levels} only: the effect of {name} cannot be found")
    return out


def _law_refused(document: Mapping[str, Any], fitted: Fitted) -> list[dict[str, Any]]:
    """What keeps a law from giving any split, as JSON holds doubts; none where it is usable."""
    if document["usable"]:
        return []
    why = document["warnings"][0] if document["warnings"] else fitted.message
    return [Doubt(why, "add runs, or fit another --law").to_dict()]


def _outside(fitted: Fitted, best_N: Array) -> list[dict[str, Any]]:
    """What is to be said against a law whose best N lies to one side of every run, as JSON holds doubts."""
    doubts = identification.outside_doubts(fitted.columns["N"], fitted.columns["D"], best_N)
    return [doubt.to_dict() for doubt in doubts]


def _splits(document: dict[str, Any], fitted: Any, asked: _Asked) -> None:
    """Add the split of each budget, read off the index, and in "plan_refused" what these runs do not identify."""
    if not asked.flops:
        return
    form, runs = fitted.form, FLOPS_PER_PARAMETER_TOKEN * fitted.columns["N"] * fitted.columns["D"]
    refused = _law_refused(document, fitted) or _outside(fitted, split(fitted.parameters, runs, form)[0])
    document["allocation"], document["plan_refused"] = [], refused
    verdicts = Verdicts(refused, asked.check)

    def ends(of: Function, level: float) -> list[float]:
        return list(interval_of(fitted, of, asked.method, asked.draws, level))

    for C in asked.flops:
        N, D = (float(v) for v in split(fitted.parameters, C, form))

        def part(i: int, C: float = C) -> Function:
            return lambda p: split(p, C, form)[i]

        def loss(p: Array, C: float = C) -> Array:
            best = split(p, C, form)
            return np.asarray(form.loss_at(p, *(v[..., None] for v in best)))[..., 0]

        plan: dict[str, Any] = {"C": C, "N": N, "D": D, "loss": float(loss(fitted.parameters))}
        plan["near_best"] = near_best_document(fitted, C)
        functions = {"N": part(0), "D": part(1), "loss": loss}
        plan["intervals"] = {name: ends(of, asked.level) for name, of in functions.items()}
        judged = plan["intervals"]["N"] if asked.level == identification.LEVEL else ends(part(0), identification.LEVEL)
        doubts = identification.split_doubts(C, N, judged, largest=float(runs.max()))
        if verdicts.admit(plan, doubts):
            document["allocation"].append(plan)


def _overfitting_bound(document: dict[str, Any], fitted: Any, asked: _Asked) -> None:
    """Add D >= k N^p for overfitting of at most 2 %, with intervals, where the joint law is usable."""

    def bound(Nc: Any, Dc: Any, alpha_N: Any, alpha_D: Any) -> tuple[Any, Any]:
        found = replace(kaplan.KAPLAN, joint_N_c=Nc, joint_D_c=Dc, joint_alpha_N=alpha_N, joint_alpha_D=alpha_D)
        with np.errstate(all="ignore"):
            return kaplan.overfitting_bound(_OVERFITTING, found)

    document["overfitting_bound"] = None
    if document["usable"]:
        out: dict[str, Any] = {"tolerance": _OVERFITTING}
        for i, (name, value) in enumerate(zip("kp", bound(*fitted.parameters.tolist()))):

            def one(parameters: Array, i: int = i) -> Array:
                found: Array = bound(*np.moveaxis(parameters, -1, 0))[i]
                return found

            out[name] = float(value)
            out[f"{name}_interval"] = list(interval_of(fitted, one, asked.method, asked.draws, asked.level))
        document["overfitting_bound"] = out


def _rising_series(document: dict[str, Any], fitted: Fitted) -> None:
    """Add the series whose loss rises as tokens repeat, and warn: a discount of repeated tokens cannot make it rise."""
    columns = fitted.columns
    series, of = rising(columns["N"], columns["D"], columns["U"], fitted.loss)
    document["rising"] = {"series": series, "of": of, "least_rms": None}
    if not series:
        return
    # squares all the way: of all parameters of this law, the least error that these rows leave
    least = fit_form(fitted.form, columns, fitted.loss, delta=1.0).rms
    document["rising"]["least_rms"] = least
    most = series[0]
    document["warnings"].insert(
        0,
        f"the loss rises as tokens repeat in {len(series)} of {of} series of equal N and U, which this law cannot do: "
        f"most at N {most['N']:.3g}, U {most['U']:.3g}, from {most['best_loss']:.4g} after {most['best_epochs']:.3g} "
        f"epochs to {most['loss']:.4g} after {most['epochs']:.3g}; no parameters of it come nearer to the rows than an "
        f"RMS error of {least:.2g}: --law repeated-overfitting has a term for it",
    )
    document["usable"] = False


def _error_at_most_repeated(fitted: Fitted) -> dict[str, Any] | None:
    """Refit without the tenth of the rows with the most epochs, and return the RMS error of log loss there."""
    epochs = fitted.columns["D"] / fitted.columns["U"]
    top = epochs >= np.quantile(epochs, 0.9)
    if (~top).sum() <= fitted.n_free or np.ptp(epochs) == 0:
        return None
    rest = fitted.refit(~top)
    error = log(rest.predict(**{name: column[top] for name, column in fitted.columns.items()}) / fitted.loss[top])
    return {"n": int(top.sum()), "rms_log_error": float(np.sqrt(np.square(error).mean()))}


def _repeating_splits(document: dict[str, Any], fitted: Any, asked: _Asked) -> None:
    """Add the error on the most repeated rows and the split of each budget for so many unique tokens.

    In "plan_refused" stands what these runs do not identify.
    """
    document["holdout_repeated"] = _error_at_most_repeated(fitted)
    if not asked.flops:
        return
    samples = asked.samples(fitted)
    U = float(np.max(fitted.columns["U"])) if asked.unique is None else asked.unique
    document["allocation"], document["plan_refused"] = [], _law_refused(document, fitted)
    if document["usable"]:
        N, D = fitted.columns["N"], fitted.columns["D"]
        best = [
            repeating_split(fitted.form.name, C, float(u), fitted.parameters).N
            for C, u in zip(FLOPS_PER_PARAMETER_TOKEN * N * D, fitted.columns["U"])
        ]
        document["plan_refused"] += _outside(fitted, np.array(best))
    verdicts = Verdicts(document["plan_refused"], asked.check)
    largest = float(FLOPS_PER_PARAMETER_TOKEN * np.max(fitted.columns["N"] * fitted.columns["D"]))
    for C in asked.flops:
        plan = _repeating_split(fitted, samples, asked, C, U)
        judged = plan
        if asked.level != identification.LEVEL:
            judged = _repeating_split(fitted, samples, replace(asked, level=identification.LEVEL), C, U)
        doubts = identification.split_doubts(C, plan["N"], judged["intervals"]["N"], largest=largest)
        if verdicts.admit(plan, doubts):
            document["allocation"].append(plan)


def _repeating_split(fitted: Fitted, samples: Array, asked: _Asked, C: float, U: float) -> dict[str, Any]:
    """The best split of C for U unique tokens, with quantiles over the resamples."""
    law = fitted.form.name
    plan = repeating_split(law, C, U, fitted.parameters)
    plans = [repeating_split(law, C, U, row) for row in samples if np.isfinite(row).all()]
    out: dict[str, Any] = {"C": C, "U": U, "epochs": plan.D / U, "N": plan.N, "D": plan.D, "loss": plan.loss}
    names = ("N", "D", "loss")
    out["intervals"] = {
        name: np.quantile([getattr(p, name) for p in plans], tails(asked.level)).tolist() for name in names
    }
    return out


# what follows from one law besides its parameters: name -> what adds it to the document
_FOLLOWS: dict[str, Callable[[dict[str, Any], Any, _Asked], None]] = {
    "kaplan": _overfitting_bound,
    **dict.fromkeys(LOSSES, _repeating_splits),
}
