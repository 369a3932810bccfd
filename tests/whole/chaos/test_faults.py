"""What `make chaos` would miss a fault by: that it sees every kind of difference, process, leftover and hang."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter

import clocks
import disks
import kills
import processes
import pytest
import run
import sweeps
import table
import trainers


def nothing(folder):
    """A house without the project."""


@pytest.fixture
def house(tmp_path):
    house = sweeps.House(tmp_path, {"sweep": "try"}, build=nothing)
    house.results.mkdir(parents=True)
    yield house
    processes.kill_all(house.folder)


def started(house, *command):
    return subprocess.Popen([*map(str, command)], env=house.environment(), cwd=house.folder, start_new_session=True)


def test_every_difference_is_seen(house):
    for name in ("a.csv", "runs/b.json"):
        (house.results / name).parent.mkdir(exist_ok=True)
        (house.results / name).write_text("1\n")
    undisturbed = house.files()
    assert sweeps.differing(house.files(), undisturbed) == []
    (house.results / "a.csv").write_text("2\n")
    (house.results / "runs" / "b.json").unlink()
    (house.results / ".c.part").touch()
    assert sweeps.differing(house.files(), undisturbed) == ["try/.c.part", "try/a.csv", "try/runs/b.json"]
    # one that is missing is not half written, nor is what is being written
    assert sweeps.half_written(house.files(), undisturbed) == ["try/a.csv"]


@pytest.mark.parametrize(
    "name",
    [
        ".snakemake/locks/0.input.lock",
        ".snakemake/incomplete/abc",
        "tmp/abc",
        "results/try/runs/low/h8/s0/checkpoint.npz",
        "results/try/.fits.csv.abcdefgh.part",
        "results/try/.lock",
    ],
)
def test_whatever_is_left_is_seen(house, name):
    assert house.left_over() == []
    (house.folder / name).parent.mkdir(parents=True, exist_ok=True)
    (house.folder / name).touch()
    assert house.left_over() == [name]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("python -m snakemake --cores 2", "driver"),
        ("python -m ziplaw train corpus", "trainer"),
        ("python -m ziplaw sample g.json", "sampler"),
        ("python -m ziplaw score corpus", "scorer"),
        ("python -m ziplaw fit runs.csv", "job"),
        ("/bin/bash -c set -euo pipefail; ziplaw train corpus", "shell"),
    ],
)
def test_a_process_is_known_by_its_command(words, kind):
    assert processes.kind_of(words.split()) == kind


def test_processes_of_a_house_are_found_and_those_of_others_not(house, tmp_path):
    other = sweeps.House(tmp_path / "other", {"sweep": "try"}, build=nothing)
    mine, theirs = (started(each, "sleep", 60) for each in (house, other))
    try:
        assert [one.pid for one in processes.running(house.folder)] == [mine.pid]
        row = sweeps.compared(table.Row("x", 1, ""), house, {})
        assert [one.pid for one in row.orphans] == [mine.pid]
        assert mine.wait(30) == -signal.SIGKILL
        assert theirs.poll() is None
    finally:
        theirs.kill()
        theirs.wait()


def test_a_driver_that_waits_for_ever_is_found_and_ended(house, monkeypatch):
    monkeypatch.setattr(sweeps, "HANGS_AFTER_S", 0.5)
    assert house.ended(started(house, "sleep", 600)) is None
    assert house.ended(started(house, "false")) == 1


def test_a_signal_reaches_one_process_or_its_group(house):
    for group, shell_ends in ((False, 143), (True, -15)):
        # the shell waits for its child, and tells how it ended
        shell = started(house, "sh", "-c", "sleep 60 & wait $!; exit $?")
        while len(found := processes.running(house.folder)) < 2:
            pass
        pid = shell.pid if group else next(one.pid for one in found if one.pid != shell.pid)
        assert processes.strike(pid, signal.SIGTERM, group)
        assert shell.wait(30) == shell_ends
        assert processes.gone(house.folder, 30) == []
    assert not processes.strike(shell.pid, signal.SIGTERM)


def test_the_plan_of_kills_follows_from_the_seed():
    plans = [kills.planned(random.Random(f"1/{number}"), 5) for number in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    every = [kill for number in range(60) for kill in kills.planned(random.Random(number), 5)]
    assert {kill.number for kill in every} == {signal.SIGKILL, signal.SIGTERM, signal.SIGINT}
    assert {kill.target for kill in every} == {"driver", "group", "trainer", "sampler", "scorer", "job"}


def test_times_go_where_they_should(house):
    path = house.results / "a.csv"
    path.touch()
    now = path.stat().st_mtime
    for when, least, most in ((clocks.past, -366, 0), (clocks.ahead, 0, 1.01), (clocks.behind, -0.05, -0.04)):
        clocks.set_times(house, when, random.Random(1))
        assert least <= (path.stat().st_mtime - now) / 86400 <= most


def test_memory_is_limited_from_outside(house):
    code = "import sys; print('ready', flush=True); sys.stdin.readline(); bytearray(1 << 28)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    assert trainers.limit_memory(process.pid, 1 << 20)
    assert "MemoryError" in process.communicate("go\n", timeout=30)[1]


@pytest.mark.parametrize(
    ("text", "found"),
    [("a,nan,b\n", True), ("a,b\n1,-inf\n", True), ('{"x": NaN}', True), ('{"nan": 1, "finance": 2}', False)],
)
def test_a_number_that_is_none_is_seen(text, found):
    assert bool(trainers.NOT_A_NUMBER.search(text)) == found


def test_damage_is_damage():
    data, rng = os.urandom(1000), random.Random(1)
    for damage in (trainers.flipped, trainers.cut_short, trainers.emptied, trainers.random_bytes):
        assert damage(data, rng) != data


def test_the_table_counts_over_rounds_and_hides_nothing():
    rows = [
        table.Row("kills", 1, "", Counter({"driver": 1}), kills=2),
        table.Row("kills", 2, "", Counter({"driver": 2}), kills=3, differences=["a.csv"], broken=["the driver hung"]),
    ]
    assert table.markdown(rows).splitlines()[-1] == "| kills | 2 | 5 | driver 3 | 1 | 0 | 0 | 1 |"
    assert "WRONG: a.csv; the driver hung" in table.line(rows[1])
    assert [bool(row.wrong) for row in rows] == [False, True]


def test_every_fault_has_a_name(tmp_path):
    arguments = run.parsed(["--short"])
    assert (arguments.rounds, arguments.kills) == (2, 6)
    assert tuple(run.Chaos(tmp_path, arguments).faults()) == run.FAULTS
    assert disks.may_mount(tmp_path) in (True, False)
