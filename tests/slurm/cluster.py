"""A real SLURM of one node in one folder: munged, slurmctld, slurmd and two make-believe GPUs, for any one user.

    python tests/slurm/cluster.py FOLDER       start one, print the lines that a shell needs, stop it at Ctrl-C

Nothing of it lies outside the folder, and its ports are free ones: it disturbs no other SLURM of the machine.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

# how long a daemon or the node may take to do what it was told, on a machine that has other work
PATIENCE_S = 60
CPUS, MEMORY_MB = 8, 20_000

# config_overrides: the node has as many CPUs as this says, whatever the machine has. OverMemoryKill: without control
# groups a job that takes more memory than it asked for is found by looking every second. PERIODIC things of a
# cluster are as a site would have them.
SLURM_CONF = """\
ClusterName=ziplaw
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
MinJobAge=300
ReturnToService=2
JobRequeue=1
KillWait=10
DefMemPerCPU=1000
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES State=UP
PartitionName=gpu Nodes={host} State=UP
"""
# any device file will do where only the count matters
GRES_CONF = "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"
# Inside a job Snakemake's executor clears SLURM_CONF before it calls srun, for it takes /etc/slurm/slurm.conf for
# granted. `beside` is what a fault wants to run beside the payload, in the job and under its limits.
SRUN = """\
#!/bin/sh
export SLURM_CONF={folder}/slurm.conf
if [ -x {folder}/beside ]; then {folder}/beside & fi
exec {srun} "$@"
"""


class ClusterError(Exception):
    """A daemon did not do as told."""


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(true, what, seconds=PATIENCE_S):
    """Wait until it is true, and return how many seconds that took."""
    start = time.monotonic()
    while not true():
        if time.monotonic() - start > seconds:
            raise ClusterError(f"{what}: not so after {seconds} s")
        time.sleep(0.1)
    return time.monotonic() - start


def alive(pid):
    """Whether a process runs; one that ended and was not waited for does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Cluster:
    """The folder, its daemons, and what one asks of them."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.host = socket.gethostname().partition(".")[0]
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "SNAKEMAKE_"))},
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"], "/usr/sbin", "/sbin"]),
        }

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for name in ("run", "log", "state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        words = {"folder": self.folder, "host": self.host, "user": getpass.getuser(), "ports": free_ports(2)}
        conf = SLURM_CONF.format(**words, cpus=CPUS, memory=MEMORY_MB)
        (self.folder / "slurm.conf").write_text(conf)
        (self.folder / "gres.conf").write_text(GRES_CONF)
        srun = self.folder / "bin" / "srun"
        srun.write_text(SRUN.format(folder=self.folder, srun=shutil.which("srun")))
        srun.chmod(0o755)
        self._start_munged()
        self._run("slurmctld", "-c")
        self.start_slurmd("-c")

    def _start_munged(self):
        run, log = self.folder / "run", self.folder / "log"
        key = self.folder / "munge.key"
        if not key.exists():
            self._run("mungekey", "--create", f"--keyfile={key}")
        # --force: the folder may lie where others cannot look, and no others need to
        files = {"socket": run / "munge.socket", "pid-file": run / "munged.pid", "seed-file": run / "munged.seed"}
        files |= {"key-file": key, "log-file": log / "munged.log"}
        self._run("munged", "--force", *(f"--{name}={file}" for name, file in files.items()))

    def start_slurmd(self, *options):
        """Start the daemon of the node, and wait until it takes jobs."""
        self._run("slurmd", *options)
        wait_for(lambda: self.node_state() in ("idle", "mix", "alloc"), "the node takes jobs")

    def _run(self, *command):
        found = shutil.which(command[0], path=self.env["PATH"])
        with open(self.folder / "log" / "started.log", "a") as log:
            done = subprocess.run([found, *command[1:]], env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise ClusterError(f"{command[0]} did not start: see {self.folder}/log")

    def stop(self):
        """Cancel every job, stop every daemon by its pid file, and end what is left of the jobs."""
        if self.pid("slurmctld"):
            self.ask("scancel", "--user", getpass.getuser(), may_fail=True)
            with contextlib.suppress(ClusterError):
                wait_for(lambda: not self.ask("squeue", "--noheader", may_fail=True), "the queue is empty", 20)
        for name in ("slurmd", "slurmctld", "munged"):
            self.end(name, signal.SIGTERM)
        self.kill_jobs()

    def clear(self):
        """After a fault that went wrong: no jobs, the daemon runs, the node takes jobs."""
        self.ask("scancel", "--user", getpass.getuser(), may_fail=True)
        if not self.pid("slurmd"):
            self.start_slurmd("-c")
        self.ask("scontrol", "update", f"NodeName={self.host}", "State=RESUME", may_fail=True)
        wait_for(lambda: not self.ask("squeue", "--noheader", may_fail=True), "the queue is empty")

    def pid(self, name):
        """The process of a daemon that runs, or None."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / "run" / f"{name}.pid").read_text())
            # a number may have gone to another process since
            if Path(f"/proc/{pid}/comm").read_text().strip() == name and alive(pid):
                return pid
        return None

    def end(self, name, number):
        """Send a daemon a signal and wait for its end; after 20 s it is killed."""
        pid = self.pid(name)
        if pid is None:
            return
        os.kill(pid, number)
        try:
            wait_for(lambda: not alive(pid), f"{name} has ended", 20)
        except ClusterError:
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: not alive(pid), f"{name} has ended")

    def kill_jobs(self):
        """Kill -9 what runs on the node besides its daemon, and return how many processes that were."""
        found = self._processes_of_jobs()
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)

    def _processes_of_jobs(self):
        # slurmd's children, and the jobs' own: they all know this cluster's slurm.conf
        mark, found = f"SLURM_CONF={self.folder}/slurm.conf".encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    known = (entry / "environ").read_bytes().split(b"\0")
                    of_job = any(word.startswith(b"SLURM_JOB_ID=") for word in known)
                    if mark in known and (of_job or (entry / "comm").read_text().strip() == "slurmstepd"):
                        found.append(int(entry.name))
        return [pid for pid in found if alive(pid)]

    def ask(self, *command, may_fail=False):
        """What a command of SLURM's prints; with may_fail "" where it fails."""
        words = {"env": self.env, "capture_output": True, "text": True, "timeout": PATIENCE_S, "check": True}
        try:
            return subprocess.run(command, **words).stdout.strip()
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            if may_fail:
                return ""
            raise ClusterError(f"{' '.join(command)}: {error.stderr or error}") from None

    def node_state(self):
        return self.ask("sinfo", "--noheader", "--Node", "--format=%t", may_fail=True).partition("\n")[0].rstrip("*$~#")

    def jobs(self, *states):
        """Jobs as dicts, [] when nobody answers; the rule is with its wildcards, as the executor comments on a job."""
        names = ("id", "state", "partition", "gres", "memory", "limit", "reason", "rule", "folder")
        asked = ("squeue", "--noheader", f"--states={','.join(states) or 'all'}", "--format=%i|%T|%P|%b|%m|%l|%r|%k|%Z")
        lines = self.ask(*asked, may_fail=True).splitlines()
        return [dict(zip(names, line.split("|"))) for line in lines if line.count("|") == len(names) - 1]


def main():
    with Cluster(sys.argv[1]) as cluster:
        print(f"export SLURM_CONF={cluster.env['SLURM_CONF']} PATH={cluster.folder}/bin:$PATH", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
