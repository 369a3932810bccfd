"""What a run is given, corpus, folder, model and settings, and whether that fits: alone, and among other runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..corpora.storage.format import Corpus
from ..errors import TrainError
from ..models.memory import memory_bytes
from ..models.shape.decoder_config import ModelConfig
from ..models.shape.lstm_config import LstmConfig
from .recipe.recipe import TrainConfig


@dataclass(frozen=True)
class Member:
    """One run of an ensemble: what :func:`ziplaw.train` takes."""

    corpus_dir: str | os.PathLike
    out_dir: str | os.PathLike
    model: ModelConfig | LstmConfig
    config: TrainConfig


def check_corpus(corpus: Corpus, model: ModelConfig | LstmConfig) -> None:
    """Refuse a model whose vocabulary or context does not fit the corpus.

    Raises
    ------
    TrainError
        When they differ (a larger vocabulary is allowed: the paper's models have 32001 entries).
    """
    if model.vocab_size < corpus.vocab_size:
        raise TrainError(
            f"the model's vocabulary is {model.vocab_size}, the corpus has {corpus.vocab_size} ids: "
            f"use --vocab-size {corpus.vocab_size} or leave it out"
        )
    if model.context != corpus.context:
        raise TrainError(
            f"the model's context is {model.context}, the corpus has documents of {corpus.context} tokens: "
            f"use a context of {corpus.context}"
        )


def check_members(members: Sequence[Member]) -> None:
    """Refuse runs that cannot train side by side.

    Raises
    ------
    TrainError
        When there is none, two share a folder, their models differ in more than the vocabulary, or their settings in
        more than seed, learning rate and weight decay.
    """
    if not members:
        raise TrainError("an ensemble of no runs: give at least one")
    folders = [Path(member.out_dir).resolve() for member in members]
    twice = [str(members[i].out_dir) for i, folder in enumerate(folders) if folder in folders[:i]]
    if twice:
        raise TrainError(f"two runs would write to {twice[0]}: give each a folder of its own")
    first = members[0]
    for member in members[1:]:
        ours, theirs = (
            replace(m.model, vocab_size=2).to_dict()
            | replace(m.config.resolved(), seed=0, learning_rate=1.0, weight_decay=0.0).record()
            | {
                "arm": m.config.arm,
                "device": m.config.device,
                "precision": m.config.precision,
                "threads": m.config.threads,
            }
            for m in (first, member)
        )
        for key in ours.keys() | theirs.keys():
            if ours.get(key) != theirs.get(key):
                raise TrainError(
                    f"{key} is {ours.get(key)!r} for {first.out_dir} and {theirs.get(key)!r} for {member.out_dir}: "
                    "runs side by side differ in corpus, seed, learning rate and weight decay only"
                )


# of a device's memory, for models: its context, libraries' workspaces and blocks too small to be used take the rest
USABLE = 0.9


def batches_that_fit(members: Sequence[Member], n_train: Sequence[int], room: int | None) -> list[list[Member]]:
    """Split runs into as few batches as a device has room for, one after the other and as even as can be.

    Parameters
    ----------
    members : sequence of Member
    n_train : sequence of int
        Documents of each run's corpus.
    room : int, optional
        Bytes of the device; without it all runs are one batch.

    Returns
    -------
    list of list of Member
        In their order. A run that does not fit by itself is a batch of one: the estimate is an upper bound.
    """
    n = len(members)
    most = n
    if room is not None:
        each = [
            sum(memory_bytes(member.model, member.config.resolved().batch_documents, True, count).values())
            for member, count in zip(members, n_train, strict=True)
        ]
        most = max(1, min(n, int(USABLE * room) // max(each)))
    count = -(-n // most)
    sizes = [n // count + (i < n % count) for i in range(count)]
    starts = [sum(sizes[:i]) for i in range(count)]
    return [list(members[start : start + size]) for start, size in zip(starts, sizes)]
