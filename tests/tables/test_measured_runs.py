"""Tables of runs as people have them: units, kinds of loss, gaps; every choice is said."""

import json

import numpy as np
import pytest
from tables_of_laws import FORMS, PLAIN, RECORDS, lines, planted, same, text_table
from verbs import refuses, run

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.forms import arguments


def test_the_command_line_says_what_it_read(tmp_path, expected):
    (tmp_path / "t.csv").write_bytes(FORMS["decimal commas"])
    plain = run("fit", expected["path"], "--intervals", "delta").output
    found = run("fit", tmp_path / "t.csv", "--intervals", "delta").output
    notes = "read: columns between semicolons\nread: loss: "
    assert found.startswith(notes)
    assert found[found.index("L(N, D)") :] == plain
    document = json.loads(run("fit", tmp_path / "t.csv", "--intervals", "delta", "--json").stdout)
    assert document["reading"][0] == "columns between semicolons"
    assert document["loss_unit"] == "nats per token"


def test_nested_records_and_gaps(tmp_path, expected):
    rows = [
        {"config": {"params": r["N"]}, "summary": {"tokens": r["D"], "val/loss": r["loss"]}, "tags": ["a"]}
        for r in RECORDS
    ]
    rows.insert(2, {"config": {"params": 1e7}, "summary": {"tokens": 2e9}, "state": "crashed"})
    (tmp_path / "t").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(FitError, match=r"summary.val/loss is empty in row 3.*--drop-nan"):
        ziplaw.read_runs(tmp_path / "t")
    runs = ziplaw.read_runs(tmp_path / "t", drop_nan=True)
    same(runs, expected)
    assert runs.origin == {"loss": "summary.val/loss", "N": "config.params", "D": "summary.tokens"}
    assert "1 of 37 rows left out (1 without loss)" in runs.notes
    assert runs.rows[2]["state"] is None


@pytest.mark.parametrize("gap", ["", "nan", "NaN", "inf", "NA", "n/a", "null", "-"])
def test_drop_nan(gap, tmp_path, expected):
    (tmp_path / "t.csv").write_text(PLAIN + f"30000000,4000000000,{gap}\n")
    same(ziplaw.read_runs(tmp_path / "t.csv", drop_nan=True), expected)
    assert "36 rows" in run("fit", tmp_path / "t.csv", "--drop-nan", "--intervals", "delta").output
    with pytest.raises(FitError, match="row 37"):
        ziplaw.fit(**ziplaw.read_runs(tmp_path / "t.csv").columns)


UNITS = {
    "millions and billions": (1e6, 1e9, "N is 10 in row 1, below 1000 parameters"),
    "billions and trillions": (1e9, 1e12, "D is 0.001 in row 1, below 1 training tokens"),
    "D in billions": (1, 1e9, "D is 100 at most"),
    "D in millions": (1, 1e6, "D/N is"),
    "N in thousands of thousands": (1e6, 1, "N is 10 in row 1"),
}


@pytest.mark.parametrize("what", UNITS)
def test_units_that_cannot_be(what, tmp_path, capsys):
    n_unit, d_unit, message = UNITS[what]
    N, D, loss = planted(0.01)
    rows = [
        ["params", "tokens", "val_loss"],
        *([f"{n / n_unit:.9g}", f"{d / d_unit:.9g}", f"{v:.5f}"] for n, d, v in zip(N, D, loss)),
    ]
    (tmp_path / "t.csv").write_text(lines(rows))
    line = refuses(capsys, "fit", tmp_path / "t.csv")
    assert line.startswith("ziplaw: error: units? ")
    assert message in line
    assert "-unit" in line
    with pytest.raises(FitError, match=r"units\?"):
        ziplaw.fit(N / n_unit, D / d_unit, loss)
    right = ziplaw.fit(N, D, loss).allocate(C=1e21).N
    for extra in (
        ["--n-unit", f"{n_unit:g}", "--d-unit", f"{d_unit:g}"],
        ["--n-column", f"params*{n_unit:g}", "--d-column", f"{d_unit:g}*tokens"],
    ):
        found = json.loads(run("fit", tmp_path / "t.csv", *extra, "--flops", "1e21", "--json").stdout)
        # the cells have five decimals of the loss
        assert found["allocation"][0]["N"] == pytest.approx(right, rel=1e-2)


def test_true_units_may_be_insisted_on(tmp_path):
    N, D, loss = planted(0.01)
    (tmp_path / "t.csv").write_text(lines(text_table((N / 1e5, D, loss))))
    assert "36 rows" in run("fit", tmp_path / "t.csv", "--n-unit", "1", "--intervals", "delta").output
    assert ziplaw.fit(N / 1e5, D, loss, units="keep").converged


def test_units_in_names(tmp_path, expected):
    rows = [
        ["params (M)", "tokens_B", "val_loss"],
        *([f"{float(n) / 1e6!r}", f"{float(d) / 1e9!r}", v] for n, d, v in text_table()[1:]),
    ]
    (tmp_path / "t.csv").write_text(lines(rows))
    runs = ziplaw.read_runs(tmp_path / "t.csv")
    same(runs, expected)
    assert runs.origin["N"] == "params (M)*1e+06"
    assert "D = tokens_B * 1e+09, as its name says" in runs.notes


def test_impossible_losses(tmp_path, capsys):
    N, D, loss = planted(0.01)
    (tmp_path / "t.csv").write_text(lines(text_table((N, D, np.exp(loss)))))
    line = refuses(capsys, "fit", tmp_path / "t.csv")
    assert "above ln of any vocabulary" in line
    assert "--loss-unit perplexity" in line
    text = run("fit", tmp_path / "t.csv", "--loss-unit", "perplexity", "--intervals", "delta").output
    assert "loss = ln(loss)" in text
    weights = np.ones(N.size)
    weights[3], loss[3] = 0, 99
    assert ziplaw.fit(N, D, loss, weights=weights).converged
    weights[3] = 1
    with pytest.raises(FitError, match="the loss is 99 in row 4"):
        arguments.check_table(N, D, loss, weights, units="error")


CONVERTED = {
    "val_ppl": (np.exp, "nats per token"),
    "perplexity": (np.exp, "nats per token"),
    "val_bpb": (lambda v: v / np.log(2), "nats per byte"),
    "bits_per_byte": (lambda v: v / np.log(2), "nats per byte"),
    "bpc": (lambda v: v / np.log(2), "nats per character"),
    "word_perplexity": (np.exp, "nats per word"),
    "byte_perplexity": (np.exp, "nats per byte"),
    "eval/loss_bits": (lambda v: v / np.log(2), "nats per token"),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_losses_in_other_units(name, tmp_path):
    back, unit = CONVERTED[name]
    N, D, loss = planted(0.01)
    rows = [["N", "D", name], *([repr(float(x)) for x in row] for row in zip(N, D, back(loss)))]
    (tmp_path / "t.csv").write_text(lines(rows))
    runs = ziplaw.read_runs(tmp_path / "t.csv")
    np.testing.assert_allclose(runs.loss, loss, rtol=1e-12)
    assert runs.loss_unit == unit
    assert any(name in note and unit in note for note in runs.notes)
    document = json.loads(run("fit", tmp_path / "t.csv", "--json", "--intervals", "delta").stdout)
    assert document["loss_unit"] == unit
    text = run("fit", tmp_path / "t.csv", "--intervals", "delta").output
    assert (f"losses in {unit}" in text) == (unit != "nats per token")
    if unit == "nats per byte":
        whole = ziplaw.read_runs(tmp_path / "t.csv", bytes_per_token=4.0)
        np.testing.assert_allclose(whole.loss, 4 * loss, rtol=1e-12)
        assert whole.loss_unit == "nats per token"
    else:
        with pytest.raises(FitError, match="bytes per token are of no use"):
            ziplaw.read_runs(tmp_path / "t.csv", bytes_per_token=4.0)


def test_a_floor_per_token_does_not_go_with_losses_per_byte(tmp_path, capsys):
    rows = [[*row, "0.5"] for row in text_table()]
    rows[0] = ["N", "D", "val_bpb", "floor"]
    (tmp_path / "t.csv").write_text(lines(rows))
    assert "nats per token" in refuses(capsys, "fit", tmp_path / "t.csv", "--fix-floor")


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ({"named": {"n": "N"}}, "named holds 'n', must be of N, D, C, loss, U, S"),
        ({"units": {"params": 1e6}}, "units holds 'params', must be of N, D"),
        ({"units": {"N": 0}}, "the unit of N is 0"),
        ({"units": {"D": -1e9}}, "the unit of D is -1000000000"),
        ({"units": {"D": float("nan")}}, "the unit of D is nan"),
    ],
)
def test_keys_that_nothing_reads_are_refused(reading, message, tmp_path):
    (tmp_path / "t.csv").write_text(PLAIN)
    with pytest.raises(FitError, match=message):
        ziplaw.read_runs(tmp_path / "t.csv", **reading)
