"""The prior to plan from: a file of a user's, or the summary of published grids shipped with ziplaw; and its H."""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from ..base.documents import read_json
from ..errors import FitError
from ..laws.plans.evidence.combined_plan import Prior
from ..laws.plans.evidence.published_grids import prior_of

WEB, NONE = "web", "none"
# a score's median has a normal error of so many standard deviations of its windows over the root of their number
_MEDIAN_ERROR = 1.2533
_Z95 = 1.96
# what makes two scores comparable
_ALIKE = ("window", "encoding", "level", "tokenizer", "tokenizer_sha256")


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


def difference_of_H(
    prior: Prior | None, score: dict[str, Any], tokenizer: str, threads: int | None
) -> tuple[tuple[float, float] | None, list[str]]:
    """H of the corpora behind the prior, measured as a score was, with the deviation of the score's own H; and remarks.

    A prior names the built-in text that its H is of; that text is scored again where the score is of another
    tokenizer or window. None where the two cannot be measured alike: H then moves nothing, and a remark says so.
    """
    if prior is None:
        return None, []
    of = prior.document.get("H")
    if not of:
        return None, [f"{prior.name} does not say which H its corpora have: H moves nothing"]
    value = float(of["value"])
    if any(of.get(key) != score.get(key) for key in _ALIKE):
        if score.get("tokenizer") is None or not of.get("builtin"):
            return None, ["ids of an unknown tokenizer: their H does not compare with web text's and moves nothing"]
        from ..corpora.scoring import score_builtin

        value = score_builtin(of["builtin"], tokenizer, score["window"], score["n"], threads)["H"]
    ends = score.get("H_interval")
    own = (ends[1] - ends[0]) / (2 * _Z95) if ends else _MEDIAN_ERROR * score["std"] / float(np.sqrt(score["n"]))
    return (value, own), []
