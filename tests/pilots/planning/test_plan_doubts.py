"""What a reader is told of a loss that lies beyond the pilot's runs."""

import pytest
from simulated_pilot import simulated_pilot

from ziplaw.pilots.planning.plan_doubts import cautions
from ziplaw.pilots.planning.plan_evidence import gather_evidence
from ziplaw.pilots.planning.results_folder import PilotFolder
from ziplaw.sweep.published_prior import read_prior
from ziplaw.sweep.reference_law import read_law

SAID = "for text is learnt faster between 3e+12 and 3e+13 FLOPs than below"


@pytest.mark.parametrize(("C", "said"), [(3.5e12, False), (4e12, True), (1e18, True)])
def test_a_loss_beyond_small_runs_of_text_is_told_with_its_shift(tmp_path, C, said):
    pilot = PilotFolder(simulated_pilot(tmp_path / "p"))
    assert pilot.column("C").max() < 3e12
    warnings = cautions(pilot, gather_evidence(pilot, C, read_prior(), read_law()), C, 0.95, [])
    assert any(SAID in text for text in warnings) is said


def test_larger_runs_and_token_ids_are_not(tmp_path):
    large = PilotFolder(simulated_pilot(tmp_path / "large", computes=(3e12, 1e13, 4e13), hidden=(48, 64, 80)))
    ids = PilotFolder(simulated_pilot(tmp_path / "ids"))
    ids.score.pop("tokenizer")
    for pilot in (large, ids):
        warnings = cautions(pilot, gather_evidence(pilot, 1e15, read_prior(), read_law()), 1e15, 0.95, [])
        assert not any(SAID in text for text in warnings)
