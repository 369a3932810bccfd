"""What a run's folder says of what computed it."""

from types import SimpleNamespace

import pytest
import torch

from ziplaw.training.run_folder import execution


@pytest.mark.no_gpu
@pytest.mark.parametrize(
    ("choice", "more"), [("triton", {}), ("layers", {"kernels": "layers"}), ("reference", {"kernels": "reference"})]
)
def test_unusual_kernels_are_said(monkeypatch, choice, more):
    """They decide bits: a checkpoint is gone on with by the same ones only."""
    pytest.importorskip("triton")
    monkeypatch.setenv("ZIPLAW_KERNELS", choice)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    engine = SimpleNamespace(same_everywhere=False)
    trainer = SimpleNamespace(engine=engine, processes=None, device=torch.device("cuda"), precision="bfloat16")
    usual = {"device": "cuda", "device_name": "NVIDIA H100", "precision": "bfloat16"}
    assert execution(trainer) == usual | more
