"""plan: all FLOPs counted, a dataset's own fit in the place of runs, and the planned model as a config file."""

import json
import re

import numpy as np
import pytest
from houses import ROOT
from laws_in_H import rows_of
from verbs import refuses, status

from ziplaw import random_grammar
from ziplaw.base.documents import write_json
from ziplaw.corpora.sampled import sample_corpus
from ziplaw.laws.fits.dataset import fit_dataset
from ziplaw.tables.declared import RUNS

README = ROOT / "README.md"


def test_what_the_vocabulary_and_the_context_cost(capsys):
    asked = ["predict", "--gzip", ".4951", "--flops", "1e18", "--json"]
    found = {}
    for name, more in (("bundled", []), ("large", ["--vocab-size", "128k"]), ("long", ["--context", "8192"])):
        assert status(*asked, *more) == 0
        found[name] = json.loads(capsys.readouterr().out)
    bundled, large, long = (found[name] for name in ("bundled", "large", "long"))
    assert bundled["compute"]["vocab_size_from"] == "tokenizer bundled"
    assert large["compute"]["vocab_size"] == 128_000
    # what the head or attention take is not there for the rest
    for costly in (large, long):
        assert costly["C_6nd"] < bundled["C_6nd"]
        assert costly["D"] < bundled["D"]
    assert large["compute"]["head_share_of_flops"] > 5 * bundled["compute"]["head_share_of_flops"]
    # a law in H alone knows no accounting, and is told what its plan costs all the same
    assert status(*asked[:-1], "--prior", "none", "--anyway") == 0
    assert "C is 6 N D, all that this law knows; with head and attention the training takes" in capsys.readouterr().out


def test_the_page_of_formats_names_every_key(capsys):
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").split("\n## prior\n")[1].split("\n## ")[0]
    named = {word for quoted in re.findall(r"`([^`]*)`", page) for word in quoted.split()}
    assert status("predict", "--gzip", ".4951", "--flops", "1e20", "--unique", "1e9", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    parts = (found, found["compute"], found["compute"]["shape"], found["training"], found["training"]["other"])
    keys = {key.removesuffix("_interval") for part in (*parts, found["six_nd"]) for key in part}
    assert keys - {"law_fitted_on"} <= named


def test_the_vocabulary_is_the_corpus_s_own(tmp_path, capsys):
    random_grammar(10, 150, 5, 3, seed=0).save(tmp_path / "grammar.json")
    sample_corpus(tmp_path / "grammar.json", tmp_path / "corpus", 300, valid_documents=10, context=512)
    asked = ["--flops", "1e20", "--anyway", "--prior", "none", "--epsilon", "0", "--json"]
    assert status("plan", tmp_path / "corpus", *asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["compute"]["vocab_size"], found["compute"]["context"]) == (151, 512)
    # a grammar's documents never end
    assert found["unique"] is found["epochs"] is None
    np.save(tmp_path / "ids.npy", np.random.default_rng(0).integers(1, 60, 20_000).astype(np.uint16))
    assert status("plan", tmp_path / "ids.npy", *asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["compute"]["vocab_size"], found["compute"]["context"]) == (61, 256)
    assert found["unique"] == 20_000


def own_fit_of(path):
    """``fits/<dataset>.json`` of six runs of six budgets of a planted law."""
    rows = rows_of("mine", 0.4, 1.9, 0.5, 0.4, np.random.default_rng(0), noise=0.003)
    # as small models as those of the helper are asked for their unit
    rows = [row | {"N": 10 * row["N"]} for row in rows]
    write_json(path, fit_dataset(rows, bootstrap=100), kind="fit")
    return rows


def test_a_dataset_s_own_fit_stands_for_its_runs(tmp_path, capsys):
    rows = own_fit_of(tmp_path / "mine.json")
    RUNS.write(tmp_path / "runs.csv", rows)
    found = {}
    for name, more in (("fit", ["--law", tmp_path / "mine.json"]), ("runs", ["--runs", tmp_path / "runs.csv"])):
        assert status("plan", README, "--flops", "1e13", "--prior", "none", *more, "--json") == 0
        found[name] = json.loads(capsys.readouterr().out)
    fit, runs = found["fit"], found["runs"]
    assert fit["runs"] == {"fit": str(tmp_path / "mine.json"), "dataset": "mine", "loss_unit": "nats per token"}
    # nearly what the table says; a file without refits tells no loss
    assert fit["N_interval"][0] < runs["N"] < fit["N_interval"][1]
    assert fit["loss"] is None
    assert fit["near_best"]["law"] == "own runs"
    both = refuses(capsys, "plan", README, "--flops", "1e13", "--law", tmp_path / "mine.json", "--runs",
                   tmp_path / "runs.csv")  # fmt: skip
    assert "give one of them" in both


def test_a_fit_without_a_split_is_refused(tmp_path, capsys):
    write_json(tmp_path / "table.json", {"parameters": {}}, kind="fit")
    line = refuses(capsys, "plan", README, "--flops", "1e13", "--law", tmp_path / "table.json")
    assert "table.json: this fit holds no splits by link" in line
    assert "or its table with --runs" in line


@pytest.mark.parametrize("kind", ["hf", "llama", "nanogpt"])
def test_write_config(kind, tmp_path, capsys):
    target = tmp_path / "config"
    asked = ["plan", README, "--flops", "1e21", "--write-config", kind, "-o", target]
    assert status(*asked, "--json") == 0
    out, err = capsys.readouterr()
    said, plan = err.strip().splitlines()[-1], json.loads(out)
    N = int(re.search(r": N (\d+), N_total \d+$", said)[1])
    assert pytest.approx(plan["N"], rel=0.03) == N
    assert (str(N) in target.read_text()) == (kind != "llama")
    # again, but no file of others
    assert status(*asked) == 0
    target.write_text("n_layer = 12\n")
    assert "no earlier output of this command" in refuses(capsys, *asked)
    assert target.read_text() == "n_layer = 12\n"


def test_write_config_and_its_file_go_together(tmp_path, capsys):
    asked = ["plan", README, "--flops", "1e21"]
    assert "go together" in refuses(capsys, *asked, "--write-config", "hf")
    assert "go together" in refuses(capsys, *asked, "-o", tmp_path / "x")
    two = refuses(capsys, *asked, README, "--write-config", "hf", "-o", tmp_path / "x")
    assert "2 paths are planned" in two
    # a split that is not identified has no model
    assert status("plan", README, "--flops", "1e14", "--write-config", "hf", "-o", tmp_path / "x") == 2
    assert not (tmp_path / "x").exists()
