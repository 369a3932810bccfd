"""What a design leaves behind: the config of its sweep, the table of its grammars, and what they can tell."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..base.documents import read_text, write_json, write_text
from ..sweep.config import Dataset, GrammarShape, SweepConfig, commented_yaml
from ..sweep.default import DEFAULT
from ..tables.declared import DESIGN
from .choosing import Request
from .measured_scatter import Scatter

SHAPE = ("n_nonterminals", "n_terminals", "max_rhs_options", "max_rhs_length", "seed")
_MARK = "# Made by `ziplaw design`; SHA-256 of the lines below: "


def study_config(rows: Sequence[Mapping[str, Any]], name: str) -> SweepConfig:
    """The sweep of the chosen grammars: models, budgets and training of the default sweep, rivals of H too."""
    datasets = {
        row["dataset"]: Dataset(
            grammar=GrammarShape(**{key: row[key] for key in SHAPE}),
            seeds=[int(s) for s in row["training_seeds"].split()],
        )
        for row in rows
    }
    return SweepConfig(
        sweep=name,
        datasets=datasets,
        models=DEFAULT.models,
        budgets=DEFAULT.budgets,
        covariates=True,
        training=DEFAULT.training,
    )


def write_study_config(path: str | Path, config: SweepConfig, command: str) -> None:
    """Write the config as YAML, every key explained, with the command that made it."""
    header = (
        f"{len(config.datasets)} grammars chosen by what was measured before any training (docs/default-sweep.md), "
        "where the letters of their names are told. Every key is described in config/README.md and checked against "
        "config/schema.json."
    )
    body = f"#\n# {command}\n#\n{commented_yaml(config, header)}"
    write_text(path, f"{_MARK}{hashlib.sha256(body.encode()).hexdigest()}\n{body}")


def is_study_config(path: Path) -> bool:
    """Whether a file is a config as `write_study_config` left it: one that was edited is its owner's."""
    first, _, body = read_text(path).partition("\n")
    return first == _MARK + hashlib.sha256(body.encode()).hexdigest()


def write_design_table(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write design.csv, a row for each chosen grammar."""
    DESIGN.write(path, rows)


def design_document(
    request: Request,
    n_candidates: int,
    scatter: Mapping[str, Scatter],
    correlations: Sequence[Mapping[str, Any]],
    power: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What a design is and can tell, as written by `write_design_document` (docs/formats.md)."""
    return {
        "request": asdict(request),
        "n_candidates": n_candidates,
        "scatter": {name: asdict(one) for name, one in scatter.items()},
        "correlations": list(correlations),
        "power": list(power),
    }


def write_design_document(path: str | Path, document: dict[str, Any]) -> None:
    """Write that document as JSON of the kind design."""
    write_json(path, document, kind="design")
