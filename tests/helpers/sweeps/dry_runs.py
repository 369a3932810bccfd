"""Many dry runs of Snakemake in one process: imported once, forked for each.

    python tests/helpers/sweeps/dry_runs.py

Reads a run a line, {"house", "arguments", "versions", "environment"} as JSON, and answers each with a line: its exit
status and what it printed. ``versions`` are other values of integers in ziplaw.versions, ``environment`` of variables.
"""

import json
import os
import sys
import tempfile
import traceback
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


def one(house, arguments, versions, environment):
    """Run Snakemake in a child and return its exit status and what it printed."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if not child:
            os.chdir(house)
            os.environ.update({"XDG_CACHE_HOME": f"{house}/cache"} | environment)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
            from ziplaw import versions as stages

            vars(stages).update(versions)
            status = 70  # of a run that ends by an exception
            try:
                snakemake.cli.main(arguments)
            except SystemExit as end:
                status = end.code or 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        output.seek(0)
        return os.waitstatus_to_exitcode(ended), output.read().decode()


if __name__ == "__main__":
    warm_up()
    for line in sys.stdin:
        print(json.dumps(one(**json.loads(line))), flush=True)
