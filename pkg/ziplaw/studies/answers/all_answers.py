"""The answers of a study, each a table: listed here once, in the order of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ...tables.columns import GUESSED, Columns
from ..measured import Study


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes
    ----------
    name : str
        Of its module here, and of its file: <name>.csv. The module has ``COLUMNS``, a tuple of names, and
        ``rows(study) -> list of dict``: numbers, texts, truth values or None by column.
    about : str
        What its table tells, in a few words.
    reads_laws : bool
        Whether it reads every dataset's laws (``laws/studies/effects/law_readings.py``), which takes longest and is
        kept: such answers are made in one process.
    """

    name: str
    about: str
    reads_laws: bool = False

    @property
    def table(self) -> Columns:
        """Its columns."""
        return Columns(f"{self.name}.csv", dict.fromkeys(self._module.COLUMNS, GUESSED))

    def rows(self, study: Study) -> Sequence[dict[str, Any]]:
        """Answer it from a study."""
        found: Sequence[dict[str, Any]] = self._module.rows(study)
        return found

    @property
    def _module(self) -> Any:
        return import_module(f".{self.name}", __package__)


ANSWERS = {
    answer.name: answer
    for answer in (
        # name of the module, which is that of the table; what it tells
        Answer("questions", "the questions written down beforehand, each with its verdict", reads_laws=True),
        Answer("what_was_measured", "datasets, cells, regimes, ranges of H, seed noise"),
        Answer("chosen_link", "which link foretells the largest compute best, blind to H"),
        Answer("size_of_each", "best N of each grammar beside what was known before training", reads_laws=True),
        Answer(
            "split_moves",
            "best N and tokens per parameter against H and its rivals, by every link and isoFLOP",
            reads_laws=True,
        ),
        Answer(
            "split_given",
            "which of H, unigram entropy and floor moves the best N, the others held fixed",
            reads_laws=True,
        ),
        Answer("split_noise", "what a second seed says of the best N, and whether intervals agree"),
        Answer(
            "covariate_worth",
            "which covariate foretells split and exponents of a grammar left out best",
            reads_laws=True,
        ),
        Answer(
            "worth", "what of the loss each rule loses by its split of a grammar's compute, the law in H among them"
        ),
        Answer("training_arms", "whether trends on H keep their sign at other learning rates"),
        Answer("claim_verdicts", "the paper's claims and those about the split, judged on each half"),
        Answer("claim_powers", "how often each claim would be decided, simulated from the exploratory half"),
        Answer("real_text", "best N of six real corpora against their H"),
    )
}
