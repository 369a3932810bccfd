"""What ``plan`` and ``predict`` count as compute: all FLOPs of a decoder of this vocabulary and context."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ...base import limits
from ..options import Number, options
from .repetition import show_epochs, with_epochs

if TYPE_CHECKING:
    from ...corpora.readers import Source
    from ...laws.pilots.compute import Compute
    from ...models.shape.decoder_config import ModelConfig

# tokens of a document, unless a corpus or --context says otherwise
CONTEXT = 256

accounting_options = options(
    click.option("--vocab-size", type=Number(limits.VOCABULARY), metavar="ENTRIES",
                 help="Vocabulary of the model, whose head is counted [default: the corpus's or the tokenizer's]."),
    click.option("--context", type=Number(limits.CONTEXT_TOKENS), metavar="TOKENS",
                 help=f"Tokens of a document, for the FLOPs of attention [default: the corpus's, else {CONTEXT}]."),
)  # fmt: skip


class Account(NamedTuple):
    """FLOPs of training by size, and what they are of."""

    compute: Compute
    vocab_size: int
    context: int
    vocab_from: str


def accounting(vocab_size: float | None, context: float | None, here: tuple[int, str, int | None]) -> Account:
    """Count the FLOPs of the ladder of decoders.

    Parameters
    ----------
    vocab_size, context : float, optional
        As asked.
    here : (int, str, int or None)
        The vocabulary where none is asked for, what it is of, and the context.
    """
    from ...laws.pilots.compute import Compute
    from ...models.shape.ladder import ladder

    entries, said, documents = here
    if vocab_size is not None:
        entries, said = int(vocab_size), "--vocab-size"
    tokens = int(context or documents or CONTEXT)
    sizes = ladder(entries, tokens)
    compute = Compute.of([size.N for size in sizes], [size.flops_per_token for size in sizes])
    return Account(compute, entries, tokens, said)


def of_source(source: Source, score: dict[str, Any]) -> tuple[int, str, int | None]:
    """Vocabulary of a scored source, what it is of, and the context, where it has one."""
    from ...corpora.scoring import vocabulary_of

    entries, said = vocabulary_of(source, score)
    return entries, said, getattr(source, "context", None)


def of_bundled() -> tuple[int, str, None]:
    """Vocabulary of the bundled tokenizer and the separator."""
    from ...corpora.tokenizers import BUNDLED_VOCAB

    return BUNDLED_VOCAB + 1, "tokenizer bundled", None


def follow_up(
    result: dict[str, Any], account: Account, hidden: bool, unique: float | None, here: tuple[float, str] | None
) -> None:
    """Add to a plan what follows from its N and D: "compute", "training", epochs; null where the split is withheld.

    Parameters
    ----------
    hidden : bool
        The split is withheld.
    unique, here
        See ``repetition.with_epochs``.
    """
    from ...laws.plans.learning_rates import learning_rate_rules

    result |= {"compute": None, "training": None}
    tokens = enough = None
    if not hidden:
        result["compute"] = counted(result, account)
        result["training"] = learning_rate_rules(result["N"], result["D"])
        if "six_nd" in result:
            tokens, enough = partial(_tokens, account, result["C"]), partial(_enough_for, account, result)
    with_epochs(result, unique, here, tokens, hidden, enough)


def _enough_for(account: Account, result: dict[str, Any], tokens: float) -> dict[str, Any] | None:
    from ...laws.plans.evidence.enough_for import enough_for
    from ...laws.plans.evidence.gaussian_split import GaussianSplit

    known = GaussianSplit.of(result["split"])
    return enough_for(known, tokens, result["C"], result["level"], account.compute)


def _tokens(account: Account, C: float, N: float) -> float:
    return float(account.compute.tokens(N, C))


def counted(result: dict[str, Any], account: Account) -> dict[str, Any]:
    """Return what a plan's N costs, for its JSON: shape, N_total, FLOPs, what the vocabulary takes of them.

    Parameters
    ----------
    result : dict
        A plan with N and D.
    account : Account
        By which it was made.
    """
    from ...models.shape.counts import count_params
    from ...models.shape.ladder import head_share

    N, D, shape = result["N"], result["D"], nearest(result["N"], account)
    of_flops, of_parameters = head_share(shape)
    count = count_params(shape)
    return {
        "vocab_size": account.vocab_size,
        "vocab_size_from": account.vocab_from,
        "context": account.context,
        "C": float(account.compute.per_token(N) * D),
        "flops_per_token": float(account.compute.per_token(N)),
        "shape": shape.to_dict() | {"N": count.N, "N_total": count.N_total},
        "N_total": N + count.N_total - count.N,
        "head_share_of_flops": of_flops,
        "embedding_share_of_parameters": of_parameters,
    }


def nearest(N: float, account: Account) -> ModelConfig:
    """Return the decoder of about this N that is nearest to what a trainer would build."""
    from ...models.shape.ladder import LARGEST_N, nearest_shape

    return nearest_shape(min(max(N, 1.0), LARGEST_N), account.vocab_size, account.context)


def show_follow_up(result: dict[str, Any]) -> None:
    """Print shape and compute, the same plan at C = 6 N D, learning rate and batch, epochs: a line each."""
    from ...laws.plans.learning_rates import learning_rate_sentence

    of, shape = result["compute"], result["compute"]["shape"]
    heads = f"{shape['heads']} head{'s' * (shape['heads'] != 1)}"
    click.echo(
        f"Shape: hidden {shape['hidden']}, {shape['layers']} layers, {heads}; N_total {of['N_total']:.3g}; the "
        f"vocabulary of {of['vocab_size']:,} ({of['vocab_size_from']}) takes {100 * of['head_share_of_flops']:.2g}% of "
        f"the FLOPs and {100 * of['embedding_share_of_parameters']:.2g}% of the parameters"
    )
    if six := result.get("six_nd"):
        click.echo(
            f"C is all FLOPs, head and attention (documents of {of['context']:,}) too, {result['C_6nd']:.3g} of them "
            f"6 N D; were C = 6 N D: N {six['N']:.3g}, D {six['D']:.3g}, D/N {six['tokens_per_parameter']:.3g}"
        )
    else:
        click.echo(
            f"C is 6 N D, all that this law knows; with head and attention the training takes {of['C']:.3g} FLOPs"
        )
    click.echo(f"Training: {learning_rate_sentence(result['training'])}")
    show_epochs(result)
