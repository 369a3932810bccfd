"""Columns by pattern and by pair: what is guessed, what is said, what is refused."""

import pytest

from ziplaw.errors import FitError
from ziplaw.tables import many_columns
from ziplaw.tables.any_file import Table
from ziplaw.tables.measured_runs import Reading


def table(header, *rows):
    return Table("t.csv", [dict(zip(header.split(), row.split())) for row in rows], ",")


RUNS = table("N D bpb_arc acc_arc nll_arc bpb_x acc_x", "1e8 2e9 .9 .3 1 .8 .5", "2e8 4e9 .8 .35 .9 .7 .55")


@pytest.mark.parametrize(("header", "pairs"), [
    (RUNS.rows[0], {"arc": ("bpb_arc", "acc_arc"), "x": ("bpb_x", "acc_x")}),
    (["arc/nll", "arc/accuracy", "loss", "acc_stderr"], {"arc": ("arc/nll", "arc/accuracy")}),
    (["loss", "accuracy"], {"task": ("loss", "accuracy")}),
    (["loss_c4", "acc_arc"], {}),
])  # fmt: skip
def test_pairs_by_name(header, pairs):
    assert many_columns.task_pairs(header) == pairs


def test_pairs_that_are_given():
    header = ["a=b", "acc", "loss", "bpb_arc", "acc_arc"]
    assert many_columns.given_pairs(["bpb_arc=acc_arc", "a=b=acc"], header) == {
        "arc": ("bpb_arc", "acc_arc"),
        "acc": ("a=b", "acc"),
    }
    for wrong in ("bpb_arc", "=acc", "acc="):
        with pytest.raises(FitError, match="is no task"):
            many_columns.given_pairs([wrong], header)
    with pytest.raises(FitError, match="given twice"):
        many_columns.given_pairs(["loss=acc", "loss=acc", "loss=acc"], header)


def test_columns_like():
    mixed = table("w_a w_b loss_a loss_b", ".1 .9 2 3")
    assert many_columns.columns_like(mixed, ["w_*"], "weights", "--weights") == ("w_a", "w_b")
    assert many_columns.columns_like(mixed, ["w_b, w_a"], "weights", "--weights") == ("w_a", "w_b")
    assert many_columns.guessed_like(mixed, many_columns.LOSSES, "losses", "--losses") == ("loss_a", "loss_b")
    with pytest.raises(FitError, match=r"no column matches 'v_\*' for weights: the table has w_a"):
        many_columns.columns_like(mixed, ["v_*"], "weights", "--weights")
    with pytest.raises(FitError, match="--weights"):
        many_columns.guessed_like(mixed, ("share_*",), "weights", "--weights 'w_*'")


@pytest.mark.parametrize(("names", "common"), [
    (["w_a", "w_ab"], "w_"),
    (["train/web", "train/code"], "train/"),
    (["a", "b"], ""),
    (["w_a_x", "w_a_y"], "w_a_"),
])  # fmt: skip
def test_common_part(names, common):
    assert many_columns.common_part(names) == common


def test_gaps_are_refused_or_left_out():
    gaps = table("N D bpb_x acc_x", "1e8 2e9 .9 .3", "1e8 2e9 nan .3", "1e8 4e9 .8 diverged", "2e8 4e9 .8 .4")
    with pytest.raises(FitError, match=r"bpb_x has no finite number in row 2|acc_x is 'diverged' in row 3"):
        many_columns.block(gaps, ["bpb_x", "acc_x"])
    read = many_columns.block(gaps, ["bpb_x", "acc_x"], drop_nan=True)
    assert read.values.tolist() == [[0.9, 0.3], [0.8, 0.4]]
    assert any("2 of 4 rows left out" in note for note in read.notes)
    with pytest.raises(FitError, match="no row"):
        many_columns.block(table("x", "nan", "nan"), ["x"], drop_nan=True)


def test_columns_of_tasks():
    columns, origin, notes = many_columns.task_columns(RUNS, many_columns.task_pairs(RUNS.rows[0]), Reading())
    assert origin == {"N": "N", "D": "D"}
    assert notes == []
    assert columns["losses"].tolist() == [[0.9, 0.8], [0.8, 0.7]]
    assert columns["accuracy"].tolist() == [[0.3, 0.5], [0.35, 0.55]]
    per_cent = many_columns.task_columns(RUNS, {"x": ("bpb_x", "acc_x*0.01")}, Reading())[0]
    assert per_cent["accuracy"][:, 0] == pytest.approx([0.005, 0.0055])
    with pytest.raises(FitError, match="no column"):
        many_columns.task_columns(RUNS, {"x": ("bpb_x", "acc_y")}, Reading())


def test_units_of_sizes_are_read_by_name():
    runs = table("params_M tokens_B bpb_x acc_x", "100 2 .9 .3", "200 4 .8 .4")
    columns, _, notes = many_columns.task_columns(runs, many_columns.task_pairs(runs.rows[0]), Reading())
    assert columns["N"].tolist() == [1e8, 2e8]
    assert columns["D"].tolist() == [2e9, 4e9]
    assert len(notes) == 2
