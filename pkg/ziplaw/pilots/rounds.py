"""The rounds of a pilot: which trunks are trained next, from all runs of the rounds before; one document a round."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..base.documents import read_json
from ..errors import ZiplawError
from ..laws.pilots.compute import Compute
from ..laws.pilots.designer import LARGEST_SHARE, RoundDesign, design_round
from ..laws.pilots.reading import LEAST_CELLS, read_pilot
from ..models.shape.ladder import Size, ladder
from ..sweep.published_prior import read_prior
from ..training.recipe.recipe import TrainConfig
from ..training.recipe.schedule import BudgetPlan, plan_budgets
from .pilot_time import packed_seconds, run_seconds, training_seconds
from .places import DATASET, round_file, run_file

# the best rate of English and Python falls from .018 at width 16 to .010 at width 104 (a vocabulary of 1024, 1 to 2
# million tokens, four rates a width): with this one no size pays more than .5 % of its loss, with .02 h104 pays 2 %
LEARNING_RATE = 0.014
# a run of fewer steps says more of its warmup than of its size
LEAST_STEPS = 32
LEAST_SIZES = 3
# FLOPs that would do are looked for in such steps
STEP_UP, MOST_TRIES = 1.25, 40
# sizes whose speed is tried
TRIED, TRIED_FLOPS = 6, 1e7
# minutes become FLOPs by the speed of the first round's design, whose FLOPs they decide: it settles at once
SETTLING = 4


def settings(context: int) -> tuple[TrainConfig, int]:
    """Return how every run of a pilot is trained, but for its budgets and seed, and the tokens of a step."""
    config = TrainConfig([1 << 40], learning_rate=LEARNING_RATE).resolved()
    return config, config.batch_documents * context


def plans_of(budgets: Sequence[int], context: int) -> list[BudgetPlan]:
    """Return a trunk's budgets in whole steps."""
    config, tokens = settings(context)
    return plan_budgets(budgets, tokens, config.cooldown, config.schedule)


def trained_tokens(budgets: Sequence[int], context: int) -> int:
    """Return the tokens that a trunk with these budgets trains on, branches and all."""
    plans = plans_of(budgets, context)
    steps = max(plan.branch for plan in plans) + sum(plan.cooldown for plan in plans)
    return steps * settings(context)[1]


def earlier_cells(folder: str | os.PathLike, round_: int) -> dict[str, np.ndarray]:
    """Return the measured cells of all rounds before one.

    Returns
    -------
    dict of ndarray, shape (n,)
        N, D, C (all FLOPs of the cell's own path), loss (nats per token), and trunk, a number for each run. Diverged
        cells are left out.
    """
    rows: list[tuple[float, float, float, float, int]] = []
    trunk = 0
    for earlier in range(1, round_):
        for run in read_json(round_file(folder, earlier), "pilot_round")["runs"]:
            record = read_json(run_file(folder, run["model"], earlier), "run")
            points = [point for point in record["points"] if point["loss"] is not None]
            rows += [(record["N"], point["D"], point["C"], point["loss"], trunk) for point in points]
            trunk += 1
    columns = list(zip(*rows)) or [()] * 5
    found = {name: np.array(column, np.float64) for name, column in zip(("N", "D", "C", "loss"), columns)}
    return found | {"trunk": np.array(columns[4], np.int64)}


class Rounds:
    """What the rounds of one pilot have in common.

    Parameters
    ----------
    folder : path-like
        ``results/<pilot>``: its corpus is there.
    target_C : float
        Training FLOPs of the run that is to be planned.
    prior : str
        What stands before all runs, see :func:`ziplaw.sweep.published_prior.read_prior`.
    cores : int
        That train at once.
    speed : dict, optional
        The content of speed.json; without it no times are predicted.
    """

    def __init__(
        self, folder: str | os.PathLike, target_C: float, prior: str, cores: int, speed: dict[str, Any] | None = None
    ) -> None:
        self.folder, self.target_C, self.cores, self.speed = folder, target_C, cores, speed
        meta = read_json(Path(folder, "corpora", DATASET, "meta.json"), "corpus")
        self.vocab_size, self.context = int(meta["vocab_size"]), int(meta["context"])
        self.tokens = int(meta["n_train"]) * self.context
        self.sizes = ladder(self.vocab_size, self.context)
        self.compute = Compute.of([s.N for s in self.sizes], [s.flops_per_token for s in self.sizes])
        before = read_prior(prior)
        self.prior = None if before is None else before.split

    def candidates(self, pilot_C: float) -> list[Size]:
        """Return the sizes that a pilot of so many FLOPs can train.

        Raises
        ------
        ZiplawError
            When they are fewer than three.
        """
        least = LEAST_STEPS * settings(self.context)[1]
        found = [s for s in self.sizes if s.flops_per_token * least <= LARGEST_SHARE * pilot_C]
        if len(found) < LEAST_SIZES:
            raise ZiplawError(f"{pilot_C:.3g} FLOPs train fewer than {LEAST_SIZES} sizes: give more")
        return found

    def to_try(self, pilot_C: float) -> list[Size]:
        """Return sizes whose speed tells that of all candidates: a few, from the smallest to one whose step takes half
        a second or so; larger ones do as many FLOPs a second.
        """
        found = self.candidates(pilot_C)
        found = [size for size in found if size.flops_per_token <= TRIED_FLOPS] or found[:LEAST_SIZES]
        places = range(TRIED) if len(found) > TRIED else range(len(found))
        return [found[place * (len(found) - 1) // max(len(places) - 1, 1)] for place in places]

    def design(
        self, round_: int, pilot_C: float, spent_C: float = 0.0, cells: dict[str, np.ndarray] | None = None
    ) -> tuple[RoundDesign, list[dict[str, Any]]]:
        """Ask the designer for a round, see :func:`ziplaw.laws.pilots.designer.design_round`; runs as documents say."""
        step_tokens = settings(self.context)[1]
        sizes = self.candidates(pilot_C)
        design = design_round(
            None if cells is None else read_pilot(cells, self.compute),
            self.compute,
            [size.N for size in sizes],
            target_C=self.target_C,
            pilot_C=pilot_C,
            spent_C=spent_C,
            round_=round_,
            workers=self.cores,
            least_tokens=LEAST_STEPS * step_tokens,
            step_tokens=step_tokens,
            unique_tokens=self.tokens,
            prior=self.prior,
        )
        runs = [self._run(sizes[planned.size], planned.budgets) for planned in design.runs]
        if cells is None and len(runs) < LEAST_SIZES:
            raise ZiplawError(f"{pilot_C:.3g} FLOPs train {len(runs)} sizes, {LEAST_SIZES} are needed: give more")
        if cells is None and (found := sum(len(run["budgets"]) for run in runs)) < LEAST_CELLS:
            raise ZiplawError(f"{pilot_C:.3g} FLOPs train {found} cells, {LEAST_CELLS} are needed: give more")
        return design, runs

    def first_design(self, pilot_C: float) -> list[dict[str, Any]]:
        """Return the runs of the first round.

        Raises
        ------
        ZiplawError
            When the FLOPs are too few, with so many that would do.
        """
        try:
            return self.design(1, pilot_C)[1]
        except ZiplawError as error:
            needed = pilot_C
            for _ in range(MOST_TRIES):
                needed *= STEP_UP
                with contextlib.suppress(ZiplawError):
                    self.design(1, needed)
                    break
            else:
                raise error from None
        # no less than needed when it is rounded
        raise ZiplawError(
            f"{pilot_C:.3g} FLOPs are too few for a pilot on this corpus, whose vocabulary is {self.vocab_size}: about "
            f"{1.05 * needed:.2g} are needed; give more --minutes or --pilot-flops, or a smaller --vocab-size"
        )

    def _run(self, size: Size, budgets: Sequence[float]) -> dict[str, Any]:
        whole = sorted({int(budget) for budget in budgets})
        tokens = trained_tokens(whole, self.context)
        return {
            "model": size.name,
            "hidden": size.hidden,
            "layers": size.layers,
            "heads": size.heads,
            "budgets": whole,
            "N": size.N,
            "N_total": size.N_total,
            "tokens": tokens,
            "C": tokens * size.flops_per_token,
            "seconds": None,
        }

    def timed(self, runs: list[dict[str, Any]]) -> float | None:
        """Write the predicted seconds into runs and return those of the whole round; None without a trial of speed."""
        if self.speed is None or not runs:
            return None
        per_token = [run["C"] / run["tokens"] for run in runs]
        counts = [len(run["budgets"]) for run in runs]
        seconds = run_seconds(self.speed, per_token, [run["tokens"] for run in runs], counts)
        for run, one in zip(runs, seconds):
            run["seconds"] = float(one)
        return packed_seconds([float(one) for one in seconds], self.cores)

    def flops_for(self, minutes: float) -> float:
        """Return the FLOPs that a pilot of so many minutes trains, by the speed of its first round.

        Raises
        ------
        ZiplawError
            When the minutes do not suffice for a few runs, or for more than the run that is to be planned.
        """
        wanted = training_seconds(minutes)
        assert self.speed is not None
        fastest = max(size["flops_per_token"] / size["train_s"] for size in self.speed["sizes"])
        pilot_C = wanted * self.cores * fastest
        for _ in range(SETTLING):
            runs = self.first_design(pilot_C)
            seconds = self.timed(runs)
            assert seconds is not None
            # the rounds to come take as long a FLOP as the first
            pilot_C *= wanted / (seconds * pilot_C / sum(run["C"] for run in runs))
        if pilot_C > self.target_C:
            raise ZiplawError(
                f"{minutes:g} minutes here are {pilot_C:.3g} FLOPs, more than {self.target_C:.3g} to be planned: give "
                "fewer --minutes, or train the model itself"
            )
        return pilot_C

    def document(self, round_: int, pilot_C: float) -> dict[str, Any]:
        """Design a round from all runs of those before and return its document, see ``docs/formats.md``."""
        earlier = [read_json(round_file(self.folder, q), "pilot_round") for q in range(1, round_)]
        spent = float(sum(run["C"] for document in earlier for run in document["runs"]))
        cells = earlier_cells(self.folder, round_) if earlier else None
        if cells is None:
            self.first_design(pilot_C)
        design, runs = self.design(round_, pilot_C, spent, cells)
        return {
            "round": round_,
            "stop": design.stop,
            "target_C": self.target_C,
            "pilot_C": pilot_C,
            "spent_C": spent,
            "seed": round_,
            "vocab_size": self.vocab_size,
            "context": self.context,
            "cores": self.cores,
            "seconds": self.timed(runs),
            "runs": runs,
            "band": {
                "at_C": self.target_C,
                "sd_ln_N_before": design.sd_before,
                "sd_ln_N_after": design.sd_after,
            },
        }
