"""Seconds that runs take, from a trial of the machine's speed; and how a round's runs share its cores."""

from __future__ import annotations

import heapq
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..base.elementary import exp, log
from ..errors import ZiplawError

# Of the minutes that a pilot may take so much is not for training: reading, tokens, H, the trial, Snakemake's starts,
# designs, plan and page; and trunks that end while another still trains.
RESERVE_S, RESERVE_SHARE = 20.0, 0.12
# what a core does in a second while the speed of the machine is not known yet: small models reach less
EXPECTED_FLOPS = 2e10


def training_seconds(minutes: float) -> float:
    """Return the seconds of the pilot's minutes in which it trains.

    Raises
    ------
    ZiplawError
        When nothing is left.
    """
    left = 60.0 * minutes * (1 - RESERVE_SHARE) - RESERVE_S
    if left < 10.0:
        raise ZiplawError(
            f"{minutes:g} minutes leave no time to train after {RESERVE_S:g} s for reading and planning: give more"
        )
    return left


def expected_flops(minutes: float, cores: int) -> float:
    """Return about how many FLOPs a pilot of so many minutes trains, before the speed of the machine is known."""
    return 60.0 * minutes * cores * EXPECTED_FLOPS


def seconds_per_token(speed: Mapping[str, Any], flops_per_token: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the seconds that a token takes in models of any size, from those that were tried.

    Parameters
    ----------
    speed : mapping
        A speed.json.
    flops_per_token : sequence of float
        Training FLOPs a token of each model.

    Returns
    -------
    train_s, held_out_s : ndarray of float64
        Linear in the logarithms between two sizes that were tried; beyond the last, as many FLOPs a second as it did;
        below the first, as long as it took.
    """
    tried = speed["sizes"]
    x = log(np.array([size["flops_per_token"] for size in tried]))
    wanted = log(np.asarray(flops_per_token, np.float64))
    beyond = np.maximum(wanted - x[-1], 0.0)
    found = []
    for key in ("train_s", "held_out_s"):
        y = log(np.array([size[key] for size in tried]))
        found.append(exp(np.interp(wanted, x, y) + beyond))
    return found[0], found[1]


def run_seconds(
    speed: Mapping[str, Any], flops_per_token: Sequence[float], tokens: Sequence[float], budgets: Sequence[int]
) -> np.ndarray:
    """Return the seconds that each trunk takes on a core.

    Parameters
    ----------
    speed : mapping
        A speed.json.
    flops_per_token : sequence of float
    tokens : sequence of float
        Trained on, trunk and branches together.
    budgets : sequence of int
        Number of budgets of each trunk: after each the held-out loss is measured.
    """
    train_s, held_out_s = seconds_per_token(speed, flops_per_token)
    measured = np.asarray(budgets, np.float64) * speed["held_out_tokens"] * held_out_s
    return speed["start_s"] + np.asarray(tokens, np.float64) * train_s + measured


def packed_seconds(seconds: Sequence[float], cores: int) -> float:
    """Return how long runs take on some cores, each begun, the longest first, as soon as a core is free."""
    free = [0.0] * cores
    for one in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def start_seconds(cores: int) -> float:
    """Return the seconds until a job trains: as many interpreters as there are cores import what training needs."""
    code = "import ziplaw.training.jobs, ziplaw.pilots.rounds"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    began = time.perf_counter()
    jobs = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(cores)]
    for job in jobs:
        job.wait()
    return time.perf_counter() - began
