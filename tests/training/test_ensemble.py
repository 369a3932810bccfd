"""Several runs side by side against each trained alone: bits, divergence, resuming, folders."""

import json
import math
from dataclasses import replace

import pytest
import torch
from tiny_runs import CONTEXT, alone, arrays, configs, files, members, shape, together, two_corpora

from ziplaw.models.memory import memory_bytes
from ziplaw.models.shape.lstm_config import LstmConfig
from ziplaw.training import ensemble as ensembles
from ziplaw.training import run as training
from ziplaw.training.checkpoint import Stopped
from ziplaw.training.ensemble import Ensemble, ensemble
from ziplaw.training.members import USABLE
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.compiled_step import CompiledStep
from ziplaw.training.steps.graph_step import GraphStep


def test_turns_are_each_run_alone_bitwise():
    whole = together(batched=False)
    whole.run()
    for m, trainer in enumerate(whole.trainers):
        one = alone(m)
        assert trainer.points == one.points
        assert trainer.curve() == one.curve()
        assert torch.equal(trainer.model.flat, one.model.flat)


@pytest.mark.parametrize("engine", [GraphStep, CompiledStep])
def test_batched_runs_agree_with_each_alone(engine):
    """Sums in another order: 2e-5 relative, at rates by which rounding does not grow."""
    settings = [replace(config, learning_rate=rate) for config, rate in zip(configs(), (0.01, 0.005, 0.008))]
    whole = together(batched=True, settings=settings)
    whole.run()
    for m, trainer in enumerate(whole.trainers):
        one = alone(m, settings, engine=engine)
        assert len(trainer.curve()) == len(one.curve())
        for ours, theirs in zip(trainer.curve(), one.curve()):
            for key in ("train_loss", "loss", "loss_stderr", "grad_norm"):
                assert (ours.get(key) is None) == (theirs.get(key) is None)
                if ours.get(key) is not None:
                    assert ours[key] == pytest.approx(theirs[key], rel=2e-5), (m, key)
            assert ours["learning_rate" if "learning_rate" in ours else "D"] == theirs.get(
                "learning_rate", theirs.get("D")
            )
        assert ours["D"] == theirs["D"]


def test_batched_first_steps_agree_closely():
    settings = configs(budgets=(1280,), each={"schedule": "constant"})
    whole = together(batched=True, settings=settings)
    whole.run()
    for m, trainer in enumerate(whole.trainers):
        one = alone(m, settings)
        assert trainer.points[0]["loss"] == pytest.approx(one.points[0]["loss"], rel=2e-5)


def test_order_of_data_and_weights_do_not_depend_on_the_company():
    """A run among three is bit for bit the same run among two others: nothing crosses the model axis."""
    whole = together(batched=True)
    whole.run()
    train, valid = zip(*(arrays()[m] for m in (2, 0)))
    settings = configs()
    pair = Ensemble(train, valid, [shape(), shape()], [settings[2], settings[0]], ["a", "a"], batched=True)
    pair.run()
    for mine, theirs in zip(pair.trainers, (whole.trainers[2], whole.trainers[0])):
        assert mine.points == theirs.points
        assert mine.curve() == theirs.curve()


def test_padding_is_never_learnt():
    whole = together(batched=True)
    model = whole.trainers[0].engine.engine.model
    whole.run()
    for name in ("embedding", "head"):
        assert (model.parameters[name][1, 13:] == 0).all()
        assert (model.parameters[name][0, 21:] == 0).all()


@pytest.mark.parametrize("batched", [False, True])
def test_one_that_diverges_does_not_disturb_the_others(batched):
    settings = configs()
    fine = together(batched, settings)
    fine.run()
    settings[1] = replace(settings[1], learning_rate=100.0, weight_decay=100.0)
    whole = together(batched, settings)
    whole.run()
    assert [t.diverged for t in whole.trainers] == [False, True, False]
    one = alone(1, settings)
    assert [p["loss"] is None for p in whole.trainers[1].points] == [p["loss"] is None for p in one.points]
    assert [s.done for s in whole.trainers[1].segments] == [s.done for s in one.segments]
    for m in (0, 2):
        assert whole.trainers[m].points == fine.trainers[m].points
        assert torch.equal(whole.trainers[m].model.flat, fine.trainers[m].model.flat)


def test_a_branch_that_diverges_goes_back_to_its_trunk():
    """A run that is lost on one branch only must be at its trunk again when the others are."""
    whole = together(batched=True)
    trainer = whole.trainers[1]
    spoil = trainer.open_branch

    def open_branch():
        spoil()
        if len(trainer.points) == 1:
            trainer.model.flat.fill_(math.nan)

    trainer.open_branch = open_branch
    whole.run()
    fine = together(batched=True)
    fine.run()
    assert [p["loss"] is None for p in trainer.points] == [False, True, False]
    assert trainer.points[2] == fine.trainers[1].points[2]
    for m in (0, 2):
        assert whole.trainers[m].points == fine.trainers[m].points


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("stop", [1, 2, 5])
def test_resumed_is_bitwise_uninterrupted(batched, stop):
    settings = configs()
    settings[2] = replace(settings[2], learning_rate=100.0, weight_decay=100.0)
    fine, left, saved = together(batched, settings), [stop], []
    fine.run()

    def between(whole):
        left[0] -= 1
        if left[0] == 0:
            place, states = whole.state()
            saved.append((json.loads(json.dumps(place)), {name: value.clone() for name, value in states.items()}))
            raise Stopped

    with pytest.raises(Stopped):
        together(batched, settings, between_chunks=between).run()
    second = together(batched, settings)
    second.load_state(*saved[0])
    second.run()
    for mine, theirs in zip(second.trainers, fine.trainers):
        assert mine.points == theirs.points
        assert mine.diverged == theirs.diverged
        assert str(mine.curve()) == str(theirs.curve())
        assert torch.equal(mine._buffers()["flat"].isnan(), theirs._buffers()["flat"].isnan())


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return two_corpora(tmp_path_factory.mktemp("corpora"))


@pytest.mark.parametrize("more", [{}, {"arm": "tuned", "budgets": (1280,)}])
def test_every_folder_is_as_if_trained_alone(corpora, tmp_path, more):
    several = members(corpora, tmp_path / "together", **more)
    records = ensemble(several)
    for record, member, single in zip(records, several, members(corpora, tmp_path / "alone", **more)):
        expected = training.train(single.corpus_dir, single.out_dir, single.model, single.config)
        assert files(member.out_dir) == files(single.out_dir)
        assert record["points"] == expected["points"]
        assert set(files(member.out_dir)) == {"curve.csv", "run.json"}


def test_lstms_take_turns_too(corpora, tmp_path):
    several = [
        replace(m, model=LstmConfig(5, 1, m.model.vocab_size, CONTEXT))
        for m in members(corpora, tmp_path, budgets=(640,))
    ]
    records = ensemble(several)
    assert [r["model"]["architecture"] for r in records] == ["lstm"] * 3
    single = training.train(several[1].corpus_dir, tmp_path / "one", several[1].model, several[1].config)
    assert single["points"] == records[1]["points"]


def test_finished_runs_are_kept_if_asked(corpora, tmp_path):
    several = members(corpora, tmp_path, budgets=(640,))
    ensemble(several)
    before = [files(m.out_dir) for m in several]
    (several[1].out_dir / "run.json").unlink()
    with (several[2].out_dir / "curve.csv").open("a") as stream:
        stream.write("changed\n")
    first = (several[0].out_dir / "run.json").stat().st_mtime_ns
    ensemble(several, keep_finished=True)
    assert (several[0].out_dir / "run.json").stat().st_mtime_ns == first
    assert [files(m.out_dir) for m in several] == before
    changed = [replace(m, config=replace(m.config, weight_decay=0.5)) for m in several]
    records = ensemble(changed, keep_finished=True)
    assert all(r["training"]["weight_decay"] == 0.5 for r in records)


@pytest.fixture
def two_at_once(monkeypatch):
    """A device that holds two of three runs."""
    each = sum(memory_bytes(shape(), TrainConfig([1]).resolved().batch_documents, True, 400).values())
    monkeypatch.setattr(ensembles, "device_bytes", lambda device: int(2.5 * each / USABLE))


def test_runs_that_do_not_fit_side_by_side_train_batch_after_batch(corpora, tmp_path, two_at_once, capsys):
    several = members(corpora, tmp_path / "together", budgets=(640,))
    records = ensemble(several)
    assert capsys.readouterr().err == "ziplaw: the device holds 2 of 3 runs at once\n"
    for record, member, single in zip(records, several, members(corpora, tmp_path / "alone", budgets=(640,))):
        expected = training.train(single.corpus_dir, single.out_dir, single.model, single.config)
        assert record["points"] == expected["points"]
        assert files(member.out_dir) == files(single.out_dir)


def test_what_is_stopped_in_a_later_batch_goes_on_there(corpora, tmp_path, two_at_once, monkeypatch):
    several = members(corpora, tmp_path, budgets=(640,))
    trained, train = [], ensembles._train

    def stopped(batch, found, device, path, minutes, batched):
        trained.append([several.index(member) for member in batch])
        if len(trained) == 2:
            path.parent.mkdir(parents=True)
            path.touch()
            raise SystemExit(143)
        # what was only touched can be no checkpoint
        path.unlink(missing_ok=True)
        train(batch, found, device, path, minutes, batched)

    monkeypatch.setattr(ensembles, "_train", stopped)
    with pytest.raises(SystemExit):
        ensemble(several)
    records = ensemble(several)
    assert trained == [[0, 1], [2], [2]]
    assert len(records) == 3
