"""A law in H, or the effect of another covariate, from a file of a user's."""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from typing import Any

from ...base.documents import read_json
from ...laws.dependence.splits.effect import check_effect
from ..reference_law import read_law

KIND = "ziplaw/effect"
# what may move a prior by what ships: H by the reference law, or this by the study's effect
BEYOND_BIGRAM = "beyond_bigram"


def is_effect(document: dict[str, Any]) -> bool:
    """Whether a document is the effect of a covariate, and no law in H."""
    return document.get("kind") == KIND


def shipped_effect(of: str = BEYOND_BIGRAM) -> dict[str, Any]:
    """The effect that the study found of "beyond_bigram", information beyond the last token, or of "H"."""
    with as_file(files(__package__) / f"{of}.json") as file:
        document = read_json(file, "effect")
    check_effect(document, file.name)
    return document


def law_moving_priors() -> dict[str, Any]:
    """The reference law with what the study found of H in the place of its own six datasets' effect.

    By these H moves a prior; the law L(N, D, H) beside it stays that of the default sweep.
    """
    law, effect = read_law(), shipped_effect("H")
    on = effect["fitted_on"]
    told = {"H": on["range"], "C": on["C"], "n_datasets": on["n_datasets"]}
    return law | {"split": effect["split"], "fitted_on": law["fitted_on"] | told}


def read_law_or_effect(path: str | os.PathLike | None = None) -> dict[str, Any]:
    """Read a regression document or an effect; without a path the law that ships.

    Raises
    ------
    FitError
        When an effect is of a version that this ziplaw does not read.
    """
    if path is None or not is_effect(read_json(path)):
        return read_law(path)
    document = read_json(path, "effect")
    check_effect(document, os.fspath(path))
    return document
