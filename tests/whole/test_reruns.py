"""After a finished sweep, one thing changes at a time: what has to be made again, and nothing else.

Which rules rerun is told by dry runs here; that they end in the bytes of a fresh sweep is in
tests/verification/test_rerun_bytes.py.
"""

import shutil

import houses
import pytest
import rerun_cases
import yaml

from ziplaw import versions

CASES = rerun_cases.cases()
ARGUMENTS = ["--dry-run", "--configfile", "try.yaml"]


def write_config(house, config):
    (house / "try.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A sweep that Snakemake holds for finished: every result is there, empty, and recorded as made under CONFIG."""
    house = houses.build(tmp_path_factory.mktemp("finished"))
    rerun_cases.write_inputs(house)
    write_config(house, rerun_cases.CONFIG)
    code, output = houses.dry_run(house, "--summary", "--configfile", "try.yaml")
    assert code == 0, output
    files = [line.split("\t")[0] for line in output.splitlines() if line.startswith("results/")]
    assert len(files) > 50
    for file in files:
        (house / file).parent.mkdir(parents=True, exist_ok=True)
        (house / file).touch()
    code, output = houses.dry_run(house, "--touch", "--forceall", "--no-hooks", "--configfile", "try.yaml")
    assert code == 0, output
    return house


@pytest.fixture(scope="module")
def outputs(finished, tmp_path_factory):
    """What the dry run of each case printed, by its name."""
    found = {}
    for case in CASES:
        # a house for each, for its config and its inputs; what is finished is the same
        house = tmp_path_factory.mktemp("case") / finished.name
        house.mkdir()
        houses.build(house)
        for part in ("results", ".snakemake"):
            (house / part).symlink_to(finished / part)
        for part in [*finished.glob("*.txt"), *finished.glob("*.json")]:
            shutil.copy2(part, house / part.name)
        shutil.copytree(finished / "-texts {x}", house / "-texts {x}")
        write_config(house, case.config)
        if case.edit:
            case.edit(house)
        _, found[case.name] = houses.dry_run(house, *ARGUMENTS, versions=case.versions)
    return found


def test_every_key_and_stage_has_its_case():
    missing = set(rerun_cases.keys()) - set(rerun_cases.KEYS)
    assert not missing, f"add a line to KEYS in tests/helpers/sweeps/rerun_cases.py for {sorted(missing)}"
    assert set(rerun_cases.STAGES) == {name for name in vars(versions) if name.isupper()}


def test_a_finished_sweep_has_nothing_to_do(finished):
    _, output = houses.dry_run(finished, *ARGUMENTS)
    assert "Nothing to be done" in output
    assert "missing provenance" not in output


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_change_reruns_what_depends_on_it_and_nothing_else(outputs, case):
    output = outputs[case.name]
    jobs, runs = set(), 0
    for rule, count in houses.planned(output).items():
        trains = rule.startswith("train_")
        jobs.add("train_run" if trains else rule)
        runs += count if trains else 0
    assert jobs == rerun_cases.closure(case.noticed_by), output
    assert runs == case.runs, output
    if not jobs:
        assert "Nothing to be done" in output
