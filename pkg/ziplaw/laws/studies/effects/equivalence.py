"""When a claim that is not shown may be called wrong: its effect, if there is any, is smaller than what would matter.

``dependence.claims`` leaves a claim undecided where its test is not significant. That is right where data are few, but
a study may know an effect so well that "undecided" says too little. For each claim a smallest effect of interest is
stated beforehand, as a change over .2 of H (about the range of a half of the study):

- ln N_opt: ln 1.15. With exponents of .8 and .7 a model 15 % too large or too small costs alpha beta (ln 1.15)^2 / 2,
  half a per cent, of the reducible loss: less than a second seed changes it by.
- a: .05. Over a hundredfold of compute it moves N_opt by a factor of 1.26.
- alpha, beta: .15, about a fifth of what they are; alone it moves a by .05. ln A and ln B: as much as keeps the term
  where it was in the middle of N and D when the exponent moves by .15, .15 times the mean ln N, or ln D.
- ln E: ln 1.15.

A claim stays as it was where it was decided. Undecided ones become **not supported** by these rules, with I the 95 %
interval of the change over .2 of H (stricter than two one-sided tests at 5 %, which ask for the 90 % one) and d the
smallest effect:

- *depends on H* (best N, by the chosen kind or any; a): I lies within -d .. d. *The exponents depend on H*, and *the
  trend survives a fixed vocabulary* (over that group alone): so do the intervals of alpha and of beta both.
- *falls* (best N, A, B, alpha, beta): the lower end of I lies above -d: any fall is smaller than what matters.
  *rises* (E): the upper end lies below d.
- *alpha steeper than beta*: the upper end of the interval of |change of alpha| - |change of beta| lies below d.
- *alpha = beta near .27*: alpha = beta is rejected (t, 5 %) at every H from .22 to .32 by the lines of alpha and beta,
  part of which was measured.
- *the frontier turns*: a falls by less than d (as above); or alpha = beta is rejected at every H from .23 to .45.

Nothing becomes *supported* by these rules. Where the truth is an effect of exactly d as claimed, a claim is called
wrong with a chance of at most 2.5 % (5 % by a place in H).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....numerics.distributions import student_quantile
from ....numerics.functions import product
from ...dependence.claims import MIN_GROUP
from ...dependence.law_in_H import regress_laws
from ...solve.additive import Array

OVER = 0.2  # of H: what changes are told over
LN_1_15 = 0.13976194237515868
EXPONENT = 0.15
SMALLEST = {"ln_N": LN_1_15, "a": 0.05, "alpha": EXPONENT, "beta": EXPONENT, "ln_E": LN_1_15}
NEAR, TURN = (0.22, 0.32), (0.23, 0.45)
_POINTS = 41
_FALLS = {"best_N_falls": "ln_N", "A_falls": "ln_A", "B_falls": "ln_B", "alpha_falls": "alpha", "beta_falls": "beta"}


def smallest_effects(centre: Mapping[str, float] | None) -> dict[str, float]:
    """Smallest effects of interest by quantity, as changes over ``OVER``; ln_A and ln_B by the centre of a law in H."""
    if centre is None:
        return dict(SMALLEST)
    return SMALLEST | {"ln_A": EXPONENT * centre["ln_N"], "ln_B": EXPONENT * centre["ln_D"]}


def quantity_of(claim: str) -> str | None:
    """The quantity whose slope in H a claim is about, None where it is about more than one slope."""
    if claim.startswith("best_N"):
        return "ln_N"
    known = {**_FALLS, "a_depends_on_H": "a", "E_rises": "ln_E", "alpha_steeper_than_beta": "alpha",
             "frontier_turns": "a"}  # fmt: skip
    return known.get(claim)


def judged_again(
    rows: Sequence[Mapping[str, Any]], regression: Mapping[str, Any], one_vocabulary: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Apply the rules to rows of claims.csv.

    Parameters
    ----------
    rows : sequence of dict
        From ``dependence.claims.claims``.
    regression : dict
        The content of regression.json that they were made of.
    one_vocabulary : dict, optional
        A law in H of the group of one vocabulary (``group_law``).

    Returns
    -------
    list of dict
        The rows with ``verdict`` and ``why`` as they now stand, ``rule`` ("significance", "smallness", or "none" of
        what is undecided), and ``effect``, ``effect_low``, ``effect_high``, ``smallest``: the change over .2 of H.
    """
    law = regression.get("law")
    smallest = smallest_effects(law and law["centre"])
    return [_again(row, regression, law, smallest, one_vocabulary) for row in rows]


def _again(row, regression, law, smallest, group):
    claim = row["claim"]
    quantity = quantity_of(claim)
    out = dict(row) | dict.fromkeys(("effect", "effect_low", "effect_high", "smallest"))
    if quantity and row["low"] is not None:
        out |= dict(zip(("effect", "effect_low", "effect_high"), (OVER * row[k] for k in ("estimate", "low", "high"))))
        out["smallest"] = smallest.get(quantity)
    out["rule"] = "none" if row["verdict"] == "undecided" else "significance"
    if row["verdict"] == "undecided" and (why := _small(claim, out, regression, law, group)):
        out |= {"verdict": "not supported", "rule": "smallness", "why": why}
    return out


def _small(claim, row, regression, law, group):
    """Why a claim is called wrong, or None."""
    low, high, d = row["effect_low"], row["effect_high"], row["smallest"]
    told = None if low is None or d is None else f"over {OVER} of H the change is {low:+.3f} to {high:+.3f}"
    if claim in _FALLS and told and low > -d:
        return f"{told}: a fall of {d:.3f} or more is excluded"
    if claim == "E_rises" and told and high < d:
        return f"{told}: a rise of {d:.3f} or more is excluded"
    if (
        (claim.startswith("best_N_") or claim == "a_depends_on_H")
        and claim != "best_N_falls"
        and told
        and within(low, high, d)
    ):
        return f"{told}: a change of {d:.3f} or more either way is excluded"
    if claim == "exponents_depend_on_H" and regression.get("joint_test"):
        return _both_small([regression["joint_test"]["exponents"][name]["slope_ci"] for name in ("alpha", "beta")])
    if claim == "survives_fixed_vocabulary" and group:
        return _both_small([group["lines"][name]["slope_ci"] for name in ("alpha", "beta")])
    if claim == "alpha_steeper_than_beta" and told and high < d:
        return f"{told}: alpha is not the steeper one by {d:.3f} or more"
    if claim == "alpha_equals_beta_near_0.27" and law and no_crossing(law, NEAR, regression["fitted_on"]["H"]):
        return f"alpha = beta is rejected at every H from {NEAR[0]} to {NEAR[1]}"
    if claim == "frontier_turns" and law:
        if told and low > -d:
            return f"{told}: a does not fall by {d:.3f} or more"
        if no_crossing(law, TURN, regression["fitted_on"]["H"]):
            return f"a = 1/2 is rejected at every H from {TURN[0]} to {TURN[1]}"
    return None


def within(low: float, high: float, smallest: float) -> bool:
    """Tell whether an interval of a change lies within plus and minus the smallest effect."""
    return -smallest < low and high < smallest


def _both_small(intervals):
    ends = [(OVER * low, OVER * high) for low, high in intervals]
    if all(within(low, high, EXPONENT) for low, high in ends):
        (a, b), (c, d) = ends
        return (
            f"over {OVER} of H alpha changes by {a:+.3f} to {b:+.3f} and beta by {c:+.3f} to {d:+.3f}: both are small"
        )
    return None


def no_crossing(law: Mapping[str, Any], place: tuple[float, float], measured: Sequence[float]) -> bool:
    """Tell whether alpha = beta is rejected at every H of a place, part of which was measured, all on one side."""
    if place[1] < measured[0] or place[0] > measured[1]:
        return False
    coefficients, covariance = np.array(law["coefficients"]), np.array(law["covariance"])
    h = np.linspace(*place, _POINTS) - law["centre"]["H"]
    contrast = np.zeros((_POINTS, 10))
    contrast[:, 6], contrast[:, 7], contrast[:, 8], contrast[:, 9] = 1, h, -1, -h
    value = product(contrast, coefficients.ravel())
    error = np.sqrt((product(contrast, covariance) * contrast).sum(axis=1))
    t = student_quantile(law["df"], 1 - (1 - law["level"]) / 2)
    return bool((value - t * error > 0).all() or (value + t * error < 0).all())


def group_law(
    logs: Array, covariances: Array, H: Array, rows: Array, ln_N: float, ln_D: float, level: float
) -> dict[str, Any] | None:
    """The law in H of some datasets (a mask (K,)); None where they are too few or of one H."""
    if rows.sum() < MIN_GROUP or len(np.unique(H[rows])) < MIN_GROUP:
        return None
    return regress_laws(logs[rows], covariances[rows], H[rows], ln_N=ln_N, ln_D=ln_D, level=level)
