"""Numbers, intervals and tables as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...sweep.folder import finite

NOTHING = "–"


@dataclass(frozen=True)
class SectionWords:
    """What a section says.

    Attributes
    ----------
    words : str
        Markdown: the answer first.
    numbers : dict
        Those that the words quote, for study.json.
    """

    words: str
    numbers: dict[str, Any] = field(default_factory=dict)


def number(value: Any, digits: int = 3) -> str:
    """Significant digits, – for none; powers of ten beyond five figures."""
    if not finite(value):
        return NOTHING if value is None or isinstance(value, float) else str(value)
    if isinstance(value, int) and abs(value) < 1e6:
        return str(value).replace("-", "−")
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}·10^{int(exponent)}".replace("-", "−")
    text = f"{value:#.{digits}g}" if abs(value) < 10 ** (digits - 1) else f"{value:.0f}"
    return text.rstrip(".").replace("-", "−").replace("−0.", "−.").removeprefix("0")


def signed(value: Any, digits: int = 3) -> str:
    """A number with its sign."""
    return f"+{number(value, digits)}" if finite(value) and value > 0 else number(value, digits)


def within(low: Any, high: Any, digits: int = 3) -> str:
    """An interval, an open end as infinity."""
    if not finite(low) and not finite(high):
        return "no interval"
    return f"{number(low, digits) if finite(low) else '−∞'} to {number(high, digits) if finite(high) else '∞'}"


def p_value(value: Any) -> str:
    """The p of a test."""
    if not finite(value):
        return NOTHING
    return "< .0005" if value < 0.0005 else f"{value:.3f}".removeprefix("0")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, with the end of its last line."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"
