"""A stream beside the current one, for work that the rest of a step does not wait for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


class SideStream:
    """Work forked off the current stream of a CUDA device, within a captured graph too; elsewhere it just runs.

    Tensors that the work reads must live until :meth:`join`.

    Parameters
    ----------
    device : torch.device
    """

    def __init__(self, device: torch.device):
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @contextlib.contextmanager
    def fork(self) -> Iterator[None]:
        """Run what is inside beside what the current stream does from here on."""
        if self.stream is None:
            yield
            return
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            yield

    def join(self) -> None:
        """Let the current stream wait for what was forked."""
        if self.stream is not None:
            torch.cuda.current_stream().wait_stream(self.stream)
