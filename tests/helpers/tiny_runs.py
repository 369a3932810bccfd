"""Corpora, models and runs that train in a second, for the tests of training: one run, and three of one size."""

import contextlib
from functools import cache

import numpy as np
import torch

from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.grammars.sampling import sample
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training import run as training
from ziplaw.training.ensemble import Ensemble
from ziplaw.training.members import Member
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.trainer import Trainer

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
    """Return random walks over the ids: a token and its neighbours depend on each other, so there is something to
    learn.
    """
    steps = np.random.default_rng(seed).integers(0, 3, (n, CONTEXT))
    return (np.cumsum(steps, 1) % vocabulary).astype(np.uint16)


def model(**changes):
    return ModelConfig(**{"hidden": 8, "layers": 1, "vocab_size": 21, "context": CONTEXT, **changes})


def run(corpus, out, budgets, shape=None, **settings):
    return training.train(corpus, out, shape or model(), TrainConfig(budgets, **settings))


# --- three runs of one size: two corpora, two vocabularies, different rates, decays and seeds -------------------------

BUDGETS = (640, 2500, 9000)
VOCABULARIES = (21, 13, 21)
SETTINGS = ({"seed": 0}, {"seed": 0, "learning_rate": 0.01, "weight_decay": 0.1}, {"seed": 5})


def shape(vocabulary=21, **changes):
    return model(**{"layers": 2, "vocab_size": vocabulary, **changes})


@cache
def arrays():
    """Training and held-out documents of each run; two of them share theirs."""
    by_vocabulary = {v: (documents(400, v, v), documents(9 if v == 21 else 70, v + 1, v)) for v in set(VOCABULARIES)}
    return [by_vocabulary[v] for v in VOCABULARIES]


def configs(**more):
    return [TrainConfig(list(more.get("budgets", BUDGETS)), **{**s, **more.get("each", {})}) for s in SETTINGS]


def together(batched, settings=None, models=None, **more):
    models = models or [shape(v) for v in VOCABULARIES]
    train, valid = zip(*arrays())
    return Ensemble(train, valid, models, settings or configs(), ["a", "b", "a"], batched=batched, **more)


def alone(m, settings=None, engine=None):
    one = Trainer(*arrays()[m], shape(VOCABULARIES[m]), (settings or configs())[m], "aba"[m], engine=engine)
    one.run()
    return one


def two_corpora(folder):
    """Write the corpora of the two vocabularies; return their folders."""
    folders = []
    for vocabulary in (21, 13):
        folders.append(folder / str(vocabulary))
        with CorpusWriter(folders[-1], 400, 9, CONTEXT, vocabulary, {"grammar": "test"}) as out:
            out.train[:], out.valid[:] = documents(400, vocabulary, vocabulary), documents(9, 99, vocabulary)
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


class FakeGraph:
    """Stands in for torch.cuda.CUDAGraph: what is 'captured' runs once on the idle row, a replay runs the step."""

    def replay(self):
        self.engine.step()


def fake_capture(monkeypatch):
    """Let a step be captured where there is no GPU; its graph must then be told its ``engine``."""
    for name in ("Stream", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, lambda: type("S", (), {"wait_stream": lambda self, other: None})())
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    for name in ("stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, lambda what, **_: contextlib.nullcontext())
