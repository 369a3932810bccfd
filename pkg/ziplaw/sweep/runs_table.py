"""runs.csv: every measured cell of a sweep as one row, with its dataset's H, floor and regime beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base.documents import read_json, sha256_file
from ..errors import FitError, again
from ..tables.any_file import read_table
from ..tables.declared import RUNS

BEST_SEEN = "best loss seen"  # basis of a regime without a floor: an upper bound of the floor
SATURATED_BELOW = 0.02
NOT_STARTED_ABOVE = 0.6


def regime(reducible: float | None) -> str | None:
    """Name the regime of a cell from its reducible fraction.

    Parameters
    ----------
    reducible : float or None
        r = (loss - floor) / (unigram entropy - floor); None when it is not known.

    Returns
    -------
    str or None
        "saturated" when r < 0.02, "not started" when r > 0.6, "scaling" between, None when r is None.
    """
    if reducible is None:
        return None
    if reducible < SATURATED_BELOW:
        return "saturated"
    return "not started" if reducible > NOT_STARTED_ABOVE else "scaling"


def bounded_regime(reducible_least: float | None) -> str | None:
    """Name what is certain about the regime of a cell when only a lower bound of its reducible fraction is known.

    Returns
    -------
    str or None
        "not started" when even the bound is above 0.6; None otherwise: the cell may scale or be saturated.
    """
    return "not started" if regime(reducible_least) == "not started" else None


def least_reducible(loss: float, best: float, unigram_entropy: float) -> float:
    """Return a lower bound of the reducible fraction of a cell whose floor is not known.

    Parameters
    ----------
    loss : float
        Held-out loss of the cell, nats per token.
    best : float
        The lowest held-out loss seen on the dataset: its floor cannot lie above.
    unigram_entropy : float
        Entropy of the dataset's token frequencies, nats per token.

    Returns
    -------
    float
        (loss - best) / (unigram entropy - best). r = (loss - f) / (unigram entropy - f) falls as the floor f rises
        while the loss is below the unigram entropy, and f <= best. Above it r is at least 1 whatever the floor: then
        the bound is 1.
    """
    if loss >= unigram_entropy:
        return 1.0
    return (loss - best) / (unigram_entropy - best)


def run_rows(
    run_files: Sequence[str | Path],
    *,
    corpus_meta: str | Path,
    score: str | Path,
    floor: str | Path | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of runs.csv for the runs of one dataset.

    Parameters
    ----------
    run_files : sequence of path-like
        ``runs/<dataset>/<model>/s<seed>/run.json`` files; dataset, model and seed are read off the path.
    corpus_meta, score, floor : path-like
        That dataset's ``meta.json``, score and (for grammars) floor.

    Returns
    -------
    list of dict
        One row per run and budget with the columns of :data:`ziplaw.tables.declared.RUNS`; losses in nats per token.
        Without a floor the best loss among these rows bounds it, see ``least_reducible``: give all runs of the dataset.

    Raises
    ------
    FitError
        When a run was trained on another corpus than the one given, the score or floor is of another one, a run is
        given twice, or a run's curve was changed.
    """
    meta = read_json(corpus_meta, "corpus")
    scored = read_json(score, "score")
    bayes = read_json(floor, "floor") if floor else {"floor": None, "stderr": None}
    _check_origin(meta, corpus_meta, scored, score, bayes, floor)
    # a grammar's documents are draws of their own
    n_sources = len(set(meta["valid_sources"])) if "valid_sources" in meta else meta.get("n_valid")
    rows = []
    for path in map(Path, run_files):
        run = read_json(path, "run")
        check_curve(path, run)
        if run["corpus_sha256"] != meta["sha256_train"]:
            raise FitError(f"{path} was trained on another corpus than {corpus_meta}: train it again")
        dataset, model = _names(path, run["seed"])
        for point in run["points"]:
            excess = reducible = None
            if bayes["floor"] is not None and point["loss"] is not None:
                excess = point["loss"] - bayes["floor"]
                reducible = excess / (meta["unigram_entropy"] - bayes["floor"])
            rows.append(
                {
                    "dataset": dataset,
                    "model": model,
                    **{key: run[key] for key in ("seed", "arm", "N", "N_total", "status")},
                    "architecture": run["model"].get("architecture", "llama"),
                    **{key: run["model"][key] for key in ("hidden", "layers", "vocab_size")},
                    **{key: point[key] for key in ("budget", "D", "C", "C_6nd", "loss", "loss_stderr", "train_loss")},
                    "floor": bayes["floor"],
                    "floor_stderr": bayes["stderr"],
                    "excess": excess,
                    "unigram_entropy": meta["unigram_entropy"],
                    "reducible": reducible,
                    "reducible_least": None,
                    "regime": regime(reducible),
                    "regime_basis": None if reducible is None else "floor",
                    "H": scored["H"],
                    "H_std": scored["std"],
                    "valid_sources": n_sources,
                }
            )
    if bayes["floor"] is None:
        _bound_regimes(rows)
    _refuse_copies(rows)
    return sorted(rows, key=lambda row: (row["dataset"], row["N"], row["model"], row["seed"], row["D"]))


def check_curve(run_file: str | Path, run: Mapping[str, Any]) -> None:
    """Hold the curve beside a run.json against the checksum in there.

    Raises
    ------
    FitError
        When it was changed.
    """
    curve = Path(run_file).with_name("curve.csv")
    if curve.exists() and run.get("curve_sha256") not in (None, sha256_file(curve)):
        raise FitError(
            f"{curve} does not match its checksum in run.json: it was damaged or edited, or is of another run; "
            f"{again(curve)}"
        )


def _check_origin(meta, corpus_meta, scored, score, bayes, floor):
    """Refuse a score or a floor that says it is of another corpus, grammar or length of documents."""
    source = scored.get("source") or {}
    if source.get("kind") == "corpus" and source.get("sha256_train") != meta["sha256_train"]:
        raise FitError(f"{score} is the score of another corpus than {corpus_meta}: give that corpus's own score")
    if floor is None or bayes.get("grammar_sha256") is None:
        return
    grammar = (meta.get("source") or {}).get("grammar_sha256")
    if bayes["grammar_sha256"] != grammar:
        what = "of another grammar than that of" if grammar else "the floor of a grammar, which did not make"
        raise FitError(f"{floor} is {what} {corpus_meta}: give that grammar's floor, or none")
    if bayes.get("context") != meta.get("context"):
        raise FitError(
            f"{floor} is for documents of {bayes.get('context')} tokens, those of {corpus_meta} have "
            f"{meta.get('context')}: make it with ziplaw floor --corpus"
        )


def _refuse_copies(rows):
    seen = set()
    for row in rows:
        cell = tuple(row[column] for column in ("dataset", "model", "seed", "budget"))
        if cell in seen:
            dataset, model, seed, budget = cell
            raise FitError(
                f"{dataset}/{model}/s{seed} is given twice at {budget} tokens: copies feign certainty; leave one out"
            )
        seen.add(cell)


def _bound_regimes(rows):
    """Say of cells of a dataset without a floor what the best loss seen makes certain: which have not started."""
    measured = [row for row in rows if row["loss"] is not None]
    best = min((row["loss"] for row in measured), default=None)
    for row in measured:
        least = least_reducible(row["loss"], best, row["unigram_entropy"])
        row |= {"reducible_least": least, "regime": bounded_regime(least), "regime_basis": BEST_SEEN}


def _names(path, seed):
    """Dataset and model of a run, which its place names: DATASET/MODEL/sSEED/run.json."""
    parts = Path(os.path.abspath(path)).parts
    if len(parts) < 5 or parts[-2] != f"s{seed}":
        raise FitError(
            f"{path} must lie at DATASET/MODEL/s{seed}/run.json, which names its row: move its folder there, or train "
            f"with -o DATASET/MODEL/s{seed}"
        )
    return parts[-4:-2]


def concatenate(tables: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Return the rows of several runs tables one after the other.

    Raises
    ------
    FitError
        When a table lacks a column, or a run stands in two of them.
    """
    rows = []
    for path in tables:
        part = RUNS.typed(read_table(path, empty=True).rows)
        missing = [column for column in RUNS.names if part and column not in part[0]]
        if missing:
            raise FitError(f"{path} lacks the column {missing[0]}: make it with ziplaw collect")
        rows += part
    _refuse_copies(rows)
    return rows
