"""One fitted law with its data: curves, residuals, contour of loss with the frontier, profiles of E, alpha and beta."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import FitError
from ..laws.allocate import optimal_split
from ..laws.forms import additive
from ..laws.likelihood import criterion, profile_curve
from .style import ACCENT, GREY, INK, PAGE, PALE, figure, handle, label, log_axis, look, prefixed, save, say, style

COLUMNS = "panel series N D C x y loss".split()
_MOST_CURVES = 8


def law_fit_figure(fitted, document, output):
    """Draw a fit in six panels and write the drawn numbers beside it.

    Parameters
    ----------
    fitted : LawFit
        The law and its table.
    document : dict
        Its plain numbers (``laws.report.law_document``): intervals and whether the law is usable.
    output : path-like
        The image, by its ending .svg, .png or .pdf; the CSV goes beside it.

    Raises
    ------
    FitError
        When the ending is not known or the fit has no finite objective.
    """
    if Path(output).suffix not in (".svg", ".png", ".pdf"):
        raise FitError(f"{output} ends in {Path(output).suffix or 'nothing'!r}: name it .svg, .png or .pdf")
    if not np.isfinite(fitted.objective):
        raise FitError(f"nothing to draw: {fitted.message}")
    with style():
        made, axes = figure(PAGE, 4.3, 2, 3)
        rows = _curves(axes[0], fitted)
        rows += _residuals(axes[1], fitted)
        rows += _contour(axes[2], fitted, document["usable"])
        for panel, name in zip(axes[3:], ("E", "alpha", "beta")):
            rows += _profile(panel, fitted, document, name)
        if not document["usable"]:
            made.suptitle("Not a usable law: " + ", ".join(document["flags"]), color=ACCENT, size=7.5)
        save(made, output, rows, COLUMNS)


def _curves(axes, fitted):
    """Loss against D for some model sizes: the law as lines, measured points as marks."""
    axes.set(xscale="log", title="Loss against tokens", xlabel="D, training tokens", ylabel="loss, nats per token")
    sizes = np.unique(fitted.N)
    if len(sizes) > _MOST_CURVES:
        # many sizes: draw the law at eight; a point is moved along the law to the nearest of them
        axes.set_title("Loss against tokens, moved to these N")
        sizes = np.exp(np.quantile(np.log(fitted.N), np.linspace(0, 1, _MOST_CURVES)))
    nearest = np.abs(np.log(fitted.N)[:, None] - np.log(sizes)).argmin(axis=1)
    rows, entries = [], []
    for i, size in enumerate(sizes):
        own, how = nearest == i, look(i, len(sizes))
        if not own.any():
            continue
        D = np.geomspace(fitted.D[own].min(), fitted.D[own].max(), 60)
        axes.plot(D, additive(fitted.parameters, size, D), color=how["color"], linestyle=how["linestyle"])
        shown = (
            fitted.loss[own]
            * additive(fitted.parameters, size, fitted.D[own])
            / fitted.predict(fitted.N[own], fitted.D[own])
        )
        axes.plot(fitted.D[own], shown, linestyle="none", color=how["color"], marker=how["marker"], ms=2.6)
        entries.append((handle(**{**how, "ms": 2.6}), f"N {prefixed(size)}"))
        rows += [{"panel": "curves", "series": f"N = {size:.4g}", "N": n, "D": d, "loss": v}
                 for n, d, v in zip(fitted.N[own], fitted.D[own], fitted.loss[own])]  # fmt: skip
    axes.legend(*zip(*entries), ncols=2, fontsize=5, loc="upper right", handlelength=2.2)
    log_axis(axes.xaxis, si=True)
    return rows


def _residuals(axes, fitted):
    """Relative errors of the law against compute."""
    C = 6 * fitted.N * fitted.D
    error = 100 * np.expm1(-fitted.residuals)
    axes.set(xscale="log", title="Loss above the law", xlabel="C = 6ND, FLOPs", ylabel="per cent of the law")
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.plot(C, error, linestyle="none", marker="o", color=INK, ms=2.4)
    log_axis(axes.xaxis, power=True)
    return [{"panel": "residuals", "N": n, "D": d, "C": c, "y": e} for n, d, c, e in zip(fitted.N, fitted.D, C, error)]


def _contour(axes, fitted, usable):
    """Loss over N and D with the measured points and, for a usable law, the compute-optimal line."""
    axes.set(xscale="log", yscale="log", title="Loss over N and D", xlabel="N, parameters", ylabel="D, training tokens")
    axes.grid(False)
    spans = [(v.min() / 1.5, v.max() * 1.5) for v in (fitted.N, fitted.D)]
    x, y = np.meshgrid(*(np.geomspace(*span, 80) for span in spans))
    surface = additive(fitted.parameters, x, y)
    if np.isfinite(surface).all() and surface.max() > surface.min() * 1.0001:
        drawn = axes.contour(x, y, surface, levels=8, cmap="viridis", linewidths=0.8)
        axes.clabel(drawn, fontsize=5.5, fmt="%.3g", colors=[GREY])
    axes.plot(fitted.N, fitted.D, linestyle="none", marker="o", color=INK, ms=2.0)
    rows = []
    if usable:
        C = np.geomspace(6 * fitted.N.min() * fitted.D.min(), 6 * fitted.N.max() * fitted.D.max(), 60)
        N, D, loss = optimal_split(fitted.parameters, C)
        inside = (N > spans[0][0]) & (N < spans[0][1]) & (D > spans[1][0]) & (D < spans[1][1])
        axes.plot(N[inside], D[inside], color=ACCENT, linewidth=1.5)
        rows = [{"panel": "frontier", "C": c, "N": n, "D": d, "loss": v}
                for c, n, d, v in zip(C[inside], N[inside], D[inside], loss[inside])]  # fmt: skip
    axes.set(xlim=spans[0], ylim=spans[1])
    log_axis(axes.xaxis, si=True)
    log_axis(axes.yaxis, si=True)
    return rows


def _profile(axes, fitted, document, name):
    """Rise of the objective over fixed values of one parameter, in units of the 95 % criterion."""
    axes.set(title=f"Profile of {name}", xlabel=label(name), ylabel="rise / 95 % criterion")
    position = ("E", "A", "B", "alpha", "beta").index(name)
    estimate = float(fitted.parameters[position])
    if not fitted.settings.free[position]:
        say(axes, f"{name} is held at {estimate:.4g}" if name == "E" else f"{name} is tied to alpha")
        return []
    lo, hi = document["intervals"][name]
    half = max(estimate - lo, hi - estimate) if lo is not None and np.isfinite([lo, hi]).all() else estimate
    half = half or 0.1 * max(estimate, 1.0)
    low = max(estimate - 1.6 * half, 0.0 if name == "E" else 0.006)
    values = np.linspace(low, min(estimate + 1.6 * half, 4.9 if name != "E" else fitted.loss.min()), 41)
    rise = (profile_curve(fitted, name, values) - fitted.objective) / criterion(fitted)
    axes.plot(values, rise, color=INK)
    axes.axhline(1, color=GREY, linewidth=0.6, linestyle=(0, (3, 2)))
    axes.axvline(estimate, color=ACCENT, linewidth=0.9)
    if lo is not None and np.isfinite([lo, hi]).all():
        axes.axvspan(lo, hi, color=PALE, alpha=0.4, linewidth=0)
    axes.set_ylim(0, min(max(float(np.nanmax(rise)), 1.5), 6))
    return [{"panel": "profile", "series": name, "x": x, "y": y} for x, y in zip(values, rise)]
