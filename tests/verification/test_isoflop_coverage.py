"""Coverage of isoFLOP intervals from redrawn tables: of a by parabolas, of the split by valleys that may lean."""

import numpy as np
import pytest
from designs import LAW, grid, isoflops, losses

from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.valleys.bottom_line import bottom_line
from ziplaw.laws.valleys.lines import interval, widening

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

A = LAW[4] / (LAW[3] + LAW[4])
BUDGETS = [1e18, 3e18, 1e19, 3e19, 1e20]
NUMBERS = 5, 4, 7, 9, 4
TABLES = 300


def unequal():
    parts = [isoflops([C], sizes=k) for C, k in zip(BUDGETS, NUMBERS)]
    return tuple(np.concatenate(column) for column in zip(*parts))


DESIGNS = {
    "5 budgets of 5 sizes": (lambda: isoflops(BUDGETS), 0.003),
    "5 budgets of 4 to 9 sizes": (unequal, 0.003),
    "9 budgets of 7 sizes": (lambda: isoflops(np.geomspace(1e18, 1e21, 9), 7), 0.005),
    "grid of 6 sizes and 6 budgets": (grid, 0.003),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_intervals_hold_the_truth(name):
    make, noise = DESIGNS[name]
    N, D = make()
    held = {"a by parabolas": 0, "a": 0, "ln N": 0}
    for seed in range(TABLES):
        loss = losses(N, D, noise, seed)
        for lean in (False, True):
            found = bottom_line(N, D, loss, lean=lean, n=400, seed=seed)
            widen = widening(found.df, 0.95)
            ends = interval(found.slope, found.lines[:, 1], 0.95, widen)
            held["a" if lean else "a by parabolas"] += ends[0] < A < ends[1]
        ends = interval(found.value, found.lines[:, 0], 0.95, widen)
        held["ln N"] += ends[0] < np.log(optimal_split(LAW, np.exp(found.centre))[0]) < ends[1]
    print(name, {quantity: count / TABLES for quantity, count in held.items()})
    for quantity, count in held.items():
        assert 0.91 <= count / TABLES <= 0.99, quantity
