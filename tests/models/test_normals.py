"""Normal numbers of a seed: the inverse that makes them, their distribution, and bits that hang on no processor."""

import numpy as np
import pytest
from lesser_processor import output_here, output_there
from scipy import stats
from scipy.special import ndtri

from ziplaw.models import normals
from ziplaw.models.normals import BLOCK, Normals, upper_quantile


def test_inverse():
    rng = np.random.default_rng(2)
    edges = 0.5 - 0.425 + np.array([-1e-17, 0.0, 1e-17])
    p = np.concatenate(
        [rng.uniform(0, 0.5, 20_000), 10.0 ** rng.uniform(-300, -0.31, 20_000), edges, [0.5, 2.0**-54, 0.5 - 2.0**-53]]
    )
    assert upper_quantile(p) == pytest.approx(-ndtri(p), rel=2e-15, abs=0)


def test_distribution_over_many_seeds():
    # p values of a hundred streams are spread evenly where each stream is normal
    streams = [Normals(seed).draw((20_000,)).astype(np.float64) for seed in range(100)]
    every = [stats.kstest(x, "norm").pvalue for x in streams]
    assert stats.kstest(every, "uniform").pvalue > 1e-3
    assert stats.kstest(np.concatenate(streams), "norm").pvalue > 1e-3


def test_moments():
    x = Normals(11).draw((1_000_003,)).astype(np.float64)
    # within four standard errors of the moments of a normal distribution
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((x**power).mean() - moment) < 4 * np.sqrt(variance / len(x))
    # neighbours know nothing of each other, nor do streams
    for other in (x[1:], Normals(12).draw((1_000_003,))[1:]):
        assert abs(np.corrcoef(x[:-1], other)[0, 1]) < 4e-3


def test_a_stream_is_cut_anywhere():
    whole = Normals(3).draw((2, BLOCK + 5))
    stream = Normals(3)
    parts = [stream.draw((n,)) for n in (7, BLOCK, 0, BLOCK + 3)]
    assert np.array_equal(np.concatenate(parts), whole.reshape(-1))
    assert whole.dtype == np.float32


def test_many_are_drawn_by_all_cores_and_are_the_same(monkeypatch):
    whole, after = Normals(3).draw((9, 5 * BLOCK + 7), 0.3), Normals(3)
    after.draw((9, 5 * BLOCK + 7))
    monkeypatch.setattr(normals, "MANY", 2 * BLOCK)
    monkeypatch.setattr(normals, "PIECE", BLOCK + 100)
    shared = []

    def each(work, items, threads, share=normals.each):
        shared.append((len(items), threads))
        share(work, items, threads)

    monkeypatch.setattr(normals, "each", each)
    monkeypatch.setattr(normals, "n_threads", lambda threads: 3)
    stream = Normals(3)
    assert np.array_equal(stream.draw((9, 5 * BLOCK + 7), 0.3), whole)
    assert shared == [(45, 3)]
    # and the stream goes on behind them
    assert np.array_equal(stream.draw((11,)), after.draw((11,)))
    assert len(shared) == 1


def test_std_is_applied_before_the_one_rounding():
    drawn = Normals(5).draw((1000,), 0.02)
    bits = np.random.PCG64(5).random_raw(1000)
    exact = upper_quantile(((bits >> np.uint64(12)).astype(float) + 0.5) * 2.0**-53) * 0.02
    assert np.array_equal(drawn, np.where(bits & np.uint64(1), -exact, exact).astype(np.float32))


SHOWN = """
import hashlib
from ziplaw.models import normals
from ziplaw.models.normals import Normals
print(hashlib.sha256(Normals(2**63 - 1).draw((300, 301), 0.7).astype("<f4").tobytes()).hexdigest()[:16])
"""


def test_the_bits_are_the_same_on_every_processor():
    assert output_here(SHOWN) == output_there(SHOWN) == "c5b6b3e50c8392af\n"
