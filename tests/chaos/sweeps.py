"""Working folders of sweeps: started, waited for, compared with the bytes of a sweep that nothing disturbed."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import houses
import processes
import yaml

# a driver that uses no processor and has nothing running for so long will not end by itself
HANGS_AFTER_S = 60
LIMIT_S = 1800


class House:
    """A folder with the project's code, one config and its results; the report tells its name, the same everywhere.

    ``targets`` are the files that are asked for, by default everything.
    """

    def __init__(self, parent, config, targets=(), build=houses.build):
        self.folder = Path(parent) / "house"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        build(self.folder)
        (self.folder / "tmp").mkdir()
        self.targets = targets
        self.log = self.folder / "driver.log"
        self.unlocked = 0
        self.configure(config)

    def configure(self, config):
        self.config = config
        (self.folder / "try.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    @property
    def results(self):
        return self.folder / "results" / self.config["sweep"]

    @property
    def logs(self):
        return self.folder / "logs" / self.config["sweep"]

    def environment(self):
        return houses.environment(self.folder) | {
            processes.MARK: str(self.folder),
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self.folder / "tmp"),
        }

    def start(self, *arguments):
        """Start Snakemake as the leader of a group, as a shell does; what it prints goes to driver.log."""
        if self.locked() and not [one for one in processes.running(self.folder) if one.kind == "driver"]:
            # what Snakemake says to do after a driver was killed
            self.unlocked += 1
            self.start_alone("--unlock").wait()
        return self.start_alone(*self.targets, *arguments)

    def start_alone(self, *arguments):
        command = [
            sys.executable,
            "-m",
            "snakemake",
            *arguments,
            "--cores",
            "2",
            "--nocolor",
            "--configfile",
            "try.yaml",
        ]
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self, *arguments):
        """Run to the end; exit status, and what was printed."""
        before = self.said()
        status = self.ended(self.start(*arguments))
        return status, self.said()[len(before) :]

    def ended(self, driver):
        """Wait for a driver; its exit status, or None when it hung and had to be killed."""
        since, used = time.monotonic(), None
        began = since
        while driver.poll() is None:
            now = processes.processor_s(driver.pid)
            others = [one for one in processes.running(self.folder) if one.pid != driver.pid]
            if others or used is None or now is None or now > used + 0.5:
                since, used = time.monotonic(), now
            if time.monotonic() - since > HANGS_AFTER_S or time.monotonic() - began > LIMIT_S:
                processes.kill_all(self.folder)
                driver.wait()
                return None
            time.sleep(0.05)
        return driver.returncode

    def ziplaw(self, *arguments):
        """Run a verb; its status and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "ziplaw", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment() | {"PYTHONPATH": str(self.folder / "pkg")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def verified(self, *arguments):
        """What `ziplaw verify` says of the results."""
        return self.ziplaw("verify", self.results.relative_to(self.folder), "--config", "try.yaml", *arguments)

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def jobs_said(self):
        """The logs of the jobs."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.logs.rglob("*.log")))

    def locked(self):
        return any((self.folder / ".snakemake" / "locks").glob("*"))

    def files(self):
        """SHA-256 of every file of the results, hidden ones as well."""
        results = self.folder / "results"
        return {
            path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in results.rglob("*")
            if path.is_file()
        }

    def left_over(self):
        """Locks, marks of unfinished jobs and temporary files, wherever they lie."""
        snakemake = self.folder / ".snakemake"
        found = [*snakemake.glob("locks/*"), *snakemake.glob("incomplete/*"), *(self.folder / "tmp").iterdir()]
        found += [path for path in (self.folder / "results").rglob("*") if is_temporary(path.name)]
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def remove(self):
        processes.kill_all(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def is_temporary(name):
    """Tell files that no finished sweep has: being written, checkpoints, locks."""
    return name.startswith(".") or name.endswith((".npz", ".part", ".tmp", ".lock"))


def differing(found, undisturbed):
    """Names of files that are missing, other than they should be, or too many."""
    return sorted(name for name in found.keys() | undisturbed.keys() if found.get(name) != undisturbed.get(name))


def half_written(found, undisturbed):
    """Names of files that are there and are not what they end as; temporary ones do not count."""
    names = [name for name in found if not is_temporary(os.path.basename(name))]
    return sorted(name for name in names if found[name] != undisturbed.get(name))


def compared(row, house, undisturbed, found=None):
    """What every fault ends with: differences (of the files ``found``), orphans, what is left; the house is removed."""
    row.orphans += processes.gone(house.folder, 0)
    row.differences += differing(house.files() if found is None else found, undisturbed)
    row.left += house.left_over()
    house.remove()
    return row


def unfinished(house):
    """What a finished sweep should not say: that there is more to do, or something damaged."""
    _, said = house.finish("--dry-run")
    found = [] if "Nothing to be done" in said else [f"more to do: {said[-500:]}"]
    if not house.targets:
        status, said = house.verified()
        found += [f"verify: {said[-500:]}"] if status else []
    return found
