"""How the best split moves with the data: N_opt and tokens per parameter against H and its rivals, each alone.

A row for each half, family, accounting of compute, compute, kind (link, or isoFLOP, which assumes no law), quantity
and covariate. ``factor`` is that of the quantity for ``per`` of the covariate: .1 of H, one standard deviation (over
the part's datasets) of any other. The interval is of the slope at 95 %; p is over relabellings of the datasets.
Low and high computes are told of all families together, for H, the unigram entropy, the floor and what lies beyond a
bigram (``beyond_bigram``: the conditional entropy given one token less the floor; ``_measured``: less that given
three). Those and counts enter as logarithms. A dataset that lacks a covariate is left out of its rows.
Exponents stand below the sizes: ``quantity`` a, alpha and beta by every link (in one unit, see ``law_readings.py``) and
by the additive law of the cells in the scaling regime (``kind`` additive, reportable datasets alone), which the paper's
claims are about; they have slopes and no factor, and no compute.
At 6 N D tokens per parameter are (C/6)/N^2, so their slope is -2 times that of ln N_opt and no test of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...laws.studies.effects.best_sizes import best_sizes, computes
from ...laws.studies.effects.covariate_effect import Effect, effect
from ...laws.studies.effects.law_readings import ACCOUNTINGS, KINDS
from ...numerics.functions import exp
from ..measured import Study
from ..readings.measured_laws import measured_laws
from ..readings.parts import COVARIATES, MAIN, column, parts, readings_of

STEP_OF_H = 0.1
COLUMNS = (
    "half", "family", "accounting", "compute", "C", "kind", "quantity", "covariate", "n", "n_outside", "slope",
    "slope_low", "slope_high", "per", "factor", "factor_low", "factor_high", "scatter", "p_permutation",
    "rank_correlation",
)  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, see the head of this module."""
    readings = readings_of(study)
    told = {accounting: computes(study.runs, accounting) for accounting in ACCOUNTINGS}
    exponents = [one for one in measured_laws(study, readings) if one.quantity != "ln_N"]
    table = []
    for half, family, part in parts(study):
        mine = {name: readings[name] for name in part.datasets}
        for accounting in ACCOUNTINGS:
            for compute, C in told[accounting].items():
                if compute != "middle" and family != "all":
                    continue
                for kind in KINDS:
                    start = {"half": half, "family": family, "accounting": accounting, "compute": compute, "C": C}
                    sizes = best_sizes(mine, kind, accounting, C)
                    start |= {"kind": kind, "n_outside": int(sizes.outside.sum())}
                    for name in COVARIATES if compute == "middle" else COVARIATES[:MAIN]:
                        if family != "H" or name != "H":
                            x = column(part, sizes.names, name)
                            table += _rows(start | {"covariate": name}, sizes, x, accounting)
        table += _of_exponents({"half": half, "family": family}, part, exponents)
    return table


def _of_exponents(start, part, exponents):
    table = []
    for one in (whole.of(set(part.datasets)) for whole in exponents):
        for name in COVARIATES[:MAIN]:
            x = column(part, one.names, name)
            known = np.isfinite(x)
            found = effect(one.y[known], one.variance[known], x[known])
            if found is None or (start["family"], name) == ("H", "H"):
                continue
            per = STEP_OF_H if name == "H" else float(x[known].std())
            table.append(_row(start | {"kind": one.kind, "covariate": name}, one.quantity, found, per))
    return table


def _rows(start, sizes, x, accounting):
    known = np.isfinite(x)
    x = x[known]
    found = effect(*(values[known] for values in sizes.quantity("N")), x)
    if found is None:
        return []
    per = STEP_OF_H if start["covariate"] == "H" else float(np.sqrt(np.square(x - x.mean()).mean()))
    if accounting == "6nd":
        ratio = _scaled(found, -2.0)
    else:
        ratio = effect(*(values[known] for values in sizes.quantity("tokens_per_parameter")), x)
    return [_row(start, "N", found, per), _row(start, "tokens_per_parameter", ratio, per)]


def _scaled(found, by):
    ends = sorted((by * found.low, by * found.high))
    rank = None if found.rank_correlation is None else -found.rank_correlation
    return Effect(found.n, by * found.slope, *ends, abs(by) * found.stderr, abs(by) * found.scatter, found.df,
                  found.p_permutation, rank)  # fmt: skip


def _row(start, quantity, found, per):
    slopes = {"slope": found.slope, "slope_low": found.low, "slope_high": found.high}
    factors = [None] * 3
    if quantity in ("N", "tokens_per_parameter"):
        factors = exp(np.clip(np.array(list(slopes.values())) * per, -690, 690)).tolist()
    row = start | slopes | dict(zip(("factor", "factor_low", "factor_high"), factors))
    row |= {"quantity": quantity, "n": found.n, "per": per, "scatter": found.scatter}
    row |= {name: getattr(found, name) for name in ("p_permutation", "rank_correlation")}
    return {name: row.get(name) for name in COLUMNS}
