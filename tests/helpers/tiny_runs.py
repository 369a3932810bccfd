"""A corpus, models and runs that train in a second, for the tests of training."""

import numpy as np
import torch

from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.grammars.sampling import sample
from ziplaw.models.decoder import ModelConfig
from ziplaw.training import run as training
from ziplaw.training.recipe.recipe import TrainConfig

torch.set_num_threads(1)
CONTEXT = 32


def grammar_corpus(folder):
    """Write 600 documents and 41 held out of a small grammar; return the folder."""
    grammar = random_grammar(4, 20, 3, 3, seed=1)
    with CorpusWriter(folder, 600, 41, CONTEXT, 21, {"grammar": "test"}) as out:
        out.train[:] = sample(grammar, 600, CONTEXT, seed=0)
        out.valid[:] = sample(grammar, 41, CONTEXT, seed=0, stream=1)
    return folder


def documents(n=400, seed=0, vocabulary=21):
    """Return random walks over the ids: a token and its neighbours depend on each other, so there is something to learn."""
    steps = np.random.default_rng(seed).integers(0, 3, (n, CONTEXT))
    return (np.cumsum(steps, 1) % vocabulary).astype(np.uint16)


def model(**changes):
    return ModelConfig(**{"hidden": 8, "layers": 1, "vocab_size": 21, "context": CONTEXT, **changes})


def run(corpus, out, budgets, shape=None, **settings):
    return training.train(corpus, out, shape or model(), TrainConfig(budgets, **settings))
