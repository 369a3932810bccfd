"""No test takes a GPU that it did not ask for, and each that names one says how it is meant."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from houses import ROOT

THIS = "tests/whole/test_devices.py"
MARKS = {"gpu", "no_gpu"}


def test_cuda_is_hidden_from_a_test_without_a_mark():
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    code = "import torch; print(torch.cuda.is_available())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "False\n"


@pytest.mark.gpu
def test_cuda_is_there_for_a_test_with_it():
    import torch

    assert torch.ones(3, device="cuda").sum().item() == 3


@pytest.mark.parametrize(
    ("marks", "status", "said"),
    [
        ([], 0, "CUDA devices: hidden"),
        (["-m", "slow"], 5, "CUDA devices: hidden"),
        (["-m", "gpu"], 0, "CUDA devices: those that the environment shows"),
        (["-m", ""], 4, "tests marked gpu run by themselves"),
        (["-m", "not slow"], 4, "tests marked gpu run by themselves"),
    ],
)
def test_marked_tests_run_by_themselves(marks, status, said):
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", THIS, *marks, "-k", "cuda_is"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == status
    assert said in done.stdout + done.stderr


def mentions(node: ast.AST, names: set[str]) -> bool:
    """Whether CUDA is named there, or something of the file that names it."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.split(":")[0] == "cuda":
            return True
        if isinstance(part, ast.Name) and part.id in names:
            return True
    return False


def marks_of(node: ast.AST) -> set[str]:
    return {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)} & MARKS


def named_in(source: str) -> Iterator[tuple[str, set[str]]]:
    """Tests of a file that name CUDA, themselves or through its helpers, and those of their marks that are meant."""
    tree = ast.parse(source)
    functions = [part for part in ast.walk(tree) if isinstance(part, ast.FunctionDef)]
    branches = [[*part.body, *part.orelse] for part in tree.body if isinstance(part, ast.If)]
    assigned = [part for part in sum(branches, tree.body) if isinstance(part, ast.Assign)]
    whole = {mark for part in assigned if "pytestmark" in ast.dump(part.targets[0]) for mark in marks_of(part)}
    names: set[str] = set()
    while True:
        more = {f.name for f in functions if not f.name.startswith("test_") and mentions(f, names)}
        targets = [target for part in assigned if mentions(part.value, names) for target in part.targets]
        more |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        if more <= names:
            break
        names |= more
    for function in functions:
        asks = {argument.arg for argument in function.args.args} & names
        if function.name.startswith("test_") and (asks or mentions(function, names)):
            yield function.name, whole.union(*map(marks_of, function.decorator_list))


@pytest.mark.no_gpu
def test_every_test_that_names_a_device_says_how_it_is_meant():
    unsaid, found = [], set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, marks in named_in(path.read_text()):
            found |= marks
            if len(marks) != 1:
                unsaid.append(f"{path.relative_to(ROOT)}::{name}")
    assert unsaid == [], "mark these gpu (they need a device), or no_gpu (they name it only)"
    assert found == MARKS


@pytest.mark.no_gpu
def test_what_is_collected():
    source = """
CUDA = torch.device("cuda")
def help(): return CUDA
@pytest.fixture
def gpus(): return "cuda:1"
def test_one(): help()
def test_two(gpus): pass
@pytest.mark.no_gpu
def test_three(): run(device="cuda")
@pytest.mark.parametrize("d", ["cpu", "cuda"])
@pytest.mark.gpu
def test_four(d): pass
def test_five(): "barracuda"
"""
    assert dict(named_in(source)) == {
        "test_one": set(), "test_two": set(), "test_three": {"no_gpu"}, "test_four": {"gpu"},
    }  # fmt: skip
