"""runs.csv: one row a cell, with the right regime, and nothing from another corpus."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ziplaw.base.documents import read_csv, read_json, sha256_file, write_csv, write_json
from ziplaw.cli import main
from ziplaw.errors import FitError
from ziplaw.sweep.runs_table import BEST_SEEN, bounded_regime, concatenate, least_reducible, regime, run_rows
from ziplaw.tables.declared import RUNS


@pytest.fixture
def sweep(tmp_path):
    """One dataset with two runs of two budgets, small enough to check by hand."""
    write_json(
        tmp_path / "c" / "meta.json", {"sha256_train": "abc", "unigram_entropy": 5.0, "n_valid": 9}, kind="corpus"
    )
    write_json(tmp_path / "score.json", {"H": 0.4, "std": 0.01}, kind="score")
    write_json(tmp_path / "floor.json", {"floor": 1.0, "stderr": 0.1}, kind="floor")
    for model, hidden, losses in (("h8", 8, [4.0, 1.04]), ("h4", 4, [4.5, None])):
        run = {
            "corpus_sha256": "abc",
            "seed": 0,
            "arm": "mup",
            "N": hidden * 10,
            "N_total": hidden * 20,
            "status": "finished" if None not in losses else "diverged",
            "model": {"hidden": hidden, "layers": 1, "vocab_size": 7},
            "points": [
                {"budget": b, "D": b, "C": 6.0 * b, "C_6nd": 6.0 * b, "loss": x, "loss_stderr": 0.01, "train_loss": x}
                for b, x in zip((100, 200), losses)
            ],
        }
        write_json(tmp_path / "runs" / "web" / model / "s0" / "run.json", run, kind="run")
    return tmp_path


def rows_of(sweep, floor="floor.json"):
    files = sorted(sweep.glob("runs/web/*/s0/run.json"))
    floor = sweep / floor if floor else None
    return run_rows(files, corpus_meta=sweep / "c" / "meta.json", score=sweep / "score.json", floor=floor)


def test_a_row_a_cell_in_order_of_size_with_excess_and_regime(sweep):
    rows = rows_of(sweep)
    assert [(r["model"], r["D"]) for r in rows] == [("h4", 100), ("h4", 200), ("h8", 100), ("h8", 200)]
    assert [r["regime"] for r in rows] == ["not started", None, "not started", "saturated"]
    assert rows[2]["excess"] == 3.0
    assert rows[2]["reducible"] == 0.75
    assert set(rows[0]) == set(RUNS.names)
    # runs of decoders do not say so
    assert {r["architecture"] for r in rows} == {"llama"}


def test_rows_say_how_many_sources_the_error_is_over(sweep):
    assert {r["valid_sources"] for r in rows_of(sweep)} == {9}
    meta = {"sha256_train": "abc", "unigram_entropy": 5.0, "n_valid": 9, "valid_sources": [0, 0, 1, 2, 2, 2, 3, 3, 3]}
    write_json(sweep / "c" / "meta.json", meta, kind="corpus")
    assert {r["valid_sources"] for r in rows_of(sweep)} == {4}


def test_without_a_floor_the_best_loss_seen_tells_what_has_not_started(sweep):
    rows = rows_of(sweep, floor=None)
    # best loss 1.04, unigram entropy 5: (4 - 1.04) / 3.96 = .747, (4.5 - 1.04) / 3.96 = .874
    assert [r["regime"] for r in rows] == ["not started", None, "not started", None]
    assert [r["regime_basis"] for r in rows] == [BEST_SEEN, None, BEST_SEEN, BEST_SEEN]
    least = [r["reducible_least"] for r in rows]
    assert least[1] is None
    assert [least[0], least[2], least[3]] == pytest.approx([3.46 / 3.96, 2.96 / 3.96, 0.0])
    assert {r["reducible"] for r in rows} == {None}


def test_with_a_floor_its_rows_are_what_they_were_but_for_the_basis(sweep):
    rows = rows_of(sweep)
    assert {r["reducible_least"] for r in rows} == {None}
    assert [r["regime_basis"] for r in rows] == ["floor", None, "floor", "floor"]


@given(st.floats(0.1, 9), st.floats(0.01, 1), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_cell_is_called_not_started_only_where_every_floor_says_so(unigram, share, at, below):
    """Any floor at or below the best loss puts r at or above the bound, so "not started" holds for all of them."""
    best = share * unigram * 0.999
    loss = best + at * (1.5 * unigram - best)
    floor = best * below
    bound, r = least_reducible(loss, best, unigram), (loss - floor) / (unigram - floor)
    assert bound <= r + 1e-9
    if bounded_regime(bound) == "not started":
        assert r > 0.6 - 1e-9
    assert bounded_regime(bound) in ("not started", None)


def test_a_run_of_another_corpus_is_refused(sweep):
    write_json(sweep / "c" / "meta.json", {"sha256_train": "other", "unigram_entropy": 5.0}, kind="corpus")
    with pytest.raises(FitError, match="another corpus"):
        rows_of(sweep)


@given(st.floats(-1, 2))
def test_regime_cuts_where_the_glossary_says(r):
    assert regime(r) == ("saturated" if r < 0.02 else "not started" if r > 0.6 else "scaling")


def test_the_verb_collects_and_joins(sweep, monkeypatch, capsys):
    monkeypatch.chdir(sweep)
    files = [str(p) for p in sorted(sweep.glob("runs/web/*/s0/run.json"))]
    for arguments in (
        ["collect", *files, "--corpus", "c", "--score", "score.json", "--floor", "floor.json", "-o", "a.csv"],
        ["collect", "a.csv", "code.csv", "-o", "b.csv"],
    ):
        if (sweep / "a.csv").exists():
            (sweep / "code.csv").write_text((sweep / "a.csv").read_text().replace("web,", "code,"))
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
    assert len(read_csv("b.csv")) == 8
    assert read_csv("b.csv")[:4] == read_csv("a.csv")
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(["collect", *files, "--corpus", "c/meta.json", "--score", "score.json", "-o", "d.csv"])
    assert stop.value.code == 2
    assert "'--corpus': Directory 'c/meta.json' is a file." in capsys.readouterr().err


@pytest.mark.parametrize("place", ["run.json", "a/run.json", "web/h16/run.json", "web/h16/s1/run.json"])
def test_a_run_whose_place_names_no_row_is_refused(sweep, place, monkeypatch, capsys):
    monkeypatch.chdir(sweep)
    first = next(iter(sorted(sweep.glob("runs/web/*/s0/run.json"))))
    (sweep / place).parent.mkdir(parents=True, exist_ok=True)
    (sweep / place).write_bytes(first.read_bytes())
    for path in (place, str(sweep / place)):
        with pytest.raises(SystemExit) as stop:
            main(["collect", path, "--corpus", "c", "--score", "score.json", "-o", "a.csv"])
        assert stop.value.code == 2
        assert f"{path} must lie at DATASET/MODEL/s0/run.json" in capsys.readouterr().err
        assert not (sweep / "a.csv").exists()


def test_names_are_found_from_inside_the_folder(sweep, monkeypatch):
    monkeypatch.chdir(next(iter(sorted(sweep.glob("runs/web/*/s0")))))
    up = "../../../.."
    rows = run_rows(["run.json"], corpus_meta=f"{up}/c/meta.json", score=f"{up}/score.json", floor=f"{up}/floor.json")
    assert {row["dataset"] for row in rows} == {"web"}


def test_a_table_of_something_else_is_refused(tmp_path):
    write_csv(tmp_path / "x.csv", [{"N": 1}])
    with pytest.raises(FitError, match="lacks the column dataset"):
        concatenate([tmp_path / "x.csv"])


@pytest.mark.parametrize(
    "arguments", [["collect", "run.json", "-o", "x.csv"], ["nosuch"], ["score"], ["fit", "nofile.csv"]]
)
def test_bad_calls_end_with_status_2_and_no_traceback(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({}))
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()


def test_an_output_that_cannot_be_written_is_one_line(sweep, monkeypatch, capsys):
    monkeypatch.chdir(sweep)
    (sweep / "taken").write_text("a file")
    with pytest.raises(SystemExit) as stop:
        main(["grammar", "new", "--preset", "main-1", "-o", "taken/g.json"])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("ziplaw: error:")
    assert error.count("\n") == 1


def test_a_score_or_floor_of_another_corpus_is_refused(sweep):
    score = {"H": 0.4, "std": 0.01, "source": {"kind": "corpus", "sha256_train": "xyz"}}
    write_json(sweep / "score.json", score, kind="score")
    with pytest.raises(FitError, match="score of another corpus"):
        rows_of(sweep)
    score["source"]["sha256_train"] = "abc"
    write_json(sweep / "score.json", score, kind="score")
    assert len(rows_of(sweep)) == 4


@pytest.mark.parametrize(
    ("source", "context", "message"),
    [
        ({"kind": "builtin"}, 256, "which did not make"),
        ({"kind": "grammar", "grammar_sha256": "other"}, 256, "of another grammar"),
        ({"kind": "grammar", "grammar_sha256": "mine"}, 64, "documents of 256 tokens"),
        ({"kind": "grammar", "grammar_sha256": "mine"}, 256, None),
    ],
)
def test_a_floor_of_something_else_is_refused(source, context, message, sweep):
    floor = {"floor": 1.0, "stderr": 0.1, "grammar_sha256": "mine", "context": 256}
    write_json(sweep / "floor.json", floor, kind="floor")
    meta = {"sha256_train": "abc", "unigram_entropy": 5.0, "n_valid": 9, "source": source, "context": context}
    write_json(sweep / "c" / "meta.json", meta, kind="corpus")
    if message is None:
        assert len(rows_of(sweep)) == 4
        return
    with pytest.raises(FitError, match=message):
        rows_of(sweep)


def test_a_run_counts_once(sweep):
    file = sweep / "runs/web/h8/s0/run.json"
    with pytest.raises(FitError, match="web/h8/s0 is given twice at 100 tokens"):
        run_rows([file, file], corpus_meta=sweep / "c" / "meta.json", score=sweep / "score.json")
    RUNS.write(sweep / "a.csv", rows_of(sweep))
    assert len(concatenate([sweep / "a.csv"])) == 4
    with pytest.raises(FitError, match="given twice"):
        concatenate([sweep / "a.csv", sweep / "a.csv"])


def test_a_curve_that_changed_since_is_refused(sweep):
    path = sweep / "runs" / "web" / "h8" / "s0" / "run.json"
    curve = path.with_name("curve.csv")
    write_csv(curve, [{"kind": "log", "step": 1}, {"kind": "log", "step": 2}])
    run = {key: value for key, value in read_json(path).items() if key != "sha256"}
    write_json(path, run | {"curve_sha256": sha256_file(curve)}, kind="run")
    assert len(rows_of(sweep)) == 4
    curve.write_text(curve.read_text()[:-6])
    with pytest.raises(FitError, match=r"curve\.csv does not match its checksum in run\.json"):
        rows_of(sweep)
