"""Speed of the sampler beside the PyPI package `pcfg`, which the paper used: tokens per second on one core.

    python bench/cores/core_sampler.py --out core_sampler.csv

Methods, on the same grammar, in turns: ziplaw on one thread; `pcfg`'s generator as it comes, which yields
strings; the same with what it takes to get documents of token ids from them; NLTK's own productions drawn by a plain
recursion; a copy of an array of the same size, which is the wall. Each peer gets a share of a second in every round;
medians over the rounds. Times are processor time, which other processes disturb less than wall time; the row with two
threads is wall time against ziplaw's wall time on one, the best of many turns each, on ten times as many documents:
starting threads takes a part of a millisecond, a tenth of the time of the smaller array.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time

# processor time counts every thread, and a BLAS that waits for work counts too
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import ziplaw
from ziplaw.base.documents import progress, write_csv

DOCUMENTS = 20_000
CONTEXT = 256
ROUNDS = 7
PEER_SECONDS = 0.4
QUICK = {"documents": 64, "rounds": 1, "peer_seconds": 0.02}
COLUMNS = "preset shape method mtokens_per_s low high ziplaw_is_faster".split()


def pcfg_strings(grammar):
    """Return a function that draws one sentence with the PyPI package and returns its number of tokens."""
    from pcfg import PCFG

    draw = PCFG(grammar.to_nltk().start(), grammar.to_nltk().productions())

    def sentence():
        return next(draw.generate(1)).count(" ") + 2

    return sentence


def pcfg_documents(grammar):
    """The same, with the tokens made integers and written into documents."""
    from pcfg import PCFG

    draw = PCFG(grammar.to_nltk().start(), grammar.to_nltk().productions())
    row = np.zeros(1 << 20, np.uint16)

    def sentence():
        tokens = [int(token) for token in next(draw.generate(1)).split()]
        row[: len(tokens)] = tokens
        return len(tokens) + 1

    return sentence


def nltk_recursion(grammar):
    """A plain recursion over NLTK's productions, the weights gathered once."""
    choices = {}
    for production in grammar.to_nltk().productions():
        rules, weights = choices.setdefault(production.lhs(), ([], []))
        rules.append(production.rhs())
        weights.append(production.prob())
    start = grammar.to_nltk().start()

    def derive(symbol, out):
        rules, weights = choices[symbol]
        for item in random.choices(rules, weights)[0]:
            if isinstance(item, str):
                out.append(item)
            else:
                derive(item, out)

    def sentence():
        out = []
        derive(start, out)
        return len(out) + 1

    return sentence


PEERS = {"pcfg, strings": pcfg_strings, "pcfg, documents": pcfg_documents, "NLTK recursion": nltk_recursion}


def made(grammar):
    """The peers that are installed."""
    found = {}
    for name, make in PEERS.items():
        try:
            found[name] = make(grammar)
        except ImportError:
            continue
    return found


def peer_speed(sentence, seconds):
    """Tokens a second of processor time, the separator after each sentence counted."""
    tokens, begin = 0, time.process_time()
    while time.process_time() < begin + seconds:
        try:
            tokens += sentence()
        except RecursionError:
            continue
    return tokens / (time.process_time() - begin)


def own_speed(clock, function, tokens):
    begin = clock()
    function()
    return tokens / (clock() - begin)


def rows(documents=DOCUMENTS, rounds=ROUNDS, peer_seconds=PEER_SECONDS):
    """Return one row for every preset and method: median, lowest and highest speed in million tokens a second."""
    table = []
    presets = {name: preset["shape"] for name, preset in ziplaw.PRESETS.items() if preset["group"] == "main"}
    for name, shape in progress(presets.items(), desc="sampler"):
        grammar = ziplaw.random_grammar(*shape, seed=0)
        out = np.zeros((documents, CONTEXT), np.uint16)
        source = np.ones_like(out)
        peers = made(grammar)
        random.seed(0)
        speeds = {}

        def note(method, speed, speeds=speeds):
            speeds.setdefault(method, []).append(speed / 1e6)

        def draw(threads, out, grammar=grammar):
            return lambda: ziplaw.sample(grammar, len(out), CONTEXT, threads=threads, out=out)

        large = np.zeros((10 * documents, CONTEXT), np.uint16)
        draw(2, large)()
        for _ in range(rounds):
            note("ziplaw", own_speed(time.process_time, draw(1, out), out.size))
            note("copy of the array", own_speed(time.process_time, lambda o=out, s=source: np.copyto(o, s), out.size))
            for peer, sentence in peers.items():
                note(peer, peer_speed(sentence, peer_seconds))
            for threads in (1, 2, 2, 1) * 2:
                note(f"wall {threads}", own_speed(time.perf_counter, draw(threads, large), large.size))
        one = max(speeds.pop("wall 1"))
        speeds["ziplaw, 2 threads (wall)"] = speeds.pop("wall 2")
        own = statistics.median(speeds["ziplaw"])
        for method, found in speeds.items():
            speed = max(found) if "wall" in method else statistics.median(found)
            row = {"preset": name, "shape": "x".join(map(str, shape)), "method": method}
            row |= {"mtokens_per_s": speed, "low": min(found), "high": max(found)}
            table.append({**row, "ziplaw_is_faster": (one if "wall" in method else own) / speed})
    return table


def main():
    """Print the table, then the medians over the presets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--peer-seconds", type=float, default=PEER_SECONDS, help="of each peer in each round")
    parser.add_argument("--out", help="CSV with the rows")
    arguments = parser.parse_args()
    table = rows(arguments.documents, arguments.rounds, arguments.peer_seconds)
    for row in table:
        print("{preset:8} {method:26} {mtokens_per_s:10.3f} million tokens/s".format(**row), end="")
        print(f"  ({row['low']:.3f} to {row['high']:.3f})  ziplaw is {row['ziplaw_is_faster']:.4g} times as fast")
    for method in dict.fromkeys(row["method"] for row in table):
        ratios = [row["ziplaw_is_faster"] for row in table if row["method"] == method]
        print(f"against {method}: {statistics.median(ratios):.4g} (median), {min(ratios):.4g} (lowest)")
    if arguments.out:
        write_csv(arguments.out, table, COLUMNS)


if __name__ == "__main__":
    sys.exit(main())
