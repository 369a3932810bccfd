"""What jobs ask of a SLURM cluster: where training finds its GPU, and whose account pays; jobs left of a killed driver.

Nothing need be set on a plain SLURM: its default partition is taken, and for a GPU the partition that has some. What a
cluster wants said is read from the environment:

| variable | what |
|---|---|
| ZIPLAW_ACCOUNT, ZIPLAW_QOS | of every job |
| ZIPLAW_PARTITION | of jobs without a GPU; of all, where ZIPLAW_GPU_PARTITION is not set |
| ZIPLAW_GPU_PARTITION | of training on a GPU |
| ZIPLAW_GRES | a training's GPU: "gpu:1" (the default), "gpu:a100:1", or "none" |
| ZIPLAW_CONSTRAINT | features of a node that trains |
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigError, ZiplawError

# a driver's word to its jobs on whether training gets a GPU: 0 or 1
TOLD = "ZIPLAW_ON_GPU"
PATIENCE_S = 20
# SLURM gives a job that is cancelled KillWait seconds (30 by default) to end
CANCEL_S = 110
# SIGTERM this long before the time limit: training writes a checkpoint and ends
LEAD_S = 120
# what sbatch says of a request that no waiting will help
REFUSED = re.compile(r"[Ii]nvalid|not permitted|node configuration is not available")


@dataclass(frozen=True)
class Partition:
    """A partition: its name, whether it is the default one, whether any of its nodes has a GPU."""

    name: str
    default: bool
    gpu: bool


@dataclass(frozen=True)
class Asked:
    """What jobs ask for beside memory and time, by Snakemake's names of resources.

    Attributes
    ----------
    plain, training : dict of str to str
        Of jobs without a GPU, and of training.
    gpu : bool
        Whether training gets a GPU.
    problem : str or None
        Why training cannot be submitted, with the remedy.
    """

    plain: dict[str, str]
    training: dict[str, str]
    gpu: bool = False
    problem: str | None = None


def _said(*words: str) -> tuple[int, str]:
    """Exit status and output of a command of SLURM's; 127 where there is none or it does not answer."""
    if shutil.which(words[0]) is None:
        return 127, f"{words[0]}: not found"
    try:
        done = subprocess.run(
            words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return 127, f"{words[0]}: no answer within {PATIENCE_S} seconds"
    return done.returncode, done.stdout


def partitions() -> list[Partition]:
    """List the partitions that sinfo lists; none where there is no SLURM or it does not answer."""
    status, text = _said("sinfo", "--noheader", "--format=%P|%G")
    found: dict[str, Partition] = {}
    for line in text.splitlines() if status == 0 else ():
        shown, _, gres = line.strip().partition("|")
        name, gpu = shown.rstrip("*"), "gpu" in gres
        earlier = found.get(name, Partition(name, False, False))
        found[name] = Partition(name, earlier.default or shown.endswith("*"), earlier.gpu or gpu)
    return list(found.values())


def asked(device: str, environment: Mapping[str, str], there: Sequence[Partition]) -> Asked:
    """Decide what jobs ask for.

    Parameters
    ----------
    device : str
        The config's: cpu, cuda, or auto, which is a GPU where the cluster has one.
    environment : mapping of str to str
    there : sequence of Partition
        Empty where there is no SLURM.

    Returns
    -------
    Asked
        Without a word about the partition where the default one will do.
    """
    given = {name: environment.get(f"ZIPLAW_{name}", "").strip() for name in ENVIRONMENT}
    shared = {"slurm_account": given["ACCOUNT"], "qos": given["QOS"]}
    plain = _without_empty({**shared, "slurm_partition": given["PARTITION"]})
    training = _without_empty({**plain, "constraint": given["CONSTRAINT"], "slurm_extra": f"--signal=TERM@{LEAD_S}"})
    if not there:
        return Asked({}, {})
    unknown = [given[name] for name in PLACES if given[name] and given[name] not in {one.name for one in there}]
    if unknown:
        names = ", ".join(one.name for one in there)
        return Asked(plain, training, problem=f"there is no partition {unknown[0]!r} on this cluster, only {names}")
    if device == "cpu" or given["GRES"] == "none":
        return Asked(plain, training)
    place = given["GPU_PARTITION"] or given["PARTITION"]
    having = [one for one in there if one.gpu]
    problem = None
    if not place and having and not any(one.default for one in having):
        place = having[0].name
        if len(having) > 1:
            names = ", ".join(one.name for one in having)
            problem = f"partitions {names} have GPUs: export ZIPLAW_GPU_PARTITION as one of them"
    elif not having or (place and not any(one.name == place for one in having)):
        if device == "auto" and not place:
            return Asked(plain, training)
        where = f"partition {place}" if place else "this cluster"
        problem = (
            f"training asks for a GPU and sinfo lists none in {where}: export another ZIPLAW_GPU_PARTITION, or "
            "ZIPLAW_GRES=none, or set training: {device: cpu} in the config"
        )
    at = {"slurm_partition": place} if place else {}
    return Asked(plain, {**training, **at, "gres": given["GRES"] or "gpu:1"}, True, problem)


PLACES = ("PARTITION", "GPU_PARTITION")
ENVIRONMENT = ("ACCOUNT", "QOS", *PLACES, "GRES", "CONSTRAINT")


def _without_empty(resources: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in resources.items() if value}


def check(request: Asked) -> None:
    """Ask sbatch, without submitting, whether it would take a training.

    Raises
    ------
    ConfigError
        In one line, what it refuses and what to set. A cluster that is only busy or down refuses nothing.
    """
    if request.problem:
        raise ConfigError(request.problem)
    options = {"slurm_account": "--account", "slurm_partition": "--partition", "gres": "--gres"}
    options |= {"constraint": "--constraint", "qos": "--qos"}
    words = [f"{options[name]}={value}" for name, value in request.training.items() if name in options]
    status, text = _said("sbatch", "--test-only", "--time=1", *words, "--wrap=true")
    if status and status != 127 and REFUSED.search(text):
        reason = next(line for line in text.splitlines() if REFUSED.search(line)).strip()
        raise ConfigError(
            f"SLURM refuses what training asks ({' '.join(words) or 'its default partition'}): {reason}: export "
            "ZIPLAW_ACCOUNT, ZIPLAW_GPU_PARTITION, ZIPLAW_GRES, ZIPLAW_CONSTRAINT or ZIPLAW_QOS as it has them"
        )


def left_over(rules: Collection[str], config_files: Sequence[str]) -> list[str]:
    """Find jobs that a driver of this sweep, killed before it could cancel them, has left in the queue.

    Only to be asked while Snakemake's lock is held, so that no other driver works on this sweep.

    Parameters
    ----------
    rules : collection of str
        Those whose jobs are submitted.
    config_files : sequence of str
        The sweep's, as Snakemake tells its jobs.

    Returns
    -------
    list of str
        Ids of jobs that were submitted in this folder, for one of the rules, with these config files.
    """
    status, text = _said("squeue", "--me", "--noheader", "--format=%i|%k|%Z")
    wanted = {str(Path(path).resolve()) for path in config_files}
    found = []
    for line in text.splitlines() if status == 0 else ():
        job, comment, folder = line.strip().split("|", 2)
        rule = re.match(r"rule_(.+?)(_wildcards_|$)", comment)
        if not rule or rule[1] not in rules or Path(folder).resolve() != Path.cwd().resolve():
            continue
        _, script = _said("scontrol", "write", "batch_script", job, "-")
        if {str(Path(folder, path).resolve()) for path in _config_files(script)} == wanted:
            found.append(job)
    return found


def _config_files(script: str) -> list[str]:
    """Return what follows --configfiles in a job's script, up to the next option."""
    words = re.search(r" --configfiles (.*?)(?: --|$)", script, re.M)
    return shlex.split(words[1]) if words else []


def cancel(jobs: Sequence[str], tell: Callable[[str], None], seconds: float = CANCEL_S) -> None:
    """Cancel jobs and wait until they have ended; a training that runs writes its checkpoint first.

    Raises
    ------
    ZiplawError
        When they do not end.
    """
    if not jobs:
        return
    names = ", ".join(jobs)
    tell(
        f"ziplaw: SLURM jobs {names} are left of a driver that was killed: cancelled, their runs go on from checkpoints"
    )
    _said("scancel", *jobs)
    until = time.monotonic() + seconds
    while _in_queue(jobs):
        if time.monotonic() > until:
            raise ZiplawError(
                f"SLURM jobs {names} of an earlier driver do not end: end them (scancel), then start again"
            )
        time.sleep(1)


def _in_queue(jobs: Sequence[str]) -> bool:
    status, text = _said("squeue", "--me", "--noheader", "--format=%i")
    return status != 0 or bool(set(jobs) & set(text.split()))
