"""``ziplaw floor``: the Bayes-optimal loss of a grammar."""

import click

from ..base.outputs import by_kind
from ._common import json_option, say_written, threads_option
from ._verb import OutputFile, Verb


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
def command(grammar_file, documents, context, seed, corpus, dataset, threads, as_json, output):
    """Compute the Bayes-optimal loss of GRAMMAR in nats per token, with its standard error.

    It is the loss of a model that knows the grammar: exact probabilities of documents, averaged over documents
    sampled from the grammar or, with --corpus, over a corpus's validation documents.

    \b
      ziplaw floor grammar.json --corpus corpora/mine -o floors/mine.json
    """  # noqa: D301
    from pathlib import Path

    from ..base.documents import sha256_file, write_json
    from ..grammars.floor import floor
    from ..grammars.grammar import Grammar
    from ._common import print_json, print_table

    grammar = Grammar.load(grammar_file)
    sha256 = sha256_file(grammar_file)
    tokens = _validation(corpus, sha256) if corpus else sampled(grammar, documents, context, seed, threads)
    found = floor(grammar, tokens, threads)
    critical = grammar.criticality()
    document = {
        "dataset": dataset or Path(grammar_file).stem,
        **found.to_dict(),
        "documents": "valid" if corpus else "sampled",
        "seed": None if corpus else seed,
        "entropy_rate": grammar.entropy_rate(),
        "expected_sentence_length": grammar.expected_sentence_length(),
        "rho_m": critical.rho_m,
        "rho_lc": critical.rho_lc,
        "grammar_sha256": sha256,
    }
    if output:
        write_json(output, document, kind="floor")
    if as_json:
        print_json(document)
    elif output:
        spread = f"+- {found.stderr:.4f} nats per token" if found.n_documents > 1 else "nats per token, of one document"
        say_written(output, f"{found.nats_per_token:.4f} {spread}")
    else:
        columns = ["dataset", "floor", "stderr", "n_documents", "context", "entropy_rate", "rho_m", "rho_lc"]
        print_table([document], columns)


def sampled(grammar, documents, context, seed, threads):
    """Documents for a floor: a stream of their own, which neither training nor validation documents use."""
    from ..grammars.sampling import sample

    return sample(grammar, documents, context, seed, threads, stream=2)


def _validation(folder, sha256):
    from ..corpora.storage.format import open_corpus
    from ..errors import CorpusError

    corpus = open_corpus(folder)
    source = corpus.meta.get("source") or {}
    if source.get("mode", "exact") != "exact":
        raise CorpusError(
            f"{folder} was sampled in {source['mode']} mode, the floor is that of exact mode: sample it again"
        )
    if source.get("grammar_sha256", sha256) != sha256:
        raise CorpusError(f"{folder} was sampled from another grammar file: give the one it was sampled from")
    return corpus.valid
