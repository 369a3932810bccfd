"""Where tests run: on the CPU, though a GPU be there, but for those marked gpu, which run by themselves.

What trains asks for the device `auto`; on a GPU machine a test would move there unasked, and find other digits. CUDA
reads what it may see once in a process, so the two kinds cannot share one.
"""

import os

import pytest
from _pytest.mark.expression import Expression


def _selects(config, *markers):
    expression = config.getoption("markexpr")
    return not expression or Expression.compile(expression).evaluate(lambda name, **_: name in markers)


def pytest_configure(config):
    with_gpu, others = _selects(config, "gpu"), _selects(config)
    if with_gpu and others:
        raise pytest.UsageError("tests marked gpu run by themselves: -m gpu, or leave them out: -m 'not gpu'")
    config.sees_cuda = with_gpu
    if not with_gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_report_header(config):
    return "CUDA devices: " + ("those that the environment shows" if config.sees_cuda else "hidden")


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")
