"""What is claimed about the best split, judged by a stated rule: supported, not supported or undecided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..statistics.permutation import p_words
from .dataset_splits import ISOFLOP, KINDS

_SLOPE = "slope of ln N_opt in H"
_BY = {kind: f"by the {kind} link" for kind in KINDS} | {ISOFLOP: "by isoFLOP, without a law"}
STATEMENTS = {
    "best_N_depends_on_H": "the best N at a given compute depends on H",
    "best_N_falls": "the best N at a given compute falls with H (the paper: less compressible data wants more data)",
    "a_depends_on_H": "the exponent a of the best N in the compute depends on H",
    **{f"best_N_by_{kind}": f"the best N at a given compute depends on H, {how}" for kind, how in _BY.items()},
}


def claim_row(
    claim: str,
    statement: str,
    statistic: str,
    estimate: float | None = None,
    low: float | None = None,
    high: float | None = None,
    p_value: float | None = None,
    *,
    verdict: str,
    why: str,
) -> dict[str, Any]:
    """Return a row of claims.csv; the numbers as floats, or None."""
    given = {"estimate": estimate, "low": low, "high": high, "p_value": p_value}
    numbers = {key: None if value is None else float(value) for key, value in given.items()}
    return {"claim": claim, "statement": statement, "statistic": statistic, **numbers,
            "verdict": verdict, "why": why}  # fmt: skip


def moves_with_H(split: Mapping[str, Any], name: str, alpha: float) -> tuple[bool, str]:
    """Whether ln_N or a is shown to move with H, and why.

    It is when the chosen link's permutation p, corrected by Holm for the two tests, is at most alpha and no other link
    and no isoFLOP says the opposite with a p of at most alpha by itself.
    """
    link = split["link"]
    entry, p = split["by"][link], split["multiplicity"]["primary"][name]["p_holm"]
    count, least = entry["n_datasets"], 2 * entry["smallest_p"]
    if least > alpha:
        return False, f"{count} datasets are too few (smallest possible p of two tests {least:.2g})"
    told = f"{p_words(p)} over {count} datasets by the {link} link (permutation, Holm for two tests)"
    if p > alpha:
        return False, f"not shown beyond chance: {told}"
    rises = entry["lines"][name]["slope"] > 0
    others = {kind: other["lines"][name] for kind, other in split["by"].items() if kind != link}
    shown = {kind: line for kind, line in others.items() if _at_most(line["p_permutation"], alpha)}
    against = [kind for kind, line in shown.items() if (line["slope"] > 0) != rises]
    if against:
        return False, f"{told}, but the opposite {' and '.join(_BY[kind] for kind in against)}"
    return True, f"{told}; {len(shown)} of {len(others)} other answers show it by themselves, none the opposite"


def _at_most(p, alpha):
    return p is not None and p <= alpha


def claims_about_splits(split: Mapping[str, Any] | None, message: str, alpha: float) -> list[dict[str, Any]]:
    """Judge what is claimed about the best split.

    Parameters
    ----------
    split : dict or None
        ``split`` of regression.json.
    message : str
        Why there is none.
    alpha : float
        Level of the tests.

    Returns
    -------
    list of dict
        Rows of claims.csv: the chosen link's answers, then each link's and isoFLOP's by itself.
    """
    if split is None:
        return [claim_row(claim, text, "none", verdict="undecided", why=message) for claim, text in STATEMENTS.items()]
    rows = [_moves(split, alpha, "best_N_depends_on_H", "ln_N", _SLOPE)]
    rows += [_falls(split, alpha, rows[0])]
    rows += [_moves(split, alpha, "a_depends_on_H", "a", "slope of a in H")]
    return rows + [_by(split, kind, alpha) for kind in KINDS]


def _numbers(split, kind, name):
    line = split["by"][kind]["lines"][name]
    return line["slope"], *line["slope_ci"]


def _moves(split, alpha, claim, name, statistic):
    shown, why = moves_with_H(split, name, alpha)
    line, primary = split["by"][split["link"]]["lines"][name], split["multiplicity"]["primary"][name]
    verdict = "supported" if shown else "undecided"
    better = split["rivals"]["better"]
    if shown and name == "ln_N" and better:
        why += f"; {' and '.join(better)} foretell{'s' if len(better) == 1 else ''} a dataset left out better than H"
    return claim_row(claim, STATEMENTS[claim], statistic, *_numbers(split, split["link"], name), primary["p_holm"],
                     verdict=verdict, why=f"{_effect(line, name)}; {why}")  # fmt: skip


def _effect(line, name):
    low, high = line["per_tenth_ci"]
    if name == "a":
        return f"a {line['per_tenth']:+.3f} for .1 of H ({low:+.3f} to {high:+.3f})"
    return f"N_opt x{line['per_tenth']:.2f} for .1 of H (x{low:.2f} to x{high:.2f})"


def _falls(split, alpha, depends):
    line = split["by"][split["link"]]["lines"]["ln_N"]
    if depends["verdict"] != "supported":
        verdict, why = "undecided", depends["why"]
    else:
        verdict = "supported" if line["slope"] < 0 else "not supported"
        why = f"it {'falls' if line['slope'] < 0 else 'rises'}: {depends['why']}"
    return claim_row("best_N_falls", STATEMENTS["best_N_falls"], _SLOPE, *_numbers(split, split["link"], "ln_N"),
                     depends["p_value"], verdict=verdict, why=why)  # fmt: skip


def _by(split, kind, alpha):
    claim = f"best_N_by_{kind}"
    if kind not in split["by"]:
        why = next((entry["reason"] for entry in split["left_out"] if entry["kind"] == kind), "not fitted")
        return claim_row(claim, STATEMENTS[claim], _SLOPE, verdict="undecided", why=why)
    entry = split["by"][kind]
    line, p = entry["lines"]["ln_N"], entry["lines"]["ln_N"]["p_permutation"]
    shown = _at_most(p, alpha)
    held = split["choice"].get(kind, {}).get("holdout")
    tested = "no test" if p is None else f"permutation {p_words(p)}"
    why = f"{_effect(line, 'ln_N')}; {tested} over {entry['n_datasets']} datasets, not corrected"
    why += "" if held is None else f"; error at the largest compute {held:.3f}"
    why += ", the chosen link" if kind == split["link"] else ""
    return claim_row(claim, STATEMENTS[claim], _SLOPE, *_numbers(split, kind, "ln_N"), p,
                     verdict="supported" if shown else "undecided", why=why)  # fmt: skip
