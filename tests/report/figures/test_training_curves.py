"""Training curves against the table of runs."""

from synthetic_sweep import rows_of

from ziplaw.base.documents import read_csv


def test_training_curves_hold_every_measured_loss_and_the_floor(sweep, drawn):
    rows = rows_of(drawn, "training_curves")
    points = {(r["dataset"], r["model"], r["tokens"]): r["loss"] for r in rows if r["kind"] == "held-out"}
    cells = read_csv(sweep / "runs.csv")
    assert points == {(c["dataset"], c["model"], c["D"]): c["loss"] for c in cells}
    floors = {r["dataset"]: r["loss"] for r in rows if r["kind"] == "floor"}
    assert floors == {c["dataset"]: c["floor"] for c in cells}
