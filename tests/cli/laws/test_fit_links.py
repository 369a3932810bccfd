"""``ziplaw fit`` under a link: options, what is printed, all links side by side, figures, one line for nonsense."""

import json

import numpy as np
import pytest
from verbs import refuses, run

from ziplaw.base.documents import read_csv, write_csv
from ziplaw.laws.forms.links import BOUNDED

TRUE = [1.7, 400.0, 2000.0, 0.34, 0.36, 1.2, 7.6]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Runs of a bounded law, and the unigram entropy beside them."""
    N, D = (v.ravel() for v in np.meshgrid(np.geomspace(1e6, 1e9, 7), np.geomspace(1e8, 1e11, 7)))
    loss = BOUNDED.loss_at(TRUE, N, D) * np.exp(0.003 * np.random.default_rng(0).normal(size=N.size))
    path = tmp_path_factory.mktemp("links") / "runs.csv"
    write_csv(path, [{"N": n, "D": d, "loss": v, "unigram_entropy": 7.6} for n, d, v in zip(N, D, loss)])
    return path


def _document(table, *options):
    return json.loads(run("fit", table, "--bootstrap", "100", "--json", *options).stdout)


def test_the_bounded_law_takes_U_from_the_table(table):
    document = _document(table, "--law", "bounded", "--flops", "1e20")
    assert document["law"] == document["link"] == "bounded"
    assert document["parameters"]["U"] == 7.6
    low, high = document["intervals"]["k"]
    assert low < 1.2 < high
    (plan,) = document["allocation"]
    low, high = plan["intervals"]["N"]
    assert low < plan["N"] < high
    assert plan["near_best"]["N"][0] < plan["N"] < plan["near_best"]["N"][1]
    assert _document(table, "--law", "bounded", "--unigram-entropy", "9")["parameters"]["U"] == 9


def test_a_link_on_the_additive_index_is_a_law_of_its_own(table):
    text = run("fit", table, "--link", "power", "--bootstrap", "100", "--flops", "1e20", "--at", "1e8,1e10").output
    assert "L(N, D) = E + (A/N^alpha + B/D^beta)^k, 49 rows" in text
    assert "Compute-optimal split" in text
    assert "loss at N 1e+08" in text
    same = [_document(table, *how)["parameters"] for how in ((), ("--link", "identity"))]
    assert same[0] == same[1]


def test_E_held_and_excess_go_with_links(table):
    document = _document(table, "--law", "free", "--fix-e", "1.7", "--excess")
    assert document["parameters"]["E"] == 1.7
    assert len(document["knots"]) == 5
    assert document["usable"]
    tied = _document(table, "--law", "bounded", "--tie", "--objective", "log-mse", "--intervals", "delta")
    assert tied["parameters"]["alpha"] == tied["parameters"]["beta"]
    assert tied["objective_kind"] == "log-mse"


def test_all_links_side_by_side(table):
    document = _document(table, "--links", "--flops", "1e20")
    assert [row["link"] for row in document["links"]] == ["identity", "power", "bounded", "free"]
    errors = {row["link"]: row["holdout_rms"] for row in document["links"]}
    assert errors["bounded"] < errors["identity"]
    assert {row["C"] for row in document["splits"]} == {1e20}
    (apart,) = document["disagreement"]
    assert 1 <= apart["factor"] < 2
    text = run("fit", table, "--links", "--bootstrap", "100").output
    assert "links that identify it lie within a factor of" in text
    assert document["reason"] in text


def test_runs_that_identify_no_split_say_so_under_every_link(tmp_path):
    N = np.geomspace(1e6, 1e9, 30)
    loss = BOUNDED.loss_at(TRUE, N, 20 * N) * np.exp(0.003 * np.random.default_rng(0).normal(size=30))
    write_csv(tmp_path / "ladder.csv", [{"N": n, "D": 20 * n, "loss": v} for n, v in zip(N, loss)])
    text = run("fit", tmp_path / "ladder.csv", "--links", "--bootstrap", "100").output
    assert "fewer than two links identify the split" in text
    assert "NOT IDENTIFIED" in text


def test_comparison_has_the_links(table):
    laws = [row["law"] for row in json.loads(run("fit", table, "--compare", "--json").stdout)["laws"]]
    assert {"chinchilla", "chinchilla, link power", "bounded", "free"} <= set(laws)


@pytest.mark.parametrize("link", ["bounded", "free"])
def test_a_fit_under_a_link_is_drawn(table, tmp_path, link):
    run("fit", table, "--link", link, "--bootstrap", "100", "--plot", tmp_path / "fit.svg")
    panels = {row["panel"] for row in read_csv(tmp_path / "fit.csv")}
    assert panels >= {"curves", "residuals", "frontier", "profile"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--law", "bounded", "--serve", "1e9", "--target-loss", "2"], "would not be used with --law bounded"),
        (["--law", "bounded", "--link", "power"], "a link itself"),
        (["--law", "free", "--unigram-entropy", "7"], "would not be used with --law free"),
        (["--link", "power", "--unigram-entropy", "7"], "would not be used with --link power"),
        (["--law", "kaplan", "--link", "free"], "--law chinchilla, not kaplan"),
        (["--compare", "--links"], "ask for one"),
        (["--links", "--plot", "x.svg"], "--plot draws one fit"),
        (["--law", "bounded", "--unigram-entropy", "1.2"], "U is 1.2, not above"),
        (["--law", "bounded", "--excess"], "--fix-e"),
    ],
)
def test_nonsense_gets_one_clear_line(table, capsys, options, message):
    assert message in refuses(capsys, "fit", table, *options)
