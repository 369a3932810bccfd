"""What users run, for the part `correctness` of bench/gpu.py: models side by side, LSTMs, files, checkpoints, the verb.

All of it on the bench's device; under --dry-run that is the CPU.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from ziplaw.models.lstm import Lstm
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.lstm_config import LstmConfig
from ziplaw.training import checkpoint
from ziplaw.training.ensemble import Ensemble, ensemble
from ziplaw.training.members import Member
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.run import train
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.trainer import Trainer

Arrays = tuple[np.ndarray, np.ndarray]
# of gradients in fp32 against float64: rounding gives some 1e-6, TF32 some 1e-3
FP32_ERROR = 3e-5


def verdict(bench, case: str, passed: bool, value: object = None, note: str = "") -> bool:
    """Write the row of a check, with a number where there is one; return whether it passed."""
    metric = ("passed" if value is None else "error") if passed else "failed"
    bench.row("correctness", case, metric, int(passed) if value is None else value, "", note)
    return passed


def config(bench, steps: int, **settings) -> TrainConfig:
    """Return the settings of a run of so many steps, measured half-way and at its end."""
    tokens = bench.documents * bench.context
    given = {"batch_documents": bench.documents, "epochs": 10**6, "device": bench.device.type}
    return TrainConfig([steps // 2 * tokens, steps * tokens], **given, **settings)


def decoders(bench, hidden: int, arrays: Arrays) -> list[tuple[ModelConfig, TrainConfig, Arrays]]:
    """Three runs of one size: another seed, another rate and decay, another corpus of a smaller vocabulary."""
    steps = 8 if bench.dry else 100
    size, small = bench.vocab_size, bench.vocab_size // 2
    shapes = [ModelConfig(hidden, 2, v, context=bench.context) for v in (size, size, small)]
    changes = ({}, {"seed": 1, "learning_rate": 0.005, "weight_decay": 0.1}, {})
    narrow = (arrays[0] % small, arrays[1] % small)
    configs = [config(bench, steps, precision="fp32", **change) for change in changes]
    return list(zip(shapes, configs, (arrays, arrays, narrow)))


def side_by_side(bench, hidden: int, arrays: Arrays) -> bool:
    """Check decoders that train as one: each as by itself at first, and twice the same bits."""
    runs = decoders(bench, hidden, arrays)

    def together() -> Ensemble:
        shapes, configs, documents = zip(*runs)
        whole = Ensemble(*zip(*documents), shapes, configs, "aab", batched=True)
        whole.run()
        return whole

    first, second = together(), together()
    pairs = list(zip(first.trainers, second.trainers))
    same = all(torch.equal(a.model.flat, b.model.flat) and a.points == b.points for a, b in pairs)
    worst, steps = 0.0, 8 if bench.dry else 20
    for (shape, settings, documents), seat, sha256 in zip(runs, first.trainers, "aab"):
        alone = Trainer(*documents, shape, settings, sha256, engine=GraphStep)
        alone.run()
        theirs, mine = (one.engine.losses[:steps].double().cpu() for one in (alone, seat))
        worst = max(worst, float(((mine - theirs).abs() / theirs).max()))
    case = f"h={hidden} side by side"
    good = verdict(bench, f"{case}, repeated: bit-equal", same)
    return verdict(bench, f"{case} against each alone", worst < 1e-3, worst, f"relative, first {steps} steps") and good


def lstm(bench, hidden: int, arrays: Arrays) -> bool:
    """Check the LSTM: gradients in fp32, not TF32, against float64 on a CPU; repeated runs have the same bits."""
    shape = LstmConfig(hidden, 2, bench.vocab_size, context=bench.context)
    here, there = Lstm(shape, bench.device, pad=64), Lstm(shape, "cpu", dtype=torch.float64, pad=64)
    for one in (here, there):
        # a mup head begins as zero, and lets no gradient through
        one.initialise(0, "llama")
        one.flat.mul_(5.0)
    targets = torch.from_numpy(arrays[0][: bench.documents].astype(np.int64))
    here.loss_and_grad(targets.to(bench.device))
    there.loss_and_grad(targets)
    error = float((here.grad.double().cpu() - there.grad).norm() / there.grad.norm())
    good = verdict(bench, f"h={hidden} lstm, gradient in fp32", error < FP32_ERROR, error, "against float64 on a CPU")
    runs = [Trainer(*arrays, shape, config(bench, 8 if bench.dry else 50), engine=GraphStep) for _ in range(2)]
    for one in runs:
        one.run()
    a, b = runs
    same = torch.equal(a.model.flat, b.model.flat) and a.points == b.points
    return verdict(bench, f"h={hidden} lstm, repeated: bit-equal", same) and good


@contextlib.contextmanager
def stopped_after(calls: int) -> Iterator[None]:
    """Let training be told to stop when it has asked so many times whether it is."""
    left = [calls]

    def due(timer: checkpoint.Timer) -> bool:
        left[0] -= 1
        if left[0] == 0:
            timer.stopped_by = signal.SIGTERM
        return timer.stopped_by is not None

    status = None
    # what it says of its checkpoint is for people
    with mock.patch.object(checkpoint.Timer, "due", due), contextlib.redirect_stderr(io.StringIO()):
        try:
            yield
        except SystemExit as end:
            status = end.code
    assert status == 128 + signal.SIGTERM, f"it ended with {status}"


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def files(bench, hidden: int, arrays: Arrays) -> bool:
    """Check runs as files: by the verb as from Python; resumed from a checkpoint, alone and side by side."""
    from ziplaw.corpora.storage.format import CorpusWriter

    runs, good = decoders(bench, hidden, arrays), True
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for i, (shape, _, documents) in enumerate(runs):
            sizes = [len(part) for part in documents]
            with CorpusWriter(work / f"corpus{i}", *sizes, bench.context, shape.vocab_size, {"bench": i}) as out:
                out.train[:], out.valid[:] = documents

        def members(folder: str) -> list[Member]:
            return [
                Member(work / f"corpus{i}", work / folder / str(i), shape, settings)
                for i, (shape, settings, _) in enumerate(runs)
            ]

        def alone(folder: str) -> None:
            one = members(folder)[0]
            train(one.corpus_dir, one.out_dir, one.model, one.config)

        ways: dict[str, tuple[Callable[[str], object], int, int]] = {
            "alone": (alone, 1, 6),
            "side by side": (lambda folder: ensemble(members(folder), batched=True), len(runs), 2),
        }
        for way, (do, count, calls) in ways.items():
            do(f"{way}, whole")
            with stopped_after(calls):
                do(f"{way}, resumed")
            there = list((work / f"{way}, resumed").rglob("*.npz"))
            do(f"{way}, resumed")
            whole, resumed = (
                [_contents(work / f"{way}, {how}" / str(i)) for i in range(count)] for how in ("whole", "resumed")
            )
            passed = len(there) == 1 and whole == resumed
            good &= verdict(bench, f"h={hidden} {way}, resumed from its file: bytes equal", passed)
        shape, settings, _ = runs[0]
        words = ["--hidden", shape.hidden, "--layers", shape.layers]
        words += ["--budgets", ", ".join(map(str, settings.budgets))]
        words += ["--batch-documents", settings.batch_documents, "--epochs", settings.epochs, "--precision", "fp32"]
        words += ["--device", bench.device.type, "-o", work / "verb"]
        command = [sys.executable, "-m", "ziplaw", "train", work / "corpus0", *words]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        passed = done.returncode == 0 and _contents(work / "verb") == _contents(work / "alone, whole" / "0")
        good &= verdict(bench, f"h={hidden} ziplaw train: bytes equal", passed, note=done.stderr[-200:])
    return good


def built(device: torch.device) -> bool:
    """Whether the cores are there that make a corpus, and on a CPU train on it."""
    try:
        for name in ("_numerics", *(["_decoder"] if device.type == "cpu" else [])):
            importlib.import_module(f"ziplaw.{name}")
    except ImportError:
        return False
    return True


def run(bench, hidden: int, arrays: Arrays) -> bool:
    """Run all of these; False when one failed, which does not keep the others from running."""
    good = True
    for check in (side_by_side, lstm, files):
        case = f"h={hidden} {check.__name__}"
        if bench.late("correctness", case):
            continue
        if check is files and not built(bench.device):
            bench.row("correctness", case, "left out", "", note="the cores are not built: setup.py build_ext --inplace")
            continue
        good &= bench.attempt("correctness", case, check, bench, hidden, arrays) is True
    return good
