"""The stated error of an imported corpus's held-out loss against its scatter over splits, each split trained on."""

import numpy as np
import pytest
from texts import memory
from tiny_runs import model, run

from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.storage.format import open_corpus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

# twenty splits know their own scatter to 16 %; five, to 35 %, would miss .7 to 1.4 one time in three by chance
SPLITS = 20


def uneven_walks():
    """1000 files of very uneven length: walks over 20 letters by steps that half follow a common table, half the file's
    own.
    """
    rng = np.random.default_rng(6)
    common = rng.dirichlet(np.full(20, 0.2))
    files = {}
    for i in range(1000):
        steps = rng.choice(20, int(rng.lognormal(6.3, 1.1)) + 20, p=(common + rng.dirichlet(np.full(20, 0.2))) / 2)
        files[f"{i}"] = [(97 + np.cumsum(steps) % 20).astype(np.uint8).tobytes()]
    return files


def test_trained_loss_scatters_over_splits_as_its_error_says(tmp_path):
    """Seeds 0 to 19 of the split, one seed of the training."""
    source = memory(uneven_walks())
    losses, stated = [], []
    for seed in range(SPLITS):
        done = import_corpus(source, tmp_path / "c", "bytes", n_valid=256, context=32, seed=seed)
        corpus = open_corpus(tmp_path / "c")
        shape = model(hidden=16, vocab_size=corpus.vocab_size)
        point = run(tmp_path / "c", tmp_path / f"r{seed}", [200_000], shape=shape)["points"][0]
        losses.append(point["loss"])
        stated.append(point["loss_stderr"])
        assert done["valid_sources"] > 80
        assert point["loss"] < 0.97 * corpus.meta["unigram_entropy"]
    ratio = np.std(losses, ddof=1) / np.mean(stated)
    print(
        f"ratio {ratio:.2f} over {SPLITS} splits, {np.std(losses[:5], ddof=1) / np.mean(stated[:5]):.2f} over the "
        "first 5"
    )
    assert 0.7 < ratio < 1.4
