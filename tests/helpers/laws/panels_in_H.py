"""Panels of datasets whose exponents are linear in H, for the tests of joint fits."""

import numpy as np

from twins.joint_law import fit_joint
from ziplaw.laws.dependence.panel import Panel

N, D = (g.ravel() for g in np.meshgrid(np.geomspace(750, 20_000, 5), np.geomspace(65_536, 2_097_152, 6)))


def planted(seed=0, K=6, slopes=(-2.0, -1.0), noise=0.02, scatter=0.0):
    """H, floors and tables of K datasets whose exponents are linear in H."""
    rng = np.random.default_rng(seed)
    H = np.linspace(0.35, 0.48, K)
    floors, tables = np.exp(rng.normal(0, 0.3, K)), []
    for k, h in enumerate(H - H.mean()):
        alpha, beta = np.array([0.5, 0.6]) + np.array(slopes) * h + scatter * rng.normal(size=2)
        sizes = np.exp(rng.normal(-0.2, 0.3, 2))
        loss = floors[k] + sizes[0] / (N / 3900) ** alpha + sizes[1] / (D / 370_000) ** beta
        tables.append((N, D, loss * np.exp(noise * rng.normal(size=N.size))))
    return H, floors, tables


def panel_of(H, floors, tables):
    return Panel.of([f"d{k}" for k in range(len(H))], H, tables, floors)


def reaches_the_twin(rss, tables, H, floors, exponents, amplitudes, alone):
    """Assert that a sum of squares is the plain twin's: the better of a rough start and one from the fits ``alone``."""
    ours = np.column_stack([alone.local, alone.exponents])
    rough, near = (fit_joint(tables, H, floors, exponents, amplitudes, start=start)[0] for start in (None, ours))
    best = min(rough, near)
    assert rss <= best * (1 + 1e-7), (exponents, amplitudes)
    assert rss >= best * (1 - 1e-5), (exponents, amplitudes)
