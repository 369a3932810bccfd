"""What was seen on the cluster, second by second: the log of the test, and what must never be seen."""

import threading
import time
from pathlib import Path

from sweeps import trainers

EVERY_S = 1.0
# what a job that trains asks for
GPU = "gres:gpu:1"


class Watch(threading.Thread):
    """Prints each job when its state changes; keeps what each job asked for and every fault of the workflow itself."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.ended = threading.Event()
        # job id -> all that squeue said of it when it was last seen
        self.jobs = {}
        self.wrong = set()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        while not self.ended.wait(EVERY_S):
            self.look_at_jobs()
            self.look_at_trainers()

    def look_at_jobs(self):
        for job in self.cluster.jobs():
            before = self.jobs.get(job["id"])
            self.jobs[job["id"]] = job
            if not before or before["state"] != job["state"]:
                say(f"squeue: {job['id']:>4} {job['state']:<13} {job['partition']:<4} {job['gres']:<11} "
                    f"{job['memory']:>6} {job['limit']:>8} {job['rule']}")  # fmt: skip
            if trains(job) and job["gres"] != GPU:
                self.wrong.add(f"job {job['id']} ({job['rule']}) trains with {job['gres']} in place of {GPU}")

    def look_at_trainers(self):
        into = {}
        for trainer in trainers():
            for folder in trainer.folders:
                into.setdefault(trainer.house / folder, []).append(trainer.pid)
        for folder, pids in into.items():
            if len(pids) > 1:
                self.wrong.add(f"{folder} is trained by {len(pids)} processes at once")

    def of(self, house, since=0):
        """Training jobs of a house, oldest first; those with a number above `since`."""
        return [
            job
            for number, job in sorted(self.jobs.items(), key=lambda item: int(item[0]))
            if trains(job) and Path(job["folder"]) == house and int(number) > since
        ]


def trains(job):
    return job["rule"].startswith(("rule_train_", "train_"))


START = time.monotonic()


def say(text):
    """A line of the log, with the seconds since the start."""
    print(f"{time.monotonic() - START:7.1f} s  {text}", flush=True)
