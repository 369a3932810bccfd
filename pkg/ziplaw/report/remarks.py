"""What stands between the tables of a report: how laws were fitted and tested, and what follows for a split."""

from __future__ import annotations

from typing import Any

from ..sweep.folder import Sweep, finite
from .findings import cells_of
from .sentences import count, groups_of, p_value, percent, sentence


@sentence("datasets")
def _random_grammars(sweep: Sweep) -> str | None:
    if not any("max_rhs_options" in (g.get("provenance") or {}) for g in sweep.grammars.values()):
        return None
    return "Grammars are random (nonterminals, terminals, at most so many right-hand sides, each at most so long)."


@sentence("datasets")
def _growth_of_derivations(sweep: Sweep) -> str | None:
    return "ρ is the growth rate of a derivation: below 1 it ends." if sweep.grammars else None


@sentence("datasets")
def _no_floor_of_imports(sweep: Sweep) -> str | None:
    names = [name for name in sweep.datasets if not sweep.has_floor(name)]
    if not names:
        return None
    return (
        f"No floor is known of {', '.join(names)}. There the best loss seen bounds it, so a cell far above that loss "
        "has certainly not started; whether the others scale or are saturated cannot be told."
    )


@sentence("datasets")
def _intervals_of_H(sweep: Sweep) -> str | None:
    if not any(sweep.scores.get(name, {}).get("H_interval") for name in sweep.datasets):
        return None
    return "Under H of imported data stands its 95 % interval over sources."


@sentence("datasets")
def _errors_of_losses(sweep: Sweep) -> str | None:
    if not any(finite(row.get("valid_sources")) for row in sweep.runs):
        return None
    kinds = {sweep.has_floor(name) for name in sweep.datasets}
    words: dict[tuple[bool, ...], str] = {(True,): "documents", (False,): "held-out sources"}
    over = words.get(tuple(kinds), "held-out sources (of grammars, documents)")
    return f"Errors of held-out losses are over {over}, as many as stand below, and common to all runs of a dataset."


def _bodies(sweep: Sweep) -> list[tuple[str, dict[str, Any]]]:
    fits = (sweep.fits.get(name) or {} for name in sweep.datasets)
    made = [(kind, body) for fit in fits for kind, body in fit.get("variants", {}).items() if body]
    return [(kind, body) for kind, body in made if body.get("objective") is not None]


@sentence("laws")
def _how_laws_are_fitted(sweep: Sweep) -> str | None:
    bodies = _bodies(sweep)
    deltas = sorted({body["delta"] for _, body in bodies if finite(body.get("delta"))})
    if not bodies:
        return None
    kinds = {kind for kind, _ in bodies}
    huber = f" (δ = {' or '.join(f'{d:g}' for d in deltas)})" if deltas else ""
    twice = (
        ", twice: with E held at the exact floor, and with E free" if kinds == {"floor", "free"} else ", with E free"
    )
    where = (
        " where a floor is known; elsewhere with E free alone"
        if kinds == {"floor", "free"} and cells_of(sweep, False)
        else ""
    )
    return f"Fitted by the sum of Huber losses{huber} on log loss{twice}{where}."


@sentence("laws")
def _what_intervals_are(sweep: Sweep) -> str | None:
    levels = sorted({body["level"] for _, body in _bodies(sweep) if finite(body.get("level"))})
    return f"Under each value stands its {' or '.join(map(percent, levels))} interval." if levels else None


@sentence("laws")
def _grey_rows(sweep: Sweep) -> str | None:
    if not any(sweep.why_grey(row["dataset"], row["variant"]) for row in sweep.table("fits.csv")):
        return None
    return "A grey row is not to be quoted; the reason is in its last column."


@sentence("laws")
def _several_architectures(sweep: Sweep) -> str | None:
    names = architectures(sweep)
    if len(names) < 2:
        return None
    return (
        f"This sweep has models of {count(len(names), 'architecture')} ({', '.join(names)}): a law is one of N and D, "
        "so it is fitted to each alone (fits/), and they are compared at equal N."
    )


def architectures(sweep: Sweep) -> list[str]:
    """Names of the architectures in a sweep."""
    return sorted({str(row["architecture"]) for row in sweep.runs if row.get("architecture")})


@sentence("laws")
def _no_fits(sweep: Sweep) -> str | None:
    return None if sweep.fits else "No fits of whole datasets in this sweep."


@sentence("held out")
def _how_held_out(sweep: Sweep) -> str | None:
    if not any((body.get("holdout") or {}).get("cells") for _, body in _bodies(sweep)):
        return None
    return (
        "Each law fitted again without the largest N, the largest D, or the largest C, and asked for them: r.m.s. "
        "error of log loss."
    )


def largest_split(sweep: Sweep) -> list[dict[str, Any]]:
    """Rows of frontier.csv at the largest C of its grid that was measured: of the datasets and of Chinchilla's law.

    A split that the runs do not identify has a ``reason`` and no numbers.
    """
    inside = [row for row in sweep.table("frontier.csv") if row["in_range"]]
    C = max((row["C"] for row in inside), default=None)
    return [
        r for r in inside if r["C"] == C and (r["source"] in sweep.datasets or r["source"].startswith("chinchilla"))
    ]


def outside_what_was_measured(sweep: Sweep, row: dict[str, Any]) -> bool:
    """Tell whether a dataset's best N or D lies outside of the sizes and tokens measured on it."""
    cells = sweep.cells(row["source"])
    return (
        bool(cells)
        and finite(row["N_opt"])
        and any(not min(c[key] for c in cells) <= row[f"{key}_opt"] <= max(c[key] for c in cells) for key in ("N", "D"))
    )


@sentence("split")
def _where_the_split_is_shown(sweep: Sweep) -> str | None:
    rows = largest_split(sweep)
    if not rows:
        return None
    return f"At C = {rows[0]['C']:.2e} FLOPs (6ND), the largest compute on the frontier's grid that was measured."


@sentence("split")
def _splits_refused(sweep: Sweep) -> str | None:
    reasons: dict[str, list[str]] = {}
    for row in largest_split(sweep):
        if row.get("reason"):
            reasons.setdefault(row["reason"], []).append(row["source"])
    return f"Not identified, so not shown: {groups_of(reasons)}." if reasons else None


@sentence("split")
def _best_split_outside(sweep: Sweep) -> str | None:
    names = [row["source"] for row in largest_split(sweep) if outside_what_was_measured(sweep, row)]
    if not names:
        return None
    return (
        f"The best N or D of {', '.join(names)} lies outside of the models and budgets that were measured (marked *): "
        "it is read off the fitted form, not off any run."
    )


@sentence("split")
def _published_line(sweep: Sweep) -> str | None:
    rows = [row for row in largest_split(sweep) if row["source"].startswith("chinchilla")]
    if not rows:
        return None
    # Chinchilla's runs: 6e18 to 3e21 FLOPs
    where = ", used far below the compute it was fitted on" if rows[0]["C"] < 1e18 else ""
    return f"Chinchilla's line is its published law{where}."


@sentence("split")
def _no_split(sweep: Sweep) -> str | None:
    if any(row["source"] in sweep.datasets for row in sweep.table("frontier.csv")):
        return None
    return "No dataset carries a law, so there is no split to show."


@sentence("joint test")
def _joint_test_words(sweep: Sweep) -> str | None:
    test = sweep.regression.get("joint_test")
    if not test:
        return None
    return (
        f"All datasets in one fit (E {test.get('E', 'as stated above')}): {test['model_null']}, against "
        f"{test['model_alternative']}. Over {test.get('n_permutations', 'the')} relabellings of the datasets' H, "
        f"permutation {p_value(test['p_permutation'])}."
    )


@sentence("joint test")
def _bootstrap_of_the_joint_test(sweep: Sweep) -> str | None:
    test = sweep.regression.get("joint_test") or {}
    if not finite(test.get("p_bootstrap")):
        return None
    return (
        f"Parametric bootstrap {p_value(test['p_bootstrap'])}; it trusts the common exponents and so rejects too often "
        "where datasets scatter."
    )


@sentence("joint test")
def _scatter_of_datasets(sweep: Sweep) -> str | None:
    p = ((sweep.regression.get("joint_test") or {}).get("scatter") or {}).get("p_value")
    if not finite(p):
        return None
    more = "do" if p <= 1 - sweep.regression["level"] else "are not shown to"
    return f"Datasets {more} lie off the line by more than the noise of their cells (scatter test {p_value(p)})."


@sentence("models")
def _what_the_models_are(sweep: Sweep) -> str | None:
    if not (sweep.regression.get("joint_test") or {}).get("models"):
        return None
    return (
        "M0: E, A, B of each dataset, exponents common. M1: exponents linear in H. S: each dataset alone. Lower AICc "
        "and BIC are better."
    )


@sentence("models")
def _what_the_linear_models_are(sweep: Sweep) -> str | None:
    if "L0" not in ((sweep.regression.get("joint_test") or {}).get("models") or {}):
        return None
    E = "" if sweep.regression.get("variant") == "floor" else ", ln E"
    return f"L0, L1: ln A, ln B{E} linear in H too, with exponents common (L0) or linear in H (L1)."


@sentence("no joint test")
def _why_no_joint_test(sweep: Sweep) -> str | None:
    regression = sweep.regression
    if regression.get("joint_test"):
        return None
    why = regression.get("joint_test_message") or regression.get("conclusion") or "no regression in this sweep"
    return why[0].upper() + why[1:] + "."


@sentence("two stages")
def _what_the_two_stages_are(sweep: Sweep) -> str | None:
    two = sweep.regression.get("two_stage")
    if not two:
        return None
    label = two["label"][0].upper() + two["label"][1:]
    return (
        f"Each fitted parameter on H by ordinary least squares. {label}. It stands here to be compared with the paper, "
        "not to be concluded from."
    )


def one_reason(sweep: Sweep) -> str | None:
    """Return why all claims are undecided, where that is one and the same reason."""
    rows = sweep.table("claims.csv")
    reasons = {row["why"] for row in rows}
    return (
        rows[0]["why"]
        if len(rows) > 1 and len(reasons) == 1 and {r["verdict"] for r in rows} == {"undecided"}
        else None
    )


@sentence("claims")
def _how_claims_are_judged(sweep: Sweep) -> str | None:
    if not sweep.table("claims.csv") or one_reason(sweep):
        return None
    return "Each judged by a rule stated beforehand."


@sentence("claims")
def _no_claim_is_judged(sweep: Sweep) -> str | None:
    why = one_reason(sweep)
    return f"All {len(sweep.table('claims.csv'))} claims are undecided: {why}." if why else None


@sentence("claims")
def _what_undecided_means(sweep: Sweep) -> str | None:
    if not any(row["verdict"] == "undecided" for row in sweep.table("claims.csv")) or one_reason(sweep):
        return None
    return "Undecided means that this sweep cannot tell; it is not a no."


@sentence("claims")
def _no_claims(sweep: Sweep) -> str | None:
    return None if sweep.table("claims.csv") else "No claims table in this sweep."
