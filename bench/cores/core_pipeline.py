"""A corpus of 100M tokens from the command line: `ziplaw sample` to disk, then `ziplaw score`, two threads.

    python bench/cores/core_pipeline.py --out core_pipeline.csv

Wall time of both commands from start to exit, imports, checksums and the final fsync included; the peak is the larger
resident set of the two, mapped file pages counted. What waited for the disk is the difference to the processor time,
which is given beside it. There is no peer: the paper's generator (see core_sampler.py) would take minutes to days.
``ziplaw_is_faster`` is the limit of 10 s over the wall time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ziplaw
from ziplaw.base.documents import progress, write_csv
from ziplaw.base.text_table import aligned

TOKENS = 100_000_000
CONTEXT = 256
LIMIT_S = 10.0
LIMIT_MB = 500.0
RATIO = f"How many times the wall time fits into the limit of {LIMIT_S:g} s"
QUICK = {"tokens": 100_000, "presets": ("main-1", "main-6")}


def measured(*arguments):
    """Wall seconds, processor seconds, peak megabytes and standard output of one ziplaw command."""
    begin = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "ziplaw", *map(str, arguments)], stdout=subprocess.PIPE)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"core_pipeline.py: ziplaw {arguments[0]} ended with status {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20), out


def rows(tokens=TOKENS, presets=None, folder=None):
    """Return one row a main preset; the corpora are written to ``folder`` (a temporary one) and removed."""
    table = []
    presets = presets or [name for name, preset in ziplaw.PRESETS.items() if preset["group"] == "main"]
    for preset in progress(presets, desc="corpora"):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            grammar, corpus = Path(name) / "grammar.json", Path(name) / "corpus"
            ziplaw.random_grammar(*ziplaw.PRESETS[preset]["shape"], seed=0).save(grammar)
            documents = -(-tokens // CONTEXT)
            sample = measured("sample", grammar, "--documents", documents, "--threads", 2, "-o", corpus)
            score = measured("score", corpus, "--threads", 2, "--json")
            found = json.loads(score[3])
        wall, peak = sample[0] + score[0], max(sample[2], score[2])
        table.append(
            {
                "preset": preset,
                "method": "sample + score",
                "tokens": documents * CONTEXT,
                "wall_s": round(wall, 2),
                "sample_s": round(sample[0], 2),
                "score_s": round(score[0], 2),
                "processor_s": round(sample[1] + score[1], 2),
                "peak_mb": round(peak),
                "H": found["H"],
                "documents_scored": found["n"],
                "within_limits": wall < LIMIT_S and peak < LIMIT_MB,
                "ziplaw_is_faster": round(LIMIT_S / wall, 2),
            }
        )
    return table


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--folder", help="where the corpora go")
    parser.add_argument("--out", help="CSV with the rows")
    options = parser.parse_args()
    table = rows(options.tokens, folder=options.folder)
    print(*aligned(table), sep="\n")
    if options.out:
        write_csv(options.out, table)


if __name__ == "__main__":
    main()
