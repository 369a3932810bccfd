"""Numbers and mathematics as HTML: what a cell of the report's tables shows, how a sentence's formulae are set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from ..sweep.folder import finite

# numbers beyond these mean only "very small" and "very large"
TINY, HUGE = 1e-99, 1e99
_PRIVATE = 0xF0000  # characters for nobody's text: they stand for names while mathematics is set


def number(value: Any, digits: int = 3) -> str:
    """Write a cell of a table in HTML: ``digits`` significant ones, – for none, powers of ten for the very large.

    Text, which a number's place may hold in a file that was tampered with, is escaped.
    """
    if value is None or (isinstance(value, float) and not finite(value)):
        return "–"
    if not finite(value):
        return escape(str(value).lower() if isinstance(value, bool) else str(value))
    size = abs(value)
    if size > HUGE:
        return "&gt; 10<sup>99</sup>" if value > 0 else "&lt; −10<sup>99</sup>"
    if 0 < size < TINY:
        return "&lt; 10<sup>−99</sup>" if value > 0 else "≈ 0"
    if isinstance(value, int) or 10 ** min(digits, 5) <= size < 1e6:
        text = f"{value:,.0f}".replace(",", "\u202f")
    elif size >= 1e6 or 0 < size < 1e-3:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa}·10<sup>{int(exponent)}</sup>"
    else:
        text = f"{value:#.{digits}g}".rstrip(".")
    return text.replace("-", "−")


def fixed(value: Any, places: int = 3) -> str:
    """Write a cell with so many places behind the point; – for none, text escaped."""
    return f"{value:.{places}f}".replace("-", "−") if finite(value) else number(value)


def interval(low: Any, high: Any, digits: int = 3) -> str:
    """Write an interval in HTML; an end that is not known is an infinity."""
    if not finite(low) and not finite(high):
        return "no interval"
    return f"{number(low, digits) if finite(low) else '−∞'} to {number(high, digits) if finite(high) else '∞'}"


def prose(words: str, names: Sequence[str] = ()) -> str:
    """Set the mathematics in a sentence that is already safe HTML: C^a, N_opt, 2.6e+11, alpha.

    ``names`` (safe HTML too) are left as they are: a dataset called alpha stays alpha.
    """
    for index, name in enumerate(names):
        words = words.replace(name, chr(_PRIVATE + index))
    words = _mathematics(words)
    for index, name in enumerate(names):
        words = words.replace(chr(_PRIVATE + index), name)
    return words


def _mathematics(words: str) -> str:
    words = re.sub(r"(\d(?:\.\d+)?)e([+-]\d+)", lambda m: f"{m[1]}·10<sup>{int(m[2])}</sup>".replace("-", "−"), words)
    words = re.sub(r"(?<![\w.])-(?=\d)", "−", words)
    words = re.sub(r"\b(ln|mean) ", "\\1\u00a0", words)
    words = re.sub(r"\balpha\b", "α", re.sub(r"\bbeta\b", "β", words))
    words = re.sub(r"\^(\w+(?:\(H\))?)", r"<sup>\1</sup>", words)
    return (
        words.replace("N_opt", "N<sub>opt</sub>")
        .replace("D_opt", "D<sub>opt</sub>")
        .replace("n_datasets - ", "datasets − ")
    )
