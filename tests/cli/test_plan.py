"""predict and plan: a split or a refusal, and what the H of a law and of a score must have in common."""

import json
from importlib.resources import files

import numpy as np
import pytest
from laws_in_H import sweep
from synthetic_sweep import build
from verbs import status

from ziplaw.base.documents import read_csv, read_json, write_csv, write_json
from ziplaw.corpora.scoring import score_path
from ziplaw.errors import FitError
from ziplaw.laws.dependence.measure_of_h import compare, measure_of
from ziplaw.laws.dependence.regress import prediction, regress
from ziplaw.laws.fits.dataset import fit_dataset
from ziplaw.laws.plans.frontier import COLUMNS, frontier
from ziplaw.report.page import render
from ziplaw.sweep.folder import Sweep
from ziplaw.sweep.runs_table import COLUMNS as RUNS

GRAMMAR = {"window": 256, "encoding": ">i4", "level": 9, "tokenizer": None}


@pytest.fixture(scope="module")
def planted():
    return sweep(5, (-1.0, -0.5))


def score(dataset="d0", **changes):
    return {"dataset": dataset} | GRAMMAR | changes


def reference():
    return read_json(files("ziplaw.sweep") / "reference_law.json", "regression")


def test_the_reference_law_gives_what_the_docs_say():
    law = reference()
    assert law["H_of"] == measure_of([score()])
    for H in (0.35, 0.38, 0.41):
        for C in (1e12, 1e13):
            assert not prediction(law, H, C)["refused"]
        for C in (1e9, 1e15, 1e21):
            with pytest.raises(FitError, match="the split is not identified"):
                prediction(law, H, C)
    with pytest.raises(FitError, match="the split is not identified"):
        prediction(law, 0.47, 1e12)


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


def test_scores_of_a_law_must_be_measured_alike():
    assert measure_of([]) is None
    texts = [score("a", tokenizer="bundled", tokenizer_sha256="1" * 64), score("b", tokenizer="bytes")]
    assert [entry["name"] for entry in measure_of([*texts, texts[0]])["tokenizers"]] == ["bundled", "bytes"]
    with pytest.raises(FitError, match="H of b is of windows of 64 tokens, that of a of windows of 256 tokens"):
        measure_of([score("a"), score("b", window=64)])


BUNDLED = {"tokenizer": "bundled", "tokenizer_sha256": "1" * 64}


@pytest.mark.parametrize(
    ("law", "mine", "refusal"),
    [
        ([score()], score(window=128), "windows of 128 tokens, the law's of windows of 256 tokens.*--window 256"),
        ([score(window=64)], score(), "windows of 256 tokens, the law's of windows of 64 tokens"),
        ([score()], score(encoding="u1"), "ids written as u1, the law's of ids written as >i4"),
        ([score()], score(level=6), "gzip level 6, the law's of gzip level 9"),
        ([score(**BUNDLED)], score(tokenizer="bytes"), "the tokenizer bytes, the law's of the tokenizer bundled"),
        ([score(**BUNDLED)], score(tokenizer="bundled", tokenizer_sha256="2" * 64), "they do not compare"),
        ([score(), score(**BUNDLED)], score(tokenizer="bpe:x.json"), "the tokenizer bpe:x.json, the law's of the"),
        (None, score(window=64), "windows of 64 tokens"),
    ],
)
def test_scores_that_do_not_compare_are_refused_by_both_names(law, mine, refusal):
    with pytest.raises(FitError, match=refusal):
        compare(law and measure_of(law), mine)


@pytest.mark.parametrize(
    ("law", "mine", "remark"),
    [
        ([score()], score(), None),
        ([score(**BUNDLED)], score(**BUNDLED), None),
        ([score(**BUNDLED)], score(tokenizer="bundled"), None),
        ([score(), score(**BUNDLED)], score(**BUNDLED), None),
        ([score(), score(**BUNDLED)], score(), None),
        (
            [score()],
            score(**BUNDLED),
            "token ids of grammars, which no tokenizer made; this H is of the tokenizer bundled",
        ),
        ([score(**BUNDLED)], score(), "ids of an unknown tokenizer"),
        (None, score(**BUNDLED), "does not say which tokenizer"),
    ],
)
def test_what_compares_with_a_remark_or_without(law, mine, remark):
    found = compare(law and measure_of(law), mine)
    assert len(found) == (remark is not None)
    assert all(remark in text for text in found)


def test_regress_takes_the_scores_and_plan_holds_them_against_the_corpus(planted, tmp_path, capsys):
    rows, fits = planted
    write_csv(tmp_path / "runs.csv", rows, list(RUNS))
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
    assert compare(None, own)


def test_scores_must_be_those_of_the_fits(planted):
    rows, fits = planted
    scores = [score(fit["dataset"], H=fit["H"]) for fit in fits]
    assert regress(rows, fits, scores=scores, bootstrap=0)["H_of"]["window"] == 256
    assert regress(rows, fits, bootstrap=0)["H_of"] is None
    with pytest.raises(FitError, match="no score of d4"):
        regress(rows, fits, scores=scores[:4])
    with pytest.raises(FitError, match=r"H of d4 is 0\.9 in its score and 0\.48 in its fit"):
        regress(rows, fits, scores=[*scores[:4], scores[4] | {"H": 0.9}])


def test_losses_in_two_units_are_not_mixed(planted):
    rows, fits = planted
    with pytest.raises(FitError, match="nats per byte and in nats per token"):
        regress(rows, [fits[0] | {"loss_unit": "nats per byte"}, *fits[1:]])


def test_frontier_leaves_refused_splits_empty_with_their_reason(planted, tmp_path):
    rows, fits = planted
    regression = regress(rows, fits, bootstrap=0)
    good = frontier(regression, fits)
    assert all(row["reason"] is None and row["N_opt"] > 0 for row in good if row["identified"])
    doubt = {"reason": "N and D move together (D = 20 N): the split is not identified", "remedy": "add runs", "C": None}
    variants = fits[0]["variants"] | {"floor": fits[0]["variants"]["floor"] | {"plan_refused": [doubt]}}
    fits = [fits[0] | {"variants": variants}, *fits[1:]]
    found = frontier(regression, fits)
    lost = [row for row in found if row["source"] == "d0"]
    assert lost
    for row in lost:
        assert row["reason"] == doubt["reason"]
        assert [
            row[key] for key in ("N_opt", "N_lo", "N_hi", "D_opt", "D_lo", "D_hi", "loss", "loss_lo", "loss_hi")
        ] == [None] * 9
    shown = frontier(regression, fits, check=False)
    assert all(row["N_opt"] > 0 for row in shown)
    assert [row["identified"] for row in shown] == [row["identified"] for row in found]
    # wide bands of the law in H are refused row by row
    wide = [row for row in shown if not row["identified"] and row["source"] != "d0"]
    assert all("over 2 decades wide" in row["reason"] or "reaches a bound" in row["reason"] for row in wide)
    write_csv(tmp_path / "frontier.csv", found, list(COLUMNS))
    assert read_csv(tmp_path / "frontier.csv")[0]["identified"] is False


def test_the_report_and_figures_of_a_sweep_with_refused_splits(tmp_path):
    folder = build(tmp_path / "noisy", noise=0.15)
    table = read_csv(folder / "frontier.csv")
    lost = {row["source"]: row["reason"] for row in table if not row["identified"]}
    assert lost
    page = render(folder)
    assert "Not identified, so not shown" in page
    for source, reason in lost.items():
        assert source in page
        assert reason.split("(")[0][:30] in page
    assert Sweep(folder).table("frontier.csv")[0]["N_opt"] is None
    assert {row["source"] for row in table} == {"chinchilla", *lost}
    assert "no frontier: no split is identified" in " ".join(_words(folder))
    good = render(build(tmp_path / "good", names=("a", "b", "c")))
    assert "Not identified, so not shown" not in good


def _words(folder):
    from xml.etree import ElementTree

    from ziplaw.report.figures import draw

    draw("frontiers", folder, folder / "frontiers.svg")
    svg = (folder / "frontiers.svg").read_text()
    assert ElementTree.fromstring(svg) is not None
    return [word for part in svg.split("<!--")[1:] for word in part.split("-->")[0].split()]


def test_three_sizes_without_a_floor_have_no_interval_and_the_reason_is_said(tmp_path):
    rows, _ = sweep(1)
    few = [{**row, "floor": None, "regime": None} for row in rows if row["N"] < 10_000][:18]
    document = fit_dataset([row for row in few if row["model"] in sorted({r["model"] for r in few})[:3]], bootstrap=100)
    free = document["variants"]["free"]
    assert free["converged"]
    assert free["intervals"]["alpha"] == [None, None]
    assert "of which the law needs 3" in free["interval_method"]
    assert not document["reportable"]
    assert "without n" in document["reason"]
    # with the floor two sizes are enough to tell the rest, so three runs have a jackknife
    held = fit_dataset([{**row, "floor": 1.1} for row in few], bootstrap=100)["variants"]["floor"]
    assert held["interval_method"].startswith("jackknife over")
    json.dumps(document, allow_nan=False, default=float)
