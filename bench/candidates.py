"""Score candidate grammars for a CPU sweep: H, floor, unigram entropy and size, before any training.

    python bench/candidates.py --seeds 12 --out candidates.csv

What makes a row scale at laptop size (docs/default-sweep.md): about 450 to 620 productions, right-hand sides of three
symbols or more, and a floor well under the unigram entropy. The table lets a sweep be chosen by H and floor, blind to
any training curve.
"""

import argparse

import numpy as np

import ziplaw
from ziplaw.base.documents import progress, write_csv

SHAPES = [
    (3, 300, 400, 4),
    (3, 300, 800, 5),
    (5, 300, 300, 5),
    (8, 300, 200, 4),
    (8, 300, 150, 8),
    (15, 300, 70, 4),
    (15, 300, 70, 8),
    (15, 300, 50, 18),
    (30, 300, 40, 5),
    (30, 300, 35, 10),
    (60, 300, 16, 3),
    (60, 300, 16, 5),
    (60, 300, 16, 10),
    (100, 300, 10, 4),
    (140, 300, 6, 4),
    (140, 300, 6, 8),
]


def describe(shape, seed, documents=400):
    """Return one row of the table, or None for a shape whose every draw is critical."""
    try:
        grammar = ziplaw.random_grammar(*shape, seed=seed)
    except ziplaw.ZiplawError:
        return None  # every draw of this shape is critical
    tokens = ziplaw.sample(grammar, documents, seed=0, stream=1)
    counts = np.bincount(tokens.ravel(), minlength=grammar.vocab_size)
    p = counts[counts > 0] / counts.sum()
    criticality = grammar.criticality()
    return {
        **dict(zip(("n_nonterminals", "n_terminals", "max_rhs_options", "max_rhs_length"), shape)),
        "seed": seed,
        "productions": len(grammar.productions),
        "rho_m": criticality.rho_m,
        "sentence_length": grammar.expected_sentence_length(),
        "H": ziplaw.compressibility(tokens, samples=documents).median,
        "floor": ziplaw.floor(grammar, tokens[:100]).nats_per_token,
        "unigram": float(-(p * np.log(p)).sum()),
    }


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--out", default="candidates.csv")
    options = parser.parse_args()
    jobs = [(shape, seed) for shape in SHAPES for seed in range(options.seeds)]
    rows = (describe(*job) for job in progress(jobs, desc="grammars"))
    write_csv(options.out, [row for row in rows if row])


if __name__ == "__main__":
    main()
