"""A mixture law as text on a terminal."""

from __future__ import annotations

import statistics
from typing import Any

import click

from ..printing import print_table
from .show_skills import with_interval

_SHOWN = 3


def summary(document: dict[str, Any]) -> str:
    """One line about the law."""
    ranks = [found["rank"] for found in document["holdout"]["domains"].values()]
    return (
        f"{document['n']} mixtures of {len(document['weights'])} domains, {len(ranks)} losses: held-out rank "
        f"correlation {statistics.fmean(ranks):.3f} ({min(ranks):.3f} to {max(ranks):.3f})"
    )


def show_mixtures(document: dict[str, Any]) -> None:
    """Print the law of every domain, errors on mixtures that were held out, predictions, and the best mixture."""
    click.echo("loss = c + k exp(t . w), t = 0 at the average mixture")
    click.echo(summary(document))
    for text in document["warnings"]:
        click.echo(f"  warning: {text}")
    level = f"{100 * document['level']:g}%"
    held = document["holdout"]["domains"]
    print_table(
        [
            {
                "loss": domain,
                "c": with_interval(found["c"], found["c_interval"], ".3f"),
                "k": with_interval(found["k"], found["k_interval"], ".2g"),
                "rank": with_interval(held[domain]["rank"], held[domain]["rank_interval"], ".3f"),
                "error": f"{held[domain]['rms_log_error']:.1%}",
                "lowered most by (t)": _strongest(found["effects"]),
            }
            for domain, found in document["domains"].items()
        ]
    )
    click.echo(
        f"  {level} intervals: {document['interval_method']}; rank and RMS error of folds left out "
        f"({document['holdout']['folds']} folds)"
    )
    for test in document["tests"]:
        _show_test(test, level)
    for i, found in enumerate(document["predictions"], start=1):
        click.echo(f"\nMixture {i}: {_mixture(found['weights'])}; {level} intervals of a run:")
        print_table([{"loss": domain, "predicted": with_interval(own["loss"], own["interval"], ".3f")}
                     for domain, own in found["domains"].items()])  # fmt: skip
    _show_best(document["best"], level)


def _strongest(effects: dict[str, Any]) -> str:
    """The domains whose weight lowers a loss most for certain: the upper end of t is below 0."""
    sure = sorted((found["interval"][1], name) for name, found in effects.items() if found["interval"][1] < 0)
    shown = [f"{name} {with_interval(effects[name]['t'], effects[name]['interval'], '.1f')}" for _, name in sure]
    return ", ".join(shown[:_SHOWN]) or "none for certain"


def _show_test(test: dict[str, Any], level: str) -> None:
    click.echo(f"\n{test['where']}: {test['n']} mixtures, rank correlation of predicted and measured loss")
    print_table(
        [
            {
                "loss": domain,
                "rank": with_interval(found["rank"], found["rank_interval"], ".3f"),
                "linear": f"{found['rank_linear']:.3f}",
                "ridge": f"{found['rank_ridge']:.3f}",
                "RMS error": f"{found['rms_log_error']:.1%}",
                "mean error": f"{found['mean_log_error']:+.1%}",
                "inside": f"{found['within']:.0%}",
            }
            for domain, found in test["domains"].items()
        ]
    )
    click.echo(
        f"  mean rank {test['mean_rank']:.3f} (linear {test['mean_rank_linear']:.3f}, ridge "
        f"{test['mean_rank_ridge']:.3f}); {level} intervals hold {test['within']:.1%} of the losses"
    )
    if test["other_scale"]:
        click.echo("  runs of another scale: the law tells their order, not their losses")
    favourite = test["favourite"]
    click.echo(
        f"  the mixture with the lowest predicted mean loss is number {favourite['place']} of {test['n']} by "
        f"measurement ({favourite['loss']:.4f}; best {favourite['best']:.4f}, median {favourite['median']:.4f})"
    )


def _mixture(weights: dict[str, float]) -> str:
    shown = sorted(((w, name) for name, w in weights.items() if w >= 0.0005), reverse=True)
    return ", ".join(f"{name} {w:.3f}" for w, name in shown)


def _show_best(best: dict[str, Any], level: str) -> None:
    click.echo(f"\nBest mixture by the law, loss {best['loss']:.4f}: {_mixture(best['weights'])}")
    for name, over in best["over"].items():
        lo, hi = over["interval"]
        verdict = "" if over["real"] else ": NOT more than runs and the law scatter"
        click.echo(f"  gain over the {name} mixture {over['gain']:.4f} ({level} {lo:.4f} .. {hi:.4f}){verdict}")
