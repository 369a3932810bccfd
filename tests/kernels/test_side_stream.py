"""Work beside the current stream: it waits for what came before, and is waited for where that is said."""

import contextlib

import pytest
import torch

from ziplaw.kernels.side_stream import SideStream


class Stream:
    def __init__(self, name, log):
        self.name, self.log = name, log

    def wait_stream(self, other):
        self.log.append(f"{self.name} waits for {other.name}")


@pytest.mark.no_gpu
def test_forked_work_has_a_wait_before_and_after_it(monkeypatch):
    log = []
    main, side = Stream("main", log), Stream("side", log)

    @contextlib.contextmanager
    def current(stream):
        log.append(f"on {stream.name}")
        yield
        log.append("on main")

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: side)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: main)
    monkeypatch.setattr(torch.cuda, "stream", current)
    beside = SideStream(torch.device("cuda"))
    with beside.fork():
        log.append("work")
    log.append("meanwhile")
    beside.join()
    assert log == ["side waits for main", "on side", "work", "on main", "meanwhile", "main waits for side"]


def test_elsewhere_it_just_runs():
    beside, log = SideStream(torch.device("cpu")), []
    with beside.fork():
        log.append("work")
    beside.join()
    assert log == ["work"]
