"""``ziplaw mixtures``: the law of each loss, tests of further mixtures, the best one, refusals in one line."""

import json

import planted_outcomes as planted
import pytest
from verbs import refuses, run

from ziplaw.base.documents import read_json, write_csv


@pytest.fixture(scope="module")
def mixtures(tmp_path_factory):
    path = tmp_path_factory.mktemp("mixtures") / "mixtures.csv"
    rows = []
    for scale, n, seed, factor in (("1M", 90, 0, 1.0), ("60M", 30, 1, 0.7)):
        weights, losses = planted.mixture_table(n, seed=seed)
        rows += [
            {"scale": scale}
            | {f"w_{name}": float(w) for name, w in zip("abcde", weights[i])}
            | {f"loss_{name}": float(factor * v) for name, v in zip(("one", "two"), losses[i])}
            for i in range(n)
        ]
    write_csv(path, rows)
    return path


FEW = ("--bootstrap", "100")


def test_a_table_is_fitted_and_tested(mixtures):
    found = run("mixtures", mixtures, "--test", "scale=60M", "--at", "a=.5,w_b=.5", *FEW).output
    assert "90 mixtures of 5 domains, 2 losses" in found
    assert "scale=60M: 30 mixtures" in found
    assert "another scale" in found
    assert "Mixture 1: b 0.500, a 0.500" in found
    assert "Best mixture by the law" in found
    assert "gain over the best measured mixture" in found


def test_json_and_file(mixtures, tmp_path):
    words = ("--where", "scale=1M", "--target", "loss_one=2", "--limit", "a=0.1:0.3", *FEW)
    document = json.loads(run("mixtures", mixtures, *words, "--json").stdout)
    assert document["n"] == 90
    assert document["best"]["weights"]["a"] == pytest.approx(0.3, abs=1e-6)
    run("mixtures", mixtures, *words, "-o", tmp_path / "m.json")
    written = read_json(tmp_path / "m.json", "mixtures")
    assert {key: written[key] for key in document} == document


def test_columns_by_pattern(mixtures):
    found = run("mixtures", mixtures, "--where", "scale=1M", "--weights", "w_*", "--losses", "loss_one", *FEW).output
    assert "5 domains, 1 losses" in found


@pytest.mark.parametrize(("options", "words"), [
    (["--weights", "w_a,w_b"], "must sum to 1"),
    (["--weights", "w_a"], "the only weight"),
    (["--weights", "v_*"], "no column matches"),
    (["--losses", "w_*"], "is a weight and a loss"),
    (["--at", "a=.5"], "must sum to 1"),
    (["--at", "a"], "no DOMAIN=SHARE"),
    (["--at", "none=1"], "none of a, b"),
    (["--target", "none"], "none of one, two"),
    (["--limit", "a=.5"], "no DOMAIN=LOW:HIGH"),
    (["--limit", "a=.9:.2"], "in order"),
    (["--test", "scale!=x"], "holds every row out"),
    (["--where", "scale=7B"], "choose one of 1M, 60M"),
])  # fmt: skip
def test_refusals(mixtures, capsys, options, words):
    where = [] if options[0] in ("--where", "--test") else ["--where", "scale=1M"]
    assert words in refuses(capsys, "mixtures", mixtures, *where, *options, *FEW)
