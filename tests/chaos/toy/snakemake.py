"""What Snakemake does for a sweep, in little and at once started: `python -m snakemake [--unlock|--dry-run] ...`.

Stages one after the other, two jobs at once; a lock, marks of unfinished jobs, going on after a failure. Flaws that the
folder asks for: "torn" (no marks: what is there counts as made), "deaf" (SIGTERM is waited for, for ever), "orphans"
(something is started that never ends).
"""

import signal
import subprocess
import sys
import threading
from pathlib import Path

STAGES = [["sample/low", "sample/high"], ["score/low", "score/high"], ["train/low", "train/high"], ["fit/all"]]
EVERY = [job for stage in STAGES for job in stage]
LOCK, MARKS = Path(".snakemake/locks/0.lock"), Path(".snakemake/incomplete")
flaws = Path("flaws").read_text().split()
told = []


def missing(jobs):
    return [job for job in jobs if not file_of(job).exists() or mark_of(job).exists()]


def file_of(job):
    return Path("results/try", f"{job}.csv")


def mark_of(job):
    return MARKS / job.replace("/", "_")


def end(number, frame):
    if "deaf" in flaws:
        threading.Event().wait()
    told.append(number)


def made(job):
    """Run a job to its end."""
    if "torn" not in flaws:
        mark_of(job).touch()
    # what a killed job was writing
    file_of(job).with_name(f".{job.split('/')[1]}.csv.part").unlink(missing_ok=True)
    process = subprocess.Popen([sys.executable, "-m", "ziplaw", job.split("/")[0], str(file_of(job))])
    if not process.wait():
        mark_of(job).unlink(missing_ok=True)


def main():
    if "--unlock" in sys.argv:
        LOCK.unlink(missing_ok=True)
        return 0
    if not missing(EVERY):
        print("Nothing to be done")
        return 0
    if "--dry-run" in sys.argv:
        return 0
    for folder in (LOCK.parent, MARKS):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        LOCK.touch(exist_ok=False)
    except FileExistsError:
        print("LockException: Directory cannot be locked")
        return 1
    if "orphans" in flaws:
        subprocess.Popen(["sleep", "100"], start_new_session=True)
    signal.signal(signal.SIGTERM, end)
    try:
        for stage in STAGES:
            if not told and not missing(EVERY[: EVERY.index(stage[0])]):
                jobs = [threading.Thread(target=made, args=[job]) for job in missing(stage)]
                for job in jobs:
                    job.start()
                while any(job.is_alive() for job in jobs):
                    try:
                        signal.sigtimedwait([], 0.01)
                    except KeyboardInterrupt:
                        told.append(signal.SIGINT)
    finally:
        LOCK.unlink()
    return int(bool(missing(EVERY)))


if __name__ == "__main__":
    sys.exit(main())
