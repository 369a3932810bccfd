"""The range of N near the best is that of the fits, and holds it."""

from synthetic_sweep import rows_of

from ziplaw.base.documents import read_json


def test_the_band_is_that_of_the_fits_and_holds_the_best(sweep, drawn):
    rows = [row for row in rows_of(drawn, "near_best") if row["dataset"] == "syn-b"]
    assert {row["link"] for row in rows} == {"identity", "bounded"}
    for link, fit in read_json(sweep / "fits" / "syn-b.json")["links"].items():
        part = [row for row in rows if row["link"] == link]
        near = fit["near_best"]
        assert [row["C"] for row in part] == near["C"]
        assert [(row["near_lo"], row["near_hi"]) for row in part] == list(zip(near["low"], near["high"]))
        assert all(row["near_lo"] < row["N_opt"] < row["near_hi"] for row in part)
        assert {row["chosen"] for row in part} == {link == "identity"}
