"""All parameters on lines in H, or the amplitudes alone: the optimum of a plain twin."""

import pytest
from panels_in_H import panel_of, planted, reaches_the_twin

from ziplaw.laws.dependence import joint, pooled


@pytest.mark.parametrize("held", [True, False])
def test_both_models_reach_their_twins_optimum(held):
    H, floors, tables = planted(1)
    floors = floors if held else None
    panel = panel_of(H, floors, tables)
    alone, basis = joint.saturated(panel), joint.linear(H)
    found = {
        "common": pooled.fit_pooled(panel, pooled.design(panel, basis, False), alone)[1][0],
        "linear": pooled.fit_pooled(panel, pooled.design(panel, basis, True), alone)[1][0],
    }
    for exponents, rss in found.items():
        reaches_the_twin(rss, tables, H, floors, exponents, "linear", alone)
    # amplitudes of their own can only fit better
    assert joint.common(panel).rss[0] <= found["common"]
