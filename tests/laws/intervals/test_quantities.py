"""What an interval may be asked for, and its ends where the table says nothing."""

import numpy as np
import pytest
from designs import grid, ladder, losses

import ziplaw
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA, additive
from ziplaw.laws.intervals.quantities import named_quantities, quantities, split_limits, unknown_ranges


def test_functions_give_the_named_quantities_the_split_and_the_loss():
    law = CHINCHILLA.array
    found = {
        name: np.exp(function(law)) if is_log else function(law)
        for name, (function, is_log) in quantities(C=1e21, N=1e9, D=2e10).items()
    }
    named = {name: float(value) for name, value in named_quantities(law).items()}
    split = dict(zip(("N_opt", "D_opt", "loss_opt"), map(float, optimal_split(law, 1e21))))
    assert found == pytest.approx(named | split | {"loss": float(additive(law, 1e9, 2e10))})
    assert list(quantities()) == list(named)


def test_what_the_table_cannot_tell_has_its_whole_range():
    N, D = grid()
    known = ziplaw.fit(N, D, losses(N, D))
    assert unknown_ranges(known) == {}
    bands = {"N": (1e-299, 2e8), "D": (1.0, 1e299), "loss": (-0.1, 2.0)}
    assert split_limits(unknown_ranges(known), bands) == {"N": (0.0, 2e8), "D": (1.0, np.inf), "loss": (0.0, 2.0)}
    N, D = ladder()
    lost = ziplaw.fit(N, D, losses(N, D))
    assert unknown_ranges(lost)["a"] == (0.0, 1.0)
    assert unknown_ranges(lost)["alpha"] == (0.0, np.inf)
    assert split_limits(unknown_ranges(lost), {"N": (1e8, 2e8), "D": (1e9, 2e9)})["N"] == (0.0, np.inf)
