"""What a pilot's plan rests on: prior, effect of H and the pilot's own runs, each as a line, and their sum.

All three are Gaussians over (ln N_opt, a) where C is 6 N D, as in ``laws.plans.evidence``; every line is told at the
FLOPs asked for, all of them counted (``laws.pilots.compute``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import FitError, ZiplawError
from ...laws.pilots.compute import Compute
from ...laws.pilots.reading import PilotRuns, read_pilot
from ...laws.plans.evidence.combined_plan import APART, Prior
from ...laws.plans.evidence.effect_of_H import effect_of_H
from ...laws.plans.evidence.gaussian_split import GaussianSplit
from ...models.shape.ladder import ladder
from ...numerics.functions import log10
from ...sweep.published_prior import difference_of_H
from .results_folder import PilotFolder

# of sizes beyond the target's: a best N may be ten times what 20 tokens a parameter make of it
_BEYOND = 100.0


@dataclass(frozen=True, eq=False)
class PilotEvidence:
    """What is known of a corpus's split.

    Attributes
    ----------
    compute : Compute
        FLOPs per token along the ladder.
    known : list of (str, GaussianSplit)
        What was known after the prior, after H, after the runs: those that there are.
    alone : dict
        "prior" and "runs" by themselves, those that there are.
    runs : PilotRuns or None
        The pilot's own runs; None where nothing can be read off them.
    h : dict or None
        H of this corpus, of the prior's, their difference with its standard deviation, and what the law says.
    warnings : list of str
        What keeps a line from being there, or makes it doubtful.
    """

    compute: Compute
    known: list[tuple[str, GaussianSplit]]
    alone: dict[str, GaussianSplit]
    runs: PilotRuns | None
    h: dict[str, Any] | None
    prior: Prior | None
    warnings: list[str] = field(default_factory=list)

    @property
    def sum(self) -> GaussianSplit:
        """Everything together."""
        return self.known[-1][1]

    @property
    def beta(self) -> dict[str, float]:
        """The exponent of D by the runs' law, as a keyword of ``Compute.split``; none without runs."""
        return {} if self.runs is None else {"beta": self.runs.beta}

    def split(self, known: GaussianSplit, C: float, level: float) -> dict[str, Any]:
        """N, D, D/N with bands at C of all FLOPs."""
        return self.compute.split(known, C, level, **self.beta)

    def by_itself(self, name: str, C: float, level: float) -> dict[str, Any] | None:
        """N, D, D/N by one piece of evidence alone: runs by their own drawn laws; None where it is none by itself."""
        if name == "runs" and self.runs is not None:
            return self.runs.split(C, level)
        single = self.alone.get(name)
        return None if single is None else self.split(single, C, level)

    def lines(self, C: float, level: float) -> list[dict[str, Any]]:
        """What each piece of evidence made of N: its own word, N and band after it, by what it moved N.

        Returns
        -------
        list of dict
            ``from`` ("prior", "H", "runs"), ``N N_interval`` (after it), ``factor`` (by which it moved N; None of the
            first), ``decades`` (width of the band after it), ``decades_before``, ``alone`` (N and N_interval by itself,
            None of H).
        """
        out: list[dict[str, Any]] = []
        for name, split in self.known:
            told = self.split(split, C, level)
            before = out[-1] if out else None
            alone = self.by_itself(name, C, level)
            out.append(
                {
                    "from": name,
                    "N": told["N"],
                    "N_interval": told["N_interval"],
                    "decades": _decades(told),
                    "decades_before": before["decades"] if before else None,
                    "factor": told["N"] / before["N"] if before else None,
                    "alone": alone and {key: alone[key] for key in ("N", "N_interval")},
                }
            )
        return out


def _decades(told):
    low, high = told["N_interval"]
    return float(log10(high / low))


def gather_evidence(
    pilot: PilotFolder, C: float, prior: Prior | None, law: dict[str, Any] | None, threads: int | None = None
) -> PilotEvidence:
    """Read all that is known about the split of a pilot's corpus.

    Parameters
    ----------
    pilot : PilotFolder
        The pilot.
    C : float
        Training FLOPs that are to be planned, which say how far the ladder has to go.
    prior : Prior or None
        What stands before all runs.
    law : dict, optional
        A regression document that says how H moves the split.
    threads : int, optional
        For the score of the prior's own text.

    Raises
    ------
    FitError
        When there is neither a prior nor a split of the runs.
    """
    # tokens no fewer than a thousandth of a token a parameter: N up to that
    compute = ladder_compute(pilot, C)
    warnings: list[str] = []
    known: list[tuple[str, GaussianSplit]] = []
    alone: dict[str, GaussianSplit] = {}
    h = None
    if prior is not None:
        known.append(("prior", prior.split))
        alone["prior"] = prior.split
        h, moved = _moved(pilot, prior, law, threads, warnings)
        if moved is not None:
            known.append(("H", moved))
    runs = None
    try:
        runs = read_pilot(pilot.table, compute)
    except FitError as error:
        if not known:
            raise
        warnings.append(f"the pilot's own runs say nothing about the split yet: {error}")
    if runs is not None:
        own = runs.gaussian()
        alone["runs"] = own
        if known and (apart := known[-1][1].z_score(own, C)) > APART:
            warnings.append(
                f"the pilot's runs and what came before them lie {apart:.1f} standard deviations apart: the corpus is "
                "unlike web text, or something differs (units, recipe); look before you trust their sum"
            )
        known.append(("runs", known[-1][1].updated(own) if known else own))
    return PilotEvidence(compute, known, alone, runs, h, prior, warnings)


def ladder_compute(pilot: PilotFolder, C: float) -> Compute:
    """FLOPs per token from the smallest size to well beyond the best one at C, for the pilot's vocabulary."""
    largest = float(np.clip(np.sqrt(C / 6) * _BEYOND, 1e6, 1e12))
    sizes = ladder(pilot.vocab_size, pilot.context, largest)
    return Compute.of([size.N for size in sizes], [size.flops_per_token for size in sizes])


def _moved(pilot, prior, law, threads, warnings):
    """What H says, as plain numbers, and the prior as H moves it; None where H moves nothing, with the reason said."""
    score = pilot.score
    if score is None:
        warnings.append("H of the corpus is not known (no scores/corpus.json): it moves nothing")
        return None, None
    try:
        given, remarks = difference_of_H(prior, score, pilot.tokenizer_name or "bytes", threads)
    except ZiplawError as error:
        given, remarks = None, [f"H of the prior's own text could not be measured alike ({error}): H moves nothing"]
    warnings += remarks
    h: dict[str, Any] = {"H": score["H"], "reference": None, "difference": None, "sd": None, "share": None}
    if given is None:
        return h, None
    reference, sd = given
    scatter = np.array(prior.document.get("scatter") or prior.split.covariance)
    document = law or {}
    spread = float(prior.document["H"]["sd"])
    effect = effect_of_H(prior.split, scatter, document.get("split"), score["H"] - reference, sd, spread)
    h |= {"reference": reference, "difference": effect.h, "sd": effect.h_sd, "share": effect.share}
    if law is None or law.get("split") is None:
        warnings.append("the law in H does not say how H moves the split: its effect is unknown")
    elif on := law.get("fitted_on"):
        low, high = on["H"]
        h["law_H"] = [low, high]
        if out := max(score["H"] - high, low - score["H"], 0.0):
            warnings.append(f"H = {score['H']:.3f} is {out:.3f} outside the {low:.3f} to {high:.3f} of the law in H")
    return h, prior.split.shifted(effect.shift, effect.covariance)
