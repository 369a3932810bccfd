"""A law in H, or the effect of another covariate, from a file of a user's."""

from __future__ import annotations

import os
from typing import Any

from ...base.documents import read_json
from ...laws.dependence.splits.effect import check_effect
from ..reference_law import read_law

KIND = "ziplaw/effect"


def is_effect(document: dict[str, Any]) -> bool:
    """Whether a document is the effect of a covariate, and no law in H."""
    return document.get("kind") == KIND


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
