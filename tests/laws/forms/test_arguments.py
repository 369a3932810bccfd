"""Tables that no law can be fitted to: each gets one line with the value, the limit and the remedy."""

import numpy as np
import pytest
from tables_of_laws import planted

import ziplaw
from ziplaw.errors import FitError


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda N, D, L: (N, D, -L), r"loss is -.* in row 1, must be above 0"),
        (lambda N, D, L: (N, D, np.where(np.arange(L.size) == 3, np.nan, L)), "loss is nan in row 4"),
        (lambda N, D, L: (N, D, np.where(np.arange(L.size) == 3, np.inf, L)), "loss is inf in row 4"),
        (lambda N, D, L: (N[:1], D[:1], L[:1]), "1 row cannot hold a law that needs at least 6"),
        (lambda N, D, L: (np.repeat(N[:1], 20), np.repeat(D[:1], 20), np.repeat(L[:1], 20)), "1 distinct"),
        (lambda N, D, L: (np.append(N, N[2]), np.append(D, D[2]), np.append(L, L[2])), "rows 3 and 37 are the same"),
        (lambda N, D, L: (["a"] * 36, D, L), "N is 'a' in row 1"),
        (lambda N, D, L: (N, D[:-1], L), "36, 35 and 36 rows"),
        (lambda N, D, L: (N * 0, D, L), "N is 0 in row 1"),
    ],
)
def test_nonsense_gets_one_clear_line(change, message):
    with pytest.raises(FitError, match=message) as caught:
        ziplaw.fit(*change(*planted()))
    assert "\n" not in str(caught.value)
