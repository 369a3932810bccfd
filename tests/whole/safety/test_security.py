"""Nothing that a config, a file or its name says is run, by a shell or a loader; temporary files are private."""

import ast
import json
import os
import stat

import pytest
import yaml
from houses import ROOT, build, snakemake

from ziplaw.base.atomic import atomic_path
from ziplaw.errors import ConfigError
from ziplaw.pilots.pilot_config import parse_pilot
from ziplaw.sweep.config import parse_config, read_yaml

# every way in which a shell, Snakemake's format strings or an option parser would take a part of it for something else
NASTY = "-a'b\" ; touch pwned ; $(touch pwned) `touch pwned` {x} {{y}} %s \n touch pwned & \\ | touch pwned #"
SMOKE = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())


def test_no_value_of_a_config_is_run_by_a_shell(tmp_path):
    """A sweep in a folder, by a config, of files, folders, fields and endings of that name."""
    house = tmp_path / "it's $(touch pwned); `touch pwned` here"
    house.mkdir()
    build(house)
    (house / NASTY).mkdir()
    lines = [json.dumps({NASTY: f"On day {i} there were {i * i} of them.\n" * 20}) for i in range(40)]
    (house / NASTY / f"a.{NASTY}").write_text("".join(f"{line}\n" for line in lines))
    (house / f"{NASTY}.txt").write_text("N0 -> '1' N1 [0.5] | '2' [0.5]\nN1 -> '3' [1.0]\n")
    datasets = {
        "mine": {"import": {"path": NASTY, "field": NASTY, "ext": [NASTY], "format": "jsonl", "tokenizer": "bytes"}},
        "hand": {"grammar_file": f"{NASTY}.txt"},
    }
    config = house / "$(touch pwned)'.yaml"
    config.write_text(yaml.safe_dump(SMOKE | {"sweep": "try", "datasets": datasets, "budgets": [1024]}))
    wanted = ["results/try/corpora/mine/meta.json", "results/try/grammars/hand.json"]
    code, output = snakemake(house, *wanted, "--configfile", config.name)
    assert code == 0, output
    assert all((house / path).is_file() for path in wanted)
    assert not [*tmp_path.rglob("pwned")]
    assert not [*(ROOT / "rules").glob("pwned")]


def test_no_value_of_a_pilots_config_is_run_by_a_shell(tmp_path):
    house = build(tmp_path)
    (house / NASTY).mkdir()
    (house / NASTY / "a.txt").write_text("".join(f"On day {i} there were {i * i} of them.\n" for i in range(4000)))
    pilot = {"name": "try", "paths": [NASTY], "ext": [NASTY, "txt"], "field": NASTY, "format": "text", "flops": 1e13}
    (house / "try.yaml").write_text(yaml.safe_dump({"pilot": pilot | {"pilot_flops": 1e10, "vocab_size": 300}}))
    code, output = snakemake(house, "results/try/tokenizer.json", "--configfile", "try.yaml")
    said = (house / "logs" / "try" / "pilot_tokenizer.log").read_text()
    assert code == 0 or "ziplaw: error:" in said, output
    assert not [*tmp_path.rglob("pwned")]


@pytest.mark.parametrize("name", [NASTY, "../up", "a/b", "", ".", "-x", "a b", "$(x)", "a\nb", "a{b}", "a;b"])
def test_names_that_become_paths_are_letters_and_digits(name):
    shape = SMOKE["datasets"]["low"]
    for config in (
        SMOKE | {"sweep": name},
        SMOKE | {"datasets": {name: shape}},
        SMOKE | {"models": {name: {"hidden": 8, "layers": 1}}},
    ):
        with pytest.raises(ConfigError):
            parse_config(config)
    with pytest.raises(ConfigError):
        parse_pilot({"pilot": {"name": name, "builtin": "code", "flops": 1e13}})


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [touch pwned]", "!!python/name:os.system", "!new {}"])
def test_yaml_makes_no_objects(tag, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(f"sweep: {tag}\n")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_yaml("c.yaml")
    assert not (tmp_path / "pwned").exists()


def calls(tree):
    """Every call in a file: the name that is called, dotted, and the words that it is given by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}, node.lineno


FORBIDDEN = {"eval", "exec", "os.system", "os.popen", "tempfile.mktemp", "torch.load"}
FORBIDDEN |= {"yaml.unsafe_load", "yaml.full_load"}


@pytest.mark.parametrize("path", sorted((ROOT / "pkg").rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_that_is_read_can_run(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {name.name for node in imports for name in node.names}
    modules = {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert not {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib"} & (imported | modules)
    for name, words, line in calls(tree):
        assert name not in FORBIDDEN, (name, line)
        assert words.get("shell", "False") == "False", (name, line)
        if name in ("np.load", "numpy.load"):
            assert words.get("allow_pickle") == "False", line
        if name == "yaml.load":
            assert ast.unparse(tree).count("class _Unique(yaml.SafeLoader)") == 1


def test_what_is_being_written_is_private_until_it_is_whole(tmp_path):
    before = os.umask(0o022)
    try:
        with atomic_path(tmp_path / "table.csv") as temporary:
            assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
            temporary.write_text("x\n")
        assert stat.S_IMODE((tmp_path / "table.csv").stat().st_mode) == 0o644
    finally:
        os.umask(before)
