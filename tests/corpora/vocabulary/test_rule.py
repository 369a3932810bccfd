"""How large a vocabulary is for a pilot: the head's share by the formula, and the largest one that fits."""

import pytest

from ziplaw.corpora.vocabulary.rule import (
    HEAD_SHARE,
    LARGEST_RUN,
    VOCABULARIES,
    against,
    choose,
    cost_row,
    head_at,
    size_for,
)
from ziplaw.models.shape.ladder import ladder


@pytest.mark.parametrize("C", [1e6, 1e11, 1.7e12, 1e15, 1e18])
@pytest.mark.parametrize("V", [257, 8193])
def test_the_size_is_the_largest_that_twenty_tokens_a_parameter_pay(C, V):
    size = size_for(C, V, 256)
    sizes = ladder(V, 256, 10 * size.N)
    at = sizes.index(size)
    cost = [20 * one.N * one.flops_per_token for one in sizes]
    assert cost[at] <= C or at == 0
    assert cost[at + 1] > C


@pytest.mark.parametrize(("C", "V"), [(1e12, 1025), (1e18, 8193)])
def test_the_head_is_its_term_of_the_formula(C, V):
    size = size_for(C, V, 256)
    h, S = size.hidden, 256
    body = size.layers * (8 * h * h + 6 * h * 2 * h + 2 * h * (S + 1))
    assert head_at(C, V, 256) == (size.N, pytest.approx(2 * h * V / (body + 2 * h * V)))


def rows(pilot_C, tokens):
    """A text of which a token takes two bytes at most."""
    return [cost_row(V, (2.0, 0.1), int(tokens), pilot_C, 1e18, 256) for V in VOCABULARIES]


def test_vocabularies_are_powers_of_two():
    assert VOCABULARIES == (256, 512, 1024, 2048, 4096, 8192)


@pytest.mark.parametrize("pilot_C", [1e11, 1e13, 1e14, 1e16])
def test_the_largest_that_the_pilot_can_pay(pilot_C):
    table = rows(pilot_C, 1e9)
    at, why = choose(table, 256)
    assert table[at]["pilot_head_share"] <= HEAD_SHARE or at == 0
    assert all(row["pilot_head_share"] > HEAD_SHARE for row in table[at + 1 :])
    assert why.startswith(f"{VOCABULARIES[at]}: each entry")
    if at + 1 < len(table):
        assert f"; {VOCABULARIES[at + 1]} has a head that takes" in why
    assert table[at]["pilot_N"] == head_at(pilot_C * LARGEST_RUN, VOCABULARIES[at] + 1, 256)[0]


def test_a_dearer_pilot_takes_a_larger_vocabulary():
    chosen = [VOCABULARIES[choose(rows(C, 1e9), 256)[0]] for C in (1e11, 1e12, 1e13, 1e14, 1e15, 1e16)]
    assert chosen == sorted(chosen)
    assert (chosen[0], chosen[-1]) == (512, 8192)


def test_a_small_text_takes_a_small_vocabulary():
    at, why = choose(rows(1e16, 120_000), 256)
    assert VOCABULARIES[at] == 1024
    assert "; 2048 has entries that stand 59 times in the text on average, 100 are wanted" in why
    assert "leaves 30,000 tokens, a pilot takes 40,960" in against(rows(1e16, 30_000)[0], 256)
    assert choose(rows(1e16, 30_000), 256)[1].startswith("256, the smallest: even this one leaves")


def test_without_a_pilot_the_text_decides():
    row = cost_row(8192, (3.0, None), 10**7, None, None, 256)
    assert set(row) == {"vocab_size", "bytes_per_token", "bytes_per_token_error", "tokens", "times"}
    assert against(row, 256) == ""
