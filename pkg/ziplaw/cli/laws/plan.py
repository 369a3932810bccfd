"""``ziplaw plan``: score a corpus, then predict; the one-line answer."""

from __future__ import annotations

from typing import Any

import click

from ..options import source_options, threads_option
from ..printing import print_json, read_line
from ..verb import Verb
from .predict import law_options, predicted, refused, show, withheld


@click.command(cls=Verb)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True))
@source_options
@click.option("--window", default=256, show_default=True, help="Tokens in a scored window.")
@click.option("--samples", default=1000, show_default=True, help="Windows scored; H is their median.")
@threads_option
@law_options
def command(
    paths: tuple[str, ...],
    tokenizer: str,
    reading: dict[str, Any],
    window: int,
    samples: int,
    threads: int | None,
    flops: float,
    law: str | None,
    level: float,
    epsilon: float,
    anyway: bool,
    as_json: bool,
) -> None:
    """Score each PATH, then predict how to split FLOPS between parameters and tokens for THIS data.

    Where the law does not identify the split, H is printed with the reason and the exit status is 2; so it is where the
    law's H was measured otherwise (window, tokenizer). The law shipped with ziplaw is of models of a few thousand
    parameters: for a plan, measure one on data like yours (config/README.md).

    \b
      ziplaw plan my_corpus/ --flops 1e21 --law results/mine/regression.json
      ziplaw plan my_corpus/ --flops 1e18 --anyway
    """  # noqa: D301
    import os

    from ...base.threads import n_threads
    from ...corpora.readers import open_source
    from ...corpora.scoring import remarks, score_source
    from ...laws.dependence.measure_of_H import check_score
    from ...sweep.reference_law import read_law

    # the tokenizers library starts its own threads, and asks only the environment how many
    os.environ.setdefault("RAYON_NUM_THREADS", str(n_threads(threads)))
    results, document = [], read_law(law)
    for path in paths:
        source = open_source(path, binary=tokenizer == "bytes", **reading)
        score = score_source(source, tokenizer, window, samples, threads)
        click.echo(read_line(path, source), err=True)
        notes = check_score(document.get("H_of"), score) + remarks(score)
        shown = {key: value for key, value in score.items() if key != "sizes"}
        result = predicted(document, score["H"], flops, law, level, epsilon, anyway)
        result |= {"dataset": score["dataset"], "score": shown}
        result["warnings"] += notes
        result["notes"] = notes
        results.append(result)
    if as_json:
        print_json(results[0] if len(results) == 1 else results)
    else:
        for i, (path, result) in enumerate(zip(paths, results)):
            click.echo(f"{chr(10) if i else ''}{click.format_filename(path)}: {_score(result)}")
            if not withheld(result):
                show(result)
                continue
            for text in result["notes"]:
                click.echo(f"Warning: {text}.")
    for path, result in zip(paths, results):
        if withheld(result):
            raise refused(result, f"{click.format_filename(path)}: " if len(paths) > 1 else "")


def _score(result: dict[str, Any]) -> str:
    score = result["score"]
    how = f"sd {score['std']:.4f} over {score['n']} windows of {score['window']} tokens"
    how += f", tokenizer {score.get('tokenizer') or 'ids'}"
    if score.get("bytes_per_token"):
        how += f", {score['bytes_per_token']:.2f} bytes a token"
    return f"H = {result['H']:.4f} ({how})"
