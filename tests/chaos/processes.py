"""Every process of one working folder, told by a variable in its environment (Linux)."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

MARK = "ZIPLAW_CHAOS"
# verb of `python -m ziplaw` -> what it is called here; every other verb is a "job"
KINDS = {"train": "trainer", "sample": "sampler", "score": "scorer"}


@dataclass(frozen=True)
class Process:
    """A running process: its id, and "driver" (Snakemake), "trainer", "sampler", "scorer", "job" or "shell"."""

    pid: int
    kind: str


def kind_of(words):
    """Kind of a process by the words of its command line."""
    for option, module, verb in zip(words, words[1:], [*words[2:], ""]):
        if (option, module) == ("-m", "snakemake"):
            return "driver"
        if (option, module) == ("-m", "ziplaw"):
            return KINDS.get(verb, "job")
    return "shell"


def running(folder):
    """The processes of a working folder that have not ended."""
    wanted = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words != [b""] and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(Process(int(entry.name), kind_of([word.decode(errors="replace") for word in words])))
    return found


def appears(folder, kind, driver, limit_s):
    """Wait for a process of a kind; None when the driver ends first, or after ``limit_s``."""
    until = time.monotonic() + limit_s
    while driver.poll() is None and time.monotonic() < until:
        found = [one for one in running(folder) if one.kind == kind]
        if found:
            return found[0]
        time.sleep(0.01)
    return None


def strike(pid, number, group=False):
    """Send a signal to a process, or to its group; tell whether there was one to send it to."""
    try:
        os.killpg(pid, number) if group else os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def gone(folder, limit_s):
    """Wait for the processes of a folder to end; those that have not."""
    until = time.monotonic() + limit_s
    while (left := running(folder)) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def kill_all(folder):
    """End whatever runs there, as a fault's last resort."""
    while left := running(folder):
        for one in left:
            strike(one.pid, signal.SIGKILL)
        time.sleep(0.05)


def processor_s(pid):
    """Processor time that a process has used; None once it is gone."""
    try:
        # the name, in brackets, may hold spaces
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
