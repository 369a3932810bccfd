"""Many dry runs of Snakemake in one process: imported once, forked for each.

    python tests/helpers/sweeps/dry_runs.py < runs.json

Reads a list of {"house", "arguments", "versions"} and prints a list of what each run printed; ``versions`` are other
values of integers in ziplaw.versions.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import snakemake.cli

sys.path.insert(0, str(Path(__file__).parents[3] / "pkg"))


def warm_up():
    """Import once what every run would."""
    import pandas  # noqa: F401 - Snakemake looks for it in every param

    import ziplaw.corpora.builtin
    import ziplaw.sweep.config
    import ziplaw.sweep.fingerprints
    import ziplaw.training.job_needs  # noqa: F401

    snakemake.cli.get_argument_parser()


def one(house, arguments, versions):
    """Run Snakemake in a child and return what it printed."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if not child:
            os.chdir(house)
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
            from ziplaw import versions as stages

            vars(stages).update(versions)
            try:
                snakemake.cli.main(arguments)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)
        os.waitpid(child, 0)
        output.seek(0)
        return output.read().decode()


if __name__ == "__main__":
    warm_up()
    print(json.dumps([one(**run) for run in json.load(sys.stdin)]))
