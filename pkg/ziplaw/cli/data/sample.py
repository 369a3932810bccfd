"""``ziplaw sample``: a corpus of training and validation documents from a grammar."""

from __future__ import annotations

import click

from ..options import threads_option
from ..printing import CORPUS_FILES, say_written
from ..verb import CorpusFolder, Verb


@click.command(name="sample", cls=Verb)
@click.argument("grammar_file", type=click.Path(exists=True, dir_okay=False))
@click.option("--documents", type=click.IntRange(min=1), required=True, help="Training documents.")
@click.option(
    "--valid-documents", type=click.IntRange(min=1), default=256, show_default=True, help="Validation documents."
)
@click.option("--context", type=int, default=256, show_default=True, help="Tokens per document.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the documents.")
@click.option(
    "--mode",
    type=click.Choice(["exact", "paper"]),
    default="exact",
    show_default=True,
    help="exact: the definition; paper: with the habits of the paper's published code.",
)
@threads_option
@click.option("-o", "--output", type=CorpusFolder(), required=True,
              help="The corpus folder to write: train.npy, valid.npy and meta.json.")  # fmt: skip
def command(
    grammar_file: str,
    documents: int,
    valid_documents: int,
    context: int,
    seed: int,
    mode: str,
    threads: int | None,
    output: str,
) -> None:
    """Sample a corpus of training and validation documents from a grammar.

    Documents go straight into memory-mapped files, so a corpus needs no more memory than its file.

    \b
      ziplaw sample grammar.json --documents 4096 -o corpora/mine
    """  # noqa: D301
    from ...corpora.sampled import sample_corpus

    names = ("--documents", "--valid-documents")
    sample_corpus(grammar_file, output, documents, valid_documents, context, seed, threads, mode, names=names)
    say_written(
        output, f"{documents} training and {valid_documents} validation documents of {context} tokens, {CORPUS_FILES}"
    )
