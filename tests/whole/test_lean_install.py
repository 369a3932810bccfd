"""Without the extras every command works or says in one line which extra it needs."""

import os
import subprocess
import sys
import tomllib

import pytest
from houses import ROOT

from ziplaw.cli import EXTRAS
from ziplaw.grammars.random_grammars import random_grammar

WITHOUT = """
import sys
missing = sys.argv.pop(1).split(",")
class Missing:
    def find_spec(name, *_):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing)
from ziplaw.cli import main
main()
"""


def ziplaw_without(missing, folder, *arguments):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, ",".join(missing), *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_every_package_is_in_its_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for package, extra in EXTRAS.items():
        needs = project["optional-dependencies"][extra]
        assert any(need.startswith({"yaml": "pyyaml"}.get(package, package)) for need in needs), package


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("torch", ["train", "corpus", "--hidden", "8", "--layers", "1", "--budgets", "640", "-o", "run"]),
        ("matplotlib", ["plot", "frontiers", "--sweep-dir", "."]),
        ("matplotlib", ["fit", "runs.csv", "--plot", "fit.svg"]),
        ("jinja2", ["report", "--sweep-dir", "."]),
        ("yaml", ["config", "default"]),
        ("pydantic", ["config", "schema"]),
    ],
)
def test_a_missing_extra_is_one_line(missing, arguments, tmp_path):
    (tmp_path / "runs.csv").write_text("N,D,loss\n")
    (tmp_path / "corpus").mkdir()
    done = ziplaw_without([missing], tmp_path, *arguments)
    said = f"ziplaw: error: this needs {missing}, which is not installed: pip install 'ziplaw[{EXTRAS[missing]}]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    assert sorted(os.listdir(tmp_path)) == ["corpus", "runs.csv"]


def test_scores_grammars_and_plans_need_no_extra(tmp_path):
    random_grammar(10, 150, 5, 3, seed=0).save(tmp_path / "g.json")
    for arguments in (
        ["sample", "g.json", "--documents", "300", "-o", "corpus"],
        ["score", "corpus"],
        ["floor", "g.json", "--documents", "20"],
        ["grammar", "show", "g.json"],
        ["plan", "corpus", "--flops", "1e20", "--anyway"],
        ["shapes", "--hidden", "24", "--layers", "2"],
    ):
        done = ziplaw_without(EXTRAS, tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
