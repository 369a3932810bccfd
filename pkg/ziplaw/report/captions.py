"""Captions of the figures in a report, sentence by sentence: each says what this sweep's figure shows and no more."""

from __future__ import annotations

from typing import Any

from ..sweep.folder import TWIN, Sweep, finite
from .about_scores import references
from .figures import drawn_from
from .remarks import architectures
from .sentences import said, sentence


def figures_of(sweep: Sweep) -> tuple[str, ...]:
    """Names of the figures that a sweep's report shows; of several architectures no law is drawn."""
    several = len(architectures(sweep)) > 1
    presets = ["presets"] if sweep.table("presets.csv") else []
    return drawn_from(["runs", "scores", "architectures" if several else "laws", *presets])


def caption(sweep: Sweep, kind: str) -> str:
    """Return the caption of a figure."""
    return " ".join(said(sweep, kind).values())


def _lost(sweep: Sweep) -> bool:
    return any(not finite(row["loss"]) for row in sweep.runs)


def _laws(sweep: Sweep) -> list[str]:
    return [name for name in sweep.datasets if sweep.variant(name)[0]]


@sentence("gzip_distributions")
def _scores_figure(sweep: Sweep) -> str | None:
    if not sweep.scores:
        return None
    return (
        "How compressible each dataset is: the distribution of compressed / raw bytes over its windows. The dot is the "
        "median, which is the dataset's H; the bar spans the middle half."
    )


@sentence("gzip_distributions")
def _no_scores_to_draw(sweep: Sweep) -> str | None:
    return None if sweep.scores else "No scores in this folder."


@sentence("gzip_distributions")
def _references_in_the_figure(sweep: Sweep) -> str | None:
    names = references(sweep)
    if not names:
        return None
    twins = any(name.endswith(TWIN) for name in names)
    return "Real text stands below the line, tokenised (grey)" + (" and as raw bytes (hatched)." if twins else ".")


@sentence("presets")
def _presets_figure(sweep: Sweep) -> str | None:
    if not sweep.table("presets.csv"):
        return None
    return "H of the paper's preset grammars, drawn anew, against the H that the paper gives."


@sentence("presets")
def _bars_of_presets(sweep: Sweep) -> str | None:
    rows = sweep.table("presets.csv")
    return "Bars: one standard deviation over seeds." if any(finite(r.get("H_std")) for r in rows) else None


@sentence("presets")
def _presets_without_a_published_H(sweep: Sweep) -> str | None:
    missing = any(not finite(r.get("paper_H")) for r in sweep.table("presets.csv"))
    return "Hollow marks in the margin: the paper gives no H." if missing else None


def _curves(sweep: Sweep) -> list[dict[str, Any]]:
    """Logged steps of the first runs: enough to tell what lines the figure has."""
    runs = {(row["dataset"], row["model"], row["seed"]): row for row in sweep.runs}.values()
    return [step for run in list(runs)[:4] for step in sweep.curve(run)]


@sentence("training_curves")
def _markers_of_the_curves(sweep: Sweep) -> str | None:
    if not any(sweep.cells(name) for name in sweep.datasets):
        return None
    return "Held-out loss against training tokens, measured at the end of each budget, with its standard error."


@sentence("training_curves")
def _lines_of_the_curves(sweep: Sweep) -> str | None:
    kinds = {step["kind"] for step in _curves(sweep)}
    if not kinds:
        return None
    dotted = ", solid of the trunk and dotted of each budget's cooldown" if "branch" in kinds else ""
    return f"Lines are the training loss{dotted}."


@sentence("training_curves")
def _floor_in_the_figure(sweep: Sweep) -> str | None:
    if not any(sweep.has_floor(name) for name in sweep.datasets):
        return None
    where = "" if all(sweep.has_floor(name) for name in sweep.datasets) else ", drawn where it is known"
    return f"No model can get below the floor, the exact Bayes-optimal loss of the grammar{where}."


@sentence("training_curves")
def _lost_runs_in_the_curves(sweep: Sweep) -> str | None:
    return "A cross is a run that diverged." if _lost(sweep) else None


def _linked(sweep: Sweep) -> list[str]:
    return [name for name in sweep.datasets if sweep.links(name)]


@sentence("links")
def _links_figure(sweep: Sweep) -> str | None:
    if "links" not in figures_of(sweep) or not _linked(sweep):
        return None
    return (
        "How far each loss is on its way from the unigram entropy U, which token frequencies alone give, down to E, "
        "against the index under each link, with the link as a curve. Below, the error of ln(loss − E). White markers "
        "are the cells with the most compute; the second error in a title is of them, held out (medians over datasets)."
    )


@sentence("links")
def _no_links_to_draw(sweep: Sweep) -> str | None:
    return "No link was fitted." if "links" in figures_of(sweep) and not _linked(sweep) else None


@sentence("links")
def _grey_among_the_links(sweep: Sweep) -> str | None:
    grey = [name for name in _linked(sweep) if not sweep.fits[name].get("reportable")]
    return "Grey: too few cells scale for an exponent of the additive law." if grey else None


@sentence("split_vs_h")
def _split_figure(sweep: Sweep) -> str | None:
    if "split_vs_h" not in figures_of(sweep) or not any(sweep.splits(name) for name in sweep.datasets):
        return None
    return (
        "The best N at one compute, and the exponent a, of each dataset against H: under each link, and by isoFLOP "
        "parabolas where there are budgets of equal compute, which assume no law."
    )


@sentence("split_vs_h")
def _lines_of_the_split(sweep: Sweep) -> str | None:
    if not any(found.get("coefficients") for found in (sweep.split.get("by") or {}).values()):
        return None
    return "Lines are regressions that weigh each dataset by its error, with bands for their mean."


@sentence("split_vs_h")
def _no_split_to_draw(sweep: Sweep) -> str | None:
    if "split_vs_h" not in figures_of(sweep) or any(sweep.splits(name) for name in sweep.datasets):
        return None
    return "No dataset has a split to draw."


@sentence("near_best")
def _near_best_figure(sweep: Sweep) -> str | None:
    if "near_best" not in figures_of(sweep) or not _linked(sweep):
        return None
    return (
        "The best N against compute, and every N whose loss at that compute is within .1 % of the best (shaded, under "
        "the chosen link). Thin lines: the other links. Dots: the runs."
    )


@sentence("near_best")
def _no_range_to_draw(sweep: Sweep) -> str | None:
    return "No link was fitted." if "near_best" in figures_of(sweep) and not _linked(sweep) else None


@sentence("loss_contours")
def _contours_figure(sweep: Sweep) -> str | None:
    if "loss_contours" not in figures_of(sweep):
        return None
    return "Measured cells over N and D" + (", with contours of the fitted law." if _laws(sweep) else ".")


@sentence("loss_contours")
def _regimes_in_the_contours(sweep: Sweep) -> str | None:
    if not any(sweep.has_floor(name) for name in sweep.datasets):
        return None
    return "Filled markers are cells in the scaling regime, hollow ones are saturated or have not started to learn."


@sentence("loss_contours")
def _regimes_without_a_floor(sweep: Sweep) -> str | None:
    if all(sweep.has_floor(name) for name in sweep.datasets):
        return None
    return "Where no floor is known, a hollow marker has certainly not started; grey ones may scale or be saturated."


@sentence("loss_contours")
def _lost_runs_in_the_contours(sweep: Sweep) -> str | None:
    return "A cross is a run that diverged." if _lost(sweep) else None


@sentence("loss_contours")
def _frontier_in_the_contours(sweep: Sweep) -> str | None:
    if not any(row["source"] in sweep.datasets for row in sweep.table("frontier.csv")):
        return None
    return (
        "The orange line is the compute-optimal frontier with its band, dashed outside the compute that was measured."
    )


@sentence("frontiers")
def _frontiers_figure(sweep: Sweep) -> str | None:
    rows = [row for row in sweep.table("frontier.csv") if finite(row["N_opt"])]
    if not any(row["source"] in sweep.datasets for row in rows):
        return None
    law = ", the law in H at three values of H," if any(row["source"].startswith("L(N,D,H)") for row in rows) else ""
    return (
        f"Compute-optimal N and D, and tokens per parameter, against compute: each dataset's own law{law} and "
        "Chinchilla's published law. Bands are drawn where compute was measured; beyond it every line extrapolates."
    )


@sentence("frontiers")
def _no_frontier_to_draw(sweep: Sweep) -> str | None:
    if "frontiers" not in figures_of(sweep) or _frontiers_figure(sweep):
        return None
    return "No dataset carries a law that identifies a split, so there is no frontier."


@sentence("parameters_vs_h")
def _parameters_figure(sweep: Sweep) -> str | None:
    if "parameters_vs_h" not in figures_of(sweep) or not _laws(sweep):
        return None
    return (
        "Each parameter of the laws against H, with its interval. Filled markers are the way to treat E that the "
        "regression uses."
    )


@sentence("parameters_vs_h")
def _both_ways_to_treat_E(sweep: Sweep) -> str | None:
    variants = [(sweep.fits.get(name) or {}).get("variants", {}) for name in sweep.datasets]
    ways = {kind for found in variants for kind, body in found.items() if body and body["converged"]}
    return "Hollow markers are the other way to treat E." if len(ways) > 1 else None


@sentence("parameters_vs_h")
def _grey_in_the_parameters(sweep: Sweep) -> str | None:
    grey = any(sweep.why_not(name) for name in _laws(sweep))
    return "Grey ones are not reportable." if grey else None


@sentence("parameters_vs_h")
def _lines_in_H(sweep: Sweep) -> str | None:
    if not sweep.regression.get("law"):
        return None
    return (
        "The solid line with its band is the law in H, which takes the error of the fits into account; the dashed line "
        "is the paper's two-stage regression, which does not."
    )


@sentence("parameters_vs_h")
def _no_lines_in_H(sweep: Sweep) -> str | None:
    if sweep.regression.get("law") or not _laws(sweep) or "parameters_vs_h" not in figures_of(sweep):
        return None
    return "No line in H is drawn: too few datasets carry a law."


@sentence("predicted_vs_measured")
def _predictions_figure(sweep: Sweep) -> str | None:
    if "predicted_vs_measured" not in figures_of(sweep) or not _laws(sweep):
        return None
    return (
        "What each law predicts against what was measured, and the error below. Rings mark the largest N or D, where a "
        "law that is to be extrapolated must hold first."
    )


@sentence("predicted_vs_measured")
def _cells_that_were_not_fitted(sweep: Sweep) -> str | None:
    from ..laws.fits.dataset import takes_part

    def hollow(name: str) -> bool:
        used: Any = sweep.fits[name].get("cells")
        return any(not takes_part(cell, used) for cell in sweep.cells(name))

    return "Hollow markers were not fitted." if any(hollow(name) for name in _laws(sweep)) else None


@sentence("architectures")
def _architectures_figure(sweep: Sweep) -> str | None:
    if "architectures" not in figures_of(sweep):
        return None
    return (
        "Left: held-out loss at the largest budget against N, by architecture, means over seeds. Right: models of "
        "nearly equal N and different depth, their loss against the reference's, seed by seed; the dash is what the "
        "difference in N alone would do."
    )


@sentence("architectures")
def _intervals_over_seeds(sweep: Sweep) -> str | None:
    if "architectures" not in figures_of(sweep) or len({row["seed"] for row in sweep.runs}) < 2:
        return None
    return "Bars: Student's 95 % intervals over seeds."
