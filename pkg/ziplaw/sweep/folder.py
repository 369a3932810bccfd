"""What figures and the report read: the tables and documents of one sweep folder, file by file when asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

from ..base.documents import read_json
from ..errors import FitError
from ..laws.fits.dataset import uninformative
from ..tables.declared import CURVE, DECLARED, RUNS
from .runs_table import check_curve

REFERENCES = ("code", "prose")
TWIN = ".bytes"  # scores/code.bytes.json: the same reference as raw bytes
VARIANTS = {"floor": "E at the floor", "free": "E free"}
ISOFLOP = "isoflop"
# links in the order of every table and figure; then the split that needs no law
WAYS = {
    "identity": "identity (Chinchilla)",
    "power": "power (Kaplan, coupled)",
    "bounded": "bounded (two ends)",
    "free": "free (monotone)",
    ISOFLOP: "isoFLOP, no law",
}


@dataclass(frozen=True)
class Sweep:
    """A sweep folder.

    Parameters
    ----------
    folder : pathlib.Path
        ``results/<sweep>``.
    only : str, optional
        Show this dataset alone.
    files : sequence of path-like
        The files of the folder that belong to the sweep; others, of an earlier config, count as not there. None: all.

    Raises
    ------
    FitError
        On first use, when the folder holds no runs.csv, an empty one, or not the dataset asked for.
    """

    folder: Path
    only: str | None = None
    files: tuple[Path, ...] = ()

    @cached_property
    def runs(self) -> list[dict[str, Any]]:
        """Rows of runs.csv, of one dataset when ``only`` is given."""
        path = self.folder / "runs.csv"
        if not self.has("runs.csv"):
            raise FitError(f"{self.folder} holds no runs.csv: give the folder of a finished sweep, results/<name>")
        rows = RUNS.read(path)
        missing = [c for c in ("dataset", "model", "seed", "N", "D", "loss") if rows and c not in rows[0]]
        if missing or not rows:
            what = f"lacks the column {missing[0]}" if missing else "has no rows"
            raise FitError(f"{path} {what}: make it with ziplaw collect")
        if self.only is None:
            return rows
        known = sorted({row["dataset"] for row in rows})
        if self.only not in known:
            raise FitError(f"{path} holds no dataset {self.only!r}: choose from {', '.join(known)}")
        return [row for row in rows if row["dataset"] == self.only]

    @cached_property
    def datasets(self) -> list[str]:
        """Dataset names in order of H, the most compressible first; those of unknown H last."""
        level = {row["dataset"]: row.get("H") for row in self.runs}
        return sorted(level, key=lambda name: (level[name] if finite(level[name]) else math.inf, name))

    def of(self, dataset: str) -> list[dict[str, Any]]:
        """Rows of one dataset."""
        return [row for row in self.runs if row["dataset"] == dataset]

    def cells(self, dataset: str) -> list[dict[str, Any]]:
        """Rows of one dataset that were measured: a finite, positive loss."""
        return [row for row in self.of(dataset) if finite(row["loss"]) and row["loss"] > 0]

    def H(self, dataset: str) -> float | None:
        """H of a dataset, None when unknown."""
        return next((row["H"] for row in self.of(dataset) if finite(row.get("H"))), None)

    def has_floor(self, dataset: str) -> bool:
        """Tell whether the exact floor of a dataset is known: of grammars it is, of imported corpora it is not."""
        return any(finite(row.get("floor")) for row in self.of(dataset))

    @cached_property
    def fits(self) -> dict[str, dict[str, Any]]:
        """Fit documents by dataset, those that exist."""
        return self._documents("fits", "fit", self.datasets)

    @cached_property
    def scores(self) -> dict[str, dict[str, Any]]:
        """Score documents by name: the datasets, then each reference with its raw-bytes twin."""
        names = list(self.datasets)
        if self.only is None:
            names += [name + twin for name in REFERENCES for twin in ("", TWIN)]
        return self._documents("scores", "score", names)

    @cached_property
    def floors(self) -> dict[str, dict[str, Any]]:
        """Floor documents by dataset, those of grammars."""
        return self._documents("floors", "floor", self.datasets)

    @cached_property
    def grammars(self) -> dict[str, dict[str, Any]]:
        """Grammar documents by dataset."""
        return self._documents("grammars", "grammar", self.datasets)

    @cached_property
    def sources(self) -> dict[str, dict[str, Any]]:
        """Where each dataset comes from (``source`` of its corpus's meta.json), of those whose corpus is at hand."""
        paths = {name: self.folder / "corpora" / name / "meta.json" for name in self.datasets}
        return {name: read_json(path, "corpus").get("source") or {} for name, path in paths.items() if path.exists()}

    @cached_property
    def regression(self) -> dict[str, Any]:
        """The regression document, {} when there is none."""
        return self._json("regression.json", "regression") or {}

    def has(self, name: str) -> bool:
        """Tell whether a file is there and belongs to the sweep; curves and run.json do by their row in runs.csv."""
        path = self.folder / name
        return path.exists() and (not self.files or path.resolve() in self._belong)

    @cached_property
    def _belong(self) -> frozenset[Path]:
        return frozenset(Path(file).resolve() for file in self.files)

    def table(self, name: str) -> list[dict[str, Any]]:
        """Rows of another table of the folder, one of :data:`ziplaw.tables.declared.DECLARED`; [] when there is
        none.
        """
        if name not in self._tables:
            self._tables[name] = DECLARED[name].read(self.folder / name) if self.has(name) else []
        return self._tables[name]

    @cached_property
    def _tables(self) -> dict[str, list[dict[str, Any]]]:
        return {}

    def curve(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Logged steps of the run behind a row of runs.csv, [] when its curve is not at hand."""
        path = self.run_folder(row) / "curve.csv"
        if not path.exists():
            return []
        if (run := path.with_name("run.json")).exists():
            check_curve(run, read_json(run, "run"))
        return [step for step in CURVE.read(path) if step["kind"] in ("log", "branch")]

    @cached_property
    def executions(self) -> dict[Path, dict[str, Any]]:
        """What computed each run (``execution`` of its run.json), by its folder, of those that are at hand."""
        return {at: run.get("execution") or {} for at, run in self._run_files.items()}

    @cached_property
    def trainers(self) -> dict[Path, int | None]:
        """The version of the trainer that made each run, by its folder, of those that are at hand; None: not said."""
        return {at: (run.get("versions") or {}).get("ziplaw_trainer") for at, run in self._run_files.items()}

    @cached_property
    def _run_files(self) -> dict[Path, dict[str, Any]]:
        folders = dict.fromkeys(self.run_folder(row) for row in self.runs)
        records = {folder: folder / "run.json" for folder in folders}
        return {at: read_json(path, "run") for at, path in records.items() if path.exists()}

    def run_folder(self, row: dict[str, Any]) -> Path:
        """Folder of the run behind a row of runs.csv."""
        return self.folder / "runs" / row["dataset"] / row["model"] / f"s{row['seed']}"

    def variant(self, dataset: str) -> tuple[Any, Any]:
        """Name and body of the fit to draw: the regression's variant, else E at the floor, else E free; or two None."""
        found = self.fits.get(dataset, {}).get("variants", {})
        for name in dict.fromkeys((self.regression.get("variant"), *VARIANTS)):
            body = found.get(name)
            if body and body["converged"] and all(finite(v) for v in body["parameters"].values()):
                return name, body
        return None, None

    def links(self, dataset: str) -> dict[str, dict[str, Any]]:
        """Fits of a dataset under each link that converged, in the order of :data:`WAYS`; {} where there are none."""
        found = self.fits.get(dataset, {}).get("links") or {}
        return {link: found[link] for link in WAYS if (found.get(link) or {}).get("converged")}

    def splits(self, dataset: str) -> dict[str, dict[str, Any]]:
        """SPLITs of a dataset (``docs/formats.md``) under each link and by isoFLOP, in the order of :data:`WAYS`."""
        found = {link: fit["split"] for link, fit in self.links(dataset).items() if fit["split"]}
        by_isoflop = (self.fits.get(dataset, {}).get(ISOFLOP) or {}).get("split")
        return found | ({ISOFLOP: by_isoflop} if by_isoflop else {})

    @cached_property
    def split(self) -> dict[str, Any]:
        """What the regression says of the split: its part of this name; {} where there is none."""
        return self.regression.get("split") or {}

    @cached_property
    def chosen_link(self) -> str | None:
        """The link chosen by its error where compute is largest; None where no link was fitted."""
        rows = self.table("links.csv")
        return self.split.get("link") or next((str(row["link"]) for row in rows if row["chosen"]), None)

    def why_not(self, dataset: str) -> str | None:
        """Say why a dataset's exponents are not to be quoted; None when they may be."""
        fit = self.fits.get(dataset)
        if fit is None:
            return "no fit of this dataset in the folder"
        if not self.cells(dataset):
            return "every run diverged"
        if not fit["reportable"]:
            return fit["reason"] or "not in the scaling regime"
        if self.variant(dataset)[0] is None:
            return "no fit converged"
        left_out = {str(entry["dataset"]): entry["reason"] for entry in self.regression.get("left_out", ())}
        return left_out.get(dataset)

    def why_grey(self, dataset: str, variant: str) -> str | None:
        """Say why one fit of a dataset is not to be quoted: for the dataset's reason, or its own; None when it may
        be.
        """
        reason, body = self.why_not(dataset), self.fits.get(dataset, {}).get("variants", {}).get(variant)
        if reason is not None or not body:
            return reason or "no such fit"
        if not body["converged"]:
            return "did not converge"
        return uninformative(body)

    def _documents(self, folder, kind, names):
        return {name: doc for name in names if (doc := self._json(f"{folder}/{name}.json", kind))}

    def _json(self, name, kind):
        return read_json(self.folder / name, kind) if self.has(name) else None


def finite(value: Any) -> TypeGuard[float]:
    """Tell whether a cell holds a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
