"""A sweep from planted laws, and every figure of it."""

import pytest
from synthetic_sweep import build

from ziplaw.report.figures import FIGURES, draw


@pytest.fixture(scope="session")
def sweep(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="session")
def drawn(sweep, tmp_path_factory):
    """Every figure of the sweep: kind -> rows of its CSV."""
    folder = tmp_path_factory.mktemp("figures")
    for kind in FIGURES:
        draw(kind, sweep, folder / f"{kind}.svg")
    return folder
