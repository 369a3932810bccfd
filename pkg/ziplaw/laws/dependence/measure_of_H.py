"""What a law's H was measured on, and whether a score may stand beside it.

H is the compressed size of token ids: windows of another length, ids written otherwise or another tokenizer give
another number for the same text. A law in H holds for the H of its datasets alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import FitError

# H that differs by no more counts as the same: about three standard deviations between grammars of one shape
SAME_H = 0.03
# of a law that does not say: what every sweep scored before laws said so
UNSTATED: dict[str, Any] = {"window": 256, "encoding": ">i4", "level": 9, "tokenizers": None}
_WORDS = {"window": "windows of {} tokens", "encoding": "ids written as {}", "level": "gzip level {}"}
_REMEDIES = {"window": "score with --window {}", "encoding": "score again", "level": "score again"}


def measure_of(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return how the H of a law's datasets was measured, from their scores.

    Parameters
    ----------
    scores : sequence of dict
        Documents of kind "score"; none gives None.

    Returns
    -------
    dict or None
        ``window``, ``encoding``, ``level``, and ``tokenizers``: ``name`` and ``sha256`` of each different one; the name
        is None for ids of grammars, which no tokenizer made.

    Raises
    ------
    FitError
        When the scores were not measured alike.
    """
    if not scores:
        return None
    first = scores[0]
    for key, words in _WORDS.items():
        for score in scores:
            if score[key] != first[key]:
                raise FitError(
                    f"H of {score['dataset']} is of {words.format(score[key])}, that of {first['dataset']} of "
                    f"{words.format(first[key])}: they do not compare; score both alike"
                )
    tokenizers = {(score.get("tokenizer"), score.get("tokenizer_sha256")) for score in scores}
    ordered = sorted(tokenizers, key=lambda pair: (pair[0] or "", pair[1] or ""))
    return {key: first[key] for key in _WORDS} | {"tokenizers": [{"name": n, "sha256": s} for n, s in ordered]}


def check_score(measure: Mapping[str, Any] | None, score: Mapping[str, Any]) -> list[str]:
    """Hold a score against the measure of a law; return what a reader has to know.

    Windows, encoding and gzip level must be the law's, and the tokenizer one of its datasets'. A law of grammars alone
    knows no tokenizer: it stands beside text of any, as the paper does it, and the remark says that this is a leap.

    Parameters
    ----------
    measure : dict or None
        ``H_of`` of regression.json.
    score : dict
        A document of kind "score".

    Raises
    ------
    FitError
        When the two do not compare; both are named.
    """
    stated = measure or UNSTATED
    for key, words in _WORDS.items():
        if score[key] != stated[key]:
            raise FitError(
                f"H of {score['dataset']} is of {words.format(score[key])}, the law's of {words.format(stated[key])}: "
                f"they do not compare; {_REMEDIES[key].format(stated[key])}, or give the --law of a sweep scored alike"
            )
    used = _name(score.get("tokenizer"))
    if stated["tokenizers"] is None:
        return [f"the law does not say which tokenizer its H is of; this one is of {used}"]
    named = [entry for entry in stated["tokenizers"] if entry["name"] is not None]
    if not named:
        if score.get("tokenizer") is None:
            return []
        return [
            f"the law's H is of token ids of grammars, which no tokenizer made; this H is of {used}, and would be "
            "another with another tokenizer; nor is the loss in nats per token one of such tokens"
        ]
    if score.get("tokenizer") is None:
        if len(named) < len(stated["tokenizers"]):
            return []
        return [f"ids of an unknown tokenizer beside a law of {_list(named)}: they compare only if it is the same"]
    if not any(_same(entry, score) for entry in named):
        raise FitError(
            f"H of {score['dataset']} is of {used}, the law's of {_list(named)}: they do not compare; score with the "
            "law's tokenizer (--tokenizer), or give the --law of a sweep that used yours"
        )
    return []


def _same(entry, score):
    known = entry["sha256"], score.get("tokenizer_sha256")
    return known[0] == known[1] if all(known) else entry["name"] == score["tokenizer"]


def _name(tokenizer):
    return f"the tokenizer {tokenizer}" if tokenizer else "ids without a named tokenizer"


def _list(entries):
    return "the tokenizer" + ("s " if len(entries) > 1 else " ") + ", ".join(entry["name"] for entry in entries)
