"""Pilots on real corpora, and runs at 8 times their largest compute that say whether the plan was right.

    python bench/pilots/corpora.py -o CORPORA
    python bench/pilots/prove.py CORPORA --pilot-flops 3e12      # in a checkout: results/ lies there

For each corpus, in this order, each step resumable and none repeated once it is done:

1. ``ziplaw pilot``, planning for 8 times the largest cell that its design may hold.
2. Predictions, at C = 8 times the largest cell that was trained, all FLOPs counted: the plan's N and its band; the loss
   and its band at the sizes of the ladder nearest to that N, to half and to twice it, D being C over the FLOPs of a
   token; what 20 tokens a parameter, the prior, and the prior moved by H would have said. Written, with the time,
   before step 3 begins, and never again.
3. ``ziplaw train`` of those three, with the pilot's recipe, on its corpus, each token seen once where there are enough
   (else twice at most), from seeds that no pilot's run has; as many at once as there are cores. The best of three is
   that of the least mean loss; the band of the loss is judged by the run of the first seed.

Then ``python bench/pilots/tables.py CORPORA`` makes the tables of results/reference/pilots of what lies in results/.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ziplaw.base.documents import read_json, write_json
from ziplaw.laws.pilots.designer import LARGEST_SHARE
from ziplaw.laws.pilots.reading import read_pilot
from ziplaw.models.shape.ladder import ladder
from ziplaw.numerics.functions import log
from ziplaw.pilots.planning.plan_evidence import gather_evidence
from ziplaw.pilots.planning.results_folder import PilotFolder
from ziplaw.pilots.planning.whole_plan import pilot_plan
from ziplaw.pilots.rounds import LEARNING_RATE, settings
from ziplaw.sweep.published_prior import read_prior
from ziplaw.sweep.reference_law import read_law

MORE = 8  # times the largest compute of a pilot's cell
SEEDS = (101, 102, 103)
NAMES = (
    "python", "c", "english", "german", "markup", "tables",
    "rust", "go", "manuals", "french", "html", "biology",
)  # fmt: skip
RATIO = 20.0  # tokens per parameter, of the rule of thumb


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def say(text: str) -> None:
    print(f"{now()} {text}", flush=True)


def command(arguments: list[str], log_file: Path) -> float:
    """Run ``ziplaw`` and return its seconds; its output goes to a log."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log_file.open("a") as log_to:
        log_to.write(f"{now()} ziplaw {' '.join(arguments)}\n")
        log_to.flush()
        done = subprocess.run([sys.executable, "-m", "ziplaw", *arguments], stdout=log_to, stderr=log_to, check=False)
    if done.returncode:
        raise SystemExit(f"ziplaw {' '.join(arguments)}: exit status {done.returncode}, see {log_file}")
    return time.perf_counter() - began


def pilot(name: str, corpora: Path, pilot_flops: float) -> None:
    """Step 1."""
    done = Path("results", name, "pilot_seconds.json")
    if done.exists():
        return
    target = MORE * LARGEST_SHARE * pilot_flops
    say(f"{name}: pilot of {pilot_flops:.3g} FLOPs for {target:.3g}")
    spent = command(
        ["pilot", str(corpora / name), "--flops", f"{target:g}", "--pilot-flops", f"{pilot_flops:g}", "--name", name],
        Path("logs", f"{name}.pilot.log"),
    )
    done.write_text(json.dumps({"seconds": round(spent, 1), "ended": now()}) + "\n")
    say(f"{name}: pilot done in {spent:.0f} s")


def predicted(name: str) -> dict:
    """Step 2: the content of results/<name>/predictions.json."""
    path = Path("results", name, "predictions.json")
    if path.exists():
        return read_json(path, "pilot_predictions")
    folder = PilotFolder(path.parent)
    C = MORE * max(row["C"] for row in folder.cells)
    plan = pilot_plan(path.parent, C).document
    evidence = gather_evidence(folder, C, read_prior("web"), read_law(None), None)
    runs = read_pilot(folder.table, evidence.compute, text=True)
    sizes = ladder(folder.vocab_size, folder.context, 100 * plan["N"])
    step = settings(folder.context)[1]
    tried = []
    for which, N in (("half", plan["N"] / 2), ("best", plan["N"]), ("twice", 2 * plan["N"])):
        size = min(sizes, key=lambda size, N=N: abs(float(log(size.N / N))))
        D = round(C / size.flops_per_token / step) * step
        loss, (low, high) = runs.loss(size.N, D)
        tried.append(
            {"which": which, "model": size.name, "hidden": size.hidden, "layers": size.layers, "heads": size.heads,
             "N": size.N, "D": D, "C": D * size.flops_per_token, "loss": loss, "low": low, "high": high}
        )  # fmt: skip
    most = max(one["D"] for one in tried)
    if most > folder.training_tokens:
        say(f"{name}: {most} tokens are asked for, the corpus folder holds {folder.training_tokens}")
    rules = [{"rule": "plan", "N": plan["N"], "low": plan["N_interval"][0], "high": plan["N_interval"][1]}]
    for line in evidence.lines(C, 0.95):
        told = {"prior": "prior", "H": "prior and H"}.get(line["from"])
        if told:
            rules.append({"rule": told, "N": line["N"], "low": line["N_interval"][0], "high": line["N_interval"][1]})
        if line["from"] == "runs":
            alone = line["alone"]
            rules.append(
                {"rule": "runs alone", "N": alone["N"], "low": alone["N_interval"][0], "high": alone["N_interval"][1]}
            )
    thumb = min(sizes, key=lambda size: abs(float(log(C / size.flops_per_token / size.N / RATIO))))
    rules.append({"rule": "20 to 1", "N": thumb.N, "low": None, "high": None})
    for rule in rules:
        D = float(evidence.compute.tokens(rule["N"], C))
        rule |= {"D": D, "loss": runs.loss(rule["N"], D, new_run=False)[0]}
    written = {
        "corpus": name, "written": now(), "C": C, "plan_loss": plan["loss"],
        "plan_loss_interval": plan["loss_interval"],
        "refused": plan["refused"], "warnings": plan["warnings"], "near_best": plan["near_best"], "noise": runs.noise,
        "tried": tried, "rules": rules,
    }  # fmt: skip
    write_json(path, written, kind="pilot_predictions")
    say(f"{name}: predictions for C = {C:.3g}: N {plan['N']:.4g} {plan['N_interval']}")
    return read_json(path, "pilot_predictions")


def trained(name: str, one: dict, seed: int) -> None:
    """Step 3, one of the three."""
    folder = Path("results", name, "held_out", one["which"], f"s{seed}")
    if (folder / "seconds.json").exists():
        return
    arguments = ["train", f"results/{name}/corpora/corpus", "--keep-finished", "--seed", str(seed)]
    arguments += ["--learning-rate", str(LEARNING_RATE)]
    for key in ("hidden", "layers", "heads"):
        arguments += [f"--{key}", str(one[key])]
    if one["D"] > PilotFolder(Path("results", name)).training_tokens:
        arguments += ["--epochs", "2"]
    say(f"{name}: training {one['model']} from seed {seed} on {one['D']} tokens")
    spent = command([*arguments, "--budgets", str(one["D"]), "-o", str(folder)], Path("logs", f"{name}.held_out.log"))
    (folder / "seconds.json").write_text(json.dumps({"seconds": round(spent, 1), "ended": now()}) + "\n")
    point = read_json(folder / "run.json", "run")["points"][-1]
    foretold = f"{one['low']:.4f} to {one['high']:.4f} foretold"
    say(f"{name}: {one['which']} {one['model']} loss {point['loss']} in {spent:.0f} s ({foretold})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--pilot-flops", type=float, default=3e12)
    parser.add_argument("--only", nargs="*", choices=NAMES, default=list(NAMES))
    parser.add_argument("--until", choices=["pilot", "predictions", "held-out"], default="held-out")
    parser.add_argument("--seeds", nargs="*", type=int, choices=SEEDS, default=list(SEEDS))
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    for name in options.only:
        pilot(name, options.corpora.resolve(), options.pilot_flops)
        if options.until != "pilot":
            predicted(name)
    if options.until != "held-out":
        return
    with ThreadPoolExecutor(options.cores) as cores:
        jobs = [
            cores.submit(trained, name, one, seed)
            for seed in options.seeds
            for name in options.only
            for one in sorted(predicted(name)["tried"], key=lambda one: -one["C"])
        ]
        for job in jobs:
            job.result()


if __name__ == "__main__":
    main()
