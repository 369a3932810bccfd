"""The rounds of a pilot, from planted losses: designed, timed, and the same bytes each time."""

import contextlib
import re

import numpy as np
import pytest
from simulated_pilot import loss_at

from ziplaw.base.documents import read_json, write_json
from ziplaw.base.text_table import WIDTH
from ziplaw.errors import ZiplawError
from ziplaw.laws.pilots import designer
from ziplaw.laws.pilots.reading import LEAST_CELLS
from ziplaw.pilots import rounds
from ziplaw.pilots.places import MOST_ROUNDS, round_file, run_file
from ziplaw.pilots.rounds import Rounds, trained_tokens
from ziplaw.pilots.told import round_lines

SPEED = {
    "cores": 2,
    "start_s": 3.0,
    "held_out_tokens": 65536,
    "sizes": [
        {"flops_per_token": 2e4, "train_s": 2e-6, "held_out_s": 3e-7},
        {"flops_per_token": 2e7, "train_s": 1e-3, "held_out_s": 3e-4},
    ],
}
PILOT_C = 3e12


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "corpora" / "corpus").mkdir(parents=True)
    meta = {"vocab_size": 257, "context": 256, "n_train": 8192}
    write_json(tmp_path / "corpora" / "corpus" / "meta.json", meta, kind="corpus")
    (tmp_path / "rounds").mkdir()
    return tmp_path


def train(folder, document, noise=0.003):
    """Write what the runs of a round would have measured under a planted law."""
    for run in document["runs"]:
        rng = np.random.default_rng([run["hidden"], document["round"]])
        points = [
            {
                "D": D,
                "C": D * run["C"] // run["tokens"],
                "loss": loss_at(run["N"], D) * (1 + noise * rng.standard_normal()),
            }
            for D in run["budgets"]
        ]
        path = run_file(folder, run["model"], document["round"])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"N": run["N"], "points": points}, kind="run")


def test_rounds_follow_each_other_until_the_flops_are_used(folder):
    spent, documents = 0.0, []
    for round_ in range(1, MOST_ROUNDS + 1):
        document = Rounds(folder, 1e15, "web", 2, SPEED).document(round_, PILOT_C)
        write_json(round_file(folder, round_), document, kind="pilot_round")
        documents.append(document)
        assert document["spent_C"] == pytest.approx(spent)
        spent += sum(run["C"] for run in document["runs"])
        train(folder, document)
        if document["stop"]:
            break
    assert designer.MOST_ROUNDS + 1 == MOST_ROUNDS
    *trained, last = documents
    assert len(trained) >= 2
    assert last["stop"]
    assert last["runs"] == []
    assert spent <= 1.01 * PILOT_C
    for document in trained:
        assert document["seed"] == document["round"]
        assert len({run["model"] for run in document["runs"]}) == len(document["runs"]) >= 1
        for run in document["runs"]:
            assert run["C"] == run["tokens"] * (run["C"] // run["tokens"])
            assert run["tokens"] == trained_tokens(run["budgets"], 256)
            assert max(run["budgets"]) <= 8192 * 256
            assert run["seconds"] > SPEED["start_s"]
        assert document["seconds"] >= max(run["seconds"] for run in document["runs"])
    # the same runs, the same design
    again = Rounds(folder, 1e15, "web", 2, SPEED).document(2, PILOT_C)
    kept = read_json(folder / "rounds" / "2.json", "pilot_round")
    assert {key: kept[key] for key in again} == again
    for document in documents:
        lines = round_lines(document)
        assert max(map(len, lines)) <= WIDTH
        table = len(document["runs"]) + 1 if document["runs"] else 0
        sentence = " ".join(line.strip() for line in lines[: len(lines) - table])
        assert sentence.endswith("(95%)")
        assert ("is known by the runs alone within" in sentence) == (document["round"] > 1)
        assert [line.split()[0] for line in lines[len(lines) - table :]][1:] == [r["model"] for r in document["runs"]]


def test_diverged_cells_are_left_out(folder):
    document = Rounds(folder, 1e15, "web", 2).document(1, PILOT_C)
    write_json(round_file(folder, 1), document, kind="pilot_round")
    train(folder, document)
    path = run_file(folder, document["runs"][0]["model"], 1)
    record = read_json(path, "run")
    record["points"][-1]["loss"] = None
    write_json(path, {key: value for key, value in record.items() if key != "sha256"})
    cells = rounds.earlier_cells(folder, 2)
    n = sum(len(run["budgets"]) for run in document["runs"])
    assert [len(column) for column in cells.values()] == [n - 1] * 5
    assert len(set(cells["trunk"])) == len(document["runs"])
    assert document["seconds"] is None


def test_minutes_become_flops_that_take_about_so_long(folder):
    found = Rounds(folder, 1e15, "web", 2, SPEED)
    pilot_C = found.flops_for(5.0)
    _, runs = found.design(1, pilot_C)
    share = sum(run["C"] for run in runs) / pilot_C
    assert found.timed(runs) / share == pytest.approx(rounds.training_seconds(5.0), rel=0.15)
    assert found.flops_for(10.0) > 1.5 * pilot_C


def test_too_few_flops_are_refused_with_what_would_do(folder):
    found = Rounds(folder, 1e15, "web", 2)
    for few in (1e8, 2e10):
        with pytest.raises(ZiplawError, match=r"FLOPs are too few .* vocabulary is 257: about .* are needed") as caught:
            found.document(1, few)
        needed = float(re.search(r"about (\S+) are needed", str(caught.value))[1])
        runs = found.document(1, needed)["runs"]
        assert len(runs) >= rounds.LEAST_SIZES
        assert sum(len(run["budgets"]) for run in runs) >= LEAST_CELLS
        assert needed < 1e11


@pytest.mark.parametrize("vocab_size", [257, 513])
def test_a_first_round_can_be_read(folder, vocab_size):
    meta = {"vocab_size": vocab_size, "context": 256, "n_train": 8192}
    write_json(folder / "corpora" / "corpus" / "meta.json", meta, kind="corpus")
    found = Rounds(folder, 1e15, "web", 2)
    cells = []
    for pilot_C in np.geomspace(2e10, 8e10, 12):
        with contextlib.suppress(ZiplawError):
            cells.append(sum(len(run["budgets"]) for run in found.document(1, pilot_C)["runs"]))
    assert len(cells) >= 3
    assert min(cells) >= LEAST_CELLS


def test_a_pilot_larger_than_what_it_plans_is_refused(folder):
    with pytest.raises(ZiplawError, match=r"^5 minutes here are \S+ FLOPs, more than 1e\+11 to be planned: give"):
        Rounds(folder, 1e11, "web", 2, SPEED).flops_for(5.0)


def test_sizes_to_try_span_the_candidates_but_no_slow_ones(folder):
    found = Rounds(folder, 1e18, "web", 2)
    small = found.to_try(1e11)
    assert small[-1] == found.candidates(1e11)[-1]
    tried = found.to_try(1e14)
    assert len(tried) == rounds.TRIED
    assert tried[0] == found.sizes[0]
    assert tried[-1].flops_per_token <= rounds.TRIED_FLOPS < found.candidates(1e14)[-1].flops_per_token
    assert [size.N for size in tried] == sorted({size.N for size in tried})
