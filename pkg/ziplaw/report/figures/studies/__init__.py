"""Figures of a study, each drawn from the tables of its answers: one file a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]  # answer -> its rows

# name of the figure -> the module here that has its COLUMNS and drawn(tables) -> (figure, rows of its CSV)
STUDY_FIGURES = {
    "cells": "cells_by_regime",
    "sizes": "sizes_against_covariates",
    "split_factors": "split_factors",
    "covariate_errors": "left_out_errors_by_covariate",
    "worth": "loss_by_rule",
    "claims": "claims_in_effects",
    "arms": "trends_by_arm",
}


def columns_of(name: str) -> list[str]:
    """Columns of the CSV beside a figure."""
    return list(_module(name).COLUMNS)


def draw_study(name: str, tables: Tables, output: str | Path) -> None:
    """Draw a figure of a study, a key of ``STUDY_FIGURES``, with its CSV beside it; equal numbers give equal bytes
    (SVG).
    """
    from ..style import save, style

    module = _module(name)
    with style():
        made, rows = module.drawn(tables)
        save(made, output, rows, module.COLUMNS)


def _module(name: str) -> Any:
    return import_module(f".{STUDY_FIGURES[name]}", __package__)
