"""Which plans of one law may be shown: those that its runs identify, or all of them, marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..intervals.identification import Doubt


class Verdicts:
    """Plans judged one by one.

    Parameters
    ----------
    refused : list of dict
        Doubts about the law as a whole, as JSON holds them; those about single plans are added to it. Where the law
        itself is in doubt no plan is identified, and nothing is said against each of them besides.
    check : bool
        Leave out plans that are not identified.
    """

    def __init__(self, refused: list[dict[str, Any]], check: bool) -> None:
        self.refused, self.check = refused, check
        self.known = not refused

    def admit(self, plan: dict[str, Any], doubts: Sequence[Doubt]) -> bool:
        """Mark a plan as "identified" or not, note what is said against it, and tell whether it is shown."""
        if self.known:
            self.refused += [doubt.to_dict() for doubt in doubts]
        plan["identified"] = self.known and not doubts
        return bool(plan["identified"]) or not self.check
