"""The covariate of an effect, of a corpus and of the text behind the prior, measured alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...corpora.builtin import open_builtin
from ...corpora.measures.corpus_measures import measure_source
from ...corpora.readers import Source
from ...errors import FitError
from ...laws.plans.evidence.combined_plan import Prior
from ...numerics.functions import log

# conditional_entropy_1 - conditional_entropy_3, nats: what two more tokens tell of the next one than the last alone
BEYOND_BIGRAM = "beyond_bigram_measured"
# of its logarithm between 24 books of the built-in prose of 64 windows or more, bundled tokenizer
SPREAD = 0.1
# share of the value that its error may be: beyond, too few tokens were there to count blocks of four
_MOST_ERROR = 0.5


class CovariateDifference(NamedTuple):
    """A corpus's covariate against that of the text behind the prior, both on the scale of the effect.

    Attributes
    ----------
    value, reference : float
    sd : float
        Standard deviation of their difference.
    spread : float
        By which the corpora behind the prior differ.
    """

    value: float
    reference: float
    sd: float
    spread: float


def difference_of_covariate(
    prior: Prior | None, effect: dict[str, Any], source: Source, tokenizer: str, window: int, threads: int | None
) -> tuple[CovariateDifference | None, list[str]]:
    """Measure the covariate of an effect in a corpus, and in the prior's own text on as many tokens.

    Entropies of blocks are underestimated where blocks are seen once: on as many tokens of text both are alike.

    Returns
    -------
    CovariateDifference or None
        None where it cannot be measured or nothing is there to compare it with; then a remark says so.
    list of str
        Remarks.

    Raises
    ------
    FitError
        When the effect is of a covariate that is not measured of text.
    """
    if effect["covariate"] != BEYOND_BIGRAM or effect["scale"] != "log":
        raise FitError(
            f"the effect is of {effect['covariate']} ({effect['scale']}), which is not measured of a corpus: plan with "
            f"--law of an effect of {BEYOND_BIGRAM}, or with a regression.json"
        )
    if prior is None:
        return None, []
    builtin = (prior.document.get("H") or {}).get("builtin")
    if not builtin:
        return None, [f"{prior.name} does not say which text it stands for: {BEYOND_BIGRAM} moves nothing"]
    value, error, tokens = _measured(source, tokenizer, window, None, threads)
    reference, its_error, _ = _measured(open_builtin(builtin), tokenizer, window, tokens, threads)
    if max(error, its_error) > _MOST_ERROR:
        return None, [f"{tokens} tokens are too few to tell {BEYOND_BIGRAM} by: it moves nothing"]
    return CovariateDifference(value, reference, float(np.sqrt(error * error + its_error * its_error)), SPREAD), []


def _measured(source, tokenizer, window, tokens, threads):
    """Ln of the covariate, its standard error, and the tokens that it was measured on."""
    most = {} if tokens is None else {"tokens": max(tokens, 1 << 12)}
    found = measure_source(source, tokenizer, window, zstd=False, threads=threads, **most)
    first, third = found["entropies"][0], found["entropies"][2]
    gap = first["H_n"] - third["H_n"]
    if gap <= 0:
        return float("nan"), float("inf"), found["tokens"]
    errors = [one[key] for one in (first, third) for key in ("stderr", "bias")]
    return float(log(gap)), float(np.sqrt(np.square(errors).sum())) / gap, found["tokens"]
