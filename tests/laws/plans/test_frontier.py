"""frontier.csv: allocations along C with bands, Chinchilla's line, and refusals."""

import numpy as np
import pytest
from laws_in_H import sweep

from ziplaw.base.documents import read_csv
from ziplaw.errors import FitError
from ziplaw.laws.dependence.regress import regress
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA, PARAMETERS
from ziplaw.laws.plans.frontier import compute_grid, frontier
from ziplaw.tables.declared import FRONTIER


@pytest.fixture(scope="module")
def planted():
    rows, fits = sweep(4, (-2.0, -1.0))
    return rows, fits, regress(rows, fits, bootstrap=0)


def test_lines_are_allocations_with_bands_around_them(planted):
    _, fits, regression = planted
    rows = frontier(regression, fits)
    assert set(rows[0]) == set(FRONTIER.names)
    sources = list(dict.fromkeys(row["source"] for row in rows))
    assert sources[:5] == ["d0", "d1", "d2", "d3", "chinchilla"]
    assert [s.split(" at ")[0] for s in sources[5:]] == ["L(N,D,H)"] * 3
    measured = regression["fitted_on"]["C"]
    for row in rows:
        assert 6 * row["N_opt"] * row["D_opt"] == pytest.approx(row["C"])
        assert row["in_range"] == (measured[0] <= row["C"] <= measured[1])
        if row["source"] == "chinchilla":
            assert row["N_lo"] is None
            assert [row["N_opt"], row["D_opt"], row["loss"]] == pytest.approx(optimal_split(CHINCHILLA.array, row["C"]))
        else:
            for name in ("N", "D", "loss"):
                point = row[name if name == "loss" else f"{name}_opt"]
                assert row[f"{name}_lo"] < point < row[f"{name}_hi"]
    law = [fits[1]["variants"]["floor"]["parameters"][name] for name in PARAMETERS]
    mine = [row for row in rows if row["source"] == "d1"]
    N, _, _ = optimal_split(law, np.array([row["C"] for row in mine]))
    assert [row["N_opt"] for row in mine] == pytest.approx(N.tolist())
    # the law in H includes the scatter of datasets: wider than a dataset's own band
    width = {
        s: np.mean([np.log(r["N_hi"] / r["N_lo"]) for r in rows if r["source"] == s]) for s in (sources[1], sources[6])
    }
    assert width[sources[6]] > width[sources[1]]
    assert frontier(regression, fits) == rows


def test_grid_of_compute():
    C = compute_grid(2e9, 5e11)
    assert C[0] <= 2e9 < C[1]
    assert C[-2] < 5e13 <= C[-1]
    assert np.diff(np.log10(C)) == pytest.approx(np.full(len(C) - 1, 0.25))


def test_too_few_datasets_have_no_law_line(planted):
    rows, fits, _ = planted
    two = frontier(regress(rows, fits[:2]), fits[:2])
    assert {row["source"] for row in two} == {"d0", "d1", "chinchilla"}
    lost = [fit | {"reportable": False} for fit in fits]
    assert frontier(regress(rows, lost), lost) == []


def test_fits_of_another_sweep(planted):
    _, fits, regression = planted
    with pytest.raises(FitError, match="give the fits that the regression was made from"):
        frontier(regression, fits[:3])


def test_frontier_leaves_refused_splits_empty_with_their_reason(tmp_path):
    rows, fits = sweep(5, (-1.0, -0.5))
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
    FRONTIER.write(tmp_path / "frontier.csv", found)
    assert read_csv(tmp_path / "frontier.csv")[0]["identified"] is False
