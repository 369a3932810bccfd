"""One fitted law with its data: curves, residuals, contour of loss with the frontier, profiles of E, alpha and beta."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ...base.outputs import image
from ...errors import FitError
from ...laws.fits.fit import LawFit
from ...laws.fits.link_fit import LinkFit
from ...laws.forms.chinchilla import PARAMETERS
from ...laws.intervals import identification
from ...laws.intervals.profile import criterion, profile_curve
from ...numerics.functions import exp, expm1, geomspace, log
from .style import ACCENT, GREY, INK, PAGE, PALE, Row, figure, handle, log_axis, look, prefixed, save, say, style, wrap

COLUMNS = "panel series N D C x y loss".split()
_MOST_CURVES = 8


def law_fit_figure(fitted: LawFit | LinkFit, document: dict[str, Any], output: str | Path) -> None:
    """Draw a fit in six panels and write the drawn numbers beside it.

    Parameters
    ----------
    fitted : LawFit or LinkFit
        The law and its table.
    document : dict
        Its plain numbers (``laws.plans.document.law_document``): intervals and whether the law is usable.
    output : path-like
        The image, by its ending .svg, .png or .pdf; the CSV goes beside it.

    Raises
    ------
    FitError
        When the ending is not known or the fit has no finite objective.
    """
    output = image(output)
    if not np.isfinite(fitted.objective):
        raise FitError(f"nothing to draw: {fitted.message}")
    with style():
        made, axes = figure(PAGE, 4.3, 2, 3)
        rows = _curves(axes[0], fitted)
        rows += _residuals(axes[1], fitted)
        rows += _contour(axes[2], fitted, not any(doubt["C"] is None for doubt in document["plan_refused"]))
        for panel, name in zip(axes[3:], ("E", "alpha", "beta")):
            rows += _profile(panel, fitted, document, name)
        _title(made, fitted, document)
        save(made, output, rows, COLUMNS)


def _title(made: Figure, fitted: LawFit | LinkFit, document: dict[str, Any]) -> None:
    """The law itself above the panels, or why it is none."""
    if not document["usable"]:
        words = wrap("Not a usable law: " + ", ".join(document["flags"] or ["poor fit"]), 120)
        made.suptitle(words, color=ACCENT, size=7.5, x=0.01, ha="left")
        return
    E, A, B, alpha, beta = fitted.parameters[:5]
    index = f"{A:.4g} / N^{{{alpha:.3f}}} + {B:.4g} / D^{{{beta:.3f}}}"
    law = f"$L = {E:.4g} + {index}$"
    if fitted.link != "identity":
        rest = ", ".join(f"{name} {value:.3g}" for name, value in list(fitted.estimates.items())[5:7])
        law = f"link {fitted.link} of $z = \\ln({index})$,  E {E:.4g}, {rest}"
    rms = f"RMS error {document['rms_log_residual']:.2%}"
    made.suptitle(f"{law},  {fitted.n} points, {rms}", size=8, x=0.01, ha="left")


def _curves(axes: Any, fitted: LawFit | LinkFit) -> list[Row]:
    """Loss against D for some model sizes: the law as lines, measured points as marks."""
    axes.set(xscale="log", title="Loss against tokens", xlabel="D, training tokens", ylabel="loss, nats per token")
    sizes = np.unique(fitted.N)
    if len(sizes) > _MOST_CURVES:
        # many sizes: draw the law at eight; a point is moved along the law to the nearest of them
        axes.set_title("Loss against tokens, moved to these N")
        sizes = exp(np.quantile(log(fitted.N), np.linspace(0, 1, _MOST_CURVES)))
    nearest = np.abs(log(fitted.N)[:, None] - log(sizes)).argmin(axis=1)
    rows, entries = [], []
    for i, size in enumerate(sizes):
        own, how = nearest == i, look(i, len(sizes))
        if not own.any():
            continue
        D = geomspace(fitted.D[own].min(), fitted.D[own].max(), 60)
        axes.plot(D, fitted.predict(size, D), color=how["color"], linestyle=how["linestyle"])
        shown = fitted.loss[own] * fitted.predict(size, fitted.D[own]) / fitted.predict(fitted.N[own], fitted.D[own])
        axes.plot(fitted.D[own], shown, linestyle="none", color=how["color"], marker=how["marker"], ms=2.6)
        entries.append((handle(**{**how, "ms": 2.6}), f"N {prefixed(size)}"))
        rows += [{"panel": "curves", "series": f"N = {size:.4g}", "N": n, "D": d, "loss": v}
                 for n, d, v in zip(fitted.N[own], fitted.D[own], fitted.loss[own])]  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))  # room for the legend
    axes.legend(*zip(*entries), ncols=2, fontsize=5, loc="upper right", handlelength=2.2)
    log_axis(axes.xaxis, si=True)
    return rows


def _residuals(axes: Any, fitted: LawFit | LinkFit) -> list[Row]:
    """Relative errors of the law against compute."""
    C = 6 * fitted.N * fitted.D
    error = 100 * expm1(-fitted.residuals)
    axes.set(xscale="log", title="Loss above the law", xlabel="C = 6ND, FLOPs", ylabel="per cent of the law")
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.plot(C, error, linestyle="none", marker="o", color=INK, ms=2.4)
    log_axis(axes.xaxis, power=True)
    return [{"panel": "residuals", "N": n, "D": d, "C": c, "y": e} for n, d, c, e in zip(fitted.N, fitted.D, C, error)]


def _contour(axes: Any, fitted: LawFit | LinkFit, identified: bool) -> list[Row]:
    """Loss over N and D with the measured points and, where it is identified, the compute-optimal line."""
    axes.set(xscale="log", yscale="log", title="Loss over N and D", xlabel="N, parameters", ylabel="D, training tokens")
    axes.grid(False)
    spans = [(v.min() / 1.5, v.max() * 1.5) for v in (fitted.N, fitted.D)]
    x, y = np.meshgrid(*(geomspace(*span, 80) for span in spans))
    surface = fitted.predict(x, y)
    if np.isfinite(surface).all() and surface.max() > surface.min() * 1.0001:
        drawn = axes.contour(x, y, surface, levels=8, cmap="viridis", linewidths=0.8)
        axes.clabel(drawn, fontsize=5.5, fmt="%.3g", colors=[GREY])
    axes.plot(fitted.N, fitted.D, linestyle="none", marker="o", color=INK, ms=2.0)
    rows = []
    if identified:
        C = geomspace(6 * fitted.N.min() * fitted.D.min(), 6 * fitted.N.max() * fitted.D.max(), 60)
        plan = fitted.allocate(C, check=False)
        N, D, loss = (np.asarray(v) for v in (plan.N, plan.D, plan.loss))
        inside = (N > spans[0][0]) & (N < spans[0][1]) & (D > spans[1][0]) & (D < spans[1][1])
        axes.plot(N[inside], D[inside], color=ACCENT, linewidth=1.5, label="compute-optimal")
        axes.legend(loc="upper left", fontsize=5.5, frameon=True, edgecolor="none", framealpha=0.85)
        rows = [{"panel": "frontier", "C": c, "N": n, "D": d, "loss": v}
                for c, n, d, v in zip(C[inside], N[inside], D[inside], loss[inside])]  # fmt: skip
    axes.set(xlim=spans[0], ylim=spans[1])
    log_axis(axes.xaxis, si=True)
    log_axis(axes.yaxis, si=True)
    return rows


def _profile(axes: Any, fitted: LawFit | LinkFit, document: dict[str, Any], name: str) -> list[Row]:
    """Rise of the objective over fixed values of one parameter, in units of the interval's criterion."""
    symbol = name if name == "E" else rf"$\{name}$"
    level = document["level"]
    axes.set(title=f"Profile of {symbol}", xlabel=symbol, ylabel=f"rise / {100 * level:g}% criterion")
    position = PARAMETERS.index(name)
    estimate = float(fitted.parameters[position])
    if not fitted.problem.free[position]:
        say(axes, f"E is held at {estimate:.4g}" if name == "E" else "beta is tied to alpha")
        return []
    lo, hi = document["intervals"][name]
    bounded = lo is not None and np.isfinite([lo, hi]).all()
    half = (max(estimate - lo, hi - estimate) if bounded else estimate) or 0.1 * max(estimate, 1.0)
    ends = (0.0, fitted.loss.min()) if name == "E" else identification.exponent_bounds(fitted)[name]
    values = np.linspace(max(estimate - 1.8 * half, ends[0]), min(estimate + 1.8 * half, ends[1]), 41)
    rise = (profile_curve(fitted, name, values) - fitted.objective) / criterion(fitted, level)
    axes.plot(values, rise, color=INK, label="profile")
    axes.axhline(1, color=GREY, linewidth=0.6, linestyle=(0, (3, 2)))
    axes.axvline(estimate, color=ACCENT, linewidth=0.9, label=f"estimate {estimate:.4g}")
    if bounded:
        axes.axvspan(
            lo, hi, color=PALE, alpha=0.4, linewidth=0, label=f"{100 * level:g}% interval {lo:.3g} to {hi:.3g}"
        )
    axes.set(ylim=(0, 5), xlim=values[[0, -1]])
    axes.legend(loc="upper center", fontsize=5.5, frameon=True, edgecolor="none", framealpha=0.85)
    return [{"panel": "profile", "series": name, "x": x, "y": y} for x, y in zip(values, rise)]
