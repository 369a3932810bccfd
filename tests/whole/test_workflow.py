"""The Snakemake side: dry runs, lint, and what a user sees when a config or an input is wrong."""

import os
import re
import shlex
import subprocess

import pytest
import yaml
from houses import ROOT, build, dry_run, planned, snakemake

# `snakemake --lint` on this workflow may say only this, for the reason beside it
LINT_ACCEPTED = {
    "No package management solution": "one environment runs every rule: make venv, constraints.txt",
    "Specify a conda environment or container for each rule.": "the same, as older versions word it",
}


@pytest.fixture
def house(tmp_path):
    return build(tmp_path)


def write_config(house, **changes):
    smoke = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())
    path = house / "try.yaml"
    path.write_text(yaml.safe_dump({**smoke, "sweep": "try", **changes}))
    return path


@pytest.mark.parametrize(("name", "runs"), [("default", 36), ("paper", 36), ("paper_cpu", 30), ("smoke", 6)])
def test_a_dry_run_plans_every_run(house, name, runs):
    code, output = dry_run(house, "--dry-run", "--configfile", f"config/{name}.yaml")
    assert code == 0, output
    counts = dict(re.findall(r"^(\w+) +(\d+)$", output, re.M))
    assert int(counts["train_run"]) == runs
    for rule in ("sample_corpus", "fit_law", "regress_laws", "frontier", "plot", "report"):
        assert int(counts[rule]) >= 1


def test_a_model_may_have_a_rate_of_its_own(house):
    models = {"slow": {"hidden": 8, "layers": 1, "learning_rate": 0.003}, "usual": {"hidden": 8, "layers": 1}}
    path = write_config(house, models=models, training={"learning_rate": 0.02})
    code, output = dry_run(house, "--dry-run", "--printshellcmds", "--configfile", path)
    assert code == 0, output
    rates = set(re.findall(r"ziplaw train .*--learning-rate (\S+) .*/(slow|usual)/s", output))
    assert rates == {("0.003", "slow"), ("0.02", "usual")}


def test_an_ensemble_is_a_job_of_several_runs(house):
    path = write_config(house, seeds=[0, 1], training={"learning_rate": 0.02, "ensemble": 4})
    code, output = dry_run(house, "--dry-run", "--printshellcmds", "--configfile", path)
    assert code == 0, output
    # two sizes x two seeds, each with its three datasets
    jobs = {name: count for name, count in planned(output).items() if name.startswith("train")}
    assert jobs == {"train_ensemble": 4}
    batches = re.findall(r"for batch in (.*); do ziplaw train", output)
    lines = [line for job in batches for line in shlex.split(job)]
    folders = [folder for line in lines for folder in re.findall(r"-o (\S+)", line)]
    assert len(folders) == len(set(folders)) == 12
    for line in lines:
        corpora = re.findall(r"corpora/(\w+)", line)
        seeds = re.findall(r"--seed (\d+)", line)
        for corpus, seed, folder in zip(corpora, seeds, re.findall(r"-o (\S+)", line), strict=True):
            assert re.search(rf"runs/{corpus}/\w+/s{seed}$", folder)
        assert len({folder.split("/")[-2] for folder in re.findall(r"-o (\S+)", line)}) == 1


@pytest.mark.parametrize(("ensemble", "jobs"), [(1, {"train_run": 8}), (4, {"train_ensemble": 2})])
def test_a_dataset_has_seeds_of_its_own(house, ensemble, jobs):
    smoke = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())
    first, *others = smoke["datasets"]
    smoke["datasets"][first]["seeds"] = [5, 7]
    path = write_config(house, datasets=smoke["datasets"], training=smoke["training"] | {"ensemble": ensemble})
    code, output = dry_run(house, "--dry-run", "--printshellcmds", "--configfile", path)
    assert code == 0, output
    # two sizes, each with two runs of the first dataset and one of each other
    assert {name: count for name, count in planned(output).items() if name.startswith("train")} == jobs
    runs = {tuple(found) for found in re.findall(r"-o \S+/runs/(\w+)/\w+/s(\d+)", output)}
    assert runs == {(first, "5"), (first, "7"), *((name, "0") for name in others)}


# Snakemake prints a job's threads and resources only where the rule has no message
PLAIN = """include: "Snakefile"

for each in workflow.rules:
    each.message = None
"""


def training_jobs(house, path, *arguments, environment=None):
    """What a dry run says of every training job, by name of the rule."""
    (house / "plain.smk").write_text(f"import os\nos.environ |= {environment or {}}\n{PLAIN}")
    code, output = dry_run(house, "all", "--dry-run", "-s", "plain.smk", "--configfile", path, *arguments, cores=4)
    assert code == 0, output
    return re.findall(r"^(?:local)?rule (train_\w+):\n((?: +.*\n)+)", output, re.M)


@pytest.mark.parametrize(("most", "sizes"), [(2, [2, 1]), (3, [3]), (7, [3])])
def test_a_job_of_more_runs_than_train_side_by_side_trains_them_in_batches(house, most, sizes):
    path = write_config(house, seeds=[0], training={"learning_rate": 0.02, "ensemble": most})
    code, output = dry_run(house, "--dry-run", "--printshellcmds", "--configfile", path)
    assert code == 0, output
    jobs = re.findall(r"for batch in (.*); do ziplaw train", output)
    assert len(jobs) == 2
    for job in jobs:
        assert [len(re.findall(r"-o \S+", batch)) for batch in shlex.split(job)] == sizes
        assert [len(re.findall(r"--seed 0", batch)) for batch in shlex.split(job)] == sizes


@pytest.mark.parametrize(
    ("ensemble", "rule", "jobs"),
    [
        (100, "train_ensemble", 2),  # all six runs of a size
        (5, "train_ensemble", 4),  # its three datasets, seed by seed
        (2, "train_ensemble", 6),  # its two seeds, dataset by dataset
        (1, "train_run", 12),
    ],
)
def test_a_profile_addresses_every_training_job_by_one_name(house, ensemble, rule, jobs):
    path = write_config(house, seeds=[0, 1], training={"ensemble": ensemble})
    settings = ["--set-threads", f"{rule}=3", "--set-resources", f"{rule}:mem_mb=777", f"{rule}:gres='gpu:1'"]
    found = training_jobs(house, path, *settings)
    assert [name for name, _ in found] == [rule] * jobs
    for _, words in found:
        assert "mem_mb=777," in words
        assert "gres=gpu:1" in words
        assert "threads: 3" in words


def test_small_models_share_jobs_where_there_is_a_gpu(house):
    """By default; wide models, LSTMs and a sweep on a CPU have a job a run, as if nobody had asked."""
    models = {"small": {"hidden": 256, "layers": 1}, "wide": {"hidden": 320, "layers": 1}}
    models["lstm"] = {"architecture": "lstm", "hidden": 8, "layers": 1}
    (house / "nvidia-smi").touch(mode=0o755)
    found = {}
    for device, shown in (("auto", "0"), ("auto", ""), ("cpu", "0")):
        environment = {"CUDA_VISIBLE_DEVICES": shown, "PATH": f"{house}:{os.environ['PATH']}"}
        path = write_config(house, models=models, training={"device": device})
        jobs = training_jobs(house, path, environment=environment)
        found[device, shown] = sorted((name, re.search(r"\bmodel=(\w+)", words)[1]) for name, words in jobs)
        assert all(("gpu=1" in words) == ((device, shown) == ("auto", "0")) for _, words in jobs)
    each = [("train_run", model) for model in ("lstm", "small", "wide") for _ in range(3)]
    assert found["auto", "0"] == [("train_ensemble", "small"), *(job for job in each if job[1] != "small")]
    assert found["auto", ""] == found["cpu", "0"] == each


@pytest.mark.parametrize(("ensemble", "jobs"), [(1, 6), (3, 2)])
def test_memory_and_time_of_training_follow_from_its_size(house, ensemble, jobs):
    models = {"small": {"hidden": 8, "layers": 1}, "large": {"hidden": 1024, "layers": 8}}
    path = write_config(house, models=models, training={"device": "cpu", "ensemble": ensemble})
    found = training_jobs(house, path)
    assert len(found) == jobs
    for _, words in found:
        model, memory, minutes = (re.search(rf"\b{key}=(\w+)", words)[1] for key in ("model", "mem_mb", "runtime"))
        if model == "small":
            assert (int(memory), int(minutes)) == (1500, 20)
        else:
            assert int(memory) > 4000 * ensemble
            assert int(minutes) > 20 * ensemble


def test_a_sweep_of_two_architectures_fits_each_alone(house):
    code, output = dry_run(house, "--dry-run", "--printshellcmds", "--configfile", "config/architecture.yaml")
    assert code == 0, output
    counts = planned(output)
    assert (counts["train_run"], counts["fit_architecture"], counts["plot"]) == (42, 2, 2)
    assert not {"fit_law", "regress_laws", "report"} & set(counts)
    assert "--architecture lstm --hidden 9" in output
    assert "--where architecture=llama" in output


def test_a_single_fit_needs_only_its_own_dataset(house):
    code, output = dry_run(house, "--dry-run", "results/default/fits/g3x400.json")
    assert code == 0, output
    assert dict(re.findall(r"^(\w+) +(\d+)$", output, re.M))["train_run"] == "6"


def test_lint_finds_nothing_but_what_is_accepted(house):
    _, output = dry_run(house, "--lint")
    found = set(re.findall(r"^ +\* (.+?):?$", output, re.M))
    assert {line for line in found if line.split(":")[0] not in LINT_ACCEPTED and line not in LINT_ACCEPTED} == set()


def test_a_typo_in_the_config_is_one_clear_line(house):
    path = write_config(house, budgetz=[1])
    code, output = dry_run(house, "--dry-run", "--configfile", path)
    assert code != 0
    assert "unknown key budgetz (did you mean budgets?)" in output
    assert "Traceback" not in output


def test_a_dataset_given_twice_is_one_clear_line(house):
    path = write_config(house)
    path.write_text(path.read_text().replace("datasets:\n", "datasets:\n  low: {grammar_file: mine.txt}\n"))
    code, output = dry_run(house, "--dry-run", "--configfile", path)
    assert code != 0
    assert "the key low is given twice" in output
    assert "Traceback" not in output


def test_a_grammar_that_cannot_terminate_stops_its_job_with_its_reason(house):
    (house / "endless.txt").write_text("S -> S '1' [0.5] | S S [0.5]\n")
    path = write_config(house, datasets={"endless": {"grammar_file": "endless.txt"}})
    code, output = snakemake(house, "results/try/grammars/endless.json", "--configfile", path)
    assert code != 0
    assert "ziplaw: error:" in output
    assert "Traceback" not in output
    assert not list((house / "results").rglob("*.json*"))


def test_a_missing_file_is_named(house):
    path = write_config(house, datasets={"mine": {"import": {"path": "no/such/file.txt", "tokenizer": "bytes"}}})
    code, output = dry_run(house, "--dry-run", "--configfile", path)
    assert code != 0
    assert "no/such/file.txt" in output
    assert "Traceback" not in output


def test_results_that_cannot_be_written_fail_with_the_reason(house):
    (house / "results").write_text("a file where a folder should be")
    path = write_config(house)
    code, output = snakemake(house, "results/try/grammars/low.json", "--configfile", path)
    assert code != 0
    assert "results" in output
    assert (house / "results").read_text() == "a file where a folder should be"


def test_results_from_the_future_are_named_with_what_to_do(house):
    path = write_config(house)
    grammar = house / "results" / "try" / "grammars" / "low.json"
    grammar.parent.mkdir(parents=True)
    grammar.write_text("{}")
    os.utime(grammar, (4e9, 4e9))
    code, output = dry_run(house, "--dry-run", "--configfile", path)
    assert code != 0
    assert "results/try/grammars/low.json is dated" in output
    assert "Traceback" not in output
    remedy = re.search(r"find results/try .* \+$", output, re.M).group()
    subprocess.run(["bash", "-c", remedy], cwd=house, check=True)
    code, output = dry_run(house, "--dry-run", "--configfile", path)
    assert code == 0, output


def test_a_pilots_dry_run_plans_up_to_its_first_round(house):
    code, output = dry_run(house, "--dry-run", "--configfile", "config/pilot.yaml")
    assert code == 0, output
    counts = planned(output)
    assert counts["pilot_round"] == 1
    once = {"tokenizer", "corpus", "score", "speed", "collect", "plan", "page"}
    assert {f"pilot_{name}" for name in once} <= set(counts)
    assert "pilot_run" not in counts


def test_a_pilot_reads_a_folder_of_any_name(house):
    folder = house / "it's {a} $b"
    folder.mkdir()
    (folder / "a.txt").write_text("text\n")
    path = house / "try.yaml"
    path.write_text(yaml.safe_dump({"pilot": {"name": "try", "paths": [folder.name], "flops": 1e15}}))
    code, output = dry_run(house, "--dry-run", "--configfile", path)
    assert code == 0, output


def test_a_typo_in_a_pilots_config_is_one_clear_line(house):
    path = house / "try.yaml"
    path.write_text("pilot: {name: try, builtin: code, flopz: 1e15}\n")
    code, output = dry_run(house, "--dry-run", "--configfile", path)
    assert code != 0
    assert "unknown key pilot.flopz (did you mean flops?)" in output
    assert "Traceback" not in output


def test_a_damaged_round_of_a_pilot_is_named(house):
    made = ["tokenizer.json", "tokenizer.report.json", "corpora/corpus/train.npy", "corpora/corpus/valid.npy"]
    made += ["corpora/corpus/meta.json", "scores/corpus.json", "speed.json", "rounds/1.json"]
    for path in (house / "results" / "try" / name for name in made):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"runs": [')
    (house / "try.yaml").write_text("pilot: {name: try, builtin: code, flops: 1e15}\n")
    code, output = dry_run(house, "--dry-run", "--rerun-triggers", "mtime", "--configfile", "try.yaml")
    assert code != 0
    assert "results/try/rounds/1.json is not valid JSON" in output
    assert "`ziplaw verify results/try --fix` removes what is damaged" in output
