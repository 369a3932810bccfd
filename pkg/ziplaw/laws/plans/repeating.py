"""Fewer unique tokens than a plan asks for: epochs, what they are worth, and the best split then.

Two laws answer. ``repeated_runs`` is fitted to runs whose loss rises as tokens are seen too often; the published
discount (``constrained``) is of the same runs without most of those, and cannot rise. They part where it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...numerics.draws import normals
from ...numerics.functions import exp
from ..forms import constrained
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN, Plan, allocate
from ..forms.arguments import check_within
from ..forms.chinchilla import Constants
from ..forms.overfitting import overfitting_loss, penalised_loss
from ..intervals.quantities import tails
from ..solve.additive import Array
from . import repeated_runs

# how far beyond what was run, as a factor, a split may lie and still be given (marked)
_FAR = 3.0
_DRAWS = 200


def rising(
    N: npt.ArrayLike, D: npt.ArrayLike, U: npt.ArrayLike, loss: npt.ArrayLike, least: float = 0.01
) -> tuple[list[dict[str, Any]], int]:
    """Find series of equal N and U whose loss rises as tokens are seen again, which no discount of tokens can do.

    Parameters
    ----------
    N, D, U, loss : array-like (n,)
        Parameters, tokens seen, unique tokens, held-out loss.
    least : float
        Relative rise over the lowest loss so far that counts; runs differ by about this much from seed to seed.

    Returns
    -------
    series : list of dict
        N, U, epochs and loss at the lowest ("best_epochs", "best_loss") and where it stood highest over that
        ("epochs", "loss"), "rise" (relative); the greatest rise first.
    of : int
        Number of series of two D or more.
    """
    N, D, U, loss = (np.asarray(v, dtype=np.float64) for v in (N, D, U, loss))
    out, of = [], 0
    for n, u in np.unique(np.stack([N, U], axis=1), axis=0):
        rows = np.flatnonzero((N == n) & (U == u))
        rows = rows[np.argsort(D[rows], kind="stable")]
        if len(np.unique(D[rows])) < 2:
            continue
        of += 1
        lowest = np.minimum.accumulate(loss[rows])
        worst = int(np.argmax(loss[rows] / lowest))
        rise = float(loss[rows[worst]] / lowest[worst] - 1)
        if rise > least:
            best = int(np.argmin(loss[rows[: worst + 1]]))
            low, high = rows[best], rows[worst]
            out.append(
                {"N": float(n), "U": float(u), "best_epochs": float(D[low] / u), "best_loss": float(loss[low]),
                 "epochs": float(D[high] / u), "loss": float(loss[high]), "rise": rise}
            )  # fmt: skip
    return sorted(out, key=lambda row: -row["rise"]), of


def repeating_advice(
    C: float,
    N: float,
    D: float,
    U: float,
    *,
    log_sd: float = 0.0,
    level: float = 0.95,
    seed: int = 42,
    tokens: Callable[[float], float] | None = None,
) -> dict[str, Any] | None:
    """What a plan of N and D becomes when only U tokens are unique; None where D asks for no more than U.

    The split of the measured law (``repeated_runs``) at C without repetition is set on the plan's: its unique tokens
    are scaled so that both ask for the same epochs, and the factor by which repetition moves its best N is applied
    to N.

    Parameters
    ----------
    C : float
        Training FLOPs.
    N, D : float
        The plan for data without end, 6 N D = C.
    U : float
        Unique tokens at hand.
    log_sd : float
        Standard deviation of the plan's own ln N, taken into the band.
    level : float
        Coverage of the bands.
    seed : int
        Of the draws.
    tokens : callable, optional
        D that the compute pays for at N, where it is counted otherwise; C is 6 N D of the plan then.

    Returns
    -------
    dict or None
        U; epochs (D/U); cost, the loss over that of new tokens if N is kept (nats per token); split, with N, D, epochs,
        cost, factor (of N), and "N_interval", "D_interval", "factor_interval", or None where it lies beyond
        what was run; extrapolates, sentences of what lies beyond it; published, with worth (new tokens that D
        repeated ones are worth, as a share of D), factor, N, D and epochs by the published discount; source; sentence.
    """
    C, U = float(check_within(C, "C", limits.FLOPS)), float(check_within(U, "unique", limits.TOKENS))
    N, D = float(check_within(N, "N", limits.SIZE)), float(check_within(D, "D", limits.SIZE))
    if D <= U:
        return None
    law, epochs = repeated_runs.estimate(), D / U
    pays = tokens or (lambda size: C / (FLOPS_PER_PARAMETER_TOKEN * size))
    best = _moved(law, C, epochs)
    beyond = _beyond(best)
    out: dict[str, Any] = {"C": C, "U": U, "epochs": epochs, "cost": best["kept"], "split": None}
    out["extrapolates"] = [text for text, _ in beyond]
    if not any(factor > _FAR for _, factor in beyond):
        drawn = [_moved(row, C, epochs)["factor"] for row in repeated_runs.drawn(_DRAWS, seed)]
        own = exp(log_sd * normals(np.random.default_rng(seed), _DRAWS))
        N_best = N * best["factor"]
        D_best = D / best["factor"] if tokens is None else float(tokens(N_best))
        low, high = np.quantile(N * np.array(drawn) * own, tails(level)).tolist()
        out["split"] = {
            "N": N_best,
            "D": D_best,
            "epochs": D_best / U,
            "factor": best["factor"],
            "cost": best["cost"],
            "factor_interval": np.quantile(drawn, tails(level)).tolist(),
            "N_interval": [low, high],
            "D_interval": [float(pays(v)) for v in (high, low)],
        }
    plain = allocate(constrained.DATA_CONSTRAINED.array, C)
    with_repeats = constrained.repeating_plan(C, float(plain.D) / epochs)
    factor = float(with_repeats.N / plain.N)
    out["published"] = {
        "R_D*": constrained.R_D_STAR,
        "R_N*": constrained.R_N_STAR,
        "worth": float(constrained.effective_tokens(D, U) / D),
        "factor": factor,
        "N": N * factor,
        "D": D / factor,
        "epochs": epochs / factor,
        "source": constrained.DATA_CONSTRAINED.source,
    }
    out["source"] = repeated_runs.SOURCE
    out["sentence"] = _sentence(out)
    return out


def _moved(law: Array, C: float, epochs: float) -> dict[str, float]:
    """Where a law puts N when its best D at C asks for so many epochs: factor, N, D, U, and costs in nats per token."""
    plain = allocate(law[:5], C)
    U = float(plain.D) / epochs
    best = constrained.best_split(lambda N, D: overfitting_loss(law, N, D, U), C)
    kept = float(overfitting_loss(law, plain.N, plain.D, U))
    return {
        "factor": float(best.N / plain.N),
        "N": float(best.N),
        "D": float(best.D),
        "U": U,
        "cost": float(best.loss - plain.loss),
        "kept": kept - float(plain.loss),
    }


def _beyond(best: Mapping[str, float]) -> list[tuple[str, float]]:
    """What of a split lies outside of the runs, in words, and by which factor."""
    out = []
    for name, (low, high) in repeated_runs.REACH.items():
        value = best["N"] / best["U"] if name == "N/U" else best[name]
        factor = max(low / value, value / high)
        if factor > 1:
            out.append((f"{name} {value:.2g} is outside of {low:.2g} to {high:.2g}", factor))
    return out


def _sentence(advice: Mapping[str, Any]) -> str:
    """One line of it all."""
    split, published = advice["split"], advice["published"]
    text = f"D asks for {advice['epochs']:.3g} epochs of {advice['U']:.3g} unique tokens"
    if split is None:
        return f"{text}, beyond what was ever run on repeated data ({'; '.join(advice['extrapolates'])}): get more data"
    low, high = split["N_interval"]
    text += (
        f", which costs {advice['cost']:.2g} nats per token against new ones; the best split of C is then "
        f"N {split['N']:.3g} ({low:.2g} .. {high:.2g}), D {split['D']:.3g} ({split['epochs']:.3g} epochs), at "
        f"{split['cost']:.2g} nats"
    )
    if advice["extrapolates"]:
        text += f", extrapolated ({'; '.join(advice['extrapolates'])})"
    return (
        f"{text}; by the published R_D* {published['R_D*']:.3g} and R_N* {published['R_N*']:.2g} the tokens are worth "
        f"{published['worth']:.2g} as many new ones and N is {published['N']:.3g}"
    )


def repeating_split(law: str, C: float, U: float, parameters: Array) -> Plan:
    """Best split of C FLOPs when only U tokens are unique, by one of ``LOSSES`` at its natural parameters."""
    return constrained.best_split(lambda N, D: LOSSES[law](parameters, N, D, U), C)


def _discounted(parameters: Array, N: Array, D: Array, U: npt.ArrayLike) -> npt.ArrayLike:
    *law, r_d, r_n = parameters
    return constrained.data_constrained_loss(N, D, U, Constants(*law), r_d, r_n)


# laws with unique tokens -> loss at (natural parameters, N, D, U)
LOSSES: dict[str, Callable[..., npt.ArrayLike]] = {
    "data-constrained": _discounted,
    "repeated-penalty": penalised_loss,
    "repeated-overfitting": overfitting_loss,
}
