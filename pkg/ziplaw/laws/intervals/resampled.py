"""What fits of laws other than the additive one get by taking ``Resampled`` as a base: all kinds of interval."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

from .bootstrap import Bootstrap, bootstrap
from .choose import intervals
from .identification import resamples
from .jackknife import Jackknife, jackknife
from .quantities import Runs
from .view import Ends, View

REFITS = 200  # the general optimiser takes longer than the additive law's own


class Resampled(ABC):
    """Base of a fit that has a ``view``."""

    @property
    @abstractmethod
    def view(self) -> View:
        """The fit as intervals see it."""

    def bootstrap(
        self,
        n: int = REFITS,
        seed: int = 42,
        clusters: Runs = None,
        method: str | None = None,
        threads: int | None = None,
    ) -> Bootstrap:
        """Refit resampled or perturbed tables: see ``intervals.bootstrap``."""
        return bootstrap(self, n, seed=seed, clusters=clusters, method=method, threads=threads)

    @cached_property
    def resampled(self) -> Bootstrap:
        """The bootstrap by which ``identification.require`` judges whether the split is identified."""
        return resamples(self)

    def jackknife(self, clusters: Runs) -> Jackknife:
        """Leave out one run at a time: see ``jackknife.jackknife``."""
        return jackknife(self, clusters)

    def intervals(
        self,
        method: str | None = None,
        level: float = 0.95,
        *,
        clusters: Runs = None,
        n: int = REFITS,
        seed: int = 42,
        C: float | None = None,
        N: float | None = None,
        D: float | None = None,
    ) -> dict[str, Ends]:
        """Intervals of the parameters and, when asked, of an allocation and a prediction: see ``choose.intervals``."""
        return intervals(self, method, level, clusters=clusters, n=n, seed=seed, C=C, N=N, D=D)
