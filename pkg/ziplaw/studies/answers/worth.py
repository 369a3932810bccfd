"""What H is worth: the loss lost by splitting each grammar's compute by each rule, over the grammars of a half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...laws.dependence.splits.dataset_splits import with_splits
from ...laws.dependence.splits.link_choice import choose_link
from ...laws.forms.catalogue import LINKS
from ...laws.studies.worth.over_datasets import mean_of, median_of
from ...numerics.functions import exp, log
from ..judging.judged_rules import CONSTANT, MAIN, MAIN_JUDGE, judged_rules
from ..measured import HALVES, Study

COLUMNS = (
    "half", "trained_on", "compute", "sizes", "C", "judge", "link", "rule", "n", "outside",
    "lost", "lost_lo", "lost_hi", "median", "median_lo", "median_hi", "excess", "excess_lo", "excess_hi",
    "factor", "factor_lo", "factor_hi", "against_constant", "against_constant_lo", "against_constant_hi",
    "against_H", "against_H_lo", "against_H_hi", "N_opt", "main",
)  # fmt: skip
_GROUP = ("half", "trained_on", "compute", "sizes", "judge", "link")


def rows(study: Study) -> list[dict[str, Any]]:
    """Tell what each rule loses, by the link that foretells best on the exploratory half and by isoFLOP.

    Returns
    -------
    list of dict
        Of ``COLUMNS``. ``lost`` is the mean share of the loss over the n grammars judged, ``median`` the median,
        ``excess`` the median share of what the best split leaves above the floor, ``factor`` the geometric mean of the
        compute that the rule spends over that which the best split needs for the same loss. ``against_constant`` and
        ``against_H``: the mean of what the rule loses less what the best constant ratio, or the law in H, loses of the
        same grammars; below zero the rule is better. ``outside``: grammars for which the rule's N lies beyond the sizes
        measured at that compute. ``main``: the rows that are concluded from. Intervals are of 95 %, over grammars drawn
        again.
    """
    link = chosen_link(study)
    judged = judged_rules(study, link)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in judged:
        groups.setdefault(tuple(row.get(key) for key in _GROUP), []).append(row)
    out = []
    for key, some in groups.items():
        by_rule: dict[str, dict[str, dict[str, Any]]] = {}
        for row in some:
            by_rule.setdefault(row["rule"], {})[row["dataset"]] = row
        start = dict(zip(_GROUP, key))
        counted = start["compute"]
        main = start["link"] in (link, None) and start["sizes"] == MAIN[counted]
        main = main and start["judge"] == MAIN_JUDGE[counted]
        out += [start | _told(name, mine, by_rule) | {"main": main} for name, mine in by_rule.items()]
    return out


def chosen_link(study: Study) -> str:
    """The link that errs least where compute is largest, on the exploratory half where there is one."""
    part = study.half(HALVES[0]) if any(row["half"] == HALVES[0] for row in study.design) else study
    known = with_splits(part.fits)
    links = [link for link in LINKS if any((fit["links"].get(link) or {}).get("split") for fit in known)]
    return choose_link(known, links)[0]


def conclusions(found: Sequence[Mapping[str, Any]], rules: Sequence[str] = ("H",)) -> list[str]:
    """Say what laws in covariates are worth next to the best constant ratio, by each main way of judging.

    Parameters
    ----------
    found : sequence of dict
        Rows of this table.
    rules : sequence of str
        Names of the laws: a covariate, or several joined by "+".
    """
    said = []
    for rule in rules:
        for row in found:
            if row["main"] and row["rule"] == rule and row.get("against_constant_lo") is not None:
                said.append(_conclusion(row))
    return said


def _conclusion(row: Mapping[str, Any]) -> str:
    gain, low, high = -row["against_constant"], -row["against_constant_hi"], -row["against_constant_lo"]
    law, ends = f"the law in {row['rule']}", f"{gain:+.2%} ({low:+.2%} to {high:+.2%})"
    verdict = f"{law} is worth nothing that can be shown: it saves {ends} of the loss"
    if low > 0:
        verdict = f"{law} saves {ends} of the loss"
    elif high < 0:
        verdict = f"{law} costs: it saves {ends} of the loss"
    made = "the other grammars of the half" if row["trained_on"] == "others" else f"the {row['trained_on']} half"
    counted = "6 N D" if row["compute"] == "6ND" else "all FLOPs"
    return (
        f"{row['half']} half, rules made from {made}, C of {counted}: next to the best constant ratio {verdict}, over "
        f"{row['n']} grammars"
    )


def _told(name: str, mine: Mapping[str, Mapping[str, Any]], by_rule: Mapping[str, Any]) -> dict[str, Any]:
    lost = _column(mine, "lost")
    out: dict[str, Any] = {"rule": name, "n": len(mine), "C": _geometric(mine, "C"), "N_opt": _geometric(mine, "N")}
    out["outside"] = sum(bool(row.get("outside")) for row in mine.values())
    out |= _with_ends("lost", mean_of(lost)) | _with_ends("median", median_of(lost))
    # where next to nothing is left above the floor a share of it can be anything
    out |= _with_ends("excess", median_of(_column(mine, "lost_of_excess")))
    factor = _with_ends("factor", mean_of(log(np.maximum(_column(mine, "compute_factor"), 1.0))))
    out |= {key: None if value is None else float(exp(value)) for key, value in factor.items()}
    for other, column in ((CONSTANT, "against_constant"), ("H", "against_H")):
        shared = [dataset for dataset in mine if dataset in by_rule.get(other, {})]
        if other != name and shared and "trained_on" in next(iter(mine.values())):
            less = np.array([mine[d]["lost"] - by_rule[other][d]["lost"] for d in shared])
            out |= _with_ends(column, mean_of(less))
    return out


def _column(mine: Mapping[str, Mapping[str, Any]], key: str) -> Any:
    return np.array([row.get(key, np.nan) for row in mine.values()], dtype=np.float64)


def _geometric(mine: Mapping[str, Mapping[str, Any]], key: str) -> float | None:
    known = _column(mine, key)
    return float(exp(log(known[np.isfinite(known)]).mean())) if np.isfinite(known).any() else None


def _with_ends(name: str, told: Any) -> dict[str, float | None]:
    pairs = {name: told.value, f"{name}_lo": told.low, f"{name}_hi": told.high}
    return {key: value if np.isfinite(value) else None for key, value in pairs.items()}
