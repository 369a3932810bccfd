"""``fit --vocab-size``: splits for C of all FLOPs beside those of C = 6 N D."""

import json
import re

import numpy as np
import pytest
from designs import grid, losses
from houses import ROOT
from verbs import refuses, status

from ziplaw.base.documents import write_csv
from ziplaw.laws.pilots.compute import Compute
from ziplaw.models.shape.ladder import ladder


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "runs.csv"
    N, D = grid()
    rows = zip(N.tolist(), D.tolist(), np.asarray(losses(N, D)).tolist())
    write_csv(path, [dict(zip(("N", "D", "loss"), row)) | {"run": f"r{row[0]:.0f}"} for row in rows])
    return path


def fitted(capsys, table, *more):
    assert status("fit", table, "--bootstrap", "100", "--json", *more) == 0
    return json.loads(capsys.readouterr().out)


def test_each_split_is_told_for_all_flops_too(table, capsys):
    asked = ["--flops", "1e16,1e21", "--vocab-size", "32000"]
    found = fitted(capsys, table, *asked, "--anyway")
    sizes = ladder(32000, 256)
    compute = Compute.of([size.N for size in sizes], [size.flops_per_token for size in sizes])
    E, A, B, alpha, beta = (found["parameters"][name] for name in ("E", "A", "B", "alpha", "beta"))
    for plan in found["allocation"]:
        mine, C = plan["all_flops"], plan["C"]
        assert compute.per_token(mine["N"]) * mine["D"] == pytest.approx(C)
        assert mine["C_6nd"] < C
        assert mine["C_6nd"] == pytest.approx(6 * mine["N"] * mine["D"])
        assert mine["loss"] == pytest.approx(E + A / mine["N"] ** alpha + B / mine["D"] ** beta)
        # all FLOPs buy less than 6 N D promises
        assert mine["loss"] > plan["loss"]
        for key in ("N", "D", "loss"):
            low, high = mine["intervals"][key]
            assert low < mine[key] < high
    # of a large model the head is next to nothing
    small, large = (plan["all_flops"]["C_6nd"] / plan["C"] for plan in found["allocation"])
    assert small < 0.6
    assert large > 0.9
    assert "all_flops" not in fitted(capsys, table, "--flops", "1e21")["allocation"][0]
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").split("\n## fit\n")[1].split("\n## ")[0]
    named = {word for quoted in re.findall(r"`([^`]*)`", page) for word in quoted.split()}
    assert {"all_flops", *mine} <= named


@pytest.mark.parametrize("more", [["--intervals", "sandwich"], ["--cluster", "run"], ["--law", "bounded"]])
def test_any_kind_of_interval_tells_it(table, capsys, more):
    found = fitted(capsys, table, "--flops", "1e19", "--vocab-size", "32000", "--context", "2048", *more)
    mine = found["allocation"][0]["all_flops"]
    low, high = mine["intervals"]["N"]
    assert low < mine["N"] < high


def test_it_is_printed_and_asked_for_by_the_vocabulary(table, capsys):
    assert status("fit", table, "--bootstrap", "100", "--flops", "1e19", "--vocab-size", "32000") == 0
    assert "The same where C is all FLOPs, head and attention too" in capsys.readouterr().out
    assert "--context goes with --vocab-size" in refuses(capsys, "fit", table, "--context", "512")
    assert "--vocab-size would not be used" in refuses(capsys, "fit", table, "--links", "--vocab-size", "512")
