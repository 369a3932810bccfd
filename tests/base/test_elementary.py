"""Elementary functions: how near they are to exact values, and that their bits hang on no processor."""

import math

import mpmath
import numpy as np
import pytest
from lesser_processor import ENVIRONMENT, output_here, output_there

from ziplaw.base.elementary import cos_pi, exp, log, polynomial, sin_cos

PRECISE = mpmath.MPContext()
PRECISE.prec = 140


def units_off(found, exact, x):
    """The largest error in units in the last place of the exact value."""
    errors = []
    for value, argument in zip(found.tolist(), x.tolist(), strict=True):
        want = exact(PRECISE.mpf(argument))
        errors.append(abs(PRECISE.mpf(value) - want) / PRECISE.mpf(float(np.spacing(abs(float(want))))))
    return float(max(errors))


def numbers(kind, n):
    rng = np.random.default_rng(5)
    return {
        "any size": lambda: 10.0 ** rng.uniform(-307, 308, n),
        "near one": lambda: 1.0 + rng.normal(0, 1e-5, n),
        "exponents": lambda: rng.uniform(-708, 709.7, n),
        "small exponents": lambda: rng.uniform(-1, 1, n),
        "angles": lambda: rng.uniform(-4.0, 4.0, n),
        "many turns": lambda: rng.uniform(-(2.0**20), 2.0**20, n),
    }[kind]()


@pytest.mark.parametrize("kind", ["any size", "near one"])
def test_log(kind):
    x = numbers(kind, 3000)
    assert units_off(log(x), PRECISE.log, x) < 1


@pytest.mark.parametrize("kind", ["exponents", "small exponents"])
def test_exp(kind):
    x = numbers(kind, 3000)
    assert units_off(exp(x), PRECISE.exp, x) < 1


@pytest.mark.parametrize("kind", ["angles", "many turns"])
def test_sin_cos(kind):
    x = numbers(kind, 3000)
    for found, exact in zip(sin_cos(x), (PRECISE.sin, PRECISE.cos)):
        wrong = [abs(PRECISE.mpf(value) - exact(PRECISE.mpf(a))) for value, a in zip(found.tolist(), x.tolist())]
        assert max(wrong) < 1.2e-16


def test_where_a_function_ends():
    assert log([0.0, 1.0, np.inf]).tolist() == [-np.inf, 0.0, np.inf]
    assert np.isnan(log([-1.0, -np.inf, np.nan])).all()
    assert log([5e-324, 1.7976931348623157e308]) == pytest.approx([-744.4400719213812, 709.782712893384], rel=1e-15)
    assert exp([-np.inf, -1e9, 0.0, 1e9, np.inf]).tolist() == [0.0, 0.0, 1.0, np.inf, np.inf]
    assert np.isnan(exp(np.nan))
    # the largest exponent that has a value, and denormal values
    assert exp([709.782712893384, -745.1, -740.0]) == pytest.approx(
        [1.7976931348622732e308, 4.94065645841e-324, 4.199559e-322], rel=1e-6
    )
    sin, cos = sin_cos([0.0, -0.0])
    assert sin.tolist() == [0.0, 0.0]
    assert cos.tolist() == [1.0, 1.0]


def test_shapes():
    assert log(2.0).shape == ()
    assert exp(np.zeros((2, 3))).shape == (2, 3)
    assert sin_cos([[1, 2]])[1].shape == (1, 2)


def test_cos_pi():
    steps = [s / n for n in (1, 4, 7, 400, 12345) for s in range(0, n + 1, max(1, n // 400))]
    for x in steps:
        assert abs(cos_pi(x) - math.cos(math.pi * x)) < 1e-15
        assert abs(PRECISE.mpf(cos_pi(x)) - PRECISE.cospi(PRECISE.mpf(x))) < 3e-16
    assert [cos_pi(x) for x in (0.0, 0.5, 1.0)] == [1.0, 0.0, -1.0]


def test_polynomial():
    assert polynomial(2.0, (1.0, 2.0, 3.0)) == 17.0
    assert polynomial(np.array([0.0, -1.0]), (4.0, 1.0)).tolist() == [4.0, 3.0]


SHOWN = """
import hashlib, numpy as np
from ziplaw.base.elementary import cos_pi, exp, log, sin_cos
x = np.linspace(-600.0, 650.0, 100_001)
found = [exp(x), log(np.abs(x) + 1e-3), *sin_cos(x), [cos_pi(i / 999) for i in range(1000)]]
for parts in (found, [np.exp(x), np.sin(x)]):
    print(hashlib.sha256(b"".join(np.asarray(part, "<f8").tobytes() for part in parts)).hexdigest())
"""


def test_the_bits_are_the_same_on_every_processor():
    (here, numpys), (there, other) = (run(SHOWN).splitlines() for run in (output_here, output_there))
    assert here == there == "fee363a08f3d56ac538d2f30c3e8542342621237212bb06b076788a5feebd920"
    # where the child is another processor to numpy, its own functions do change
    if ENVIRONMENT["NPY_DISABLE_CPU_FEATURES"]:
        assert numpys != other
