"""The sentences that a report makes: each by name, with its place, said only where it is true of the sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..sweep.folder import Sweep, finite


@dataclass(frozen=True)
class Sentence:
    """One sentence: where it stands, and the function that writes it or, where it does not hold, returns None."""

    name: str
    place: str
    say: Callable[[Sweep], str | None]


# what registers sentences, in the order in which theirs stand at one place
MODULES = ("findings", "about_split", "about_links", "doubts", "provenance", "about_scores", "remarks", "captions")
_REGISTERED: dict[str, Sentence] = {}


def sentence(place: str) -> Callable[[Callable[[Sweep], str | None]], Callable[[Sweep], str | None]]:
    """Register a function of a sweep as a sentence of a place, under its own name (without the underscore).

    ``tests/report/test_sentences.py`` holds every one against a sweep of which it must be said and one of which it must
    not.
    """

    def register(say: Callable[[Sweep], str | None]) -> Callable[[Sweep], str | None]:
        name = say.__name__.lstrip("_")
        assert name not in _REGISTERED
        _REGISTERED[name] = Sentence(name, place, say)
        return say

    return register


def registry() -> dict[str, Sentence]:
    """Return every sentence by name, in order."""
    modules = [import_module(f".{module}", __package__).__name__ for module in MODULES]
    return dict(sorted(_REGISTERED.items(), key=lambda item: modules.index(item[1].say.__module__)))


def said(sweep: Sweep, place: str) -> dict[str, str]:
    """Return what is said of a sweep at a place: sentence by name, in their order."""
    found = {s.name: s.say(sweep) for s in registry().values() if s.place == place}
    return {name: words for name, words in found.items() if words}


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: 1 dataset, 2 datasets."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def span(low: float, high: float, form: str = ",") -> str:
    """Write a range, or the one value where both ends are the same."""
    low_words, high_words = format(low, form), format(high, form)
    return low_words if low_words == high_words else f"{low_words} to {high_words}"


def signed(value: float, digits: int = 2) -> str:
    """Write a number with its sign, the minus as a minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def percent(share: float, digits: int = 3) -> str:
    """Write a share in per cent: .95 as 95 %, .975 as 97.5 %."""
    return f"{100 * share:.{digits}g} %"


def p_value(p: Any) -> str:
    """Write a p-value with two digits, tiny ones as a bound: "p = 0.68", "p < 0.001"."""
    if not finite(p):
        return "no p"
    return "p < 0.001" if p < 0.001 else f"p = {p:#.2g}" if p < 0.995 else "p = 1.0"


def share_of(names: list[str], everything: list[str], noun: str = "dataset") -> str:
    """Write how many of all: "all 6 datasets", "2 of 6 datasets (a, b)", "no dataset", "the dataset"."""
    total = len(everything)
    if not names:
        return f"no {noun}" if total != 1 else f"not the {noun}"
    if len(names) == total:
        return f"the {noun}" if total == 1 else f"all {count(total, noun)}"
    return f"{len(names)} of {count(total, noun)} ({', '.join(names)})"


def groups_of(names_by_reason: dict[str, list[str]]) -> str:
    """Write names with the reason that they share: "a, b (why); c (why else)"."""
    return "; ".join(f"{', '.join(names)} ({why})" for why, names in names_by_reason.items())
