"""``ziplaw predict``: the best split of a compute budget for data of a given compressibility."""

from __future__ import annotations

from typing import Any

import click

from ...base import limits
from ...errors import FitError
from ..options import Number
from ..printing import print_json
from ..verb import Verb
from .accounting import accounting, accounting_options, follow_up, of_bundled
from .evidence import evidence_options, flops_option, gather, planned
from .law_alone import law_prediction, law_refused, show_law
from .repetition import unique_option
from .show_plan import refused, show, withheld, without_split


@click.command(cls=Verb)
@click.option(
    "--gzip", "H", required=True, type=Number(limits.COMPRESSIBILITY), help="H of the data, from ziplaw score."
)
@unique_option
@flops_option()
@accounting_options
@evidence_options
def command(
    H: float,
    unique: float | None,
    vocab_size: float | None,
    context: float | None,
    flops: float,
    level: float,
    epsilon: float,
    anyway: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Predict the best N and D for data of gzip-compressibility H, beside Chinchilla's and Kaplan's split.

    Published grids of runs say where to begin, H of the data moves it, runs of your own settle it. H is taken as
    scored with the bundled tokenizer in windows of 256 tokens, as that of the prior is. With --prior none and no runs
    the law in H plans alone. Where the split is not identified, the reason is printed and the exit status is 2.

    FLOPS are all of those of training a decoder, with head and attention; without --vocab-size it has the bundled
    tokenizer's.

    \b
      ziplaw predict --gzip 0.52 --flops 1e21
      ziplaw predict --gzip 0.40 --flops 1e12 --prior none --law regression.json
    """  # noqa: D301
    evidence, account = gather(epsilon=epsilon, **given), accounting(vocab_size, context, of_bundled())
    if evidence.covariate:
        raise FitError(
            f"{evidence.law_name} is an effect of {evidence.covariate}, and H alone is given: plan a corpus with it "
            "(ziplaw plan PATH), or give a regression.json"
        )
    if evidence.law_alone:
        result = law_prediction(evidence.law, H, flops, evidence.law_name, level, epsilon, anyway)
        hidden = result["N"] is None
    else:
        H_of = (evidence.prior.document.get("H") if evidence.prior else None) or {}
        result = planned(evidence, H, flops, level, (H_of["value"], 0.0) if H_of else None, account)
        hidden = withheld(result, anyway)
    follow_up(result, account, hidden, unique, None)
    if as_json:
        print_json(without_split(result) if hidden and not evidence.law_alone else result)
    elif not hidden:
        (show_law if evidence.law_alone else show)(result)
    if hidden:
        raise law_refused(result) if evidence.law_alone else refused(result)
