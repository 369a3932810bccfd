"""The GPU part of the trainer: checks it, times it beside its peers and against the roof, and writes a CSV.

Runs from a plain checkout: ``python setup.py build_ext --inplace`` (optional, for the sampler), then

    PYTHONPATH=pkg python bench/gpu.py -o gpu.csv                        # everything, about twenty minutes
    PYTHONPATH=pkg python bench/gpu.py --part correctness --part peers --hidden 64,256
    PYTHONPATH=pkg python bench/gpu.py --dry-run                         # tiny shapes on the CPU, no GPU needed

It needs torch, triton, numpy, scipy and click; peers that are not installed are left out with a row that says so. The
commit is asked of git, or stands in ZIPLAW_COMMIT where there is no git or no repository. Rows are written as they
come, so a run that meets its time limit keeps what it had; what breaks is a row as well, and the rest goes on. Times
are medians over blocks of steps that alternate between the candidates, by device events, after a warm-up; compilation
is reported apart.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("tests", "tests/helpers", "bench", "bench/on_gpu")]

import gpu_checks  # noqa: E402
import gpu_ensemble  # noqa: E402
import gpu_kernels  # noqa: E402
import gpu_peers  # noqa: E402
import gpu_profile  # noqa: E402
import gpu_speed  # noqa: E402
from gpu_bench import COLUMNS, LAYERS, Bench  # noqa: E402

from ziplaw.training.device import lease, torch_settings  # noqa: E402

PARTS = {
    "device": gpu_speed.device,
    "correctness": gpu_checks.run,
    "kernels": gpu_kernels.run,
    "throughput": gpu_speed.throughput,
    "peers": gpu_peers.run,
    "ensemble": gpu_ensemble.run,
    "grid": gpu_speed.grid,
    # the last: a tracer stays, and what it costs must be in no other part's times
    "profile": gpu_profile.run,
}
PROVENANCE = ("device", "torch", "triton", "commit")
COMMIT = "ZIPLAW_COMMIT"


def commit() -> str:
    """The commit that is measured: what the environment says, else git, else unknown."""
    if os.environ.get(COMMIT):
        return os.environ[COMMIT]
    try:
        found = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        # a machine that only runs this need not have git
        return "unknown"
    return found.stdout.strip() or "unknown"


def provenance(device: torch.device) -> dict[str, str]:
    """Device, versions and commit of this measurement."""
    triton = importlib.import_module("triton").__version__ if importlib.util.find_spec("triton") else "none"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return dict(zip(PROVENANCE, (name, torch.__version__, triton, commit())))


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(list(PARTS)), help="Run only this part (repeatable).")
@click.option("--hidden", help="Widths, comma-separated [default: 64 to 2048].")
@click.option("--vocab-size", type=int, help="Vocabulary [default: 2001].")
@click.option("--documents", type=int, help="Documents a step [default: 32].")
@click.option("--context", type=int, help="Tokens a document [default: 256].")
@click.option("--blocks", type=int, help="Alternations of all candidates [default: 7].")
@click.option("--budget-seconds", default=1500.0, show_default=True, help="Start nothing new after so many seconds.")
@click.option("--dry-run", is_flag=True, help="Exercise everything at tiny shapes on the CPU; its times mean nothing.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="CSV file [default: standard output].")
def main(parts, hidden, vocab_size, documents, context, blocks, budget_seconds, dry_run, output):
    """Check and time the trainer on one GPU."""
    if not dry_run and not torch.cuda.is_available():
        raise click.ClickException("torch finds no CUDA device: use --dry-run to exercise this script without one")
    stream = open(output, "w", newline="") if output else sys.stdout  # noqa: SIM115 (standard output stays open)
    writer = csv.DictWriter(stream, [*COLUMNS, *PROVENANCE], lineterminator="\n")
    writer.writeheader()
    failed = False
    try:
        # a run beside this one would be in every time
        with lease(torch.device("cpu" if dry_run else "cuda")) as device, torch_settings(device, 1):
            bench = Bench(
                device=device,
                dry=dry_run,
                vocab_size=vocab_size or (21 if dry_run else 2001),
                documents=documents or (2 if dry_run else 32),
                context=context or (16 if dry_run else 256),
                hidden=[int(h) for h in hidden.split(",")] if hidden else ([8] if dry_run else list(LAYERS)),
                blocks=blocks or (2 if dry_run else 7),
                deadline=time.monotonic() + budget_seconds,
                writer=writer,
                stream=stream,
                provenance=provenance(device),
            )
            # while all memory is free: later it may not be there, and every part wants it
            bench.measured_roof()
            for name in parts or PARTS:
                if not bench.late(name, "all"):
                    print(f"{name} ...", file=sys.stderr, flush=True)
                    failed |= bench.attempt(name, "all", PARTS[name], bench) is False
    finally:
        if output:
            stream.close()
    if failed or bench.broken:
        raise click.ClickException("something failed: see the rows with the metric `failed` or `broke`")


if __name__ == "__main__":
    main()
