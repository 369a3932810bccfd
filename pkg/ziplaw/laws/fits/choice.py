"""Which link a table asks for: by the error on the runs with the most compute, of which the fits know nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import exp, expm1, log, log1p
from ..forms import arguments
from ..forms.catalogue import LINKS
from .fit import LawFit
from .link_fit import LinkFit, fit_link

# shares of the rows, those with the most compute, that are held out in turn: one cut alone is a lottery in small tables
SHARES = (0.1, 0.15, 0.2, 0.3)
# a wider link must lower the error by this share on average, at every cut by something, and have rows to learn from
LEAST_GAIN, ROWS_A_PARAMETER = 0.1, 6


@dataclass(frozen=True)
class LinkChoice:
    """The link chosen for a table.

    Attributes
    ----------
    link : str
        The simplest whose held-out errors no wider one beats by more than noise.
    errors : dict
        link -> RMS error of the log of what was fitted on the held-out rows, geometric mean over the cuts; None where
        a fit could not be had, or the table is too small for so many parameters.
    reason : str
        One sentence.
    """

    link: str
    errors: dict[str, float | None]
    reason: str


def choose_link(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    links: Sequence[str] = LINKS,
    shares: Sequence[float] = SHARES,
    U: float | None = None,
    **options: Any,
) -> LinkChoice:
    """Choose a link for a table of runs, blind to anything but N, D and the loss.

    A link is taken over a simpler one when its error on the rows with the most compute is lower at every cut, by a
    tenth on average, and the table has six rows for each of its parameters.

    Parameters
    ----------
    N, D, loss : array-like (n,)
        The table.
    links : sequence of str
        Candidates, the simplest first.
    shares : sequence of float
        Shares of the rows that are held out, one after the other.
    U : float, optional
        Upper end of the bounded link, where it is known.
    **options
        As of ``link_fit.fit_link``: E, excess, tie, objective, duplicates, units, ...

    Returns
    -------
    LinkChoice

    Raises
    ------
    FitError
        When not even the simplest link can be fitted.
    """
    for link in links:
        arguments.check_choice(link, "link", LINKS)
    first = links[0]
    logs: dict[str, npt.NDArray[np.float64]] = {}
    for link in links:
        try:
            fitted = fit_link(N, D, loss, link=link, U=U if link == "bounded" else None, **options)
        except FitError:
            if link == first:
                raise
            continue
        if link == first or fitted.n >= ROWS_A_PARAMETER * fitted.n_free:
            logs[link] = _log_errors(fitted, shares)
    errors: dict[str, float | None] = dict.fromkeys(links)
    errors |= {link: float(exp(found.mean())) for link, found in logs.items() if np.isfinite(found).all()}
    chosen = first
    for link in links[1:]:
        if errors[link] is None or errors[chosen] is None:
            continue
        gain = logs[chosen] - logs[link]
        if gain.min() > 0 and gain.mean() > -log1p(-LEAST_GAIN):
            chosen = link
    if errors[first] is None:
        return LinkChoice(first, errors, f"{first}: too few rows to hold any out")
    if chosen == first:
        return LinkChoice(first, errors, f"{first}: no wider link has lower errors at the largest C by more than noise")
    share = -float(expm1((logs[chosen] - logs[first]).mean()))
    return LinkChoice(chosen, errors, f"{chosen}: its errors at the largest C are {share:.0%} below those of {first}")


def _log_errors(fitted: LawFit | LinkFit, shares: Sequence[float]) -> npt.NDArray[np.float64]:
    """Ln of the held-out error at each share, NaN where there is none."""
    held = [fitted.error_at_largest_C(share) for share in shares]
    with np.errstate(divide="ignore"):
        return log([cell["rms_log_error"] if cell else np.nan for cell in held])
