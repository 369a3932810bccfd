"""How small a corpus may be for a pilot, and how much of a small one is held out."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import CorpusError

HELD_OUT = 256
# held-out documents are at most this share of the tokens; beside them as many tokens again are not trained on
HELD_OUT_SHARE = 0.1
FEWEST_HELD_OUT = 16
# a vocabulary entry that is seen less often on average is hardly learned
TOKENS_PER_ENTRY = 100
SMALLEST_VOCABULARY = 256
LARGEST_VOCABULARY = 8192


def held_out_documents(n_tokens: int, context: int = 256) -> int:
    """Return how many documents of ``context`` tokens to hold out: 256, or a tenth of the tokens if that is fewer.

    Parameters
    ----------
    n_tokens : int
        Of the whole corpus.
    context : int
        Tokens in a document.
    """
    return max(FEWEST_HELD_OUT, min(HELD_OUT, int(HELD_OUT_SHARE * n_tokens) // context))


def smallest_corpus(context: int = 256) -> int:
    """Return the tokens below which there is no pilot: FEWEST_HELD_OUT documents would be more than a tenth of them."""
    return round(FEWEST_HELD_OUT * context / HELD_OUT_SHARE)


@dataclass(frozen=True)
class PilotCorpusLimits:
    """What a corpus of some size allows a pilot.

    Attributes
    ----------
    held_out : int
        Documents held out.
    train_tokens : int
        Tokens left to train on, each seen once: the most that D can be without a second epoch. Some are lost besides,
        to copies and to what is left over at the ends of held-out sources.
    largest_vocabulary : int
        Tokens in the vocabulary, a power of two from 256 to 8192, so that each is seen TOKENS_PER_ENTRY times or more,
        were the text bytes.
    """

    held_out: int
    train_tokens: int
    largest_vocabulary: int


def pilot_corpus_limits(n_tokens: int, context: int = 256, name: str = "the corpus") -> PilotCorpusLimits:
    """Return what a corpus allows a pilot, or refuse it.

    Parameters
    ----------
    n_tokens : int
        Of the whole corpus, copies counted once. Before it is tokenised its bytes, which are no fewer.
    context : int
        Tokens in a document.
    name : str
        What a message calls it.

    Raises
    ------
    CorpusError
        When not even the smallest pilot is possible: below `smallest_corpus`.
    """
    smallest = smallest_corpus(context)
    if n_tokens < smallest:
        raise CorpusError(
            f"{name} is too small for a pilot: at most {n_tokens} tokens, the smallest takes {smallest} "
            f"({FEWEST_HELD_OUT} held-out documents of {context} tokens as a tenth of it): give more text. What can be "
            "said of it: `ziplaw score` measures how compressible it is, and `ziplaw plan` plans from that and from "
            "published runs"
        )
    held_out = held_out_documents(n_tokens, context)
    vocabulary = SMALLEST_VOCABULARY
    while 2 * vocabulary <= LARGEST_VOCABULARY and 2 * vocabulary * TOKENS_PER_ENTRY <= n_tokens:
        vocabulary *= 2
    # held-out windows take twice their text
    return PilotCorpusLimits(held_out, n_tokens - 2 * held_out * context, vocabulary)
