"""Where the parts of a pilot lie in its folder; needs nothing that is compiled, so Snakemake may read it first."""

from __future__ import annotations

import os
from pathlib import Path

# what a pilot calls its one dataset
DATASET = "corpus"
# the last of which says why the pilot ends; one more than the designer trains
MOST_ROUNDS = 4


def run_file(folder: str | os.PathLike, model: str, round_: int) -> Path:
    """Return where a run's record lies in the pilot's folder; the training seed is the round's number."""
    return Path(folder, "runs", DATASET, model, f"s{round_}", "run.json")


def round_file(folder: str | os.PathLike, round_: int) -> Path:
    """Return where a round's design lies."""
    return Path(folder, "rounds", f"{round_}.json")
