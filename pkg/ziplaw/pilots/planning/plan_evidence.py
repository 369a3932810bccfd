"""What a pilot's plan rests on: prior, effect of H and the pilot's own runs, each as a line, and their sum.

Web text's grids lie many decades of compute above a pilot, and nobody knows the best N to be one power law over all of
them. So no exponent is shared: at the C that is asked for (all FLOPs) the prior, moved by H, says ln N = m +- s, the
runs say y +- t by the laws drawn from them, and the sum is

    (m / s^2 + y / t^2) / (1 / s^2 + 1 / t^2) +- (1 / s^2 + 1 / t^2)^(-1/2),

which lies between the two. Where they are more than ``APART`` standard deviations apart, one of them is wrong, and the
sum's is widened by as much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...errors import FitError, ZiplawError
from ...laws.intervals.identification import LEVEL
from ...laws.pilots.compute import Compute
from ...laws.pilots.reading import PilotRuns, read_pilot
from ...laws.plans.evidence.combined_plan import APART, Prior
from ...laws.plans.evidence.effect_of_H import effect_of_H
from ...laws.plans.evidence.gaussian_split import GaussianSplit, normal_quantile
from ...models.shape.ladder import ladder
from ...numerics.functions import exp, log, log10
from ...sweep.published_prior import difference_of_H
from .results_folder import PilotFolder

# of sizes beyond the target's: a best N may be ten times what 20 tokens a parameter make of it
_BEYOND = 100.0


class Told(NamedTuple):
    """Ln N_opt at one C: mean and standard deviation."""

    mean: float
    sd: float

    def apart(self, other: Told) -> float:
        """How many standard deviations two independent ones lie apart."""
        return float(abs(self.mean - other.mean) / np.sqrt(np.square(self.sd) + np.square(other.sd)))

    def and_(self, other: Told) -> Told:
        """The sum with an independent one, see the head of this module."""
        w, v = 1 / np.square(self.sd), 1 / np.square(other.sd)
        sd = float(1 / np.sqrt(w + v)) * max(1.0, self.apart(other) / APART)
        return Told(float((w * self.mean + v * other.mean) / (w + v)), sd)


@dataclass(frozen=True, eq=False)
class PilotEvidence:
    """What is known of a corpus's split.

    Attributes
    ----------
    compute : Compute
        FLOPs per token along the ladder.
    prior : Prior or None
        What stood before everything.
    moved : GaussianSplit or None
        The prior as H moves it; None where H moves nothing.
    runs : PilotRuns or None
        The pilot's own runs; None where nothing can be read off them.
    h : dict or None
        H of this corpus, of the prior's, their difference with its standard deviation, and what the law says.
    warnings : list of str
        What keeps a line from being there, or makes it doubtful.
    """

    compute: Compute
    prior: Prior | None
    moved: GaussianSplit | None
    runs: PilotRuns | None
    h: dict[str, Any] | None
    warnings: list[str] = field(default_factory=list)

    @property
    def sources(self) -> list[str]:
        """The pieces of evidence that there are, in their order: prior, H, runs."""
        there = {"prior": self.prior, "H": self.moved, "runs": self.runs}
        return [name for name, piece in there.items() if piece is not None]

    def alone(self, name: str, C: float) -> Told:
        """Ln N_opt at C of all FLOPs by the prior, by the prior as H moves it ("H"), or by the runs."""
        if name == "runs":
            assert self.runs is not None
            N, ends = self.runs.n_opt(C, LEVEL)
            return Told(float(log(N)), float(log(ends[1] / ends[0])) / (2 * normal_quantile(LEVEL)))
        split = self.prior.split if name == "prior" and self.prior is not None else self.moved
        assert split is not None
        return Told(*self.compute.told(split, C, **({} if self.runs is None else {"beta": self.runs.beta})))

    def known(self, C: float) -> list[tuple[str, Told]]:
        """What was known at C after each piece of evidence."""
        out: list[tuple[str, Told]] = []
        for name in self.sources:
            here = self.alone(name, C)
            # H moves the prior: it is in it
            out.append((name, out[-1][1].and_(here) if name == "runs" and out else here))
        return out

    def split(self, C: float, level: float) -> dict[str, Any]:
        """N, D, D/N with bands at C of all FLOPs by everything together; ``a`` is that of the runs, else the prior's.

        Returns
        -------
        dict
            As ``Compute.split`` gives.
        """
        if self.sources == ["runs"]:
            return self.by_itself("runs", C, level)
        told = self._told(self.known(C)[-1][1], C, level)
        named = self.sources[-1]
        exponent = self.by_itself(named, C, level)
        return told | {key: exponent[key] for key in ("a", "a_interval")}

    def by_itself(self, name: str, C: float, level: float) -> dict[str, Any]:
        """N, D, D/N by one piece of evidence alone; runs by their own drawn laws."""
        if name == "runs":
            assert self.runs is not None
            return self.runs.split(C, level)
        split = self.prior.split if name == "prior" and self.prior is not None else self.moved
        assert split is not None
        return self.compute.split(split, C, level, **({} if self.runs is None else {"beta": self.runs.beta}))

    def _told(self, told: Told, C: float, level: float) -> dict[str, Any]:
        z = normal_quantile(level)
        low, N, high = (float(exp(told.mean + sign * z * told.sd)) for sign in (-1, 0, 1))
        most, D, least = (float(self.compute.tokens(n, C)) for n in (low, N, high))
        return {
            "N": N, "N_interval": [low, high], "D": D, "D_interval": [least, most],
            "tokens_per_parameter": D / N, "tokens_per_parameter_interval": [least / high, most / low],
            "C": float(C), "C_6nd": float(self.compute.six_nd_of(N, C)),
            "elasticity": float(self.compute.elasticity(N)),
        }  # fmt: skip

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
        for name, known in self.known(C):
            told = self._told(known, C, level) if self.sources != ["runs"] else self.split(C, level)
            before = out[-1] if out else None
            alone = None if name == "H" else self.by_itself(name, C, level)
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
    h, moved = (None, None) if prior is None else _moved(pilot, prior, law, threads, warnings)
    runs = None
    try:
        runs = read_pilot(pilot.table, compute, text=pilot.of_text)
    except FitError as error:
        if prior is None:
            raise
        warnings.append(f"the pilot's own runs say nothing about the split yet: {error}")
    found = PilotEvidence(compute, prior, moved, runs, h, warnings)
    if runs is not None and prior is not None:
        before = found.alone("prior" if moved is None else "H", C)
        if (apart := before.apart(found.alone("runs", C))) > APART:
            warnings.append(
                f"the pilot's runs and what came before them lie {apart:.1f} standard deviations apart: the corpus is "
                "unlike web text, or something differs (units, recipe); look before you trust their sum"
            )
    return found


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
