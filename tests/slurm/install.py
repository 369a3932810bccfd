"""What the test needs besides the project: SLURM and munge from Debian, and Snakemake's executor for SLURM."""

import importlib.util
import os
import shutil
import subprocess

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "srun", "sbatch", "squeue")
PACKAGES = ("slurm-wlm", "munge")
PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def programs_missing():
    return [name for name in PROGRAMS if not shutil.which(name, path=PLACES)]


def what_is_missing():
    """Install what can be installed; return in one line what is missing after that, or None."""
    if programs_missing() and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        options = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"]
        for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            subprocess.run(
                ["apt-get", *options, *words],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
    if missing := programs_missing():
        return f"no {', '.join(missing)}: install {' and '.join(PACKAGES)} (Debian's names)"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "no executor of Snakemake's for SLURM: pip install -c constraints.txt -e '.[slurm]'"
    return None
