"""Takes memory inside one job, a fifth more than the first job that it met had asked for: that job does not fit."""

import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(sys.argv[1])
# SLURM counts what is shared once for each process that holds it, so little memory looks like much
PROCESSES = 10


def asked(what):
    command = ["squeue", "--noheader", f"--jobs={os.environ['SLURM_JOB_ID']}", f"--format={what}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


job, memory = asked("%k"), asked("%m")
try:
    # one job is the victim, at each of its attempts
    with open(FOLDER / "victim", "x") as note:
        note.write(f"{job} {memory}")
    first = memory
except FileExistsError:
    time.sleep(1)
    victim, first = (FOLDER / "victim").read_text().split()
    if job != victim:
        sys.exit()
megabytes = int(first[:-1]) * {"M": 1, "G": 1024}[first[-1]]
held = mmap.mmap(-1, megabytes * 1_200_000 // PROCESSES)
parent = os.getppid()
for _ in range(PROCESSES - 1):
    if os.fork() == 0:
        break
for page in range(0, len(held), mmap.PAGESIZE):
    held[page] = 1
while Path(f"/proc/{parent}").exists():  # as long as the payload lasts
    time.sleep(0.5)
