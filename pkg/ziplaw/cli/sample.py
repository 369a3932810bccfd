"""``ziplaw sample``: a corpus of training and validation documents from a grammar."""

import click

from ._common import CORPUS_FILES, say_written, threads_option
from ._verb import CorpusFolder, Verb


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
def command(grammar_file, documents, valid_documents, context, seed, mode, threads, output):
    """Sample a corpus of training and validation documents from a grammar.

    Documents go straight into memory-mapped files, so a corpus needs no more memory than its file.

    \b
      ziplaw sample grammar.json --documents 4096 -o corpora/mine
    """  # noqa: D301
    import numpy as np

    from ..base.documents import sha256_file
    from ..corpora.storage.format import CorpusWriter
    from ..grammars.grammar import Grammar
    from ..grammars.sampling import check_sizes, sample

    grammar = Grammar.load(grammar_file)
    # before any file is reserved
    check_sizes(grammar, documents, context, seed, "--documents")
    check_sizes(grammar, valid_documents, context, seed, "--valid-documents")
    source = {
        "kind": "grammar",
        "grammar_sha256": sha256_file(grammar_file),
        "seed": seed,
        "mode": mode,
        "streams": {"train": 0, "valid": 1},
    }
    with CorpusWriter(output, documents, valid_documents, context, grammar.vocab_size, source) as writer:
        for stream, (name, part) in enumerate({"train": writer.train, "valid": writer.valid}.items()):
            lengths = np.empty(len(part), np.int32) if mode == "paper" else None
            sample(grammar, len(part), context, seed, threads, stream, mode=mode, out=part, lengths=lengths)
            if lengths is not None:
                # these have a 0 in place of their last token
                writer.source[f"short_documents_{name}"] = int((lengths < context).sum())
    say_written(
        output, f"{documents} training and {valid_documents} validation documents of {context} tokens, {CORPUS_FILES}"
    )
