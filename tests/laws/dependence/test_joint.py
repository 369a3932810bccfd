"""Joint fits over datasets reach the optimum of a plain twin, one alone or thousands side by side."""

import numpy as np
import pytest
from panels_in_H import panel_of, planted, reaches_the_twin

from twins.joint_law import fit_joint
from ziplaw.laws.dependence import joint
from ziplaw.laws.dependence.statistics.permutation import relabellings


@pytest.mark.parametrize("held", [True, False])
def test_every_model_reaches_its_twins_optimum(held):
    H, floors, tables = planted(1)
    floors = floors if held else None
    panel = panel_of(H, floors, tables)
    table = joint.grid(panel)
    alone, null = joint.saturated(panel, table), joint.common(panel, table)
    moving = joint.with_basis(panel, joint.linear(H), alone, null)
    found = {"own": alone.rss.sum(), "common": null.rss[0], "linear": moving.rss[0]}
    for exponents, rss in found.items():
        reaches_the_twin(rss, tables, H, floors, exponents, "own", alone)
    assert found["own"] <= found["linear"] <= found["common"]


def test_permuted_problems_are_solved_as_well_as_one_alone():
    H, floors, tables = planted(2, K=5, scatter=0.08)
    panel = panel_of(H, floors, tables)
    alone, null = joint.saturated(panel), joint.common(panel)
    order = relabellings(5)
    many = joint.with_basis(panel, joint.linear(H[order]), alone, null)
    assert many.converged.all()
    for p in (0, 17, 63, 119):
        rss, values = fit_joint(tables, H[order[p]], floors, "linear", "own")
        assert many.rss[p] <= rss * (1 + 1e-6)
        slope = np.polyfit(H[order[p]], values[:, 3], 1)[0]
        if many.rss[p] > rss * (1 - 1e-6):
            assert many.coefficients[p, 1, 0] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_unequal_numbers_of_cells_and_cells_below_the_floor():
    H, floors, tables = planted(6)
    tables = [tuple(column[k:] for column in table) for k, table in enumerate(tables)]
    tables[0][2][-1] = floors[0] * 0.99
    panel = panel_of(H, floors, tables)
    assert panel.n == sum(len(n) for n, _, _ in tables)
    rss, _ = fit_joint(tables, H, floors, "linear", "own")
    found = joint.with_basis(panel, joint.linear(H), joint.saturated(panel), joint.common(panel))
    assert found.rss[0] == pytest.approx(rss, rel=1e-5)
