"""The import graph of the package against the layering rules of docs/architecture.md."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pkg" / "ziplaw"


def imports_of(path):
    """Absolute names imported anywhere in a file, relative ones resolved against the package."""
    module = path.relative_to(PACKAGE.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # a package's own __init__ counts as one of its parts: ("ziplaw", "laws", "__init__")
            base = ".".join(module[: -node.level]) if node.level else ""
            stem = ".".join(part for part in (base, node.module) if part)
            yield stem
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def files(pattern):
    found = sorted(PACKAGE.glob(pattern))
    assert found, f"no file matches {pattern}: the layering test would hold nothing"
    return found


def imported_by(*patterns):
    return {
        (p.relative_to(PACKAGE).as_posix(), name)
        for pattern in patterns
        for p in files(pattern)
        for name in imports_of(p)
    }


def offenders(pairs, *forbidden):
    return sorted(
        f"{file} imports {name}"
        for file, name in pairs
        if any(name == f or name.startswith(f + ".") for f in forbidden)
    )


@pytest.mark.parametrize(
    ("layer", "forbidden"),
    [
        (["laws/*.py"], ["torch", "pandas", "matplotlib", "pathlib", "csv", "json", "ziplaw.io", "ziplaw.train"]),
        (["model.py", "train*.py"], ["ziplaw.grammar", "ziplaw.laws", "ziplaw.sampling", "ziplaw.floor"]),
        (["grammar*.py", "sampling.py", "compress.py", "floor.py"], ["torch"]),
        (["**/*.py"], ["ziplaw.__main__"]),
    ],
)
def test_layers_do_not_reach_upward(layer, forbidden):
    assert offenders(imported_by(*layer), *forbidden) == []


def test_kernels_import_only_errors():
    own = {pair for pair in imported_by("kernels/*.py") if pair[1].startswith("ziplaw")}
    allowed = ("ziplaw.kernels", "ziplaw.errors")
    assert sorted(f"{f} imports {n}" for f, n in own if not n.startswith(allowed)) == []


@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("matplotlib", ("figures",)),
        ("ziplaw._pcfg", ("sampling.py",)),
        ("ziplaw._gzip", ("compress.py",)),
        ("ziplaw._earley", ("floor.py",)),
        ("ziplaw._laws", ("laws/solver.py",)),
        ("ziplaw.cli", ("cli/", "__main__.py")),
        ("pydantic", ("config.py",)),
        ("jinja2", ("report",)),
    ],
)
def test_only_its_owner_imports(name, owners):
    strangers = {(f, n) for f, n in imported_by("**/*.py") if not f.startswith(owners)}
    assert offenders(strangers, name) == []


def test_rules_call_the_command_line_only():
    rules = Path(__file__).parents[1] / "rules"
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
]


@pytest.mark.parametrize(
    "what", ["import ziplaw", "import ziplaw.cli", "import ziplaw.cli.score, ziplaw.cli.fit, ziplaw.cli.train"]
)
def test_imports_are_light(what):
    code = f"import sys; {what}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(PACKAGE.parent)},
    )
    assert done.stdout.strip() == "[]"


def test_public_functions_win_over_submodules_of_their_name():
    code = "import ziplaw, ziplaw.floor, ziplaw.train; from ziplaw.floor import Floor; print(callable(ziplaw.floor), callable(ziplaw.train))"
    env = {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == "True True"
