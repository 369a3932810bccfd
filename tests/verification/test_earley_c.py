"""The C parser alone: strict warnings, address and undefined-behaviour sanitizers, every allocation failing once."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ziplaw.grammars.presets import PRESETS
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.grammars.sampling import sample

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wstrict-prototypes", "-Werror"]
SANITIZE = ["-g", "-O1", "-ffp-contract=off", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    out = tmp_path_factory.mktemp("earley") / "faults"
    source = Path(__file__).with_name("earley_faults.c")
    command = [
        compiler,
        *STRICT,
        *SANITIZE,
        f"-I{ROOT}/ext/src",
        f"-I{ROOT}/ext/src/earley",
        str(source),
        "-o",
        str(out),
        "-lm",
    ]
    subprocess.run(command, check=True)
    return out


@pytest.mark.parametrize("name", ["main-1", "main-3", "main-6", "compressibility-4", "vocabulary-5"])
def test_sanitized_with_every_allocation_failing(program, tmp_path, name):
    g = random_grammar(*PRESETS[name]["shape"], seed=0, supercritical="truncate")
    tokens = sample(g, 3, 256, seed=1)
    arrays = g.arrays()
    path = tmp_path / "input.bin"
    with open(path, "wb") as stream:
        sizes = [g.n_nonterminals, g.n_terminals, len(g.productions), len(arrays["symbols"]), *tokens.shape]
        np.array(sizes, np.int64).tofile(stream)
        for key in ("prod_lhs", "prod_offsets", "symbols", "probabilities", "start"):
            arrays[key].tofile(stream)
        tokens.astype(np.uint32).tofile(stream)
    result = subprocess.run([program, path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 40
