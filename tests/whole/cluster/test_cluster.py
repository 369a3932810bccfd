"""The workflow on a cluster: profiles that ship, which jobs are submitted, what they ask for, how they end."""

import re
import signal
import subprocess
import sys
import time

import pytest
import yaml
from houses import ROOT, build, dry_run

from ziplaw.sweep.batch import slurm

PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/config.yaml"))
# all others run where Snakemake runs
SUBMITTED = {"train_run", "train_ensemble", "pilot_run", "pilot_speed", "pilot_tokenizer", "pilot_corpus"}
SUBMITTED |= {"import_corpus"}
# Snakemake prints a job's resources only where the rule has no message
PLAIN = """include: "Snakefile"

for each in workflow.rules:
    each.message = None
"""
RULES = """include: "Snakefile"
from snakemake.shell import shell

with open("rules.txt", "w") as names, open("prefix.txt", "w") as prefix:
    here = {"all", *workflow._localrules}
    names.write(" ".join(each.name for each in workflow.rules if each.name not in here))
    prefix.write(shell._process_prefix)
"""


@pytest.fixture
def house(tmp_path):
    return build(tmp_path)


@pytest.fixture
def cluster(house):
    """A house whose sinfo lists a default partition and one with GPUs."""
    (house / "bin").mkdir()
    sinfo = house / "bin" / "sinfo"
    sinfo.write_text("#!/bin/sh\nprintf 'cpu*|(null)\\nbig|gpu:a100:8\\n'\n")
    sinfo.chmod(0o755)
    return house


def config(house, **changes):
    smoke = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())
    (house / "try.yaml").write_text(yaml.safe_dump({**smoke, "sweep": "try", **changes}))
    return house / "try.yaml"


def said(house, path, *arguments):
    """What a dry run through a profile prints."""
    (house / "plain.smk").write_text(PLAIN)
    environment = {"PATH": f"{house / 'bin'}:/usr/bin:/bin"}
    words = ["all", "--dry-run", "-s", "plain.smk", "--configfile", path, *arguments]
    code, output = dry_run(house, *words, cores=None, environment=environment)
    assert code == 0, output
    return output


def planned_jobs(house, path, *arguments):
    """Resources by rule, a dictionary a job, of a dry run through a profile."""
    output = said(house, path, *arguments)
    found = {}
    for rule, words in re.findall(r"^(?:local)?rule (\w+):\n((?: +.*\n)+)", output, re.M):
        told = dict(one.split("=", 1) for one in re.search(r"^ +resources: (.*)$", words, re.M)[1].split(", "))
        model = re.search(r"\bmodel=(\w+)", words)
        found.setdefault(rule, []).append(told | {"model": model and model[1]})
    return found


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_plain_yaml(name):
    profile = yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
    assert profile
    assert not [key for key in profile if not re.fullmatch(r"[a-z-]+", key)]


def test_the_profile_asks_by_size_and_for_a_gpu(cluster):
    models = {"small": {"hidden": 8, "layers": 1}, "large": {"hidden": 2048, "layers": 24}}
    path = config(cluster, models=models, training={"learning_rate": 0.02})
    jobs = planned_jobs(cluster, path, "--profile", "profiles/slurm")
    # on a GPU small runs share a job
    training = jobs["train_ensemble"] + jobs["train_run"]
    assert {(job["gres"], job["slurm_partition"]) for job in training} == {("gpu:1", "big")}
    assert {job["slurm_extra"] for job in training} == {"--signal=TERM@120"}
    small, large = ({job["mem_mb"] for job in training if job["model"] == size} for size in models)
    assert max(map(int, small)) < min(map(int, large)) / 2
    assert "gres" not in jobs["import_corpus"][0]


def test_an_ensemble_asks_for_its_gpu_too_and_a_second_try_for_more_memory(cluster):
    path = config(cluster, seeds=[0, 1], training={"learning_rate": 0.02, "ensemble": 6})
    first = planned_jobs(cluster, path, "--profile", "profiles/slurm")["train_ensemble"]
    again = planned_jobs(cluster, path, "--profile", "profiles/slurm", "--attempt", "2")["train_ensemble"]
    assert {(job["gres"], job["slurm_partition"]) for job in first} == {("gpu:1", "big")}
    assert [2 * int(job["mem_mb"]) for job in first] == [int(job["mem_mb"]) for job in again]
    assert [job["runtime"] for job in first] == [job["runtime"] for job in again]
    assert yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())["retries"] > 0


def test_a_job_on_a_node_shares_runs_as_its_driver_does(cluster):
    """A node may have a GPU where the login node has none, and no sinfo."""
    path, there = config(cluster), {"PATH": "/usr/bin:/bin"}
    assert "train_ensemble" in planned_jobs(cluster, path, "--profile", "profiles/slurm")
    for told, rule in (("1", "train_ensemble"), ("0", "train_run")):
        words = ["--dry-run", "--mode", "remote", "--allowed-rules", rule, "--configfile", path]
        words += ["--", "results/try/runs/low/h8/s0/run.json"]
        code, output = dry_run(cluster, *words, environment={**there, "ZIPLAW_ON_GPU": told})
        assert code == 0, output
        assert rule in output


def test_a_sweep_that_runs_here_asks_nothing_of_a_cluster(cluster):
    path, environment = config(cluster), {"PATH": f"{cluster / 'bin'}:/usr/bin:/bin"}
    code, output = dry_run(cluster, "--dry-run", "--configfile", path, environment=environment)
    assert code == 0, output
    assert "train_ensemble" not in output


def test_no_job_has_more_threads_than_the_profile_allows(cluster):
    most = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())["cores"]
    asked = ["--set-threads", "sample_corpus=8", "train_ensemble=8"]
    output = said(cluster, config(cluster), *asked, "--profile", "profiles/slurm")
    threads = {int(number) for number in re.findall(r"^ +threads: (\d+)$", output, re.M)}
    assert threads == {most}


@pytest.mark.parametrize("name", ["smoke", "pilot", "study", "architecture"])
def test_only_long_jobs_are_submitted(house, name):
    (house / "rules.smk").write_text(RULES)
    code, output = dry_run(house, "--list-rules", "-s", "rules.smk", "--configfile", f"config/{name}.yaml")
    assert code == 0, output
    assert "localrules directive specifies rules that are not present" not in output
    assert set((house / "rules.txt").read_text().split()) <= SUBMITTED


@pytest.fixture
def prefix(house):
    """What every shell line begins with, with a shell script in place of Python."""
    (house / "rules.smk").write_text(RULES)
    code, output = dry_run(house, "--list-rules", "-s", "rules.smk", "--configfile", "config/smoke.yaml")
    assert code == 0, output
    stub = house / "stub"
    text = (house / "prefix.txt").read_text().replace(sys.executable, str(stub))

    def begin(script):
        stub.write_text(f"#!/bin/sh\n{script}\n")
        stub.chmod(0o755)
        return text

    return begin


def test_a_job_that_was_killed_says_that_memory_may_be_the_reason(house, prefix):
    line = prefix("echo training; kill -9 $$") + " ziplaw train > log 2>&1"
    done = subprocess.run(["bash", "-c", line], cwd=house, check=False)
    assert done.returncode == 137
    assert "ziplaw: error: killed by signal 9, most likely for want of memory" in (house / "log").read_text()


def test_another_failure_keeps_its_status(house, prefix):
    done = subprocess.run(
        ["bash", "-c", prefix("exit 2") + " ziplaw train > log 2>&1; touch on"], cwd=house, check=False
    )
    assert done.returncode == 2
    assert (house / "log").read_text() == ""
    assert not (house / "on").exists()


def test_a_job_waits_for_the_checkpoint_when_it_is_told_to_end(house, prefix):
    """SIGTERM comes to all processes of a job; what dies of it first must not end the others."""
    script = "trap 'sleep 0.5; echo saved; exit 143' TERM; echo begun; while :; do sleep 0.05; done"
    line = prefix(script) + " ziplaw train > log 2>&1; touch on"
    process = subprocess.Popen(["bash", "-c", line], cwd=house, start_new_session=True)
    until = time.monotonic() + 60
    while not (house / "log").exists() or "begun" not in (house / "log").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    subprocess.run(["pkill", "-TERM", "-P", str(process.pid)], check=False)
    assert process.wait(60) == 143
    assert "saved" in (house / "log").read_text()
    assert not (house / "on").exists()


@pytest.mark.no_gpu
@pytest.mark.parametrize("name", ["lsf", "pbs", "kubernetes"])
def test_another_batch_system_gives_training_a_gpu(house, name):
    (house / "bin").mkdir()
    path = config(house, training={"learning_rate": 0.02, "device": "cuda", "ensemble": 1})
    jobs = planned_jobs(house, path, "--profile", f"profiles/{name}")
    asked = {"lsf": ("lsf_extra", "-gpu num=1 -wa TERM -wt 2"), "pbs": ("ngpus", "1"), "kubernetes": ("gpus", "1")}
    key, value = asked[name]
    assert {job[key] for job in jobs["train_run"]} == {value}
    assert jobs["import_corpus"][0].get(key) in (None, "0")
    assert "slurm_extra" not in jobs["train_run"][0]


@pytest.mark.parametrize(
    ("name", "command", "said", "status"),
    [
        ("pbs", "qstat", "    job_state = R", "running"),
        ("pbs", "qstat", "    job_state = F\n    Exit_status = 0", "success"),
        ("pbs", "qstat", "    Exit_status = 10\n    job_state = F", "failed"),
        ("pbs", "qstat", "qstat: Unknown Job Id 7.server", "failed"),
        ("pbs", "qstat", "Connection refused", "running"),
        ("kubernetes", "kubectl", "succeeded= failed=", "running"),
        ("kubernetes", "kubectl", "succeeded=1 failed=", "success"),
        ("kubernetes", "kubectl", "succeeded= failed=1", "failed"),
        ("kubernetes", "kubectl", 'Error from server (NotFound): jobs "x" not found', "failed"),
        ("kubernetes", "kubectl", "Unable to connect to the server", "running"),
    ],
)
def test_a_status_command_says_what_became_of_a_job(tmp_path, name, command, said, status):
    stub = tmp_path / command
    stub.write_text(f"#!/bin/sh\ncat <<'X'\n{said}\nX\n")
    stub.chmod(0o755)
    done = subprocess.run(
        [ROOT / "profiles" / name / "status.sh", "7"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{status}\n"


def test_a_pod_is_asked_for_with_what_the_job_needs(tmp_path):
    (tmp_path / "kubectl").write_text("#!/bin/sh\ncat > manifest.yaml; echo job.batch/ziplaw-x\n")
    (tmp_path / "kubectl").chmod(0o755)
    done = subprocess.run(
        [ROOT / "profiles" / "kubernetes" / "submit.sh", "2", "4500", "30", "1", "/ziplaw/job's.sh"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "IMAGE": "me/ziplaw", "CLAIM": "work", "MOUNT": "/ziplaw"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "job.batch/ziplaw-x\n"
    job = yaml.safe_load((tmp_path / "manifest.yaml").read_text())["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    assert (job["activeDeadlineSeconds"], pod["terminationGracePeriodSeconds"]) == (1800, 120)
    assert container["command"] == ["sh", "/ziplaw/job's.sh"]
    assert container["workingDir"] == str(tmp_path)
    assert container["resources"]["limits"] == {"memory": "4500M", "nvidia.com/gpu": "1"}


def test_the_page_names_every_variable_and_profile():
    page = (ROOT / "docs" / "cluster.md").read_text()
    assert {f"ZIPLAW_{name}" for name in slurm.ENVIRONMENT} == set(re.findall(r"ZIPLAW_[A-Z_]+", page))
    assert {name for name in PROFILES if f"profiles/{name}" not in page} == {"default"}
