"""``ziplaw pilot-run``, ``pilot-round`` and ``pilot-speed``: the steps that the rules call."""

import pytest
from tiny_runs import CONTEXT, grammar_corpus
from verbs import refuses, status

from ziplaw.base.documents import read_json, write_json
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.pilots import pilot_time
from ziplaw.training import speed_trial
from ziplaw.training.speed_trial import Speed

DESIGN = {
    "round": 2,
    "seed": 2,
    "vocab_size": 21,
    "context": CONTEXT,
    "runs": [{"model": "h4", "hidden": 4, "layers": 1, "heads": 1, "budgets": [512, 1024]}],
}


@pytest.fixture
def folder(tmp_path):
    """A pilot's folder with a corpus of 4 096 documents, more than enough for the smallest pilots."""
    with CorpusWriter(tmp_path / "corpora" / "corpus", 4096, 16, CONTEXT, 21, {"text": "test"}) as out:
        out.train[:], out.valid[:] = 1, 1
    return tmp_path


def test_a_run_is_trained_as_its_round_says_and_once(tmp_path, capsys):
    corpus = grammar_corpus(tmp_path / "corpus")
    write_json(tmp_path / "2.json", DESIGN, kind="pilot_round")
    command = ["pilot-run", tmp_path / "2.json", "h4", "--corpus", corpus, "--device", "cpu", "-o", tmp_path / "s2"]
    assert status(*command) == 0
    record = read_json(tmp_path / "s2" / "run.json", "run")
    assert (record["seed"], [point["D"] for point in record["points"]]) == (2, [512, 1024])
    assert record["model"]["hidden"] == 4
    told = capsys.readouterr().out
    assert "loss " in told
    written = (tmp_path / "s2" / "run.json").stat()
    assert status(*command) == 0
    assert capsys.readouterr().out == told
    assert (tmp_path / "s2" / "run.json").stat().st_mtime_ns == written.st_mtime_ns
    command[2] = "h6"
    assert "asks for no run of 'h6'; it has h4" in refuses(capsys, *command)


def test_a_round_takes_its_flops_from_one_place(folder, capsys):
    (folder / "rounds").mkdir()
    command = ["pilot-round", folder, "1", "--flops", "1e13", "-o", folder / "rounds" / "1.json"]
    assert "exactly one of --pilot-flops and --speed" in refuses(capsys, *command)
    assert status(*command, "--pilot-flops", "2e9", "--cores", "2") == 0
    document = read_json(folder / "rounds" / "1.json", "pilot_round")
    assert (document["pilot_C"], document["target_C"], document["cores"]) == (2e9, 1e13, 2)
    assert f"1.json: Round 1: {len(document['runs'])} sizes" in capsys.readouterr().out


def test_the_trial_turns_minutes_into_flops(folder, capsys, monkeypatch):
    # a machine of 1 GFLOP/s a core, whose jobs start at once
    def tried(models, train, valid, **options):
        assert options["cores"] == 3
        return [Speed(flops(model) / 1e9, flops(model) / 3e9) for model in models]

    from ziplaw.models.shape.flops import training_flops_per_token as flops

    monkeypatch.setattr(speed_trial, "speeds", tried)
    monkeypatch.setattr(pilot_time, "start_seconds", lambda cores: 0.0)
    command = ["pilot-speed", folder, "--flops", "1e13", "--minutes", "1", "--cores", "3", "-o", folder / "speed.json"]
    assert status(*command) == 0
    found = read_json(folder / "speed.json", "pilot_speed")
    assert found["training_s"] == pilot_time.training_seconds(1)
    # three cores are rarely all at work to the end
    assert 0.5 < found["pilot_C"] / (3e9 * found["training_s"]) <= 1.01
    assert "3 core(s) train at 1 to 1 GFLOP/s each" in capsys.readouterr().out
    assert status("pilot-round", folder, "1", "--flops", "1e13", "--speed", folder / "speed.json", "-o",
                  folder / "1.json", "--force") == 0  # fmt: skip
    design = read_json(folder / "1.json", "pilot_round")
    assert (design["pilot_C"], design["cores"]) == (found["pilot_C"], 3)
    assert 0 < design["seconds"] <= found["training_s"]
