"""Learning rate and batch for a plan, by published rules; each is told with where it was measured.

*Step Law* (Li et al. 2025, arXiv 2503.04715): the peak learning rate 1.79 N^-0.713 D^0.307, the batch 0.58 D^0.571
tokens, N without embeddings. Dense decoders, AdamW, cosine down to 1e-5; the published runs have the sizes and tokens
of ``MEASURED``. The mean of the thousand fits that the authors publish gives 1.797, -.7129, .3075 and .5807, .5709.

*DeepSeek* (Bi et al. 2024, arXiv 2401.02954, equation 1): 0.3118 C^-0.1250 and 0.2920 C^0.3271 tokens, C the FLOPs
without embeddings and head, from runs of 1e17 to 2e19.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base import limits
from ...numerics.functions import log10, raised
from ..forms.arguments import check_within

STEP_LAW = "Step Law, Li et al. 2025, arXiv 2503.04715"
DEEPSEEK = "DeepSeek, Bi et al. 2024, arXiv 2401.02954"
# the dense runs behind the Step Law, https://github.com/step-law/steplaw; and DeepSeek's
MEASURED: dict[str, Mapping[str, tuple[float, float]]] = {
    STEP_LAW: {"N": (2.1e8, 1.1e9), "D": (4e9, 1e11)},
    DEEPSEEK: {"C": (1e17, 2e19)},
}

FAR_DECADES = 1.0


def learning_rate_rules(N: float, D: float) -> dict[str, Any]:
    """Return learning rate and batch at N and D by the Step Law, and by DeepSeek's rule beside it.

    Parameters
    ----------
    N : float
        Non-embedding parameters.
    D : float
        Training tokens.

    Returns
    -------
    dict
        ``learning_rate`` (peak, AdamW), ``batch_tokens``, ``rule``, ``outside`` (what lies outside of what was
        measured, in words; empty where all is inside), ``decades`` (the farthest of it), and ``other`` with the same
        keys.
    """
    N, D = float(check_within(N, "N", limits.SIZE)), float(check_within(D, "D", limits.SIZE))
    C = 6.0 * N * D
    step = _rule(STEP_LAW, 1.79 * raised(N, -0.713) * raised(D, 0.307), 0.58 * raised(D, 0.571), {"N": N, "D": D})
    other = _rule(DEEPSEEK, 0.3118 * raised(C, -0.1250), 0.2920 * raised(C, 0.3271), {"C": C})
    return step | {"other": other}


def _rule(name: str, rate: Any, batch: Any, at: Mapping[str, float]) -> dict[str, Any]:
    outside, most = [], 0.0
    for what, (low, high) in MEASURED[name].items():
        decades = max(float(log10(low / at[what])), float(log10(at[what] / high)))
        most = max(most, decades)
        if decades > 0:
            outside.append(f"{what} {decades:.1f} decades outside of {low:.2g} to {high:.2g}")
    return {"rule": name, "learning_rate": float(rate), "batch_tokens": float(batch), "outside": outside,
            "decades": most}  # fmt: skip


def learning_rate_sentence(rules: Mapping[str, Any]) -> str:
    """One line: the rule, its source, whether it is extrapolated, and the other rule."""
    other = rules["other"]

    def numbers(rule: Mapping[str, Any]) -> str:
        return f"learning rate {rule['learning_rate']:.2g}, batch {rule['batch_tokens']:.2g} tokens"

    far = ": so far that they should be tuned" if rules["decades"] > FAR_DECADES else ""
    where = f", extrapolated ({'; '.join(rules['outside'])}{far})" if rules["outside"] else ""
    beside = (
        ", extrapolated too" if rules["outside"] and other["outside"] else ", extrapolated" if other["outside"] else ""
    )
    return f"{numbers(rules)} by the {rules['rule']}{where}; {numbers(other)} by {other['rule']}{beside}"
