"""What goes wrong on a cluster, one thing at a time, to a sweep of three runs that has its corpora and is to train."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import sweeps
from cluster import ClusterError, alive, wait_for
from sweeps import Driver, trainers
from watch import say

HERE = Path(__file__).parent
CONFIG = HERE / "tiny.yaml"
TARGET = "results/tiny/runs.csv"
RUNS = "results/tiny/runs/low"


class Scene:
    """A fault's sweep: its folder, its drivers, and how long it took to recover."""

    def __init__(self, cluster, watch, house):
        self.cluster, self.watch, self.house = cluster, watch, house
        self.notes = []
        # when the fault was over, when what it hit trained again, when the sweep was whole
        self.over = self.back = self.whole = None

    def drive(self, *words):
        return Driver(self.cluster, self.house, [CONFIG], TARGET, *words)

    def note(self, text):
        say(text)
        self.notes.append(text)

    def recover(self, driver=None, of=None):
        """The fault is over: what becomes of the driver. Where it gave up, or died, the same command ends the sweep.

        What the fault hit is back when another process trains (into the folder ``of``).
        """
        self.over = time.monotonic()
        before = {trainer.pid for trainer in trainers(self.house) if alive(trainer.pid)}

        def back():
            return any(each.pid not in before and of in (None, *each.folders) for each in trainers(self.house))

        status = -1
        if driver:
            status, self.back = driver.finish(back)
            self.note(f"the driver {'ended with an error' if status else 'finished the sweep'}")
        if status:
            if any((self.house / ".snakemake" / "locks").glob("*")):  # of a driver that was killed
                with self.drive("--unlock") as unlock:
                    unlock.process.wait(timeout=sweeps.SWEEP_S)
            with self.drive() as second:
                status, seen = second.finish(back)
                self.back = self.back or seen
                if status:
                    raise ClusterError(f"the same command again ended with status {status}:\n{second.printed()}")
            self.note("the same command again finished the sweep")
        self.whole = time.monotonic()

    def job_of(self, trainer):
        """The cluster's job that a trainer belongs to."""
        _, dataset, model, seed = trainer.folders[0].rsplit("/", 3)
        name = f"{dataset}_{model}_{seed.removeprefix('s')}"
        running = self.cluster.jobs("RUNNING")
        return next(job for job in running if job["rule"].endswith(name) and Path(job["folder"]) == self.house)


def time_limit(scene):
    """A job's time is up. The trainer is halted meanwhile, so that it is sure to be under way when that happens."""
    with scene.drive() as driver:
        trainer = driver.training()
        job = scene.job_of(trainer)
        os.kill(trainer.pid, signal.SIGSTOP)
        scene.cluster.ask("scontrol", "update", f"JobId={job['id']}", "TimeLimit=1")
        try:
            # SLURM sends SIGCONT with it, or does not
            told = f"job {job['id']} was told that its time is up"
            wait_for(lambda: trainer.was_told_to_stop() or not alive(trainer.pid), told, 300)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(trainer.pid, signal.SIGCONT)
        wait_for(lambda: not alive(trainer.pid), "the trainer has ended")
        if not (scene.house / trainer.folders[0] / "checkpoint.npz").exists():
            raise ClusterError(f"{trainer.folders[0]} has no checkpoint after its time was up")
        scene.note(f"job {job['id']} was told to stop and saved a checkpoint")
        scene.recover(driver, of=trainer.folders[0])


def cancelled(scene):
    """Someone cancels a job that runs."""
    with scene.drive() as driver:
        trainer = driver.training()
        job = scene.job_of(trainer)
        scene.cluster.ask("scancel", job["id"])
        wait_for(lambda: not alive(trainer.pid), "the trainer has ended")
        saved = (scene.house / trainer.folders[0] / "checkpoint.npz").exists()
        scene.note(f"job {job['id']} was cancelled{' and saved a checkpoint' if saved else ''}")
        scene.recover(driver, of=trainer.folders[0])


def drained(scene):
    """The node takes no new jobs while two run and one waits, and later does."""
    with scene.drive() as driver:
        driver.training(cpu_s=0.0)
        scene.cluster.ask("scontrol", "update", f"NodeName={scene.cluster.host}", "State=DRAIN", "Reason=test")
        try:
            wait_for(lambda: scene.cluster.node_state() in ("drained", "drain"), "the node is drained", sweeps.SWEEP_S)
            waiting = scene.cluster.jobs("PENDING")
            if driver.process.poll() is not None or not waiting:
                raise ClusterError(f"no job waited, or the driver ended with the node drained:\n{driver.printed()}")
            scene.note(f"what ran was finished, {len(waiting)} waited")
        finally:
            scene.cluster.ask("scontrol", "update", f"NodeName={scene.cluster.host}", "State=RESUME")
        scene.recover(driver)


def daemon_killed(scene):
    """The node's daemon dies and is started again; its jobs live."""
    with scene.drive() as driver:
        driver.training()
        scene.cluster.end("slurmd", signal.SIGKILL)
        time.sleep(5)
        scene.cluster.start_slurmd()
        scene.note("killed with -9, started again 5 s later; its jobs lived")
        scene.recover(driver)


def node_crashed(scene):
    """The node loses its power, with daemon and jobs, and comes back."""
    with scene.drive() as driver:
        driver.training()
        scene.cluster.end("slurmd", signal.SIGKILL)
        killed = scene.cluster.kill_jobs()
        time.sleep(5)
        scene.cluster.start_slurmd("-c")
        scene.note(f"slurmd and the {killed} processes of its jobs were killed with -9; back 5 s later")
        scene.recover(driver)


def driver_killed(scene):
    """The driver dies with its jobs running, and is started again."""
    with scene.drive() as driver:
        trainer = driver.training()
        os.kill(driver.process.pid, signal.SIGKILL)
        driver.process.wait()
        if not alive(trainer.pid):
            raise ClusterError("the run ended before its driver was killed")
    left = [job for job in scene.cluster.jobs("RUNNING", "PENDING") if Path(job["folder"]) == scene.house]
    scene.note(f"killed with -9 over {len(left)} jobs")
    scene.recover()
    ends = [scene.watch.jobs[job["id"]]["state"] for job in left]
    scene.note(f"what became of those jobs: {', '.join(sorted(set(ends)))}")


def bad_job(scene):
    """A job fails every time, the others do not care; then its cause is removed."""
    bad = scene.house / RUNS / "h8/s0/checkpoint.npz"
    bad.parent.mkdir(parents=True)
    bad.write_text("no checkpoint")
    with scene.drive() as driver:
        status, _ = driver.finish()
        good = len(list((scene.house / RUNS).glob("*/s0/run.json")))
        if status == 0 or good != 2 or "cannot be read" not in driver.printed():
            raise ClusterError(f"status {status}, {good} good runs; not what is due:\n{driver.printed()}")
        scene.note("the 2 good runs were finished, the driver showed the cause and ended with an error")
    bad.unlink()
    scene.recover()


def out_of_memory(scene):
    """A job takes more memory than it asked for; the next attempt asks for more."""
    beside, note = scene.cluster.folder / "beside", scene.cluster.folder / "victim"
    beside.write_text(f"#!/bin/sh\nexec {sys.executable} {HERE}/hog.py {scene.cluster.folder}\n")
    beside.chmod(0o755)

    def attempts():
        victim = note.read_text().split()[0] if note.exists() else None
        return [job for job in scene.watch.of(scene.house) if job["rule"] == victim]

    try:
        with scene.drive() as driver:
            wait_for(lambda: any(job["state"] in ("FAILED", "OUT_OF_MEMORY") for job in attempts()), "a job fails", 600)
            first = attempts()[0]
            scene.note(f"job {first['id']} with {first['memory']} ended as {first['state']}")
            scene.recover(driver, of=f"{RUNS}/{first['rule'].split('_')[-2]}/s0")
    finally:
        beside.unlink()
        note.unlink(missing_ok=True)
    memory = [job["memory"] for job in scene.watch.of(scene.house) if job["rule"] == first["rule"]]
    scene.note(f"asked for {', then '.join(memory)}")
    if len(set(memory)) < 2:
        raise ClusterError(f"no attempt of {first['rule']} asked for more memory than the first, {memory}")


# what it is called in the table -> what happens; the short form has some of them
FAULTS = {
    "driver killed -9": driver_killed,
    "node crashed": node_crashed,
    "time limit": time_limit,
    "scancel": cancelled,
    "out of memory": out_of_memory,
    "bad job": bad_job,
    "node drained": drained,
    "slurmd killed": daemon_killed,
}
SHORT = ("driver killed -9", "out of memory")
