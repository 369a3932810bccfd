"""Does the best split move with H? Every link's answer, isoFLOP's, rivals of H, and how far all of them disagree.

The best N at a compute follows from the index of a law alone, so each link answers the same question; the link that is
believed is chosen by what it foretells, not by what it says about H. Two tests are made by that link (of ln N_opt,
and of a) and corrected for one another; everything else stands beside them and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....numerics.functions import exp
from ..statistics.permutation import holm, p_words
from .dataset_splits import FEWEST, KINDS, LINKS, Fit, Row, carrying, gather, reference_C, with_splits
from .disagreement import disagreement
from .link_choice import CHOICE_RULE, choose_link
from .rivals import rivals_in_words, rivals_of_H
from .trend import QUANTITIES, trend

_METHOD = (
    "(ln N_opt at C, a) of each dataset regressed on H with its covariance and a scatter of datasets; intervals by t "
    "with df degrees of freedom; p over relabellings of H"
)


def split_on_H(
    rows: Sequence[Row],
    fits: Sequence[Fit],
    *,
    covariates: Mapping[str, Mapping[str, Any]] | None = None,
    level: float = 0.95,
    seed: int = 42,
) -> tuple[dict[str, Any] | None, str]:
    """Regress (ln N_opt at the middle compute, a) on H and on its rivals, by every link and by isoFLOP.

    Parameters
    ----------
    rows : sequence of dict
        Rows of runs.csv.
    fits : sequence of dict
        Documents of the sweep's fits, with ``links`` and ``isoflop``. A dataset needs no reportable exponents: links
        are fitted to all cells. It needs an H.
    covariates : dict, optional
        Rivals of H, name -> {dataset: value}, beside the floor, the unigram entropy and the vocabulary size.
    level : float
        Coverage of intervals; 1 - level is the level of the tests.
    seed : int
        Of the sample of relabellings, beyond seven datasets.

    Returns
    -------
    document : dict or None
        ``split`` of regression.json (``docs/formats.md``); None where fewer than three datasets that differ in H have
        splits.
    message : str
        Why there is none; empty otherwise.
    """
    known = [fit for fit in fits if isinstance(fit.get("H"), int | float)]
    old = [fit["dataset"] for fit in known if "links" not in fit]
    known = sorted((fit for fit in known if "links" in fit), key=lambda fit: (fit["H"], fit["dataset"]))
    again = f"the fits of {', '.join(sorted(old))} hold no splits: fit again (ziplaw fit RUNS --dataset NAME)"
    used = with_splits(known)
    distinct = len({fit["H"] for fit in used})
    if distinct < FEWEST:
        text = f"no split on H: {len(used)} datasets with {distinct} values of H have splits, {FEWEST} are needed"
        return None, f"{text}; {again}" if old else text
    C = reference_C(used)
    splits, by, left_out = {}, {}, []
    for kind in KINDS:
        found, lost = gather(used, kind, C)
        mine = carrying(used, kind)
        H = np.array([fit["H"] for fit in mine], dtype=np.float64)
        if len(np.unique(H)) < FEWEST:
            why = f"identified in {len(found.names)} of {len(used)} datasets only"
            left_out.append({"kind": kind, "reason": f"{why} ({lost[0]['reason']})" if lost else why})
            continue
        given = _rivals(mine, rows, covariates or {})
        compared, skipped = rivals_of_H(found, H, given, seed=seed)
        splits[kind] = found
        by[kind] = trend(found, H, level=level, seed=seed) | {
            "left_out": lost,
            "covariates": compared,
            "skipped_covariates": skipped,
        }
    if not any(kind in LINKS for kind in by):
        return None, f"no split on H: no link identifies the split of {FEWEST} datasets that differ in H"
    link, choice = choose_link(used, [kind for kind in by if kind in LINKS])
    document: dict[str, Any] = {
        "question": "does the best N at a given compute depend on H?",
        "C": C,
        "C_rule": "geometric mean of 6 N D over all cells of the datasets used",
        "method": _METHOD,
        "link": link,
        "choice": choice,
        "choice_rule": CHOICE_RULE,
        "by": by,
        "left_out": left_out,
        "fits_without_splits": sorted(old),
        "datasets": [_dataset(fit, splits) for fit in used],
        "disagreement": disagreement(splits, by),
        "level": level,
    }
    document["rivals"] = rivals_in_words(by[link]["covariates"])
    document["multiplicity"] = _multiplicity(by, link)
    document["conclusion"] = _conclude(document) + (f"; {again}" if old else "")
    return document, ""


def _rivals(fits, rows, covariates):
    """Columns of the fits' datasets by name: floor, unigram entropy, vocabulary size, and those that were given."""
    sizes = {row.get("dataset"): row.get("vocab_size") for row in rows}
    columns = {
        "floor": [fit.get("floor") for fit in fits],
        "unigram_entropy": [fit.get("unigram_entropy") for fit in fits],
        "vocab_size": [sizes.get(fit["dataset"]) for fit in fits],
    }
    return columns | {name: [given.get(fit["dataset"]) for fit in fits] for name, given in covariates.items()}


def _dataset(fit, splits):
    found = {}
    for kind, mine in splits.items():
        if fit["dataset"] in mine.names:
            k = mine.names.index(fit["dataset"])
            (ln_N, a), S = mine.y[k], mine.S[k]
            found[kind] = {"N_opt": float(exp(min(ln_N, 690))), "ln_N": float(ln_N), "a": float(a),
                           "ln_N_stderr": float(np.sqrt(S[0, 0])), "a_stderr": float(np.sqrt(S[1, 1]))}  # fmt: skip
    return {"dataset": fit["dataset"], "H": fit["H"], "floor": fit.get("floor"),
            "unigram_entropy": fit.get("unigram_entropy"), "splits": found}  # fmt: skip


def _multiplicity(by, link):
    """The two tests that count, corrected for one another, and how many others were made."""
    raw = [by[link]["lines"][name]["p_permutation"] for name in QUANTITIES]
    corrected = holm([1.0 if p is None else p for p in raw])
    beside = 2 * len(by) - 2
    for entry in by.values():
        for row in entry["covariates"]:
            tests = [row.get(name, {}) for name in QUANTITIES]
            tests += [t[key] for t in tests for key in ("given_H", "H_given") if key in t]
            beside += sum((t.get("p_rank", t.get("p_permutation")) is not None) for t in tests)
    primary = {name: {"p_permutation": p, "p_holm": h} for name, p, h in zip(QUANTITIES, raw, corrected)}
    text = (
        f"two tests were set beforehand, ln N_opt and a on H by the {link} link, and are corrected for one another "
        f"(Holm); {beside} others stand beside them uncorrected"
    )
    return {"primary": primary, "n_secondary": beside, "text": text}


def _conclude(document):
    link, entry = document["link"], document["by"][document["link"]]
    line, p = entry["lines"]["ln_N"], document["multiplicity"]["primary"]["ln_N"]["p_holm"]
    low, high = line["per_tenth_ci"]
    if p <= 1 - document["level"]:
        verdict = f"the best N at a given compute {'rises' if line['slope'] > 0 else 'falls'} with H"
    elif 2 * entry["smallest_p"] > 1 - document["level"]:
        verdict = f"{entry['n_datasets']} datasets cannot show whether the best N at a given compute depends on H"
    else:
        verdict = "that the best N at a given compute depends on H is not shown; it is not excluded either"
    return (
        f"{verdict}: x{line['per_tenth']:.2f} for .1 of H (x{low:.2f} to x{high:.2f}) at C = {document['C']:.3g} "
        f"by the {link} link, permutation {p_words(p)} (Holm, two tests) over {entry['n_datasets']} datasets"
    )
