"""``ziplaw pilot`` up to the design of its first round: what it writes, refuses and says."""

import subprocess
import sys
from pathlib import Path

import pytest
from houses import ROOT, build, environment
from simulated_pilot import simulated_pilot
from verbs import refuses

from ziplaw.base.documents import read_json, write_json
from ziplaw.cli import main
from ziplaw.pilots import workflow
from ziplaw.pilots.pilot_config import cores_of, load_pilot, parse_pilot, settle
from ziplaw.pilots.planning.whole_plan import pilot_plan
from ziplaw.pilots.workplace import alone_in

TINY = ["--builtin", "code", "--tokenizer", "bytes", "--flops", "1e15", "--pilot-flops", "6e10", "--cores", "2"]


@pytest.fixture
def house(tmp_path):
    return build(tmp_path)


def pilot(house, *arguments):
    """How ``ziplaw pilot`` ends in a house, and what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "ziplaw", "pilot", *arguments],
        cwd=house,
        env=environment(house) | {"PYTHONPATH": str(house / "pkg")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_round_is_designed_and_nothing_trained(house):
    code, out, err = pilot(house, *TINY, "--design-only", "--name", "tiny")
    assert (code, err) == (0, ""), out + err
    design = read_json(house / "results" / "tiny" / "rounds" / "1.json", "pilot_round")
    assert design["pilot_C"] == 6e10
    lines = out.splitlines()
    assert lines[0].startswith(f"Round 1: {len(design['runs'])} sizes")
    models = [run["model"] for run in design["runs"]]
    assert [line.split()[0] for line in lines[-len(models) - 1 :]] == ["model", *models]
    assert not (house / "results" / "tiny" / "runs").exists()
    config = house / "results" / "tiny" / "pilot.yaml"
    assert load_pilot(config).flops == 1e15
    # other settings are another pilot; one that works there is waited for
    code, out, err = pilot(house, *TINY, "--name", "tiny", "--context", "128")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is of another pilot: context is 256 there and 128 here: give another --name" in err
    with alone_in(house / "results" / "tiny"):
        code, out, err = pilot(house, *TINY, "--name", "tiny")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "a pilot works in results/tiny already" in err


def test_a_job_that_fails_says_its_own_line(house):
    (house / "few").mkdir()
    (house / "few" / "a.txt").write_text("some words\n")
    code, out, err = pilot(house, "few", "--tokenizer", "bytes", "--flops", "1e15", "--pilot-flops", "6e10")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("ziplaw: error: ")
    assert "few/ is too small for a pilot" in err
    assert "(logs/few/pilot_tokenizer.log)" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--flops", "1e15"], "give either PATHs or --builtin"),
        (["--builtin", "code"], "Missing option '--flops'"),
        (["--builtin", "code", "--flops", "1e15", "--minutes", "5", "--pilot-flops", "1e12"], "not both"),
        (["--builtin", "code", "--flops", "1e15", "--minutes", "0"], "must be from 1 to 1e+06 minutes"),
        (["--builtin", "code", "--flops", "1e15", "--name", "../x"], "cannot name a folder"),
        (["no/such/place", "--flops", "1e15"], "no/such/place"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in refuses(capsys, "pilot", *arguments)
    assert list(Path().iterdir()) == []


def test_a_pilot_that_goes_on_keeps_its_cores(tmp_path):
    assert cores_of(tmp_path) is None
    settle(tmp_path, parse_pilot({"pilot": {"name": "mine", "builtin": "code", "flops": 1e15, "cores": 7}}))
    assert cores_of(tmp_path) == 7


# a finder of modules that finds no compiled core
NO_CORES = """
import sys

class NoCores:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("ziplaw._") and name != "ziplaw.__main__":
            raise ImportError(name)

sys.meta_path.insert(0, NoCores())
"""


def test_what_starts_snakemake_needs_no_compiled_core_which_is_built_by_it():
    wanted = "ziplaw.cli.pilot.pilot, ziplaw.pilots.progress, ziplaw.pilots.workflow, ziplaw.pilots.pilot_config"
    rules = (ROOT / "rules" / "pilot_options.smk").read_text() + (ROOT / "rules" / "common.smk").read_text()
    at_once = "\n".join(line for line in rules.splitlines() if line.startswith("from ziplaw"))
    done = subprocess.run(
        [sys.executable, "-c", f"{NO_CORES}\nimport {wanted}\n{at_once}"],
        env={"PYTHONPATH": str(ROOT / "pkg")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert at_once.count("\n") > 3


def test_a_pilot_that_knows_no_plan_tells_it_and_ends_with_status_2(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def two_small_sizes(config, folder, *_):
        made = simulated_pilot(Path(folder), hidden=(16, 24), computes=(3e10, 1e11), noise=0.03)
        plan = pilot_plan(made, 1e22, prior="none").document
        write_json(made / "plan.json", plan, kind="pilot_plan")

    monkeypatch.setattr(workflow, "snakefile", lambda: None)
    monkeypatch.setattr(workflow, "run", two_small_sizes)
    with pytest.raises(SystemExit) as caught:
        main(["pilot", "--builtin", "code", "--flops", "1e22", "--name", "wide", "--prior", "none"])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert "NO PLAN: wide" in out
    assert "The page: results/wide/plan.html" in out
    assert err.count("\n") == 1
    assert "over 2 decades wide" in err
