"""Speed of the exact floor beside what else computes it: seconds per 1000 documents of 256 tokens, one core.

    python bench/cores/core_floor.py --out core_floor.csv

Peers: the plain Python twin of the tests; genlm-grammar's rescaled Earley parser on its prefix grammar (optional,
`pip install genlm-grammar`); NLTK's InsideChartParser, which has no prefix probabilities and so parses whole sentences
only. They are far too slow for 1000 documents: each gets the same documents, sentence by sentence, until its time is
up, and its time is scaled by tokens (column `scaled`), set-up left out. Every value is compared with ziplaw's; the
largest relative difference of -ln p is in the table, and how many sentences a peer took for impossible by underflow.
Times are processor time, which other processes disturb less than wall time.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np

import ziplaw
from ziplaw.base.documents import progress, write_csv
from ziplaw.base.text_table import aligned
from ziplaw.grammars.floor import floor

sys.path[:0] = [str(Path(__file__).parents[2] / part) for part in ("tests", "tests/helpers")]

DOCUMENTS = 1000
CONTEXT = 256
REPEATS = 5
QUICK = {"budget": 0.05, "peers": ("python twin", "nltk InsideChartParser"), "documents": 20, "repeats": 1}
# its prefix grammar of 3,500 symbols takes ten seconds to make, that of 60,000 was not done in a quarter of an hour
GENLM_SYMBOLS = 10_000
# a parser that lists every parse of an ambiguous sentence may not come back
NLTK_TOKENS = 16


def timed(function):
    begin = time.process_time()
    result = function()
    return time.process_time() - begin, result


def sentences(tokens):
    """Yield (sentence, whether its separator follows) of every document in turn."""
    for row in tokens.tolist():
        begin = 0
        for end in [*(i for i, token in enumerate(row) if token == 0), len(row)]:
            if end > begin:
                yield row[begin:end], end < len(row)
            begin = end + 1


def twin_parser(grammar):
    from twins import floor as twin

    return lambda tokens, whole: twin.position_nats(grammar, [*tokens, 0] if whole else tokens).sum()


def genlm_parser(grammar):
    try:
        from genlm.grammar import CFG, Float
        from genlm.grammar.cfglm import EOS, add_EOS
        from genlm.grammar.parse.earley_rescaled import Earley
    except ImportError:
        return None
    if sum(len(rule.rhs) for rule in grammar.productions) > GENLM_SYMBOLS:
        return None
    cfg = CFG(R=Float, S="S", V=set(range(1, grammar.vocab_size)))
    for i, probability in enumerate(grammar.start):
        cfg.add(probability, "S", f"N{i}")
    for lhs, rhs, probability in grammar.productions:
        cfg.add(probability, f"N{lhs}", *(s if s > 0 else f"N{-s - 1}" for s in rhs))
    parser = Earley(add_EOS(cfg).prefix_grammar)

    def parse(tokens, whole):
        parser.clear_cache()
        parser._chart[()] = [parser._initial_column]
        with np.errstate(divide="ignore"):
            return -parser.logp((*tokens, EOS) if whole else tokens)

    return parse


def nltk_parser(grammar):
    import nltk

    parser = nltk.InsideChartParser(grammar.to_nltk())

    def parse(tokens, whole):
        if not whole or len(tokens) > NLTK_TOKENS:
            return None
        return -math.log(math.fsum(tree.prob() for tree in parser.parse([str(token) for token in tokens])))

    return parse


PEERS = {"python twin": twin_parser, "genlm-grammar": genlm_parser, "nltk InsideChartParser": nltk_parser}


def peer_row(name, grammar, tokens, budget):
    """Parse sentences until ``budget`` seconds are up; None when the peer is missing or managed no sentence."""
    parse = PEERS[name](grammar)
    if parse is None:
        return None
    seconds, n_tokens, worst, underflows = 0.0, 0, 0.0, 0
    for sentence, whole in sentences(tokens):
        if seconds >= budget:
            break
        spent, nats = timed(lambda s=sentence, w=whole: parse(s, w))
        if nats is None:
            continue
        seconds += spent
        n_tokens += len(sentence) + whole
        if math.isinf(nats):
            underflows += 1
            continue
        ours = floor(grammar, np.array([[*sentence, 0] if whole else sentence]), threads=1).nll[0]
        worst = max(worst, abs(nats - ours) / max(abs(ours), 1e-3))
    if n_tokens == 0:
        return None
    return {
        "seconds_per_1000": seconds / n_tokens * DOCUMENTS * CONTEXT,
        "tokens_measured": n_tokens,
        "scaled": True,
        "largest_difference": worst,
        "underflows": underflows,
    }


def rows(seed=0, budget=2.0, groups=("main",), peers=tuple(PEERS), documents=DOCUMENTS, repeats=REPEATS):
    """Return one dict per preset and method.

    Parameters
    ----------
    seed : int
        Seed of the grammars.
    budget : float
        Processor seconds that each peer gets on each preset.
    groups : sequence of str
        Preset groups: main, vocabulary, compressibility.
    peers : sequence of str
        Keys of PEERS.
    documents : int
        Documents that ziplaw is timed on (scaled to 1000).
    repeats : int
        Times that ziplaw is timed; the best counts.
    """
    table = []
    names = [name for name, preset in ziplaw.PRESETS.items() if preset["group"] in groups]
    for name in progress(names, desc="floor", unit="preset"):
        shape = ziplaw.PRESETS[name]["shape"]
        grammar = ziplaw.random_grammar(*shape, seed=seed, supercritical="truncate")
        tokens = ziplaw.sample(grammar, documents, CONTEXT, seed=1, threads=1, stream=2)
        times, found = zip(*(timed(lambda g=grammar, t=tokens: floor(g, t, threads=1)) for _ in range(repeats)))
        ours = min(times) * DOCUMENTS / documents
        common = {"preset": name, "shape": "x".join(map(str, shape)), "seed": seed, "floor": found[0].nats_per_token}
        mine = {"seconds_per_1000": ours, "tokens_measured": tokens.size, "scaled": documents != DOCUMENTS}
        mine |= {"largest_difference": 0.0, "underflows": 0, "ziplaw_is_faster": 1.0}
        table.append({**common, "method": "ziplaw", **mine})
        for peer in peers:
            row = peer_row(peer, grammar, tokens, budget)
            if row is not None:
                table.append({**common, "method": peer, **row, "ziplaw_is_faster": row["seconds_per_1000"] / ours})
    return table


def main():
    """Print the table and write it as CSV."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=2.0, help="processor seconds for each peer and preset")
    parser.add_argument("--groups", nargs="+", default=["main"], choices=["main", "vocabulary", "compressibility"])
    parser.add_argument("--no-peers", action="store_true", help="time ziplaw alone")
    parser.add_argument("--out", help="CSV to write")
    options = parser.parse_args()
    table = rows(options.seed, options.budget, options.groups, () if options.no_peers else tuple(PEERS))
    print(*aligned(table), sep="\n")
    if options.out:
        write_csv(options.out, table)


if __name__ == "__main__":
    main()
