"""How large a vocabulary is for a pilot: what its head costs at two sizes of model, and the choice.

The output head of a small model takes most of its FLOPs, that of a large one hardly any. The best vocabulary grows with
compute, more slowly than the rest of the model (Tao et al. 2024, arXiv 2407.13623). A pilot and its target have one
vocabulary, for a law holds for one: so it is chosen as large as the pilot can pay.
"""

from __future__ import annotations

import math
from typing import Any

from ...models.shape.decoder_config import ModelConfig
from ...models.shape.ladder import LARGEST_N, Size, head_share, ladder
from ..corpus_limits import LARGEST_VOCABULARY, SMALLEST_VOCABULARY, TOKENS_PER_ENTRY, smallest_corpus

# the head may take so much of the FLOPs of the pilot's largest run
HEAD_SHARE = 0.5
# the largest run has so much of the pilot's FLOPs
LARGEST_RUN = 1 / 6
TOKENS_PER_PARAMETER = 20
# powers of two
VOCABULARIES = tuple(1 << k for k in range(SMALLEST_VOCABULARY.bit_length() - 1, LARGEST_VOCABULARY.bit_length()))


def size_for(C: float, vocab_size: int, context: int) -> Size:
    """Return the largest size of the ladder that C training FLOPs, all counted, give 20 tokens a parameter.

    Parameters
    ----------
    C : float
        Training FLOPs.
    vocab_size : int
        Entries of the head.
    context : int
        Tokens in a document.

    Returns
    -------
    Size
        The smallest of the ladder, where C is too little for any.
    """
    # 6 N of a size are less than its FLOPs per token, so that none beyond this N is within C
    most = math.sqrt(C / (6 * TOKENS_PER_PARAMETER))
    sizes = ladder(vocab_size, context, min(LARGEST_N, max(1.0, most)))
    within = [size for size in sizes if size.flops_per_token * TOKENS_PER_PARAMETER * size.N <= C]
    return within[-1] if within else sizes[0]


def head_at(C: float, vocab_size: int, context: int) -> tuple[int, float]:
    """Return N of the model that C trains, see `size_for`, and the share of its FLOPs that the head takes.

    The forward pass of a token takes layers (8 h^2 + 6 h I + 2 h (S + 1)) + 2 h V FLOPs at width h, SwiGLU width
    I = 2 h, context S and V entries of the head, the separator counted; the head is the last term.
    """
    size = size_for(C, vocab_size, context)
    return size.N, head_share(ModelConfig(size.hidden, size.layers, vocab_size, context=context))[0]


def cost_row(
    vocab_size: int, per_token: tuple[float, float | None], tokens: int, pilot_C: float | None, target_C: float | None,
    context: int,
) -> dict[str, Any]:  # fmt: skip
    """Return a row of the table: what a vocabulary gives and costs.

    Parameters
    ----------
    vocab_size : int
        Entries of the tokenizer; the head has one more, the separator.
    per_token : (float, float or None)
        Bytes of a token and its standard error.
    tokens : int
        Of the corpus, copies of documents counted once, a separator after each.
    pilot_C, target_C : float, optional
        Training FLOPs of all of the pilot, and of the target.
    context : int
        Tokens in a document.
    """
    row: dict[str, Any] = {
        "vocab_size": vocab_size,
        "bytes_per_token": per_token[0],
        "bytes_per_token_error": per_token[1],
        "tokens": tokens,
        "times": tokens / vocab_size,
    }
    for name, C in (("pilot", pilot_C and pilot_C * LARGEST_RUN), ("target", target_C)):
        if C:
            row[f"{name}_N"], row[f"{name}_head_share"] = head_at(C, vocab_size + 1, context)
    return row


def against(row: dict[str, Any], context: int) -> str:
    """Return what speaks against a vocabulary, as the end of a sentence about it; nothing where nothing does."""
    found = []
    if row["tokens"] < smallest_corpus(context):
        found.append(f"leaves {row['tokens']:,} tokens, a pilot takes {smallest_corpus(context):,}")
    if row["times"] < TOKENS_PER_ENTRY:
        often = f"{row['times']:,.0f} times in the text on average, {TOKENS_PER_ENTRY} are wanted"
        found.append(f"has entries that stand {often}")
    if row.get("pilot_head_share", 0) > HEAD_SHARE:
        found.append(f"has a head that takes {row['pilot_head_share']:.0%} of the FLOPs of the pilot's largest run")
    return ", and ".join(found)


def choose(rows: list[dict[str, Any]], context: int) -> tuple[int, str]:
    """Choose the largest vocabulary that nothing speaks against; the smallest where there is none.

    Parameters
    ----------
    rows : list of dict
        Of `cost_row`, the smallest vocabulary first; a text and what a token of it is worth decide how many there are.
    context : int
        Tokens in a document.

    Returns
    -------
    (int, str)
        Index of the row, and why in a sentence.
    """
    spoken = [against(row, context) for row in rows]
    good = [i for i, what in enumerate(spoken) if not what]
    at = good[-1] if good else 0
    row = rows[at]
    if not good:
        return at, f"{row['vocab_size']}, the smallest: even this one {spoken[0]}"
    why = f"{row['vocab_size']}: each entry stands {row['times']:,.0f} times in the text on average"
    if "pilot_head_share" in row:
        why += (
            f", and the head takes {row['pilot_head_share']:.0%} of the FLOPs of the pilot's largest run "
            f"(N = {row['pilot_N']:,}), {HEAD_SHARE:.0%} at most are allowed"
        )
    if "target_head_share" in row:
        why += f"; at the target it takes {row['target_head_share']:.1%}"
    return at, why + (f"; {rows[at + 1]['vocab_size']} {spoken[at + 1]}" if at + 1 < len(rows) else "")
