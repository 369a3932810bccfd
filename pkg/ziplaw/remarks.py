"""What stands between the tables of a report: how H was measured, how laws were fitted, what the figures show."""

from __future__ import annotations

from typing import Any

from .findings import SAME_H, cells_of
from .results import REFERENCES, TWIN, Sweep, finite
from .sentences import count, p_value, percent, sentence, span

CUT = ("window", "encoding", "level")
BUILTIN = {"code": "the standard library of Python", "prose": "the King James Bible"}


def references(sweep: Sweep) -> dict[str, dict[str, Any]]:
    """Scores of the built-in real corpora, by name; not those of datasets."""
    return {name: score for name, score in sweep.scores.items() if name not in sweep.datasets}


def _alike(scores, keys) -> bool:
    """Tell whether scores agree in what H depends on, and all say it."""
    return all(len({score.get(key) for score in scores}) == 1 and scores[0].get(key) is not None for key in keys)


def _how(score) -> str:
    """How a score was made, in words."""
    tokens = f"tokenizer {score['tokenizer']}" if score.get("tokenizer") else "ids as they are"
    return (
        f"{tokens}, windows of {score.get('window')}, ids as {score.get('encoding')}, gzip level {score.get('level')}"
    )


def _pair(sweep):
    found = references(sweep)
    pair = [found[name] for name in REFERENCES if name in found and finite(found[name].get("H"))]
    return pair if len(pair) == len(REFERENCES) else None


def _pair_alike(pair):
    # a tokenizer of a file is told apart by its checksum
    tokens = [score.get("tokenizer_sha256") for score in pair]
    return _alike(pair, ("tokenizer", *CUT)) and len(set(tokens)) == 1


@sentence("carries")
def _real_text_in_order(sweep):
    pair = _pair(sweep)
    if not pair or not _pair_alike(pair) or pair[0]["H"] == pair[1]["H"]:
        return None
    code, prose = (score["H"] for score in pair)
    order = "more" if code < prose else "less"
    return f"Real code (H {code:.3f}) is {order} compressible than prose (H {prose:.3f}), tokenised and cut alike."


@sentence("carries")
def _real_text_beside_datasets(sweep):
    found = list(references(sweep).values())
    own = [sweep.scores[name] for name in sweep.datasets if name in sweep.scores]
    if not found or not own or not _alike([*found, *own], CUT):
        return None
    return (
        f"The H of real text and of the datasets is measured alike (windows of {found[0]['window']} tokens, encoding, gzip "
        "level), but of different kinds of tokens, on which H depends."
    )


@sentence("does not carry")
def _real_text_scored_differently(sweep):
    pair = _pair(sweep)
    if not pair or _pair_alike(pair):
        return None
    return (
        f"That real code is more or less compressible than prose: they were scored differently (code: {_how(pair[0])}; "
        f"prose: {_how(pair[1])})."
    )


@sentence("does not carry")
def _datasets_scored_differently(sweep):
    scores = {name: sweep.scores[name] for name in sweep.datasets if name in sweep.scores}
    ways: dict[str, list[str]] = {}
    for name, score in scores.items():
        ways.setdefault(_how(score), []).append(name)
    if len(ways) < 2:
        return None
    return f"A comparison of H between these datasets, which were scored differently: {_groups(ways)}."


@sentence("does not carry")
def _real_text_not_beside_datasets(sweep):
    found = list(references(sweep).values())
    own = [sweep.scores[name] for name in sweep.datasets if name in sweep.scores]
    if not found or not own or _alike([*found, *own], CUT):
        return None
    return "A comparison of H between real text and the datasets: windows, encoding or gzip level differ."


def _groups(ways: dict[str, list[str]]) -> str:
    return "; ".join(f"{', '.join(names)} ({how})" for how, names in ways.items())


def _presets_off(sweep):
    """How far our mean H is off the paper's, by preset."""
    rows = [r for r in sweep.table("presets.csv") if finite(r.get("paper_H")) and finite(r.get("H_mean"))]
    return {row["preset"]: row["H_mean"] - row["paper_H"] for row in rows}


@sentence("carries")
def _presets_reproduced(sweep):
    off = _presets_off(sweep)
    if not off or max(map(abs, off.values())) > SAME_H:
        return None
    return (
        f"The paper's H is reproduced: over {count(len(off), 'preset grammar')} ours differs from the paper's by "
        f"{max(map(abs, off.values())):.3f} at most."
    )


@sentence("does not carry")
def _presets_not_reproduced(sweep):
    far = {name: off for name, off in _presets_off(sweep).items() if abs(off) > SAME_H}
    if not far:
        return None
    return (
        f"That the paper's H is reproduced: for {', '.join(far)} ours differs by more than {SAME_H}, by "
        f"{max(map(abs, far.values())):.3f} at most."
    )


@sentence("datasets")
def _random_grammars(sweep):
    if not any("max_rhs_options" in (g.get("provenance") or {}) for g in sweep.grammars.values()):
        return None
    return "Grammars are random (nonterminals, terminals, at most so many right-hand sides, each at most so long)."


@sentence("datasets")
def _growth_of_derivations(sweep):
    return "ρ is the growth rate of a derivation: below 1 it ends." if sweep.grammars else None


@sentence("datasets")
def _no_floor_of_imports(sweep):
    names = [name for name in sweep.datasets if not sweep.has_floor(name)]
    if not names:
        return None
    return (
        f"No floor is known of {', '.join(names)}. There the best loss seen bounds it, so a cell far above that loss has "
        "certainly not started; whether the others scale or are saturated cannot be told."
    )


def _bodies(sweep):
    fits = (sweep.fits.get(name) or {} for name in sweep.datasets)
    made = [(kind, body) for fit in fits for kind, body in fit.get("variants", {}).items() if body]
    return [(kind, body) for kind, body in made if body.get("objective") is not None]


@sentence("laws")
def _how_laws_are_fitted(sweep):
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
def _what_intervals_are(sweep):
    levels = sorted({body["level"] for _, body in _bodies(sweep) if finite(body.get("level"))})
    return f"Under each value stands its {' or '.join(map(percent, levels))} interval." if levels else None


@sentence("laws")
def _grey_rows(sweep):
    if not any(sweep.why_grey(row["dataset"], row["variant"]) for row in sweep.table("fits.csv")):
        return None
    return "A grey row is not to be quoted; the reason is in its last column."


@sentence("laws")
def _several_architectures(sweep):
    names = architectures(sweep)
    if len(names) < 2:
        return None
    return (
        f"This sweep has models of {count(len(names), 'architecture')} ({', '.join(names)}): a law is one of N and D, so it is "
        "fitted to each alone (fits/), and they are compared at equal N."
    )


def architectures(sweep: Sweep) -> list[str]:
    """Names of the architectures in a sweep."""
    return sorted({str(row["architecture"]) for row in sweep.runs if row.get("architecture")})


@sentence("laws")
def _no_fits(sweep):
    return None if sweep.fits else "No fits of whole datasets in this sweep."


@sentence("held out")
def _how_held_out(sweep):
    if not any((body.get("holdout") or {}).get("cells") for _, body in _bodies(sweep)):
        return None
    return (
        "Each law fitted again without the largest N, the largest D, or the largest C, and asked for them: r.m.s. error of "
        "log loss."
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
def _where_the_split_is_shown(sweep):
    rows = largest_split(sweep)
    if not rows:
        return None
    return f"At C = {rows[0]['C']:.2e} FLOPs (6ND), the largest compute on the frontier's grid that was measured."


@sentence("split")
def _splits_refused(sweep):
    reasons: dict[str, list[str]] = {}
    for row in largest_split(sweep):
        if row.get("reason"):
            reasons.setdefault(row["reason"], []).append(row["source"])
    return f"Not identified, so not shown: {_groups(reasons)}." if reasons else None


@sentence("split")
def _best_split_outside(sweep):
    names = [row["source"] for row in largest_split(sweep) if outside_what_was_measured(sweep, row)]
    if not names:
        return None
    return (
        f"The best N or D of {', '.join(names)} lies outside of the models and budgets that were measured (marked *): it is read "
        "off the fitted form, not off any run."
    )


@sentence("split")
def _published_line(sweep):
    rows = [row for row in largest_split(sweep) if row["source"].startswith("chinchilla")]
    if not rows:
        return None
    # Chinchilla's runs: 6e18 to 3e21 FLOPs
    where = ", used far below the compute it was fitted on" if rows[0]["C"] < 1e18 else ""
    return f"Chinchilla's line is its published law{where}."


@sentence("split")
def _no_split(sweep):
    if any(row["source"] in sweep.datasets for row in sweep.table("frontier.csv")):
        return None
    return "No dataset carries a law, so there is no split to show."


@sentence("joint test")
def _joint_test_words(sweep):
    test = sweep.regression.get("joint_test")
    if not test:
        return None
    return (
        f"All datasets in one fit (E {test.get('E', 'as stated above')}): {test['model_null']}, against "
        f"{test['model_alternative']}. Over {test.get('n_permutations', 'the')} relabellings of the datasets' H, permutation "
        f"{p_value(test['p_permutation'])}."
    )


@sentence("joint test")
def _bootstrap_of_the_joint_test(sweep):
    test = sweep.regression.get("joint_test") or {}
    if not finite(test.get("p_bootstrap")):
        return None
    return (
        f"Parametric bootstrap {p_value(test['p_bootstrap'])}; it trusts the common exponents and so rejects too often where "
        "datasets scatter."
    )


@sentence("joint test")
def _scatter_of_datasets(sweep):
    p = ((sweep.regression.get("joint_test") or {}).get("scatter") or {}).get("p_value")
    if not finite(p):
        return None
    more = "do" if p <= 1 - sweep.regression["level"] else "are not shown to"
    return f"Datasets {more} lie off the line by more than the noise of their cells (scatter test {p_value(p)})."


@sentence("models")
def _what_the_models_are(sweep):
    if not (sweep.regression.get("joint_test") or {}).get("models"):
        return None
    return (
        "M0: E, A, B of each dataset, exponents common. M1: exponents linear in H. S: each dataset alone. Lower AICc and BIC are "
        "better."
    )


@sentence("models")
def _what_the_linear_models_are(sweep):
    if "L0" not in ((sweep.regression.get("joint_test") or {}).get("models") or {}):
        return None
    E = "" if sweep.regression.get("variant") == "floor" else ", ln E"
    return f"L0, L1: ln A, ln B{E} linear in H too, with exponents common (L0) or linear in H (L1)."


@sentence("no joint test")
def _why_no_joint_test(sweep):
    regression = sweep.regression
    if regression.get("joint_test"):
        return None
    why = regression.get("joint_test_message") or regression.get("conclusion") or "no regression in this sweep"
    return why[0].upper() + why[1:] + "."


@sentence("two stages")
def _what_the_two_stages_are(sweep):
    two = sweep.regression.get("two_stage")
    if not two:
        return None
    label = two["label"][0].upper() + two["label"][1:]
    return (
        f"Each fitted parameter on H by ordinary least squares. {label}. It stands here to be compared with the paper, not to be "
        "concluded from."
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
def _how_claims_are_judged(sweep):
    if not sweep.table("claims.csv") or one_reason(sweep):
        return None
    return "Each judged by a rule stated beforehand."


@sentence("claims")
def _no_claim_is_judged(sweep):
    why = one_reason(sweep)
    return f"All {len(sweep.table('claims.csv'))} claims are undecided: {why}." if why else None


@sentence("claims")
def _what_undecided_means(sweep):
    if not any(row["verdict"] == "undecided" for row in sweep.table("claims.csv")) or one_reason(sweep):
        return None
    return "Undecided means that this sweep cannot tell; it is not a no."


@sentence("claims")
def _no_claims(sweep):
    return None if sweep.table("claims.csv") else "No claims table in this sweep."


@sentence("references")
def _what_the_references_are(sweep):
    names = [name for name in references(sweep) if not name.endswith(TWIN)]
    if not names:
        return None
    trained = [
        n for n, source in sweep.sources.items() if source.get("kind") == "builtin" and source.get("name") in names
    ]
    corpora = "; ".join(f"{name}: {BUILTIN.get(name, 'a real corpus')}" for name in names)
    also = f"; {', '.join(trained)} of this sweep comes from one of them" if trained else ", and not trained on"
    return f"Real corpora that every machine can have, scored here as references{also} ({corpora})."


@sentence("references")
def _why_raw_bytes_too(sweep):
    if not any(name.endswith(TWIN) for name in references(sweep)):
        return None
    return "H depends on how text is tokenised, so the same text as raw bytes stands beside it."


@sentence("references")
def _no_references(sweep):
    return None if references(sweep) else "No real corpus was scored beside the datasets of this sweep."


@sentence("preset seeds")
def _seeds_of_presets(sweep):
    rows = sweep.table("presets.csv")
    seeds = sorted({sum(r["preset"] == name for r in rows) for name in {r["preset"] for r in rows}})
    return f"Each preset grammar was drawn with {span(seeds[0], seeds[-1])} seeds." if rows and seeds[-1] > 1 else None
