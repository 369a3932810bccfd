"""``ziplaw tokenizer``: a vocabulary for a corpus, trained or given, and what it costs."""

from __future__ import annotations

from typing import Any

import click

from ...base.limits import FLOPS
from ..options import CountOrAuto, Number, json_option, reading_options
from ..printing import bytes_read, print_json, print_table, read_lines, say_written
from ..verb import TokenizerFile, TokenizerName, Verb

COLUMNS = {
    "vocabulary": "vocab_size",
    "tokens": "tokens",
    "bytes/token": "bytes_per_token",
    "times seen": "times",
    "pilot's N": "pilot_N",
    "head, pilot": "pilot_head_share",
    "target's N": "target_N",
    "head, target": "target_head_share",
}


@click.command(cls=Verb)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--builtin", help="Take a built-in corpus, code or prose, instead of a PATH.")
@click.option("--tokenizer", type=TokenizerName(), help="Take this one (bytes, bundled, bpe:FILE) instead of training.")
@reading_options
@click.option(
    "--vocab-size",
    type=CountOrAuto(),
    default="auto",
    show_default=True,
    help="Tokens in the vocabulary; auto: the largest power of two from 256 to 8192 that pilot and text can bear.",
)
@click.option("--pilot-flops", type=Number(FLOPS), help="Training FLOPs of all of the pilot.")
@click.option("--flops", type=Number(FLOPS), help="Training FLOPs of the target.")
@click.option("--context", default=256, show_default=True, help="Tokens in a document.")
@click.option("--seed", default=0, show_default=True, help="Decides which pieces of a large text are learned from.")
@json_option
@click.option(
    "-o", "--output", required=True, type=TokenizerFile(), help="tokenizer.json, with tokenizer.report.json beside it."
)
def command(
    paths: tuple[str, ...],
    builtin: str | None,
    tokenizer: str | None,
    reading: dict[str, Any],
    vocab_size: int | None,
    pilot_flops: float | None,
    flops: float | None,
    context: int,
    seed: int,
    as_json: bool,
    output: str,
) -> None:
    """Train a byte-level BPE on an even sample of the PATHs, and say what its vocabulary costs.

    The output head of a small model takes most of its compute. With --vocab-size auto the vocabulary is the largest of
    which the head takes at most half of the FLOPs of the pilot's largest run (a sixth of --pilot-flops), and each entry
    stands 100 times or more in the text on average. Without --pilot-flops the text alone decides.

    \b
      ziplaw tokenizer my_code/ --pilot-flops 1e13 --flops 1e18 -o tokenizer.json
      ziplaw import my_code/ --tokenizer bpe:tokenizer.json -o corpora/my_code
    """  # noqa: D301
    if bool(paths) == (builtin is not None):
        raise click.UsageError("give exactly one of PATH (or several) and --builtin")
    if tokenizer is not None and vocab_size is not None:
        raise click.UsageError("give one of --tokenizer and --vocab-size: a tokenizer has its vocabulary")

    from ...corpora.builtin import open_builtin
    from ...corpora.readers import open_several
    from ...corpora.tokenizers import takes_any_bytes
    from ...corpora.vocabulary.tokenizer_report import make_tokenizer, report_path

    binary = tokenizer is not None and takes_any_bytes(tokenizer)
    source = open_builtin(builtin) if builtin else open_several(paths, binary=binary, **reading)
    report = make_tokenizer(
        source,
        output,
        tokenizer,
        vocab_size,
        pilot_C=pilot_flops,
        target_C=flops,
        context=context,
        seed=seed,
        progress=bytes_read,
    )
    if as_json:
        print_json(report)
    else:
        print_table(
            [_row(row) for row in report["table"]], [c for c, key in COLUMNS.items() if key in report["table"][0]]
        )
        say_written(output, f"a vocabulary of {report['why']}", report_path(output))
    for line in read_lines(builtin or paths[0], source):
        click.echo(line, err=True)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    shares = {key: f"{value:.1%}" for key, value in row.items() if key.endswith("_share")}
    shown = row | shares | {"times": round(row["times"])}
    return {column: shown.get(key) for column, key in COLUMNS.items()}
