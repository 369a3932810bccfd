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


def shipped_effect() -> dict[str, Any]:
    """The effect of information beyond the last token that the study found, ``beyond_bigram.json``."""
    with as_file(files(__package__) / f"{BEYOND_BIGRAM}.json") as file:
        document = read_json(file, "effect")
    check_effect(document, file.name)
    return document


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
