"""``ziplaw presets``: the paper's grammars and their compressibility."""

import click

from ..base.limits import PRESET_SEEDS
from ..base.outputs import by_header
from ._common import json_option, print_json, print_table, say_written, threads_option
from ._verb import OutputFile, Verb

SHAPE = "preset group n_nonterminals n_terminals max_rhs_options max_rhs_length".split()
COLUMNS = [*SHAPE, *"seed sub_seed H H_mean H_std paper_H rho_m rho_lc truncated".split()]


@click.command(name="presets", cls=Verb)
@click.option("--seeds", type=click.IntRange(*PRESET_SEEDS), default=5, show_default=True, help="Grammars per preset.")
@click.option("--documents", type=click.IntRange(2), default=1000, show_default=True, help="Documents per grammar.")
@click.option("--group", type=click.Choice(["main", "vocabulary", "compressibility"]), help="Only this group.")
@click.option("--list", "only_list", is_flag=True, help="List names and shapes; draw nothing.")
@click.option(
    "-o",
    "--output",
    type=OutputFile(by_header(lambda: [COLUMNS, [*SHAPE, "paper_H"]])),
    help="Write one CSV row for each preset and seed.",
)
@threads_option
@json_option
def command(seeds, documents, group, only_list, output, threads, as_json):
    """Score the paper's preset grammars (its Table 1 and Figure 1).

    Every preset is drawn with several seeds and its documents are scored for H, the gzip-compressibility. Where every
    draw is critical (sentences without end), the first that keeps emitting tokens is taken and marked truncated.

    \b
      ziplaw presets --list
      ziplaw presets --seeds 1 --group main
    """  # noqa: D301
    from ..grammars.presets import PRESETS

    chosen = {name: preset for name, preset in PRESETS.items() if group in (None, preset["group"])}
    if only_list:
        rows = [_shape_columns(name, preset) for name, preset in chosen.items()]
    else:
        rows = _score(chosen, seeds, documents, threads)
    if output:
        from ..base.documents import write_csv

        write_csv(output, rows)
        say_written(output, f"{len(rows)} rows")
    elif as_json:
        print_json({"presets": rows})
    else:
        print_table(rows if only_list else _summary(rows))


def _shape_columns(name, preset):
    return {**dict(zip(SHAPE, (name, preset["group"], *preset["shape"]))), "paper_H": preset["paper_h"]}


def _score(presets, seeds, documents, threads):
    import statistics

    from ..base.documents import progress
    from ..corpora.compress import compressibility
    from ..grammars.presets import draw_preset
    from ..grammars.sampling import sample

    rows = []
    bar = progress(total=len(presets) * seeds, desc="presets", unit="grammar")
    for name, preset in presets.items():
        for seed in range(seeds):
            grammar = draw_preset(name, seed)
            facts = grammar.provenance
            score = compressibility(sample(grammar, documents, seed=seed, threads=threads), threads=threads)
            rows.append(
                {
                    **_shape_columns(name, preset),
                    "seed": seed,
                    "sub_seed": facts["sub_seed"],
                    "H": score.median,
                    "rho_m": facts["rho_m"],
                    "rho_lc": facts["rho_lc"],
                    "truncated": facts["supercritical"] == "truncate",
                }
            )
            bar.update()
        scores = [row["H"] for row in rows[-seeds:]]
        spread = {"H_mean": statistics.fmean(scores), "H_std": statistics.stdev(scores) if seeds > 1 else None}
        for row in rows[-seeds:]:
            row.update(spread)
    bar.close()
    return [{column: row[column] for column in COLUMNS} for row in rows]


def _summary(rows):
    """One line a preset: H over the seeds beside the paper's."""
    lines = {}
    for row in rows:
        line = lines.setdefault(row["preset"], {"preset": row["preset"], "shape": "", "seeds": 0})
        shape = (row["n_nonterminals"], row["n_terminals"], row["max_rhs_options"], row["max_rhs_length"])
        line["shape"] = ",".join(map(str, shape))
        line["seeds"] += 1
        line |= {"H": row["H_mean"], "H_std": row["H_std"], "paper_H": row["paper_H"], "truncated": row["truncated"]}
        lines[row["preset"]] = line
    return list(lines.values())
