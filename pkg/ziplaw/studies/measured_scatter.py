"""How much datasets scatter about their line in H, as measured by a sweep: from its regression.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import FitError, shown

QUANTITIES = ("ln_N", "a", "alpha", "beta")


@dataclass(frozen=True)
class Scatter:
    """A standard deviation about the line in H, a dataset's own error of estimation included.

    Attributes
    ----------
    sd : float
        In the quantity's own units.
    df : int or None
        Degrees of freedom that it was measured with; None where it was given.
    source : str
        Where it is from.
    """

    sd: float
    df: int | None
    source: str


def measured_scatter(regression: Mapping[str, Any], source: str, link: str | None = None) -> dict[str, Scatter]:
    """Read the scatter of ln N_opt and a (by the chosen link, or one of ``split.by``) and of alpha and beta (additive
    law) off a regression.

    It is the standard error of the slope times sqrt(sum (H - mean)^2): what equal datasets would have to scatter by for
    a plain regression to have that error. What the regression does not tell is left out.

    Raises
    ------
    FitError
        When it tells nothing of the four, or not of that link.
    """
    found = {}
    split, law = regression.get("split") or {}, regression.get("law") or {}
    links = split.get("by") or {}
    if link is not None and link not in links:
        raise FitError(f"{source} has no split by the link {shown(link)}: it has {', '.join(links) or 'none'}")
    link = link or split.get("link")
    by = links.get(link) or {}
    rows = [row for row in split.get("datasets") or [] if row["dataset"] in by.get("datasets", ())]
    places = [(("ln_N", "a"), by, rows, f"{link} link of {source}")]
    places += [(("alpha", "beta"), law, regression.get("datasets") or [], f"additive law of {source}")]
    for names, part, rows, where in places:
        H = [float(row["H"]) for row in rows]
        for name in names:
            error = (part.get("lines") or {}).get(name, {}).get("slope_stderr")
            if error and len(H) > 2:
                mean = math.fsum(H) / len(H)
                spread = math.sqrt(math.fsum((x - mean) * (x - mean) for x in H))
                found[name] = Scatter(error * spread, int(part["df"]), f"{where}, {len(H)} datasets")
    if not found:
        raise FitError(f"{source} tells no slope in H with its error: give another regression.json, or --scatter")
    return found
