"""A fit as text on a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import click

from ..printing import print_table


def summary(document: dict[str, Any]) -> str:
    """One line about a fit: may its law be used?"""
    if "variants" in document:
        return f"{'reportable' if document['reportable'] else 'NOT reportable'} ({document['reason']})"
    if "laws" in document:
        return f"{len(document['laws'])} laws compared"
    if "splits" in document:
        return f"{len(document['links'])} links compared; {document['reason']}"
    verdict = "usable" if document["usable"] else "NOT a usable law: " + ", ".join(document["flags"] or ["poor fit"])
    return f"{document['message']}; {verdict}"


def _columns(document: dict[str, Any]) -> str:
    unit = document.get("loss_unit", "nats per token")
    named = ", ".join(f"{key} = {value}" for key, value in document["columns"].items())
    return named if unit == "nats per token" else f"{named}; losses in {unit}"


def show_dataset(document: dict[str, Any]) -> None:
    """Print both fits of a sweep's dataset."""
    click.echo(f"{document['dataset']}: {summary(document)}")
    click.echo(f"regime: {document['regime'] or 'not known without a floor'}; cells used: {document['cells']}")
    for name, variant in document["variants"].items():
        if variant:
            click.echo(f"\nE {'free' if name == 'free' else 'at the floor'}: {variant['message']}")
            _print_fit(variant)


def show_comparison(document: dict[str, Any]) -> None:
    """Print the laws side by side."""
    click.echo(f"Laws by held-out error at the largest C = 6ND ({_columns(document)})")
    columns = "law n parameters objective rms_log_residual holdout_rms message".split()
    print_table(document["laws"], columns)


def show_links(document: dict[str, Any]) -> None:
    """Print the links side by side, their splits, and how far these lie apart."""
    click.echo(
        f"L = E + g(z), z = ln(A/N^alpha + B/D^beta), by the link g; {document['n']} rows ({_columns(document)})"
    )
    columns = "link n_parameters rms_log_residual holdout_rms a usable message".split()
    print_table(document["links"], columns)
    click.echo(f"  {document['reason']}")
    click.echo("\nBest N, C = 6ND: it depends on z alone, so links differ in it only by what each makes of the errors")
    band = f"{100 * document['level']:g}% low"
    rows = []
    for row in document["splits"]:
        low, high = (_span([end], ".3g") for end in row["interval"])
        N = f"{row['N']:.3g}{'' if row['identified'] else ' NOT IDENTIFIED'}"
        rows.append({"C": f"{row['C']:.3g}", "link": row["link"], "N": N, band: low, "high": high})
    print_table(sorted(rows, key=lambda row: float(row["C"])))
    click.echo(f"  intervals: {document['interval_method']}")
    for row in document["disagreement"]:
        words = "fewer than two links identify the split" if row["factor"] is None else (
            f"{row['n_links']} links that identify it lie within a factor of {row['factor']:.3g} in N"
        )  # fmt: skip
        click.echo(f"  C = {row['C']:.3g}: {words}")


def show_other(document: dict[str, Any]) -> None:
    """Print a fit of a law other than the additive one."""
    click.echo(f"{document['formula']}, {document['n']} rows ({_columns(document)})")
    _print_warnings(document)
    _print_estimates(document["parameters"] | document.get("exponents", {}), document)
    _print_quality(document, (document["holdout"] or {}).get("rms_log_error"))
    if held := document.get("holdout_repeated"):
        click.echo(f"  hold-out of the tenth of the runs with the most epochs: {held['rms_log_error']:.4g}")
    if bound := document.get("overfitting_bound"):
        click.echo(
            f"  overfitting stays within {bound['tolerance']:.0%} for D >= k N^p, k = {bound['k']:.3g} "
            f"({_span(bound['k_interval'], '.3g')}), p = {bound['p']:.3f} ({_span(bound['p_interval'], '.3f')}); "
            "published 5e3 N^0.74"
        )
    _print_refused(document)
    for plan in document.get("allocation", ()):
        ends, unique = plan["intervals"], f" with {plan['U']:.3g} unique tokens" if "U" in plan else ""
        epochs = f" ({plan['epochs']:.2g} epochs)" if "U" in plan else f" ({_span(ends['D'], '.3g')})"
        near = f", N within 0.1 %: {_span(plan['near_best']['N'], '.2g')}" if "near_best" in plan else ""
        click.echo(
            f"  C = {plan['C']:.3g}{unique}: N {plan['N']:.4g} ({_span(ends['N'], '.3g')}), D {plan['D']:.4g}{epochs}, "
            f"loss {plan['loss']:.4f} ({_span(ends['loss'], '.4f')}){near}"
            f"{'' if plan['identified'] else ' NOT IDENTIFIED'}"
        )


def _print_refused(document: dict[str, Any]) -> None:
    """Say which splits are withheld, why, and what would settle it."""
    for doubt in document.get("plan_refused", ()):
        click.echo(f"  no split: {doubt['reason']}; {doubt['remedy']}")


def _span(ends: Iterable[float | None], how: str) -> str:
    """An interval as text; an end that is not known has no number."""
    return " .. ".join("unbounded" if end is None or not math.isfinite(end) else format(end, how) for end in ends)


def show_law(document: dict[str, Any]) -> None:
    """Print a law of N and D: estimates, quality, allocation, approaches, serving."""
    formula = document["formula"].replace("L = ", "L(N, D) = ", 1)
    click.echo(f"{formula}, {document['n']} rows ({_columns(document)})")
    _print_fit(document)
    click.echo()
    _print_refused(document)
    if document["allocation"]:
        _print_allocation(document)
    for point in document["predictions"] if document["usable"] else ():
        click.echo(
            f"loss at N {point['N']:.4g}, D {point['D']:.4g}: {point['loss']:.4f} ({_span(point['interval'], '.4f')})"
        )
    if not {"poor fit", "mixed runs", "not converged"} & set(document["flags"]):
        _print_approaches(document["approaches"])
    if document["serving"]:
        _print_serving(document["serving"])


def _print_allocation(document: dict[str, Any]) -> None:
    a = document["parameters"]["beta"] / (document["parameters"]["alpha"] + document["parameters"]["beta"])
    growth = "" if document["plan_refused"] else (
        f"; ten times C: {10**a:.3g} x N, {10 ** (1 - a):.3g} x D (Chinchilla 3.16 and 3.16, Kaplan 5.5 and 1.8)"
    )  # fmt: skip
    click.echo(f"Compute-optimal split, C = 6ND (* outside the runs){growth}")
    rows = []
    for plan in document["allocation"]:
        row = {"C": f"{plan['C']:.3g}{'*' if plan['extrapolates'] else ''}"}
        for key in ("N", "D", "loss"):
            row[key] = f"{plan[key]:.4g}"
            row[f"{key} interval"] = _span(plan["intervals"][key], ".4g")
        row["D/N"] = f"{plan['D'] / plan['N']:.3g}"
        near = plan["near_best"]
        row[f"N within {100 * near['tolerance']:.2g} %"] = _span(near["N"], ".2g")
        row["N Chinchilla"] = f"{plan['published']['chinchilla']['N']:.3g}"
        row["N Kaplan"] = f"{plan['published']['kaplan']['N']:.3g}"
        if not plan["identified"]:
            row["C"] += " NOT IDENTIFIED"
        rows.append(row)
    print_table(rows)
    counted = [(plan["C"], plan["all_flops"]) for plan in document["allocation"] if "all_flops" in plan]
    if counted:
        click.echo("The same where C is all FLOPs, head and attention too")
        print_table([_counted_row(C, plan) for C, plan in counted])


def _counted_row(C: float, plan: dict[str, Any]) -> dict[str, str]:
    row = {"C": f"{C:.3g}"}
    for key in ("N", "D", "loss"):
        row[key] = f"{plan[key]:.4g}"
        row[f"{key} interval"] = _span(plan["intervals"][key], ".4g")
    return row | {"D/N": f"{plan['D'] / plan['N']:.3g}", "6 N D": f"{plan['C_6nd']:.3g}"}


def _print_approaches(approaches: dict[str, dict[str, Any]]) -> None:
    click.echo("\na in N_opt ~ C^a by other approaches:")
    for name, found in approaches.items():
        if name in ("additive law", "law"):
            continue
        value = "-" if found["a"] is None else f"{found['a']:.3f} ({_span(found['interval'], '.3f')})"
        bias = "" if found["bias"] is None else f"; bias on this law {found['bias']:+.3f}"
        if found.get("bias_N") is not None:
            bias += f" in a, {found['bias_N']:+.1%} in N"
        click.echo(f"  {name}: {value}{bias}; {found['note']}")
    found = approaches["isoflop"]
    for point in found["points"] if found.get("measured") else ():
        click.echo(f"    C = {point['C']:.3g}: N {point['N']:.3g} ({_span(point['interval'], '.3g')})")


def _print_serving(plan: dict[str, Any]) -> None:
    mark = "" if plan["identified"] else " (NOT IDENTIFIED)"
    click.echo(
        f"\nTo serve {plan['served_tokens']:.3g} tokens at loss {plan['loss']:g} for the least total FLOPs{mark}:"
    )
    ends = plan["intervals"] or {}
    rows = [{"": key.replace("_", " "), "plan": plan[key], "low": ends.get(key, [None])[0],
             "high": ends.get(key, [None])[-1]}
            for key in ("N", "D", "training_flops", "total_flops")]  # fmt: skip
    print_table(rows)


def _print_warnings(fit: dict[str, Any]) -> None:
    for text in fit["warnings"]:
        click.echo(f"  warning: {text}")
    if not fit["usable"] and fit["objective"] is not None:
        click.echo("  NOT A USABLE LAW: the estimates below are for diagnosis only; no split is drawn from them")


def _print_fit(fit: dict[str, Any]) -> None:
    _print_warnings(fit)
    if fit["objective"] is None:
        return
    estimates = dict(fit["parameters"])
    total = estimates["alpha"] + estimates["beta"]
    estimates.update(a=estimates["beta"] / total, b=estimates["alpha"] / total)
    _print_estimates(estimates, fit)
    _print_quality(fit, fit["holdout"]["rms_log_error"])
    if fit["lack_of_fit"]:
        from ...laws.dependence.statistics.permutation import p_words

        test = fit["lack_of_fit"]
        click.echo(f"  lack of fit against replicates: F({test['df1']}, {test['df2']}) = {test['F']:.3g}, "
                   f"{p_words(test['p_value'])}")  # fmt: skip


def _print_estimates(estimates: dict[str, Any], fit: dict[str, Any]) -> None:
    low = f"{100 * fit['level']:g}% low"
    rows = []
    for name, value in estimates.items():
        lo, hi = ("unbounded" if isinstance(end, float) and math.isinf(end) else end for end in fit["intervals"][name])
        rows.append({"": name, "estimate": value, low: lo, "high": hi})
    print_table(rows)
    click.echo(f"  intervals: {fit['interval_method']}")


def _print_quality(fit: dict[str, Any], held: float | None) -> None:
    condition = f", condition {fit['condition_number']:.2g}" if "condition_number" in fit else ""
    click.echo(
        f"  objective {fit['objective']:.8g}, RMS log residual {fit['rms_log_residual']:.4g}, "
        f"hold-out {'-' if held is None else f'{held:.4g}'}{condition}, {fit['fraction_of_starts']:.0%} of starts agree"
    )
