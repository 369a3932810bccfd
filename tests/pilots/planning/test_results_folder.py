"""A pilot's folder that is half made, damaged, or has rounds of an earlier design."""

import pytest

from ziplaw.base.documents import write_json
from ziplaw.errors import FitError
from ziplaw.pilots.planning.results_folder import PilotFolder

ROUND = {"pilot_C": 1e12, "spent_C": 0.0, "target_C": 1e15, "runs": [], "stop": None}


def write(folder, number, **changes):
    path = folder / "rounds" / f"{number}.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, {**ROUND, "round": number, **changes}, kind="pilot_round")
    return path


def test_rounds_end_with_the_one_that_ends_the_pilot(tmp_path):
    write(tmp_path, 1)
    write(tmp_path, 2, stop="the FLOPs are used")
    write(tmp_path, 3, stop="of a pilot with more FLOPs")
    pilot = PilotFolder(tmp_path)
    assert [one["round"] for one in pilot.rounds] == [1, 2]
    assert set(pilot.fingerprint()) == {"rounds/1.json", "rounds/2.json"}


def test_a_round_without_its_numbers_is_refused(tmp_path):
    write(tmp_path, 1, target_C="much")
    with pytest.raises(FitError, match=r"1\.json has no number target_C: delete it"):
        _ = PilotFolder(tmp_path).target_C


def test_a_pilot_that_has_not_ended_goes_on(tmp_path):
    with pytest.raises(FitError, match=r"holds no runs\.csv: give the folder of a pilot"):
        _ = PilotFolder(tmp_path).rows
    (tmp_path / "pilot.yaml").touch()
    with pytest.raises(FitError, match=r"holds no runs\.csv: the pilot there has not ended; `ziplaw pilot`, given as"):
        _ = PilotFolder(tmp_path).rows
