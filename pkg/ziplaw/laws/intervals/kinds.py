"""The kinds of interval by name: names alone, so that the command line can list them without numpy."""

from __future__ import annotations

BOOTSTRAPS = ("case", "cluster", "residual", "wild", "parametric")
METHODS = (*BOOTSTRAPS, "jackknife", "delta", "sandwich", "profile")
# those that know of runs, whose rows share an error
BY_RUN = ("jackknife", "cluster", "wild")
