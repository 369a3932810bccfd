"""Which of several entangled covariates carries an effect: a stated rule that may answer "cannot tell".

1. All of them together are tested against none, by relabelling. Not beyond chance: "none shown".
2. Each is tested given all the others (Freedman and Lane's relabelling), the p values corrected by Holm. Those at most
   the level are *needed*: what they say of the quantity, the others do not.
3. One is needed: it carries the effect. Several are: each carries a part of its own. None is: "cannot tell", since
   together they say something that any one of them says nearly as well.

Where only one of them has an effect of its own, another is called needed with a chance of at most the level. The rule
is about the covariates that were given: one that was not may stand behind any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...dependence.statistics.permutation import holm
from ...solve.additive import Array
from .covariate_effect import Effect, effect, freedman_lane, scatter_about

NONE_SHOWN, CANNOT_TELL = "none shown", "cannot tell"


@dataclass(frozen=True)
class Carriers:
    """What the rule says.

    Attributes
    ----------
    answer : str
        Names of those needed, joined by " and "; else ``NONE_SHOWN`` or ``CANNOT_TELL``.
    p_together : float or None
        Of all against none.
    p_given_others : dict
        Name -> p given all the others, corrected by Holm; None where the others say all of it.
    effects : dict
        Name -> its effect given all the others.
    """

    answer: str
    p_together: float | None
    p_given_others: dict[str, float | None]
    effects: dict[str, Effect | None]


def carriers(
    y: Array, variance: Array, columns: Mapping[str, Array], *, level: float = 0.95, seed: int = 42
) -> Carriers:
    """Apply the rule to a quantity (K,) with squared errors (K,), and covariates, each (K,)."""
    names = list(columns)
    table = np.column_stack([columns[name] for name in names])
    one = np.ones((len(y), 1))
    together = freedman_lane(y, variance + scatter_about(y, variance, one) + 1e-12, _scaled(table), one, seed)
    found = {
        name: effect(y, variance, columns[name], np.delete(table, i, axis=1), level=level, seed=seed)
        for i, name in enumerate(names)
    }
    tested = {name: one.p_permutation for name, one in found.items() if one and one.p_permutation is not None}
    corrected = dict(zip(tested, holm(list(tested.values()))))
    if together is None or together > 1 - level:
        answer = NONE_SHOWN
    else:
        answer = " and ".join(name for name in tested if corrected[name] <= 1 - level) or CANNOT_TELL
    return Carriers(answer, together, {name: corrected.get(name) for name in names}, found)


def _scaled(table: Array) -> Array:
    off = table - table.mean(axis=0)
    spread = np.sqrt(np.square(off).mean(axis=0))
    return np.asarray(off / np.where(spread > 0, spread, 1.0))
