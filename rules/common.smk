# Shared by all rules: the typed config, the folders of results, logs and benchmarks, and settings as options.
import os
import re
import shlex
import shutil
import sys

# beside the Snakefile, or above it
BASE = Path(workflow.basedir)
PKG = next(at / "pkg" for at in (BASE, *BASE.parents) if (at / "pkg").exists())
sys.path.insert(0, str(PKG))

from ziplaw import versions
from ziplaw.errors import ConfigError, ZiplawError
from ziplaw.pilots.workplace import MARK, mark
from ziplaw.sweep import fingerprints
from ziplaw.sweep.batch import slurm
from ziplaw.pilots.pilot_config import parse_pilot
from ziplaw.sweep.config import parse_config, read_yaml

try:
    for path in workflow.configfiles:
        read_yaml(path)  # Snakemake keeps the last of two datasets of one name
    # a pilot is one corpus and runs that are chosen as it goes
    PILOT = parse_pilot(config) if "pilot" in config else None
    SWEEP = None if PILOT else parse_config(config)
except ConfigError as error:
    raise WorkflowError(str(error))

NAME = PILOT.name if PILOT else SWEEP.sweep
RESULTS = f"results/{NAME}"
LOGS = f"logs/{NAME}"
BENCHMARKS = f"benchmarks/{NAME}"


def braced(text):
    """Text that a format string leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")


# in a shell line, `ziplaw` is this checkout's, run by the Python that runs Snakemake, installed or not. Bash would die of
# a SIGTERM, and a batch system end the job, before a training has written its checkpoint: with the trap it waits
KILLED = "ziplaw: error: killed by signal 9, most likely for want of memory: a job of more mem_mb, or a larger machine"
shell.prefix(
    (f"export {MARK}={braced(shlex.quote(mark(RESULTS)))}; " if PILOT else "")
    + f"set -euo pipefail; export PYTHONPATH={braced(shlex.quote(str(PKG)))}; "
    f"trap 'exit 143' TERM; "
    f'ziplaw() {{{{ {braced(shlex.quote(sys.executable))} -m ziplaw "$@" || '
    f"{{{{ local status=$?; [ $status != 137 ] || echo {shlex.quote(KILLED)} >&2; return $status; }}}}; }}}}; "
)


# What submitted jobs ask of a cluster beside memory and time. A job that runs there was told already; without --jobs,
# which a cluster needs, all runs here
DEVICE = PILOT.device if PILOT else SWEEP.training.device
CLUSTER = slurm.asked(
    DEVICE,
    os.environ,
    (
        slurm.partitions()
        if workflow.resource_settings.nodes and not workflow.remote_exec
        else []
    ),
)
# Snakemake only counts GPUs; a sweep on a machine without one, or from which they are hidden, must not wait for one
GPU_HERE = (
    shutil.which("nvidia-smi") is not None
    and os.environ.get("CUDA_VISIBLE_DEVICES") != ""
)
GPUS = 1 if DEVICE == "cuda" or (DEVICE == "auto" and GPU_HERE) else 0
# Whether training gets a GPU, here or there. How runs share jobs hangs on it, so a job on a node is told by its driver
TOLD = os.environ.get(slurm.TOLD) if workflow.remote_exec else None
ON_GPU = TOLD == "1" if TOLD else bool(GPUS) or CLUSTER.gpu
os.environ[slurm.TOLD] = str(int(ON_GPU))
# executors take even gpu=0 for a wish
TRAINING = CLUSTER.training | ({"gpu": GPUS} if GPUS else {})


def ready_cluster():
    """Before any job, while this sweep is locked against other drivers: say what the cluster refuses, end leftover jobs."""
    if workflow.executor_plugin.name == "slurm":
        slurm.check(CLUSTER)
        submitted = {
            each.name for each in workflow.rules if not workflow.is_local(each)
        }
        left = slurm.left_over(submitted, workflow.overwrite_configfiles)
        slurm.cancel(left, lambda line: print(line, file=sys.stderr, flush=True))


def one_of(names):
    """A regular expression that matches exactly these names (nothing, when there are none)."""
    return "|".join(map(re.escape, names)) or "(?!)"


def options(settings):
    """A typed model as command-line options: max_rhs_length=3 -> --max-rhs-length 3; None and [] are left out."""
    return " ".join(
        f"--{key.replace('_', '-')} {shlex.quote(str(value))}"
        for key, values in settings.items()
        for value in (values if isinstance(values, list) else [values])
        if value is not None
    )


# Params that depend on input or output are not recorded, and what is not recorded reruns nothing: those of every rule
# come from the config alone. A user's files are params too; pkg/ziplaw/sweep/fingerprints.py says why.


def fingerprint(of, what):
    """A fingerprint, or the end of the workflow with the reason why there is none."""
    try:
        return of(what)
    except ZiplawError as error:
        raise WorkflowError(str(error))


def missing(*paths):
    """Those files of the user that are not there, for Snakemake to name as missing input (it cannot name braces)."""
    return [
        path for path in paths if path and not Path(path).exists() and "{" not in path
    ]
