"""Learning rate and batch by published rules."""

import pytest

from ziplaw.errors import FitError
from ziplaw.laws.plans.learning_rates import learning_rate_rules, learning_rate_sentence


def test_the_step_law_at_the_paper_s_own_points():
    # the runs of a billion parameters and 1e11 tokens whose best stands in the paper's figure 1
    found = learning_rate_rules(1073741824, 1e11)
    assert found["learning_rate"] == pytest.approx(1.79 * 1073741824**-0.713 * 1e11**0.307, rel=1e-12)
    assert found["batch_tokens"] == pytest.approx(0.58 * 1e11**0.571, rel=1e-12)
    assert found["outside"] == []
    assert 1e-3 < found["learning_rate"] < 3e-3
    assert 1e6 < found["batch_tokens"] < 2e6


def test_deepseek_s_rule_at_their_7B():
    # they trained 7B on 2e12 tokens with 4.2e-4 and 2304 sequences of 4096 tokens
    other = learning_rate_rules(6.5e9, 2e12)["other"]
    assert other["learning_rate"] == pytest.approx(4.2e-4, rel=0.3)
    assert other["batch_tokens"] == pytest.approx(2304 * 4096, rel=0.3)
    assert other["outside"] == ["C 3.6 decades outside of 1e+17 to 2e+19"]


def test_the_sentence_says_what_lies_outside():
    text = learning_rate_sentence(learning_rate_rules(3e9, 5e10))
    assert "by the Step Law, Li et al. 2025, arXiv 2503.04715, extrapolated (N 0.4 decades outside of" in text
    assert text.endswith("by DeepSeek, Bi et al. 2024, arXiv 2401.02954, extrapolated too")
    assert "tuned" not in text
    far = learning_rate_sentence(learning_rate_rules(2e5, 2e7))
    assert "D 2.3 decades outside of 4e+09 to 1e+11: so far that they should be tuned)" in far
    inside = learning_rate_sentence(learning_rate_rules(5e8, 5e9))
    assert "extrapolated" not in inside
    assert learning_rate_rules(5e7, 5e9)["outside"] == ["N 0.6 decades outside of 2.1e+08 to 1.1e+09"]


@pytest.mark.parametrize(("N", "D"), [(0, 1e9), (1e9, float("nan"))])
def test_numbers_out_of_range(N, D):
    with pytest.raises(FitError):
        learning_rate_rules(N, D)
