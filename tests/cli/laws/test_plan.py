"""predict and plan: a split or a refusal, and the H of a law held against that of a score."""

import json

import numpy as np
import pytest
from laws_in_H import score, sweep
from verbs import status

from ziplaw.base.documents import read_json, write_json
from ziplaw.corpora.scoring import score_path
from ziplaw.laws.dependence.measure_of_H import check_score, measure_of
from ziplaw.tables.declared import RUNS


@pytest.fixture(scope="module")
def planted():
    return sweep(5, (-1.0, -0.5))


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_predict_refuses_in_one_line_with_status_2(capsys, more):
    assert status("predict", "--gzip", ".3", "--flops", "1e21", *more) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert "ziplaw: error: the split is not identified: " in err
    assert "measure datasets like yours nearer to C = 1e+21" in err
    if more:
        document = json.loads(out)
        assert document["N"] is document["D"] is document["N_interval"] is document["without_H"] is None
        assert {"reason", "remedy"} <= set(document["refused"][0])
    else:
        assert out == ""
    assert status("predict", "--gzip", ".3", "--flops", "1e21", "--anyway", *more) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["refused"] if more else "H = 0.300 NOT IDENTIFIED" in out


def test_predict_with_a_law_that_carries_the_split(capsys):
    assert status("predict", "--gzip", ".38", "--flops", "1e12") == 0
    out = capsys.readouterr().out
    assert "NOT IDENTIFIED" not in out
    # the same datasets without H say less: no number of theirs is shown
    assert "H ignored" not in out
    assert status("predict", "--gzip", ".38", "--flops", "1e12", "--anyway") == 0
    assert "the same laws, H ignored NOT IDENTIFIED" in capsys.readouterr().out


def test_plan_says_H_and_refuses_the_rest(tmp_path, capsys):
    np.save(tmp_path / "ids.npy", np.random.default_rng(0).integers(1, 60, 20_000).astype(np.uint16))
    assert status("plan", tmp_path / "ids.npy", "--flops", "1e18") == 2
    out, err = capsys.readouterr()
    assert "ids.npy: H = " in out
    assert "Best split" not in out
    assert "\nziplaw: error: the split is not identified" in f"\n{err}"
    assert status("plan", tmp_path / "ids.npy", "--flops", "1e18", "--anyway") == 0
    assert "NOT IDENTIFIED" in capsys.readouterr().out
    # Chinchilla's constants alone are no law of ours
    assert status("plan", tmp_path / "ids.npy", "--flops", "1e18", "--epsilon", "0") == 0


BUNDLED = {"tokenizer": "bundled", "tokenizer_sha256": "1" * 64}


def test_regress_takes_the_scores_and_plan_holds_them_against_the_corpus(planted, tmp_path, capsys):
    rows, fits = planted
    RUNS.write(tmp_path / "runs.csv", rows)
    (tmp_path / "scores").mkdir()
    for fit in fits:
        write_json(tmp_path / f"{fit['dataset']}.json", fit, kind="fit")
        mine = score(fit["dataset"], H=fit["H"], **BUNDLED)
        write_json(tmp_path / "scores" / f"{fit['dataset']}.json", mine, kind="score")
    # other scores of the folder are no part of the law
    write_json(tmp_path / "scores" / "code.bytes.json", score("code.bytes", tokenizer="bytes", window=64), kind="score")
    law = tmp_path / "regression.json"
    names = [tmp_path / f"{fit['dataset']}.json" for fit in fits]
    arguments = ["--runs", tmp_path / "runs.csv", "--scores", tmp_path / "scores", "--bootstrap", "0", "-o", law]
    assert status("regress", *arguments, "--fits", *names) == 0
    assert read_json(law)["H_of"] == measure_of([score(**BUNDLED)])
    capsys.readouterr()
    (tmp_path / "text.txt").write_text("the whale swims and sings under the cold grey sea tonight. " * 400)
    assert status("plan", tmp_path / "text.txt", "--flops", "1e12", "--tokenizer", "bytes", "--law", law) == 2
    assert "H of text.txt is of the tokenizer bytes, the law's of the tokenizer bundled" in capsys.readouterr().err
    own = score_path(tmp_path / "text.txt", "bytes")
    assert check_score(None, own)
