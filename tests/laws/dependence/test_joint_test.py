"""The test of "exponents depend on H": what it finds, its level, that it goes by order alone, what it refuses."""

import numpy as np
import pytest
from panels_in_H import panel_of, planted

from ziplaw.errors import FitError
from ziplaw.laws.dependence import joint_test


def test_planted_slopes_are_found():
    H, floors, tables = planted(3, slopes=(-3.0, -1.5), noise=0.01)
    test = joint_test.joint_test(panel_of(H, floors, tables), bootstrap=99)
    assert test["p_permutation"] <= 3 / 720
    assert test["p_bootstrap"] == pytest.approx(1 / 100)
    for name, truth in (("alpha", -3.0), ("beta", -1.5)):
        low, high = test["exponents"][name]["slope_ci"]
        assert low < truth < high
        assert high < 0
    assert test["models"]["M1"]["AICc"] < test["models"]["M0"]["AICc"]
    assert test["models"]["M1"]["BIC"] < test["models"]["S"]["BIC"]
    assert test["conclusion"].startswith("the exponents depend on H")


def test_without_an_effect_the_test_keeps_its_level():
    # the full study is in tests/verification; a broken test rejects most of these
    p = []
    for seed in range(24):
        H, floors, tables = planted(100 + seed, K=5, slopes=(0, 0), scatter=0.05)
        p.append(joint_test.joint_test(panel_of(H, floors, tables), bootstrap=0)["p_permutation"])
    assert np.mean(np.array(p) <= 0.05) <= 0.2
    assert 0.3 < np.mean(p) < 0.7


def test_result_does_not_depend_on_units_or_on_the_order_of_datasets():
    H, floors, tables = planted(4, K=5)
    one = joint_test.joint_test(panel_of(H, floors, tables), bootstrap=0)
    scaled = [(n * 1e6, d * 1e3, loss * 7) for n, d, loss in tables]
    turn = [3, 0, 4, 1, 2]
    other = joint_test.joint_test(
        panel_of(H[turn], 7 * floors[turn], [scaled[i] for i in turn]),
        bootstrap=0,
    )
    assert other["p_permutation"] == one["p_permutation"]
    assert other["F"] == pytest.approx(one["F"], rel=1e-5)
    assert other["exponents"]["alpha"]["slope"] == pytest.approx(one["exponents"]["alpha"]["slope"], rel=1e-4)


def test_same_input_same_numbers():
    H, floors, tables = planted(5, K=4)
    panel = panel_of(H, floors, tables)
    assert joint_test.joint_test(panel, bootstrap=20) == joint_test.joint_test(panel, bootstrap=20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda H, f, t: (H[:2], f[:2], t[:2]), "at least 3 that differ"),
        (lambda H, f, t: (np.full(6, 0.4), f, t), "1 values of H"),
        (lambda H, f, t: (H, f, [tuple(c[:4] for c in table) for table in t]), "measure more cells"),
        (lambda H, f, t: (H, f * 0, t), "floors"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(FitError, match=message):
        joint_test.joint_test(panel_of(*change(*planted())), bootstrap=0)
