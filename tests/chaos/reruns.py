"""After a finished sweep one thing changes: exactly what hangs on it is made again, and ends as a fresh sweep does.

Cases and what they should make again are those of tests/helpers/sweeps/rerun_cases.py; here a choice of them is run.
"""

import shutil

import houses
import rerun_cases
import sweeps
from table import Row

# as the table says -> case; and, where the way back is a change of another kind, what that is and what notices it
CHANGES = {
    "learning rate changed": ("training.learning_rate", None),
    "budget added below": ("budgets: one added below", None),
    "budget added between": ("budgets", None),
    "budget added above": ("budgets: the largest raised", None),
    "dataset added": ("datasets: one added", None),
    "dataset removed": ("datasets: one taken away", None),
    "model added": ("models", ("model removed", "collect_dataset")),
    "comment only": ("a comment in the config", None),
    "version of the trainer raised": ("versions.TRAINER", None),
    "version of the fitter raised": ("versions.FITTER", None),
    "compiled core touched": ("a compiled core touched", None),
}


def make(parent, case, start=None):
    """Make a sweep as a case has it, fresh or from a finished house; the house and what Snakemake printed."""
    house = sweeps.House(parent, case.config)
    rerun_cases.write_inputs(house.folder)
    if start:
        shutil.rmtree(house.folder)
        shutil.copytree(start.folder, house.folder, symlinks=True)
        house.configure(case.config)
    # the code is copied where it is changed
    if case.versions or case.edit:
        (house.folder / "pkg").unlink()
        shutil.copytree(houses.ROOT / "pkg", house.folder / "pkg", ignore=shutil.ignore_patterns("__pycache__"))
    if case.edit:
        case.edit(house.folder)
    if case.versions:
        with open(house.folder / "pkg" / "ziplaw" / "versions.py", "a") as stream:
            stream.writelines(f"{name} = {value}\n" for name, value in case.versions.items())
    status, said = house.finish()
    return house, status, said


def rounds(parent):
    """Yield a row for each change, and for the ways back."""
    cases = {case.name: case for case in rerun_cases.cases()}
    plain = rerun_cases.Case("plain", set(), 0)
    base, status, said = make(parent / "base", plain)
    assert status == 0, said
    undisturbed = base.files()
    for number, (change, (name, back)) in enumerate(CHANGES.items(), 1):
        case = cases[name]
        fresh, status, said = make(parent / "fresh", case)
        assert status == 0, said
        row, house = _changed(number, change, parent / "changed", case, base, fresh.files())
        if back:
            way_back = rerun_cases.Case(back[0], {*back[1].split(), "report"}, 0)
            yield _changed(number, back[0], parent / "back", way_back, house, undisturbed, keep=False)[0]
        fresh.remove()
        house.remove()
        yield row
    base.remove()


def _changed(number, change, parent, case, start, fresh, keep=True):
    house, status, said = make(parent, case, start)
    jobs, runs = set(), 0
    for rule, count in houses.planned(said).items():
        trains = rule.startswith("train_")
        jobs.add("train_run" if trains else rule)
        runs += count if trains else 0
    jobs -= {"all"}
    broken = [f"ended with {status}: {said[-1500:]}"] if status else []
    expected = rerun_cases.closure(case.noticed_by) - {"all"}
    if jobs != expected:
        broken.append(f"made again {sorted(jobs - expected)} too many, {sorted(expected - jobs)} too few")
    if runs != case.runs:
        broken.append(f"trained {runs} runs, not {case.runs}")
    broken += sweeps.unfinished(house)
    row = Row(f"rerun: {change}", number, f"{runs} runs trained, {len(jobs)} rules of {len(rerun_cases.FEEDS)} run")
    row.broken += broken
    # what a smaller sweep no longer asks for stays
    found = house.files()
    row.differences += sweeps.differing({name: found.get(name) for name in fresh}, fresh)
    row.left += house.left_over()
    if not keep:
        house.remove()
    return row, house
