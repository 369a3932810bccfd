"""Rows of the tables in a report, from a sweep's own tables and documents; how a cell is written is ``typeset``'s."""

from __future__ import annotations

from statistics import median
from typing import Any

from ..sweep.folder import ISOFLOP, WAYS, Sweep, finite
from .about_links import errors
from .about_split import line_of
from .remarks import largest_split, outside_what_was_measured


def dataset_rows(sweep: Sweep) -> list[dict[str, Any]]:
    """Return a row for each dataset: where it comes from, H, floor, its cells by regime."""
    rows = []
    for name in sweep.datasets:
        cells, grammar = sweep.of(name), sweep.grammars.get(name, {})
        head, floor, score = cells[0], sweep.floors.get(name, {}), sweep.scores.get(name, {})
        diverged = len(cells) - len(sweep.cells(name))
        stderrs = [c["loss_stderr"] for c in sweep.cells(name) if finite(c.get("loss_stderr"))]
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
                "loss_stderr": median(stderrs) if stderrs else None,
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


def fit_rows(sweep: Sweep) -> list[dict[str, Any]]:
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


def flags_with_meanings(sweep: Sweep) -> dict[str, str]:
    """The flags that some fit carries, each with its meaning."""
    from ..laws.solve.diagnostics import EXPLANATIONS

    seen = [flag for row in fit_rows(sweep) for flag in row["flags"]]
    return {flag: EXPLANATIONS.get(flag, "") for flag in dict.fromkeys(seen)}


def split_table(sweep: Sweep) -> dict[str, Any] | None:
    """The split at the largest compute that was measured, from frontier.csv; None when there is no frontier."""
    inside = [row for row in largest_split(sweep) if finite(row["N_opt"])]
    if not inside:
        return None
    exponents = {row["dataset"]: row for row in fit_rows(sweep) if row["main"]}
    rows = []
    for row in inside:
        banded = finite(row["N_lo"]) and finite(row["D_lo"]) and row["N_lo"] > 0
        ratio = {"ratio": row["D_opt"] / row["N_opt"], "outside": outside_what_was_measured(sweep, row)}
        ratio |= {"ratio_lo": row["D_lo"] / row["N_hi"], "ratio_hi": row["D_hi"] / row["N_lo"]} if banded else {}
        rows.append({"ratio_lo": None, "ratio_hi": None} | row | ratio | {"fit": exponents.get(row["source"])})
    return {"rows": rows}


def way_rows(sweep: Sweep) -> list[dict[str, Any]]:
    """Return a row for each link and for isoFLOP: its errors, and how the best N and the exponent a move with H."""
    rows = []
    for way, words in WAYS.items():
        if not any(way in sweep.splits(name) or way in sweep.links(name) for name in sweep.datasets):
            continue
        inside, held = errors(sweep, way)
        found = (sweep.split.get("by") or {}).get(way) or {}
        lines = {quantity: line_of(sweep, way, quantity) or None for quantity in ("ln_N", "a")}
        row = {"words": words, "chosen": way == sweep.chosen_link, "inside": inside, "held": held}
        rows.append(row | lines | {"n_datasets": found.get("n_datasets")})
    return rows


def link_rows(sweep: Sweep) -> list[dict[str, Any]]:
    """Rows of links.csv in order of H and of the links, each dataset's followed by how far its links are apart."""
    rows = []
    for name in sweep.datasets:
        own = [row for row in sweep.table("links.csv") if row["dataset"] == name]
        own.sort(key=lambda row: list(WAYS).index(row["link"]))
        shown = [row for row in own if row["link"] != ISOFLOP and row["identified"]]
        for row in own:
            # how well a link holds, the errors say
            bounds = [flag for flag in str(row["flags"] or "").split(";") if "bound" in flag or "zero" in flag]
            rows.append(row | {"words": WAYS[row["link"]], "apart": None, "flags": bounds})
        if len(shown) > 1:
            N, a = ([row[key] for row in shown] for key in ("N_opt", "a"))
            rows.append({"dataset": name, "apart": {"N": max(N) / min(N), "a": max(a) - min(a)}})
    return rows


def preset_rows(sweep: Sweep) -> list[dict[str, Any]]:
    """Return a row for each preset grammar, with its H by seed."""
    rows: dict[str, dict[str, Any]] = {}
    for row in sweep.table("presets.csv"):
        rows.setdefault(row["preset"], {**row, "values": []})["values"].append(row["H"])
    return list(rows.values())


def holdout_rows(sweep: Sweep) -> list[dict[str, Any]]:
    """Return a row for each law with its errors inside and at the largest N, D and C, held out."""
    rows = []
    for name in sweep.datasets:
        for variant, body in sweep.fits.get(name, {}).get("variants", {}).items():
            cells = ((body or {}).get("holdout") or {}).get("cells") or {}
            if cells:
                errors = {side: (cells.get(side) or {}).get("rms_log_error") for side in ("N", "D", "C")}
                rows.append({"dataset": name, "variant": variant, "inside": body["rms_log_residual"], **errors})
    return rows


def ordered(lines: dict[str, Any]) -> list[tuple[str, Any]]:
    """Lines by parameter in the order E, A, B, alpha, beta, a, as pairs of a name and the line."""
    order = ("E", "ln_E", "A", "ln_A", "B", "ln_B", "alpha", "beta", "a", "b")
    names = sorted(lines, key=lambda name: order.index(name) if name in order else len(order))
    return [(name.replace("ln_", "ln "), lines[name]) for name in names]
