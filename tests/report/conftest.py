"""Sweeps to make sentences of, each built when a test first asks for it."""

import pytest
from sweeps_for_sentences import make

from ziplaw.sweep.folder import Sweep


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("sentences")


@pytest.fixture(scope="session")
def sweep_of(root):
    return lambda name: Sweep(make(name, root))
