"""Elementary functions against 50 digits of ``decimal``, products against numpy's, and bits that hang on no layout."""

import math
import subprocess
import sys
from decimal import Decimal, getcontext

import numpy as np
import pytest
from houses import ROOT

from ziplaw.numerics import functions as own

getcontext().prec = 50
RNG = np.random.default_rng(15)


def units_off(found, exact):
    """How many units in the last place a double is from the number it stands for."""
    return abs(float((Decimal(found) - exact) / Decimal(math.ulp(float(exact)))))


def decimal_log1p(x):
    return (1 + x).ln()


EXACT = {
    "exp": lambda x: x.exp(),
    "expm1": lambda x: x.exp() - 1,
    "log": lambda x: x.ln(),
    "log1p": decimal_log1p,
    "log10": lambda x: x.log10(),
    "tanh": lambda x: 1 - 2 / ((2 * x).exp() + 1),
    "expit": lambda x: 1 / (1 + (-x).exp()),
}
NEAR_ONE = 1 + RNG.uniform(-1, 1, 300) * 10.0 ** RNG.uniform(-12, -1, 300)
SIZES = np.concatenate([NEAR_ONE, 10.0 ** RNG.uniform(-300, 300, 300), np.arange(0.5, 2, 1 / 256), [5e-324, 2.3e-308]])
SMALL = RNG.choice([-1, 1], 300) * 10.0 ** RNG.uniform(-20, 0, 300)
WHERE = {
    "exp": np.concatenate([SMALL, RNG.uniform(-707, 709.7, 600), np.arange(-300, 300) * math.log(2) / 128]),
    "expm1": np.concatenate([SMALL, RNG.uniform(-50, 700, 600)]),
    "log": SIZES,
    "log1p": np.concatenate([SMALL[np.abs(SMALL) < 1], RNG.uniform(-0.999, 10, 300), 10.0 ** RNG.uniform(0, 300, 100)]),
    "log10": SIZES,
    "tanh": np.concatenate([SMALL, RNG.uniform(-25, 25, 300)]),
    "expit": np.concatenate([SMALL, RNG.uniform(-600, 40, 300)]),
}
LIMIT = {"exp": 0.52, "log": 0.52, "log1p": 0.52, "log10": 0.52, "expm1": 1.1, "expit": 1.6, "tanh": 2.5}


@pytest.mark.parametrize("name", EXACT)
def test_last_place(name):
    found = getattr(own, name)(WHERE[name])
    off = [units_off(value, EXACT[name](Decimal(float(x)))) for x, value in zip(WHERE[name], found)]
    assert max(off) < LIMIT[name], WHERE[name][int(np.argmax(off))]


def test_powers():
    x, y = np.concatenate([10.0 ** RNG.uniform(-9, 12, 400), NEAR_ONE]), RNG.uniform(-3, 3, 700)
    y[400:] *= 1e3
    found = own.raised(x, y)
    assert max(units_off(v, Decimal(float(a)) ** Decimal(float(b))) for v, a, b in zip(found, x, y)) < 0.53
    assert [own.raised(10.0, k) for k in range(23)] == [float(f"1e{k}") for k in range(23)]
    assert own.raised(RNG.normal(size=9), 2.0).tolist() != own.raised(RNG.normal(size=9), 2.0).tolist()
    sides = RNG.normal(size=99)
    assert (own.raised(sides, 2.0) == sides * sides).all()


def test_powers_of_anything_are_those_of_the_c_library():
    odd = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, np.inf, -np.inf, np.nan, 3.0, -3.0, 1e300, 5e-324, -8.0, 2.5, -2.5]
    x, y = np.array([(a, b) for a in odd for b in odd]).T
    with np.errstate(all="ignore"):
        found, wanted = own.raised(x, y), np.power(x, y)
    np.testing.assert_allclose(found, wanted, rtol=1e-15)
    assert (np.signbit(found) == np.signbit(wanted))[~np.isnan(wanted)].all()


def test_ends_of_the_range():
    assert own.exp([np.inf, -np.inf, 0.0, -800.0]).tolist() == [np.inf, 0.0, 1.0, 0.0]
    assert own.exp(-745.0) == 5e-324
    assert own.expm1([-np.inf, -40.0]).tolist() == [-1.0, -1.0]
    assert own.log(np.inf) == np.inf
    assert own.logaddexp([-np.inf, np.inf, 0.0], [-np.inf, 1.0, 0.0]).tolist() == [-np.inf, np.inf, math.log(2)]
    assert own.logaddexp(-np.inf, 3.0) == 3.0
    assert own.expit([-np.inf, 0.0, np.inf]).tolist() == [0.0, 0.5, 1.0]
    for name in EXACT:
        assert np.isnan(getattr(own, name)(np.nan))


def test_flags_are_raised_as_numpy_raises_them():
    for call, message in (
        (lambda: own.log(0.0), "divide"), (lambda: own.log(-1.0), "invalid"), (lambda: own.exp(1e3), "overflow"),
        (lambda: own.log1p(-1.0), "divide"), (lambda: own.raised(-1.0, 0.5), "invalid"),
    ):  # fmt: skip
        with pytest.warns(RuntimeWarning, match=message):
            call()
    own.log1p(np.linspace(-0.9, 5, 50))  # warnings are errors here
    own.exp(np.linspace(-700, 700, 50))


def test_logaddexp_is_close():
    a, b = RNG.normal(scale=30, size=(2, 1000))
    np.testing.assert_allclose(own.logaddexp(a, b), np.logaddexp(a, b), rtol=1e-15, atol=1e-15)


def test_tables_are_what_their_script_writes():
    folder = ROOT / "ext" / "src" / "numerics"
    made = subprocess.run([sys.executable, folder / "make_tables.py"], capture_output=True, text=True, check=True)
    assert made.stdout == (folder / "elementary_tables.h").read_text(encoding="ascii")


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 5), (4, 17, 4), (9, 300, 5), (5, 0, 3), (2, 7, 1)])
def test_products(shape):
    n, k, m = shape
    a, b = RNG.normal(size=(n, k)), RNG.normal(size=(k, m))
    found = own.product(a, b)
    np.testing.assert_allclose(found, a @ b, rtol=1e-12, atol=1e-12)
    # every sum from its first product to its last
    for i in range(n):
        for j in range(m):
            total = 0.0
            for one, two in zip(a[i].tolist(), b[:, j].tolist()):
                total += one * two
            assert found[i, j] == total
    # so the layout in memory changes nothing, nor the company
    assert (own.product(np.asfortranarray(a), np.asfortranarray(b)) == found).all()
    assert (own.product(a[:, ::-1], b[::-1])[:, :0] == found[:, :0]).all()
    assert (own.product(np.stack([a, a]), b)[1] == found).all()
    assert (own.product(a, b[:, :1])[:, 0] == own.product(a, b[:, 0])).all()


def test_products_of_several_and_of_vectors():
    a, b, v = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=3)
    assert (own.product(a, b, v) == own.product(own.product(a, b), v)).all()
    assert own.product(v, v) == own.dot(v, v)
    np.testing.assert_allclose(own.product(v, a, v), v @ a @ v)
    with pytest.raises(ValueError, match="size 2 is different from 3"):
        own.product(a, np.ones(2))


@pytest.mark.parametrize(
    ("letters", "shapes"),
    [
        ("pki,pkj,pkab->piajb", ((3, 4, 2), (3, 4, 2), (3, 4, 2, 2))),
        ("ij,kq->kijq", ((3, 3), (4, 2))),
        ("tk,ka,kb->tab", ((9, 4), (4, 2), (4, 2))),
        ("ka,ka->", ((4, 2), (4, 2))),
        ("kip,pq,kjq->ij", ((4, 3, 6), (6, 6), (4, 3, 6))),
        ("kip,Pkij,kjq->Ppq", ((4, 3, 6), (5, 4, 3, 3), (4, 3, 6))),
        ("kip,kPi->Pp", ((4, 3, 6), (4, 7, 3))),
        ("t,ti,tj->ij", ((5,), (5, 2), (5, 2))),
        ("ki,ik->k", ((5, 3), (3, 5))),
        ("ab,cd->ad", ((2, 3), (4, 5))),
    ],
)
def test_einsum(letters, shapes):
    operands = [RNG.normal(size=shape) for shape in shapes]
    found = own.einsum(letters, *operands)
    np.testing.assert_allclose(found, np.einsum(letters, *operands), rtol=1e-12, atol=1e-13)
    assert np.shape(found) == np.shape(np.einsum(letters, *operands))


def test_cov_and_geomspace():
    rows = RNG.normal(size=(3, 40))
    np.testing.assert_allclose(own.cov(rows), np.cov(rows))
    steps = own.geomspace(0.02, 3.0, 20)
    np.testing.assert_allclose(steps, np.geomspace(0.02, 3.0, 20))
    assert (steps[0], steps[-1]) == (0.02, 3.0)


def test_rounded():
    assert own.rounded([1 / 3, -2e-9 / 3, 0.0, np.inf], 4).tolist() == [0.3333, -6.667e-10, 0.0, np.inf]
    assert own.rounded(math.pi, 3) == 3.14
