"""One pilot at a time in a folder; what a killed one left running there is found, and nobody else."""

import os
import subprocess
import sys

import pytest

from ziplaw.errors import ZiplawError
from ziplaw.pilots import workplace

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]


@pytest.fixture
def sleepers(tmp_path):
    """A process of the pilot in tmp_path, and one of another's."""
    started = []
    for folder in (tmp_path, tmp_path / "another"):
        environment = os.environ | {workplace.MARK: workplace.mark(folder)}
        started.append(subprocess.Popen(SLEEP, env=environment, stdout=subprocess.PIPE))
        started[-1].stdout.readline()
    yield started
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_two_pilots_do_not_share_a_folder(tmp_path):
    with workplace.alone_in(tmp_path):
        with pytest.raises(ZiplawError, match=r"a pilot works in .* already: wait for it, or give this one another"):
            workplace.held(tmp_path)
        workplace.held(tmp_path / "another").close()
    workplace.held(tmp_path).close()


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs Linux")
def test_what_a_killed_pilot_left_is_ended_and_nothing_else(tmp_path, sleepers):
    ours, others = sleepers
    assert workplace.left_over(tmp_path) == [ours.pid]
    with workplace.alone_in(tmp_path):
        assert ours.wait(10) == -15
        assert others.poll() is None


def test_a_part_of_a_pilot_knows_its_folder(tmp_path, monkeypatch):
    assert not workplace.held_by_parent(tmp_path)
    monkeypatch.setenv(workplace.MARK, workplace.mark(tmp_path))
    assert workplace.held_by_parent(tmp_path)
    assert not workplace.held_by_parent(tmp_path / "another")
