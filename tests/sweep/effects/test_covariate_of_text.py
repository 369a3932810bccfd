"""The covariate of a text against that of the prior's own, on as many tokens."""

import numpy as np
import pytest

from ziplaw.corpora.builtin import open_builtin
from ziplaw.corpora.readers import open_source
from ziplaw.errors import FitError
from ziplaw.sweep.effects.covariate_of_text import BEYOND_BIGRAM, SPREAD, difference_of_covariate
from ziplaw.sweep.published_prior import read_prior

EFFECT = {"covariate": BEYOND_BIGRAM, "scale": "log"}


def test_the_prior_s_own_text_differs_by_nothing():
    found, remarks = difference_of_covariate(read_prior(), EFFECT, open_builtin("prose"), "bytes", 256, 1)
    assert remarks == []
    assert found.value == found.reference
    assert 0 < found.sd < 0.2
    assert found.spread == SPREAD


def test_ids_that_context_tells_nothing_of_are_below(tmp_path):
    rng = np.random.default_rng(0)
    # a walk on a ring: the last token tells all
    steps = np.cumsum(rng.integers(-1, 2, 400_000)) % 40
    np.save(tmp_path / "walk.npy", (steps + 1).astype(np.uint16))
    found, remarks = difference_of_covariate(read_prior(), EFFECT, open_source(tmp_path / "walk.npy"), "bytes", 256, 1)
    assert found is None
    assert remarks == [f"399872 tokens are too few to tell {BEYOND_BIGRAM} by: it moves nothing"]


def test_without_a_prior_or_its_text_nothing_moves():
    assert difference_of_covariate(None, EFFECT, open_builtin("prose"), "bytes", 256, 1) == (None, [])
    prior = read_prior()
    bare = prior._replace(document={key: value for key, value in prior.document.items() if key != "H"})
    found, remarks = difference_of_covariate(bare, EFFECT, open_builtin("prose"), "bytes", 256, 1)
    assert found is None
    assert "does not say which text it stands for" in remarks[0]


def test_another_covariate_is_refused():
    with pytest.raises(FitError, match="the effect is of floor \\(linear\\), which is not measured of a corpus"):
        difference_of_covariate(
            read_prior(), {"covariate": "floor", "scale": "linear"}, open_builtin("prose"), "bytes", 256, 1
        )
