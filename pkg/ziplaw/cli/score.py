"""``ziplaw score``: how compressible is it."""

import functools

import click

from ..base.outputs import by_kind
from ._common import json_option, print_json, print_table, say_written, threads_option
from ._verb import OutputFile, Tokenizer, Verb

COLUMNS = [
    "path",
    "H",
    "H_lo",
    "H_hi",
    "mean",
    "sd",
    "q05",
    "q25",
    "q75",
    "q95",
    "n",
    "window",
    "tokens",
    "bytes/token",
]
COLUMNS += ["bytes_H", "tokenizer", "encoding", "zlib"]
# below this a byte-level BPE fits the text badly; the bundled one gives 3.6 for code and 4.2 for prose
FEW_BYTES_PER_TOKEN = 2.5
REPLACED = "invalid UTF-8 sequences replaced"


def source_options(function):
    """Options that say how a PATH is read, as ``tokenizer`` and ``reading``; shared by score, import and plan."""

    @functools.wraps(function)
    def with_reading(*args, **options):
        reading = {name: options.pop(name) for name in ("text_field", "extensions", "dtype", "kind")}
        return function(*args, reading=reading, **options)

    for option in (
        click.option("--dtype", help="Type of the ids in a .bin file: uint8, uint16, int32, uint32 or int64."),
        click.option(
            "--format", "kind", help="Read PATH as text, jsonl, parquet, arrow, npy or bin, whatever its name."
        ),
        click.option("--ext", "extensions", multiple=True, help="In a folder read only files ending so; repeatable."),
        click.option("--field", "text_field", help="Field or column of the text, chat or ids; data.text if nested."),
        click.option(
            "--tokenizer",
            type=Tokenizer(),
            default="bundled",
            show_default=True,
            help="bytes, bundled, or bpe:FILE with FILE a tokenizer.json. Token ids need none.",
        ),
    ):
        with_reading = option(with_reading)
    return with_reading


def scored(path, tokenizer, reading, **how):
    """Score a path; return the score and a line that says what was read and what was left out."""
    from ..corpora.readers import open_source
    from ..corpora.scoring import score_source

    source = open_source(path, binary=tokenizer == "bytes", **reading)
    score = score_source(source, tokenizer, **how)
    return score, said(path, source)


def said(path, source):
    """Return the line that says what was read of a path and what was left out."""
    return f"ziplaw: {click.format_filename(path)}: {source.reading()}"


@click.command(cls=Verb)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--builtin", "builtins", multiple=True, help="Score a built-in corpus, code or prose; repeatable.")
@source_options
@click.option("--window", default=256, show_default=True, help="Tokens in a scored window.")
@click.option("--samples", default=1000, show_default=True, help="Windows scored; H is their median.")
@click.option("--dataset", help="Name in the result [default: the path's last name].")
@threads_option
@json_option
@click.option("-o", "--output", type=OutputFile(by_kind("score")), help="Write the score of ONE path as a JSON file.")
def command(paths, builtins, tokenizer, reading, window, samples, dataset, threads, as_json, output):
    """Score how compressible each PATH is: H, the median of gzip'd size / raw size over windows of tokens.

    A PATH is a text, records (.jsonl, .json, .parquet, .arrow), token ids (.npy, .bin), a folder of sources or of a data
    set, a ziplaw corpus, or a pipe; texts and JSON may be packed (.gz, .zst, .xz, .bz2). Lower H is more compressible.
    bytes_H is H of the raw bytes, with no tokenizer between.

    H_lo to H_hi is its 95 % interval, which allows for windows of one text being alike (docs/data.md).

    H depends on the tokenizer: compare datasets scored with the same one, and look at bytes/token, because an
    under-trained vocabulary looks like compressibility.

    \b
      ziplaw score my_corpus/ notes.txt data.jsonl.zst
      ziplaw score ids.npy --json
      ziplaw score --builtin code --builtin prose
    """  # noqa: D301
    if not paths and not builtins:
        raise click.UsageError("nothing to score: give a PATH, or --builtin code")
    if (output or dataset) and len(paths) + len(builtins) > 1:
        raise click.UsageError("--output and --dataset need exactly one PATH")

    import os

    from ..base.documents import progress, write_json
    from ..base.threads import n_threads
    from ..corpora.scoring import score_builtin
    from ..errors import ZiplawError

    # the tokenizers library starts its own threads, and asks only the environment how many
    os.environ.setdefault("RAYON_NUM_THREADS", str(n_threads(threads)))
    scores, lines, failed = [], [], False
    common = {"window": window, "samples": samples, "threads": threads, "dataset": dataset}
    for path, is_path in progress([(path, True) for path in paths] + [(name, False) for name in builtins]):
        try:
            if is_path:
                score, line = scored(path, tokenizer, reading, **common)
                lines.append(line)
            else:
                score = score_builtin(path, tokenizer, **common)
        except (ZiplawError, OSError) as error:
            if len(paths) + len(builtins) == 1:
                raise
            click.echo(f"ziplaw: error: {error}", err=True)
            failed = True
            continue
        scores.append((path, score))
    if output:
        write_json(output, scores[0][1], kind="score")
    if as_json:
        print_json(scores[0][1] if len(paths) + len(builtins) == 1 else [score for _, score in scores])
    else:
        print_table([_row(path, score) for path, score in scores], COLUMNS)
        if output:
            say_written(output, "the score")
    for line in lines:
        click.echo(line, err=True)
    for path, score in scores:
        for text in remarks(score):
            click.echo(f"ziplaw: note: {click.format_filename(path)}: {text}", err=True)
    return 2 if failed else 0


def _row(path, score):
    names = {"sd": "std", "bytes/token": "bytes_per_token"}
    row = {column: score.get(names.get(column, column)) for column in COLUMNS}
    row["H_lo"], row["H_hi"] = score.get("H_interval") or (None, None)
    return row | {"path": click.format_filename(path), "tokenizer": score.get("tokenizer") or "ids"}


def remarks(score):
    """What a reader of a score has to know, as sentences."""
    # what was left out stands in the line that says what was read
    replaced = score["source"].get("notes", {}).get(REPLACED)
    texts = [f"{REPLACED}: {replaced}"] if replaced else []
    if score.get("tokenised_bytes", 0) < score.get("text_bytes", 0):
        share = score["tokenised_bytes"] / score["text_bytes"]
        texts.append(f"evenly spaced blocks, {share:.2%} of the text, were tokenised")
    few = (score.get("bytes_per_token") or FEW_BYTES_PER_TOKEN) < FEW_BYTES_PER_TOKEN
    if few and "tokenizer_sha256" in score and score["tokenizer"] != "bytes":
        texts.append(
            f"only {score['bytes_per_token']:.2f} bytes a token: the vocabulary does not fit this text, which lowers H; "
            "an under-trained vocabulary looks like compressibility"
        )
    return texts
