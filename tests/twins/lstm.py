"""The LSTM as a loop over positions of textbook operations: the twin of ziplaw.models.lstm.Lstm."""

import torch


def logits(config, p, inputs):
    """p maps parameter names to tensors; inputs (B, S); returns (B, S, V)."""
    x = p["embedding"][inputs]
    documents, positions, hidden = x.shape
    for i in range(config.layers):
        state = cell = torch.zeros((documents, hidden), dtype=x.dtype)
        outputs = []
        for t in range(positions):
            gates = x[:, t] @ p[f"layer{i}.input"].T + state @ p[f"layer{i}.state"].T + p[f"layer{i}.bias"]
            add, keep, new, shown = gates.chunk(4, -1)
            cell = keep.sigmoid() * cell + add.sigmoid() * new.tanh()
            state = shown.sigmoid() * cell.tanh()
            outputs.append(state)
        x = torch.stack(outputs, 1)
    return x @ p["head"].T
