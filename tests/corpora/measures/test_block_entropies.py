"""Entropies of blocks: the twin's, and those of processes that are known."""

import math

import numpy as np
import pytest

from twins import rivals_of_H as twin
from ziplaw.corpora.measures import block_entropies as measured
from ziplaw.corpora.measures.block_entropies import block_entropies, entropy_of_counts, grassberger_table, tallied


def chain(n_rows, width, seed=0, states=12):
    """Rows of a Markov chain, its H_1 in nats and the entropy of one token."""
    rng = np.random.default_rng(seed)
    step = rng.dirichlet(np.full(states, 0.3), states)
    values, vectors = np.linalg.eig(step.T)
    start = np.abs(vectors[:, np.argmax(values.real)].real)
    start /= start.sum()
    rows = np.empty((n_rows, width), np.uint16)
    rows[:, 0] = rng.choice(states, n_rows, p=start)
    for i in range(1, width):
        rows[:, i] = (rng.random((n_rows, 1)) > step.cumsum(axis=1)[rows[:, i - 1]]).sum(axis=1)
    logs = np.log(np.where(step > 0, step, 1))
    return rows, -(start[:, None] * step * logs).sum(), -(start * np.log(start)).sum()


def test_the_table_is_grassbergers():
    table = grassberger_table(400)
    assert table[1:] == pytest.approx([twin.grassberger(n) for n in range(1, 401)], rel=1e-13)
    assert len(grassberger_table(1)) == 2


@pytest.mark.parametrize("tokens", [7, 300, 70_000])
def test_the_twin_agrees(tokens):
    # codes of blocks are counted in place, sorted, and numbered anew
    rows = (np.random.default_rng(1).geometric(0.3, (16, 20)) * (tokens // 7)).astype(np.uint32)
    found, listed = block_entropies(rows, 5), rows.tolist()
    assert [one.value for one in found.conditional] == pytest.approx(
        [twin.conditional_entropy(listed, n) for n in range(1, 6)], abs=1e-12
    )
    assert found.information.value == pytest.approx(
        twin.entropy([b for _, b in twin.blocks(listed, 2)]) - twin.conditional_entropy(listed, 1), abs=1e-12
    )
    halves = [twin.conditional_entropy(half, 1) for half in (listed[:8], listed[8:])]
    assert found.conditional[0].bias == pytest.approx(abs(found.conditional[0].value - sum(halves) / 2), abs=1e-12)
    groups = [twin.conditional_entropy(listed[i : i + 2], 1) for i in range(0, 16, 2)]
    assert found.conditional[0].stderr == pytest.approx(np.std(groups, ddof=1) / math.sqrt(8), abs=1e-12)


def test_both_ways_of_counting_agree(monkeypatch):
    codes = np.random.default_rng(0).integers(0, 50, 1000)
    counted = tallied(codes, 50)
    monkeypatch.setattr(measured, "_DENSE", 0)
    for one, other in zip(counted, tallied(codes, 50)):
        assert one.tolist() == other.tolist()


def test_a_markov_chain_is_told():
    rows, conditional, single = chain(4096, 64)
    found = block_entropies(rows, 4)
    for one in found.conditional:
        assert abs(one.value - conditional) < 4 * one.error
    assert abs(found.information.value - (single - conditional)) < 4 * found.information.error
    errors = [one.error for one in found.conditional]
    assert errors[0] < 0.005
    assert errors[0] < errors[2] < errors[3] < 0.05


def test_small_samples_are_less_wrong_than_plain_counts():
    rng = np.random.default_rng(2)
    table = grassberger_table(400)
    samples = [np.unique(rng.integers(0, 200, 400), return_counts=True)[1] for _ in range(50)]
    plain = [-(c / 400 * np.log(c / 400)).sum() for c in samples]
    ours = [entropy_of_counts(c, table) for c in samples]
    assert abs(np.mean(ours) - np.log(200)) < 0.1 * abs(np.mean(plain) - np.log(200))


def test_what_was_seen_once_is_not_covered():
    rows = np.arange(16 * 8).reshape(16, 8)
    assert block_entropies(rows, 1).conditional[0].coverage == 0
    assert block_entropies(np.zeros((16, 8), np.int64), 3).conditional[2].coverage == 1
    assert block_entropies(np.zeros((16, 8), np.int64), 1).information.value == pytest.approx(0, abs=1e-3)
