"""What ``plan`` and ``predict`` rest on: options, and the prior, the law in H and the runs that they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ...base import limits
from ...errors import FitError
from ..options import Number, json_option, options

if TYPE_CHECKING:
    from ...laws.plans.evidence.combined_plan import Prior
    from ...laws.plans.evidence.own_fit import OwnFit
    from ...laws.plans.evidence.own_runs import OwnRuns
    from ...sweep.effects.covariate_of_text import CovariateDifference
    from .accounting import Account


class PriorName(click.ParamType):
    """web, none, or a file, which is read."""

    name = "web|none|FILE"

    @staticmethod
    def reads(value: str) -> list[str]:
        """List the file that a prior's name reads, if any."""
        return [] if value in ("web", "none") else [value]


def flops_option(required: bool = True) -> Callable[..., Any]:
    """The compute that is asked about; a pilot knows its own."""
    told = "Training FLOPs, all of them; a law in H alone takes C = 6 N D"
    told += "." if required else " [default: those of the pilot]."
    return click.option("--flops", required=required, type=Number(limits.FLOPS), help=told)


evidence_options = options(
    click.option("--prior", type=PriorName(), default="web", show_default=True,
                 help="What stands before all else: web (published grids), none, or a file of that form."),
    click.option("--runs", type=click.Path(exists=True, dir_okay=False),
                 help="Table of own runs on this data, read as ziplaw fit does."),
    click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Keep only such rows of --runs."),
    click.option("--law", type=click.Path(exists=True, dir_okay=False),
                 help="regression.json that says how H moves the split, or an effect of another covariate [default: "
                 "the reference law shipped with ziplaw]; or this data's own fit, fits/NAME.json of a sweep, in place "
                 "of --runs."),
    click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True, help="Coverage of the bands."),
    click.option("--epsilon", type=Number(limits.EPSILON), default=1.0, show_default=True,
                 help="With --prior none: weight of the law in H against Chinchilla's constants (0 to 1)."),
    click.option("--anyway", is_flag=True, help="Show a split that is not identified; it is marked."),
    json_option,
)  # fmt: skip


class Evidence(NamedTuple):
    """What a plan is made from, besides H."""

    prior: Prior | None
    runs: OwnRuns | OwnFit | None
    runs_of: dict[str, Any] | None
    law: dict[str, Any]
    law_name: str

    @property
    def covariate(self) -> str | None:
        """What moves the split in the place of H, where the law is an effect of it."""
        return self.law["covariate"] if self.law.get("kind") == "ziplaw/effect" else None

    @property
    def law_alone(self) -> bool:
        """Whether nothing but the law in H is left to plan by."""
        return self.prior is None and self.runs is None


def gather(
    prior: str,
    runs: str | None,
    where: tuple[str, ...],
    law: str | None,
    epsilon: float,
    by: str = "H",
    **_: Any,
) -> Evidence:
    """Read prior, runs and law; ``by`` beyond_bigram takes the study's effect for a law that is not given.

    Raises
    ------
    FitError
        When one of them cannot be read, or the runs, or a fit of them, carry no split.
    """
    from ...base.documents import read_json
    from ...sweep.effects.law_or_effect import is_effect, law_moving_priors, read_law_or_effect, shipped_effect
    from ...sweep.published_prior import read_prior

    if where and runs is None:
        raise click.UsageError("--where chooses rows of --runs, which is not given")
    found = read_prior(prior)
    if epsilon != 1 and (found is not None or runs is not None):
        raise click.UsageError("--epsilon blends the law in H with Chinchilla's constants: it goes with --prior none")
    is_fit = law is not None and read_json(law).get("kind") == "ziplaw/fit"
    if is_fit and runs is not None:
        raise click.UsageError("--runs and the fit of --law are both runs of this data: give one of them")
    own_law = law is not None and not is_fit
    # without a prior the law in H plans alone, as it was measured; else its effect is the study's
    document = law_moving_priors() if not own_law and found else read_law_or_effect(law if own_law else None)
    name = "the reference law shipped with ziplaw" if law is None or is_fit else click.format_filename(law)
    if by != "H":
        if own_law:
            raise click.UsageError(f"--by {by} is the effect that ships, --law another: give one of them")
        document, name = shipped_effect(), "the effect shipped with ziplaw"
    if is_effect(document) and found is None:
        raise FitError(
            f"{name} moves a prior and is no law by itself: leave --prior none out, or give a regression.json"
        )
    own, of = _own_fit(law) if is_fit else (None, None) if runs is None else _own(runs, where)
    return Evidence(found, own, of, document, name)


def _own_fit(path):
    from ...base.documents import read_json
    from ...laws.plans.evidence.own_fit import own_fit

    document, name = read_json(path, "fit"), click.format_filename(path)
    try:
        found = own_fit(document)
    except FitError as error:
        raise FitError(f"{name}: {error}") from None
    return found, {"fit": name, "dataset": document.get("dataset"), "loss_unit": "nats per token"}


def _own(path, where):
    from ...laws.plans.evidence.own_runs import own_runs
    from ...tables.measured_runs import read_runs

    read = read_runs(path, where=where)
    try:
        found = own_runs(read.N, read.D, read.loss)
    except FitError as error:
        raise FitError(
            f"{click.format_filename(path)}: {error}; without --runs the plan goes on without them"
        ) from None
    return found, {"table": click.format_filename(path), "columns": read.origin, "reading": read.notes,
                   "loss_unit": read.loss_unit}  # fmt: skip


def planned(
    evidence: Evidence,
    H: float,
    C: float,
    level: float,
    given: tuple[float, float] | None,
    account: Account,
    difference: CovariateDifference | None = None,
) -> dict[str, Any]:
    """Plan from the evidence.

    Parameters
    ----------
    C : float
        All training FLOPs, as ``account`` counts them.
    given : (float, float) or None
        H of the corpora behind the prior, and the standard deviation of ``H``; None where the two do not compare, so
        that H moves nothing.
    difference : CovariateDifference, optional
        Of the covariate, where the law is an effect of another than H; H then moves nothing.
    """
    import numpy as np

    from ...laws.plans.evidence.combined_plan import combined_plan
    from ...laws.plans.evidence.effect_of_H import effect_of_H

    prior, effect, law = evidence.prior, None, evidence.law
    if prior is not None and difference is not None:
        scatter = np.array(prior.document.get("scatter") or prior.split.covariance)
        away = difference.value - difference.reference
        told = (law["split"], away, difference.sd, difference.spread, law["covariate"])
        effect = effect_of_H(prior.split, scatter, *told)
    elif prior is not None and given is not None:
        reference, sd = given
        scatter = np.array(prior.document.get("scatter") or prior.split.covariance)
        effect = effect_of_H(
            prior.split, scatter, law.get("split"), H - reference, sd, float(prior.document["H"]["sd"])
        )
    result = combined_plan(C, prior=prior, effect=effect, runs=evidence.runs, level=level, compute=account.compute)
    result |= {"H": H, "law": evidence.law_name, "H_of": law.get("H_of"), "law_fitted_on": law.get("fitted_on")}
    if prior is not None:
        result["prior"] = dict(prior.document)
    result["runs"] = evidence.runs_of
    if difference is not None:
        low, high = law["fitted_on"]["range"]
        if out := max(difference.value - high, low - difference.value, 0.0):
            result["warnings"].append(
                f"{law['covariate']} is {difference.value:.2f} (ln), {out:.2f} outside the {low:.2f} to {high:.2f} of "
                "the effect"
            )
    elif effect is not None:
        if law.get("split") is None:
            result["warnings"].append(f"{evidence.law_name} does not say how H moves the split: its effect is unknown")
        elif on := law.get("fitted_on"):
            low, high = on["H"]
            if out := max(H - high, low - H, 0.0):
                result["warnings"].append(f"H = {H:.3f} is {out:.3f} outside the {low:.3f} to {high:.3f} of the law")
    return result
