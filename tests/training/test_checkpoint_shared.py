"""Processes save and stop at one step, whoever was told to; one of them writes."""

import signal

import pytest
from teams import in_threads

from ziplaw.training import checkpoint
from ziplaw.training.checkpoint import ASK_STEPS, SharedTimer


class Work:
    def __init__(self, step):
        self.step = step

    def state(self):
        return {"step": self.step}, {}


def told(processes, path, told_at, steps=4 * ASK_STEPS):
    """Where a process stopped, or None; the second one is told to at a step."""
    timer = SharedTimer(processes, 0)
    for step in range(1, steps + 1):
        if processes.rank == 1 and step == told_at:
            timer.stopped_by = signal.SIGTERM
        try:
            timer.save_if_due(path, Work(step), lambda: {"run": "this"})
        except checkpoint.Stopped:
            assert timer.stopped_by == signal.SIGTERM
            return step
    return None


@pytest.mark.parametrize(("told_at", "stops"), [(1, ASK_STEPS), (ASK_STEPS, ASK_STEPS), (ASK_STEPS + 1, 2 * ASK_STEPS)])
def test_a_signal_to_one_stops_all_at_one_step(tmp_path, told_at, stops):
    path = tmp_path / "checkpoint.npz"
    assert in_threads(2, lambda processes: told(processes, path, told_at)) == [stops, stops]
    assert checkpoint.load(path, {"run": "this"}) == ({"step": stops}, {})


def test_the_first_one_s_clock_counts_and_it_alone_writes(tmp_path, monkeypatch):
    path, saved = tmp_path / "c", []
    monkeypatch.setattr(checkpoint, "save", lambda path, *_: saved.append(path))
    for clock, times in ((0, 4), (1, 0)):
        monkeypatch.setattr(SharedTimer, "due", lambda self, clock=clock: self.processes.rank == clock)
        assert in_threads(2, lambda processes: told(processes, path, None)) == [None, None]
        assert saved == [path] * times
        saved.clear()
