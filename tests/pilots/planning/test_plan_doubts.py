"""What a reader is told of a loss that lies beyond the pilot's runs."""

from pathlib import Path

import numpy as np
import pytest
from simulated_pilot import simulated_pilot

from ziplaw.base.documents import read_csv
from ziplaw.pilots.planning.plan_doubts import FASTER_BELOW, FASTER_BEYOND, LOWER, cautions
from ziplaw.pilots.planning.plan_evidence import gather_evidence
from ziplaw.pilots.planning.results_folder import PilotFolder
from ziplaw.sweep.published_prior import read_prior
from ziplaw.sweep.reference_law import read_law

ATTEMPTS = Path(__file__).parents[3] / "results" / "reference" / "pilots"
SAID = "the loss told for this much compute is probably too high"


def test_it_is_what_was_measured():
    errors = []
    for attempt in ATTEMPTS.iterdir():
        largest = {row["corpus"]: row["largest_C"] for row in read_csv(attempt / "pilots.csv")}
        for row in read_csv(attempt / "held_out.csv"):
            if row["which"] == "best":
                errors.append(row["error"])
                assert largest[row["corpus"]] < FASTER_BELOW
                assert row["C"] / largest[row["corpus"]] > FASTER_BEYOND
    lower = -np.expm1(errors)
    assert pytest.approx(LOWER, abs=0.0005) == (lower.min(), lower.max())


@pytest.mark.parametrize(("times", "said"), [(3.9, False), (4.1, True), (1e6, True)])
def test_a_loss_beyond_small_runs_of_text_is_doubted(tmp_path, times, said):
    pilot = PilotFolder(simulated_pilot(tmp_path / "p"))
    C = times * float(pilot.column("C").max())
    warnings = cautions(pilot, gather_evidence(pilot, C, read_prior(), read_law()), C, 0.95, [])
    assert any(text.startswith(SAID) for text in warnings) is said


def test_larger_runs_and_token_ids_are_not(tmp_path):
    large = PilotFolder(simulated_pilot(tmp_path / "large", computes=(3e12, 1e13, 3e13), hidden=(48, 64, 80)))
    ids = PilotFolder(simulated_pilot(tmp_path / "ids"))
    ids.score.pop("tokenizer")
    for pilot in (large, ids):
        warnings = cautions(pilot, gather_evidence(pilot, 1e15, read_prior(), read_law()), 1e15, 0.95, [])
        assert not any(text.startswith(SAID) for text in warnings)
