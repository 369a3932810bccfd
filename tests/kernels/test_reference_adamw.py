"""AdamW of plain torch against torch.optim.AdamW."""

import pytest
import torch

from ziplaw.kernels import reference_adamw

torch.set_num_threads(1)


@pytest.mark.parametrize(("decay", "clip"), [(0.0, 0.0), (0.1, 0.0), (0.1, 0.5), (0.0, 1e3)])
def test_adamw_against_torch(decay, clip):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(50, generator=generator, dtype=torch.float64)
    scale = torch.where(torch.arange(50) < 20, 1.0, 0.25).double()
    mask = (torch.arange(50) >= 20).double()
    flat, first, second = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    groups = [start[:20].clone().requires_grad_(), start[20:].clone().requires_grad_()]
    optimiser = torch.optim.AdamW(
        [
            {"params": [groups[0]], "lr": 0.01, "weight_decay": 0.0},
            {"params": [groups[1]], "lr": 0.0025, "weight_decay": decay},
        ],
        betas=(0.9, 0.95),
        eps=1e-8,
    )
    for step in range(1, 6):
        grad = torch.randn(50, generator=generator, dtype=torch.float64)
        groups[0].grad, groups[1].grad = grad[:20].clone(), grad[20:].clone()
        norm = torch.nn.utils.clip_grad_norm_(groups, clip or torch.inf)
        optimiser.step()
        got = reference_adamw.adamw(
            flat,
            grad.clone(),
            first,
            second,
            scale,
            learning_rate=0.01,
            step=step,
            weight_decay=decay,
            decay_mask=mask,
            clip=clip,
        )
        assert torch.allclose(got, norm)
        assert torch.allclose(flat, torch.cat(groups).detach(), atol=1e-12)
