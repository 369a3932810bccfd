"""What the report says of links: which one holds, how far each misses, and where the best split lies and moves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median
from typing import Any

from ..sweep.folder import ISOFLOP, WAYS, Sweep, finite
from .sentences import count, groups_of, sentence, share_of, span

# links whose best N differ by more are no one number
FAR_APART = 1.25
MEANING = {
    "identity": "the additive law",
    "power": "a power of it",
    "bounded": "between floor and unigram entropy",
    "free": "any rising curve",
}
SHORT = {way: words.split(" (")[0].split(",")[0] for way, words in WAYS.items()}


def link_fits(sweep: Sweep, link: str) -> list[dict[str, Any]]:
    """Fits of all datasets under a link that converged."""
    return [fit for name in sweep.datasets if (fit := sweep.links(name).get(link))]


def errors(sweep: Sweep, link: str) -> tuple[float | None, float | None]:
    """Error of ln(loss - E), medians over datasets: of all cells, and of those with the most compute, held out."""
    fits = link_fits(sweep, link)
    inside = [fit["rms_log_residual"] for fit in fits if finite(fit["rms_log_residual"])]
    held = [error for fit in fits if finite(error := (fit["holdout"] or {}).get("rms_log_error"))]
    return (median(inside) if inside else None), (median(held) if held else None)


def others(words: dict[str, str]) -> str:
    """Write what the other ways say: "identity 1.2, power 1.3"."""
    return ", ".join(f"{SHORT[way]} {value}" for way, value in words.items())


def _held_out(sweep: Sweep) -> dict[str, float]:
    found = {link: errors(sweep, link)[1] for link in WAYS if link != ISOFLOP}
    return {link: error for link, error in found.items() if error is not None}


@sentence("answer")
def _link_chosen(sweep: Sweep) -> str | None:
    link, held = sweep.chosen_link, _held_out(sweep)
    if link not in held:
        return None
    rest = {way: f"{error:.2f}" for way, error in held.items() if way != link}
    beside = f", against {others(rest)}" if rest else ""
    what = "ln(loss − E)" if _of_excess(sweep, link) else "ln(loss)"
    return (
        f"Of the links from the index ln(A/N^α + B/D^β) to the loss the {SHORT[link]} one ({MEANING[link]}) was "
        "chosen, blind to H, by its error where compute is largest: fitted without those runs it misses them by "
        f"{held[link]:.2f} in {what}{beside} (medians over {count(len(link_fits(sweep, link)), 'dataset')})."
    )


def _of_excess(sweep: Sweep, link: str) -> bool:
    return any(fit["error_of"] == "excess" for fit in link_fits(sweep, link))


@sentence("each link")
def _how_links_are_fitted(sweep: Sweep) -> str | None:
    if not any(sweep.links(name) for name in sweep.datasets):
        return None
    floors = [name for name in sweep.datasets if sweep.has_floor(name)]
    how = "least squares of ln(loss − E), E at the floor"
    if len(floors) < len(sweep.datasets):
        how = (
            f"{how}, where one is known, else of ln(loss) with E free"
            if floors
            else "least squares of ln(loss), E free"
        )
    return (
        f"Every measured cell is fitted, whatever its regime, by {how}. The bounded link ends at the unigram entropy U "
        "above, which token frequencies alone give, and at E below. All links share the index, and the best split "
        "follows from the index alone."
    )


@sentence("each link")
def _cells_without_a_logarithm(sweep: Sweep) -> str | None:
    lost = {name: fit["n_left_out"] for name in sweep.datasets for fit in list(sweep.links(name).values())[:1]}
    lost = {name: n for name, n in lost.items() if n}
    if not lost:
        return None
    return (
        f"{count(sum(lost.values()), 'cell')} of {', '.join(lost)} within one standard error of the floor, or below "
        "it, had to be left out: the logarithm of its excess says nothing."
    )


@sentence("each link")
def _links_that_failed(sweep: Sweep) -> str | None:
    why: dict[str, list[str]] = {}
    for name in sweep.datasets:
        for link, fit in ((sweep.fits.get(name) or {}).get("links") or {}).items():
            if not fit["converged"]:
                why.setdefault(fit["message"], []).append(f"{name} ({SHORT[link]})")
    return f"Not fitted: {groups_of(why)}." if why else None


@sentence("each link")
def _splits_not_identified(sweep: Sweep) -> str | None:
    why: dict[str, list[str]] = {}
    for name in sweep.datasets:
        for way, split in sweep.splits(name).items():
            if not split["identified"]:
                why.setdefault(split.get("reason") or "not identified", []).append(f"{name} by {SHORT[way]}")
    return f"Splits that are not identified, and grey: {groups_of(why)}." if why else None


@sentence("each link")
def _no_links(sweep: Sweep) -> str | None:
    if not sweep.fits or any(sweep.links(name) for name in sweep.datasets):
        return None
    return "No link could be fitted to any dataset."


def spreads(sweep: Sweep) -> dict[str, float]:
    """By how much the links' best N differ at the reference compute: the largest over the least, by dataset."""
    found: dict[str, list[float]] = {}
    for row in sweep.table("links.csv"):
        if row["link"] != ISOFLOP and finite(row["N_opt"]) and row["identified"]:
            found.setdefault(str(row["dataset"]), []).append(row["N_opt"])
    return {
        name: max(values) / min(values) for name, values in found.items() if len(values) > 1 and name in sweep.datasets
    }


@sentence("carries")
def _additive_form_misses(sweep: Sweep) -> str | None:
    chosen = sweep.chosen_link
    if chosen in (None, "identity") or not _of_excess(sweep, "identity"):
        return None
    (inside, held), (better, ahead) = errors(sweep, "identity"), errors(sweep, str(chosen))
    if inside is None or better is None or inside <= better:
        return None
    rest = f", {held:.2f} against {ahead:.2f} held out" if held is not None and ahead is not None else ""
    return (
        f"That the additive form is not the shape of these losses: of ln(loss − E) it misses {inside:.2f} where the "
        f"{SHORT[str(chosen)]} link misses {better:.2f}{rest} (medians over datasets, E at the floor). That is a "
        "finding about the form."
    )


@sentence("carries")
def _index_serves_all_links(sweep: Sweep) -> str | None:
    far = spreads(sweep)
    if not far or max(far.values()) > FAR_APART:
        return None
    return (
        f"The best N at the middle of the measured compute, whatever the link: the links differ by × "
        f"{max(far.values()):.2f} at most."
    )


@sentence("does not carry")
def _links_disagree(sweep: Sweep) -> str | None:
    far = {name: value for name, value in spreads(sweep).items() if value > FAR_APART}
    if not far:
        return None
    worst = max(far, key=far.__getitem__)
    return (
        f"One best N for {share_of(list(far), sweep.datasets)}: there the links differ by more than × {FAR_APART}, by "
        f"× {far[worst]:.2f} at most ({worst}), and every interval holds for its own link."
    )


@sentence("near best")
def _sizes_that_are_near_the_best(sweep: Sweep) -> str | None:
    rows = [r for r in _chosen_rows(sweep) if finite(r["near_lo"]) and finite(r["near_hi"]) and r["identified"]]
    if not rows:
        return None
    widths = {str(row["dataset"]): math.sqrt(row["near_hi"] / row["near_lo"]) for row in rows}
    wide = max(rows, key=lambda row: row["near_hi"] / row["near_lo"])
    return (
        f"At C = {wide['C']:.1e} FLOPs a model may be larger or smaller than the best by a factor of "
        f"{span(min(widths.values()), max(widths.values()), '.2f')} for .1 % of the loss: N between "
        f"{wide['near_lo']:,.0f} and {wide['near_hi']:,.0f} costs at most that much on {wide['dataset']}."
    )


def _chosen_rows(sweep: Sweep) -> Iterable[dict[str, Any]]:
    return [row for row in sweep.table("links.csv") if row["chosen"] and row["dataset"] in sweep.datasets]
