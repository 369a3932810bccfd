"""predict and plan: every line of the sum, a split or a refusal, and the H of a law held against that of a score."""

import json
import math

import numpy as np
import pytest
from houses import ROOT
from laws_in_H import planted_regression, score, sweep
from planted_study import planted_study
from verbs import refuses, status

from ziplaw.base.documents import read_json, write_csv, write_json
from ziplaw.corpora.scoring import score_builtin, score_path
from ziplaw.laws.dependence.measure_of_H import check_score, measure_of
from ziplaw.laws.dependence.splits.effect import effect_document
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive
from ziplaw.sweep.reference_law import read_law
from ziplaw.tables.declared import RUNS


@pytest.fixture(scope="module")
def planted():
    return sweep(5, (-1.0, -0.5))


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_predict_refuses_in_one_line_with_status_2(capsys, more):
    assert status("predict", "--gzip", ".3", "--flops", "1e21", "--prior", "none", *more) == 2
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
    assert status("predict", "--gzip", ".3", "--flops", "1e21", "--prior", "none", "--anyway", *more) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["refused"] if more else "H = 0.300 NOT IDENTIFIED" in out


def test_predict_with_a_law_that_carries_the_split(tmp_path, capsys):
    write_json(tmp_path / "law.json", planted_regression(), kind="regression")
    asked = ["predict", "--gzip", ".35", "--flops", "1e12", "--prior", "none", "--law", tmp_path / "law.json"]
    assert status(*asked) == 0
    out = capsys.readouterr().out
    assert "NOT IDENTIFIED" not in out
    assert "\nH = 0.350 " in out


def test_the_shipped_law_alone_carries_no_split(capsys):
    assert status("predict", "--gzip", ".38", "--flops", "1e12", "--prior", "none") == 2
    assert "the split is not identified" in capsys.readouterr().err
    assert status("predict", "--gzip", ".38", "--flops", "1e12", "--prior", "none", "--anyway") == 0
    assert "the same laws, H ignored NOT IDENTIFIED" in capsys.readouterr().out


def test_plan_by_a_law_alone_says_H_and_refuses_the_rest(tmp_path, capsys):
    np.save(tmp_path / "ids.npy", np.random.default_rng(0).integers(1, 60, 20_000).astype(np.uint16))
    asked = ["plan", tmp_path / "ids.npy", "--flops", "1e18", "--prior", "none"]
    assert status(*asked) == 2
    out, err = capsys.readouterr()
    assert "ids.npy: H = " in out
    assert "Best split" not in out
    assert "\nziplaw: error: the split is not identified" in f"\n{err}"
    assert status(*asked, "--anyway") == 0
    assert "NOT IDENTIFIED" in capsys.readouterr().out
    # Chinchilla's constants alone are no law of ours
    assert status(*asked, "--epsilon", "0") == 0


@pytest.fixture(scope="module")
def effect(tmp_path_factory):
    """An effect of information beyond a bigram: N times e for each e-fold of it."""
    study = planted_study((("v", 8),), effects={"floor": 1.0}, scatter=0.02)
    values = {name: math.exp(known["floor"] - 1) for name, known in study.covariates.items()}
    document = effect_document(
        study.fits, values, "beyond_bigram_measured", "bounded", scale="log", C_range=(1e8, 1e11)
    )
    path = tmp_path_factory.mktemp("effect") / "effect.json"
    write_json(path, document, kind="effect")
    return path


def test_a_plan_by_another_covariate_than_H(effect, prose, capsys):
    asked = ["plan", prose, "--flops", "1e18", "--tokenizer", "bytes", "--law", effect]
    assert status(*asked) == 0
    out = capsys.readouterr().out
    assert "effect of ln beyond_bigram_measured (" in out
    assert "effect of ln beyond_bigram_measured: " in out
    assert status(*asked, "--json") == 0
    line = json.loads(capsys.readouterr().out)["lines"]["H"]
    assert line["covariate"] == "beyond_bigram_measured"
    assert line["share"] > 0
    # more beyond the last token than prose has wants larger models, less smaller ones
    assert (line["factor"] - 1) * line["h"] > 0


def test_the_study_s_effect_ships(prose, capsys):
    asked = ["plan", prose, "--flops", "1e18", "--tokenizer", "bytes", "--by", "beyond_bigram"]
    assert status(*asked) == 0
    out = capsys.readouterr().out
    assert "effect of ln beyond_bigram_measured (" in out
    assert "the effect shipped with ziplaw (" in out
    line = refuses(capsys, *asked, "--law", ROOT / "pkg/ziplaw/sweep/reference_law.json")
    assert "give one of them" in line
    assert "a pilot's prior is moved by its H" in refuses(capsys, "plan", "--pilot", ".", "--by", "beyond_bigram")


def test_an_effect_is_no_law_by_itself(effect, prose, capsys):
    of_H = refuses(capsys, "predict", "--gzip", ".3", "--flops", "1e18", "--law", effect)
    assert "is an effect of beyond_bigram_measured, and H alone is given" in of_H
    alone = refuses(capsys, "plan", prose, "--flops", "1e18", "--prior", "none", "--law", effect)
    assert "is no law by itself" in alone


@pytest.fixture(scope="module")
def prose(tmp_path_factory):
    """English of a few thousand words: this project's own page."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_bytes((ROOT / "README.md").read_bytes())
    return path


def table_of_runs(path, seed=0):
    """Twenty-five runs of the refitted Chinchilla law."""
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(2e8, 2e10, 5)))
    loss = additive(CHINCHILLA_REFIT.array, N, D) * np.exp(0.002 * np.random.default_rng(seed).normal(size=N.size))
    write_csv(path, [{"params": n, "tokens": d, "val_loss": x} for n, d, x in zip(N.tolist(), D.tolist(), loss)])
    return path


def test_a_plan_with_no_other_input_is_one_that_can_be_acted_on(prose, capsys):
    assert status("plan", prose, "--flops", "1e21", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    low, high = found["N_interval"]
    assert low < found["N"] < high
    # all FLOPs are counted: of 8192 tokens and the separator, as the bundled tokenizer has them
    shape = found["compute"]["shape"]
    assert shape["vocab_size"] == found["compute"]["vocab_size"] == 8193
    assert found["compute"]["C"] == pytest.approx(1e21)
    assert 0.95e21 < found["C_6nd"] < 1e21
    assert found["C_6nd"] == pytest.approx(6 * found["N"] * found["D"])
    assert 6 * found["six_nd"]["N"] * found["six_nd"]["D"] == pytest.approx(1e21)
    assert shape["N"] == pytest.approx(found["N"], rel=0.02)
    assert found["compute"]["N_total"] == pytest.approx(found["N"] + 2 * 8193 * shape["hidden"])
    lines = found["lines"]
    prior = lines["prior"]
    # within a decade before H, and about one with it, as long as this page reads like English
    assert math.log10(prior["N_interval"][1] / prior["N_interval"][0]) < 1
    assert math.log10(high / low) < 1.2
    # less compressible than the prose: more parameters, by a law that says how sure it is of that
    assert lines["H"]["factor"] > 1
    assert lines["H"]["link"] == read_law()["split"]["link"]
    assert 0 < lines["H"]["share"] < 1
    assert 5 < 1e21 / 6 / prior["N"] ** 2 < 40
    assert lines["H"]["h"] == pytest.approx(found["H"] - found["prior"]["H"]["value"])
    assert lines["runs"] is found["loss"] is None
    assert found["N"] == pytest.approx(prior["N"] * lines["H"]["factor"])
    assert len(found["prior"]["grids"]) == found["prior"]["n_grids"]


def test_a_plan_is_printed_answer_first_and_says_what_it_rests_on(prose, capsys):
    assert status("plan", prose, "--flops", "1e21") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 20
    assert lines[0].startswith(f"{prose}: H = ")
    assert "best split of C = 1e+21" in lines[1]
    text = "\n".join(lines)
    for word in ("Shape: hidden", "C is all FLOPs", "Training: learning rate",
                 "costs at most 0.1%", "prior: web text", "effect of H", "own runs", "sum", "Chinchilla", "Kaplan",
                 "Rests on"):  # fmt: skip
        assert word in text, word


def test_own_runs_settle_a_plan(prose, tmp_path, capsys):
    runs = table_of_runs(tmp_path / "runs.csv")
    assert status("plan", prose, "--flops", "1e20", "--runs", runs, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    low, high = found["lines"]["runs"]["N_interval"]
    best = float(optimal_split(CHINCHILLA_REFIT.array, 1e20)[0])
    assert low < best < high
    assert found["N_interval"][0] < best < found["N_interval"][1]
    assert high / low < 6
    assert found["loss_interval"][0] < found["loss"] < found["loss_interval"][1]
    assert found["runs"]["columns"] == {"N": "params", "D": "tokens", "loss": "val_loss"}
    # without a prior they are all there is, and H moves nothing
    assert (
        status(
            "plan", prose, "--flops", "1e20", "--runs", runs, "--prior", "none", "--window", "128", "--unique", "1e12"
        )
        == 0
    )
    out = capsys.readouterr().out
    for word in ("prior:", "effect of H", "Warning"):
        assert word not in out, word
    # a window that the law in H was not measured with
    assert "they do not compare" in refuses(capsys, "plan", prose, "--flops", "1e20", "--window", "128")


def test_runs_that_carry_no_split_are_refused(prose, tmp_path, capsys):
    N = np.geomspace(1e7, 1e9, 12)
    loss = additive(CHINCHILLA_REFIT.array, N, 20 * N) * np.exp(0.002 * np.random.default_rng(1).normal(size=12))
    rows = [{"N": n, "D": 20 * n, "loss": x} for n, x in zip(N.tolist(), loss.tolist())]
    write_csv(tmp_path / "line.csv", rows)
    line = refuses(capsys, "plan", prose, "--flops", "1e20", "--runs", tmp_path / "line.csv")
    assert "line.csv: N and D move together" in line
    assert line.endswith("without --runs the plan goes on without them")


def test_a_law_that_does_not_say_how_H_moves_the_split_leaves_its_effect_unknown(tmp_path, capsys):
    older = {key: value for key, value in read_law().items() if key not in ("split", "kind", "format", "sha256")}
    write_json(tmp_path / "older.json", older, kind="regression")
    found = []
    for law in ([], ["--law", tmp_path / "older.json"]):
        assert status("predict", "--gzip", ".53", "--flops", "1e21", "--json", *law) == 0
        found.append(json.loads(capsys.readouterr().out))
    known, unknown = (np.log(one["lines"]["H"]["factor_interval"]) for one in found)
    assert found[1]["lines"]["H"]["factor"] == 1.0
    assert np.diff(unknown) > np.diff(known)
    assert "does not say how H moves the split: its effect is unknown" in found[1]["warnings"][0]


def test_priors(prose, tmp_path, capsys):
    asked = ["predict", "--gzip", ".4951", "--flops", "1e20"]
    mine = {"name": "ours", "C": 1e20, "ln_N": 21.0, "a": 0.5, "covariance": [[0.01, 0], [0, 0.001]]}
    write_json(tmp_path / "mine.json", mine, kind="prior")
    assert status(*asked, "--prior", tmp_path / "mine.json", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["six_nd"]["N"] == pytest.approx(np.exp(21.0))
    assert found["lines"]["prior"]["name"] == "ours"
    # a prior that does not say the H of its corpora is moved by none
    assert found["lines"]["H"] is None
    assert "must be web, none or a file" in refuses(capsys, *asked, "--prior", "pile")
    write_json(tmp_path / "bad.json", mine | {"a": 3}, kind="prior")
    assert "must lie between 0 and 1" in refuses(capsys, *asked, "--prior", tmp_path / "bad.json")
    write_json(tmp_path / "law.json", mine, kind="regression")
    assert "not ziplaw/prior" in refuses(capsys, *asked, "--prior", tmp_path / "law.json")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epsilon", ".5"], "goes with --prior none"),
        (["--where", "dataset=web"], "--where chooses rows of --runs"),
    ],
)
def test_options_that_would_not_be_used(capsys, options, message):
    assert message in refuses(capsys, "predict", "--gzip", ".4", "--flops", "1e20", *options)


def test_a_prior_too_wide_to_act_on_is_refused(tmp_path, capsys):
    wide = {"C": 1e20, "ln_N": 21.0, "a": 0.5, "covariance": [[9.0, 0], [0, 0.001]]}
    write_json(tmp_path / "wide.json", wide, kind="prior")
    asked = ["predict", "--gzip", ".49", "--flops", "1e20", "--prior", tmp_path / "wide.json"]
    assert status(*asked, "--json") == 2
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["N"] is found["D"] is found["near_best"] is None
    assert found["refused"]
    assert "over 2 decades wide" in err
    assert status(*asked, "--anyway") == 0
    assert capsys.readouterr().out.startswith("NOT IDENTIFIED: N ")


def test_H_by_another_tokenizer_is_held_against_the_same_text_by_it(prose, capsys):
    assert status("plan", prose, "--flops", "1e20", "--tokenizer", "bytes", "--anyway", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    reference = found["H"] - found["lines"]["H"]["h"]
    assert reference == pytest.approx(score_builtin("prose", "bytes", samples=found["score"]["n"])["H"])
    assert abs(reference - found["prior"]["H"]["value"]) > 0.01
    # ids that nobody knows the tokenizer of stand beside no text
    ids = prose.parent / "ids.npy"
    np.save(ids, np.random.default_rng(0).integers(1, 60, 20_000).astype(np.uint16))
    assert status("plan", ids, "--flops", "1e20") == 0
    assert "unknown tokenizer: their H does not compare" in capsys.readouterr().out


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
