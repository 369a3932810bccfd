"""Numbers as people write them: 1.3B, 64k, 1,300,000, 1_000, 10^21, 1e9."""

from __future__ import annotations

import re
from itertools import pairwise

MAX_LENGTH = 64
MISSING = frozenset(("", "na", "n/a", "null", "none", "-", "--", "#n/a"))

_SCALES = {"": 0, "k": 3, "thousand": 3, "m": 6, "mn": 6, "mio": 6, "million": 6, "b": 9, "bn": 9, "g": 9, "billion": 9,
           "t": 12, "tn": 12, "trillion": 12}  # fmt: skip
_BINARY = {"ki": 10, "mi": 20, "gi": 30, "ti": 40}
_DIGITS = re.compile(r"(\d+\.?\d*|\.\d+)(?:e([+-]?\d{1,4}))?", re.ASCII)
_POWER = re.compile(r"(?:(.+?)\s*(?:[x*\xb7\xd7]\s*))?(10|2)\s*(?:\^|\*\*)\s*([+-]?\d{1,4})", re.ASCII)
_UNIT = re.compile(r"\s*\b(?:parameters|params|tokens|toks?|flops?)$", re.ASCII)
_SUFFIXED = re.compile(r"(.*[\d.])\s*([a-z]*)", re.ASCII)
_PLAIN = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)
# groups of three: commas, underscores, apostrophes or spaces between them, and then a point may follow
_MARKS = ",_'\u2019\u2009\u202f\xa0 "
_GROUPED = re.compile(rf"[1-9]\d{{0,2}}([{_MARKS}])\d{{3}}(?:\1\d{{3}})*(?![\d,_'\u2019])", re.ASCII)
_POINTS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?![\d.])", re.ASCII)


def is_plain(text: str) -> bool:
    """Tell whether text is a number as programs print it: no spaces, groups, suffixes or zeros in front ("007")."""
    return len(text) <= MAX_LENGTH and _PLAIN.fullmatch(text) is not None


def read_number(text: str, decimal: str = ".") -> float | None:
    """Return the number that a text says, None where it says none.

    Parameters
    ----------
    text : str
        Digits, with an exponent (``1e9``, ``6x10^18``, ``2^16``), groups of three (``1,300,000``, ``1_000``), a suffix
        (``64k`` is 64,000; ``64Ki`` is 65,536; ``44M``, ``1.3B``, ``2 trillion``) or a unit (``1.3B tokens``);
        nan, inf.
    decimal : {".", ","}
        The mark before decimals. With a comma points may stand between groups of three.

    Returns
    -------
    float or None
        ``1_2`` and ``1,30`` are no numbers: their groups are not of three digits.
    """
    text = text.strip().lower().replace("\u2212", "-")
    if not text or len(text) > MAX_LENGTH:
        return None
    sign = -1.0 if text[0] == "-" else 1.0
    text = text[1:] if text[0] in "+-" else text
    if text in ("nan", "inf", "infinity"):
        return sign * float(text)
    if decimal == ",":
        text = _POINTS.sub(lambda match: match[0].replace(".", ""), text, count=1).replace(",", ".")
    if grouped := _GROUPED.match(text):
        text = re.sub(f"[{_MARKS}]", "", grouped[0]) + text[grouped.end() :]
    if power := _POWER.fullmatch(text):
        factor = _DIGITS.fullmatch(power[1] or "1")
        if not factor or abs(int(power[3])) > 1000:
            return None
        if power[2] == "10":
            return sign * _exact(factor, int(power[3]))
        return sign * float(factor[0]) * 2.0 ** int(power[3])
    parts = _SUFFIXED.fullmatch(_UNIT.sub("", text))
    digits = _DIGITS.fullmatch(parts[1]) if parts else None
    if not parts or not digits:
        return None
    suffix = parts[2] if parts[2] in _SCALES else parts[2].removesuffix("s")
    if suffix in _BINARY:
        return sign * float(digits[0]) * 2.0 ** _BINARY[suffix]
    return sign * _exact(digits, _SCALES[suffix]) if suffix in _SCALES else None


def _exact(digits, power):
    # one rounding, as of a literal: 1.1 * 1e9 would be 1100000000.0000002
    return float(f"{digits[1]}e{int(digits[2] or 0) + power}")


def shown_number(value: float) -> str:
    """Return a number as messages show it: whole ones below 1e15 in full, others with 6 digits."""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def read_list(text: str) -> list[float | None]:
    """Return the numbers of a list with commas, semicolons or spaces between: "1e18,1e19", "65,536; 131,072".

    A single number in groups of three is told from a list by its zeros in front or its order ("1,300,000");
    where both readings make sense ("65,536") the answer is ``[None]``.
    """
    parts = [part for part in re.split(r"\s*;\s*|\s*,\s+|(?<=\S)\s+(?=[\d.+-])", text.strip().strip(",;")) if part]
    if len(parts) > 1:
        return [read_number(part) for part in parts]
    parts = [part.strip() for part in text.strip().strip(",;").split(",")]
    numbers = [read_number(part) for part in parts]
    if len(parts) > 1 and re.fullmatch(r"\d{1,3}(,\d{3})+", ",".join(parts), re.ASCII):
        ascending = all(a < b for a, b in pairwise(map(int, parts)))
        return [None] if ascending and not any(part[0] == "0" for part in parts) else [read_number(",".join(parts))]
    return numbers


def counted(value: float, digits: int = 3) -> str:
    """Return a count as people say it, which ``read_number`` reads again: 7.29M, 203M, 1.4T; 2.5e+20 beyond.

    Parameters
    ----------
    value : float
        Of parameters, tokens or bytes, not negative.
    digits : int
        Significant ones.
    """
    if not 1 <= value < 1e15:
        return f"{value:.{digits}g}"
    # rounded first: 999,999 is 1M
    rounded = float(f"{value:.{digits}g}")
    for scale, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if rounded >= scale:
            return f"{rounded / scale:g}{sign}"
    return f"{rounded:g}"


def format_seconds(seconds: float) -> str:
    """Return seconds as 42s, 3m07s or 2h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
