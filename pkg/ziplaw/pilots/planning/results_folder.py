"""The folder of a pilot as it is read: its runs, rounds, corpus, score, tokenizer and speed, each when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...base.documents import read_json, sha256_file
from ...errors import FitError
from ...sweep.folder import finite
from ...tables.declared import RUNS
from ..places import round_file

CORPUS = "corpus"  # what a pilot calls its one dataset
PLAN = "pilot_plan"  # kind of plan.json
_NEEDED = ("model", "seed", "N", "N_total", "D", "C", "loss", "vocab_size", "hidden", "layers")


@dataclass(frozen=True)
class PilotFolder:
    """``results/<pilot>`` of a pilot that has runs.

    Parameters
    ----------
    folder : pathlib.Path
        Where it lies.

    Raises
    ------
    FitError
        On first use of what is not there: with the file and what makes it.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Every row of runs.csv, of diverged runs too."""
        path = self.folder / "runs.csv"
        if not path.is_file():
            raise FitError(f"{self.folder} holds no runs.csv: {self._remedy}")
        rows = RUNS.read(path)
        if missing := [column for column in _NEEDED if rows and column not in rows[0]]:
            raise FitError(f"{path} lacks the column {missing[0]}: make it with ziplaw collect")
        if not rows:
            raise FitError(f"{path} has no rows: let the pilot train its first round")
        if len(names := {row.get("dataset") for row in rows}) > 1:
            raise FitError(f"{path} has {len(names)} datasets, a pilot has one: fit them with ziplaw fit")
        return rows

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        """The rows that were measured: a finite, positive loss."""
        return [row for row in self.rows if finite(row["loss"]) and row["loss"] > 0]

    def column(self, name: str) -> np.ndarray:
        """Numbers of a column of the cells, float64 (n,)."""
        return np.array([float(row[name]) for row in self.cells])

    @cached_property
    def trunks(self) -> list[str]:
        """The run of every cell: model and seed."""
        return [f"{row['model']}/s{row['seed']}" for row in self.cells]

    @property
    def table(self) -> dict[str, Any]:
        """Columns of the cells, as ``laws.pilots`` takes them."""
        return {name: self.column(name) for name in ("N", "D", "C", "loss")} | {"trunk": self.trunks}

    @cached_property
    def meta(self) -> dict[str, Any]:
        """The corpus's meta.json."""
        return self._document(f"corpora/{CORPUS}/meta.json", "corpus")

    @cached_property
    def score(self) -> dict[str, Any] | None:
        """H of the corpus; None where it was not scored."""
        return self._perhaps(f"scores/{CORPUS}.json", "score")

    @cached_property
    def tokenizer(self) -> dict[str, Any] | None:
        """What the tokenizer's report says; None where token ids were given."""
        return self._perhaps("tokenizer.report.json", "tokenizer_report")

    @property
    def tokenizer_name(self) -> str | None:
        """The tokenizer as ``--tokenizer`` names it; None of token ids."""
        path = self.folder / "tokenizer.json"
        if path.is_file():
            return f"bpe:{path}"
        return (self.score or {}).get("tokenizer")

    @property
    def of_text(self) -> bool:
        """Whether its tokens are of a text: a tokenizer made them."""
        return self.tokenizer_name is not None

    @cached_property
    def speed(self) -> dict[str, Any] | None:
        """What the trial of this machine's speed said; None where FLOPs were given in place of minutes."""
        return self._perhaps("speed.json", "pilot_speed")

    @cached_property
    def rounds(self) -> list[dict[str, Any]]:
        """The designs of all rounds in order, to the one that ends the pilot: another design may have had more."""
        found: list[dict[str, Any]] = []
        while (path := round_file(self.folder, len(found) + 1)).is_file() and not (found and found[-1].get("stop")):
            found.append(read_json(path, "pilot_round"))
            for key in ("pilot_C", "spent_C", "target_C"):
                if not finite(found[-1].get(key)):
                    raise FitError(f"{path} has no number {key}: delete it, and `ziplaw pilot` makes it again")
        return found

    @property
    def target_C(self) -> float:
        """Training FLOPs of the run that the pilot is to plan."""
        if not self.rounds:
            raise FitError(f"{self.folder} has no rounds/1.json, which names the FLOPs to plan for: give --flops")
        return float(self.rounds[0]["target_C"])

    @property
    def cores(self) -> int:
        """Cores that trained at once."""
        return int(self.rounds[0].get("cores") or 1) if self.rounds else 1

    @property
    def vocab_size(self) -> int:
        """Entries of embedding and head, of every run."""
        return int(max(row["vocab_size"] for row in self.rows))

    @property
    def context(self) -> int:
        """Tokens of a document."""
        return int(self.meta["context"])

    @cached_property
    def training_tokens(self) -> int:
        """Tokens of the training documents at hand."""
        return int(self.meta["n_train"]) * self.context

    @cached_property
    def unique_tokens(self) -> tuple[float, float | None]:
        """Unique tokens of the whole corpus and the standard error of that number, None where they were counted."""
        source = self.meta.get("source") or {}
        if not finite(source.get("unique_tokens")):
            return float(self.training_tokens), None
        error = source.get("unique_tokens_error")
        return float(source["unique_tokens"]), float(error) if finite(error) else None

    def fingerprint(self) -> dict[str, str]:
        """SHA-256 of every file that a plan rests on, by its name in the folder."""
        names = ["runs.csv", f"corpora/{CORPUS}/meta.json", f"scores/{CORPUS}.json", "tokenizer.report.json"]
        names += [f"rounds/{number}.json" for number in range(1, len(self.rounds) + 1)]
        return {name: sha256_file(path) for name in names if (path := self.folder / name).is_file()}

    @property
    def _remedy(self) -> str:
        if (self.folder / "pilot.yaml").is_file():
            return "the pilot there has not ended; `ziplaw pilot`, given as before, goes on with it"
        return "give the folder of a pilot, results/<name>"

    def _document(self, name: str, kind: str) -> dict[str, Any]:
        path = self.folder / name
        if not path.is_file():
            raise FitError(f"{self.folder} holds no {name}: {self._remedy}")
        return read_json(path, kind)

    def _perhaps(self, name: str, kind: str) -> dict[str, Any] | None:
        path = self.folder / name
        return read_json(path, kind) if path.is_file() else None
