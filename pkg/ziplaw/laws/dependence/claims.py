"""The paper's claims, each held against a sweep by a stated rule: supported, not supported or undecided.

Rules, at level alpha = 1 - level (5 %); every number comes from regression.json, none from the paper:

- *The best N at a given compute depends on H* (asked first, since there the data's effect is; also asked of the
  exponent a): the slope in H of ln N_opt at the middle of what was measured, by the link that foretells the largest
  compute best. Supported when its permutation p, corrected by Holm for these two tests, is at most alpha and no other
  link and no isoFLOP says the opposite with p <= alpha; undecided otherwise. *It falls*: supported when the dependence
  is and the slope is negative, not supported when the dependence is and the slope is positive, undecided otherwise.
  Each link by itself, and isoFLOP without a law: supported when its own permutation p <= alpha, whatever the direction
  (uncorrected: these rows say how far the answer hangs on the link), undecided otherwise.
- *A parameter rises or falls with H*: the slope of its line in the law (of ln E, ln A and ln B, with A and B as in
  A/N^alpha and B/D^beta). That A, B, alpha and beta fall is read off the paper's "E alone rises".
  Supported when p <= alpha and the sign is as claimed; not supported when p <= alpha and the sign is the other one;
  undecided otherwise.
- *Monotone in H*: Spearman's rank correlation of the datasets' estimates with H, p over all relabellings. Not supported
  when some pair of datasets rises and another falls, each beyond the error of their fits (Bonferroni over pairs);
  supported when p <= alpha; undecided otherwise.
- *Steeper*: |slope of alpha| - |slope of beta|, interval from draws of both slopes. Supported when the interval lies
  above 0, not supported when below, undecided otherwise.
- *A place in H* (a crossing): supported when its interval is bounded and overlaps the claimed place, whose whole
  interval lies in the measured range of H, and (where a direction is claimed) the direction's p <= alpha; not supported
  when the interval lies wholly outside the claimed place and inside the measured range, or the direction is reversed
  with p <= alpha; undecided otherwise.
- *At a fixed vocabulary*: the joint test over the largest group of datasets with one vocabulary. Supported when
  p <= alpha; undecided otherwise, or when there is no such group of at least 4 datasets spanning 0.03 in H.
- *At a fixed H*: over the largest group of datasets within 0.03 in H whose shapes differ, exponents common against each
  dataset's own (F test). Not supported when p <= alpha (they differ although H does not); supported when p > alpha, the
  joint test over all datasets finds a trend, and the group's exponents spread less than half as much as all datasets';
  undecided otherwise, or when there is no such group of at least 4.

The split asks for no reportable exponents. For all else a dataset that is not reportable is left out, and counted; with
fewer than three datasets all is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from ...numerics.distributions import f_beyond, normal_inverse, student_beyond, student_quantile
from ...numerics.functions import log, product
from ..intervals.drawn_laws import multivariate_t
from ..solve.additive import Array
from . import joint
from .joint_test import f_statistic, joint_test
from .measure_of_H import SAME_H
from .panel import Panel
from .splits.claimed import claim_row, claims_about_splits
from .statistics.permutation import p_words, smallest_p, spearman

MIN_GROUP = 4
_PARAMETERS = {"E": "ln_E", "A": "ln_A", "B": "ln_B", "alpha": "alpha", "beta": "beta"}
_STATEMENTS = {
    "exponents_depend_on_H": "The exponents alpha and beta depend on H",
    "E_rises": "E rises with H (the paper: alone among the five, and not significantly)",
    **{f"{p}_falls": f"{p} falls with H" for p in ("A", "B", "alpha", "beta")},
    **{f"{p}_monotone": f"{p} moves monotonically with H" for p in _PARAMETERS},
    "alpha_steeper_than_beta": "alpha changes faster with H than beta does",
    "alpha_equals_beta_near_0.27": "alpha = beta near H = 0.27 (0.22 to 0.32)",
    "frontier_turns": "the optimal frontier turns from parameters (a > 1/2) to data (a < 1/2) within 0.23 < H < 0.45",
    "survives_fixed_vocabulary": "the trend of the exponents survives when the vocabulary is held fixed",
    "vanishes_at_fixed_H": "the trend of the exponents vanishes when H is held fixed and the grammar's shape varies",
}
CLAIMS = tuple(_STATEMENTS)  # the paper's sixteen


def claims(
    regression: Mapping[str, Any], panel: Panel | None = None, errors: Array | None = None
) -> list[dict[str, Any]]:
    """Judge every claim.

    Parameters
    ----------
    regression : dict
        The content of regression.json.
    panel : Panel, optional
        The cells behind it, in the order of ``regression["datasets"]``; needed by the claims about groups of datasets.
    errors : ndarray (K, 5), optional
        Standard errors of ln E, ln A, ln B, alpha, beta of each dataset; needed by the claims of monotony.

    Returns
    -------
    list of dict
        Rows of claims.csv, with its columns (docs/formats.md) as keys.
    """
    alpha = 1 - regression["level"]
    missing = regression.get("split_message", "no split on H was made: regress again")
    left_out = regression["n_left_out"]
    note = f"; {left_out} dataset{'s' if left_out != 1 else ''} left out" if left_out else ""
    if regression["law"] is None:
        why = regression["conclusion"] + note
        if regression.get("split") is None:
            why = missing = f"{why}; {missing}"
    first = claims_about_splits(regression.get("split"), missing, alpha)
    if regression["law"] is None:
        return first + [_row(name, "none", verdict="undecided", why=why) for name in _STATEMENTS]
    rows = [_depends(regression, alpha)]
    rows += [_direction(regression, "E", +1, alpha)]
    rows += [_direction(regression, name, -1, alpha) for name in ("A", "B", "alpha", "beta")]
    rows += [_monotone(regression, name, errors, alpha) for name in _PARAMETERS]
    rows += [_steeper(regression, alpha), _near(regression), _turns(regression, alpha)]
    rows += [_fixed_vocabulary(regression, panel, alpha), _fixed_H(regression, panel, alpha)]
    return first + [row | {"why": row["why"] + note} for row in rows]


def _row(claim, *numbers, **told):
    return claim_row(claim, _STATEMENTS[claim], *numbers, **told)


def _depends(regression, alpha):
    test = regression["joint_test"]
    name = "F of M1 against M0, permutation p"
    if test is None:
        why = regression.get("joint_test_message", "no joint test was made")
        return _row("exponents_depend_on_H", name, verdict="undecided", why=why)
    p = test["p_permutation"]
    verdict = "supported" if p <= alpha else "undecided"
    return _row("exponents_depend_on_H", name, test["F"], p_value=p, verdict=verdict, why=test["conclusion"])


def _direction(regression, name, sign, alpha):
    line = regression["law"]["lines"][_PARAMETERS[name]]
    claim = f"{name}_{'rises' if sign > 0 else 'falls'}"
    what = name if name in ("alpha", "beta") else f"ln {name}"
    slope, (low, high), p = line["slope"], line["slope_ci"], line["p_value"]
    moves = "rises" if slope > 0 else "falls"
    if p is None:
        verdict, why = "undecided", f"the slope of {what} has no standard error"
    elif p > alpha:
        verdict = "undecided"
        why = f"the interval of the slope ({low:+.2f} to {high:+.2f} per unit of H) holds zero"
        if name == "E":
            why += ", as the paper found too"
    else:
        verdict = "supported" if slope * sign > 0 else "not supported"
        why = f"{what} {moves} by {abs(slope):.2f} per unit of H, {p_words(p)}"
    why += _about_E(regression, name)
    if name in ("A", "B"):
        at, axis = line["at_centre"], "N" if name == "A" else "D"
        p_at = "" if at["p_value"] is None else f", {p_words(at['p_value'])}"
        term = f"{name}/{axis}^{'alpha' if name == 'A' else 'beta'}"
        why += f"; {term} at the mean {axis}: log slope {at['slope']:+.2f}{p_at}"
    return _row(claim, f"slope of {what} in H", slope, low, high, p, verdict=verdict, why=why)


def _about_E(regression, name):
    """What must be added to a reason about E where E was not fitted but held at a known floor."""
    if name != "E" or regression["variant"] != "floor":
        return ""
    return "; E is each grammar's floor, so this says how the grammars were chosen, not how models learn"


def _monotone(regression, name, errors, alpha):
    datasets = regression["datasets"]
    H = np.array([d["H"] for d in datasets])
    raw = np.array([d["parameters"][name] for d in datasets], dtype=np.float64)
    values = raw if name in ("alpha", "beta") else log(np.maximum(raw, 1e-300))
    statistic = "Spearman rank correlation with H"
    rho, p = spearman(H, values, regression["seed"])
    claim, note = f"{name}_monotone", _about_E(regression, name)
    if not np.isfinite(rho):
        return _row(claim, statistic, verdict="undecided", why="all datasets have the same value")
    if errors is not None:
        index = list(_PARAMETERS).index(name)
        pair = reversal(H, values, errors[:, index], alpha)
        if pair:
            up, down = (f"{datasets[i]['dataset']} to {datasets[j]['dataset']}" for i, j in pair)
            of = "floors" if note else "fits"
            why = f"it rises from {up} and falls from {down}, each beyond the error of their {of}{note}"
            return _row(claim, statistic, rho, p_value=p, verdict="not supported", why=why)
    least = smallest_p(len(H))
    if least > alpha:
        why = f"{len(H)} datasets are too few (smallest possible p {least:.2f}){note}"
        return _row(claim, statistic, rho, p_value=p, verdict="undecided", why=why)
    verdict = "supported" if p <= alpha else "undecided"
    order = "in order of H" if p <= alpha else "not ordered by H beyond chance"
    return _row(
        claim, statistic, rho, p_value=p, verdict=verdict, why=f"{len(H)} datasets are {order}, {p_words(p)}{note}"
    )


def reversal(H: Array, values: Array, errors: Array, alpha: float) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Pairs of datasets, one that rises with H and one that falls, each beyond its error: ((i, j), (k, l)) or None."""
    pairs = [(i, j) if H[i] < H[j] else (j, i) for i, j in combinations(range(len(H)), 2) if H[i] != H[j]]
    if not pairs:
        return None
    z = {}
    for i, j in pairs:
        spread = np.sqrt(errors[i] * errors[i] + errors[j] * errors[j])
        # an error of zero means that the value is known (a floor): any difference is real
        z[i, j] = (values[j] - values[i]) / max(spread, 1e-9) if np.isfinite(spread) else 0.0
    limit = -normal_inverse(alpha / 2 / len(pairs))
    up, down = (end(z, key=lambda pair: z[pair]) for end in (max, min))
    return (up, down) if z[up] > limit and z[down] < -limit else None


def _steeper(regression, alpha):
    law = regression["law"]
    coefficients, covariance = np.array(law["coefficients"]), np.array(law["covariance"])
    slopes = multivariate_t(
        coefficients[3:, 1], covariance[np.ix_([7, 9], [7, 9])], law["df"], 20_000, regression["seed"]
    )
    # absolute values: steeper means faster, in whichever direction
    drawn = np.abs(slopes[:, 0]) - np.abs(slopes[:, 1])
    low, high = np.quantile(drawn, [alpha / 2, 1 - alpha / 2])
    p = min(1.0, 2 * min((drawn <= 0).mean(), (drawn >= 0).mean()))
    estimate = abs(coefficients[3, 1]) - abs(coefficients[4, 1])
    verdict = "supported" if low > 0 else "not supported" if high < 0 else "undecided"
    why = {
        "supported": "alpha's slope is the larger one in the whole interval",
        "not supported": "beta's slope is the larger one in the whole interval",
        "undecided": "the interval of the difference holds zero",
    }[verdict]
    return _row("alpha_steeper_than_beta", "|slope of alpha| - |slope of beta|", estimate, low, high, p,
                verdict=verdict, why=why)  # fmt: skip


def _place(found, H_range, place):
    """Say whether a crossing's interval lies in range and overlaps the claimed place: "in", "out" or a reason."""
    low, high = found["interval"]
    if low is None:
        return "the crossing's interval is unbounded: the slopes are too uncertain"
    if low < H_range[0] or high > H_range[1]:
        measured = f"{H_range[0]:.3f} to {H_range[1]:.3f}"
        return f"the crossing's interval {low:.3f} to {high:.3f} leaves the measured range of H, {measured}"
    return "in" if low <= place[1] and high >= place[0] else "out"


def _near(regression):
    found, H_range = regression["crossings"]["alpha_equals_beta"], regression["fitted_on"]["H"]
    where = _place(found, H_range, (0.22, 0.32))
    verdict = {"in": "supported", "out": "not supported"}.get(where, "undecided")
    why = found["text"] if verdict != "undecided" else where
    return _row("alpha_equals_beta_near_0.27", "H at which alpha = beta", found["H"], *found["interval"],
                verdict=verdict, why=why)  # fmt: skip


def _turns(regression, alpha):
    law, found, H_range = regression["law"], regression["crossings"]["a_equals_half"], regression["fitted_on"]["H"]
    estimate, (low, high), p = slope_of_a(law, alpha)
    where = _place(found, H_range, (0.23, 0.45))
    statistic = "slope of a = beta/(alpha+beta) in H"
    if p <= alpha and estimate > 0:
        verdict, why = "not supported", f"a rises with H, {p_words(p)}: the frontier turns towards parameters"
    elif p > alpha:
        verdict = "undecided"
        why = f"the direction of a is not settled (slope {low:+.2f} to {high:+.2f}); {found['text']}"
    else:
        verdict = {"in": "supported", "out": "not supported"}.get(where, "undecided")
        why = f"a falls with H, {p_words(p)}; " + (found["text"] if verdict != "undecided" else where)
    return _row("frontier_turns", statistic, estimate, low, high, p, verdict=verdict, why=why)


def slope_of_a(law: Mapping[str, Any], alpha: float = 0.05) -> tuple[float, tuple[float, float], float]:
    """Slope of a(H) at the centre, its interval and p, by the delta method.

    a = beta/(alpha+beta), so a' = (alpha beta' - beta alpha')/(alpha+beta)^2.
    """
    coefficients, covariance, df = np.array(law["coefficients"]), np.array(law["covariance"]), law["df"]
    (a0, a1), (b0, b1) = coefficients[3], coefficients[4]
    total = a0 + b0
    slope = (a0 * b1 - b0 * a1) / np.square(total)
    gradient = np.array([b1 / np.square(total) - 2 * slope / total, -b0 / np.square(total),
                         -a1 / np.square(total) - 2 * slope / total, a0 / np.square(total)])  # fmt: skip
    sd = float(np.sqrt(max(product(gradient, covariance[6:, 6:], gradient), 1e-300)))
    t = student_quantile(df, 1 - alpha / 2)
    return float(slope), (float(slope - t * sd), float(slope + t * sd)), float(2 * student_beyond(abs(slope) / sd, df))


def _fixed_vocabulary(regression, panel, alpha):
    name = "survives_fixed_vocabulary"
    statistic = "F of M1 against M0 in the largest group with one vocabulary"
    sizes = [d["vocab_size"] for d in regression["datasets"]]
    known = [s for s in sizes if s is not None]
    if panel is None or not known:
        return _row(name, statistic, verdict="undecided", why="vocabulary sizes are not known")
    size = max(sorted(set(known)), key=known.count)
    rows = np.array([s == size for s in sizes])
    H = panel.H[rows]
    if rows.sum() < MIN_GROUP or np.ptp(H) < SAME_H or len(np.unique(H)) < 3:
        why = f"needs at least {MIN_GROUP} datasets of one vocabulary that span {SAME_H} in H"
        why += f"; the largest group has {rows.sum()}"
        return _row(name, statistic, verdict="undecided", why=why)
    if rows.all():
        test, whole = regression["joint_test"], "all datasets share one vocabulary, so this is the joint test itself: "
    else:
        test = joint_test(panel.subset(rows), bootstrap=0, level=1 - alpha, seed=regression["seed"])
        whole = f"{rows.sum()} datasets with a vocabulary of {size}: "
    if test is None:
        return _row(name, statistic, verdict="undecided", why=regression["joint_test_message"])
    p = test["p_permutation"]
    verdict = "supported" if p <= alpha else "undecided"
    return _row(name, statistic, test["F"], p_value=p, verdict=verdict, why=whole + test["conclusion"])


def _fixed_H(regression, panel, alpha):
    name, statistic = "vanishes_at_fixed_H", f"F of S against M0 in the largest group within {SAME_H} in H"
    if panel is None:
        return _row(name, statistic, verdict="undecided", why="the cells are not at hand")
    H = panel.H
    groups = [np.flatnonzero((H >= low) & (H <= low + SAME_H)) for low in H]
    rows = max(groups, key=len)
    if len(rows) < MIN_GROUP:
        why = f"needs at least {MIN_GROUP} datasets within {SAME_H} in H; this sweep has {len(rows)}"
        return _row(name, statistic, verdict="undecided", why=why)
    part = panel.subset(rows)
    alone, null = joint.saturated(part), joint.common(part)
    extra, freedom = 2 * (len(rows) - 1), part.n - len(rows) * (part.n_local + 2)
    F = float(f_statistic(null.rss[0], alone.rss.sum(), extra, freedom))
    p = float(f_beyond(max(F, 0.0), extra, freedom))
    names = ", ".join(part.names)
    if p <= alpha:
        why = f"exponents differ among {names}, {p_words(p)}, although their H agrees"
        return _row(name, statistic, F, p_value=p, verdict="not supported", why=why)
    # "vanishes" needs a trend over all H to vanish, and exponents that are as near as H is
    inside = joint.saturated(part).exponents.std(axis=0)
    across = joint.saturated(panel).exponents.std(axis=0)
    test = regression["joint_test"]
    trend = test is not None and test["p_permutation"] <= alpha
    if trend and (inside < across / 2).all():
        why = (
            f"exponents of {names} do not differ ({p_words(p)}) and spread less than half as much as over all datasets"
        )
        return _row(name, statistic, F, p_value=p, verdict="supported", why=why)
    why = f"exponents of {names} are not shown to differ ({p_words(p)}), but "
    why += "they spread nearly as much as over all datasets" if trend else "no trend over all datasets is shown either"
    return _row(name, statistic, F, p_value=p, verdict="undecided", why=why)
