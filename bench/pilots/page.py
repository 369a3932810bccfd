"""Write docs/pilots.md from results/reference/pilots; no number in it is typed by hand.

python bench/pilots/page.py
"""

from math import log
from statistics import median

from accounts import ABOUT
from attempt_tables import ROOT, TABLES, WHICH, WORDS, attempts, by_corpus, means, rows_of, short, table, yes

from ziplaw.base.documents import write_text

DOCS = ROOT / "docs" / "pilots.md"

HEAD = """# Pilots on real corpora

Does `ziplaw pilot` plan rightly? For each of six real corpora a pilot, then runs at 8 times the largest compute that \
any of its cells had: at the plan's N for that compute, at half of it and at twice it (the nearest sizes of the \
ladder), all FLOPs counted, each token seen once where there are enough, the pilot's recipe, seeds that no run of the \
pilot has. The predictions were written before these runs were begun (`written` in `verdicts.csv`, `ended` and \
`seconds` in `held_out.csv`), and the band of the loss is that of one run, not of the law.

    python bench/pilots/corpora.py -o CORPORA                       # pinned packages of pip and Debian
    python bench/pilots/prove.py CORPORA --pilot-flops 2e13 --only ...   # the attempt's corpora; attempt 1: 5e12
    python bench/pilots/tables.py CORPORA --to results/reference/pilots/NAME && python bench/pilots/page.py

Tables: `results/reference/pilots/`, a folder an attempt; this page is made of them. Two cores, which other work shared.
What ships is what attempt 3 judges; the attempts before it are kept, as it was made with their results in sight.
"""

PROBES = """One run each, of fresh seeds, with one head as the pilot has and with four, trained after the first \
verdicts were known, to see where the law goes wrong.
"""


def corpora(attempt: str) -> str:
    pilots = by_corpus(attempt, "pilots")
    rows = [
        [
            f"`{row['corpus']}`", row["what"], f"{row['bytes'] / 1e6:.0f} MB", short(row["unique_tokens"]),
            str(row["vocab_size"]), f"{row['bytes_per_token']:.2f}", f"{row['H']:.3f}",
            f"{pilots[row['corpus']]['runs']} in {pilots[row['corpus']]['rounds']}",
            f"{pilots[row['corpus']]['seconds'] / 60:.1f}",
        ]
        for row in rows_of(attempt, "corpora")
    ]  # fmt: skip
    header = [
        "corpus",
        "what",
        "text",
        "unique tokens",
        "vocabulary",
        "bytes a token",
        "H",
        "runs in rounds",
        "minutes",
    ]
    return "### The corpora and their pilots\n\n" + table(header, rows)


def outcome(attempt: str) -> str:
    verdicts = rows_of(attempt, "verdicts")
    n, good = sum(v["N_held"] for v in verdicts), sum(v["loss_held"] for v in verdicts)
    every = sum(v["losses_held"] for v in verdicts), sum(v["losses"] for v in verdicts)
    runs = rows_of(attempt, "held_out")
    off = [abs(row["error"]) for row in runs if row["which"] == "best"]
    rows = []
    for v in verdicts:
        at = [r for r in runs if r["corpus"] == v["corpus"] and r["which"] == "best"]
        rows.append(
            [
                f"`{v['corpus']}`", f"{v['C']:.3g}", f"{short(v['N'])} ({short(v['N_lo'])} to {short(v['N_hi'])})",
                f"{short(v['best_N'])}, {WHICH[v['best_of_three']]}", yes(v["N_held"]),
                short(v["parabola_N"]) if v["parabola_N"] not in (None, "") else "none",
                f"{at[0]['predicted']:.3f} ({at[0]['low']:.3f} to {at[0]['high']:.3f})",
                ", ".join(f"{r['loss']:.3f}" for r in at), yes(v["loss_held"]),
            ]
        )  # fmt: skip
    header = ["corpus", "C", "the plan's N (95 % band)", "best of the three", "in the band", "bottom of a parabola",
              "loss foretold at the plan's N", "measured, by seed", "in the band"]  # fmt: skip
    return (
        "### Did the bands hold?\n\n"
        f"The band of N held the best of the three on **{WORDS[n]} of {WORDS[len(verdicts)]}** corpora, that of the "
        f"loss at the plan's N the run of the first seed on **{WORDS[good]} of {WORDS[len(verdicts)]}** "
        f"({every[0]} of all {every[1]} runs, of every size and seed). The loss at the plan's N was off by "
        f"{median(off):.1%} in the middle, {max(off):.1%} at worst.\n\n" + table(header, rows)
    )


def three(attempt: str) -> str:
    rows = []
    for corpus, v in by_corpus(attempt, "verdicts").items():
        runs = [row for row in rows_of(attempt, "held_out") if row["corpus"] == corpus]
        cells = [f"`{corpus}`"]
        for which in WHICH:
            of = [row for row in runs if row["which"] == which]
            cells.append(f"{of[0]['model']} {short(of[0]['N'])}: " + ", ".join(f"{r['loss']:.4f}" for r in of))
        spread, mean = v["seed_sd"], means(runs)
        cells.append(f"{mean['best'] / min(mean.values()) - 1:.2%}")
        rows.append([*cells, f"{v['lead']:.2%}", f"{spread:.2%}" if spread not in (None, "") else "not measured"])
    header = [
        "corpus",
        *(f"N {name}" for name in WHICH.values()),
        "the plan's above the best",
        "lead of the best",
        "sd of a seed",
    ]
    return (
        "### The runs at 8 times the compute\n\nLosses in nats per token, by seed. Where the lead of the best, in mean "
        "loss, is no larger than what seeds differ by, the three cannot tell which is the best.\n\n"
        + table(header, rows)
    )


def rivals(attempt: str) -> str:
    names = ["plan", "runs alone", "20 to 1", "prior", "prior and H"]
    rules = rows_of(attempt, "rules")
    rows = []
    for corpus in by_corpus(attempt, "verdicts"):
        own = {row["rule"]: row for row in rules if row["corpus"] == corpus}
        after = own["with held-out runs"]
        cells = [f"`{corpus}`", f"{short(after['N'])} ({short(after['N_lo'])} to {short(after['N_hi'])})"]
        for name in names:
            row = own.get(name)
            cells.append("" if row is None else f"{short(row['N'])}: {row['excess']:.2%} (to {row['excess_hi']:.2%})")
        rows.append(cells)
    return (
        "### What 20 tokens a parameter and H alone would have cost\n\nN by each rule at that compute, and by how much "
        "its loss is above the best one's, read off the law of the pilot's and the held-out runs together (median and "
        "upper end of the 95 % band). *Prior*: published grids of web text, no run and no H; *prior and H*: moved by "
        "what H of the corpus says.\n\n" + table(["corpus", "best N, all runs known (95 %)", *names], rows)
    )


def least_at(attempt: str, corpus: str, C: float) -> float:
    """The least loss of all runs of a corpus whose compute is within a quarter of C."""
    rows = [*rows_of(attempt, "runs"), *rows_of(attempt, "held_out")]
    if (TABLES / attempt / "probes.csv").is_file():
        rows += [row for row in rows_of(attempt, "probes") if row["heads"] == 1]
    return min(r["loss"] for r in rows if r["corpus"] == corpus and abs(log(r["C"] / C)) < log(1.25))


def faster(attempt: str) -> str:
    """How the least loss falls below and above the pilot's largest compute."""
    rows, pilots = [], by_corpus(attempt, "pilots")
    for corpus, v in by_corpus(attempt, "verdicts").items():
        top = pilots[corpus]["largest_C"]
        at = [least_at(attempt, corpus, C) for C in (top / 8, top, v["C"])]
        slopes = [log(a / b) / log(C) for a, b, C in zip(at, at[1:], (8, v["C"] / top))]
        rows.append([f"`{corpus}`", *(f"{loss:.3f}" for loss in at), *(f"{slope:.3f}" for slope in slopes)])
    top = median(pilot["largest_C"] for pilot in pilots.values())
    header = ["corpus", f"least loss at {top / 8:.1e}", f"at {top:.1e}", f"at {8 * top:.1e}",
              "fall of ln loss per e-fold of C below the pilot's largest", "above it"]  # fmt: skip
    return "### How fast the loss falls\n\n" + table(header, rows)


def probes(attempt: str) -> str:
    """Runs beside the judged ones."""
    if not (TABLES / attempt / "probes.csv").is_file():
        return ""
    rows = [
        [
            f"`{r['corpus']}`", f"{r['hidden']} wide, {r['heads']} heads" if r["heads"] > 1 else f"{r['hidden']} wide",
            short(r["N"]), short(r["D"]), f"{r['C']:.2e}", f"{r['predicted']:.3f} ({r['low']:.3f} to {r['high']:.3f})",
            f"{r['loss']:.3f}",
        ]
        for r in rows_of(attempt, "probes")
    ]  # fmt: skip
    header = ["corpus", "model", "N", "D", "C", "loss by the pilot's law (95 %)", "measured"]
    return "### Probes at the pilot's largest compute\n\n" + PROBES + "\n" + table(header, rows)


def sources() -> str:
    rows = {row["corpus"]: row for attempt in attempts() for row in rows_of(attempt, "corpora")}
    lines = [f"- `{name}`: {row['packages']}; SHA-256 `{row['sha256'][:16]}…`" for name, row in rows.items()]
    return "## Sources\n\nPackages with versions and licences:\n\n" + "\n".join(lines) + "\n"


def summary() -> str:
    """What came out, a line an attempt."""
    rows = []
    for attempt in attempts():
        verdicts, pilots = rows_of(attempt, "verdicts"), rows_of(attempt, "pilots")
        of = len(verdicts)
        rows.append(
            [
                attempt, f"{pilots[0]['asked_C']:.0e}", f"{median(v['C'] for v in verdicts):.2g}",
                f"{sum(v['N_held'] for v in verdicts)} of {of}", f"{sum(v['loss_held'] for v in verdicts)} of {of}",
            ]
        )  # fmt: skip
    header = ["attempt", "FLOPs of a pilot", "C of the judged runs", "best N in its band", "loss in its band"]
    return table(header, rows)


def page() -> str:
    """The whole page."""
    parts = [HEAD, summary()]
    for attempt in attempts():
        parts += [f"## Attempt {attempt}\n", *([ABOUT[attempt]() + "\n"] if attempt in ABOUT else [])]
        parts += [outcome(attempt), three(attempt), faster(attempt), probes(attempt), rivals(attempt), corpora(attempt)]
    return "\n".join([*parts, sources()])


if __name__ == "__main__":
    write_text(DOCS, page())
