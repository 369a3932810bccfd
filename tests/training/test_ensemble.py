"""Several models side by side against each trained alone: gradients, bits, divergence, resuming, the command line."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from importlib import import_module

import pytest
import torch
from graph_probes import Launches, NoHostSync
from tiny_runs import CONTEXT, documents, model

from ziplaw.cli import main
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.errors import TrainError
from ziplaw.models.decoder import Decoder
from ziplaw.models.decoder_stack import Decoders, common_config
from ziplaw.models.lstm import LstmConfig
from ziplaw.training.checkpoint import Stopped
from ziplaw.training.ensemble import CHECKPOINT, Ensemble, ensemble
from ziplaw.training.members import Member
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, stretches
from ziplaw.training.steps.stacked_step import SideBySide, joint_tables
from ziplaw.training.trainer import Trainer

training = import_module("ziplaw.training.run")
BUDGETS = (640, 2500, 9000)


def shape(vocabulary=21, **changes):
    return model(**{"layers": 2, "vocab_size": vocabulary, **changes})


# three runs: two corpora, two vocabularies, different rates, decays and seeds
VOCABULARIES = (21, 13, 21)
SETTINGS = ({"seed": 0}, {"seed": 0, "learning_rate": 0.01, "weight_decay": 0.1}, {"seed": 5})


@pytest.fixture(scope="module")
def arrays():
    by_vocabulary = {v: (documents(400, v, v), documents(9 if v == 21 else 70, v + 1, v)) for v in set(VOCABULARIES)}
    return [by_vocabulary[v] for v in VOCABULARIES]


def configs(**more):
    return [TrainConfig(list(more.get("budgets", BUDGETS)), **{**s, **more.get("each", {})}) for s in SETTINGS]


def together(arrays, batched, settings=None, models=None, **more):
    models = models or [shape(v) for v in VOCABULARIES]
    train, valid = zip(*arrays)
    return Ensemble(train, valid, models, settings or configs(), ["a", "b", "a"], batched=batched, **more)


def alone(arrays, m, settings=None, engine=None):
    one = Trainer(*arrays[m], shape(VOCABULARIES[m]), (settings or configs())[m], "aba"[m], engine=engine)
    one.run()
    return one


# --- the batched model -------------------------------------------------------------------------------------------------


def both(vocabularies, dtype, pad, documents=2, compute=None, **changes):
    """A batched model and its members, with the same random weights, and documents for each."""
    models = [shape(v, **changes) for v in vocabularies]
    batched = Decoders(models, dtype=dtype, compute=compute, pad=pad)
    members = [Decoder(c, dtype=dtype, compute=compute) for c in models]
    generator = torch.Generator().manual_seed(0)
    batched.initialise(range(len(models)))
    for m, member in enumerate(members):
        member.initialise(m)
        for name, value in member.parameters.items():
            value.add_(0.2 * torch.randn(value.shape, generator=generator, dtype=torch.float64).to(dtype))
            batched.parameters[name][m, : value.shape[0]].copy_(value)
        member.refresh()
    batched.refresh()
    targets = [torch.randint(0, v, (documents, 19), generator=generator) for v in vocabularies]
    return batched, members, targets


@pytest.mark.parametrize("vocabularies", [(21,), (64, 64), (2, 64, 300)])
@pytest.mark.parametrize(("pad", "changes"), [(1, {}), (64, {"hidden": 18, "heads": 3, "intermediate": 10})])
def test_losses_and_gradients_are_those_of_each_model(vocabularies, pad, changes):
    batched, members, targets = both(vocabularies, torch.float64, pad, **changes)
    batched._chunk = lambda tokens: 16  # several chunks of logits, the last one cut
    losses = batched.loss_and_grad(torch.cat(targets))
    each = batched.token_losses(torch.cat(targets)).split(2)
    for m, (member, own) in enumerate(zip(members, targets)):
        assert torch.allclose(losses[m], member.loss_and_grad(own), rtol=1e-12)
        assert torch.allclose(each[m], member.token_losses(own), rtol=1e-11)
        for name, grad in member.grads.items():
            found = batched.grads[name][m]
            scale = grad.abs().max().clamp(min=1e-12)
            assert ((found[: len(grad)] - grad).abs().max() / scale).item() < 1e-11, name
            assert (found[len(grad) :] == 0).all(), f"{name}: padding has a gradient"


def test_bf16_errs_no_more_than_one_model_does():
    batched, members, targets = both((50, 64), torch.float32, 8, compute=torch.bfloat16, hidden=32)
    _, references, _ = both((50, 64), torch.float64, 8, hidden=32)
    losses = batched.loss_and_grad(torch.cat(targets))
    for m, (member, reference, own) in enumerate(zip(members, references, targets)):
        right, one = reference.loss_and_grad(own), member.loss_and_grad(own)
        assert abs(losses[m] - right) <= 2 * abs(one - right) + 2e-3
        for name, grad in reference.grads.items():
            error, ones = ((g - grad).norm() for g in (batched.grads[name][m, : len(grad)], member.grads[name]))
            assert error <= 2 * ones, (name, float(error), float(ones))


def test_only_decoders_of_one_size():
    assert common_config([shape(5), shape(9)]).vocab_size == 9
    for other in (shape(hidden=10), shape(layers=1), LstmConfig(8, 2, 21, CONTEXT)):
        with pytest.raises(TrainError, match="side by side"):
            common_config([shape(), other])


# --- whole runs --------------------------------------------------------------------------------------------------------


def test_turns_are_each_run_alone_bitwise(arrays):
    whole = together(arrays, batched=False)
    whole.run()
    for m, trainer in enumerate(whole.trainers):
        one = alone(arrays, m)
        assert trainer.points == one.points
        assert trainer.curve() == one.curve()
        assert torch.equal(trainer.model.flat, one.model.flat)


def test_batched_runs_agree_with_each_alone(arrays):
    """Sums in another order: 2e-3 relative, the bound that the graph step and the recorded step of a CPU keep too."""
    whole = together(arrays, batched=True)
    whole.run()
    for m, trainer in enumerate(whole.trainers):
        one = alone(arrays, m)
        assert len(trainer.curve()) == len(one.curve())
        for ours, theirs in zip(trainer.curve(), one.curve()):
            for key in ("train_loss", "loss", "loss_stderr", "grad_norm"):
                assert (ours.get(key) is None) == (theirs.get(key) is None)
                if ours.get(key) is not None:
                    assert ours[key] == pytest.approx(theirs[key], rel=2e-3), (m, key)
            assert ours["learning_rate" if "learning_rate" in ours else "D"] == theirs.get(
                "learning_rate", theirs.get("D")
            )
        assert ours["D"] == theirs["D"]


def test_batched_first_steps_agree_closely(arrays):
    settings = configs(budgets=(1280,), each={"schedule": "constant"})
    whole = together(arrays, batched=True, settings=settings)
    whole.run()
    for m, trainer in enumerate(whole.trainers):
        one = alone(arrays, m, settings)
        assert trainer.points[0]["loss"] == pytest.approx(one.points[0]["loss"], rel=2e-5)


def test_order_of_data_and_weights_do_not_depend_on_the_company(arrays):
    """A run among three is bit for bit the same run among two others: nothing crosses the model axis."""
    whole = together(arrays, batched=True)
    whole.run()
    train, valid = zip(*(arrays[m] for m in (2, 0)))
    settings = configs()
    pair = Ensemble(train, valid, [shape(), shape()], [settings[2], settings[0]], ["a", "a"], batched=True)
    pair.run()
    for mine, theirs in zip(pair.trainers, (whole.trainers[2], whole.trainers[0])):
        assert mine.points == theirs.points
        assert mine.curve() == theirs.curve()


def test_padding_is_never_learnt(arrays):
    whole = together(arrays, batched=True)
    model = whole.trainers[0].engine.engine.model
    whole.run()
    for name in ("embedding", "head"):
        assert (model.parameters[name][1, 13:] == 0).all()
        assert (model.parameters[name][0, 21:] == 0).all()


@pytest.mark.parametrize("batched", [False, True])
def test_one_that_diverges_does_not_disturb_the_others(arrays, batched):
    settings = configs()
    fine = together(arrays, batched, settings)
    fine.run()
    settings[1] = replace(settings[1], learning_rate=100.0, weight_decay=100.0)
    whole = together(arrays, batched, settings)
    whole.run()
    assert [t.diverged for t in whole.trainers] == [False, True, False]
    one = alone(arrays, 1, settings)
    assert [p["loss"] is None for p in whole.trainers[1].points] == [p["loss"] is None for p in one.points]
    assert [s.done for s in whole.trainers[1].segments] == [s.done for s in one.segments]
    for m in (0, 2):
        assert whole.trainers[m].points == fine.trainers[m].points
        assert torch.equal(whole.trainers[m].model.flat, fine.trainers[m].model.flat)


def test_a_branch_that_diverges_goes_back_to_its_trunk(arrays):
    """A run that is lost on one branch only must be at its trunk again when the others are."""
    whole = together(arrays, batched=True)
    trainer = whole.trainers[1]
    spoil = trainer.open_branch

    def open_branch():
        spoil()
        if len(trainer.points) == 1:
            trainer.model.flat.fill_(math.nan)

    trainer.open_branch = open_branch
    whole.run()
    fine = together(arrays, batched=True)
    fine.run()
    assert [p["loss"] is None for p in trainer.points] == [False, True, False]
    assert trainer.points[2] == fine.trainers[1].points[2]
    for m in (0, 2):
        assert whole.trainers[m].points == fine.trainers[m].points


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("stop", [1, 2, 5])
def test_resumed_is_bitwise_uninterrupted(arrays, batched, stop):
    settings = configs()
    settings[2] = replace(settings[2], learning_rate=100.0, weight_decay=100.0)
    fine, left, saved = together(arrays, batched, settings), [stop], []
    fine.run()

    def between(whole):
        left[0] -= 1
        if left[0] == 0:
            place, states = whole.state()
            saved.append((json.loads(json.dumps(place)), {name: value.copy() for name, value in states.items()}))
            raise Stopped

    with pytest.raises(Stopped):
        together(arrays, batched, settings, between_chunks=between).run()
    second = together(arrays, batched, settings)
    second.load_state(*saved[0])
    second.run()
    for mine, theirs in zip(second.trainers, fine.trainers):
        assert mine.points == theirs.points
        assert mine.diverged == theirs.diverged
        assert str(mine.curve()) == str(theirs.curve())
        assert torch.equal(mine._buffers()["flat"].isnan(), theirs._buffers()["flat"].isnan())


# --- what a CPU can tell about the step on a GPU -----------------------------------------------------------------------


@pytest.mark.parametrize("compute", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("vocabularies", [(64, 64), (100, 13)])
def test_whole_step_on_meta_tensors(monkeypatch, compute, vocabularies):
    """No operation of the step mixes devices or dtypes, or needs a value; the path is the one of a GPU."""
    launches = Launches(monkeypatch)
    monkeypatch.setenv("ZIPLAW_KERNELS", "triton")
    models = [shape(v, hidden=64) for v in vocabularies]
    corpora = [documents(vocabulary=v) for v in vocabularies]
    settings = [TrainConfig([20 * 4 * CONTEXT], seed=m).resolved() for m in range(2)]
    program = stretches(plan_budgets(settings[0].budgets, 4 * CONTEXT, 0.2))
    batches = [Batches(d, 4, c.seed) for d, c in zip(corpora, settings)]
    step = SideBySide(Decoders(models, "meta", compute=compute, pad=64), settings, batches, program, corpora)
    with NoHostSync():
        step.step()
    assert step.losses.shape == (21, 2)
    assert step.model.token_losses(torch.zeros((6, CONTEXT), dtype=torch.int64, device="meta")).shape == (6, CONTEXT)
    names = {name.split(".")[0] for name in launches.names}
    assert names >= {"rms_norm", "rope", "swiglu", "cross_entropy", "embedding", "adamw", "program"}


class FakeGraph:
    """Stands in for torch.cuda.CUDAGraph: a replay runs the step."""

    def replay(self):
        self.engine.step()


def test_capture_leaves_no_trace(monkeypatch, arrays):
    for name in ("Stream", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, lambda: type("S", (), {"wait_stream": lambda self, other: None})())
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    for name in ("stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, lambda what: contextlib.nullcontext())
    settings = configs(budgets=(640, 2500))
    plain, captured = (together(arrays, True, settings, capture=capture) for capture in (False, True))
    engine = captured.trainers[0].engine.engine
    engine.graph.engine = engine
    plain.run()
    captured.run()
    for mine, theirs in zip(captured.trainers, plain.trainers):
        assert mine.points == theirs.points
        assert mine.curve() == theirs.curve()


def test_corpora_are_resident_once(arrays):
    batches = [Batches(train, 4, seed) for seed, (train, _) in enumerate(arrays)]
    settings = [c.resolved() for c in configs()]
    program = stretches(plan_budgets(BUDGETS, 4 * CONTEXT, 0.2))
    whole, order, rows = joint_tables(settings, batches, program)
    assert len(whole) == 800
    assert rows.shape == (len(order), 3, 4)
    assert rows[5, :, 3].tolist() == pytest.approx([0, 0.1, 0])
    for m, b in enumerate(batches):
        assert (whole[order[2, 4 * m : 4 * m + 4].numpy()] == b[2]).all()


# --- folders -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folders = []
    for vocabulary in (21, 13):
        folder = tmp_path_factory.mktemp("corpus")
        with CorpusWriter(folder, 400, 9, CONTEXT, vocabulary, {"grammar": "test"}) as out:
            out.train[:], out.valid[:] = documents(400, vocabulary, vocabulary), documents(9, 99, vocabulary)
        folders.append(folder)
    return folders


def members(corpora, out, **more):
    plan = ((corpora[0], 21, 0), (corpora[1], 13, 0), (corpora[0], 21, 1))
    budgets = more.pop("budgets", BUDGETS)
    return [
        Member(folder, out / str(i), shape(v), TrainConfig(list(budgets), seed=seed, **more))
        for i, (folder, v, seed) in enumerate(plan)
    ]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: replace(m, config=replace(m.config, batch_documents=8)), "batch_documents is 4 for .* and 8 for"),
        (lambda m: replace(m, config=replace(m.config, budgets=(640,))), "budgets is"),
        (lambda m: replace(m, model=replace(m.model, hidden=10)), "hidden is 8"),
        (lambda m: replace(m, model=LstmConfig(8, 2, 21, CONTEXT)), "is"),
        (lambda m: replace(m, model=replace(m.model, vocab_size=20)), "the model's vocabulary is 20"),
    ],
)
def test_runs_that_do_not_fit_together(corpora, tmp_path, change, message):
    several = members(corpora, tmp_path)
    several[2] = change(several[2])
    with pytest.raises(TrainError, match=message):
        ensemble(several)
    assert not list(tmp_path.iterdir())


def test_no_folder_twice_and_no_empty_ensemble(corpora, tmp_path):
    several = members(corpora, tmp_path)
    with pytest.raises(TrainError, match="two runs would write to"):
        ensemble([several[0], replace(several[1], out_dir=tmp_path / "x" / ".." / "0")])
    with pytest.raises(TrainError, match="no runs"):
        ensemble([])


# --- command line ------------------------------------------------------------------------------------------------------


def ziplaw(*arguments, **options):
    command = [sys.executable, "-m", "ziplaw", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


SHAPE = ("--hidden", 8, "--layers", 2, "--budgets", "640,2500,9000")


def test_command_line(corpora, tmp_path, capsys):
    a, b = corpora
    outputs = [part for i in range(3) for part in ("-o", tmp_path / str(i))]
    seeds = ("--seed", 0, "--seed", 0, "--seed", 1)
    with pytest.raises(SystemExit) as ended:
        main(["train", *map(str, (a, b, a, *SHAPE, *seeds, *outputs))])
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert (printed.out.count(": loss "), printed.err) == (3, "")
    for i, member in enumerate(members(corpora, tmp_path / "alone")):
        training.train(member.corpus_dir, member.out_dir, member.model, member.config)
        assert files(tmp_path / str(i)) == files(member.out_dir)
    # one corpus, several seeds
    for arguments, message in (
        ((a, b, *SHAPE, "-o", tmp_path / "x"), "2 corpora for 1 folder"),
        ((a, *SHAPE, "--seed", 0, "--seed", 1, "-o", tmp_path / "x"), "2 seeds for 1 folder"),
        ((a, *SHAPE, "-o", tmp_path / "x", "-o", tmp_path / "y"), "the same corpus, seed and settings"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["train", *map(str, arguments)])
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_stopped_ensemble_goes_on(corpora, tmp_path):
    budgets = ("--budgets", "640,100000000", "--epochs", 100000)
    arguments = ["train", corpora[0], corpora[1], "--hidden", 8, "--layers", 2, *budgets, "--checkpoint-minutes", 0.001]
    outputs = ["-o", tmp_path / "0", "-o", tmp_path / "1"]
    command = [sys.executable, "-m", "ziplaw", *map(str, [*arguments, *outputs])]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            for _ in range(600):
                if (tmp_path / "0" / CHECKPOINT).exists() or process.poll() is not None:
                    break
                signal.sigtimedwait([], 0.1)
            process.terminate()
            _, message = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGTERM, message
    assert "the same command goes on" in message
    assert os.listdir(tmp_path / "0") == [CHECKPOINT]
    done = ziplaw(*arguments, "--seed", 1, *outputs)
    assert done.returncode == 2
    assert "run 0: seed is 0 there and 1 here" in done.stderr
