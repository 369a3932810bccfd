"""Training: schedules, data order, runs that repeat byte for byte, branches, divergence, errors, killed runs."""

import itertools
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ziplaw.cli import main
from ziplaw.corpora.format import CorpusWriter
from ziplaw.data import AHEAD, Batches, check_supply, permuted
from ziplaw.errors import CorpusError, TrainError, ZiplawError
from ziplaw.grammar import random_grammar
from ziplaw.io import read_csv, read_json
from ziplaw.model import ModelConfig
from ziplaw.recipe import BUDGETS, TrainConfig
from ziplaw.sampling import sample
from ziplaw.schedule import plan_budgets, rate_factor

training = import_module("ziplaw.train")
trainers = import_module("ziplaw.trainer")
checkpoint = import_module("ziplaw.checkpoint")
torch.set_num_threads(1)
CONTEXT = 32


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    grammar = random_grammar(4, 20, 3, 3, seed=1)
    with CorpusWriter(folder, 600, 41, CONTEXT, 21, {"grammar": "test"}) as out:
        out.train[:] = sample(grammar, 600, CONTEXT, seed=0)
        out.valid[:] = sample(grammar, 41, CONTEXT, seed=0, stream=1)
    return folder


def model(**changes):
    return ModelConfig(**{"hidden": 8, "layers": 1, "vocab_size": 21, "context": CONTEXT, **changes})


def run(corpus, out, budgets, shape=None, **settings):
    return training.train(corpus, out, shape or model(), TrainConfig(budgets, **settings))


# --- schedules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cooldown", [0.0, 0.2, 1.0])
def test_wsd_is_trunk_then_linear_cooldown(cooldown):
    plans = plan_budgets([1000, 100], 10, cooldown)
    assert [p.budget for p in plans] == [100, 1000]
    for plan in plans:
        assert plan.D == plan.steps * 10
        assert plan.cooldown == max(1, round(cooldown * plan.steps))
        path = [rate_factor(s, plan, 5) for s in range(plan.steps)]
        assert path[: plan.branch] == [rate_factor(s, None, 5) for s in range(plan.branch)]
        falls = np.diff(path[plan.branch :])
        assert len(falls) == 0 or np.allclose(falls, falls[0])
        assert (falls < 0).all()
        assert 0 < path[-1] <= 0.5
    assert [rate_factor(s, None, 3) for s in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_cosine_is_torchs():
    plan = plan_budgets([200], 10, 0.2, "cosine")[0]
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=plan.steps)
    for step in range(plan.steps):
        assert math.isclose(rate_factor(step, plan, 0, "cosine"), theirs.get_last_lr()[0], abs_tol=1e-12)
        optimiser.step()
        theirs.step()
    assert plan.branch == 0
    assert rate_factor(7, plan, 0, "constant") == 1.0


@given(st.lists(st.integers(10, 10**6), min_size=1, max_size=6, unique=True), st.floats(0, 1))
@settings(deadline=None)
def test_plans_are_whole_steps(budgets, cooldown):
    try:
        plans = plan_budgets(budgets, 10, cooldown)
    except TrainError as error:
        assert "both round" in str(error)  # noqa: PT017
        return
    assert all(abs(p.D - p.budget) <= 5 and 0 <= p.branch < p.steps for p in plans)
    assert all(a.branch <= b.branch for a, b in itertools.pairwise(plans))


# --- data order ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 3000), st.integers(0, 2**63 - 1), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_every_epoch_visits_every_document_once(n, seed, epoch):
    positions = np.arange(epoch * n, (epoch + 1) * n)
    order = permuted(positions, n, seed)
    assert order.dtype == np.int64
    assert (np.sort(order) == np.arange(n)).all()
    assert (order[::-1] == permuted(positions[::-1], n, seed)).all()


def test_order_is_known_and_mixes():
    assert permuted(np.arange(8), 8, 0).tolist() == [5, 2, 4, 3, 7, 1, 0, 6]
    n = 5000
    order = permuted(np.arange(2 * n), n, 3)
    assert not (order[:n] == order[n:]).all()
    assert not (order[:n] == permuted(np.arange(n), n, 4)).all()
    # neighbours in the order are as far apart as in a random one: mean |difference| of n/3
    assert abs(np.abs(np.diff(order[:n])).mean() / n - 1 / 3) < 0.02


def test_batches_are_a_function_of_seed_and_step():
    documents = np.arange(700, dtype=np.uint16)[:, None].repeat(3, 1)
    forward = Batches(documents, 3, 5)
    steps = [0, 1, AHEAD - 1, AHEAD, 2 * AHEAD + 1]
    first = {step: forward[step] for step in steps}
    for step in reversed(steps):
        assert (Batches(documents, 3, 5)[step] == first[step]).all()
        assert (forward[step] == first[step]).all()
    # two steps of 3 hold the same documents as one step of 6
    assert (Batches(documents, 6, 5)[0] == np.concatenate([first[0], first[1]])).all()


# --- runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", ["mup", "paper"])
def test_branch_is_a_separate_run_bitwise(corpus, tmp_path, arm):
    settings = {"arm": arm, "batch_documents": 4}
    together = run(corpus, tmp_path / "all", [640, 2500, 7000], **settings)
    for point in together["points"]:
        alone = run(corpus, tmp_path / str(point["budget"]), [point["budget"]], **settings)
        assert alone["points"] == [point]
    assert [p["D"] for p in together["points"]] == [640, 2560, 7040]


def test_same_settings_same_bytes(corpus, tmp_path):
    for name in "ab":
        run(corpus, tmp_path / name, [640, 2560])
    for file in ("curve.csv", "run.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    other = run(corpus, tmp_path / "c", [640, 2560], seed=1)
    assert other["points"][0]["loss"] != read_json(tmp_path / "a" / "run.json")["points"][0]["loss"]


def test_golden_losses(corpus, tmp_path):
    """A change beyond rounding must come with a new versions.TRAINER; BLAS libraries differ in the last bits."""
    record = run(corpus, tmp_path, [640, 2560], shape=model(hidden=12, layers=2))
    assert record["corpus_sha256"].startswith("2c5d7ec1"), "the sampler changed: new golden losses, not a new trainer"
    assert record["versions"] == {"ziplaw_trainer": 1}
    assert [p["loss"] for p in record["points"]] == pytest.approx([2.4078257, 0.5616437], rel=1e-3)


def test_record_and_curve(corpus, tmp_path):
    record = run(corpus, tmp_path, [640, 5120], seed=3)
    on_disk = read_json(tmp_path / "run.json", "run")
    assert on_disk["points"] == record["points"]
    assert on_disk["N"] == 10 * 64 + 3 * 8
    assert on_disk["N_total"] == on_disk["N"] + 2 * 21 * 8
    assert on_disk["training"]["learning_rate"] == 0.02
    assert on_disk["training"]["budgets"] == [640, 5120]
    assert "device" not in on_disk["training"]
    text = (tmp_path / "run.json").read_text() + (tmp_path / "curve.csv").read_text()
    assert str(tmp_path) not in text
    rows = read_csv(tmp_path / "curve.csv")
    points = [row for row in rows if row["kind"] == "point"]
    assert [row["loss"] for row in points] == [p["loss"] for p in record["points"]]
    trunk = [row for row in rows if row["kind"] == "log"]
    assert [row["step"] for row in trunk] == sorted(row["step"] for row in trunk)
    assert trunk[-1]["step"] == 32  # 40 steps less a fifth
    assert trunk[0]["train_loss"] == pytest.approx(math.log(21), rel=0.02)
    assert {row["budget"] for row in rows if row["kind"] == "branch"} == {640, 5120}
    assert all(p["C"] > p["C_6nd"] > 0 and p["loss_stderr"] > 0 for p in record["points"])


def test_learns_a_grammar(corpus, tmp_path):
    record = run(corpus, tmp_path, [600 * CONTEXT], shape=model(layers=2), cooldown=0.3)
    unigram = read_json(corpus / "meta.json")["unigram_entropy"]
    point = record["points"][0]
    assert record["status"] == "finished"
    assert point["loss"] < 0.75 * unigram
    assert abs(point["loss"] - point["train_loss"]) < 0.2


def test_held_out_loss_does_not_depend_on_the_batch(corpus):
    trainer = trainers.Trainer(
        np.load(corpus / "train.npy"), np.load(corpus / "valid.npy"), model(), TrainConfig([640])
    )
    trainer.run()
    loss, stderr = trainer.evaluate()
    documents = torch.from_numpy(trainer.valid.astype(np.int64))
    each = trainer.model.token_losses(documents).double().mean(1)
    assert loss == pytest.approx(float(each.mean()), abs=1e-6)
    assert stderr == pytest.approx(float(each.std() / len(each) ** 0.5), abs=1e-6)
    assert trainer.points[0]["loss"] == loss


@pytest.mark.parametrize("graph", [False, True])
def test_published_held_out_loss(corpus, graph):
    arrays = np.load(corpus / "train.npy"), np.load(corpus / "valid.npy")
    losses = {}
    for loss in ("mean", "paper"):
        trainer = trainers.Trainer(*arrays, model(), TrainConfig([1280], loss=loss), graph=graph)
        trainer.run()
        losses[loss] = trainer.points[0]["loss"]
    nll = trainer.model.token_losses(torch.from_numpy(arrays[1].astype(np.int64))).double()
    assert losses["mean"] == pytest.approx(float(nll.mean()), abs=1e-6)
    # 41 documents: a batch of 32 and one of 9
    batches = [float(nll[:32, 1:].mean()), float(nll[32:, 1:].mean())]
    assert losses["paper"] == pytest.approx(sum(batches) / 2, abs=1e-6)
    assert trainer.config.record()["loss"] == "paper"
    assert "loss" not in TrainConfig([1280]).record()


def test_one_validation_document_has_no_standard_error(corpus):
    documents = np.load(corpus / "train.npy")
    trainer = trainers.Trainer(documents, documents[:1], model(), TrainConfig([640]))
    trainer.run()
    assert trainer.points[0]["loss_stderr"] is None


def test_weight_decay_shrinks_matrices_only(corpus):
    documents = np.load(corpus / "train.npy")
    trainer = trainers.Trainer(documents, documents[:9], model(), TrainConfig([640], weight_decay=0.5))
    decayed = {g for n, s, g in trainer.model.layout if trainer.model._views(trainer.engine.decay_mask)[n].all()}
    assert decayed == {"attention", "mlp", "head"}


def test_divergence_is_recorded(corpus, tmp_path):
    record = run(corpus, tmp_path, [128, 6400, 12800], learning_rate=100.0, weight_decay=100.0)
    assert record["status"] == "diverged"
    assert read_json(tmp_path / "run.json")["status"] == "diverged"
    assert record["points"][-1]["loss"] is None
    assert [p["budget"] for p in record["points"]] == [128, 6400, 12800]
    assert (tmp_path / "curve.csv").exists()


def test_global_state_is_left_alone(corpus, tmp_path):
    assert not torch.are_deterministic_algorithms_enabled()
    run(corpus, tmp_path, [640], threads=2)
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


# --- arms ------------------------------------------------------------------------------------------------------------


def test_arms():
    paper = TrainConfig([10**6], arm="paper").resolved()
    assert (paper.learning_rate, paper.batch_documents, paper.schedule) == (5e-5, 32, "cosine")
    assert (paper.beta1, paper.beta2, paper.epsilon, paper.clip, paper.init) == (0.9, 0.999, 1e-6, 0.0, "llama")
    assert set(paper.rate_scales(2048).values()) == {1.0}
    assert [b / 10**6 for b in BUDGETS["paper"]] == [0.1, 1, 5, 20, 50, 100]
    assert [b / 10**8 for b in BUDGETS["paper-code"]] == [0.001, 0.01, 0.1, 0.2, 0.5, 0.95]
    mup = TrainConfig([10**6]).resolved()
    unscaled = {"embedding": 1.0, "norms": 1.0, "biases": 1.0}
    assert mup.rate_scales(128) == unscaled | dict.fromkeys(("attention", "mlp", "recurrent", "head"), 0.25)
    assert TrainConfig([1], arm="tuned", learning_rate=0.1).resolved().rate_scales(128)["mlp"] == 1.0
    assert TrainConfig([1], clip=0.0).resolved().clip == 0.0


def test_descent_finds_a_minimum():
    tune = import_module("ziplaw.tune")
    assert tune.descend(lambda e: (e + 4) ** 2)[0] == -4
    best, tried = tune.descend(lambda e: (e - 2.3) ** 2)
    assert best == 2
    assert sorted(tried) == [-1, 0, 1, 2, 3]
    assert tune.descend(lambda e: math.inf if e > -3 else -e)[0] == -3
    assert tune.descend(lambda e: math.inf)[0] == -tune.STEPS_DOWN
    assert tune.descend(lambda e: 1.0)[0] == 0
    assert tune.descend(lambda e: -e)[0] == tune.STEPS_UP
    assert tune.tuning_budget((100, 1000, 125)) == 125


def test_tuned_arm_saves_its_search(corpus, tmp_path):
    record = run(corpus, tmp_path / "a", [1280, 5120], arm="tuned")
    search = record["tuning"]
    assert search["budget"] == 1280
    rates = [row["learning_rate"] for row in search["tried"]]
    best = min(search["tried"], key=lambda row: math.inf if row["loss"] is None else row["loss"])
    assert record["training"]["learning_rate"] == best["learning_rate"]
    assert len(rates) >= 3
    assert 0.02 in rates
    given = run(corpus, tmp_path / "b", [1280, 5120], arm="tuned", learning_rate=best["learning_rate"])
    assert given["points"] == record["points"]
    assert "tuning" not in given
    with pytest.raises(TrainError, match="no learning rate yet"):
        trainers.Trainer(np.zeros((99, 32), np.uint16), np.zeros((9, 32)), model(), TrainConfig([640], arm="tuned"))


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"budgets": []}, "no budgets"),
        ({"budgets": [100]}, "less than one step of 128 tokens"),
        ({"budgets": [1000, 1030]}, "both round to 8 steps"),
        ({"budgets": [10**6]}, "--epochs 53"),
        ({"budgets": [-5]}, "budget is -5"),
        ({"budgets": [1e5]}, "budget is 100000.0"),
        ({"arm": "best"}, "arm is 'best'"),
        ({"schedule": "step"}, "schedule is 'step'"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"base_hidden": 0}, "base_hidden is 0"),
        ({"batch_documents": 0}, "batch_documents is 0"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
        ({"cooldown": 1.5}, "cooldown is 1.5"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"beta2": 1.0}, "beta2 is 1.0"),
        ({"clip": -1.0}, "clip is -1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"device": "tpu"}, "device is 'tpu'"),
        ({"threads": 0}, "threads is 0"),
        ({"init": "zero"}, "init is 'zero'"),
        ({"loss": "median"}, "loss is 'median'"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
    ],
)
def test_bad_settings(corpus, tmp_path, settings, part):
    with pytest.raises(ZiplawError) as caught:
        training.train(corpus, tmp_path / "out", model(), TrainConfig(**{"budgets": [640], **settings}))
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_cuda_without_a_device(corpus, tmp_path):
    with pytest.raises(TrainError, match="no CUDA device"):
        run(corpus, tmp_path, [640], device="cuda")


@pytest.mark.parametrize(
    ("shape", "part"), [({"vocab_size": 20}, "vocabulary is 20, the corpus has 21"), ({"context": 16}, "context is 16")]
)
def test_model_must_fit_the_corpus(corpus, tmp_path, shape, part):
    with pytest.raises(TrainError, match=part):
        run(corpus, tmp_path, [640], shape=model(**shape))


def test_larger_vocabulary_and_more_epochs_are_allowed(corpus, tmp_path):
    record = run(corpus, tmp_path, [640 * CONTEXT], shape=model(vocab_size=64), epochs=2)
    assert record["model"]["vocab_size"] == 64
    check_supply(10, 5, 4, 2)


def test_missing_corpus(tmp_path):
    with pytest.raises((CorpusError, OSError)):
        run(tmp_path / "nothing", tmp_path / "out", [640])


# --- checkpoints -----------------------------------------------------------------------------------------------------


class StopAt:
    """Save and stop after so many steps, counted over trunk and branches."""

    def __init__(self, path, steps):
        self.path, self.left = path, steps

    def __call__(self, trainer):
        self.left -= 1
        if self.left == 0:
            checkpoint.save(self.path, {"run": 1}, *trainer.state())
            raise trainers.Stopped


@pytest.mark.parametrize("stop", [1, 10, 57, 60, 61, 80])
@pytest.mark.parametrize("arm", ["mup", "paper"])
def test_resumed_run_is_bitwise_the_uninterrupted_one(corpus, tmp_path, stop, arm):
    arrays = np.load(corpus / "train.npy"), np.load(corpus / "valid.npy")
    settings = TrainConfig([640, 5000, 10000], arm=arm, batch_documents=4)
    whole = trainers.Trainer(*arrays, model(), settings)
    whole.run()
    path = tmp_path / "c.npz"
    first = trainers.Trainer(*arrays, model(), settings, between_steps=StopAt(path, stop))
    with pytest.raises(trainers.Stopped):
        first.run()
    second = trainers.Trainer(*arrays, model(), settings)
    second.load_state(*checkpoint.load(path, {"run": 1}))
    second.run()
    assert second.points == whole.points
    assert second.curve() == whole.curve()
    assert torch.equal(second.model.flat, whole.model.flat)


def test_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "c.npz"
    checkpoint.save(path, {"learning_rate": 0.01, "seed": 0}, {"step": 3}, {"flat": np.arange(4.0)})
    state, arrays = checkpoint.load(path, {"learning_rate": 0.01, "seed": 0})
    assert state == {"step": 3}
    assert arrays["flat"].tolist() == [0, 1, 2, 3]
    with pytest.raises(TrainError, match=r"learning_rate is 0\.01 there and 0\.02 here"):
        checkpoint.load(path, {"learning_rate": 0.02, "seed": 0})
    assert checkpoint.load(tmp_path / "none.npz", {}) is None


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "pickle"])
def test_damaged_checkpoint(tmp_path, damage):
    path = tmp_path / "c.npz"
    checkpoint.save(path, {}, {}, {"flat": np.arange(1000.0)})
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data[len(data) // 2] ^= 255
    elif damage == "empty":
        data = b""
    elif damage == "text":
        data = b"not a checkpoint"
    path.write_bytes(data)
    if damage == "pickle":
        np.savez(path, header=np.array([{"evil": 1}], dtype=object))
    with pytest.raises(TrainError, match="delete it"):
        checkpoint.load(path, {})


def test_timer():
    timer = checkpoint.Timer(0)
    assert not timer.due()
    with timer.signals():
        os.kill(os.getpid(), signal.SIGTERM)
        assert timer.due()
    assert checkpoint.Timer(1e-9).due()
    assert not checkpoint.Timer(5).due()


def test_spikes_are_marked():
    losses = torch.linspace(3, 2, 100) + 0.01 * torch.randn(100, generator=torch.Generator().manual_seed(0))
    losses[70] += 1.0
    segment = trainers.Segment(None, 0, 100, 0, losses, torch.ones(100))
    assert segment.spikes().nonzero()[0].tolist() == [70]
    rows = segment.rows(10, 4, lambda step: 0.1)
    assert [row["spikes"] for row in rows] == [0] * 7 + [1] + [0] * 2


# --- command line ----------------------------------------------------------------------------------------------------


def ziplaw(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "ziplaw", *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
    )


def test_command_line(corpus, tmp_path, capsys):
    shape = ("--hidden", 8, "--layers", 1)
    done = ziplaw("train", corpus, *shape, "--budgets", "640,2_560", "-o", tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{tmp_path / 'run'}: loss ")
    assert "after 2560 tokens, N = " in done.stdout
    assert sorted(os.listdir(tmp_path / "run")) == ["curve.csv", "run.json"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["points"][1]["D"] == 2560
    before = {name: (tmp_path / "run" / name).read_bytes() for name in ("curve.csv", "run.json")}
    for other in (["--hidden", "12", "--layers", "1"], [*map(str, shape), "--seed", "7"]):
        with pytest.raises(SystemExit) as ended:
            main(["train", str(corpus), *other, "--budgets", "640,2_560", "-o", str(tmp_path / "run")])
        assert ended.value.code == 2
        assert "is of another run that is finished: " in (error := capsys.readouterr().err)
        assert ("hidden is 8 there and 12 here" in error) or ("seed is 0 there and 7 here" in error)
    assert before == {name: (tmp_path / "run" / name).read_bytes() for name in ("curve.csv", "run.json")}
    with pytest.raises(SystemExit) as ended:
        main(["train", str(corpus), *map(str, shape), "--budgets", "640", "--dry-run"])
    assert ended.value.code == 0
    dry = capsys.readouterr().out
    for part in ("N_total", "attention", "FLOPs a token", "MiB", "ms a step"):
        assert part in dry
    for part in ("memory CPU", "memory GPU", "tokens/s", "time H100   at least"):
        assert part in dry
    for arguments, message in (
        (("--hidden", 7, "--layers", 1, "--budgets", "640"), "hidden is 7"),
        ((*shape, "--budgets", "paper"), "the largest budget needs 3125000 documents"),
        ((*shape, "--budgets", "640", "--precision", "bf16"), "precision is bf16"),
        ((*shape, "--budgets", "640", "--vocab-size", 20), "the model's vocabulary is 20"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["train", str(corpus), *map(str, arguments), "-o", str(tmp_path / "bad")])
        assert ended.value.code == 2
        error = capsys.readouterr().err
        assert error.startswith(f"ziplaw: error: {message}")
        assert error.count("\n") == 1
    assert not (tmp_path / "bad").exists()


def test_damaged_corpus_is_noticed(corpus, tmp_path, capsys):
    damaged = tmp_path / "corpus"
    shutil.copytree(corpus, damaged)
    for part in ("train", "valid"):
        data = bytearray((corpus / f"{part}.npy").read_bytes())
        data[-1] ^= 1
        (damaged / f"{part}.npy").write_bytes(data)
        with pytest.raises(SystemExit) as ended:
            main(
                ["train", str(damaged), "--hidden", "8", "--layers", "1", "--budgets", "640", "-o", str(tmp_path / "r")]
            )
        assert ended.value.code == 2
        assert f"{part}.npy" in capsys.readouterr().err
        assert not (tmp_path / "r").exists()
        shutil.copy(corpus / f"{part}.npy", damaged)


def start_long_run(corpus, out, *more):
    arguments = ["train", corpus, "--hidden", 8, "--layers", 1, "--budgets", "640,100000000", "--epochs", 100000, *more]
    command = [sys.executable, "-m", "ziplaw", *map(str, arguments), "-o", str(out)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_killed_run_leaves_nothing(corpus, tmp_path):
    with start_long_run(corpus, tmp_path / "run") as process:
        try:
            time.sleep(5)
            assert process.poll() is None
        finally:
            process.kill()
    assert not (tmp_path / "run").exists()


def test_stopped_run_goes_on(corpus, tmp_path):
    out = tmp_path / "run"
    with start_long_run(corpus, out, "--checkpoint-minutes", 0.001) as process:
        try:
            for _ in range(300):
                time.sleep(0.1)
                if (out / checkpoint.NAME).exists():
                    break
            process.terminate()
            _, message = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    assert "the same command goes on" in message
    assert os.listdir(out) == [checkpoint.NAME]
    settings = {"budgets": [640, 100_000_000], "epochs": 100_000}
    with pytest.raises(TrainError, match="seed is 0 there and 1 here"):
        training.train(corpus, out, model(), TrainConfig(**settings, seed=1))
    done = []

    def after_one_step(trainer):
        done.append(trainer.step)
        raise trainers.Stopped

    trainer = trainers.Trainer(
        np.load(corpus / "train.npy"),
        np.load(corpus / "valid.npy"),
        model(),
        TrainConfig(**settings),
        "",
        between_steps=after_one_step,
    )
    identity = training.run_identity(trainer, read_json(corpus / "meta.json")["sha256_train"])
    trainer.load_state(*checkpoint.load(out / checkpoint.NAME, identity))
    with pytest.raises(trainers.Stopped):
        trainer.run()
    assert done[0] > 1


def test_finished_run_deletes_its_checkpoint(corpus, tmp_path):
    run(corpus, tmp_path / "plain", [640, 5120])
    config = TrainConfig([640, 5120])
    training.train(corpus, tmp_path / "saved", model(), config, checkpoint_minutes=1e-9)
    assert sorted(os.listdir(tmp_path / "saved")) == ["curve.csv", "run.json"]
    for name in ("curve.csv", "run.json"):
        assert (tmp_path / "saved" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
