"""\
Break sweeps in every way that a machine or a user may, and compare what comes out with sweeps that nothing disturbed.

    make chaos                                     # the long form: an hour of two cores
    make chaos CHAOS=--short                       # minutes
    python tests/chaos/run.py --only kills --rounds 3 --seed 7

Prints a line a round and one table at the end, and writes the rounds as CSV; ends with status 1 when anything differed,
was left running or lying, or hung. Linux. Disks are tmpfs in a namespace of their own, mounted by root or where users
may have namespaces; elsewhere those faults are said not to have been tried.
"""

import argparse
import copy
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "helpers" / "sweeps"), str(ROOT / "pkg")]

import clocks
import disks
import drivers
import kills
import reruns
import sweeps
import table
import trainers
import yaml

SMOKE = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())
# the sweep without its figures and pages, which are most of its jobs
TABLES = [f"results/{SMOKE['sweep']}/{name}" for name in ("runs.csv", "fits.csv", "claims.csv", "frontier.csv")]
ENSEMBLE = copy.deepcopy(SMOKE) | {"training": SMOKE["training"] | {"ensemble": 3}}
# trains for some seconds, for checkpoints
LONG = copy.deepcopy(SMOKE) | {"budgets": [4096, 1 << 20]}
LONG_RUN = f"results/{SMOKE['sweep']}/runs/low/h16/s0/run.json"


class Chaos:
    """Faults by name; each yields rows. Undisturbed sweeps are made once."""

    def __init__(self, parent, arguments):
        self.parent, self.seed, self.short = parent, arguments.seed, arguments.short
        self.rounds, self.kills = arguments.rounds, arguments.kills
        self.whole = TABLES if arguments.short or arguments.tables else ()
        self.known = {}

    def undisturbed(self, config, targets=()):
        """What a sweep's files are when nothing disturbs it, and how long it takes."""
        key = repr((config, targets))
        if key not in self.known:
            house = sweeps.House(self.parent / "undisturbed", config, targets)
            began = time.monotonic()
            status, said = house.finish()
            if status:
                sys.exit(f"a sweep that nothing disturbed ended with {status}:\n{said}")
            self.known[key] = house.files(), time.monotonic() - began
            house.remove()
        return self.known[key]

    def kill_rounds(self):
        done = number = 0
        # a round may end before all its kills are done
        while number < self.rounds or (done < self.kills and number < 2 * self.rounds):
            number += 1
            config = (SMOKE, ENSEMBLE)[number % 2]
            files, length_s = self.undisturbed(config, self.whole)
            each = -(-self.kills // self.rounds)
            house = sweeps.House(self.parent / "kills", config, self.whole)
            row = kills.kill_round(number, house, files, length_s, each, self.seed)
            row.fault = f"kills, {'ensembles' if config is ENSEMBLE else 'plain'}"
            done += row.kills
            yield row

    def disk_rounds(self):
        files, _ = self.undisturbed(SMOKE, TABLES)
        parts = ["results"] if self.short else ["results", "."]
        if not disks.may_mount(self.parent):
            yield table.Row("full and read-only disks", 0, "not tried: nothing may be mounted here")
            return
        for part in parts:
            yield disks.full_disk(part, self.parent / "disk", SMOKE, TABLES, files, 4 if self.short else 1.2)
        yield disks.read_only(self.parent / "disk", SMOKE, TABLES, files)

    def clock_rounds(self):
        files, _ = self.undisturbed(SMOKE, TABLES)
        yield from clocks.rounds(self.parent / "clocks", SMOKE, TABLES, files, self.seed, self.short)

    def driver_rounds(self):
        files, _ = self.undisturbed(SMOKE, TABLES)
        for number in range(1, 2 if self.short else 5):
            yield drivers.one_sweep(number, self.parent / "drivers", SMOKE, TABLES, files, self.seed)
        if not self.short:
            yield drivers.two_sweeps(1, self.parent / "drivers", SMOKE, TABLES, files)

    def loss_rounds(self):
        files, _ = self.undisturbed(SMOKE, self.whole)
        yield trainers.diverged(self.parent / "losses", SMOKE, self.whole, files)

    def memory_rounds(self):
        files, _ = self.undisturbed(SMOKE, TABLES)
        for number in range(1, 2 if self.short else 5):
            yield trainers.out_of_memory(number, self.parent / "memory", SMOKE, TABLES, files, self.seed)

    def checkpoint_rounds(self):
        files, _ = self.undisturbed(LONG, [LONG_RUN])
        every = [trainers.flipped, trainers.cut_short, trainers.emptied, trainers.random_bytes]
        for number, damage in enumerate(every[: 1 if self.short else None], 1):
            yield trainers.checkpoint(number, damage, self.parent / "saved", LONG, LONG_RUN, files, self.seed)

    def rerun_rounds(self):
        yield from reruns.rounds(self.parent / "reruns")

    def faults(self):
        return {
            "kills": self.kill_rounds,
            "disks": self.disk_rounds,
            "drivers": self.driver_rounds,
            "clocks": self.clock_rounds,
            "losses": self.loss_rounds,
            "memory": self.memory_rounds,
            "checkpoints": self.checkpoint_rounds,
            "reruns": self.rerun_rounds,
        }


FAULTS = ("kills", "disks", "drivers", "clocks", "losses", "memory", "checkpoints", "reruns")


def parsed(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="fewer rounds, no reruns, sweeps without figures")
    parser.add_argument("--tables", action="store_true", help="sweeps without figures and pages, as --short has them")
    parser.add_argument("--only", nargs="+", choices=FAULTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, help="of kills: 15, short 2")
    parser.add_argument("--kills", type=int, help="at least, over all rounds: 60, short 6")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "results" / "chaos" / "chaos.csv")
    parser.add_argument("--markdown", type=Path, help="page whose table is written anew")
    arguments = parser.parse_args(words)
    # what reruns after which change, the tests ask by dry runs
    arguments.only = arguments.only or [name for name in FAULTS if name != "reruns" or not arguments.short]
    arguments.rounds = arguments.rounds or (2 if arguments.short else 15)
    arguments.kills = arguments.kills or (6 if arguments.short else 60)
    return arguments


def alone():
    """Go on in a mount namespace of its own, so that disks go with this process; where there is none, without."""
    ways = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])
    if "ZIPLAW_CHAOS_ALONE" in os.environ or not shutil.which("unshare"):
        return
    for way in ways:
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            os.environ["ZIPLAW_CHAOS_ALONE"] = "yes"
            os.execvp(way[0], [*way, sys.executable, *sys.argv])


def main():
    arguments = parsed()
    alone()
    # jobs of a shell in the background start with Ctrl-C ignored, and so would everything here
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parent = Path(tempfile.mkdtemp(prefix="chaos."))
    rows = []
    try:
        faults = Chaos(parent, arguments).faults()
        for name in arguments.only:
            for row in faults[name]():
                rows.append(row)
                print(table.line(row), flush=True)
                table.write(arguments.out, rows)
    finally:
        shutil.rmtree(parent, ignore_errors=True)
    which = "without figures and pages" if arguments.short or arguments.tables else "whole"
    text = f"Seed {arguments.seed}, the smoke sweep {which}.\n\n{table.markdown(rows)}"
    print(f"\nThe rounds: {arguments.out}\n\n{text}")
    if arguments.markdown:
        table.write_markdown(arguments.markdown, text)
    sys.exit(any(row.wrong for row in rows))


if __name__ == "__main__":
    main()
