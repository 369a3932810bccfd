"""A run's program on the device, in Triton: look up the step's documents, and note down its loss and gradient norm.

Both read the place in the program from a cursor in device memory, so a captured graph can be replayed.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 1024


@triton.jit
def fetch_kernel(
    documents_ptr, order_ptr, cursor_ptr, out_ptr, rows, context, token_mask, BLOCK: tl.constexpr
):  # fmt: skip
    """Copy document order[cursor, row] to row ``row`` of the batch."""
    row = tl.program_id(0).to(tl.int64)
    position = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    document = tl.load(order_ptr + tl.load(cursor_ptr) * rows + row).to(tl.int64)
    tokens = tl.load(documents_ptr + document * context + position, mask=position < context, other=0)
    # torch has no arithmetic for uint16: ids past 32767 come as negative int16, and the mask undoes that
    tl.store(out_ptr + row * context + position, tokens.to(tl.int64) & token_mask, mask=position < context)


@triton.jit
def record_kernel(cursor_ptr, losses_ptr, norms_ptr, loss_ptr, norm_ptr, models, BLOCK: tl.constexpr):
    """Write the step's losses and norms at the cursor and move it on."""
    cursor = tl.load(cursor_ptr)
    model = tl.arange(0, BLOCK)
    mask = model < models
    tl.store(losses_ptr + cursor * models + model, tl.load(loss_ptr + model, mask=mask, other=0.0), mask=mask)
    tl.store(norms_ptr + cursor * models + model, tl.load(norm_ptr + model, mask=mask, other=0.0), mask=mask)
    # one program only, and every warp of it has read the cursor before one of them moves it
    tl.debug_barrier()
    tl.store(cursor_ptr, cursor + 1)


def fetch_documents(documents: Tensor, order: Tensor, cursor: Tensor) -> Tensor:
    """See :func:`ziplaw.kernels.reference.fetch_documents`."""
    rows, context = order.shape[1], documents.shape[1]
    out = torch.empty((rows, context), dtype=torch.int64, device=documents.device)
    block = min(TILE, triton.next_power_of_2(context))
    fetch_kernel[(rows, triton.cdiv(context, block))](
        documents, order, cursor, out, rows, context, 0xFFFF if documents.dtype == torch.int16 else -1, BLOCK=block
    )
    return out


def record_step(cursor: Tensor, losses: Tensor, norms: Tensor, loss: Tensor, norm: Tensor) -> None:
    """See :func:`ziplaw.kernels.reference.record_step`."""
    models = loss.numel()
    record_kernel[(1,)](cursor, losses, norms, loss, norm, models, BLOCK=triton.next_power_of_2(models))
