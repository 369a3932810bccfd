"""What ``plan`` and ``predict`` say of epochs, and where the data has fewer unique tokens than the plan asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ...base import limits
from ..options import Number

if TYPE_CHECKING:
    from ...corpora.readers import Source

# so often may tokens be seen before a reader is warned: up to here they are worth nearly as much as new ones
# (Muennighoff et al. 2023, arXiv 2305.16264)
MANY_EPOCHS = 4.0

unique_option = click.option(
    "--unique",
    type=Number(limits.TOKENS),
    metavar="TOKENS",
    help="Unique tokens that there are to train on: where D asks for more, a plan that repeats them is printed too "
    "[default: of a PATH those of it].",
)


def repeating(
    result: dict[str, Any], unique: float | None, tokens: Callable[[float], float] | None = None
) -> dict[str, Any] | None:
    """Advice for so many unique tokens (``repeating_advice``), the plan's own band taken in; None where none is needed.

    Parameters
    ----------
    result : dict
        A plan: "C" (or "C_6nd", where C is of all FLOPs), "N", "D", "N_interval", "level"; N is None where the split is
        withheld.
    unique : float, optional
        Unique tokens at hand.
    tokens : callable, optional
        D that C pays for at N; by default 6 N D = C.
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
    C = result.get("C_6nd", result["C"])
    return repeating_advice(C, result["N"], result["D"], unique, log_sd=sd, level=result["level"], tokens=tokens)


def tokens_here(source: Source, score: dict[str, Any]) -> tuple[float, str] | None:
    """Unique tokens of a scored source and how they are known; None of what can be drawn without end, as a grammar's.

    Of text they are its bytes by the bytes of a token, of a corpus what its import says of all that was read, else the
    ids that there are.
    """
    if getattr(source, "draws", False):
        return None
    if "text_bytes" in score:
        counted = score["tokenised_bytes"] == score["text_bytes"]
        tokens = float(score["text_bytes"] / score["bytes_per_token"])
        return tokens, "counted" if counted else "estimated from its bytes and bytes a token"
    if (known := getattr(source, "unique_tokens", None)) is not None:
        return float(known), "as its import counted them"
    return float(score["tokens"]), "counted"


def with_epochs(
    result: dict[str, Any],
    unique: float | None,
    here: tuple[float, str] | None,
    tokens: Callable[[float], float] | None = None,
    hidden: bool = False,
    enough: Callable[[float], dict[str, Any] | None] | None = None,
) -> None:
    """Add "unique", "unique_from", "epochs", "repeating" and "enough_for" to a plan, and a warning of many epochs.

    Parameters
    ----------
    unique : float, optional
        As asked.
    here : (float, str), optional
        Unique tokens of what was scored, and how they are known.
    tokens : callable, optional
        See ``repeating``.
    hidden : bool
        The split is withheld: nothing follows from it.
    enough : callable, optional
        Takes tokens, returns the compute that they are enough for (``evidence.enough_for``).
    """
    said = "--unique" if unique is not None else here[1] if here else None
    unique = unique if unique is not None else here[0] if here else None
    result |= {"unique": unique, "unique_from": said, "epochs": None, "repeating": None, "enough_for": None}
    if unique is None or hidden:
        return
    result |= {"epochs": result["D"] / unique, "repeating": repeating(result, unique, tokens)}
    if (advice := result["repeating"]) and advice["epochs"] > MANY_EPOCHS:
        sample = "" if said == "--unique" else f" (of the tokens here, {said}; of a sample give --unique)"
        if enough is not None:
            result["enough_for"] = enough(MANY_EPOCHS * unique)
        result["warnings"].append(f"repetition: {advice['sentence']}{_enough(result['enough_for'])}{sample}")


def _enough(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    low, high = found["N_interval"]
    return (
        f"; {MANY_EPOCHS:g} epochs are what C = {found['C']:.2g} asks for, with N {found['N']:.2g} ({low:.2g} to "
        f"{high:.2g})"
    )


def show_epochs(result: dict[str, Any]) -> None:
    """Print how often the plan goes through the data, in one line; a warning of ``with_epochs`` says it otherwise."""
    if result.get("epochs") is None or result["epochs"] > MANY_EPOCHS:
        return
    if advice := result["repeating"]:
        click.echo(f"Repetition: {advice['sentence']}.")
    else:
        click.echo(
            f"Epochs: {result['epochs']:.2g} of the {result['unique']:.3g} unique tokens ({result['unique_from']})."
        )
