"""Laws by name, fitted to one table and compared by how well they predict what they were not shown."""

from __future__ import annotations

import numpy as np

from ...errors import FitError
from ..forms import arguments
from ..forms.constrained import REPEATED, broken
from ..forms.kaplan import COUPLED, JOINT, POWER, STEPS, envelope
from ..solve.general import fit_form
from .fit import fit

LAWS = ("chinchilla", "kaplan", "kaplan-coupled", "kaplan-steps", "data-constrained", "broken", "power")
COLUMNS = {
    "chinchilla": ("N", "D"),
    "kaplan": ("N", "D"),
    "kaplan-coupled": ("N", "D"),
    "kaplan-steps": ("N", "S"),
    "data-constrained": ("N", "D", "U"),
    "broken": ("x",),
    "power": ("x",),
}
_FORMS = {"kaplan": JOINT, "kaplan-coupled": COUPLED, "kaplan-steps": STEPS, "data-constrained": REPEATED}


def fit_law(law, columns, loss, *, x="C", delta=1e-3):
    """Fit one of ``LAWS`` other than the additive one.

    Parameters
    ----------
    law : str
        Its name. "broken" and "power" take one column: N, D, or C, for which only the runs on the lower envelope
        (no other run has both less compute and less loss) are fitted.
    columns : dict of array (n,)
        N and D, and S (steps) or U (unique tokens) where the law needs them.
    loss : array (n,)
        Held-out loss, nats per token.
    x : {"C", "N", "D"}
        Column of the one-column laws.
    delta : float
        Huber's delta on log loss.

    Returns
    -------
    FormFit
    """
    arguments.check_choice(law, "law", LAWS[1:])
    if law not in ("broken", "power"):
        return fit_form(_FORMS[law], columns, loss, delta=delta)
    arguments.check_choice(x, "x", ("C", "N", "D"))
    loss = arguments.check_column(loss, "loss")
    values = arguments.check_column(columns[x] if x in columns else 6 * np.asarray(columns["N"]) * columns["D"], x)
    if x == "C":
        rows = envelope(values, loss)
        values, loss = values[rows], loss[rows]
    form = broken(x) if law == "broken" else POWER[x]
    return fit_form(form, {x: values}, loss, delta=delta)


def compare(columns, loss, *, delta=1e-3) -> list[dict]:
    """Fit every law that the columns allow and set their held-out errors side by side.

    Parameters
    ----------
    columns : dict of array (n,)
        N and D; U or S as far as known.
    loss : array (n,)
        Held-out loss, nats per token.
    delta : float
        Huber's delta on log loss.

    Returns
    -------
    list of dict
        law, n, parameters (count), objective, rms_log_residual, holdout_rms (RMS error of log loss on the tenth of the
        rows with the most compute, by a refit without them), converged, message; best hold-out first. The one-column
        laws see the envelope alone, so their numbers compare with each other only.
    """
    rows = []
    for law in LAWS:
        if any(name not in columns for name in COLUMNS[law] if name != "x"):
            continue
        try:
            rows.append(_row(law, columns, loss, delta))
        except FitError as error:
            rows.append({"law": law, "converged": False, "message": str(error)})
    return sorted(rows, key=lambda row: (row.get("holdout_rms") is None, row.get("holdout_rms") or 0.0))


def _row(law, columns, loss, delta):
    if law == "chinchilla":
        fitted = fit(columns["N"], columns["D"], loss, delta=delta, duplicates="keep", units="keep")
        held = fitted.diagnostics["holdout"]["cells"]["C"]
        count = fitted.settings.n_free
    else:
        fitted = fit_law(law, columns, loss, delta=delta)
        held, count = fitted.holdout(), len(fitted.theta)
    return {
        "law": law if law not in ("broken", "power") else f"{law} in C, envelope",
        "n": len(fitted.loss),
        "parameters": count,
        "objective": fitted.objective,
        "rms_log_residual": float(np.sqrt((fitted.residuals**2).mean())),
        "holdout_rms": held["rms_log_error"] if held else None,
        "converged": fitted.converged,
        "message": fitted.message,
    }
