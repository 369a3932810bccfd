"""The report of a sweep: one HTML file that opens offline, every number with its interval or the reason it has none."""

from __future__ import annotations

import platform
import re
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from . import versions
from .findings import answer, cautions
from .io import sha256_file, write_text
from .results import Sweep, finite

CAPTIONS = {
    "gzip_distributions": "H of every dataset over its windows (hatched: real code and prose). The bar spans the middle "
    "half, the tick is the median, which is the H of the dataset.",
    "presets": "H of the paper's preset grammars, drawn anew with several seeds, against the H that the paper gives.",
    "training_curves": "Training loss (lines) and held-out loss at each budget (markers) for every model. No model can get "
    "below the floor, the exact Bayes-optimal loss of the grammar.",
    "loss_contours": "The fitted law over N and D with the measured cells, its compute-optimal frontier, and iso-FLOP lines.",
    "frontiers": "Compute-optimal N and D against compute for every reportable law and for Chinchilla's published one. "
    "What lies outside the measured range is extrapolation.",
    "parameters_vs_h": "Each parameter of the laws against H, with its interval.",
    "predicted_vs_measured": "What each law predicts against what was measured. A law that misses at its largest N or D "
    "should not be extrapolated.",
}


def number(value: Any, digits: int = 4) -> str:
    """Format a number for a table: ``digits`` significant ones; – for none."""
    if isinstance(value, bool) or not finite(value):
        return "–" if value is None or isinstance(value, float) else str(value)
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    if value and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.{digits - 2}e}".split("e")
        return f"{mantissa}·10<sup>{int(exponent)}</sup>"
    return f"{value:.{digits}g}"


def interval(low: Any, high: Any) -> str:
    """Format an interval; an end that is not known is an infinity."""
    if not finite(low) and not finite(high):
        return "no interval"
    return f"{number(low, 3) if finite(low) else '−∞'} to {number(high, 3) if finite(high) else '∞'}"


def render(sweep_dir: str | Path, config: str | Path | None = None, command: str | None = None) -> str:
    """Return the report of a finished sweep as HTML.

    Parameters
    ----------
    sweep_dir : path-like
        ``results/<sweep>``.
    config : path-like, optional
        The config of the sweep, quoted in the provenance.
    command : str, optional
        The command that reproduces the sweep; by default the Snakemake call for ``config``.

    Raises
    ------
    FitError
        When the folder is no finished sweep.
    """
    import jinja2

    folder = Path(sweep_dir)
    sweep = Sweep(folder)
    markup = jinja2.utils.markupsafe.Markup
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = lambda value, digits=4: markup(number(value, digits))
    environment.globals.update(interval=lambda low, high: markup(interval(low, high)), finite=finite)
    template = environment.from_string((resources.files("ziplaw") / "data" / "report.html.j2").read_text("utf-8"))
    if command is None:
        named = f" --configfile {Path(config).parent.name}/{Path(config).name}" if config else ""
        command = f"snakemake --cores all{named}"
    return template.render(
        name=folder.name,
        answer=answer(sweep),
        cautions=cautions(sweep),
        datasets=_datasets(sweep),
        fits=sweep.table("fits.csv"),
        regression=sweep.regression,
        claims=sweep.table("claims.csv"),
        references=[score for name, score in sweep.scores.items() if name not in sweep.datasets],
        presets=_presets(sweep),
        holdout=_holdout(sweep),
        figures=_figures(folder),
        command=command,
        config=Path(config).read_text("utf-8") if config else None,
        provenance=_provenance(sweep, folder, config),
    )


def write_report(
    sweep_dir: str | Path, output: str | Path, config: str | Path | None = None, command: str | None = None
) -> None:
    """Write the report of a finished sweep, see ``render``."""
    write_text(output, render(sweep_dir, config, command))


def _datasets(sweep: Sweep) -> list[dict[str, Any]]:
    rows = []
    for name in sweep.datasets:
        cells, grammar = sweep.of(name), sweep.grammars.get(name, {})
        floor = sweep.floors.get(name, {})
        score, fit = sweep.scores.get(name, {}), sweep.fits.get(name, {})
        counted = {kind: sum(c["regime"] == kind for c in cells) for kind in ("scaling", "saturated", "not started")}
        rows.append(
            {
                "name": name,
                "origin": _origin(grammar),
                "productions": len(grammar["productions"]) if "productions" in grammar else None,
                "rho": floor.get("rho_m"),
                "H": cells[0]["H"],
                "H_std": score.get("std"),
                "floor": cells[0]["floor"],
                "floor_stderr": cells[0]["floor_stderr"],
                "unigram": cells[0]["unigram_entropy"],
                "cells": len(cells),
                "diverged": sum(c["status"] != "finished" for c in cells),
                "counted": counted,
                "regime": fit.get("regime") or ("unknown" if cells[0]["floor"] is None else "mixed"),
                "reason": fit.get("reason"),
            }
        )
    return rows


def _origin(grammar: dict[str, Any]) -> str:
    made = grammar.get("provenance") or {}
    if "max_rhs_options" not in made:
        return "grammar file" if grammar else "imported"
    shape = [grammar.get("n_nonterminals"), grammar.get("n_terminals"), made["max_rhs_options"], made["max_rhs_length"]]
    return f"({', '.join(map(str, shape))}), seed {made.get('seed')}"


def _presets(sweep: Sweep) -> list[dict[str, Any]]:
    rows = {}
    for row in sweep.table("presets.csv"):
        rows.setdefault(row["preset"], {**row, "values": []})["values"].append(row["H"])
    return list(rows.values())


def _holdout(sweep: Sweep) -> list[dict[str, Any]]:
    rows = []
    for name, fit in sweep.fits.items():
        for variant, body in fit["variants"].items():
            cells = ((body or {}).get("holdout") or {}).get("cells") or {}
            if cells:
                errors = {side: (cells.get(side) or {}).get("rms_log_error") for side in ("N", "D", "C")}
                rows.append({"dataset": name, "variant": variant, "inside": body["rms_log_residual"], **errors})
    return rows


def _figures(folder: Path) -> list[dict[str, str]]:
    """SVGs ready to stand in one page: no XML header, ids and references made unique per figure."""
    figures = []
    for kind, caption in CAPTIONS.items():
        path = folder / "figures" / f"{kind}.svg"
        if path.exists():
            svg = path.read_text("utf-8")
            svg = svg[svg.index("<svg") :]
            svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
            svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{kind}-", svg)
            figures.append({"kind": kind, "svg": svg, "caption": caption})
    return figures


def _provenance(sweep: Sweep, folder: Path, config: str | Path | None) -> dict[str, str]:
    """What made the results: versions and checksums; no clock and no host name, so that the report repeats."""
    found = {"ziplaw": metadata_version("ziplaw"), "Python": platform.python_version()}
    found |= {package: metadata_version(package) for package in ("numpy", "scipy", "torch", "snakemake", "matplotlib")}
    zlib = {score["zlib"] for score in sweep.scores.values()}
    found["zlib"] = ", ".join(sorted(zlib)) or "–"
    stages = {k.lower(): v for k, v in vars(versions).items() if k.isupper()}
    found["stage versions"] = ", ".join(f"{stage} {value}" for stage, value in sorted(stages.items()))
    if config:
        found[f"sha256 of {Path(config).name}"] = sha256_file(config)
    for name in ("runs.csv", "fits.csv", "claims.csv", "frontier.csv"):
        if (folder / name).exists():
            found[f"sha256 of {name}"] = sha256_file(folder / name)
    return found


def metadata_version(package: str) -> str:
    """Return an installed package's version, or say that it is not installed."""
    if package == "ziplaw":
        from . import __version__

        return __version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
