"""Cells of several datasets in one panel: counted, padded with no weight, kept together in parts."""

import numpy as np
import pytest
from panels_in_H import panel_of, planted

from ziplaw.errors import FitError


def test_short_datasets_are_padded_with_no_weight():
    H, floors, tables = planted(K=4)
    tables = [tuple(column[k:] for column in table) for k, table in enumerate(tables)]
    panel = panel_of(H, floors, tables)
    lengths = [len(loss) for _, _, loss in tables]
    assert (panel.K, panel.n, panel.n_local) == (4, sum(lengths), 2)
    assert (panel.w.sum(axis=1) == lengths).all()
    for k, (N, _, loss) in enumerate(tables):
        on = panel.w[k] > 0
        assert np.exp(panel.x[k, on] + panel.x_mean) == pytest.approx(N)
        assert np.exp(panel.z[k, on]) == pytest.approx(loss)
    assert np.exp(panel.ln_E) == pytest.approx(floors)
    assert panel_of(H, None, tables).n_local == 3


def test_a_part_keeps_the_centre():
    panel = panel_of(*planted(K=4))
    part = panel.subset(np.array([True, False, False, True]))
    assert part.names == ("d0", "d3")
    assert (part.x_mean, part.y_mean) == (panel.x_mean, panel.y_mean)
    assert (part.z == panel.z[[0, 3]]).all()
    assert (part.ln_E == panel.ln_E[[0, 3]]).all()


def test_E_is_held_at_floors_above_zero_alone():
    H, floors, tables = planted()
    with pytest.raises(FitError, match="E can be held only at finite floors above 0"):
        panel_of(H, floors * 0, tables)
