"""The law in H to plan by: a regression file, or the reference law shipped with ziplaw."""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from typing import Any

from ..base.documents import read_json
from ..errors import FitError


def read_law(path: str | os.PathLike | None = None) -> dict[str, Any]:
    """Read a regression document; without a path that of ``reference_law.json``, which ships beside this module.

    Raises
    ------
    FitError
        When no path is given and this ziplaw ships no law.
    """
    if path is not None:
        return read_json(path, "regression")
    resource = files(__package__) / "reference_law.json"
    if not resource.is_file():
        raise FitError("this ziplaw ships no reference law: give one with --law regression.json")
    with as_file(resource) as file:
        return read_json(file, "regression")
