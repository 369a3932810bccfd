# Shared by all rules: the typed config, the folders of results, logs and benchmarks, and settings as options.
import re
import shlex
import sys

# beside the Snakefile, or above it
BASE = Path(workflow.basedir)
PKG = next(at / "pkg" for at in (BASE, *BASE.parents) if (at / "pkg").exists())
sys.path.insert(0, str(PKG))

from ziplaw import versions
from ziplaw.errors import ConfigError, ZiplawError
from ziplaw.pilots.workplace import MARK, mark
from ziplaw.sweep import fingerprints
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


# in a shell line, `ziplaw` is this checkout's, run by the Python that runs Snakemake, installed or not
shell.prefix(
    (f"export {MARK}={braced(shlex.quote(mark(RESULTS)))}; " if PILOT else "")
    + f"set -euo pipefail; export PYTHONPATH={braced(shlex.quote(str(PKG)))}; "
    f'ziplaw() {{{{ {braced(shlex.quote(sys.executable))} -m ziplaw "$@"; }}}}; '
)


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
