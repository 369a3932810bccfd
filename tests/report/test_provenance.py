"""What made a sweep's results, at the end of its report."""

import pytest
from sweeps_for_sentences import hold, sentences_of

from ziplaw.report.provenance import provenance, trained_by

REGISTRY = sentences_of("provenance")
# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "several_machines": (
        "trained by torch",
        "of llama, 30 runs by the compiled step and 6 runs by torch 2.13.0 on a CPU stand together",
        "planted",
    ),
    "several_versions": ("trained by two versions", "6 runs by version 1 and 30 runs by version 2", "planted"),
}


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    hold(REGISTRY[name], *CASES[name], sweep_of)


@pytest.mark.parametrize(
    ("execution", "words"),
    [
        ({"device": "cpu", "step": "compiled"}, "the compiled step"),
        ({"device": "cpu", "step": "torch 2.13.0", "machine_dependent": True}, "torch 2.13.0 on a CPU"),
        ({"device": "cuda", "device_name": "NVIDIA H100", "precision": "bfloat16"}, "NVIDIA H100 in bfloat16"),
        (
            {"device": "cuda", "device_name": "NVIDIA H100", "precision": "bfloat16", "processes": 8},
            "8 x NVIDIA H100 in bfloat16",
        ),
        (
            {"device": "cuda", "device_name": "NVIDIA H100", "precision": "bfloat16", "kernels": "layers"},
            "NVIDIA H100 in bfloat16 by layers kernels",
        ),
        ({}, "what its run.json does not say"),
    ],
)
@pytest.mark.no_gpu
def test_words_for_what_computed_a_run(execution, words):
    assert trained_by(execution) == words


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("planted", "the compiled step, 36 runs"),
        ("trained by torch", "the compiled step, 30 runs; torch 2.13.0 on a CPU, 6 runs"),
        ("no curves", "–"),
    ],
)
def test_all_runs_are_counted_by_what_computed_them(case, words, sweep_of):
    sweep = sweep_of(case)
    assert provenance(sweep, sweep.folder, None)["trained by"] == words
