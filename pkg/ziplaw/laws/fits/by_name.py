"""Laws by name (``forms.catalogue``), fitted to one table, and compared by their error on what they were not shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ..forms import arguments
from ..forms.catalogue import LAWS, LINKS, law
from ..forms.chinchilla import ADDITIVE
from ..forms.form import Array, OneColumn
from ..forms.links import with_link
from .fitted import Fitted
from .form_fit import fit_form
from .link_fit import fit_link


def fit_law(
    name: str,
    columns: Mapping[str, npt.ArrayLike],
    loss: npt.ArrayLike,
    *,
    x: str = "C",
    link: str | None = None,
    U: float | None = None,
    delta: float = 1e-3,
) -> Fitted:
    """Fit one of the laws of ``catalogue.LAWS``.

    Parameters
    ----------
    name : str
        Its name. Laws of one column take one of choice: N, D, or C, for which only the runs on the lower envelope
        (no other run has both less compute and less loss) are fitted.
    columns : dict of array (n,)
        N and D, and S (steps) or U (unique tokens) where the law needs them.
    loss : array (n,)
        Held-out loss, nats per token.
    x : {"C", "N", "D"}
        Column of the one-column laws.
    link : str, optional
        Another link of ``catalogue.LINKS`` on the law's index.
    U : float, optional
        The unigram entropy at which a bounded law of N and D is held.
    delta : float
        Huber's delta on log loss.

    Returns
    -------
    Fitted
        A ``LawFit`` of the additive law, a ``LinkFit`` of its index under another link, whose table is taken as
        checked; of any other a ``FormFit``.
    """
    found = law(name)
    form = found.of(x)
    if form is ADDITIVE or form.name in LINKS:
        link = link or form.link.name
        care: dict[str, Any] = {"duplicates": "keep", "units": "keep", "U": U if link == "bounded" else None}
        return fit_link(columns["N"], columns["D"], loss, link=link, delta=delta, **care)
    if link is not None:
        form = with_link(form, link)
    if isinstance(found, OneColumn):
        loss, values = arguments.check_column(loss, "loss"), _column(columns, x)
        rows = rows_fitted(name, columns, loss, x=x)
        columns, loss = {x: values[rows]}, loss[rows]
    return fit_form(form, columns, loss, delta=delta)


def rows_fitted(
    name: str, columns: Mapping[str, npt.ArrayLike], loss: npt.ArrayLike, *, x: str = "C"
) -> npt.NDArray[np.intp]:
    """Rows of a table that a law is fitted to: those on the envelope for a law of C alone, else all; ints (m,)."""
    loss = arguments.check_column(loss, "loss")
    if isinstance(law(name), OneColumn) and x == "C":
        return unbeaten(_column(columns, x), loss)
    return np.arange(len(loss))


def _column(columns, x):
    return arguments.check_column(columns[x] if x in columns else 6 * np.asarray(columns["N"]) * columns["D"], x)


def unbeaten(cost: npt.ArrayLike, loss: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Rows on the lower envelope of loss against cost: no other row costs no more and has a lower loss.

    Parameters
    ----------
    cost, loss : array (n,)
        Compute (or any cost) and loss of every measured point of every run.

    Returns
    -------
    ndarray of int
        Row numbers, by rising cost.
    """
    cost, loss = arguments.check_positive(cost, "cost"), arguments.check_positive(loss, "loss")
    order = np.lexsort((loss, cost))
    best = np.minimum.accumulate(loss[order])
    first = np.concatenate([[True], best[1:] < best[:-1]])
    return order[first]


def compare_laws(
    columns: Mapping[str, Array], loss: npt.ArrayLike, *, delta: float = 1e-3, U: float | None = None
) -> list[dict[str, Any]]:
    """Fit every law that the columns allow and set their held-out errors side by side.

    Parameters
    ----------
    columns : dict of array (n,)
        N and D; U or S as far as known.
    loss : array (n,)
        Held-out loss, nats per token.
    delta : float
        Huber's delta on log loss.
    U : float, optional
        The unigram entropy, upper end of the bounded law.

    Returns
    -------
    list of dict
        law, n, parameters (count), objective, rms_log_residual, holdout_rms (RMS error of log loss on the tenth of the
        rows with the most compute, by a refit without them), converged, message; best hold-out first. The one-column
        laws see the envelope alone, so their numbers compare with each other only.
    """
    rows = []
    for name, link in [*((name, None) for name in LAWS), ("chinchilla", "power")]:
        found = law(name)
        one_column = isinstance(found, OneColumn)
        if not one_column and any(column not in columns for column in found.columns):
            continue
        try:
            row = _row(fit_law(name, columns, loss, link=link, U=U, delta=delta))
        except FitError as error:
            rows.append({"law": name, "converged": False, "message": str(error)})
        else:
            shown = f"{name} in C, envelope" if one_column else f"{name}, link {link}" if link else name
            rows.append({"law": shown, **row})
    return sorted(rows, key=lambda row: (row.get("holdout_rms") is None, row.get("holdout_rms") or 0.0))


def _row(fitted: Fitted) -> dict[str, Any]:
    held = fitted.error_at_largest_C()
    return {
        "n": fitted.n,
        "parameters": fitted.n_free,
        "objective": fitted.objective,
        "rms_log_residual": fitted.rms,
        "holdout_rms": held["rms_log_error"] if held else None,
        "converged": fitted.converged,
        "message": fitted.message,
    }
