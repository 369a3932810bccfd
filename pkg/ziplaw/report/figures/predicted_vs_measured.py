"""How well each law predicts the losses that were measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import ticker

from ...laws.fits.dataset import takes_part
from ...laws.forms.chinchilla import PARAMETERS, additive
from ...numerics.functions import expm1, log
from ...sweep.folder import VARIANTS, Sweep, finite
from .style import COLUMN, GREY, INK, Row, figure, handle, label, log_axis, look, save, say

COLUMNS = "dataset variant model seed N D regime fitted largest measured predicted log_error".split()


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw each law's prediction against the measured loss, and below it the error of the prediction in percent."""
    rows = [row for dataset in sweep.datasets for row in _rows(sweep, dataset)]
    if not rows:
        made, (axes,) = figure(COLUMN * 1.28, 1.6)
        measured = any(sweep.cells(dataset) for dataset in sweep.datasets)
        say(
            axes,
            "no law converged: nothing to predict with" if measured else "every run diverged: no loss was measured",
        )
        save(made, output, rows, COLUMNS)
        return
    made, (axes, below) = figure(COLUMN * 1.28, 3.9, 2, 1, height_ratios=[2.6, 1.2], sharex=True)
    measured = np.array([row["measured"] for row in rows])
    ends = np.array([measured.min() / 1.06, measured.max() * 1.06])
    fitted = [abs(expm1(row["log_error"])) for row in rows if row["fitted"]] or [0.05]
    bound = max(1.25 * max(fitted), 1e-4)
    handles, names = [], []
    for index, dataset in enumerate(sweep.datasets):
        part = [row for row in rows if row["dataset"] == dataset]
        if not part:
            continue
        style = look(index, len(sweep.datasets)) | {"linestyle": "none", "markersize": 3.2}
        for row in part:
            face = style["color"] if row["fitted"] else "white"
            edge = {"markerfacecolor": face, "markeredgecolor": style["color"], "zorder": 3 if row["fitted"] else 2}
            error = float(expm1(row["log_error"]))
            for panel, value, low, high in ((axes, row["predicted"], *ends), (below, error, -bound, bound)):
                beyond = not low <= value <= high
                mark = {"marker": "^" if value > high else "v", "markersize": 2.2} if beyond else {}
                panel.plot(row["measured"], np.clip(value, low, high), **(style | edge | mark), clip_on=False)
                if row["largest"] and not beyond and panel is below:
                    panel.plot(row["measured"], value, "o", mfc="none", mec=INK, mew=0.4, ms=5.6, zorder=4)
        handles.append(handle(**style))
        names.append(_name(sweep, dataset))
    axes.plot(ends, ends, color=GREY, linewidth=0.7, zorder=1)
    below.axhline(0, color=GREY, linewidth=0.7, zorder=1)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, ylabel="predicted loss (nats per token)")
    below.set(xlabel="measured loss (nats per token)", ylabel="error of prediction", ylim=(-bound, bound))
    below.yaxis.set_major_formatter(
        ticker.PercentFormatter(1.0, decimals=0 if bound > 0.03 else 1 if bound > 3e-3 else 2)
    )
    for axis in (axes.xaxis, axes.yaxis):
        log_axis(axis)
    kinds = {
        "in the fit": (True, handle(marker="o")),
        "not fitted (outside the scaling regime)": (
            any(not row["fitted"] for row in rows), handle(marker="o", markerfacecolor="white")),
        "largest N or D (the hold-out test)": (
            True, handle(marker="o", markerfacecolor="none", markersize=5.6, markeredgewidth=0.4)),
        "beyond the axis": (_clipped(rows, ends, bound), handle(marker="^", markersize=2.4)),
    }  # fmt: skip
    shown = [(mark, word) for word, (there, mark) in kinds.items() if there]
    variants = ", ".join(dict.fromkeys(VARIANTS[row["variant"]] for row in rows))
    made.legend(handles, names, loc="outside upper left", ncols=2, alignment="left",
                title=f"dataset: r.m.s. error of log loss in the fit; held out ({variants})")  # fmt: skip
    axes.legend([m for m, _ in shown], [w for _, w in shown], loc="upper left", fontsize=6)
    save(made, output, rows, COLUMNS)


def _clipped(rows: list[Row], ends: np.ndarray, bound: float) -> bool:
    outside = [not ends[0] <= r["predicted"] <= ends[1] or abs(expm1(r["log_error"])) > bound for r in rows]
    return any(outside)


def _rows(sweep: Sweep, dataset: str) -> list[Row]:
    variant, body = sweep.variant(dataset)
    cells = sweep.cells(dataset)
    if not body or not cells:
        return []
    top = {key: max(c[key] for c in cells) for key in ("N", "D")}
    used: Any = sweep.fits[dataset].get("cells")
    predicted = additive(
        [body["parameters"][name] for name in PARAMETERS], [c["N"] for c in cells], [c["D"] for c in cells]
    )
    return [
        {
            "dataset": dataset,
            "variant": variant,
            **{key: c.get(key) for key in ("model", "seed", "N", "D", "regime")},
            "fitted": takes_part(c, used),
            "largest": c["N"] == top["N"] or c["D"] == top["D"],
            "measured": c["loss"],
            "predicted": float(value),
            "log_error": float(log(value / c["loss"])),
        }
        for c, value in zip(cells, predicted)
    ]


def _name(sweep: Sweep, dataset: str) -> str:
    _, body = sweep.variant(dataset)
    held = (body.get("holdout") or {}).get("rms_log_error")
    inside = body.get("rms_log_residual")
    numbers = [f"{100 * v:.2g} %" if finite(v) else "–" for v in (inside, held)]
    flag = "" if sweep.why_not(dataset) is None else ", not reportable"
    return f"{label(dataset, 16)}: {'; '.join(numbers)}{flag}"
