"""``ziplaw floor``: the Bayes-optimal loss of a grammar."""

from __future__ import annotations

import click

from ...base.outputs import by_kind
from ..options import json_option, threads_option
from ..printing import print_json, print_table, say_written
from ..verb import OutputFile, Verb


@click.command(name="floor", cls=Verb)
@click.argument("grammar_file", metavar="GRAMMAR", type=click.Path(exists=True, dir_okay=False))
@click.option("--documents", type=click.IntRange(1), default=1000, show_default=True, help="Documents to sample.")
@click.option("--context", type=click.IntRange(1), default=256, show_default=True, help="Tokens per document.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the sampled documents.")
@click.option(
    "--corpus",
    type=click.Path(exists=True, file_okay=False),
    help="Use this corpus's own validation documents, so that a model's excess loss over the floor is paired.",
)
@click.option("--dataset", help="Name to store [default: the grammar file's name].")
@threads_option
@json_option
@click.option("-o", "--output", type=OutputFile(by_kind("floor")), help="Write the floor as JSON here.")
def command(
    grammar_file: str,
    documents: int,
    context: int,
    seed: int,
    corpus: str | None,
    dataset: str | None,
    threads: int | None,
    as_json: bool,
    output: str | None,
) -> None:
    """Compute the Bayes-optimal loss of GRAMMAR in nats per token, with its standard error.

    It is the loss of a model that knows the grammar: exact probabilities of documents, averaged over documents
    sampled from the grammar or, with --corpus, over a corpus's validation documents.

    \b
      ziplaw floor grammar.json --corpus corpora/mine -o floors/mine.json
    """  # noqa: D301
    from ...corpora.sampled import floor_document

    document = floor_document(
        grammar_file, corpus, documents=documents, context=context, seed=seed, threads=threads, dataset=dataset
    )
    if output:
        from ...base.documents import write_json

        write_json(output, document, kind="floor")
    if as_json:
        print_json(document)
    elif output:
        several = document["n_documents"] > 1
        spread = f"+- {document['stderr']:.4f} nats per token" if several else "nats per token, of one document"
        say_written(output, f"{document['floor']:.4f} {spread}")
    else:
        columns = ["dataset", "floor", "stderr", "n_documents", "context", "entropy_rate", "rho_m", "rho_lc"]
        print_table([document], columns)
