"""The range of every number that both a config and the stage it is for check: one place, so that what passes the one passes the other."""

from __future__ import annotations

# grammars and documents
SEED = (0, 2**64 - 1)
MAX_SYMBOLS = 50_000_000
MAX_TERMINALS = 2**31 - 2
NONTERMINALS = (1, 1_000_000)
MAX_VOCAB = 1 << 24
# a grammar may have more, but no corpus
TERMINALS = (1, MAX_VOCAB - 1)
RHS = (1, MAX_SYMBOLS)
MAX_TOKENS = 1 << 44
# a corpus takes longer documents, but no model
CONTEXT = (2, 1 << 20)
CORPUS_CONTEXT = (2, 1 << 24)
DOCUMENTS = (1, 1 << 40)

# scores: windows, and tokens in one
WINDOW = SAMPLES = (1, 2**31 - 1)
PRESET_SEEDS = (1, 1000)

# models and their training
HIDDEN = (1, 1 << 20)
LAYERS = (1, 10_000)
BUDGET = (1, 10**15)
TRAINING_SEED = (0, 2**63 - 1)
LEARNING_RATE = (1e-12, 100.0)
BASE_HIDDEN = (1, 1 << 20)
BATCH_DOCUMENTS = (1, 1 << 20)
WARMUP_STEPS = (0, 10**9)
COOLDOWN = (0.0, 1.0)
WEIGHT_DECAY = (0.0, 100.0)

# laws
BOOTSTRAP = (100, 1_000_000)


def grammar_symbols(n_nonterminals: int, max_rhs_options: int, max_rhs_length: int) -> float:
    """Return how many symbols the right-hand sides of a random grammar of this shape hold on average; at most MAX_SYMBOLS."""
    return n_nonterminals * (1 + max_rhs_options) / 2 * (1 + max_rhs_length) / 2


def even_heads(hidden: int, heads: int) -> bool:
    """Tell whether heads divide a decoder's width into even head widths, as rotary positions need."""
    return hidden % heads == 0 and (hidden // heads) % 2 == 0
