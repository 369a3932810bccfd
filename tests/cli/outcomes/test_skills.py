"""``ziplaw skills``: predictions and what is said, errors of held-out rows, refusals in one line."""

import json

import planted_outcomes as planted
import pytest
from verbs import refuses, run

from ziplaw.base.documents import read_json, write_csv


@pytest.fixture(scope="module")
def ladder(tmp_path_factory):
    path = tmp_path_factory.mktemp("skills") / "ladder.csv"
    N, D, losses, accuracy = planted.ladder()
    rows = [
        {"run": f"r{i}", "N": float(N[i]), "D": float(D[i])}
        | {f"bpb_{task}": float(losses[i, t]) for t, task in enumerate(planted.TASKS)}
        | {f"acc_{task}": float(accuracy[i, t]) for t, task in enumerate(planted.TASKS)}
        for i in range(17)
    ]
    write_csv(path, rows)
    return path


FEW = ("--bootstrap", "100")


def test_a_table_is_fitted_and_foretells(ladder):
    found = run("skills", ladder, "--target-n", "7e9", "--target-d", "4e12", "--flops", "1e22", *FEW).output
    assert "3 of 3 skills have emerged in 17 runs" in found
    assert "At N 7e+09, D 4e+12" in found
    assert "At the best split of C 1e+22: N " in found
    assert found.count("mean accuracy") == 2


def test_rows_are_held_out(ladder):
    found = run("skills", ladder, "--test", "N>2e9", "--chance", ".25", "--chance", "odd=.5", *FEW).output
    assert "in 16 runs" in found
    assert "1 rows held out" in found
    assert "of 3 accuracies and" in found


def test_json_and_file(ladder, tmp_path):
    shown = run("skills", ladder, "--task", "bpb_easy=acc_easy", "--json", *FEW).stdout
    document = json.loads(shown)
    assert list(document["tasks"]) == ["easy"]
    assert document["columns"] == {"N": "N", "D": "D", "easy": ["bpb_easy", "acc_easy"]}
    run("skills", ladder, "--task", "bpb_easy=acc_easy", "-o", tmp_path / "s.json", *FEW)
    written = read_json(tmp_path / "s.json", "skills")
    assert {key: written[key] for key in document} == document


def test_a_plot_and_its_numbers(ladder, tmp_path):
    run("skills", ladder, "--test", "N>2e9", "--task", "bpb_easy=acc_easy", "--plot", tmp_path / "s.svg", *FEW)
    assert (tmp_path / "s.svg").read_bytes().startswith(b"<?xml")
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines[0] == "panel,task,series,N,D,C,loss,accuracy,low,high"
    # 17 runs, fitted or held out, and a prediction, in two panels
    assert len(lines) == 1 + 2 * 18


@pytest.mark.parametrize(("options", "words"), [
    (["--target-n", "7e9"], "go together"),
    (["--flops", "1e22", "--own-index"], "one split for all tasks"),
    (["--task", "bpb_none=acc_easy"], "no column 'bpb_none'"),
    (["--task", "bpb_easy"], "is no task"),
    (["--chance", "none=.2"], "is no task"),
    (["--chance", "2"], "must be from 0 to 1"),
    (["--where", "N<3e8"], "too few"),
    (["--test", "N>0"], "holds every row out"),
    (["--upper", "2"], "must be from 0 to 1"),
    (["--n-column", "none"], "no column 'none'"),
])  # fmt: skip
def test_refusals(ladder, capsys, options, words):
    assert words in refuses(capsys, "skills", ladder, *options)


def test_no_tasks(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("N,D,loss\n1e8,1e9,3\n")
    assert "no columns pair up" in refuses(capsys, "skills", tmp_path / "t.csv")


def test_per_cents_are_refused_with_the_remedy(ladder, tmp_path, capsys):
    text = ladder.read_text().splitlines()
    rows = [dict(zip(text[0].split(","), line.split(","))) for line in text[1:]]
    write_csv(tmp_path / "p.csv", [row | {"acc_easy": float(row["acc_easy"]) * 100} for row in rows])
    assert "*0.01" in refuses(capsys, "skills", tmp_path / "p.csv")
    found = run("skills", tmp_path / "p.csv", "--task", "bpb_easy=acc_easy*0.01", *FEW).output
    assert "1 of 1 skills" in found
