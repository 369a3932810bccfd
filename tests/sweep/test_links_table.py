"""links.csv: a row a dataset and link, every split at one compute, and how far the links disagree."""

import numpy as np
import pytest
from verbs import refuses, run

from ziplaw.base.documents import read_json, write_json
from ziplaw.errors import FitError
from ziplaw.sweep.links_table import links_rows, moved, reference_of, rows_of
from ziplaw.tables.declared import LINKS

C = 1e10


def split(ln_N=8.0, a=0.5, at=C, **more):
    ends = {"ln_N": [ln_N - 0.2, ln_N + 0.2], "a": [a - 0.1, a + 0.1]}
    V = [[0.01, 0.001], [0.001, 0.0025]]
    return {"C": at, "ln_N": ln_N, "a": a, "covariance": V, "intervals": ends, "identified": True, "reason": None,
            "method": "jackknife over 6 runs"} | more  # fmt: skip


def fit(error=0.2, **more):
    near = {"C": [C / 10, C * 10], "N": [1e3, 1e4], "low": [800.0, 8000.0], "high": [1200.0, None], "loss": [3.0, 2.0],
            "tolerance": 1e-3}  # fmt: skip
    index = {"A": 1.0, "B": 2.0, "alpha": 0.5, "beta": 0.5}
    return {"converged": True, "message": "converged", "flags": ["k at its bound"], "n": 36, "n_left_out": 1, "E": 1.5,
            "U": 4.0, "error_of": "excess", "rms_log_residual": 0.1, "index": index, "parameters": {"k": 2.0},
            "holdout": {"n": 6, "rms_log_error": error}, "near_best": near, "split": split()} | more  # fmt: skip


def document(name="d", n=36, **links):
    return {"dataset": name, "H": 0.4, "n_points": n, "reportable": True, "reason": "fine", "links": links,
            "isoflop": {"split": split(7.9), "note": "6 budgets"}}  # fmt: skip


FAILED = {"converged": False, "message": "2 rows", "flags": ["not converged"], "split": None, "holdout": None,
          "near_best": None, "parameters": None, "index": None, "E": None, "U": None, "n": 2}  # fmt: skip


def test_a_row_a_link_then_isoflop_in_one_order_whatever_that_of_the_file():
    rows = rows_of([document("b", free=fit(), bounded=fit(), identity=fit()), document("a", power=fit())])
    assert [(row["dataset"], row["link"]) for row in rows] == [
        ("a", "power"), ("a", "isoflop"), ("b", "identity"), ("b", "bounded"), ("b", "free"), ("b", "isoflop"),
    ]  # fmt: skip
    assert all(set(row) <= set(LINKS.names) for row in rows)
    iso = rows[1]
    assert (iso["message"], iso.get("n"), iso["not_identified"]) == ("6 budgets", None, None)


def test_the_link_of_the_least_held_out_error_is_chosen_by_the_median_over_datasets():
    documents = [document(name, identity=fit(i), bounded=fit(b)) for name, i, b in
                 (("a", 0.5, 9.0), ("b", 0.5, 0.2), ("c", 0.5, 0.2))]  # fmt: skip
    rows = rows_of(documents)
    assert {row["link"] for row in rows if row["chosen"]} == {"bounded"}
    assert sum(row["chosen"] for row in rows) == 3


def test_splits_are_compared_at_one_compute():
    near, far = document("a", identity=fit(n=10)), document("b", identity=fit(n=30, split=split(at=C * np.e**4)))
    assert reference_of([near, far]) == pytest.approx(C * np.e**3)
    rows = rows_of([near, far])
    assert rows[0]["N_opt"] == pytest.approx(np.exp(8.0 + 0.5 * 3))
    assert rows[2]["N_opt"] == pytest.approx(np.exp(8.0 - 0.5 * 1))
    for row in rows:
        assert row["N_opt"] * row["D_opt"] * 6 == pytest.approx(row["C"])
        assert row["D_lo"] * row["N_hi"] * 6 == pytest.approx(row["C"])
        assert (row["b"], row["b_lo"]) == (1 - row["a"], 1 - row["a_hi"])


def test_a_split_moved_widens_by_its_covariance():
    at = moved(split(), C * np.e)
    assert at["ln_N"] == pytest.approx(8.5)
    variance = 0.01 + 2 * 0.001 + 0.0025
    assert at["high"] - at["ln_N"] == pytest.approx(0.2 * np.sqrt(variance / 0.01))
    assert moved(split(covariance=None), C * np.e)["low"] is None


def test_a_split_of_less_than_one_parameter_has_no_numbers():
    nowhere = split(-690.0, identified=False, reason="A at zero")
    row = rows_of([document(identity=fit(split=nowhere), bounded=fit())])[0]
    assert (row["N_opt"], row["a"], row["identified"], row["not_identified"]) == (None, None, False, "A at zero")


def test_how_far_the_links_are_apart_and_what_costs_little():
    rows = rows_of([document(identity=fit(split=split(8.0 + np.log(2))), bounded=fit(0.1))])
    assert [row["N_times_chosen"] for row in rows] == pytest.approx([2.0, 1.0, np.exp(-0.1)])
    assert rows[0]["near_lo"] == pytest.approx(np.sqrt(800 * 8000))
    # no end at one of the budgets between which it stands
    assert rows[0]["near_hi"] is None


def test_links_that_failed_keep_their_row_and_reason():
    rows = rows_of([document(identity=FAILED)])
    assert (rows[0]["converged"], rows[0]["message"], rows[0]["N_opt"], rows[0]["identified"]) == (
        False, "2 rows", None, False,
    )  # fmt: skip
    assert rows[0]["flags"] == "not converged"


def test_the_verb_writes_it_beside_fits_csv_and_pandas_reads_it(sweep_folder, tmp_path):
    pandas = pytest.importorskip("pandas")
    fits = sorted((sweep_folder / "fits").glob("*.json"))
    run("fits-table", *fits, "-o", tmp_path / "fits.csv", "--links", tmp_path / "links.csv")
    table = pandas.read_csv(tmp_path / "links.csv")
    assert list(table.columns) == LINKS.names
    assert len(table) == len(LINKS.read(tmp_path / "links.csv")) == 3 * len(fits)
    assert table.N_opt.between(table.N_lo, table.N_hi).all()
    assert table.chosen.sum() == len(fits)


def test_fits_without_links_are_refused(sweep_folder, tmp_path, capsys):
    path = next((sweep_folder / "fits").glob("*.json"))
    old = read_json(path)
    for key in ("links", "sha256", "kind", "format"):
        old.pop(key)
    write_json(tmp_path / "old.json", old, kind="fit")
    with pytest.raises(FitError, match="holds no links: make it again"):
        links_rows([tmp_path / "old.json"])
    said = refuses(capsys, "fits-table", tmp_path / "old.json", "-o", tmp_path / "f.csv", "--links", tmp_path / "l.csv")
    assert "holds no links" in said
    assert not (tmp_path / "f.csv").exists()


@pytest.fixture(scope="module")
def sweep_folder(tmp_path_factory):
    from synthetic_sweep import build

    return build(tmp_path_factory.mktemp("linked"), ("a", "b"), references=False, presets=False)
