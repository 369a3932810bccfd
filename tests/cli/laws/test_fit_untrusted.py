"""Tables that identify no law, of every kind that people bring: no plan is printed, one line says why, status 2."""

import re

import numpy as np
import pytest
from designs import LAW, grid, isoflops, ladder, losses, runs_table
from verbs import status

from ziplaw.base.documents import write_csv

N, D = grid()
LOSS = losses(N, D)
ROWS = np.arange(len(N))
RNG = np.random.default_rng(5)


def spoilt(row, value):
    return np.where(row == ROWS, value, LOSS)


def of(table, **more):
    return (*table, losses(*table, **more))


def jittered(sd):
    n, d = ladder(rows=20)
    d = d * np.exp(sd * RNG.normal(size=20))
    return n, d, losses(n, d)


def twice(table):
    return tuple(np.tile(column, 2) for column in of(table))


def one_of(kept, table):
    return tuple(column[kept] for column in table)


# name -> (N, D, loss), options, what the line says
UNTRUSTED = {
    "every run at D = 20 N": (of(ladder()), [], "N and D move together (D = 20 N)"),
    "the same, alpha = beta": (of(ladder()), ["--tie"], "N and D move together (D = 20 N)"),
    "D = 20 N within 5 %": (jittered(0.05), [], "N and D move together"),
    "D = 20 N within 12 %": (jittered(0.12), [], "N and D move together"),
    "D as a power of N": (of(ladder(power=0.7)), [], "N and D move together"),
    "one budget": (of(isoflops([1e20], 12)), [], "one budget of C = 1e+20"),
    "two sizes": (of(grid(2, 6)), [], "two sizes only"),
    "two budgets": (of(grid(6, 2)), [], "two budgets only"),
    "one size": (of((np.full(15, 1e9), np.geomspace(1e9, 1e12, 15))), [], "all N equal"),
    "one D": (of((np.geomspace(1e7, 1e10, 15), np.full(15, 1e10))), [], "all D equal"),
    "three rows": (one_of(slice(3), (N, D, LOSS)), [], "3 rows cannot hold a law"),
    "four rows, twice": (twice(grid(2, 2)), [], "cannot hold a law"),
    "rows that stand twice": (twice(grid()), [], "copies feign certainty"),
    "six points twice": (twice(one_of(slice(6), grid())), ["--keep-duplicates"], "all D equal"),
    "N in billions": ((N / 1e9, D, LOSS), [], "--n-unit 1e6"),
    "D in billions": ((N, D / 1e9, LOSS), [], "--d-unit 1e9"),
    "both in billions": ((N / 1e9, D / 1e9, LOSS), [], "below 10000 training tokens"),
    "N of 1e17": ((N * 1e8, D, LOSS), [], "units? N is"),
    "D of 1e20": ((N, D * 1e9, LOSS), [], "units? D is"),
    "N of zero": ((np.where(ROWS == 3, 0, N), D, LOSS), [], "N is 0 in row 4"),
    "a loss that is not there": ((N, D, spoilt(3, np.nan)), [], "--drop-nan"),
    "losses below zero": ((N, D, -LOSS), [], "must be above 0"),
    "perplexities": ((N, D, np.exp(LOSS)), [], "--loss-unit perplexity"),
    "a loss twice too large": ((N, D, spoilt(17, 2 * LOSS[17])), [], "most of it is row 18, 100% above the law"),
    "a loss of a millionth": ((N, D, spoilt(17, 1e-6)), [], "most of it is row 18"),
    "losses that rise": ((N, D, 6 - LOSS), [], "the split is not identified"),
    "losses that rise with D": ((N, D, LOSS * (D / 1e10) ** 0.1), [], "the split is not identified"),
    "one loss for all": ((N, D, np.full(36, 2.5)), [], "the loss is 2.5 in every row"),
    "one loss and noise": ((N, D, 2.5 * np.exp(0.003 * RNG.normal(size=36))), [], "the split is not identified"),
    "noise": ((N, D, np.exp(RNG.normal(size=36))), [], "poor fit"),
    "noise of 20 %": (of(grid(), noise=0.2), [], "the split is not identified"),
    "losses below E": ((N, D, LOSS), ["--fix-e", "9"], "above every loss"),
    "some losses below E": ((N, D, LOSS), ["--fix-e", "2.9"], "the split is not identified"),
    "excess over more than a loss": ((N, D, LOSS), ["--fix-e", "2.5", "--excess"], "not above the floor 2.5"),
    "all sizes far too large": (of(isoflops([1e18, 1e19, 1e20], shift=30)), [], "the optimum lies outside the runs"),
    "all sizes far too small": (of(isoflops([1e18, 1e19, 1e20], shift=1 / 30)), [], "the optimum lies outside"),
    "runs that have not begun": ((N, D, np.minimum(LOSS, 2.6)), [], "the split is not identified"),
    "a step": ((N, D, np.where(N * D > 1e19, 2.0, 4.0)), [], "poor fit"),
    "two data sets in one": ((*(np.tile(v, 2) for v in (N, D)), np.r_[LOSS, 1.4 * LOSS]), [], "mixed runs"),
}


def write(path, table, **more):
    columns = dict(zip(("N", "D", "loss"), table)) | more
    write_csv(path, [dict(zip(columns, map(float, row))) for row in zip(*columns.values())])
    return path


def refused(capsys, *arguments):
    """Run a fit that must end with status 2 and one line; return the line and what else was printed."""
    assert status("fit", *arguments, "--flops", "1e21") == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("ziplaw: error: ")
    assert not re.search(r"^ *(C = )?1e\+21", out, re.M)
    assert "Compute-optimal split" not in out
    return line, out


@pytest.mark.parametrize("name", UNTRUSTED)
def test_no_plan(name, tmp_path, capsys):
    table, more, said = UNTRUSTED[name]
    line, _ = refused(capsys, write(tmp_path / "t.csv", table), "--bootstrap", "100", *more)
    assert said in line


# the law of repeated data takes long where it cannot converge: its ladder stands in test_fit_plans.py
BAD = (
    "every run at D = 20 N",
    "one budget",
    "two sizes",
    "one size",
    "one D",
    "losses that rise",
    "a loss twice too large",
)
OTHERS = [(law, name) for law in ("bounded", "free", "kaplan-coupled") for name in BAD]
OTHERS += [("data-constrained", name) for name in ("one D", "N in billions")]


@pytest.mark.parametrize(("law", "name"), OTHERS)
def test_no_plan_by_another_law(law, name, tmp_path, capsys):
    table, *_ = UNTRUSTED[name]
    path = write(tmp_path / "t.csv", table, unique_tokens=np.full(len(table[0]), table[1].max()))
    refused(capsys, path, "--law", law, "--bootstrap", "100")


def test_repeated_data_of_runs_far_from_the_best_split(tmp_path, capsys):
    table = isoflops([1e18, 3e18, 1e19, 3e19, 1e20], shift=1 / 30)
    U = table[1] * np.where(np.arange(25) % 2, 0.25, 1.0)
    path = write(tmp_path / "t.csv", of(table), unique_tokens=U)
    line, _ = refused(capsys, path, "--law", "data-constrained", "--bootstrap", "100")
    assert "not identified" in line


def test_names_in_any_script_and_a_good_table_still_plan(tmp_path, capsys):
    path = tmp_path / "表.csv"
    write_csv(path, [{"参数": n, "токены": d, "perte ✓": x} for n, d, x in zip(N, D, LOSS)])
    named = ["--n-column", "参数", "--d-column", "токены", "--loss-column", "perte ✓"]
    assert status("fit", path, *named, "--flops", "1e21") == 0
    out, err = capsys.readouterr()
    assert re.search(r"^1e\+21 ", out, re.M)
    assert err == ""


def test_points_of_one_run_are_told_from_runs(tmp_path, capsys):
    n, d, loss, run_of = runs_table(6, points=20)
    path = write(tmp_path / "t.csv", (n, d, loss), run=run_of)
    for more, said in (([], True), (["--cluster", "run"], False)):
        status("fit", path, "--bootstrap", "100", *more)
        assert ("rows of one run?" in capsys.readouterr().out) is said
    for good in (grid(4, 12), isoflops(np.geomspace(1e18, 1e21, 12))):
        status("fit", write(tmp_path / "g.csv", of(good)), "--bootstrap", "100")
        assert "rows of one run?" not in capsys.readouterr().out


def test_a_pure_isoflop_table_shows_its_bottoms(tmp_path, capsys):
    table = isoflops([1e18, 3e18, 1e19, 3e19, 1e20])
    jitter = 1 + 1e-7 * np.arange(25)
    path = write(tmp_path / "t.csv", of((table[0] * jitter, table[1])))
    assert status("fit", path, "--bootstrap", "100") == 0
    out = capsys.readouterr().out
    line = next(row for row in out.splitlines() if row.startswith("  isoflop: "))
    found, low, high = map(float, re.findall(r"isoflop: (\S+) \((\S+) \.\. (\S+)\)", line)[0])
    assert low < LAW[4] / (LAW[3] + LAW[4]) < high
    assert found == pytest.approx(LAW[4] / (LAW[3] + LAW[4]), abs=0.02)
    assert "bias on this law" in line
    assert len(re.findall(r"^    C = \S+: N \S+ \(\S+ \.\. \S+\)$", out, re.M)) == 5
