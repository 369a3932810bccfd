"""Write docs/validation.md from the tables of the studies; no number in it is typed by hand.

python tests/verification/studies/page.py
"""

from pathlib import Path
from statistics import median

from ziplaw.base.documents import read_csv, write_text

HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs" / "validation.md"
QUANTITIES = "E A B alpha beta a b N_opt D_opt loss_opt loss".split()
SPLIT = "a b N_opt D_opt loss_opt loss".split()

HEAD = """# Validation

How often the intervals hold the truth, how often the tests cry wolf, and what published numbers come out as. \
Everything here is made by
nine scripts and this page's own, from simulations with fixed seeds:

    python tests/verification/studies/interval_study.py
    python tests/verification/studies/links/link_study.py
    python tests/verification/studies/links/form_study.py
    python tests/verification/studies/identification_study.py
    python tests/verification/studies/joint_study.py
    python tests/verification/studies/links/split_study.py
    python tests/verification/studies/published.py --data FOLDER     # the published tables of runs, which the project \
does not hold
    python tests/verification/studies/plan_study.py --data FOLDER    # the same tables, and the prior of a plan
    python tests/verification/studies/pilot_study.py                 # simulated pilots
    python tests/verification/studies/page.py

`make verify` runs the slow tests that hold the defaults to their limits. Percentages carry a Monte-Carlo error, given \
with each table.
"""

INTERVALS = """## Coverage of 95 % intervals

Tables of 6 x 6 sizes and budgets from planted additive laws, 1 % noise in log loss, fitted by the default objective \
(Huber, delta = 1e-3)
unless said otherwise. *Large models*: the refitted Chinchilla constants at 5e7 to 1.6e10 parameters; *laptop models*: \
E 1.2, alpha .40,
beta .45 at 1e3 to 1e5 parameters. N_opt, D_opt and loss_opt are the compute-optimal split of ten times the largest C, \
"loss" the prediction at
twice the largest N and D. Percent of simulations whose interval held the truth; the default kind is in bold.
"""

LINKS = """## Coverage under each link

Tables of 6 x 6 sizes and budgets of laptop models from a planted law of each link: the identity, a power (k = .6), \
bounded (k = .8, U = 5), and *saturating*,
U - (U - E) exp(-e^(kz)/(U - E)), which is none of them and of which the free link knows no more than that it rises. \
*All free*: 1 % noise in log loss, E (and U)
fitted, Huber, as `ziplaw fit` does. *At the floor*: 3 % noise in ln(loss - E), least squares of it, E and U known, as \
a sweep does. N_opt, D_opt and loss_opt are the
best split of ten times the largest C, "loss" the prediction at twice the largest N and D; *parameters* gives the \
least and the most of E, A, B, alpha, beta, k, U. Percent of simulations whose 95 % interval
held the truth; the default kind is in bold.
"""

WRONG = """- The *case* bootstrap runs narrow for losses beyond the runs and at the floor; *delta* and *sandwich* \
do not, and only the second holds where noise differs between cells ([log of experiments](../bench/log.md)).
- The free link tells no loss beyond the runs where E is not given (–): a rising curve may level out there. Going on \
as a straight line it would have been held in 78 to 93 % of cases. The split is not touched, for it needs no link.

### With a wrong link

The default intervals where the law is fitted under a link that it has not, or that is wider. *Off by*: median error \
of a, and the median factor by which N_opt is off; *scatter*: half
the width of the middle 68 % of its logarithm.
"""

WRONG_READING = """An interval knows the noise, not the wrong form. Where the misfit is gross it passes for noise, and \
intervals grow with it: a and N_opt of the additive law on bounded
data are off, and still held. A wrong form that fits closely, bounded on *saturating*, is surer than right. Losses \
beyond the runs are wrong under each wrong form. The
free link, which assumes none, holds the split throughout.
"""

FORMS = """## Coverage of Kaplan's laws and of the law of repeated data

Tables of 6 x 6 sizes and budgets from the published constants (Kaplan et al. 2020; with a floor of 1 nat for \
kaplan-coupled; Muennighoff et al. 2023 at 1, 4 and 24 epochs),
fitted as `ziplaw fit --law` does. Percent of simulations whose 95 % interval held the truth; the default kind is in \
bold.
"""

SPLITS = """## Does the best split depend on H? Size and power under the bounded law

Simulated sweeps of 6 datasets (H uniform in .35 to .48) of 6 x 6 cells whose losses follow the bounded law, with 3 % \
noise in ln(loss - floor); each is fitted by
every link at its floor and judged by isoFLOP, and ln N_opt (in the middle of the measured compute) and a are tested \
against H by permutation, as `ziplaw regress` does.
Percent of sweeps in which a test rejects at 5 %: its size where nothing depends on H, its power elsewhere. *Scatter*: \
ln N_opt of a dataset lies off the line by .1 and a by .02
(one standard deviation). *Floor and unigram entropy follow H*: the ends of the loss move with H although the split \
does not.
"""

SPLITS_READING = """Under the right link and the free one the tests keep their size, also where the ends of the loss \
follow H; under the identity and the power that of a
rises to 8 or 9 % where ln N_opt moves. Six datasets show the planted slope of ln N_opt, a factor of 1.6 for .1 of H, \
in about two sweeps of three; a slope that moves a by .08
from one end to the other they seldom show. isoFLOP was tried in few sweeps of the first two kinds only.
"""

REFUSALS = """## How often a split is refused

Tables simulated from planted laws (noise in log loss as given), fitted by default, judged with 200 refits of a case \
bootstrap; the split asked for is that of ten times
the largest C. The upper tables are of ordinary designs: a refusal there is a false one. The lower ones do not \
identify the split, or hardly. *Off by*: the factor between the
best N found and the true one, its median over all tables, and the factor that nine tenths of the tables that were not \
refused keep to.
"""

JOINT = """## Do exponents depend on H? Size and power of the tests

Simulated sweeps of 6 datasets (H uniform in .35 to .48, 4 in the last column) of 6 x 6 cells with 2 % noise. Percent \
of sweeps in which a test rejects
at 5 %: under "none" that is its size, which should be 5; under slopes its power. *Scatter*: alpha and beta of a \
dataset lie off the line by
.05 (one standard deviation). *Amplitudes and floors follow H*: A, B and E move with H although the exponents do not. \
*The additive form is wrong*:
losses follow Kaplan's coupled form. The default, on which `ziplaw regress` rests its conclusion, is in bold; the \
permutation tests here sample the
relabellings that the command tries one and all.
"""

READING = {
    "intervals": """What to take from this:

{defaults}
- The *residual* bootstrap and the *delta* method with a Huber objective far below the noise run a little wide, *wild* \
a little narrow;
  all are kept because they answer where the default cannot (a fixed design, no resampling).
- Where rows of one run share an error (branches of one trunk do), *case* resampling and *wild* by run cover too \
little, by much: name the runs
  (`--cluster`), and the default becomes the *jackknife* over runs.
""",
    "joint": """What to take from this:

- Once datasets scatter off the line, the F distribution, the parametric bootstrap, AICc and BIC cry wolf: they take \
it that without H all datasets share
  their exponents exactly, and mistake the scatter for a trend. Permutations and the regressions of separate fits keep \
their size.
- Scatter costs power: six datasets that lie off the line show a slope only where it is steep. "Not shown" does not \
mean "not there".
""",
}


def number(value):
    """A number as short as it can be read."""
    return f"{value:.6g}"


def table(header, rows):
    """A Markdown table."""
    return [
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(r) + " |" for r in rows),
        "",
    ]


def unique(values):
    """Values in order, each once."""
    return list(dict.fromkeys(values))


def default_of(scenario):
    """The kind of interval that is the default in a scenario."""
    return "jackknife" if "run" in scenario else "case"


def intervals(rows):
    """Coverage, one table a scenario."""
    lines = [INTERVALS]
    covers = [row for row in rows if row["kind"] == "covers"]
    for scenario in unique(row["scenario"] for row in covers):
        own = [row for row in covers if row["scenario"] == scenario]
        count = own[0]["simulations"]
        rate = {(row["method"], row["quantity"]): row["value"] for row in own}
        shown = [q for q in QUANTITIES if any(row["quantity"] == q for row in own)]
        lines += [f"### {scenario[0].upper()}{scenario[1:]}", "", f"{count} simulations; at 95 % the Monte-Carlo "
                  f"error is {100 * (0.95 * 0.05 / count) ** 0.5:.1f} points.", ""]  # fmt: skip
        body = []
        for method in unique(row["method"] for row in own):
            name = f"**{method}**" if method == default_of(scenario) else method
            cells = [f"{100 * rate[method, q]:.1f}" if (method, q) in rate else "" for q in shown]
            body.append([name, *cells])
        lines += table(["percent", *shown], body)
    return "\n".join(lines) + "\n" + READING["intervals"].format(defaults=defaults(covers))


def defaults(covers):
    """One line for each scenario on what its default interval covers, and whether that is within 93 to 97 %."""
    lines = []
    for scenario in unique(row["scenario"] for row in covers):
        own = [row["value"] for row in covers if (row["scenario"], row["method"]) == (scenario, default_of(scenario))]
        if own:
            low, high = min(own), max(own)
            verdict = (
                "too narrow: below 93 %" if low < 0.93 else "wide: above 97 %" if high > 0.97 else "within 93 to 97 %"
            )
            lines.append(
                f"- {scenario}, default ({default_of(scenario)}): {100 * low:.1f} to {100 * high:.1f} %, {verdict}."
            )
    return "\n".join(lines)


def verdict(low, high):
    """Whether coverage from ``low`` to ``high`` is what was claimed."""
    return "too narrow: below 93 %" if low < 0.93 else "wide: above 97 %" if high > 0.97 else "within 93 to 97 %"


def links(rows):
    """Coverage under each link: the right one, then wrong ones."""
    covers = [row for row in rows if row["kind"] == "covers"]
    lines, told = [LINKS], []
    body = []
    for scenario in unique(row["scenario"] for row in covers):
        own = [row for row in covers if row["scenario"] == scenario]
        if not (own[0]["truth"] == own[0]["link"] or (own[0]["truth"], own[0]["link"]) == ("saturating", "free")):
            continue
        for method in unique(row["method"] for row in own):
            rate = {row["quantity"]: row["value"] for row in own if row["method"] == method}
            rest = [value for name, value in rate.items() if name not in SPLIT]
            default = method == ("jackknife" if "runs" in scenario else default_of_link(own[0]["link"], own[0]["how"]))
            cells = [f"{100 * rate[q]:.1f}" if q in rate else "–" for q in SPLIT]
            cells.append(f"{100 * min(rest):.1f} to {100 * max(rest):.1f}" if rest else "–")
            body.append([scenario, f"**{method}**" if default else method, *cells])
            if default:
                asked = [rate[q] for q in SPLIT if q in rate]
                ends = min(asked), max(asked)
                told.append(f"- {scenario} ({method}): {100 * ends[0]:.1f} to {100 * ends[1]:.1f} %, {verdict(*ends)}.")
    lines += [counts(covers), "", *table(["planted and fitted", "kind", *SPLIT, "parameters"], body)]
    lines += ["What the defaults cover, of a, b, N_opt, D_opt and the losses that are told:", "", *told, "", WRONG]
    body = []
    for scenario in unique(row["scenario"] for row in covers):
        own = [row for row in rows if row["scenario"] == scenario]
        if own[0]["truth"] == own[0]["link"] or (own[0]["truth"], own[0]["link"]) == ("saturating", "free"):
            continue
        method = unique(row["method"] for row in own if row["kind"] == "covers")[0]
        rate = {row["quantity"]: row["value"] for row in own if row["kind"] == "covers"}
        off = {(row["kind"], row["quantity"]): row["value"] for row in own}
        factor = 2.718281828459045 ** off["median off by", "ln_N"]
        body.append([scenario, method, *(f"{100 * rate[q]:.1f}" for q in SPLIT), f"{off['median off by', 'a']:+.3f}",
                     f"{factor:.2f}", f"{off['scatter', 'ln_N']:.2f}"])  # fmt: skip
    header = ["planted and fitted", "kind", *SPLIT, "a off by", "N_opt off by a factor", "scatter of ln N_opt"]
    return "\n".join([*lines, *table(header, body), WRONG_READING])


def default_of_link(link, how):
    """The kind of interval that is the default for a law under a link."""
    return "case" if (link, how) == ("identity", "all free") else "sandwich"


def counts(rows):
    """One line on how many simulations there are, and their Monte-Carlo error."""
    least, most = min(row["simulations"] for row in rows), max(row["simulations"] for row in rows)
    number_of = f"{most}" if least == most else f"{least} to {most}"
    return (
        f"{number_of} simulations each; at 95 % the Monte-Carlo error is "
        f"{100 * (0.95 * 0.05 / least) ** 0.5:.1f} points{'' if least == most else ' or less'}."
    )


def forms(rows):
    """Coverage of Kaplan's laws and of the law of repeated data, one table a law."""
    n = min(row["simulations"] for row in rows)
    spread = 196 * (0.95 * 0.05 / n) ** 0.5
    lines = [FORMS, f"{counts(rows)} So few tell 95 % only from what is under {95 - spread:.1f} or over "
             f"{95 + spread:.1f} %.", ""]  # fmt: skip
    for law in unique(row["law"] for row in rows):
        own = [row for row in rows if row["law"] == law]
        quantities = unique(row["quantity"] for row in own)
        rate = {(row["method"], row["quantity"]): row["value"] for row in own}
        body = [
            [f"**{m}**" if m == "sandwich" else m, *(f"{100 * rate[m, q]:.1f}" for q in quantities)]
            for m in unique(row["method"] for row in own)
        ]
        lines += table([f"{law}, {100 * own[0]['noise']:g} % noise", *quantities], body)
        ends = [min(rate["sandwich", q] for q in quantities), max(rate["sandwich", q] for q in quantities)]
        lines += [f"Default: {100 * ends[0]:.1f} to {100 * ends[1]:.1f} %.", ""]
    return "\n".join(lines)


def splits(rows):
    """Rejections of the tests of the split on H by scenario."""
    lines = [SPLITS]
    scenarios = unique(row["scenario"] for row in rows)
    found = {(row["scenario"], row["kind"], row["quantity"]): row for row in rows}
    body = []
    for quantity in unique(row["quantity"] for row in rows):
        for kind in unique(row["kind"] for row in rows):
            cells = []
            for scenario in scenarios:
                row = found[scenario, kind, quantity]
                few = "" if row["made"] == row["simulations"] else f" (of {row['made']})"
                cells.append("–" if row["rejects"] is None else f"{100 * row['rejects']:.1f}{few}")
            name = {"ln_N": "ln N_opt", "a": "a"}[quantity]
            body.append([f"**{name}, {kind}**" if kind == "bounded" else f"{name}, {kind}", *cells])
    n = min(row["simulations"] for row in rows)
    error = 100 * (0.95 * 0.05 / n) ** 0.5
    lines += [f"{n} simulations each; at 5 % the Monte-Carlo error is {error:.1f} points. The right link is in bold; "
              "where a test was not made in every sweep, in how many it was.", ""]  # fmt: skip
    return "\n".join([*lines, *table(["rejections, percent", *scenarios], body), SPLITS_READING])


def recovered(rows):
    """Planted parameters and where the estimates lie."""
    lines = [
        "## Planted parameters recovered",
        "",
        "Median and central 90 % of the estimates over the simulations above.",
        "",
    ]
    body = []
    for scenario in unique(row["scenario"] for row in rows):
        own = {(row["kind"], row["quantity"]): row["value"] for row in rows if row["scenario"] == scenario}
        if scenario.endswith("profile"):
            continue
        for q in ("E", "A", "B", "alpha", "beta"):
            values = [own[kind, q] for kind in ("truth", "median", "q05", "q95")]
            body.append([scenario, q, *(f"{v:.4g}" for v in values)])
    return "\n".join(lines + table(["scenario", "parameter", "truth", "median", "5 %", "95 %"], body))


def refusals(rows):
    """How often a split is refused, ordinary designs first."""
    count = rows[0]["simulations"]
    lines = [REFUSALS, f"{count} simulations each.", ""]
    for bad, title in ((False, "ordinary tables"), (True, "tables that do not identify the split")):
        body = [
            [
                row["design"],
                f"{100 * row['refused']:.1f}",
                row["reasons"] or "–",
                f"{row['median_factor']:.3g}",
                "–" if row["kept_factor_q90"] is None else f"{row['kept_factor_q90']:.3g}",
            ]
            for row in rows
            if row["should_refuse"] is bad
        ]
        lines += table([title, "refused, percent", "reasons", "off by, median", "off by where not refused, 90 %"], body)
    good = max(row["refused"] for row in rows if not row["should_refuse"])
    bad = min(row["refused"] for row in rows if row["should_refuse"])
    lines.append(
        f"At most {100 * good:.1f} % of the tables of an ordinary design are refused, at least "
        f"{100 * bad:.1f} % of a bad one."
    )
    return "\n".join(lines) + "\n"


def joint(rows):
    """Rejections and coverage of slopes by scenario."""
    lines = [JOINT, f"{rows[0]['simulations']} simulations each; at 5 % the Monte-Carlo error is "
             f"{100 * (0.95 * 0.05 / rows[0]['simulations']) ** 0.5:.1f} points.", ""]  # fmt: skip
    for kind, title in (
        ("rejects", "rejections, percent"),
        ("covers", "coverage of 95 % intervals of the slopes, percent"),
    ):
        part = [row for row in rows if row["kind"] == kind]
        scenarios = unique(row["scenario"] for row in part)
        rate = {(row["scenario"], row["what"]): row["rate"] for row in part}
        body = []
        for what in unique(row["what"] for row in part):
            name = f"**{what}**" if "default" in what else what
            cells = [f"{100 * rate[s, what]:.1f}" if (s, what) in rate else "" for s in scenarios]
            body.append([name, *cells])
        lines += table([title, *scenarios], body)
    return "\n".join(lines) + "\n" + READING["joint"]


def published(rows):
    """Published numbers beside ours."""
    lines = ["## Published results", "",
             "Optima of the reference tables, as given with them, and numbers printed in Kaplan et al. 2020 and "
             "Hoffmann et al. 2022 (most to one or two digits) against what ziplaw computes from their printed "
             "constants.", ""]  # fmt: skip
    body = []
    for row in rows:
        given, ours = row["given"], row["ziplaw"]
        off = ours / given - 1
        body.append(
            [
                row["what"],
                number(given),
                number(ours),
                f"{off:+.1e}" if row["kind"] == "table" else f"{100 * off:+.1f} %",
            ]
        )
    return "\n".join(lines + table(["what", "published", "ziplaw", "difference"], body))


PLANS = """## Plans for budgets that were not shown

Each published isoFLOP grid (`plan_study.py`): the two largest budgets planned from the runs below both, the \
others from what lies below them (three budgets at least). *Plan*: a prior
of the other grids and the grid's own runs; *prior*: without its runs; *runs*: without a prior; *20 a parameter*: 20 \
tokens a parameter. Regret is the share of the loss that the
planned N costs over the best one, on a curve through the held-out budget's own runs (a polynomial in ln N through ln \
loss, its degree the one that errs least on runs left out), with
the standard error by which the plan's differs from the rule of thumb's. *Best N*: of that curve, with the interval of \
redrawn curves. Plans are bands of 95 %.
"""

PLANS_READING = """What to take from this:

- The valley is flat: an N off by a fifth costs about a tenth of a percent at most. Single runs scatter about the \
curves by {least:.2f} to {most:.2f} %, so the best single run lies below
  any curve.
- At the median of the two largest budgets 20 tokens a parameter costs {twenty} %, the prior alone {prior} %, the law \
of the runs below {runs} %, their sum {plan} %: own runs make the
  band narrow, not the plan better. They put N too high at the top of Llama 3's grid, where a falls with compute, by \
more than the curve's error, and a prior as wide as this one does not pull them back.
- Three grids of two sources are few, and budgets of one grid are not independent: a rule that does well here may do \
so by luck.
"""


def _percent(value):
    return f"{100 * value:.3f}"


def plans(rows):
    """Regret and bands of plans on held-out budgets."""
    lines = [PLANS]
    kinds = ("plan", "prior", "runs")
    own = [row for row in rows if row["prior_without"] == "grid"]
    body = []
    for row in own:
        cells = [row["grid"], f"{row['C']:.2g}" + ("" if row["top"] else " *"), str(row["n_below"]),
                 *(_giga(row, f"{name}") for name in ("N_best", "plan")),
                 *(_percent(row[f"regret_{kind}"]) for kind in ("plan", "prior", "runs", "twenty")),
                 _percent(row["more_plan_se"])]  # fmt: skip
        body.append(cells)
    header = ["grid", "C", "own runs", "best N (10^9)", "planned N (10^9)", "regret %: plan", "prior", "runs",
              "20 a parameter", "se (plan − 20)"]  # fmt: skip
    lines += [*table(header, body), "\\* not one of the two largest budgets.", ""]
    body = []
    for without, title in (("grid", "a prior without the grid"), ("source", "without all grids of its source")):
        some = [row for row in rows if row["prior_without"] == without]
        top = [row for row in some if row["top"]]
        for kind, name in (*zip(kinds, kinds), ("twenty", "20 a parameter")):
            r = sorted(row[f"regret_{kind}"] for row in top)
            single = sorted(row[f"regret_{kind}_run"] for row in top)
            held = ["", "", ""]
            if kind in kinds:
                asked = ((top, "held"), (some, "held"), (some, "agrees"))
                held = [f"{sum(row[f'{word}_{kind}'] for row in part)} of {len(part)}" for part, word in asked]
            cells = [_percent(v) for v in (median(r), r[-1], median(single), single[-1])]
            body.append([f"{title}: {name}", *cells, *held])
    header = ["two largest budgets of each grid", "regret %: median", "worst", "above the best single run %: median",
              "worst", "bands hold the best N", "of all budgets", "of all, within both errors"]  # fmt: skip
    noise = [100 * row["noise"] for row in own]
    cost = {kind: _percent(median(row[f"regret_{kind}"] for row in own if row["top"])) for kind in (*kinds, "twenty")}
    reading = PLANS_READING.format(least=min(noise), most=max(noise), **cost)
    return "\n".join([*lines, *table(header, body), reading])


def _giga(row, name):
    """N in thousand millions, with its interval."""
    value = row["N_best"] if name == "N_best" else row[f"N_{name}"]
    ends = ("N_best_low", "N_best_high") if name == "N_best" else (f"low_{name}", f"high_{name}")
    low, high = (row[end] / 1e9 for end in ends)
    return f"{value / 1e9:.2f} ({low:.2f} to {high:.2f})"


PILOTS = """## Pilots

{corpora} simulated corpora (`pilot_study.py`; its head has the population): each with a law under one of three \
links, a smooth misfit and a drifting exponent besides, and noise of cells and trunks as measured on text. A \
*designed* pilot (its rounds as `ziplaw pilot` designs them, for a target of 64 times its largest permitted run, a \
sixth of the pilot) against 4 x 4 grids made by hand, sizes and budgets in steps of 3, of the same FLOPs; a budget \
is a cooldown branch in either. All are read by the same estimator (`laws/pilots/reading.py`), and the first grid as \
well by that of `plan --runs`. A grid's largest run takes about half of its FLOPs, so the same target is nearer to it.
*Width*: of the 95 % band of ln N_opt at all FLOPs, median (10 to 90 % of corpora); *ratio*: the designed pilot's \
width over this one's on the same corpus, median. The Monte-Carlo error of {corpora} at 95 % is {error:.1f} points.
"""


def pilots(rows):
    """Designed pilots beside grids."""
    corpora = rows[0]["corpora"]
    parts = [PILOTS.format(corpora=corpora, error=100 * (0.95 * 0.05 / corpora) ** 0.5)]
    header = (
        "target | link | design | trunks, cells | refused (%) | width of ln N_opt | ratio | holds N_opt (%) | "
        "median miss | holds the loss (%) | width of ln loss"
    ).split(" | ")
    body = [
        [
            row["target"], row["link"], row["design"], f"{row['trunks']:g}, {row['cells']:g}",
            f"{100 * row['refused']:.0f}",
            f"{row['width']:.2f} ({row['width_10']:.2f} to {row['width_90']:.2f})",
            f"{row['designed_over_this']:.2f}", f"{100 * row['held']:.1f}", f"{row['off']:.3f}",
            *(["", ""] if row["loss_held"] is None else [f"{100 * row['loss_held']:.1f}", f"{row['loss_width']:.3f}"]),
        ]
        for row in rows
        if row["link"] == "all" or row["design"] == "designed"
    ]  # fmt: skip
    parts += table(header, body)
    parts.append(PILOTS_SAY)
    return "\n".join(parts)


PILOTS_SAY = """What to take from this:

- The same FLOPs say more where sizes and tokens are chosen for it: more trunks, over a wider range of compute. Far \
beyond the runs the drift of the exponent, which no pilot can see, makes the bands of all designs alike.
- A rule costs the design some of this on purpose: a cell lies within a factor of four of the best size of its own \
FLOPs. These corpora keep their laws far away from it; text does not.
- An estimator that knows nothing beforehand refuses many such grids and is less sure of the others by far. It is kept \
for tables of any size and origin (`plan --runs`), which have neither ladder nor trunks.
- Bands of the loss beyond the runs are far wider than these corpora ask for. They are for models that take off on the \
way, which no simulated corpus does: pilots of real text, with runs held out, judge them: twice they failed, in \
a third attempt they held on six of six ([pilots](pilots.md)).
"""


def page():
    """The whole page from the CSV files beside this script."""
    study = read_csv(HERE / "interval_study.csv")
    parts = [
        HEAD,
        intervals(study),
        links(read_csv(HERE / "links" / "link_study.csv")),
        forms(read_csv(HERE / "links" / "form_study.csv")),
        refusals(read_csv(HERE / "identification_study.csv")),
        joint(read_csv(HERE / "joint_study.csv")),
        splits(read_csv(HERE / "links" / "split_study.csv")),
        recovered(study),
        published(read_csv(HERE / "published.csv")),
        plans(read_csv(HERE / "plan_study.csv")),
        pilots(read_csv(HERE / "pilot_study.csv")),
    ]
    return "\n".join(part.strip() + "\n" for part in parts)


if __name__ == "__main__":
    write_text(DOCS, page())
