"""The report of a sweep: one HTML file that opens offline, every number with its interval or the reason it has none."""

from __future__ import annotations

import base64
import platform
import re
import shlex
import tempfile
from collections.abc import Sequence
from html import escape
from importlib import metadata, resources
from pathlib import Path
from statistics import median
from typing import Any

from .. import __version__, versions
from ..base.documents import read_json, sha256_file, write_text
from ..base.outputs import Output, by_mark, check
from ..errors import FitError
from ..sweep.folder import VARIANTS, Sweep, finite
from .about_scores import references
from .captions import caption, figures_of
from .findings import answer
from .remarks import largest_split, one_reason, outside_what_was_measured
from .sentences import p_value, said

# numbers beyond these mean only "very small" and "very large"
TINY, HUGE = 1e-99, 1e99
_PRIVATE = 0xF0000  # characters for nobody's text: they stand for names while mathematics is set
MARK = "<title>ziplaw: sweep "


def number(value: Any, digits: int = 3) -> str:
    """Write a cell of a table in HTML: ``digits`` significant ones, – for none, powers of ten for the very large.

    Text, which a number's place may hold in a file that was tampered with, is escaped.
    """
    if value is None or (isinstance(value, float) and not finite(value)):
        return "–"
    if not finite(value):
        return escape(str(value).lower() if isinstance(value, bool) else str(value))
    size = abs(value)
    if size > HUGE:
        return "&gt; 10<sup>99</sup>" if value > 0 else "&lt; −10<sup>99</sup>"
    if 0 < size < TINY:
        return "&lt; 10<sup>−99</sup>" if value > 0 else "≈ 0"
    if isinstance(value, int) or 10 ** min(digits, 5) <= size < 1e6:
        text = f"{value:,.0f}".replace(",", "\u202f")
    elif size >= 1e6 or 0 < size < 1e-3:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa}·10<sup>{int(exponent)}</sup>"
    else:
        text = f"{value:#.{digits}g}".rstrip(".")
    return text.replace("-", "−")


def fixed(value: Any, places: int = 3) -> str:
    """Write a cell with so many places behind the point; – for none, text escaped."""
    return f"{value:.{places}f}".replace("-", "−") if finite(value) else number(value)


def interval(low: Any, high: Any, digits: int = 3) -> str:
    """Write an interval in HTML; an end that is not known is an infinity."""
    if not finite(low) and not finite(high):
        return "no interval"
    return f"{number(low, digits) if finite(low) else '−∞'} to {number(high, digits) if finite(high) else '∞'}"


def prose(words: str, names: Sequence[str] = ()) -> str:
    """Set the mathematics in a sentence that is already safe HTML: C^a, N_opt, 2.6e+11, alpha.

    ``names`` (safe HTML too) are left as they are: a dataset called alpha stays alpha.
    """
    for index, name in enumerate(names):
        words = words.replace(name, chr(_PRIVATE + index))
    words = _mathematics(words)
    for index, name in enumerate(names):
        words = words.replace(chr(_PRIVATE + index), name)
    return words


def _mathematics(words: str) -> str:
    words = re.sub(r"(\d(?:\.\d+)?)e([+-]\d+)", lambda m: f"{m[1]}·10<sup>{int(m[2])}</sup>".replace("-", "−"), words)
    words = re.sub(r"(?<![\w.])-(?=\d)", "−", words)
    words = re.sub(r"\b(ln|mean) ", "\\1\u00a0", words)
    words = re.sub(r"\balpha\b", "α", re.sub(r"\bbeta\b", "β", words))
    words = re.sub(r"\^(\w+(?:\(H\))?)", r"<sup>\1</sup>", words)
    return (
        words.replace("N_opt", "N<sub>opt</sub>")
        .replace("D_opt", "D<sub>opt</sub>")
        .replace("n_datasets - ", "datasets − ")
    )


def _ordered(lines: dict[str, Any]) -> list[tuple[str, Any]]:
    """Lines by parameter in the order E, A, B, alpha, beta, a, as pairs of a name and the line."""
    order = ("E", "ln_E", "A", "ln_A", "B", "ln_B", "alpha", "beta", "a", "b")
    names = sorted(lines, key=lambda name: order.index(name) if name in order else len(order))
    return [(name.replace("ln_", "ln "), lines[name]) for name in names]


def render(
    sweep_dir: str | Path,
    config: str | Path | None = None,
    command: str | None = None,
    files: Sequence[str | Path] = (),
) -> str:
    """Return the report of a finished sweep as HTML.

    Parameters
    ----------
    sweep_dir : path-like
        ``results/<sweep>``. Figures that it lacks are drawn.
    config : path-like, optional
        The config of the sweep, quoted in the provenance.
    command : str, optional
        The command that reproduces the sweep; by default the Snakemake call for ``config``.
    files : sequence of path-like
        Files of the folder that belong to the sweep; none: all of them.

    Raises
    ------
    FitError
        When the folder is no finished sweep.
    """
    import jinja2

    folder = Path(sweep_dir).resolve()
    sweep = Sweep(folder, files=tuple(map(Path, files)))
    _ = sweep.runs
    try:
        return _environment(sweep).render(
            name=folder.name,
            answer=answer(sweep),
            datasets=_datasets(sweep),
            fits=_fits(sweep),
            flags=_flags(sweep),
            allocation=_allocation(sweep),
            regression=sweep.regression,
            claims=[] if one_reason(sweep) else sweep.table("claims.csv"),
            references=list(references(sweep).values()),
            presets=_presets(sweep),
            holdout=_holdout(sweep),
            figures=_figures(sweep),
            command=command or _command(config),
            config=Path(config).read_text("utf-8") if config else None,
            provenance=_provenance(sweep, folder, config),
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, jinja2.UndefinedError) as error:
        # documents that somebody edited: tables are checked when read, the many keys of documents are not
        what = f"{type(error).__name__}: {error}"
        raise FitError(
            f"a file in {folder} is not as ziplaw wrote it ({what}): make the sweep's tables and fits again"
        ) from error


def _environment(sweep: Sweep) -> Any:
    """Return the template with its filters; every filter that returns HTML has escaped what came from files."""
    import jinja2

    markup = jinja2.utils.markupsafe.Markup
    names = sorted({escape(name) for name in sweep.datasets}, key=len, reverse=True)
    odd = [name for name in names if prose(name) != name]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = lambda value, digits=3: markup(number(value, digits))
    environment.filters["fixed"] = lambda value, places=3: markup(fixed(value, places))
    environment.filters["percent"] = lambda value: markup(f"{fixed(100 * value, 1)} %") if finite(value) else "–"
    environment.filters["p_cell"] = lambda value: (
        p_value(value).replace("p = ", "").replace("p < ", "< ").replace("no p", "–")
    )
    environment.filters["sentence"] = lambda words: str(words)[:1].upper() + str(words)[1:]
    environment.filters["prose"] = lambda words: markup(prose(escape(str(words)), odd))
    environment.filters["ordered"] = _ordered
    environment.globals.update(
        interval=lambda low, high, digits=3: markup(interval(low, high, digits)),
        finite=finite,
        variant_words=lambda variant: VARIANTS.get(variant, "no law"),
        said=lambda place: list(said(sweep, place).values()),
    )
    return environment.from_string((resources.files(__package__) / "page.html.j2").read_text("utf-8"))


def write_report(
    sweep_dir: str | Path,
    output: str | Path,
    config: str | Path | None = None,
    command: str | None = None,
    files: Sequence[str | Path] = (),
) -> None:
    """Write the report of a finished sweep, see ``render``.

    Raises
    ------
    FitError, OutputError
        When the folder is no finished sweep; when the report would replace a file of it, or the config.
    """
    read = [] if config is None else [config]
    check([Output(output, by_mark(MARK), str(output))], read, homes=[sweep_dir], force=True)
    write_text(output, render(sweep_dir, config, command, files))


def _command(config):
    if config is None:
        return None
    # the config as named from the checkout, never an absolute path
    path = Path(config).resolve()
    return f"snakemake --cores all --configfile {shlex.quote(f'{path.parent.name}/{path.name}')}"


def _datasets(sweep: Sweep) -> list[dict[str, Any]]:
    rows = []
    for name in sweep.datasets:
        cells, grammar = sweep.of(name), sweep.grammars.get(name, {})
        head, floor, score = cells[0], sweep.floors.get(name, {}), sweep.scores.get(name, {})
        diverged = len(cells) - len(sweep.cells(name))
        errors = [c["loss_stderr"] for c in sweep.cells(name) if finite(c.get("loss_stderr"))]
        counted = {
            kind: sum(c.get("regime") == kind for c in cells) for kind in ("scaling", "saturated", "not started")
        }
        others = {kind: n for kind, n in (counted | {"diverged": diverged}).items() if n and kind != "scaling"}
        if not sweep.has_floor(name) and "not started" in others:
            others["certainly not started"] = others.pop("not started")
        rows.append(
            {
                "name": name,
                "origin": _origin(grammar, sweep.sources.get(name, {})),
                "productions": len(grammar["productions"]) if "productions" in grammar else None,
                "rho": floor.get("rho_m", (grammar.get("provenance") or {}).get("rho_m")),
                "H": sweep.H(name),
                "H_std": score.get("std", head.get("H_std")),
                "H_interval": score.get("H_interval"),
                "known": sweep.has_floor(name),
                "floor": head.get("floor"),
                "floor_stderr": head.get("floor_stderr"),
                "loss_stderr": median(errors) if errors else None,
                "valid_sources": head.get("valid_sources"),
                "unigram": head.get("unigram_entropy"),
                "vocab": head.get("vocab_size"),
                "cells": len(cells),
                "counted": counted,
                "others": ", ".join(f"{n} {kind}" for kind, n in others.items()) or "none",
                "regime": sweep.fits.get(name, {}).get("regime"),
            }
        )
    return rows


def _origin(grammar: dict[str, Any], source: dict[str, Any]) -> str:
    made = grammar.get("provenance") or {}
    if "max_rhs_options" not in made:
        words = [str(source[key]) for key in ("kind", "name") if source.get(key)]
        words += [f"tokenizer {source['tokenizer']}"] if source.get("tokenizer") else []
        return "grammar file" if grammar else f"imported: {', '.join(words) or 'not known'}"
    shape = [grammar.get("n_nonterminals"), grammar.get("n_terminals"), made["max_rhs_options"], made["max_rhs_length"]]
    return f"({', '.join(map(str, shape))}), seed {made.get('seed')}"


def _fits(sweep: Sweep) -> list[dict[str, Any]]:
    """Rows of fits.csv in order of H, the variant that is used first, with the reason why a row is grey."""
    main = sweep.regression.get("variant") or "floor"
    order = {name: i for i, name in enumerate(sweep.datasets)}
    rows = [dict(row) for row in sweep.table("fits.csv") if row["dataset"] in order]
    rows.sort(key=lambda row: (order[row["dataset"]], row["variant"] != main))
    for row in rows:
        row["grey"] = sweep.why_grey(row["dataset"], row["variant"])
        row["flags"] = str(row["flags"]).split(";") if row["flags"] else []
        row["main"] = row["variant"] == main
    return rows


def _flags(sweep: Sweep) -> dict[str, str]:
    """The flags that some fit carries, each with its meaning."""
    from ..laws.solve.diagnostics import EXPLANATIONS

    seen = [flag for row in _fits(sweep) for flag in row["flags"]]
    return {flag: EXPLANATIONS.get(flag, "") for flag in dict.fromkeys(seen)}


def _allocation(sweep: Sweep) -> dict[str, Any] | None:
    """The split at the largest compute that was measured, from frontier.csv; None when there is no frontier."""
    inside = [row for row in largest_split(sweep) if finite(row["N_opt"])]
    if not inside:
        return None
    exponents = {row["dataset"]: row for row in _fits(sweep) if row["main"]}
    rows = []
    for row in inside:
        banded = finite(row["N_lo"]) and finite(row["D_lo"]) and row["N_lo"] > 0
        ratio = {"ratio": row["D_opt"] / row["N_opt"], "outside": outside_what_was_measured(sweep, row)}
        ratio |= {"ratio_lo": row["D_lo"] / row["N_hi"], "ratio_hi": row["D_hi"] / row["N_lo"]} if banded else {}
        rows.append({"ratio_lo": None, "ratio_hi": None} | row | ratio | {"fit": exponents.get(row["source"])})
    return {"rows": rows}


def _presets(sweep: Sweep) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for row in sweep.table("presets.csv"):
        rows.setdefault(row["preset"], {**row, "values": []})["values"].append(row["H"])
    return list(rows.values())


def _holdout(sweep: Sweep) -> list[dict[str, Any]]:
    rows = []
    for name in sweep.datasets:
        for variant, body in sweep.fits.get(name, {}).get("variants", {}).items():
            cells = ((body or {}).get("holdout") or {}).get("cells") or {}
            if cells:
                errors = {side: (cells.get(side) or {}).get("rms_log_error") for side in ("N", "D", "C")}
                rows.append({"dataset": name, "variant": variant, "inside": body["rms_log_residual"], **errors})
    return rows


def _figures(sweep: Sweep) -> dict[str, dict[str, Any]]:
    """Figures with their captions, as images that need no other file; those that the folder lacks are drawn."""
    figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind in figures_of(sweep):
            path = sweep.folder / "figures" / f"{kind}.svg"
            if not sweep.has(f"figures/{kind}.svg"):
                from .figures import draw

                path = Path(scratch) / f"{kind}.svg"
                draw(kind, sweep.folder, path, files=sweep.files)
            figures[kind] = image(path.read_bytes()) | {"caption": caption(sweep, kind)}
    return figures


def image(svg: bytes) -> dict[str, Any]:
    """Return an SVG file as the source of an <img>, in which no script of it can run, with its width in points."""
    width = re.search(rb'<svg[^>]*?\bwidth="([\d.]+)pt"', svg)
    source = "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
    return {"source": source, "width": float(width.group(1)) if width else None}


def _provenance(sweep: Sweep, folder: Path, config: str | Path | None) -> dict[str, str]:
    """What made the results: versions, seeds, checksums; no clock and no host name, so that the report repeats."""
    found = {"ziplaw": __version__, "Python": platform.python_version()}
    found |= {package: installed(package) for package in ("numpy", "scipy", "torch", "snakemake", "matplotlib")}
    scores = [sweep.scores[name] for name in sweep.scores]
    found["zlib"] = ", ".join(sorted({str(score.get("zlib")) for score in scores})) or "–"
    kinds = {f"ids as {s['encoding']}, gzip level {s['level']}, {s['window']} tokens, {s['n']} windows" for s in scores}
    found["how H is measured"] = "; ".join(sorted(kinds)) or "–"
    grammars = {name: (g.get("provenance") or {}) for name, g in sweep.grammars.items()}
    seeds = [f"{n} {p['seed']}.{p.get('sub_seed', 0)}" for n, p in grammars.items() if "seed" in p]
    found["grammar seeds (seed.sub-seed)"] = ", ".join(seeds) or "–"
    if not seeds:
        del found["grammar seeds (seed.sub-seed)"]
    found["training seeds"] = ", ".join(sorted({str(row["seed"]) for row in sweep.runs}))
    run = sweep.run_folder(sweep.runs[0]) / "run.json"
    if run.exists():
        settings = read_json(run, "run").get("training") or {}
        found["training (first run)"] = ", ".join(
            f"{key} {value}" for key, value in settings.items() if key != "budgets"
        )
    stages = {key.lower(): value for key, value in vars(versions).items() if key.isupper()}
    found["stage versions"] = ", ".join(f"{stage} {value}" for stage, value in sorted(stages.items()))
    if config:
        found[f"sha256 of {Path(config).name}"] = sha256_file(config)
    for name in ("runs.csv", "fits.csv", "regression.json", "claims.csv", "frontier.csv", "presets.csv"):
        if sweep.has(name):
            found[f"sha256 of {name}"] = sha256_file(folder / name)
    return found


def installed(package: str) -> str:
    """Return an installed package's version, or say that it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
