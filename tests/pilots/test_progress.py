"""The line of a pilot that runs: what is trained, the share of the FLOPs, the time left; rounds told once each."""

import pytest

from ziplaw.base.documents import write_json
from ziplaw.pilots.places import round_file, run_file
from ziplaw.pilots.progress import Progress
from ziplaw.pilots.workflow import Seen

RUNS = [
    {"model": "h8", "N": 1320, "budgets": [1000], "C": 1e9, "seconds": 10.0},
    {"model": "h16", "N": 5200, "budgets": [500, 1000], "C": 3e9, "seconds": 30.0},
]
BAND = {"at_C": 1e15, "sd_ln_N_before": 1.0, "sd_ln_N_after": 0.5}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rounds").mkdir()
    return tmp_path


def design(folder, round_, runs=RUNS, stop=None, spent=0.0, seconds=30.0):
    document = {"round": round_, "stop": stop, "pilot_C": 1e10, "spent_C": spent, "cores": 2, "seconds": seconds,
                "runs": runs, "band": BAND}  # fmt: skip
    write_json(round_file(folder, round_), document, kind="pilot_round")


def seen_of(*lines):
    seen = Seen()
    for line in lines:
        seen.read(line)
    return seen


def test_before_the_first_round_it_names_the_job(folder):
    progress = Progress(folder, folder, 0.95)
    assert progress.line(seen_of(), 0.0) == "starting"
    assert (
        progress.line(seen_of("Job 2: H: how compressible the corpus is"), 0.0) == "H: how compressible the corpus is"
    )


def test_shares_come_from_what_is_finished_and_from_the_logs_of_what_runs(folder, capsys):
    design(folder, 1)
    progress = Progress(folder, folder / "logs", 0.95)
    seen = seen_of("Job 7: Round 1: training h8", "Job 8: Round 1: training h16")
    progress(seen)
    began = max(at for _, at in seen.running.values())
    assert progress.line(seen, began) == "round 1, training h8 h16; 0% of 1e+10 FLOPs, about 1m15s left"
    # by the clock h16 is half done, and h8 all but done
    assert "24% of" in progress.line(seen, began + 15)
    log = folder / "logs" / "pilot_run" / "h16" / "s1.log"
    log.parent.mkdir(parents=True)
    log.write_text("step 10/100  loss 3\nstep 80/100  loss 2\n")
    run_file(folder, "h8", 1).parent.mkdir(parents=True)
    run_file(folder, "h8", 1).touch()
    line = progress.line(seen_of("Job 8: Round 1: training h16"), began)
    assert line == "round 1, training h16; 34% of 1e+10 FLOPs, about 51s left"
    # in a pipe only the design is told
    out, err = capsys.readouterr()
    assert out.startswith("Round 1: 2 sizes, 40% of the pilot's 1e+10 FLOPs, about 30s; ")
    assert err == ""


def test_every_round_is_told_once(folder, capsys):
    design(folder, 1, seconds=None, runs=[run | {"seconds": None} for run in RUNS])
    progress = Progress(folder, folder, 0.95)
    progress(seen_of())
    first = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in first[-3:]] == ["model", "h8", "h16"]
    assert "time" not in first[-3]
    progress(seen_of())
    assert capsys.readouterr().out == ""
    design(folder, 2, runs=[], stop="the FLOPs are used", spent=4e9)
    progress(seen_of())
    assert capsys.readouterr().out == (
        "The pilot ends after round 1: the FLOPs are used; the best N at 1e+15 FLOPs is known by the runs alone within "
        "a factor\n  of 2.66 either way (95%)\n"
    )


def test_a_round_that_is_made_anew_is_told_anew(folder, capsys):
    design(folder, 1)
    design(folder, 2, runs=[], stop="the FLOPs are used", spent=4e9)
    progress = Progress(folder, folder, 0.95)
    progress(seen_of())
    said = capsys.readouterr().out
    assert [said.count(text) for text in ("Round 1: 2 sizes", "The pilot ends after round 1", "h8", "h16")] == [1] * 4
    design(folder, 1)  # to the same bytes
    progress(seen_of())
    assert capsys.readouterr().out == ""
    round_file(folder, 1).unlink()
    progress(seen_of())
    design(folder, 1, runs=RUNS[1:])
    round_file(folder, 2).unlink()
    progress(seen_of())
    out = capsys.readouterr().out
    assert out.startswith("Round 1: 1 size,")
    assert [out.count(text) for text in ("Round", "The pilot ends", "h8", "h16")] == [1, 0, 0, 1]


def test_without_a_trial_the_time_left_is_by_the_speed_so_far(folder):
    design(folder, 1, seconds=None, runs=[run | {"seconds": None} for run in RUNS])
    progress = Progress(folder, folder, 0.95)
    progress(seen_of())
    seen = seen_of("Job 8: Round 1: training h16")
    assert progress.line(seen, 100.0).endswith("0% of 1e+10 FLOPs")
    run_file(folder, "h8", 1).parent.mkdir(parents=True)
    run_file(folder, "h8", 1).touch()
    assert progress.line(seen, 120.0).endswith("10% of 1e+10 FLOPs, about 3m00s left")
