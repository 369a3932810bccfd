"""A sweep through profiles/slurm on a real SLURM of one node, undisturbed and with faults: `make test-slurm`.

    python tests/slurm/check.py [--short] [--only FAULT ...] [--out FOLDER]

It prints every job as the cluster's queue shows it, and at the end a table: fault, what happened, seconds to recover.
Status 0 when each sweep ended with the bytes of an undisturbed one, 1 when one did not, 2 when something is missing.
"""

import argparse
import contextlib
import csv
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import sweeps
from cluster import Cluster, ClusterError
from faults import CONFIG, FAULTS, SHORT, TARGET, Scene
from install import what_is_missing
from sweeps import ROOT, Driver
from watch import GPU, Watch, say

SMOKE = ROOT / "config" / "smoke.yaml"
APART = Path(__file__).parent / "apart.yaml"
NO_FAULT = "no fault"
COLUMNS = ("fault", "seconds_to_recover", "seconds_to_the_end", "verdict", "what_happened")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help=f"of the faults only: {', '.join(SHORT)}")
    parser.add_argument(
        "--only", nargs="+", choices=[NO_FAULT, *FAULTS], metavar="FAULT", help='these alone, or "no fault"'
    )
    parser.add_argument("--out", type=Path, help="folder for faults.csv")
    parser.add_argument("--reference", type=Path, help="results of config/smoke.yaml, whole, made without a cluster")
    parser.add_argument("--may-skip", action="store_true", help="status 0 when SLURM cannot be installed")
    return parser.parse_args()


def undisturbed(cluster, watch, folder, reference, short):
    """The smoke sweep as it is, with ensembles, and (not in short) its runs one by one: rows of the table."""
    if reference is None:
        say("config/smoke.yaml without a cluster")
        reference = sweeps.make_here(sweeps.new(folder / "here"), [SMOKE]) / "results" / "smoke"
    smoke = folder / "smoke"
    say(f"----- {NO_FAULT}")
    yield _undisturbed(NO_FAULT, cluster, watch, sweeps.new(smoke), [SMOKE], reference)
    if short:
        return
    name = f"{NO_FAULT}, runs apart"
    say(f"----- {name}")
    apart = sweeps.new(folder / "apart", like=smoke)
    shutil.rmtree(apart / "results" / "smoke" / "runs", ignore_errors=True)
    yield _undisturbed(name, cluster, watch, apart, [SMOKE, APART], reference, "collect_runs")


def _undisturbed(name, cluster, watch, house, configs, reference, *targets):
    start = time.monotonic()
    with Driver(cluster, house, configs, *targets) as driver:
        status, _ = driver.finish()
        took = time.monotonic() - start
        trouble = f"the driver ended with status {status}:\n{driver.printed()}" if status else ""
    jobs = watch.of(house)
    if wrong := sweeps.differences(house / "results" / "smoke", reference):
        trouble = trouble or f"other bytes in {', '.join(wrong)}"
    what = f"{len(jobs)} training jobs" + (f", each with {GPU}" if all(job["gres"] == GPU for job in jobs) else "")
    return row(name, what, None, took, trouble or ("" if jobs else "no training job was seen"))


def row(fault, what, recover, end, trouble):
    """A row of the table; what is wrong is printed where it happens."""
    if trouble:
        say(f"WRONG: {trouble}")
    seconds = ["" if value is None else f"{value:.0f}" for value in (recover, end)]
    return dict(zip(COLUMNS, (fault, *seconds, "WRONG" if trouble else "ok", what), strict=True))


def disturbed(cluster, watch, folder, names):
    """The faults, one by one: rows of the table."""
    say(f"{CONFIG.name}: its corpora, and without a cluster its runs")
    begun = sweeps.make_here(sweeps.new(folder / "begun"), [CONFIG], TARGET, "--omit-from", "train_run")
    reference = sweeps.make_here(sweeps.new(folder / "reference", like=begun), [CONFIG], TARGET)
    for number, name in enumerate(names):
        say(f"----- {name}")
        scene = Scene(cluster, watch, sweeps.new(folder / f"fault{number}", like=begun))
        trouble = ""
        try:
            FAULTS[name](scene)
            if wrong := sweeps.differences(scene.house / "results", reference / "results"):
                trouble = f"other bytes in {', '.join(wrong)}"
        except ClusterError as error:
            trouble = str(error)
            cluster.clear()
        times = [None if at is None else at - scene.over for at in (scene.back, scene.whole)]
        yield row(name, "; ".join(scene.notes), *times, trouble)


def table(rows):
    rows = [dict(zip(COLUMNS, COLUMNS)), *rows]
    widths = {column: max(len(each[column]) for each in rows) for column in COLUMNS}
    for each in rows:
        print("  ".join(each[column].ljust(widths[column]) for column in COLUMNS).rstrip())


def write(rows, out):
    if out and rows:
        out.mkdir(parents=True, exist_ok=True)
        with open(out / "faults.csv", "w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def checks(given, cluster, watch, folder):
    """What was asked for, one after another: rows of the table."""
    say(
        f"SLURM runs in {folder}: {' '.join(cluster.ask('sinfo', '--Node', '--noheader', '--format=%N %P %G').split())}"
    )
    names = given.only or [NO_FAULT, *(SHORT if given.short else FAULTS)]
    if NO_FAULT in names:
        yield from undisturbed(cluster, watch, folder, given.reference, given.short)
    if faults := [name for name in names if name != NO_FAULT]:
        yield from disturbed(cluster, watch, folder, faults)


def not_here(given, why):
    """The status where there is no SLURM to try."""
    print(f"test-slurm: {'skipped: ' if given.may_skip else ''}{why}")
    return 0 if given.may_skip else 2


def main():
    given = options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    if missing := what_is_missing():
        return not_here(given, missing)
    folder = Path(tempfile.mkdtemp(prefix="ziplaw-slurm-"))
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(Cluster(folder / "cluster"))
        except ClusterError as error:
            return not_here(given, f"SLURM does not start on this machine: {error}")
        watch = stack.enter_context(Watch(cluster))
        rows = []
        # also of what was done when it is interrupted
        stack.callback(lambda: write(rows, given.out))
        stack.callback(lambda: table(rows))
        for each in checks(given, cluster, watch, folder):
            rows.append(each)
        for each in sorted(watch.wrong):
            rows.append(row("any", each, None, None, each))
    if any(each["verdict"] != "ok" for each in rows):
        print(f"test-slurm: folders and logs are kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("test-slurm: interrupted")
        sys.exit(130)
