"""The trainer against transformers' LlamaForCausalLM trained the same way: equal quality for 1M tokens."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("transformers")
sys.path.append(str(Path(__file__).parents[2] / "bench"))

import train_cpu

from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.grammars.sampling import sample
from ziplaw.sweep.config import load_config
from ziplaw.training.device import torch_settings

TOKENS = 1 << 20


@pytest.mark.slow
def test_a_middle_size_learns_as_much(tmp_path):
    sweep = load_config(Path(__file__).parents[2] / "config" / "default.yaml")
    sizes = sorted(sweep.models.values(), key=lambda model: model.hidden)
    middle = sizes[len(sizes) // 2]
    grammar = random_grammar(**dict(sweep.datasets["g30x40"].grammar))
    context = sweep.corpus.context
    n = TOKENS // context
    with CorpusWriter(tmp_path, n, 256, context, grammar.vocab_size, {"grammar": "g30x40"}) as out:
        out.train[:] = sample(grammar, n, context)
        out.valid[:] = sample(grammar, 256, context, stream=1)
    with torch_settings(train_cpu.CPU, 1):
        row = train_cpu.quality(tmp_path, middle.hidden, middle.layers, TOKENS)
    print(row)
    assert row["D"] == TOKENS
    assert abs(row["relative_difference"]) < 0.03
    assert row["ziplaw_s"] < row["transformers_s"]
