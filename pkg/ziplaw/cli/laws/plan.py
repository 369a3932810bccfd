"""``ziplaw plan``: score a corpus, then plan: published grids, moved by its H, settled by runs of one's own."""

from __future__ import annotations

from typing import Any

import click

from ..options import source_options, threads_option
from ..printing import print_json, read_line
from ..verb import SweepFolder, Verb
from .accounting import accounting, accounting_options, follow_up, of_source
from .config_option import check_config_options, config_options, write_model_config
from .evidence import evidence_options, flops_option, gather, planned
from .law_alone import law_prediction, law_refused, show_law
from .plan_of_pilot import print_pilot_plan, rate_options
from .repetition import tokens_here, unique_option
from .show_plan import refused, show, withheld, without_split


@click.command(cls=Verb)
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option("--pilot", type=SweepFolder(), help="Plan from this pilot, results/NAME, in place of PATHs.")
@source_options
@click.option("--window", default=256, show_default=True, help="Tokens in a scored window.")
@click.option("--samples", default=1000, show_default=True, help="Windows scored; H is their median.")
@threads_option
@unique_option
@flops_option(required=False)
@click.option(
    "--by",
    type=click.Choice(["H", "beyond_bigram"]),
    default="H",
    show_default=True,
    help="What moves the prior: H, or by the study's effect what two more tokens tell of the next one.",
)
@rate_options
@accounting_options
@evidence_options
@config_options
def command(
    paths: tuple[str, ...],
    pilot: str | None,
    tokenizer: str,
    reading: dict[str, Any],
    window: int,
    samples: int,
    threads: int | None,
    unique: float | None,
    vocab_size: float | None,
    context: float | None,
    write_config: str | None,
    output: str | None,
    flops: float | None,
    gpu_flops: float,
    price: float,
    level: float,
    epsilon: float,
    anyway: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Score each PATH, then plan how to split FLOPS between parameters and tokens for THIS data; or plan from a pilot.

    Published grids of runs say where to begin (--prior), H of the data moves it (by --law), runs of your own on this
    data settle it (--runs); every line of the sum is printed. With --prior none and no runs the law in H plans alone.
    Where the split is not identified, H is printed with the reason and the exit status is 2; so it is where the law's
    H was measured otherwise (window, tokenizer).

    FLOPS are all of those of training a decoder: head and attention are counted with --vocab-size and --context, and
    what the split were at C = 6 N D stands beside. --write-config writes the planned model for another trainer.

    \b
      ziplaw plan my_corpus/ --flops 1e21
      ziplaw plan my_corpus/ --flops 1e21 --runs my_runs.csv
      ziplaw plan my_corpus/ --flops 1e21 --law results/mine/fits/my_corpus.json
      ziplaw plan my_corpus/ --flops 1e20 --unique 2e9
      ziplaw plan --pilot results/mine
      ziplaw plan my_corpus/ --flops 1e20 --vocab-size 32000 --context 2048 --write-config hf -o config.json
      ziplaw plan my_corpus/ --flops 1e13 --prior none --law results/mine/regression.json
    """  # noqa: D301
    check_config_options(write_config, output, len(paths))
    if pilot is not None:
        if given["by"] != "H":
            raise click.UsageError("--by is of PATHs: a pilot's prior is moved by its H")
        if paths or any(given[name] for name in ("runs", "where")):
            raise click.UsageError("--pilot brings corpus and runs: leave PATHs, --runs and --where out")
        if vocab_size or context:
            raise click.UsageError("--pilot brings vocabulary and context: leave --vocab-size and --context out")
        plan = print_pilot_plan(
            pilot, flops, anyway=anyway, as_json=as_json, level=level, prior=given["prior"], law=given["law"],
            gpu_flops=gpu_flops, price=price, unique=unique, threads=threads,
        )  # fmt: skip
        if write_config and output:
            write_model_config(write_config, output, plan, plan["shape"], plan["recipe"], err=as_json)
        return
    if not paths or flops is None:
        raise click.UsageError(f"Missing {'option --flops' if paths else 'a PATH, or --pilot'}.")
    import os

    from ...base.threads import n_threads
    from ...corpora.readers import open_source
    from ...corpora.scoring import remarks, score_source
    from ...laws.dependence.measure_of_H import check_score
    from ...sweep.effects.covariate_of_text import difference_of_covariate
    from ...sweep.published_prior import difference_of_H

    # the tokenizers library starts its own threads, and asks only the environment how many
    os.environ.setdefault("RAYON_NUM_THREADS", str(n_threads(threads)))
    evidence = gather(epsilon=epsilon, **given)
    results: list[dict[str, Any]] = []
    hidden: list[bool] = []
    for path in paths:
        source = open_source(path, binary=tokenizer == "bytes", **reading)
        score = score_source(source, tokenizer, window, samples, threads)
        click.echo(read_line(path, source), err=True)
        notes = remarks(score)
        # runs alone need no law in H
        if (evidence.prior is not None or evidence.law_alone) and not evidence.covariate:
            notes = check_score(evidence.law.get("H_of"), score) + notes
        account = accounting(vocab_size, context, of_source(source, score))
        if evidence.law_alone:
            result = law_prediction(evidence.law, score["H"], flops, evidence.law_name, level, epsilon, anyway)
            hidden.append(result["N"] is None)
        else:
            reference, difference = None, None
            if evidence.covariate:
                difference, more = difference_of_covariate(
                    evidence.prior, evidence.law, source, tokenizer, window, threads
                )
            else:
                reference, more = difference_of_H(evidence.prior, score, tokenizer, threads)
            notes += more
            result = planned(evidence, score["H"], flops, level, reference, account, difference)
            hidden.append(withheld(result, anyway))
        result |= {"dataset": score["dataset"], "score": {k: v for k, v in score.items() if k != "sizes"}}
        follow_up(result, account, hidden[-1], unique, tokens_here(source, score))
        result["warnings"] += notes
        result["notes"] = notes
        results.append(result)
    if as_json:
        shown = results
        if not evidence.law_alone:
            shown = [without_split(result) if hide else result for result, hide in zip(results, hidden)]
        print_json(shown[0] if len(shown) == 1 else shown)
    else:
        for i, (path, result) in enumerate(zip(paths, results)):
            click.echo(f"{chr(10) if i else ''}{click.format_filename(path)}: {_score(result)}")
            if not hidden[i]:
                (show_law if evidence.law_alone else show)(result)
                continue
            for text in result["notes"]:
                click.echo(f"Warning: {text}.")
    for path, result, hide in zip(paths, results, hidden):
        if hide:
            name = f"{click.format_filename(path)}: " if len(paths) > 1 else ""
            raise law_refused(result, name) if evidence.law_alone else refused(result, name)
    if write_config and output:
        (plan,) = results
        write_model_config(write_config, output, plan, plan["compute"], plan["training"], err=as_json)


def _score(result: dict[str, Any]) -> str:
    score = result["score"]
    how = f"sd {score['std']:.4f} over {score['n']} windows of {score['window']} tokens"
    how += f", tokenizer {score.get('tokenizer') or 'ids'}"
    if score.get("bytes_per_token"):
        how += f", {score['bytes_per_token']:.2f} bytes a token"
    return f"H = {result['H']:.4f} ({how})"
