"""What ``plan`` and ``predict`` say where the data has fewer unique tokens than the plan asks for."""

from __future__ import annotations

from typing import Any

import click

from ...base import limits
from ..options import Number

# fewer tokens than this are a sample of a corpus, whatever is asked of it
_CORPUS = 1e7

unique_option = click.option(
    "--unique",
    type=Number(limits.TOKENS),
    metavar="TOKENS",
    help="Unique tokens that there are to train on: where D asks for more, a plan that repeats them is printed too.",
)


def repeating(result: dict[str, Any], unique: float | None) -> dict[str, Any] | None:
    """Advice for so many unique tokens (``repeating_advice``), the plan's own band taken in; None where none is needed.

    Parameters
    ----------
    result : dict
        A plan: "C", "N", "D", "N_interval", "level"; N is None where the split is withheld.
    unique : float, optional
        Unique tokens at hand.
    """
    if unique is None or result["N"] is None:
        return None
    import math

    from ...laws.plans.repeating import repeating_advice
    from ...numerics.distributions import normal_inverse
    from ...numerics.functions import log

    low, high = result["N_interval"]
    z = normal_inverse((1 + result["level"]) / 2)
    sd = float(log(high / low) / (2 * z)) if low > 0 and math.isfinite(high) else 0.0
    return repeating_advice(result["C"], result["N"], result["D"], unique, log_sd=sd, level=result["level"])


def tokens_here(score: dict[str, Any]) -> float:
    """Tokens of a scored source: of ids their count, of text its bytes by the bytes of a token."""
    if "text_bytes" in score:
        return float(score["text_bytes"] / score["bytes_per_token"])
    return float(score["tokens"])


def show_repeating(result: dict[str, Any], here: float | None = None) -> None:
    """Print the advice in one line; without any, how often D goes through a corpus of ``here`` tokens, if over once."""
    if advice := result.get("repeating"):
        click.echo(f"Repetition: {advice['sentence']}.")
    elif result.get("unique") is None and here is not None and _CORPUS <= here < result["D"]:
        click.echo(
            f"D asks for {result['D'] / here:.2g} epochs of the {here:.2g} tokens here: if there is no more data of "
            f"this kind, --unique {here:.2g} says what then."
        )
