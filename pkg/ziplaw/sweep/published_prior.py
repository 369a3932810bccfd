"""The prior to plan from: a file of a user's, or the summary of published grids shipped with ziplaw."""

from __future__ import annotations

import os
from importlib.resources import as_file, files

from ..base.documents import read_json
from ..errors import FitError
from ..laws.plans.evidence.combined_plan import Prior
from ..laws.plans.evidence.published_grids import prior_of

WEB, NONE = "web", "none"


def read_prior(name: str | os.PathLike = WEB) -> Prior | None:
    """Read a prior: "web", "none" (None), or a file of kind "prior", which docs/formats.md has the form of.

    Raises
    ------
    FitError
        When there is no such file, or it holds no prior.
    """
    if name == NONE:
        return None
    if name == WEB:
        with as_file(files(__package__) / "web_prior.json") as file:
            document = read_json(file, "prior")
    elif os.path.isfile(name):
        document = read_json(name, "prior")
    else:
        raise FitError(f"the prior is {os.fspath(name)!r}, must be {WEB}, {NONE} or a file: no file has that name")
    return Prior(prior_of(document, f"the prior {os.fspath(name)}"), str(document.get("name", name)), document)
