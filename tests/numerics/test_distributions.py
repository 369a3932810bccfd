"""Distributions against scipy's."""

import numpy as np
import pytest
from scipy import special, stats

from ziplaw.numerics import distributions as own

SHARES = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 1000), 10.0 ** -np.arange(1, 300, 7)])


def test_normal():
    np.testing.assert_allclose(own.normal_inverse(SHARES), special.ndtri(SHARES), rtol=2e-15, atol=1e-16)
    x = np.linspace(-37, 9, 2001)
    np.testing.assert_allclose(own.normal_cdf(x), special.ndtr(x), rtol=1e-12)
    assert own.normal_inverse([0.0, 0.5, 1.0]).tolist() == [-np.inf, 0.0, np.inf]
    assert np.isnan(own.normal_inverse([-0.1, 1.1, np.nan])).all()
    assert own.normal_cdf([-np.inf, 0.0, np.inf]).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("df", [1, 1.5, 2, 3, 10, 33.3, 1e3, 1e5])
def test_student(df):
    shares = np.array([1e-12, 1e-5, 0.025, 0.3, 0.4999, 0.7, 0.975, 1 - 1e-9])
    np.testing.assert_allclose(own.student_quantile(df, shares), special.stdtrit(df, shares), rtol=1e-10)
    for t in (1e-3, 0.1, 1.0, 2.0, 5.0, 20.0):
        assert own.student_beyond(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-10)
        assert own.student_beyond(-t, df) == pytest.approx(stats.t.sf(-t, df), rel=1e-10)


def test_ends_of_student():
    assert own.student_quantile(4, [0.0, 0.5, 1.0]).tolist() == [-np.inf, 0.0, np.inf]
    assert np.isnan(own.student_quantile(0, 0.9))
    assert own.student_quantile(np.inf, 0.975) == own.normal_inverse(0.975)
    assert own.student_beyond(np.inf, 3) == 0.0
    assert own.student_beyond(0.0, 3) == 0.5


@pytest.mark.parametrize(("df1", "df2"), [(1, 5), (3, 40), (7, 200), (2, 1e4), (50, 3)])
def test_f(df1, df2):
    for F in (0.1, 1.0, 3.0, 10.0, 100.0):
        assert own.f_beyond(F, df1, df2) == pytest.approx(stats.f.sf(F, df1, df2), rel=1e-10)
    assert own.f_beyond(0.0, df1, df2) == 1.0
    assert own.f_beyond(np.inf, df1, df2) == 0.0
    assert np.isnan(own.f_beyond(1.0, df1, 0))


@pytest.mark.parametrize("df", [1, 4, 30, 1000])
def test_chi_squared(df):
    for Q in (0.01, 0.5, df, 2 * df, 4 * df + 10):
        assert own.chi_squared_beyond(Q, df) == pytest.approx(stats.chi2.sf(Q, df), rel=1e-10)
    assert own.chi_squared_beyond(0.0, df) == 1.0
