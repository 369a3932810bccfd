"""fit, where a plan was asked for: a split or a refusal, intervals that know of runs, no absurd number."""

import json

import numpy as np
import pytest
from designs import grid, isoflops, ladder, losses, runs_table
from verbs import run, status

import ziplaw
from ziplaw.base.documents import write_csv


@pytest.fixture
def table_of(tmp_path):
    def write(N, D, loss, name="t.csv", **more):
        columns = {"N": N, "D": D, "loss": loss, **more}
        write_csv(tmp_path / name, [dict(zip(columns, map(plain, row))) for row in zip(*columns.values())])
        return tmp_path / name

    def plain(value):
        return value if isinstance(value, str) else float(value)

    return write


def test_fit_shows_the_fit_and_ends_with_status_2_where_a_plan_was_asked_for(table_of, capsys, tmp_path):
    N, D = ladder()
    path = table_of(N, D, losses(N, D))
    assert status("fit", path, "--flops", "1e21", "-o", tmp_path / "law.json") == 2
    out, err = capsys.readouterr()
    assert "ziplaw: error: N and D move together (D = 20 N): the split is not identified" in err
    assert err.count("\n") == 1
    document = json.loads((tmp_path / "law.json").read_text())
    assert document["allocation"] == []
    assert document["plan_refused"][0]["reason"].startswith("N and D move together (D = 20 N)")
    # a fit that was not asked for a plan is no error
    for more in ([], ["--tie"], ["--json"]):
        assert status("fit", path, *more) == 0
        out = capsys.readouterr().out
        assert "N and D move together (D = 20 N)" in out
        assert not {"inf", "nan", "1e-300"} & set(out.replace(",", " ").split())
    assert status("fit", path, "--serve", "1e12", "--target-loss", "3") == 2
    assert "To serve" not in capsys.readouterr().out
    assert status("fit", path, "--flops", "1e21", "--anyway") == 0
    assert "1e+21 NOT IDENTIFIED" in capsys.readouterr().out


def test_other_laws_of_a_ladder_are_not_usable_either(table_of, capsys):
    N, D = ladder()
    path = table_of(N, D, losses(N, D), unique=np.full(10, 1e9), steps=D / 1e6)

    def refused(out, line):
        assert f"move together ({line})" in out
        assert "NOT A USABLE LAW" in out
        assert "overfitting stays within" not in out

    for law, line in (("kaplan", "D = 20 N"), ("kaplan-steps", "S = 2e-05 N")):
        assert status("fit", path, "--law", law, "--bootstrap", "100") == 0
        refused(capsys.readouterr().out, line)
    arguments = ["fit", path, "--law", "data-constrained", "--bootstrap", "100", "--flops", "1e21"]
    assert status(*arguments, "-o", path.with_suffix(".json")) == 2
    assert "N and D move together" in capsys.readouterr().err
    assert json.loads(path.with_suffix(".json").read_text())["allocation"] == []
    assert status(*arguments, "--anyway") == 0
    out = capsys.readouterr().out
    refused(out, "D = 20 N")
    assert "NOT IDENTIFIED" in out


def test_a_loss_that_half_the_refits_cannot_reach_gives_no_plan_for_serving(table_of, capsys):
    table = grid(5, 5)
    loss = losses(*table, noise=0.02)
    E = ziplaw.fit(*table, loss).E
    path = table_of(*table, loss)
    arguments = ["fit", path, "--serve", "1e12", "--target-loss"]
    assert status(*arguments, E + 0.001) == 2
    out, err = capsys.readouterr()
    assert "To serve" not in out
    assert "of the refits can reach a loss of" in err or "2 decades wide" in err
    assert status(*arguments, E + 0.001, "--anyway") == 0
    assert "(NOT IDENTIFIED)" in capsys.readouterr().out
    assert status(*arguments, "3") == 0


@pytest.mark.parametrize("kind", ["case", "delta"])
def test_no_absurd_number_is_printed(table_of, capsys, kind):
    for table in (ladder(), isoflops([1e20], 9), grid(3, 3), grid(2, 4)):
        path = table_of(*table, losses(*table, noise=0.05))
        for more in ([], ["--anyway"], ["--tie"]):
            status("fit", path, "--intervals", kind, "--flops", "1e21", "--at", "1e9,2e10", *more)
            out = capsys.readouterr().out
            words = out.replace("(", " ").replace(")", " ").split()
            assert not [w for w in words if w in ("inf", "-inf", "nan") or "e-300" in w or "e+300" in w]


def test_cluster_means_the_jackknife_at_any_number_of_runs_or_a_refusal(table_of, capsys):
    N, D, loss, run_of = runs_table(4)
    path = table_of(N, D, loss, run=[f"r{i}" for i in run_of])
    assert "jackknife over 4 runs, t with 3 degrees of freedom" in run("fit", path, "--cluster", "run").output
    for k in (2, 3):
        keep = run_of < k
        few = table_of(N[keep], D[keep], loss[keep], f"t{k}.csv", run=[f"r{i}" for i in run_of[keep]])
        assert status("fit", few, "--cluster", "run") == 2
        assert f"{k} runs: " in capsys.readouterr().err
    # with E held, two sizes identify the rest
    assert "jackknife over 3 runs" in run("fit", few, "--cluster", "run", "--fix-e", "1.69").output
    for kind in ("case", "delta"):
        assert status("fit", path, "--cluster", "run", "--intervals", kind) == 2
        assert "takes rows as independent" in capsys.readouterr().err
    assert status("fit", path, "--cluster", "run", "--intervals", "cluster") == 2
    assert "a cluster bootstrap needs at least 5" in capsys.readouterr().err
