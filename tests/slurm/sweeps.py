"""Sweeps under a cluster: folders of their own, the driver (Snakemake) as a process, and results as bytes."""

import contextlib
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from cluster import ClusterError, alive, wait_for

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "helpers" / "sweeps"))
import houses  # noqa: E402

# no job of a sweep for this long, while its driver lives and the fault is over: the driver hangs
HANG_S = 120
# a whole sweep takes less, on a machine that has other work
SWEEP_S = 1800


def new(folder, like=None):
    """A folder that shares the project's code; with results and Snakemake's memory as they stand in another."""
    folder.mkdir(parents=True)
    houses.build(folder)
    for part in ("results", ".snakemake", "logs", "benchmarks"):
        if like and (like / part).exists():
            shutil.copytree(like / part, folder / part)
    return folder


def make_here(house, configs, *targets):
    """The same without any cluster, for its bytes."""
    words = [*targets, "--configfile", *configs]
    code, output = houses.snakemake(house, *words, cores=os.cpu_count() or 1, timeout=SWEEP_S)
    if code:
        raise ClusterError(f"the sweep failed without a cluster as well:\n{output}")
    return house


def digests(folder):
    """SHA-256 of every file of a folder of results by its path. What made it (provenance.json) hangs on the place."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def differences(folder, reference):
    """Names of results that one has and the other has not, or has with other bytes."""
    ours, theirs = digests(folder), digests(reference)
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


class Trainer:
    """A process that trains."""

    def __init__(self, pid, words):
        self.pid = pid
        self.house = Path(os.readlink(f"/proc/{pid}/cwd"))
        self.folders = [folder for before, folder in itertools.pairwise(words) if before == "-o"]

    def cpu_s(self):
        """Seconds of processor used; 0 when it has ended."""
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def was_told_to_stop(self):
        """Whether SIGTERM waits for it, where it is stopped and cannot take it."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith(("SigPnd", "ShdPnd")) and int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
                    return True
        return False


def processes(house, *verb):
    """Every `ziplaw` of this verb, or of any, that runs in a house, or (None) in any: pid and words."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                here = house is None or Path(os.readlink(entry / "cwd")) == house
                if here and words[1 : 3 + len(verb)] == ["-m", "ziplaw", *verb] and alive(int(entry.name)):
                    yield int(entry.name), words


def trainers(house=None):
    """Every process that trains in a house, or in any."""
    found = []
    for pid, words in processes(house, "train"):
        with contextlib.suppress(OSError):
            found.append(Trainer(pid, words))
    return found


class Driver:
    """Snakemake with the profile as it ships, in a house, as a process that can be watched and killed."""

    count = 0

    def __init__(self, cluster, house, configs, *words):
        Driver.count += 1
        self.house, self.cluster = house, cluster
        self.log = house / f"driver{Driver.count}.log"
        command = [sys.executable, "-m", "snakemake", *words, "--profile", "profiles/slurm", "--nocolor"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [*command, "--configfile", *map(str, configs)],
                cwd=house,
                env={**cluster.env, "XDG_CACHE_HOME": str(house / "cache"), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # its local jobs are of its group; those of the cluster are ended with that
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def printed(self):
        return self.log.read_text(errors="replace")

    def working(self):
        """Whether a job of this sweep runs, on the cluster or beside the driver."""
        on_cluster = any(Path(job["folder"]) == self.house for job in self.cluster.jobs("RUNNING", "COMPLETING"))
        return on_cluster or any(True for _ in processes(self.house))

    def training(self, cpu_s=3.0):
        """Wait until a process has used so many seconds of processor: one or two go by before its first step."""
        found = []

        def is_there():
            if self.process.poll() is not None:
                raise ClusterError(f"the driver ended before a training was seen:\n{self.printed()}")
            found[:] = [trainer for trainer in trainers(self.house) if trainer.cpu_s() >= cpu_s]
            return found

        wait_for(is_there, "a run trains", SWEEP_S)
        return found[0]

    def finish(self, back=None):
        """Wait for its end; return its status, and when ``back()`` was true first (time.monotonic), or None.

        A driver with no job of its sweep's for two minutes, and without a word in its log, hangs.
        """
        start = active = time.monotonic()
        seen, size = None, self.log.stat().st_size
        while self.process.poll() is None:
            now = time.monotonic()
            if seen is None and back and back():
                seen = now
            if self.working() or self.log.stat().st_size != size:
                active, size = now, self.log.stat().st_size
            if now - active > HANG_S:
                raise ClusterError(f"the driver did nothing for {HANG_S} s:\n{self.printed()}")
            if now - start > SWEEP_S:
                raise ClusterError(f"the driver had not ended after {SWEEP_S} s:\n{self.printed()}")
            time.sleep(0.5)
        return self.process.returncode, seen
