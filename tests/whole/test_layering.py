"""The import graph of the package: rooms import only the rooms below them, and nothing goes in a circle."""

import ast
import re
import subprocess
import sys
from collections import Counter

import pytest
from houses import ROOT

import import_graph

# room -> the rooms that it may import besides itself and the rooms at its own top: errors, versions
ROOMS = {
    "numerics": "",
    "base": "numerics",
    "kernels": "base",
    "kernels.triton": "kernels",
    "grammars": "numerics base",
    "corpora.storage": "numerics base",
    "corpora.readers": "base corpora.storage",
    "corpora": "numerics base grammars tables corpora.storage corpora.readers",
    "corpora.measures": "numerics base corpora corpora.storage corpora.readers",
    "models.shape": "base",
    "corpora.vocabulary": "base corpora corpora.readers corpora.storage models.shape",
    "models": "base kernels models.shape",
    "training.recipe": "base",
    "training.steps": "base kernels models models.shape training.recipe",
    "training.parallel": "models training.recipe training.steps",
    "training": "base corpora.storage models models.shape tables training.recipe training.steps training.parallel",
    "laws": "",
    "laws.forms": "numerics base",
    "laws.solve": "numerics base laws.forms",
    "laws.intervals": "numerics base laws.forms laws.solve",
    "laws.valleys": "numerics laws.forms laws.solve",
    "laws.fits": "numerics base laws.forms laws.solve laws.intervals laws.valleys",
    "laws.dependence.statistics": "numerics laws.solve",
    "laws.dependence.splits": "numerics laws.forms laws.solve laws.dependence.statistics",
    "laws.dependence": "numerics base laws.forms laws.solve laws.intervals laws.fits "
    "laws.dependence.statistics laws.dependence.splits",
    "laws.plans": "numerics base laws.forms laws.solve laws.intervals laws.valleys laws.fits laws.dependence "
    "laws.plans.evidence",
    "laws.outcomes": "numerics base laws.forms laws.solve laws.intervals laws.fits",
    "laws.plans.evidence": "numerics base laws.forms laws.solve laws.intervals laws.fits",
    "laws.pilots": "numerics base laws.forms laws.solve laws.intervals laws.plans.evidence",
    "laws.studies": "numerics",
    "laws.studies.effects": "numerics laws.forms laws.solve laws.fits laws.dependence laws.dependence.statistics "
    "laws.dependence.splits laws.pilots",
    "laws.studies.worth": "numerics laws.forms laws.solve laws.valleys laws.dependence.statistics laws.plans.evidence "
    "laws.pilots",
    "tables": "numerics base corpora.storage",
    "sweep": "numerics base corpora corpora.readers tables training.recipe laws.forms laws.intervals laws.fits "
    "laws.plans laws.plans.evidence laws.dependence.splits",
    "sweep.effects": "numerics base corpora corpora.measures corpora.readers sweep laws.plans.evidence "
    "laws.dependence.splits",
    "sweep.batch": "",
    "pilots": "numerics base corpora tables models.shape training.recipe sweep laws.pilots",
    "pilots.planning": "numerics base tables pilots models.shape sweep sweep.effects laws.forms laws.intervals "
    "laws.valleys laws.plans laws.plans.evidence laws.pilots",
    "studies": "numerics base grammars corpora tables sweep laws.studies",
    "studies.judging": "numerics studies laws.valleys laws.fits laws.pilots laws.plans.evidence laws.dependence.splits "
    "laws.studies.worth",
    "studies.readings": "numerics studies laws.forms laws.solve laws.dependence laws.studies.effects",
    "studies.answers": "numerics base tables studies studies.judging studies.readings sweep laws.forms laws.fits "
    "laws.solve laws.valleys laws.dependence laws.dependence.splits laws.dependence.statistics laws.studies "
    "laws.studies.effects laws.studies.worth",
    "report.figures": "numerics base tables sweep laws.forms laws.solve laws.intervals laws.fits laws.dependence",
    "report.figures.pilots": "base report.figures",
    "report.figures.studies": "numerics base sweep report.figures",
    "report.studies": "base sweep studies studies.answers report.figures.studies",
    "report.pilots": "base pilots.planning report report.figures.pilots",
    "report": "numerics base sweep report.figures laws.dependence laws.dependence.splits laws.fits laws.solve",
    "audit": "base pilots sweep report.figures",
    "cli": "base corpora.storage corpora.readers corpora.vocabulary",
    "cli.data": "cli base grammars tables corpora corpora.measures corpora.readers corpora.vocabulary",
    "cli.runs": "cli base corpora.storage models.shape training training.recipe training.parallel tables sweep pilots "
    "studies audit",
    "cli.laws": "cli numerics base corpora corpora.readers tables sweep sweep.effects report.figures laws.forms "
    "laws.intervals laws.dependence laws.dependence.statistics laws.plans laws.plans.evidence laws.pilots "
    "laws.outcomes models.shape pilots.planning",
    "cli.pilot": "cli cli.laws cli.runs base corpora.storage models.shape training pilots pilots.planning "
    "report.figures.pilots report.pilots",
    "cli.outcomes": "cli base tables report.figures laws.outcomes",
    "cli.show": "cli base report report.figures report.studies studies studies.answers",
    "__main__": "cli",
}
TOP = {"__init__", "errors", "versions"}
# what is imported by its owners alone: name -> owners
OWNERS = {
    "matplotlib": "report.figures",
    "jinja2": "report.templates",
    "pydantic": "sweep.config pilots.pilot_config",
    "ziplaw._pcfg": "grammars.sampling",
    "ziplaw._earley": "grammars.floor",
    "ziplaw._gzip": "corpora.compress",
    "ziplaw._laws": "laws.solve.additive",
    "ziplaw._decoder": "training.steps.core",
    "ziplaw._numerics": "numerics",
}
# what a room and its inner rooms never import
NEVER = {
    "laws": ["torch", "pandas", "matplotlib", "pathlib", "csv", "json"],
    "grammars": ["torch"],
    "corpora": ["torch"],
    "models.shape": ["torch"],
    "sweep": ["torch"],
    "pilots": ["torch"],
    "studies": ["torch"],
    "audit": ["torch"],
    "tables": ["torch"],
}

KNOWN = import_graph.modules()
GRAPH = import_graph.arrows()
BETWEEN = import_graph.rooms(GRAPH, KNOWN)


def importers(name):
    """Modules, without the package's name, that import something or a part of it."""
    return {
        module.removeprefix("ziplaw.")
        for module, path in KNOWN.items()
        if any(i == name or i.startswith(name + ".") for i in import_graph.imports_of(module, path))
    }


def inside(module, room):
    return module == room or module.startswith(room + ".")


def test_every_room_is_listed():
    assert set(BETWEEN) - TOP == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_the_rooms_below_it(room):
    found = {(room, other) for other in BETWEEN[room] - TOP - set(ROOMS[room].split())}
    assert found == set()


def test_nothing_goes_in_a_circle():
    wanted = {room: set(others.split()) for room, others in ROOMS.items()}
    for graph in (wanted, BETWEEN, GRAPH):
        assert import_graph.circles(graph) == []


# a folder shows no more files than this, not counting its __init__
MOST_FILES = 14
# tests that are of no one module
GENERAL = {"whole", "verification", "helpers", "twins", "golden", "fuzzing", "csrc"}
SOURCES = {
    module.removeprefix("ziplaw."): ast.parse(path.read_text(encoding="utf-8")) for module, path in KNOWN.items()
}


def named_twice(names):
    return {name for name, count in Counter(names).items() if count > 1}


def test_no_two_modules_have_one_name():
    # a verb may bear the name of the thing that it calls
    stems = [path.stem for module, path in KNOWN.items() if not inside(module.removeprefix("ziplaw."), "cli")]
    assert named_twice(stems) - {"__init__"} == set()


def test_no_two_classes_have_one_name():
    found = [node.name for tree in SOURCES.values() for node in tree.body if isinstance(node, ast.ClassDef)]
    assert named_twice(name for name in found if not name.startswith("_")) == set()


def test_every_room_says_its_purpose_in_one_line():
    for module, path in KNOWN.items():
        if path.name == "__init__.py":
            purpose, *more = (ast.get_docstring(SOURCES[module.removeprefix("ziplaw.")]) or "").split("\n")
            assert 20 <= len(purpose) <= 120, module
            assert not more or more[0] == "", module


def test_folders_are_small():
    found = Counter()
    for part in ("pkg/ziplaw", "tests", "rules", "docs", "bench", "ext"):
        for path in (ROOT / part).rglob("*"):
            if path.is_file() and path.suffix not in (".pyc", ".so") and path.name != "__init__.py":
                found[path.parent.relative_to(ROOT).as_posix()] += 1
    assert {folder for folder, count in found.items() if count > MOST_FILES} == set()


def test_tests_stand_where_their_module_does():
    package, lost = import_graph.PACKAGE, set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        where = path.relative_to(ROOT / "tests")
        words = path.stem.split("_")[1:]
        # test_a_b.py is of a_b.py, or of a.py (or the verb a_.py, the room a) and about b
        names = ["_".join(words[:n]) for n in range(1, len(words) + 1)]
        room = package / where.parent
        here = any((room / f"{name}{end}").exists() for name in names for end in (".py", "_.py", "/__init__.py"))
        if where.parts[0] not in GENERAL and not here and where.parent.name not in names:
            lost.add(path.relative_to(ROOT).as_posix())
    assert lost == set()


@pytest.mark.parametrize("name", OWNERS)
def test_only_its_owner_imports(name):
    found = importers(name)
    assert found
    assert [
        module for module in sorted(found) if not any(inside(module, owner) for owner in OWNERS[name].split())
    ] == []


@pytest.mark.parametrize(("room", "name"), [(room, name) for room, names in NEVER.items() for name in names])
def test_a_room_never_imports(room, name):
    assert [module for module in sorted(importers(name)) if inside(module, room)] == []


def test_rules_call_the_command_line_only():
    rules = ROOT / "rules"
    for path in rules.glob("*.smk"):
        block = re.search(r"^ +(run|script|notebook):", path.read_text(encoding="utf-8"), re.M)
        assert block is None, f"{path.name} has a {block and block.group(1)}: block"


HEAVY = [
    "numpy",
    "scipy",
    "torch",
    "pandas",
    "matplotlib",
    "ziplaw._pcfg",
    "ziplaw._gzip",
    "ziplaw._earley",
    "ziplaw._laws",
    "ziplaw._decoder",
    "ziplaw._numerics",
]


@pytest.mark.parametrize(
    "what",
    ["import ziplaw", "import ziplaw.cli", "import ziplaw.cli.data.score, ziplaw.cli.laws.fit, ziplaw.cli.runs.train"],
)
def test_imports_are_light(what):
    code = f"import sys; {what}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "pkg")},
    )
    assert done.stdout.strip() == "[]"
