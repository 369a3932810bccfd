"""A job: one run or several of one size; runs that are finished already are kept, replaced or refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..corpora.storage.format import open_corpus
from ..errors import TrainError
from . import checkpoint
from .ensemble import ensemble
from .members import Member
from .parallel.processes import launched
from .run import train
from .run_folder import check_folder, is_finished


def train_members(
    members: Sequence[Member],
    checkpoint_minutes: float = checkpoint.DEFAULT_MINUTES,
    keep_finished: bool = False,
    replace: bool = False,
) -> list[dict[str, Any]]:
    """Train one run by itself, or several of one size side by side.

    Parameters
    ----------
    members : sequence of Member
        At least one.
    checkpoint_minutes : float
        Time between checkpoints; 0 writes one only when told to stop.
    keep_finished : bool
        Leave runs alone that are in their folders already, trained from the same corpus in the same way.
    replace : bool
        Train over a finished run of other settings, which is refused otherwise.

    Returns
    -------
    list of dict
        The contents of the run.json files, in the order of the members; none of a single run that was kept.

    Raises
    ------
    TrainError, CorpusError, SystemExit
        See :func:`ziplaw.training.run_folder.check_folder`, :func:`ziplaw.train` and
        :func:`ziplaw.training.ensemble.ensemble`.
    """
    if len(members) > 1 and launched():
        raise TrainError(f"{len(members)} runs, and torchrun, which is for one large run: leave torchrun out")
    folders = dict.fromkeys(member.corpus_dir for member in members)
    hashes = {folder: open_corpus(folder, verify=False).meta["sha256_train"] for folder in folders}
    if not (keep_finished or replace):
        for member in members:
            check_folder(member, hashes[member.corpus_dir])
    if len(members) > 1:
        return ensemble(members, checkpoint_minutes, keep_finished)
    (alone,) = members
    if keep_finished and is_finished(alone, hashes[alone.corpus_dir]):
        return []
    return [train(alone.corpus_dir, alone.out_dir, alone.model, alone.config, checkpoint_minutes)]
