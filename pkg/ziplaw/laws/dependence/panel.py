"""The cells of several datasets as arrays of one shape, for fits of all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import log
from ..solve.additive import Array

Table = tuple[Array, Array, Array]  # N, D, loss of a dataset, each (n_k,)


@dataclass(frozen=True)
class Panel:
    """Cells of several datasets in common centred coordinates, padded to one length.

    Parameters
    ----------
    names : tuple of str
        The K datasets.
    H : ndarray, float64 (K,)
        Their gzip-compressibility.
    x, y, z : ndarray, float64 (K, n)
        ln N and ln D minus their means over all cells, and ln loss; 0 where padded.
    w : ndarray, float64 (K, n)
        Weight of each cell; 0 where padded.
    ln_E : ndarray (K,) or None
        Logs of the known floors at which E is held; None leaves E free.
    x_mean, y_mean : float
        The means taken off.
    """

    names: tuple[str, ...]
    H: Array
    x: Array
    y: Array
    z: Array
    w: Array
    ln_E: Array | None
    x_mean: float
    y_mean: float

    @classmethod
    def of(
        cls, names: Sequence[str], H: npt.ArrayLike, tables: Sequence[Table], floors: npt.ArrayLike | None = None
    ) -> Panel:
        """Build a panel.

        Parameters
        ----------
        names : sequence of str
        H : array-like (K,)
        tables : sequence of (N, D, loss)
            Columns of each dataset, float64 (n_k,).
        floors : array-like (K,), optional
            Known floors in nats per token, at which E is then held.

        Raises
        ------
        FitError
            When a floor is not above 0.
        """
        width = max(len(N) for N, _, _ in tables)
        x, y, z, w = (np.zeros((len(tables), width)) for _ in range(4))
        x_mean = float(np.mean(log(np.concatenate([N for N, _, _ in tables]))))
        y_mean = float(np.mean(log(np.concatenate([D for _, D, _ in tables]))))
        for k, (N, D, loss) in enumerate(tables):
            x[k, : len(N)], y[k, : len(N)] = log(N) - x_mean, log(D) - y_mean
            z[k, : len(N)], w[k, : len(N)] = log(loss), 1.0
        if floors is not None:
            floors = np.asarray(floors, dtype=np.float64)
            if not (np.isfinite(floors) & (floors > 0)).all():
                raise FitError(f"floors are {floors.tolist()}: E can be held only at finite floors above 0")
        ln_E = None if floors is None else log(floors)
        return cls(tuple(names), np.asarray(H, dtype=np.float64), x, y, z, w, ln_E, x_mean, y_mean)

    @property
    def K(self) -> int:
        """Number of datasets."""
        return len(self.names)

    @property
    def n(self) -> int:
        """Number of cells."""
        return int((self.w > 0).sum())

    @property
    def n_local(self) -> int:
        """Amplitudes of each dataset: 2 with E held, 3 with E free."""
        return 3 if self.ln_E is None else 2

    def subset(self, rows: npt.NDArray[Any]) -> Panel:
        """Keep some datasets (index or mask); the centre stays."""
        rows = np.arange(self.K)[rows]
        ln_E = None if self.ln_E is None else self.ln_E[rows]
        names = tuple(self.names[i] for i in rows)
        x, y, z, w = (a[rows] for a in (self.x, self.y, self.z, self.w))
        return Panel(names, self.H[rows], x, y, z, w, ln_E, self.x_mean, self.y_mean)
