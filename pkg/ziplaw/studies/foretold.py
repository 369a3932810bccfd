"""What a study's grammars could tell: correlations, expected errors of slopes in H, and power."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..laws.studies.simulated_power import slope_power
from ..laws.studies.slopes import correlations, inflation
from .choosing import BALANCED, FAMILIES, RIVALS, measured
from .measured_scatter import Scatter

# changes over the study's range of H at which the power is told: N_opt times 1.5 and 2; a by .05 and .1; ...
EFFECTS = {"ln_N": (0.405, 0.693), "a": (0.05, 0.1), "alpha": (0.2, 0.4), "beta": (0.2, 0.4)}
LEAST_DF = 3
# the rival that goes with H in random grammars of whatever shape
TWIN = "unigram_entropy"


def groups(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Half ("both" too), family ("all" too) and their rows, of those that are there."""
    halves = list(dict.fromkeys(row["half"] for row in rows))
    families = [family for family in FAMILIES if any(row["family"] == family for row in rows)]
    found = []
    for half in [*halves, *(["both"] if len(halves) > 1 else [])]:
        for family in [*(["all"] if len(families) > 1 else []), *families]:
            some = [r for r in rows if half in (r["half"], "both") and family in (r["family"], "all")]
            found.append((half, family, some))
    return found


def correlated(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each half and family: datasets, ranges, correlation of H with each rival, and how many times the floor, and
    all rivals, inflate the variance of a slope in H.
    """
    table = []
    for half, family, some in groups(rows):
        names = _varying(some)
        H = [row["H"] for row in some]
        line = {"half": half, "family": family, "n": len(some), "H_least": min(H), "H_most": max(H)}
        with_H = correlations(measured(some, ["H", *names]))[0, 1:] if len(some) > 1 else [math.nan] * len(names)
        found = dict(zip(names, map(float, with_H))) if family != "H" else {}
        for name in ("floor", "unigram_entropy"):
            values = [row[name] for row in some]
            line |= {f"{name}_least": min(values), f"{name}_most": max(values)}
        line |= {f"r_{name}": found.get(name) for name in RIVALS}
        x = np.array(H)
        tells = family != "H" and len(some) > len(names) + 1
        line["inflation_floor"] = inflation(x, measured(some, ["floor"])) if tells else None
        line["inflation_all"] = inflation(x, measured(some, names)) if tells else None
        table.append(line)
    return table


def foretold_power(
    rows: Sequence[dict[str, Any]],
    scatter: Mapping[str, Scatter],
    effects: Mapping[str, Sequence[float]] = EFFECTS,
    draws: int = 4000,
    level: float = 0.95,
) -> list[dict[str, Any]]:
    """For each half and family, quantity, rivals held fixed and effect: slope, expected standard error, power.

    Effects are changes over the range of H of the whole study. Families of one H have no slope in it and are left out,
    as are regressions with fewer than three degrees of freedom.
    """
    whole = [row["H"] for row in rows]
    reach = max(whole) - min(whole)
    table = []
    for half, family, some in groups(rows):
        every = _varying(some)
        held = {
            "nothing": [],
            "floor": ["floor"],
            f"all but {TWIN}": [name for name in every if name != TWIN],
            "all": every,
        }
        for given, names in held.items():
            if family == "H" or len(some) - 2 - len(names) < LEAST_DF:
                continue
            x, rivals = np.array([row["H"] for row in some]), measured(some, names)
            for quantity, measure in scatter.items():
                changes = np.array(effects.get(quantity, ()), dtype=np.float64)
                told = slope_power(x, rivals, changes / reach, measure.sd, measure.df, draws, level=level)
                line = {"half": half, "family": family, "n": len(some), "quantity": quantity, "given": given}
                line |= {"df": told.df, "scatter": measure.sd, "stderr": told.stderr}
                for change, power, unsure in zip(changes, told.power, told.power_unsure):
                    effect = {"change": float(change), "slope": float(change) / reach}
                    table.append(line | effect | {"power": float(power), "power_unsure": float(unsure)})
    return table


def unbalanced(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Halves in which the correlation of H with the floor is beyond .3, as sentences."""
    found = {line["half"]: line["r_floor"] for line in reversed(correlated(rows))}
    return [
        f"the correlation of H with the floor is {r:+.2f} in the {half} half, beyond {BALANCED}: draw more --candidates"
        for half, r in found.items()
        if r is not None and abs(r) > BALANCED and half != "both"
    ]


def _varying(rows):
    return [name for name in RIVALS if len({row[name] for row in rows}) > 1]
