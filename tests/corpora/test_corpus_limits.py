"""How small a corpus may be: what is held out of it, and when a pilot is refused."""

import pytest

from ziplaw.corpora.corpus_limits import held_out_documents, pilot_corpus_limits, smallest_corpus
from ziplaw.errors import CorpusError


@pytest.mark.parametrize(("tokens", "held"), [(10**9, 256), (655_360, 256), (400_000, 156), (41_000, 16), (1000, 16)])
def test_a_tenth_at_most_is_held_out(tokens, held):
    assert held_out_documents(tokens) == held


def test_the_smallest_corpus_is_the_smallest():
    smallest = smallest_corpus()
    assert pilot_corpus_limits(smallest).held_out == 16
    with pytest.raises(
        CorpusError, match=rf"notes.txt is too small for a pilot: at most {smallest - 1} tokens, .*score"
    ):
        pilot_corpus_limits(smallest - 1, name="notes.txt")


def test_vocabulary_and_tokens_grow_with_the_corpus():
    small, large = pilot_corpus_limits(300_000), pilot_corpus_limits(10**8)
    assert (small.largest_vocabulary, large.largest_vocabulary) == (2048, 8192)
    assert large.train_tokens == 10**8 - 2 * 256 * 256
    assert small.train_tokens == 300_000 - 2 * 117 * 256
