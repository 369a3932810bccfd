"""What jobs ask of a SLURM, read off stand-ins for its commands; leftover jobs are found and cancelled."""

import pytest

from ziplaw.errors import ConfigError, ZiplawError
from ziplaw.sweep.batch import slurm
from ziplaw.sweep.batch.slurm import Partition, asked

CPU, GPU, MORE = Partition("cpu", True, False), Partition("gpu", False, True), Partition("more", False, True)
BOTH = Partition("all", True, True)
SIGNAL = {"slurm_extra": "--signal=TERM@120"}


@pytest.mark.no_gpu
@pytest.mark.parametrize(
    ("device", "there", "training"),
    [
        ("auto", [CPU, GPU], {"slurm_partition": "gpu", "gres": "gpu:1"}),
        ("cuda", [CPU, GPU], {"slurm_partition": "gpu", "gres": "gpu:1"}),
        ("cuda", [BOTH, GPU], {"gres": "gpu:1"}),
        ("auto", [CPU], {}),
        ("cpu", [CPU, GPU], {}),
    ],
)
def test_a_plain_cluster_needs_no_settings(device, there, training):
    found = asked(device, {}, there)
    assert (found.plain, found.training, found.problem) == ({}, SIGNAL | training, None)
    assert found.gpu == ("gres" in training)


def test_no_slurm_no_requests():
    assert asked("auto", {"ZIPLAW_ACCOUNT": "me"}, []) == slurm.Asked({}, {})


def test_the_environment_is_asked_for():
    given = {"ACCOUNT": "me", "QOS": "long", "PARTITION": "cpu", "GPU_PARTITION": "more", "GRES": "gpu:a100:1"}
    environment = {f"ZIPLAW_{name}": value for name, value in {**given, "CONSTRAINT": "a100|h100"}.items()}
    found = asked("auto", environment, [CPU, GPU, MORE])
    assert found.plain == {"slurm_account": "me", "qos": "long", "slurm_partition": "cpu"}
    assert found.training == found.plain | SIGNAL | {
        "slurm_partition": "more",
        "gres": "gpu:a100:1",
        "constraint": "a100|h100",
    }
    assert found.problem is None
    without = asked("auto", {**environment, "ZIPLAW_GRES": "none"}, [CPU, GPU, MORE])
    assert (without.gpu, without.training["slurm_partition"]) == (False, "cpu")


@pytest.mark.no_gpu
@pytest.mark.parametrize(
    ("device", "environment", "there", "said"),
    [
        ("auto", {}, [CPU, GPU, MORE], "partitions gpu, more have GPUs: export ZIPLAW_GPU_PARTITION"),
        ("cuda", {}, [CPU], "sinfo lists none in this cluster: export"),
        ("auto", {"ZIPLAW_PARTITION": "cpu"}, [CPU, GPU], "lists none in partition cpu: export another"),
        ("auto", {"ZIPLAW_GPU_PARTITION": "gpus"}, [CPU, GPU], "no partition 'gpus' on this cluster, only cpu, gpu"),
        ("cpu", {"ZIPLAW_PARTITION": "x"}, [CPU], "no partition 'x'"),
    ],
)
def test_what_is_missing_is_one_line(device, environment, there, said):
    found = asked(device, environment, there)
    with pytest.raises(ConfigError, match=said) as error:
        slurm.check(found)
    assert "\n" not in str(error.value)


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder first on PATH; a function that puts a command there."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)

    def put(name, script):
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    for name in ("sinfo", "squeue", "scontrol", "scancel", "sbatch"):
        put(name, "exit 1")
    return put


def test_partitions_are_read_of_all_their_nodes(cluster):
    assert slurm.partitions() == []
    cluster("sinfo", "printf 'cpu*|(null)\\ngpu|(null)\\ngpu|gpu:a100:4(S:0-1)\\n'")
    assert slurm.partitions() == [CPU, GPU]


def test_what_sbatch_refuses_is_said_with_its_line_and_the_settings(cluster):
    request = asked("auto", {"ZIPLAW_ACCOUNT": "me"}, [CPU, GPU])
    cluster("sbatch", 'echo "$@" > asked; echo "allocation failure: Invalid account specified" >&2; exit 1')
    with pytest.raises(ConfigError, match=r"--account=me .*Invalid account specified: export ZIPLAW_ACCOUNT") as error:
        slurm.check(request)
    assert "\n" not in str(error.value)
    with open("asked") as words:
        assert "--test-only --time=1 --account=me --partition=gpu --gres=gpu:1" in words.read()


@pytest.mark.parametrize("said", ["Required node not available (down, drained or reserved)", "Unable to contact slurm"])
def test_a_cluster_that_is_down_for_now_refuses_nothing(cluster, said):
    cluster("sbatch", f"echo '{said}' >&2; exit 1")
    slurm.check(asked("auto", {}, [CPU, GPU]))


def queue(cluster, here):
    """A queue with a job of this sweep, one of another sweep, one of another folder, and one of no workflow."""
    lines = [
        f"1|rule_train_run_wildcards_low_h8_0|{here}",
        f"2|rule_train_run_wildcards_low_h8_0|{here}",
        "3|rule_train_run_wildcards_low_h8_0|/elsewhere",
        f"4|mine|{here}",
        f"5|rule_sample_corpus|{here}",
    ]
    listed = "\\n".join(lines)
    cluster("squeue", f"""[ -e gone ] && exit 0; case "$*" in *%k*) printf '{listed}\\n';; *) echo 1; echo 2;; esac""")
    other = "[ $3 = 2 ] && name=other.yaml"
    say = "echo \"python -m snakemake --target-jobs 'train_run:' --configfiles '$name' --mode remote\""
    cluster("scontrol", f"name='{here}/my own.yaml'; {other}; {say}")


def test_jobs_that_a_killed_driver_left_are_found_and_cancelled(cluster, tmp_path):
    queue(cluster, tmp_path)
    found = slurm.left_over({"train_run"}, ["my own.yaml"])
    assert found == ["1"]
    assert slurm.left_over({"train_run"}, []) == []
    cluster("scancel", "echo $@ > gone")
    told = []
    slurm.cancel(found, told.append)
    assert (tmp_path / "gone").read_text() == "1\n"
    assert "SLURM jobs 1 are left of a driver that was killed" in told[0]


def test_jobs_that_do_not_end_stop_the_sweep(cluster, tmp_path):
    queue(cluster, tmp_path)
    with pytest.raises(ZiplawError, match="SLURM jobs 1 of an earlier driver do not end"):
        slurm.cancel(["1"], lambda line: None, seconds=0)


def test_nothing_is_cancelled_where_nothing_is_left(cluster):
    slurm.cancel([], pytest.fail)
