"""The tables of results/reference/pilots, of what ``prove.py`` left in results/: all that docs/pilots.md rests on.

python bench/pilots/tables.py CORPORA [--to results/reference/pilots]
"""

import argparse
import json
from pathlib import Path

import numpy as np
from prove import NAMES, SEEDS

from ziplaw.base.documents import read_json, write_csv
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.pilots.reading import PilotRuns, read_pilot
from ziplaw.laws.pilots.soft_law import best_size, log_loss
from ziplaw.models.shape.ladder import ladder
from ziplaw.numerics.functions import exp, log
from ziplaw.pilots.planning.plan_evidence import ladder_compute
from ziplaw.pilots.planning.results_folder import PilotFolder

TO = Path("results/reference/pilots")
LEVEL = 0.95


def seconds(path: Path) -> float:
    return json.loads(path.read_text())["seconds"]


def ended(path: Path) -> str:
    return json.loads(path.read_text())["ended"]


def of_corpus(folder: PilotFolder, made: dict) -> dict:
    report, score = folder.tokenizer or {}, folder.score or {}
    unique, error = folder.unique_tokens
    return {
        "corpus": made["corpus"], "what": made["what"], "packages": "; ".join(made["packages"]), "files": made["files"],
        "bytes": made["bytes"], "sha256": made["sha256"], "vocab_size": folder.vocab_size,
        "bytes_per_token": report.get("bytes_per_token"), "unique_tokens": round(unique),
        "unique_tokens_error": error, "training_tokens": folder.training_tokens,
        "H": score["H"], "H_lo": score["H_interval"][0], "H_hi": score["H_interval"][1],
    }  # fmt: skip


def of_pilot(folder: PilotFolder, asked: float) -> dict:
    trained = [run for round_ in folder.rounds for run in round_["runs"]]
    return {
        "corpus": folder.name, "asked_C": asked, "C": sum(run["C"] for run in trained),
        "rounds": sum(bool(round_["runs"]) for round_ in folder.rounds),
        "runs": len(trained), "cells": len(folder.cells), "largest_C": max(row["C"] for row in folder.cells),
        "seconds": seconds(folder.folder / "pilot_seconds.json"), "stop": folder.rounds[-1]["stop"],
    }  # fmt: skip


def of_rounds(folder: PilotFolder) -> list[dict]:
    return [
        {"corpus": folder.name, "round": document["round"], "runs": len(document["runs"]),
         "models": " ".join(run["model"] for run in document["runs"]), "C": sum(run["C"] for run in document["runs"]),
         "sd_ln_N_before": document["band"]["sd_ln_N_before"], "sd_ln_N_after": document["band"]["sd_ln_N_after"],
         "stop": document["stop"]}
        for document in folder.rounds
    ]  # fmt: skip


RUN_COLUMNS = "model seed hidden layers N N_total D C loss loss_stderr".split()


def of_runs(folder: PilotFolder) -> list[dict]:
    return [{"corpus": folder.name} | {name: row[name] for name in RUN_COLUMNS} for row in folder.rows]


def of_predictions(told: dict) -> list[dict]:
    """What was written before any run was judged: also of corpora whose runs have not been made."""
    plan = told["rules"][0]
    asked = "which model hidden layers heads N D C loss low high".split()
    return [
        {"corpus": told["corpus"], "written": told["written"], "plan_N": plan["N"], "plan_N_lo": plan["low"],
         "plan_N_hi": plan["high"]} | {name: one[name] for name in asked}
        for one in told["tried"]
    ]  # fmt: skip


def excess(runs: PilotRuns, compute: Compute, N: float, C: float) -> tuple[float, float, float]:
    """Relative loss above that of the best size at C, median and 95 % interval over the drawn laws."""
    best = best_size(runs.theta, C, runs.frame, compute)
    at = log_loss(runs.theta, log(np.array([N])), log(np.array([compute.tokens(N, C)])), runs.frame)[0][:, 0]
    least = np.array(
        [
            log_loss(one[None], np.array([x]), log(np.array([compute.tokens(float(exp(x)), C)])), runs.frame)[0][0, 0]
            for one, x in zip(runs.theta, best)
        ]
    )
    # N_opt of a drawn law is found on a smooth ladder: a last digit may be below its loss
    middle, low, high = np.quantile(np.maximum(exp(at - least) - 1, 0.0), [0.5, (1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(middle), float(low), float(high)


def vertex(N: list[float], loss: list[float]) -> float | None:
    """N at the bottom of the parabola of loss in ln N through three points; None where it opens downwards."""
    x = np.log(np.array(N))
    curve, slope, _ = np.polyfit(x - x[1], np.array(loss), 2)
    return float(np.exp(x[1] - slope / (2 * curve))) if curve > 0 else None


def of_held_out(folder: PilotFolder, told: dict) -> list[dict]:
    rows = []
    for seed in SEEDS:
        for one in told["tried"]:
            place = folder.folder / "held_out" / one["which"] / f"s{seed}"
            if not (place / "seconds.json").exists():
                continue
            record = read_json(place / "run.json", "run")
            (point,) = record["points"]
            rows.append(
                {"corpus": folder.name, "which": one["which"], "model": one["model"], "hidden": one["hidden"],
                 "layers": one["layers"], "seed": seed, "N": record["N"], "D": point["D"], "C": point["C"],
                 "predicted": one["loss"], "low": one["low"], "high": one["high"], "loss": point["loss"],
                 "error": float(log(point["loss"] / one["loss"])), "held": one["low"] <= point["loss"] <= one["high"],
                 "seconds": seconds(place / "seconds.json"), "ended": ended(place / "seconds.json")}
            )  # fmt: skip
    return rows


def of_rules(folder: PilotFolder, told: dict, held_out: list[dict]) -> list[dict]:
    sizes = ladder(folder.vocab_size, folder.context, 1e9)
    compute = Compute.of([s.N for s in sizes], [s.flops_per_token for s in sizes])
    table = {name: list(values) for name, values in folder.table.items()}
    for row in held_out:
        for name in ("N", "D", "C", "loss"):
            table[name].append(row[name])
        table["trunk"].append(f"held out {row['which']} {row['seed']}")
    after = read_pilot(table, compute, text=True)
    N, (low, high) = after.n_opt(told["C"])
    rules = [*told["rules"], {"rule": "with held-out runs", "N": N, "low": low, "high": high, "loss": None}]
    rows = []
    for rule in rules:
        cost = excess(after, compute, rule["N"], told["C"])
        rows.append(
            {"corpus": folder.name, "rule": rule["rule"], "C": told["C"], "N": rule["N"], "N_lo": rule["low"],
             "N_hi": rule["high"], "D": float(compute.tokens(rule["N"], told["C"])),
             "excess": cost[0], "excess_lo": cost[1], "excess_hi": cost[2]}
        )  # fmt: skip
    return rows


def of_probes(folder: PilotFolder) -> list[dict]:
    """Runs beside the judged ones, and what the pilot's law says of them: results/<corpus>/probes/<any name>."""
    runs, rows = read_pilot(folder.table, ladder_compute(folder, folder.target_C), text=True), []
    for path in sorted((folder.folder / "probes").glob("*/run.json")):
        record = read_json(path, "run")
        for point in record["points"]:
            told, (low, high) = runs.loss(record["N"], point["D"])
            rows.append(
                {"corpus": folder.name, "hidden": record["model"]["hidden"], "heads": record["model"]["heads"],
                 "seed": record["seed"], "N": record["N"], "D": point["D"], "C": point["C"],
                 "predicted": told, "low": low, "high": high, "loss": point["loss"]}
            )  # fmt: skip
    return rows


def means(held_out: list[dict]) -> dict[str, float]:
    """Mean loss over seeds of each of the three."""
    found: dict[str, list[float]] = {}
    for row in held_out:
        found.setdefault(row["which"], []).append(row["loss"])
    return {which: sum(losses) / len(losses) for which, losses in found.items()}


def verdict(told: dict, held_out: list[dict]) -> dict:
    plan, mean = told["rules"][0], means(held_out)
    size = {row["which"]: row["N"] for row in held_out}
    best, second, _ = sorted(mean, key=mean.__getitem__)
    at_plan = [row for row in held_out if row["which"] == "best"]
    return {
        "corpus": told["corpus"], "written": told["written"], "C": told["C"], "N": plan["N"], "N_lo": plan["low"],
        "N_hi": plan["high"], "best_of_three": best, "best_N": size[best],
        "lead": float(log(mean[second] / mean[best])),
        "seed_sd": seed_sd(held_out),
        "parabola_N": vertex([size[which] for which in mean], list(mean.values())),
        "N_held": plan["low"] <= size[best] <= plan["high"], "loss_held": at_plan[0]["held"],
        "losses_held": sum(row["held"] for row in held_out), "losses": len(held_out),
        "refused": "; ".join(one["reason"] for one in told["refused"]),
    }  # fmt: skip


def seed_sd(held_out: list[dict]) -> float | None:
    """Standard deviation of ln loss between seeds of a size, pooled over sizes; None where each has but one."""
    squares, freedom = 0.0, 0
    for which in {row["which"] for row in held_out}:
        losses = log(np.array([row["loss"] for row in held_out if row["which"] == which]))
        squares += float(np.square(losses - losses.mean()).sum())
        freedom += len(losses) - 1
    return float(np.sqrt(squares / freedom)) if freedom else None


def main() -> None:
    parser = argparse.ArgumentParser(description="the tables of results/reference/pilots")
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--to", type=Path, default=TO)
    options = parser.parse_args()
    names = [name for name in NAMES if Path("results", name, "predictions.json").exists()]
    kinds = "corpora pilots rounds runs predictions held_out probes rules verdicts".split()
    tables: dict[str, list[dict]] = {kind: [] for kind in kinds}
    for name in names:
        folder = PilotFolder(Path("results", name))
        told = read_json(Path("results", name, "predictions.json"), "pilot_predictions")
        tables["corpora"].append(of_corpus(folder, json.loads((options.corpora / f"{name}.json").read_text())))
        tables["pilots"].append(of_pilot(folder, float(folder.rounds[0]["pilot_C"])))
        tables["rounds"] += of_rounds(folder)
        tables["runs"] += of_runs(folder)
        tables["predictions"] += of_predictions(told)
        if not all(_done(name, which) for which in ("half", "best", "twice")):
            continue
        held_out = of_held_out(folder, told)
        tables["held_out"] += held_out
        tables["probes"] += of_probes(folder)
        tables["rules"] += of_rules(folder, told, held_out)
        tables["verdicts"].append(verdict(told, held_out))
    options.to.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        if rows:
            write_csv(options.to / f"{name}.csv", rows)


def _done(name: str, which: str) -> bool:
    return Path("results", name, "held_out", which, f"s{SEEDS[0]}", "seconds.json").exists()


if __name__ == "__main__":
    main()
