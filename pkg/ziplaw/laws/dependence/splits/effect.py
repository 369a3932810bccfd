"""What a covariate does to the best split of datasets, as a document that plans read: kind "effect".

The lines of (ln N_opt at one compute, a) in the covariate, by every link and by isoFLOP, with covariance and scatter:
what ``split`` of regression.json says of H, of any covariate. It is a file of its own, so that no reader takes slopes
in another covariate for slopes in H.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....errors import FitError
from ....numerics.functions import log
from .dataset_splits import FEWEST, KINDS, Fit, carrying, gather, reference_C, with_splits
from .trend import trend

# raised when what a document says would be misread by an earlier reader
VERSION = 1
SCALES = ("linear", "log")
_KEPT = ("n_datasets", "centre", "coefficients", "covariance", "scatter", "df")


def effect_document(
    fits: Sequence[Fit],
    values: Mapping[str, float],
    covariate: str,
    link: str,
    *,
    scale: str = "linear",
    C_range: tuple[float, float],
    level: float = 0.95,
) -> dict[str, Any]:
    """Regress the splits of datasets on a covariate.

    Parameters
    ----------
    fits : sequence of dict
        Documents of kind "fit".
    values : dict
        Dataset -> value of the covariate; datasets without one, or with one that has no logarithm where the scale is
        "log", are left out.
    covariate : str
        Its name.
    link : str
        The one that is believed.
    scale : {"linear", "log"}
        Whether the line is in the covariate or in its logarithm.
    C_range : (float, float)
        6 N D of the runs, for the reader.
    level : float
        Coverage of the intervals told.

    Returns
    -------
    dict
        The content of a document of kind "effect", see ``docs/formats.md``.

    Raises
    ------
    FitError
        When fewer than three datasets that differ in the covariate have splits by that link.
    """
    if scale not in SCALES:
        raise FitError(f"the scale is {scale!r}, must be linear or log")
    x = {name: _scaled(value, scale) for name, value in values.items()}
    used = with_splits([fit for fit in fits if np.isfinite(x.get(fit["dataset"], np.nan))])
    by, told = {}, {}
    C = reference_C(used) if used else float("nan")
    for kind in KINDS:
        mine = carrying(used, kind)
        if len({x[fit["dataset"]] for fit in mine}) < FEWEST:
            continue
        line = trend(gather(mine, kind, C)[0], np.array([x[fit["dataset"]] for fit in mine]), level=level)
        by[kind] = {key: line[key] for key in _KEPT} | {"centre": {covariate: line["centre"]["H"]}}
        told[kind] = {
            name: {key: found[key] for key in ("slope", "slope_ci", "p_permutation", "rank_correlation")}
            for name, found in line["lines"].items()
        }
    if link not in by:
        raise FitError(
            f"no effect of {covariate} by the {link} link: fewer than {FEWEST} datasets that differ in it have splits"
        )
    known = [x[fit["dataset"]] for fit in used]
    return {
        "version": VERSION,
        "covariate": covariate,
        "scale": scale,
        "split": {"C": C, "link": link, "by": by},
        "lines": told,
        "fitted_on": {"n_datasets": len(used), "range": [min(known), max(known)], "C": list(C_range)},
        "level": level,
    }


def check_effect(document: Mapping[str, Any], name: str) -> None:
    """Refuse what this ziplaw does not know how to read.

    Raises
    ------
    FitError
        When the document is of a later version, or lacks what a plan takes from it.
    """
    version = document.get("version")
    if version != VERSION:
        raise FitError(f"{name} is of version {version!r} of effects, this ziplaw reads {VERSION}: update ziplaw")
    missing = [key for key in ("covariate", "scale", "split", "fitted_on") if not document.get(key)]
    if missing or document["scale"] not in SCALES:
        raise FitError(f"{name} is no effect of a covariate: it lacks {', '.join(missing) or 'a known scale'}")


def _scaled(value: Any, scale: str) -> float:
    known = isinstance(value, int | float) and np.isfinite(value) and (scale == "linear" or value > 0)
    if not known:
        return float("nan")
    return float(log(value)) if scale == "log" else float(value)
