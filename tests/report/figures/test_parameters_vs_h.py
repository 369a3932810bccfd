"""Parameters with their intervals, and lines in H against the planted laws."""

from synthetic_sweep import planted, rows_of

from ziplaw.base.documents import read_json


def test_parameters_carry_intervals_and_lines_follow_the_planted_laws(sweep, drawn):
    rows = rows_of(drawn, "parameters_vs_h")
    for row in rows:
        if row["kind"] == "fit":
            body = read_json(sweep / "fits" / f"{row['dataset']}.json")["variants"][row["variant"]]
            assert [row["low"], row["high"]] == body["intervals"][row["parameter"]]
    for row in rows:
        if row["kind"] == "law in H" and row["parameter"] in ("alpha", "beta"):
            assert row["low"] < row["value"] < row["high"]
            # a 95 % band misses the truth somewhere now and then; a wrong line is off by tenths
            off = abs(row["value"] - planted(row["H"])[row["parameter"]])
            assert off < 0.03
            assert off < row["high"] - row["low"]
