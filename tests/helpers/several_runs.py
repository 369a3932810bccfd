"""Three runs of one size: two corpora, two vocabularies, different rates, decays and seeds; in arrays and in folders."""

import contextlib
from functools import cache

import torch
from tiny_runs import CONTEXT, documents, model

from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.training.ensemble import Ensemble
from ziplaw.training.members import Member
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.trainer import Trainer

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
        monkeypatch.setattr(torch.cuda, name, lambda what: contextlib.nullcontext())
