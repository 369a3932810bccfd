"""Speed of the sampler beside what else samples from a grammar: nanoseconds per token, one core.

    python bench/core_sampler.py --out core_sampler.csv

Peers: the generator of the PyPI package `pcfg`, which the paper's code used, on the same grammar, its sentences counted
in tokens with a separator each (it makes texts, ziplaw makes arrays; splitting them is not counted against it). The
row `stream to memory` writes the finished array once more (`memset` of as many bytes): the wall for anything that
writes its tokens, and `copy in memory` copies it. Both write to pages already there, as ziplaw does. Methods take turns; times are processor time,
medians over the repeats. The row with two threads is wall time against ziplaw's wall time on one, the median of paired
ratios: it says little when another process holds a core, so column `other_load` gives the cores that others kept busy.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time

import numpy as np

import ziplaw
from ziplaw.io import progress, write_csv

DOCUMENTS = 40_000
CONTEXT = 256
REPEATS = 9
# processor seconds of the peer on every preset
BUDGET = 2.0
QUICK = {"documents": 4000, "repeats": 3, "budget": 0.1}


def timed(clock, function, *arguments, **options):
    begin = clock()
    result = function(*arguments, **options)
    return clock() - begin, result


def peer_ns(grammar, budget):
    """Nanoseconds per token of the `pcfg` package's generator, or None without it."""
    try:
        from pcfg import PCFG
    except ImportError:
        return None
    made = grammar.to_nltk()
    generator = PCFG(made.start(), made.productions())
    random.seed(0)
    used, n_tokens = 0.0, 0
    while used < budget:
        seconds, sentences = timed(time.process_time, lambda: list(generator.generate(20)))
        used += seconds
        # blanks part the terminals; the separator counts
        n_tokens += sum(sentence.count(" ") + 2 for sentence in sentences)
    return 1e9 * used / n_tokens


def busy_elsewhere(function):
    """Run a function; return its result and the cores that other processes kept busy meanwhile (None if unknown)."""
    try:
        first = _machine_busy()
    except OSError:
        return function(), None
    mine, begin = time.process_time(), time.perf_counter()
    result = function()
    wall, mine = time.perf_counter() - begin, time.process_time() - mine
    return result, max(0.0, (_machine_busy() - first - mine) / wall)


def _machine_busy():
    with open("/proc/stat") as stream:
        fields = [int(field) for field in stream.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def rows(documents=DOCUMENTS, repeats=REPEATS, budget=BUDGET, seed=0):
    """Return one row for every preset and method.

    Columns: preset, method, ns_per_token, tokens_per_s, `ziplaw_is_faster` (the method's time over ziplaw's),
    same_documents (for ziplaw and two threads: the bytes of a run on one thread), other_load.
    """
    table = []
    presets = [name for name, preset in ziplaw.PRESETS.items() if preset["group"] == "main"]
    for preset in progress(presets, desc="presets"):
        grammar = ziplaw.random_grammar(*ziplaw.PRESETS[preset]["shape"], seed=seed)
        want = ziplaw.sample(grammar, documents, CONTEXT, threads=1)
        out, other = np.zeros_like(want), np.zeros_like(want)

        def ours(threads, g=grammar, to=out):
            return ziplaw.sample(g, documents, CONTEXT, threads=threads, out=to)

        def measure(ours=ours, out=out, other=other):
            used = {"ziplaw": [], "stream to memory": [], "copy in memory": []}
            walls, ratios = [], []
            for _ in range(repeats):
                used["ziplaw"].append(timed(time.process_time, ours, 1)[0])
                used["stream to memory"].append(timed(time.process_time, other.fill, 7)[0])
                used["copy in memory"].append(timed(time.process_time, np.copyto, other, out)[0])
                one, two = (timed(time.perf_counter, ours, threads)[0] for threads in (1, 2))
                walls.append(two)
                ratios.append(two / one)
            return used, walls, ratios

        (used, walls, ratios), load = busy_elsewhere(measure)
        same = np.array_equal(ours(2), want) and np.array_equal(ours(1), want)
        scale = 1e9 / want.size
        ns = {name: scale * statistics.median(seconds) for name, seconds in used.items()}
        peer = peer_ns(grammar, budget)
        if peer is not None:
            ns["PyPI pcfg"] = peer
        for method, value in ns.items():
            table.append(_row(preset, method, value, value / ns["ziplaw"], same if method == "ziplaw" else None, load))
        two = scale * statistics.median(walls)
        table.append(_row(preset, "ziplaw, 2 threads (wall)", two, statistics.median(ratios), same, load))
    return table


def _row(preset, method, ns, ratio, same, load):
    return {
        "preset": preset,
        "method": method,
        "ns_per_token": round(ns, 4),
        "tokens_per_s": round(1e9 / ns),
        "ziplaw_is_faster": round(ratio, 3),
        "same_documents": same,
        "other_load": None if load is None else round(load, 2),
    }


def main():
    """Print the table, then the medians over the presets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--budget", type=float, default=BUDGET, help="processor seconds of the peer on every preset")
    parser.add_argument("--seed", type=int, default=0, help="seed of the grammars")
    parser.add_argument("--out", help="CSV with the rows")
    arguments = parser.parse_args()
    table = rows(arguments.documents, arguments.repeats, arguments.budget, arguments.seed)
    for row in table:
        print("{preset:8} {method:26} {ns_per_token:12.3f} ns {tokens_per_s:12} tokens/s".format(**row), end="")
        print(f"  {row['ziplaw_is_faster']:9.2f}")
    for method in dict.fromkeys(row["method"] for row in table):
        ratios = [row["ziplaw_is_faster"] for row in table if row["method"] == method]
        print(
            f"{method}: {statistics.median(ratios):.2f} times ziplaw's time (median over presets), least {min(ratios):.2f}"
        )
    if arguments.out:
        write_csv(arguments.out, table)


if __name__ == "__main__":
    main()
