"""``ziplaw import``: real data as a corpus to train on."""

from __future__ import annotations

from typing import Any

import click

from ..options import CountOrAuto, by_option, source_options
from ..printing import CORPUS_FILES, bytes_read, read_lines, say_written
from ..verb import CorpusFolder, Verb


@click.command(cls=Verb)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--builtin", help="Import a built-in corpus, code or prose, instead of a PATH.")
@source_options
@click.option("--documents", type=int, help="Training documents, spread over the text [default: all not held out].")
@click.option("--max-documents", type=int, help="At most so many training documents, fewer where the text has fewer.")
@click.option(
    "--valid-documents",
    type=CountOrAuto(),
    default=256,
    show_default=True,
    help="Held-out documents; auto: 256, or a tenth of the tokens where that is fewer.",
)
@click.option("--context", default=256, show_default=True, help="Tokens in a document.")
@click.option("--seed", default=0, show_default=True, help="Chooses what is held out, and the order of the rest.")
@by_option
@click.option(
    "-o", "--output", required=True, type=CorpusFolder(), help="Folder of the corpus: train.npy, valid.npy, meta.json."
)
def command(
    paths: tuple[str, ...],
    builtin: str | None,
    tokenizer: str,
    reading: dict[str, Any],
    documents: int | None,
    max_documents: int | None,
    valid_documents: int | None,
    context: int,
    seed: int,
    by: str,
    output: str,
) -> None:
    """Turn each PATH (text, code, JSON lines, parquet or token ids) into one corpus folder to train on.

    Several paths make one corpus; a file that is named twice, or lies in a folder that is named too, is read once.

    Whole files, records or chapters are held out, one in ten or so, chosen by a hash of their content; of a long one,
    sections. Held-out documents stand at even steps over their text. With --by file whole files are, with all their
    records. Training text that copies held-out text is left out and counted. Ids move up by one: 0 is the separator.

    \b
      ziplaw import my_code/ --ext py --documents 4096 -o corpora/my_code
      ziplaw import notes.txt mail.jsonl docs/ -o corpora/mine
      ziplaw import --builtin prose --tokenizer bytes -o corpora/prose
    """  # noqa: D301
    if bool(paths) == (builtin is not None):
        raise click.UsageError("give exactly one of PATH (or several) and --builtin")
    if documents is not None and max_documents is not None:
        raise click.UsageError("give one of --documents and --max-documents")

    from ...corpora.builtin import open_builtin
    from ...corpora.census import about_held_out, about_unique
    from ...corpora.importing import import_corpus
    from ...corpora.readers import open_several
    from ...corpora.tokenizers import takes_any_bytes

    if builtin:
        source = open_builtin(builtin)
    else:
        source = open_several(paths, binary=takes_any_bytes(tokenizer), **reading)
    count, at_most = documents if max_documents is None else max_documents, max_documents is not None
    held: Any = "auto" if valid_documents is None else valid_documents
    done = import_corpus(source, output, tokenizer, count, held, context, seed, by, at_most, progress=bytes_read)
    say_written(
        output,
        f"{done['n_train']} training documents of {context} tokens"
        + (f" (of {done['train_windows']})" if done["train_windows"] > done["n_train"] else "")
        + f" and {done['n_valid']} held out, of {done['valid_sources']} sources of {done['sources']}; vocabulary "
        f"{done['vocab_size']}"
        + (f", {done['token_bytes']:.2f} bytes a token" if done["token_bytes"] else "")
        + f"; {CORPUS_FILES}",
    )
    if done["share_read"] < 1:
        click.echo(f"ziplaw: note: a seeded sample of the text, {done['share_read']:.2%}, was tokenised", err=True)
    for line in read_lines(builtin or paths[0], source):
        click.echo(line, err=True)
    click.echo(f"ziplaw: {about_unique(done)}", err=True)
    click.echo(f"ziplaw: {about_held_out(done)}", err=True)
    for what, n in done["notes"].items():
        if what in source.notes:  # is in that line
            continue
        click.echo(f"ziplaw: note: {what}: {n}", err=True)
