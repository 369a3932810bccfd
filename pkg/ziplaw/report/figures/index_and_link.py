"""How losses follow from the index under each link: every dataset's cells on one curve between its two ends."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ...numerics.functions import exp, log, logaddexp
from ...numerics.linear import polyfit
from ...sweep.folder import WAYS, Sweep, finite
from .style import (
    ACCENT,
    GREY,
    INK,
    PAGE,
    PALE,
    Row,
    figure,
    handle,
    label,
    legend,
    look,
    reasons,
    save,
    say,
    wrap,
)  # fmt: skip

COLUMNS = "dataset link chosen model seed N D x reduced predicted log_error largest reportable reason".split()
# share of the room between floor and unigram entropy that is drawn above the upper end
_OVER = 0.28
_LEAST_ERROR = 0.1


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw the reduced loss against the index under each link, and below it the error of ln(loss - E)."""
    links = [link for link in WAYS if any(link in sweep.links(name) for name in sweep.datasets)]
    rows = [row for name in sweep.datasets for link in links for row in _rows(sweep, name, link)]
    if not rows:
        made, (axes,) = figure(PAGE * 0.6, 2.0)
        say(axes, _nothing(sweep), 72)
        save(made, output, rows, COLUMNS)
        return
    made, grid = figure(PAGE, 3.6, 2, len(links), sharey="row", sharex="col", height_ratios=[1.5, 1.0])
    most = 1.1 * max(_LEAST_ERROR, float(np.quantile([abs(row["log_error"]) for row in rows], 0.99)))
    for upper, lower, link in zip(grid[: len(links)], grid[len(links) :], links):
        own = [row for row in rows if row["link"] == link]
        _ends(upper)
        for name in sweep.datasets:
            part = [row for row in own if row["dataset"] == name]
            if part:
                _points(sweep, upper, lower, name, part, most)
                if link == "free":
                    _own_curve(sweep, upper, name)
        x = np.array([row["x"] for row in own])
        span = np.linspace(x.min() - 0.5, x.max() + 0.5, 201)
        if link != "free":
            upper.plot(span, _common(link, span), color=INK, linewidth=0.9, zorder=1)
        upper.set(xlim=(span[0], span[-1]), ylim=(-0.06, 1 + _OVER))
        lower.axhline(0, color=GREY, linewidth=0.7, zorder=1)
        lower.set_ylim(-most, most)
        chosen = link == sweep.chosen_link
        upper.set_title(
            f"{WAYS[link]}{', chosen' if chosen else ''}\n{_errors(sweep, link)}", color=ACCENT if chosen else INK,
            size=6.5,
        )  # fmt: skip
    grid[0].set_ylabel("(loss − E) / (U − E)")
    grid[len(links)].set_ylabel("ln(measured / predicted)\nof loss − E")
    made.supxlabel("index z, scaled: ln of what is left to learn, were there no upper end", size=7)
    notes = reasons({name: why for name in sweep.datasets if (why := _grey(sweep, name))})
    if notes:
        made.supxlabel(wrap(f"index z, scaled. Grey: {notes}", 150), size=6, color=GREY)
    _legend(sweep, made, rows)
    save(made, output, rows, COLUMNS)


def _nothing(sweep: Sweep) -> str:
    if not sweep.fits:
        return "no links: this folder holds no fits"
    if not any(sweep.cells(name) for name in sweep.datasets):
        return "no links: every run diverged"
    why = {
        name: next((fit["message"] for fit in (sweep.fits[name].get("links") or {}).values()), "no link was fitted")
        for name in sweep.datasets
        if name in sweep.fits
    }
    return f"no link could be fitted. {reasons(why)}"


def _grey(sweep: Sweep, name: str) -> str | None:
    """Say why a dataset is drawn grey: the regimes of its cells."""
    fit = sweep.fits.get(name) or {}
    return None if fit.get("reportable") or not sweep.links(name) else fit.get("reason") or "not reportable"


def _common(link: str, x: np.ndarray) -> np.ndarray:
    return 1 / (1 + exp(-x)) if link == "bounded" else exp(x)


def _scale(sweep: Sweep, name: str, link: str) -> tuple[float, float, float, float]:
    """E, U and the slope and offset that turn a dataset's index into what is drawn under it.

    Under identity, power and bounded x = k z - ln(U - E): all datasets then follow one curve. A free link has no k: its
    index is scaled by the straight line that comes nearest to ln of its excess.
    """
    fit = sweep.links(name)[link]
    E = fit["E"]
    known = [fit.get("U"), *(row.get("unigram_entropy") for row in sweep.of(name))]
    # where no unigram entropy is known the largest loss stands for it
    U = next((U for U in known if finite(U) and U > E), max(c["loss"] for c in sweep.cells(name)))
    if link != "free":
        return E, U, (fit["parameters"] or {}).get("k", 1.0), -float(log(U - E))
    excess = np.array(fit["curve"]["excess"])
    slope, offset = polyfit(fit["curve"]["z"], log(np.maximum(excess, 1e-12) / (U - E)), 1)
    return E, U, float(slope), float(offset)


def _index(fit: dict[str, Any], N: Any, D: Any) -> np.ndarray:
    A, B, alpha, beta = (fit["index"][key] for key in ("A", "B", "alpha", "beta"))
    return logaddexp(log(A) - alpha * log(N), log(B) - beta * log(D))


def _rows(sweep: Sweep, name: str, link: str) -> list[Row]:
    from ...laws.fits.dataset_links import largest

    fit, cells = sweep.links(name).get(link), sweep.cells(name)
    if not fit or not cells:
        return []
    E, U, slope, offset = _scale(sweep, name, link)
    N, D, loss = (np.array([cell[key] for cell in cells], dtype=float) for key in ("N", "D", "loss"))
    z = _index(fit, N, D)
    predicted = exp(np.interp(z, fit["curve"]["z"], log(fit["curve"]["excess"])))
    top, why = largest(N * D), _grey(sweep, name)
    return [
        {
            "dataset": name,
            "link": link,
            "chosen": link == sweep.chosen_link,
            **{key: cell.get(key) for key in ("model", "seed", "N", "D")},
            "x": float(slope * z[i] + offset),
            "reduced": float((loss[i] - E) / (U - E)),
            "predicted": float(predicted[i] / (U - E)),
            "log_error": float(log((loss[i] - E) / predicted[i])),
            "largest": bool(top[i]),
            "reportable": why is None,
            "reason": why,
        }
        for i, cell in enumerate(cells)
        if loss[i] > E
    ]


def _ends(axes: Any) -> None:
    for at, words in ((1.0, "U: token frequencies"), (0.0, "E: the floor")):
        axes.axhline(at, color=GREY, linewidth=0.7, linestyle=(0, (3, 2)), zorder=0)
        axes.annotate(words, (0.03 if at else 0.97, at), xycoords=("axes fraction", "data"), xytext=(0, 1.5), size=5.5,
                      textcoords="offset points", color=GREY, ha="left" if at else "right", va="bottom")  # fmt: skip


def _points(sweep: Sweep, upper: Any, lower: Any, name: str, rows: list[Row], most: float) -> None:
    style = look(sweep.datasets.index(name), len(sweep.datasets)) | {"linestyle": "none"}
    colour = style["color"] if rows[0]["reportable"] else PALE
    for row in rows:
        face = "white" if row["largest"] else colour
        mark = {"color": colour, "marker": style["marker"], "markerfacecolor": face, "markersize": 2.6, "zorder": 3}
        upper.plot(row["x"], row["reduced"], linestyle="none", **mark)
        beyond = abs(row["log_error"]) > most
        mark |= {"marker": "^" if row["log_error"] > 0 else "v", "markersize": 2.2} if beyond else {}
        lower.plot(row["x"], np.clip(row["log_error"], -most, most), linestyle="none", clip_on=False, **mark)


def _own_curve(sweep: Sweep, axes: Any, name: str) -> None:
    E, U, slope, offset = _scale(sweep, name, "free")
    curve = sweep.links(name)["free"]["curve"]
    style = look(sweep.datasets.index(name), len(sweep.datasets))
    axes.plot(slope * np.array(curve["z"]) + offset, np.array(curve["excess"]) / (U - E), color=style["color"],
              linewidth=0.7, zorder=1)  # fmt: skip


def _errors(sweep: Sweep, link: str) -> str:
    fits = [fit for name in sweep.datasets if (fit := sweep.links(name).get(link))]
    inside = [fit["rms_log_residual"] for fit in fits if finite(fit["rms_log_residual"])]
    held = [error for fit in fits if finite(error := (fit["holdout"] or {}).get("rms_log_error"))]
    words = [f"{median(values):.2f} {what}" for values, what in ((inside, "inside"), (held, "held out")) if values]
    return f"error {', '.join(words)}" if words else ""


def _legend(sweep: Sweep, made: Any, rows: list[Row]) -> None:
    handles, names = [], []
    for index, name in enumerate(sweep.datasets):
        part = [row for row in rows if row["dataset"] == name]
        if part:
            style = look(index, len(sweep.datasets))
            handles.append(handle(marker=style["marker"], color=style["color"] if part[0]["reportable"] else PALE))
            H = sweep.H(name)
            names.append(label(name, 16) + (f", H = {H:.3f}" if finite(H) else ""))
    handles.append(handle(marker="o", markerfacecolor="white"))
    names.append("largest compute (held out)")
    legend(made, handles, names, 5)
