"""The line of progress."""

import io
import itertools

from ziplaw.training.meter import Meter
from ziplaw.training.recipe.schedule import plan_budgets


def test_meter(monkeypatch):
    clock = itertools.count(0, 30).__next__
    monkeypatch.setattr("ziplaw.training.meter.time.monotonic", clock)
    plans = plan_budgets([1000], 10, 0.2)
    for peak, live in ((None, False), (1e6, True)):
        meter = Meter()
        meter.stream, meter.live = io.StringIO(), live
        meter.start(plans, 10, 100, peak)
        meter.update(50, 1.5)
        meter.close()
        line = meter.stream.getvalue()
        assert "step 50/100  loss 1.5000  17 tokens/s  0.0 GFLOP/s" in line
        assert "30s left" in line
        assert ("MFU 0.2%" in line) == bool(peak)
        assert line.startswith("\r\x1b[K") == line.endswith("\r\x1b[K") == live
        assert line.endswith("\n") != live
