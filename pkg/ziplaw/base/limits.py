"""The range of every number that a config checks and its stage too: in one place, what passes one passes the other."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

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
BETA1 = (0.0, 0.999999)
BETA2 = (0.0, 0.9999999)
ADAM_EPSILON = (1e-30, 1.0)
CLIP = (0.0, 1e9)
EPOCHS = (1, 10**6)

# laws
BOOTSTRAP = (100, 1_000_000)


@dataclass(frozen=True)
class Range:
    """What a real number that a user gives may be.

    Parameters
    ----------
    lowest, highest : float
        The ends.
    unit : str
        What is counted; may be empty.
    remedy : str
        What to give instead.
    within : bool
        Both ends are left out.
    """

    lowest: float
    highest: float
    unit: str
    remedy: str
    within: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, Real):
            return False
        number: Any = value  # numbers.Real promises no order
        return self.lowest < number < self.highest if self.within else self.lowest <= number <= self.highest

    @property
    def demand(self) -> str:
        """The limit and the remedy, to stand behind the name and the value."""
        ends = ("lie between", "and") if self.within else ("be from", "to")
        unit = f" {self.unit}" if self.unit else ""
        return f"must {ends[0]} {self.lowest:g} {ends[1]} {self.highest:g}{unit}: {self.remedy}"


FLOPS = Range(1.0, 1e40, "FLOPs", "give training FLOPs, such as 1e21")
# N or D of a question
SIZE = Range(1.0, 1e30, "", "count single parameters and tokens, such as 7e9 and 1.4e11")
TOKENS = Range(1.0, 1e30, "tokens", "count single ones, such as 1.4e11")
SERVED_TOKENS = Range(0.0, 1e30, "tokens", "count those of the model's whole life, such as 1e12")
LOSS = Range(1e-6, 1e6, "", "give a loss in the unit of the law's losses, such as 2.6 nats per token")
FLOOR = Range(0.0, 1e6, "", "give a loss that no model falls below, such as 1.7")
UNIT = Range(1e-9, 1e18, "", "give what one of the column is, such as 1e6 for millions")
BYTES_PER_TOKEN = Range(1e-3, 1e6, "bytes", "give those of a mean token, such as 4.2")
HUBER_DELTA = Range(1e-6, 1e3, "", "1e-3 is usual")
# no resampling tells a coverage nearer to 1, and an interval of nearly none is no interval
LEVEL = Range(0.01, 0.9999, "", "give the share that an interval covers, such as 0.95")
EPSILON = Range(0.0, 1.0, "", "0 means Chinchilla's constants, 1 the law at H")
VOCABULARY = Range(2, MAX_VOCAB, "entries", "give those of the tokenizer, such as 32000")
CONTEXT_TOKENS = Range(*CONTEXT, "tokens", "give those of a document in training, such as 2048")
COMPRESSIBILITY = Range(0.0, 1.5, "", "give compressed size / raw size, see ziplaw score", within=True)
GPU_FLOPS = Range(1e6, 1e24, "FLOPs a second", "an H100 sustains about 4e14 in bf16")
PRICE = Range(0.0, 1e9, "", "give the price of a GPU's hour, such as 2.5")
CHECKPOINT_MINUTES = Range(0.0, 1e6, "minutes", "5 is usual, 0 saves only when told to stop")
PILOT_MINUTES = Range(1.0, 1e6, "minutes", "10 to 30 are usual on a laptop")
MISMATCH = Range(0.0, 1.0, "", "give a share, such as 0.05")


def grammar_symbols(n_nonterminals: int, max_rhs_options: int, max_rhs_length: int) -> float:
    """Return how many symbols all right-hand sides of a random grammar hold on average; MAX_SYMBOLS are allowed."""
    return n_nonterminals * (1 + max_rhs_options) / 2 * (1 + max_rhs_length) / 2


def even_heads(hidden: int, heads: int) -> bool:
    """Tell whether heads divide a decoder's width into even head widths, as rotary positions need."""
    return hidden % heads == 0 and (hidden // heads) % 2 == 0
