"""Snakemake on a pilot's config: started, watched and ended with this process; its errors in one line."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ZiplawError
from .workplace import MARK, PATIENCE_S, mark

TICK_S = 0.2
_STARTED = re.compile(r"^Job (\d+): (.*)$")
_FINISHED = re.compile(r"^Finished jobid: (\d+)")
_FAILED = re.compile(r"^Error in rule (\w+)")
_LOG = re.compile(r"^ +log: (.*?)(?: \(check log file\(s\) for error details\))?$")


def snakefile() -> Path:
    """Return the Snakefile of this checkout.

    Raises
    ------
    ZiplawError
        When ziplaw is installed without it.
    """
    path = Path(__file__).resolve().parents[3] / "Snakefile"
    if not path.is_file():
        raise ZiplawError(
            f"this ziplaw is installed without its workflow (no {path}): clone its repository, and there make venv and "
            "call .venv/bin/ziplaw"
        )
    return path


def n_gpus() -> int:
    """Return how many GPUs of NVIDIA's there are, without loading what trains on them."""
    if (tool := shutil.which("nvidia-smi")) is None:
        return 0
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False).stdout
    return sum(line.startswith("GPU ") for line in listed.splitlines())


@dataclass
class Seen:
    """What Snakemake has said so far.

    Attributes
    ----------
    running : dict
        Message and time of the start of every job that runs, by its number.
    logs : list of pathlib.Path
        Logs of the jobs that failed.
    tail : list of str
        The last lines.
    """

    running: dict[str, tuple[str, float]] = field(default_factory=dict)
    logs: list[Path] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    failing: bool = False

    def read(self, line: str) -> None:
        """Take in a line of its output."""
        line = line.rstrip("\n")
        self.tail = [*self.tail[-40:], line]
        if found := _STARTED.match(line):
            self.running[found[1]] = found[2], time.monotonic()
        elif found := _FINISHED.match(line):
            self.running.pop(found[1], None)
        elif _FAILED.match(line):
            self.failing = True
        elif self.failing and (found := _LOG.match(line)):
            self.logs.append(Path(found[1]))
            self.failing = False

    def reason(self, status: int) -> str:
        """Return in one line why the workflow ended badly."""
        for log in self.logs:
            said = log.read_text(errors="replace").splitlines() if log.exists() else []
            errors = [line for line in said if "error:" in line.lower()]
            if errors:
                return f"{re.sub('^ziplaw: error: ', '', errors[-1])} ({log})"
            last = f", its last line is {said[-1]!r}" if said else ""
            return f"a job ended without a reason, killed perhaps{last} ({log}): the same command goes on"
        if status < 0:
            return f"Snakemake was ended by {signal.Signals(-status).name}: the same command goes on"
        said = [line.strip() for line in self.tail if line.strip()]
        at = max((i for i, line in enumerate(said) if re.match(r"\w*(Error|Exception)\b", line)), default=-2)
        if said[at:] and said[at].startswith("MissingInput") and "affected files:" in said[at:-1]:
            gone = said[said.index("affected files:", at) + 1]
            return f"{gone} is not there, and nothing makes it: put it back, or give another --name"
        return " ".join(said[at:][:4]) or f"Snakemake ended with status {status}"


@contextlib.contextmanager
def _process(command: list[str], folder: str | os.PathLike, output: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own that does not outlive this block, its children neither."""
    environment = {**os.environ, MARK: mark(folder)}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    # one Ctrl-C: training saves where it is; another, or too long a wait: at once
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + PATIENCE_S
        with contextlib.suppress(KeyboardInterrupt):
            while time.monotonic() < until:
                process.poll()
                try:
                    os.killpg(process.pid, 0)
                except ProcessLookupError:
                    return
                time.sleep(0.05)


def run(
    config: str | os.PathLike,
    folder: str | os.PathLike,
    log: str | os.PathLike,
    cores: int,
    targets: list[str],
    watch: Callable[[Seen], None],
    gpus: int = 0,
) -> None:
    """Run the workflow on a config; call ``watch`` a few times a second until it ends.

    Parameters
    ----------
    config : path-like
    folder : path-like
        The pilot's; held by the caller, see :func:`ziplaw.pilots.workplace.alone_in`.
    log : path-like
        Where everything goes that Snakemake says.
    cores : int
    targets : list of str
        Files to make; none: all.
    watch : callable
        Takes what Snakemake has said so far.
    gpus : int
        Where there are any, each trains one run at a time.

    Raises
    ------
    ZiplawError
        In one line, why it failed.
    """
    # its own locks would outlive a kill -9: the folder's is held instead
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile()), "--configfile", str(config)]
    command += ["--cores", str(cores), "--nolock", "--rerun-incomplete", "--nocolor"]
    command += [*(["--resources", f"gpu={gpus}"] if gpus else []), "--", *targets]
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    seen = Seen()
    with (
        open(log, "wb") as output,
        open(log, encoding="utf-8", errors="replace") as said,
        _process(command, folder, output.fileno()) as process,
    ):
        status = None
        while status is None:
            status = process.poll()
            for line in said:
                seen.read(line)
            watch(seen)
            if status is None:
                time.sleep(TICK_S)
    if status:
        raise ZiplawError(seen.reason(status))
