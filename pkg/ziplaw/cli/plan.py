"""``ziplaw plan``: score a corpus, then predict; the one-line answer."""

import click

from ._common import print_json, threads_option
from .predict import law_options, make, show
from .score import remarks, source_options


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True))
@source_options
@click.option("--window", default=256, show_default=True, help="Tokens in a scored window.")
@click.option("--samples", default=1000, show_default=True, help="Windows scored; H is their median.")
@threads_option
@law_options
def command(paths, tokenizer, text_field, extensions, dtype, window, samples, threads, flops, law, level, epsilon,
            as_json):  # fmt: skip
    """Score each PATH, then predict how to split FLOPS between parameters and tokens for THIS data.

    \b
      ziplaw plan my_corpus/ --flops 1e21
    """  # noqa: D301
    import os

    from ..corpora.scoring import score_path
    from ..threads import n_threads

    # the tokenizers library starts its own threads, and asks only the environment how many
    os.environ.setdefault("RAYON_NUM_THREADS", str(n_threads(threads)))
    results = []
    for path in paths:
        reading = {"text_field": text_field, "dtype": dtype, "extensions": extensions}
        score = score_path(path, tokenizer, window, samples, threads, **reading)
        shown = {key: value for key, value in score.items() if key != "sizes"}
        result = make(score["H"], flops, law, level, epsilon) | {"dataset": score["dataset"], "score": shown}
        if score["window"] != 256:
            text = f"H was measured over windows of {score['window']} tokens, the law's over 256: they do not compare"
            result["warnings"].append(text)
        result["warnings"] += remarks(score)
        results.append(result)
    if as_json:
        print_json(results[0] if len(results) == 1 else results)
        return
    for i, (path, result) in enumerate(zip(paths, results)):
        score = result["score"]
        how = f"sd {score['std']:.4f} over {score['n']} windows of {score['window']} tokens"
        how += f", tokenizer {score.get('tokenizer') or 'ids'}"
        if score.get("bytes_per_token"):
            how += f", {score['bytes_per_token']:.2f} bytes a token"
        click.echo(f"{chr(10) if i else ''}{click.format_filename(path)}: H = {result['H']:.4f} ({how})")
        show(result)
