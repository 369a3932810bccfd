"""Tables of runs as people have them: every form gives the law of the plain CSV, or one clear line."""

import bz2
import gzip
import io
import json
import lzma
import os
import threading
import tracemalloc

import numpy as np
import pytest
import zstandard
from tables_of_laws import planted
from verbs import refuses, run

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.forms import arguments
from ziplaw.tables.any_file import read_table
from ziplaw.tables.column_names import guess

NAMES = ("N", "D", "loss")


def table(columns=None, names=NAMES):
    """The columns of a planted law as text: a header and rows."""
    columns = planted(0.01) if columns is None else columns
    cells = [[f"{n:.0f}", f"{d:.0f}", f"{v:.5f}"] for n, d, v in zip(*columns)]
    return [list(names), *cells]


def lines(rows, mark=","):
    return "".join(mark.join(row) + "\n" for row in rows)


PLAIN = lines(table())
RECORDS = [dict(zip(NAMES, map(float, row))) for row in table()[1:]]


def german():
    return lines([[cell.replace(".", ",") for cell in row] for row in table()], ";")


FORMS = {
    "gz": gzip.compress(PLAIN.encode()),
    "zst": zstandard.compress(PLAIN.encode()),
    "xz": lzma.compress(PLAIN.encode()),
    "bz2": bz2.compress(PLAIN.encode()),
    "two gzip members": gzip.compress(PLAIN[:70].encode()) + gzip.compress(PLAIN[70:].encode()),
    "two zstd frames": zstandard.compress(PLAIN[:70].encode()) + zstandard.compress(PLAIN[70:].encode()),
    "UTF-8 with a mark": PLAIN.encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16, big": "\ufeff".encode("utf-16-be") + PLAIN.encode("utf-16-be"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-32": PLAIN.encode("utf-32"),
    "packed UTF-16": gzip.compress(PLAIN.encode("utf-16")),
    "Windows line ends": PLAIN.replace("\n", "\r\n").encode(),
    "old Mac line ends": PLAIN.replace("\n", "\r").encode(),
    "no newline at the end": PLAIN.rstrip().encode(),
    "blank lines": b"\n\n" + PLAIN.replace("\n", "\n\n").encode() + b",,\n",
    "sep=": b"sep=,\r\n" + PLAIN.encode(),
    "sep=; quoted": b'"sep=;"\n' + PLAIN.replace(",", ";").encode(),
    "comments": b"# made by hand\n# seeds: 3, 4\n" + PLAIN.encode() + b"# the end\n",
    "header in a comment": b"# from numpy\n# " + PLAIN.encode(),
    "semicolons": PLAIN.replace(",", ";").encode(),
    "decimal commas": german().encode(),
    "decimal commas and groups": lines(
        [table()[0], *([f"{int(n):,}".replace(",", "."), d, v.replace(".", ",")] for n, d, v in table()[1:])], ";"
    ).encode(),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "bars": PLAIN.replace(",", " | ").encode(),
    "Markdown": lines([["", *row, ""] for row in [table()[0], ["---", "---:", ":-:"], *table()[1:]]], "|").encode(),
    "spaces": PLAIN.replace(",", "   ").encode(),
    "quotes": "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in table()).encode(),
    "groups of three": "".join(
        ",".join(f'"{int(cell):,}"' if cell.isdigit() else cell for cell in row) + "\n" for row in table()
    ).encode(),
    "an index": lines([["", *table()[0]], *([str(i), *row] for i, row in enumerate(table()[1:]))]).encode(),
    "header again": (PLAIN + "N,D,loss\n").encode(),
    "JSON lines": "\n".join(map(json.dumps, RECORDS)).encode(),
    "JSON lines, packed": zstandard.compress("\n".join(map(json.dumps, RECORDS)).encode()),
    "JSON array": json.dumps(RECORDS, indent=1).encode(),
    "JSON of columns": json.dumps({name: [row[name] for row in RECORDS] for name in NAMES}).encode(),
    "JSON of columns by index": json.dumps(
        {name: {str(i): row[name] for i, row in enumerate(RECORDS)} for name in NAMES}
    ).encode(),
    "JSON, split": json.dumps(
        {"columns": NAMES, "index": [0], "data": [list(row.values()) for row in RECORDS]}
    ).encode(),
    "JSON rows under a header": json.dumps([NAMES, *(list(row.values()) for row in RECORDS)]).encode(),
    "JSON under a key": json.dumps({"made": "2024", "runs": RECORDS}).encode(),
    "numbers as text": json.dumps([{k: str(v) for k, v in row.items()} for row in RECORDS]).encode(),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "t.csv"
    path.write_text(PLAIN)
    return {name: np.array([row[name] for row in RECORDS]) for name in NAMES} | {"path": path}


def same(runs, expected):
    for name in NAMES:
        np.testing.assert_allclose(runs.columns[name], expected[name], rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_is_read(form, tmp_path, expected):
    (tmp_path / "table.csv").write_bytes(FORMS[form])  # the name tells nothing
    same(ziplaw.read_runs(tmp_path / "table.csv"), expected)


@pytest.mark.parametrize("form", ["gz", "UTF-16", "JSON lines", "decimal commas"])
def test_pipes_are_read_like_files(form, tmp_path, expected):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(FORMS[form]))
    writer.start()
    same(ziplaw.read_runs(tmp_path / "pipe"), expected)
    writer.join()


def test_standard_input(monkeypatch, expected):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FORMS["zst"])))
    same(ziplaw.read_runs("-"), expected)


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


def test_parquet_shares_what_rows_share(tmp_path, expected):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [row | {"name": "x" * 3_000_000, "steps": [1, 2], "config": {"lr": 0.1}} for row in RECORDS]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "t.parquet", compression="zstd")
    tracemalloc.start()
    same(ziplaw.read_runs(tmp_path / "t.parquet"), expected)
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()
    assert set(read_table(tmp_path / "t.parquet").rows[0]) == {*NAMES, "name", "config.lr"}


HOSTILE = {
    "binary": (bytes(range(256)) * 20, "is binary (a character '\\x00' at 0)"),
    "spreadsheet": (b"PK\x03\x04" + bytes(50), "save the sheet as CSV"),
    "web page": (b"\n <!DOCTYPE html><html>", "a web page: download the raw file"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    "numpy": (b"\x93NUMPY\x01\x00", "is a numpy array"),
    "blank": (b" \n\n\t\n", "is empty"),
    "only comments": (b"# a\n# b\n", "is empty"),
    "no header": (PLAIN[9:].encode(), "has numbers in its first line, no names"),
    "one column": (b"loss\n3\n4\n", "no column for N"),
    "cut gzip": (FORMS["gz"][:-20], "no whole gzip file"),
    "cut xz": (FORMS["xz"][:-20], "was cut short"),
    "damaged bzip2": (FORMS["bz2"][:40] + b"abc" + FORMS["bz2"][43:], "no whole bzip2 file"),
    "damaged zstd": (FORMS["zst"][:20] + b"abc" + FORMS["zst"][23:], "no readable zstd file"),
    "no parquet": (b"PAR1 and more", "is not a parquet file"),
    "odd UTF-16": (PLAIN.encode("utf-16")[:-1], "is no whole UTF-16 text"),
    "open quote": (PLAIN.encode() + b'"1,2,3\n', "is no table that can be read"),
    "a long cell": (PLAIN.encode() + b"1,2," + b"3" * 200_000 + b"\n", "is no table that can be read"),
    "many columns": (b",".join(b"c%d" % i for i in range(5000)) + b"\n1\n", "5000 columns, at most 4096"),
    "deep JSON": (b"[" * 200_000, "neither a JSON document nor JSON lines"),
    "deep record": (b'{"a":' * 20 + b"1" + b"}" * 20 + b"\n" + b"{}", "nested more than 8 deep"),
    "bad line": ("\n".join([*map(json.dumps, RECORDS), '{"N": 1,']).encode(), "line 37 is not valid JSON"),
    "a key twice": (b'{"N": 1, "N": 2}\n{"N": 1}', "stands twice"),
    "array of numbers": (b"[1, 2, 3]", "record 1 is a JSON int"),
    "JSON of no table": (b'{"a": {"b": 1}}', "is JSON, no table"),
    "huge integer": (b'{"N": %s}\n' % (b"9" * 5000), "neither a JSON document"),
    "two marks": (
        german().encode() + b"30000000;1.300.000,5;3,3\n30000000;1,300,000.5;3,3\n",
        "decimals after points and after commas",
    ),
    "text": (PLAIN.encode() + b"30000000,4000000000,diverged\n", "loss is 'diverged' in row 37"),
    "a name for N": (PLAIN.encode() + b"1_2,4000000000,3\n", "N is '1_2' in row 37"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_table_is_refused_in_one_line(what, tmp_path, capsys):
    data, message = HOSTILE[what]
    (tmp_path / "t.csv").write_bytes(data)
    line = refuses(capsys, "fit", tmp_path / "t.csv")
    assert message in line
    assert len(line) < 500


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lzma.compress, bz2.compress])
def test_memory_is_bounded_whatever_a_file_unpacks_to(pack, tmp_path):
    block = pack(bytes(1 << 27))
    (tmp_path / "bomb.csv").write_bytes(block * 20)
    tracemalloc.start()
    with pytest.raises(FitError, match="holds over 64 MiB"):
        read_table(tmp_path / "bomb.csv")
    assert tracemalloc.get_traced_memory()[1] < 400e6
    tracemalloc.stop()


def test_rows_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("ziplaw.tables.text_lines.MAX_ROWS", 30)
    monkeypatch.setattr("ziplaw.tables.any_file.MAX_ROWS", 30)
    for form in ("bars", "JSON lines", "JSON array"):
        (tmp_path / "t.csv").write_bytes(FORMS[form])
        with pytest.raises(FitError, match="more than"):
            read_table(tmp_path / "t.csv")


LOSSES = [
    ("loss|val_loss", "val_loss"),
    ("train_loss|loss", "loss"),
    ("loss|eval/loss", "eval/loss"),
    ("train/loss|val/loss", "val/loss"),
    ("loss/train|loss/val", "loss/val"),
    ("trainLoss|validLoss", "validLoss"),
    ("loss|held-out loss", "held-out loss"),
    ("trainloss|testloss", "testloss"),
    ("val_loss|test_loss", "val_loss"),
    ("val_loss|val_loss_std|loss_stderr", "val_loss"),
    ("val_bpb|val_loss|val_ppl", "val_loss"),
    ("loss|eval/pile/loss", "eval/pile/loss"),
    ("run - val/loss|run - val/loss__MIN|run - val/loss__MAX", "run - val/loss"),
    ("z_loss|aux_loss|lm_loss|loss_scale", "lm_loss"),
    ("train_loss|acc", "train_loss"),
    ("val_loss_accuracy|train_loss", "train_loss"),
    ("lossAcc|loss", "loss"),
    ("val_bpb|core_score", "val_bpb"),
    ("loss|eval/c4/loss|eval/pile/loss", "?"),
    ("loss_c4|loss_pile", "?"),
    ("final_val_loss|best_val_loss", "?"),
    ("accuracy|unigram_entropy", None),
]
SIZES = [
    ("params|params_non_embedding", "params_non_embedding"),
    ("params_total|params_non_emb", "params_non_emb"),
    ("N|N_total", "N"),
    ("N|N_no_embed", "N_no_embed"),
    ("total_params|active_params", "active_params"),
    ("num_params|num_scaling_params", "num_scaling_params"),
    ("params_wte|params_lm_head|params_transformer|params_total", "params_transformer"),
    ("nparams_nonemb|nparams", "nparams_nonemb"),
    ("parameter_count|n_layers|n_heads", "parameter_count"),
    ("embedding_params|params|tokens_per_param", "params"),
    ("config.n_params|config.hidden", "config.n_params"),
    ("encoder_params|decoder_params", "?"),
    ("n_layers|hyperparams", None),
]
TOKENS = [
    ("tokens_trained", "tokens_trained"),
    ("total_tokens|tokens_per_second|batch_tokens", "total_tokens"),
    ("train_tokens|val_tokens|vocab_tokens", "train_tokens"),
    ("consumed_tokens|target_tokens", "consumed_tokens"),
    ("throughput/total_tokens|unique_tokens", "throughput/total_tokens"),
    ("tokens_a|tokens_c", "?"),
    ("unique_tokens|tokens_per_param", None),
]


@pytest.mark.parametrize(
    ("key", "header", "column"),
    [(key, *case) for key, cases in (("loss", LOSSES), ("N", SIZES), ("D", TOKENS)) for case in cases],
)
def test_columns_are_told_by_their_names(key, header, column):
    names = header.split("|")
    for order in (names, names[::-1]):
        if column == "?":
            with pytest.raises(FitError, match=f"choose with --{key.lower()}-column"):
                guess(order, key)
        else:
            found = guess(order, key)
            assert (found and found.name) == column


def test_the_choice_is_printed(tmp_path):
    N, D, loss = planted(0.01)
    rows = [["params", "params_non_embedding", "tokens", "loss", "val_loss"]]
    rows += [
        [f"{n * 1.5 + 4e7:.0f}", f"{n:.0f}", f"{d:.0f}", f"{v - 0.2:.5f}", f"{v:.5f}"] for n, d, v in zip(N, D, loss)
    ]
    (tmp_path / "t.csv").write_text(lines(rows))
    text = run("fit", tmp_path / "t.csv", "--intervals", "delta").output
    assert "read: N = params_non_embedding, not params\n" in text
    assert "read: loss = val_loss, not loss\n" in text
    (tmp_path / "t.csv").write_text(lines([[row[1], row[2], row[3]] for row in rows]).replace("loss", "train_loss"))
    assert (
        "a training loss: no column is named as held-out"
        in run("fit", tmp_path / "t.csv", "--intervals", "delta").output
    )


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
    (tmp_path / "t.csv").write_text(lines(table((N / 1e5, D, loss))))
    assert "36 rows" in run("fit", tmp_path / "t.csv", "--n-unit", "1", "--intervals", "delta").output
    assert ziplaw.fit(N / 1e5, D, loss, units="keep").converged


def test_units_in_names(tmp_path, expected):
    rows = [
        ["params (M)", "tokens_B", "val_loss"],
        *([f"{float(n) / 1e6!r}", f"{float(d) / 1e9!r}", v] for n, d, v in table()[1:]),
    ]
    (tmp_path / "t.csv").write_text(lines(rows))
    runs = ziplaw.read_runs(tmp_path / "t.csv")
    same(runs, expected)
    assert runs.origin["N"] == "params (M)*1e+06"
    assert "D = tokens_B * 1e+09, as its name says" in runs.notes


def test_impossible_losses(tmp_path, capsys):
    N, D, loss = planted(0.01)
    (tmp_path / "t.csv").write_text(lines(table((N, D, np.exp(loss)))))
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
    rows = [[*row, "0.5"] for row in table()]
    rows[0] = ["N", "D", "val_bpb", "floor"]
    (tmp_path / "t.csv").write_text(lines(rows))
    assert "nats per token" in refuses(capsys, "fit", tmp_path / "t.csv", "--fix-floor")


NAMED = lines(
    [["dataset", "N", "D", "loss", "lr"]]
    + [
        [name, *row, lr]
        for name, lr in (("007", "0.1"), ("7", "0.20"), ("1e5", "0.3"), ("nan", "1e-3"))
        for row in table()[1:]
    ]
)


def test_names_that_look_like_numbers_stay_names(tmp_path):
    (tmp_path / "t.csv").write_text(NAMED)
    for name in ("007", "7", "1e5", "nan"):
        runs = ziplaw.read_runs(tmp_path / "t.csv", where=[f"dataset={name}"])
        assert {row["dataset"] for row in runs.rows} == {name}
        assert "36 rows" in run("fit", tmp_path / "t.csv", "--dataset", name, "--intervals", "delta").output


@pytest.mark.parametrize(
    ("condition", "keeps"),
    [
        ("C<1e18", lambda N, D, v: 6 * N * D < 1e18),
        ("C >= 1e18", lambda N, D, v: 6 * N * D >= 1e18),
        ("N<=30M", lambda N, D, v: N <= 3e7),
        ("D>1,000,000,000", lambda N, D, v: D > 1e9),
        ("loss<3", lambda N, D, v: v < 3),
        ("N!=1e7", lambda N, D, v: N != 1e7),
        ("N==10000000", lambda N, D, v: N == 1e7),
        ("lr=0.10", lambda N, D, v: N > 0),
        ("kind!=b", lambda N, D, v: N > 0),
        ("a<b=x", lambda N, D, v: N > 0),
    ],
)
def test_conditions(condition, keeps, tmp_path):
    rows = [[*row, "0.1", "a", "x"] for row in table()]
    rows[0] = ["N", "D", "loss", "lr", "kind", "a<b"]
    (tmp_path / "t.csv").write_text(lines(rows))
    runs = ziplaw.read_runs(tmp_path / "t.csv", where=[condition])
    columns = [np.array([row[name] for row in RECORDS]) for name in NAMES]
    keep = keeps(*columns)
    np.testing.assert_allclose(runs.N, columns[0][keep])
    np.testing.assert_allclose(runs.D, columns[1][keep])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("N", "is no condition: write COLUMN=VALUE"),
        ("<3", "is no condition"),
        ("N<big", "N < 'big': a number is needed"),
        ("kind<3", "kind is 'a' in row 1: a number is needed"),
        ("Nope<3", "there is no column 'Nope'"),
        ("N<1", "no row has N < '1'"),
        ("S>3", "there is no column S"),
    ],
)
def test_conditions_that_make_no_sense(condition, message, tmp_path, capsys):
    rows = [[*row, "a"] for row in table()]
    rows[0] = [*NAMES, "kind"]
    (tmp_path / "t.csv").write_text(lines(rows))
    assert message in refuses(capsys, "fit", tmp_path / "t.csv", "--where", condition)


def test_cells_as_people_write_them(tmp_path):
    rows = [
        ["model_size", "tokens", "loss"],
        *([f"{float(n) / 1e6:.6f}M", f"{float(d) / 1e9:.9f} B", v] for n, d, v in table()[1:]),
    ]
    (tmp_path / "t.csv").write_text(lines(rows))
    runs = ziplaw.read_runs(tmp_path / "t.csv")
    np.testing.assert_allclose(runs.N, [row["N"] for row in RECORDS], rtol=1e-12)
    assert "model_size: 10.000000M is read as 10000000 (36 such cells)" in runs.notes


def test_a_cell_of_two_readings_is_asked_about(tmp_path, capsys):
    text = "N;D;loss\n" + "".join(
        f"{n};{n}000;{3 + i / 100:.3f}\n".replace(".", ",") for i, n in enumerate(range(10**7, 10**7 + 9))
    )
    (tmp_path / "t.csv").write_text(text)
    assert "loss is '3,000', which may be 3000 or 3: say which with --decimal" in refuses(
        capsys, "fit", tmp_path / "t.csv"
    )
    assert ziplaw.read_runs(tmp_path / "t.csv", decimal=",").loss[1] == 3.01
    assert ziplaw.read_runs(tmp_path / "t.csv", decimal=".").loss[1] == 3010


def test_one_letter_of_latin_1(tmp_path, expected):
    (tmp_path / "t.csv").write_bytes(PLAIN.replace("N,D", "N,año,D").replace("\n1", "\n1").encode("latin-1"))
    with pytest.raises(FitError, match="empty"):
        ziplaw.read_runs(tmp_path / "t.csv")  # the header has a column more
    (tmp_path / "t.csv").write_bytes(PLAIN.replace("N,", "tamaño,", 1).encode("latin-1"))
    runs = ziplaw.read_runs(tmp_path / "t.csv", named={"N": "tamaño"})
    same(runs, expected)
    assert "no UTF-8, read as Windows-1252" in runs.notes


@pytest.mark.parametrize("line", ["\n", "# a\n", ",,\n", "1,2,3\n"])
def test_lines_are_bounded_wherever_they_stand(line, tmp_path, monkeypatch):
    monkeypatch.setattr("ziplaw.tables.text_lines.MAX_ROWS", 1000)
    for text in (line * 2500 + PLAIN, PLAIN + line * 2500):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(FitError, match=r"more than|no names"):
            read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("title", ["My runs (2024)", "My runs,,\n\nmade by hand,,", '"Runs, of 2024",,\n', "\n7"])
def test_lines_above_the_header_are_titles(title, tmp_path, expected):
    (tmp_path / "t.csv").write_text(f"{title}\n{PLAIN}")
    runs = ziplaw.read_runs(tmp_path / "t.csv")
    same(runs, expected)
    assert any("above the header" in note for note in runs.notes)


def test_a_header_over_two_lines_is_no_title(tmp_path):
    (tmp_path / "t.csv").write_text('"loss\n(nats)",N,D\n3.1,1e7,1e9\n')
    assert read_table(tmp_path / "t.csv").rows == [{"loss\n(nats)": "3.1", "N": "1e7", "D": "1e9"}]


@pytest.mark.parametrize("word", ["diverged", "OOM", "#REF!", "TBD"])
def test_words_in_place_of_numbers(word, tmp_path, expected):
    (tmp_path / "t.csv").write_text(PLAIN + f"30000000,4000000000,{word}\n")
    with pytest.raises(FitError, match=r"row 37.*--drop-nan"):
        ziplaw.read_runs(tmp_path / "t.csv")
    runs = ziplaw.read_runs(tmp_path / "t.csv", drop_nan=True)
    same(runs, expected)
    assert any(f"{word!r} is read as no number" in note for note in runs.notes)
    same(ziplaw.read_runs(tmp_path / "t.csv", drop_nan=True, where=["loss<1e9"]), expected)
    (tmp_path / "t.csv").write_text(PLAIN + "30000000,4000000000,3.4?\n")
    with pytest.raises(FitError, match=r"row 37.*mend it"):  # a slip in a number is not left out
        ziplaw.read_runs(tmp_path / "t.csv", drop_nan=True)


@pytest.mark.parametrize("wanted", ["30M", "3e7", "30,000,000", "30000000"])
@pytest.mark.parametrize("size", ["30M", "30000000", "3.0e7"])
def test_where_equals_reads_numbers_as_tables_do(wanted, size, tmp_path):
    (tmp_path / "t.csv").write_text(f"N,D,loss\n{size},1e9,3.1\n{size},2e9,3.0\n70M,1e9,2.9\n")
    rows = ziplaw.read_runs(tmp_path / "t.csv", where=[f"N={wanted}"]).rows
    assert [row["loss"] for row in rows] == ["3.1", "3.0"]
    assert [row["loss"] for row in ziplaw.read_runs(tmp_path / "t.csv", where=[f"N!={wanted}"]).rows] == ["2.9"]


def test_where_equals_keeps_names_apart(tmp_path):
    lines = "".join(f"{name},{i}e7,1e9,3.1\n" for i, name in enumerate(["007", "7", "1e3", "1k", "web"], start=1))
    (tmp_path / "t.csv").write_text("dataset,N,D,loss\n" + lines)
    for name in ("007", "7", "1e3", "1k"):
        assert [r["dataset"] for r in ziplaw.read_runs(tmp_path / "t.csv", where=[f"dataset={name}"]).rows] == [name]
    with pytest.raises(FitError, match=r"no row has N = '9M': choose one of 10000000, 20000000"):
        ziplaw.read_runs(tmp_path / "t.csv", where=["N=9M"])


@pytest.mark.parametrize("above", ["", "# a\n\n# b\n", "My runs\n\n", "sep=,\n"])
def test_lines_are_counted_from_the_top_of_the_file(above, tmp_path):
    text = f"{above}N,D,loss\n1e7,1e9,3\n1e7,1e9,3,4\n"
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(FitError, match=f"line {text.count(chr(10))} has more cells"):
        read_table(tmp_path / "t.csv")


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


def test_one_condition_may_be_given_alone(tmp_path):
    (tmp_path / "t.csv").write_text(PLAIN)
    alone = ziplaw.read_runs(tmp_path / "t.csv", where="C<1e21")
    assert alone.rows == ziplaw.read_runs(tmp_path / "t.csv", where=["C<1e21"]).rows


def test_training_and_held_out_rows_in_one_table_are_told(tmp_path):
    rows = [line.split(",") for line in PLAIN.splitlines()]
    long = [[*rows[0], "split"]]
    for n, d, loss in rows[1:]:
        long += [[n, d, loss, "Val"], [n, d, str(float(loss) * 0.9), "train"]]
    (tmp_path / "t.csv").write_text(lines(long))
    warning = "training and held-out losses in one fit (split: Val, train): --where split=... keeps one"
    assert warning in run("fit", tmp_path / "t.csv", "--intervals", "delta").output
    kept = run("fit", tmp_path / "t.csv", "--intervals", "delta", "--where", "split=Val").output
    assert "36 rows" in kept
    assert "in one fit" not in kept


def test_two_parquet_columns_of_one_name_are_told(tmp_path, capsys):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = [[1e6, 2e6], [1e8, 2e8], [3.0, 2.9], [3.1, 2.8]]
    parquet.write_table(arrow.table(columns, names=["N", "D", "loss", "loss"]), tmp_path / "t.parquet")
    assert "t.parquet has two columns named 'loss': rename one" in refuses(capsys, "fit", tmp_path / "t.parquet")
