"""After a finished sweep one thing changes; what Snakemake then makes again ends in the bytes of a fresh sweep.

One sweep is made for all cases, and for each case a fresh one: the whole table takes hours. One of them:

    pytest -m slow tests/verification/test_rerun_bytes.py -k max_rhs_options
"""

import shutil

import houses
import pytest
import rerun_cases
import yaml

CASES = rerun_cases.cases()

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def make(folder, case):
    """Apply a case to a house that has its inputs already, and run the sweep."""
    (folder / "try.yaml").write_text(yaml.safe_dump(case.config, sort_keys=False))
    if case.edit:
        case.edit(folder)
    if case.versions:
        (folder / "pkg").unlink()
        shutil.copytree(houses.ROOT / "pkg", folder / "pkg", ignore=shutil.ignore_patterns("__pycache__"))
        with open(folder / "pkg" / "ziplaw" / "versions.py", "a") as stream:
            stream.writelines(f"{name} = {value}\n" for name, value in case.versions.items())
    code, output = houses.snakemake(folder, "--configfile", "try.yaml", cores=2, timeout=1500)
    assert code == 0, output
    return folder


def house(parent):
    """A house with the inputs of the table, of the same name everywhere: the report gives its config's place by it."""
    folder = parent / "house"
    folder.mkdir(parents=True)
    houses.build(folder)
    rerun_cases.write_inputs(folder)
    return folder


def contents(folder):
    results = folder / "results"
    return {path.relative_to(results).as_posix(): path.read_bytes() for path in results.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return make(house(tmp_path_factory.mktemp("finished")), rerun_cases.Case("finished", set(), 0))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_change_ends_in_the_bytes_of_a_fresh_sweep(finished, tmp_path, case):
    fresh = contents(make(house(tmp_path / "fresh"), case))
    shutil.copytree(finished, tmp_path / "house", symlinks=True)
    changed = contents(make(tmp_path / "house", case))
    assert len(fresh) > 50
    assert not set(fresh) - set(changed)
    assert [name for name in fresh if fresh[name] != changed[name]] == []
