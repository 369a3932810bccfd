"""What a batch system is told of a training job: enough, and more for more."""

import os
import subprocess
import sys

import pytest
from houses import ROOT

from ziplaw.training.job_needs import job_needs
from ziplaw.training.recipe.recipe import TrainConfig

SHAPE = {"architecture": "llama", "hidden": 64, "layers": 2, "heads": None, "vocab_size": 301}


def needs(config=None, gpu=False, runs=1, **shape):
    return job_needs([SHAPE | shape] * runs, config or TrainConfig([1 << 24]), context=256, gpu=gpu)


@pytest.mark.parametrize("gpu", [False, True])
def test_more_takes_more(gpu):
    small, large = needs(gpu=gpu), needs(gpu=gpu, hidden=1024, layers=8)
    assert large.mem_mb > small.mem_mb
    assert large.minutes > small.minutes
    six, one = needs(gpu=gpu, runs=6, hidden=1024), needs(gpu=gpu, hidden=1024)
    # of what lies on a GPU the host holds one tensor at a time, however many runs there are
    assert (six.mem_mb == one.mem_mb) if gpu else (six.mem_mb > one.mem_mb)
    assert needs(TrainConfig([1 << 26]), gpu).minutes > small.minutes
    assert needs(TrainConfig([1 << 24], arm="tuned"), gpu).minutes > small.minutes
    assert needs(gpu=gpu, architecture="lstm").mem_mb % 500 == needs(gpu=gpu).minutes % 10 == 0


def test_the_paper_s_largest_model_fits_into_a_day_on_a_gpu():
    config = TrainConfig([100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000, 100_000_000], arm="paper")
    largest = needs(config, gpu=True, hidden=2048, layers=30, vocab_size=2001)
    assert 60 < largest.minutes < 24 * 60
    # a flat buffer of its parameters is 5.1 GB
    assert 10_000 < largest.mem_mb < 20_000


def test_a_run_stays_within_what_was_asked_for(tmp_path):
    """Memory of a real run, from the operating system."""
    before = f"import sys; sys.path.insert(0, {str(ROOT / 'pkg')!r}); from ziplaw.cli import main; main(sys.argv[1:])"

    def peak(*words):
        process = subprocess.Popen([sys.executable, "-c", before, *map(str, words)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)  # of this child alone
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss / 1024

    peak("grammar", "new", "--preset", "main-1", "-o", tmp_path / "g.json")
    peak("sample", tmp_path / "g.json", "--documents", 8, "--valid-documents", 4, "-o", tmp_path / "c")
    took = peak("train", tmp_path / "c", "--hidden", 512, "--layers", 4, "--budgets", 2048, "-o", tmp_path / "r")
    asked = needs(TrainConfig([2048]), hidden=512, layers=4, vocab_size=21).mem_mb
    print(f"peak {took:.0f} MB, asked {asked} MB")
    assert took < asked
