"""What made a sweep's results, at the end of its report."""

import pytest

from ziplaw.report.provenance import provenance, trained_by


@pytest.mark.parametrize(
    ("execution", "words"),
    [
        ({"device": "cpu", "step": "compiled"}, "the compiled step"),
        ({"device": "cpu", "step": "torch 2.13.0", "machine_dependent": True}, "torch 2.13.0 on a CPU"),
        ({"device": "cuda", "device_name": "NVIDIA H100", "precision": "bfloat16"}, "NVIDIA H100 in bfloat16"),
        ({}, "what its run.json does not say"),
    ],
)
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
