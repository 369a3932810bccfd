"""Every kernel against the float64 reference: the cases that run under Triton's interpreter and on a GPU alike.

Needs no pytest, so that bench/gpu.py can run them from a plain checkout.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ziplaw.kernels import attention, reference, reference_adamw
from ziplaw.kernels.backend import for_device, plain_operation
from ziplaw.models.decoder import Decoder
from ziplaw.models.decoder_stack import Decoders
from ziplaw.models.shape.decoder_config import ModelConfig

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
VOCABULARY = 21


class Reference:
    """The plain operations under the names of a device's namespace."""

    attention_forward = staticmethod(attention.blocked_forward)
    attention_backward = staticmethod(attention.blocked_backward)

    def __getattr__(self, name):
        return plain_operation(name)


@dataclass(frozen=True)
class Case:
    """``call(ops, *inputs)`` returns tensors; floating inputs are given in the case's dtype, and in float64."""

    name: str
    call: Callable
    inputs: tuple

    def __str__(self):
        return self.name


def draw(*shape, dtype=torch.float32, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def _moved(x, device, wide):
    if not isinstance(x, torch.Tensor):
        return x
    x = x.to(device)
    return x.double() if wide and x.is_floating_point() else x


@contextlib.contextmanager
def _deterministic(mode: str):
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode(mode)
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


# the plain operations include some that have no deterministic form on a GPU
@_deterministic("default")
def outcomes(case: Case, device: str = "cpu") -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Every output by the device's kernels, by plain torch in the same dtype, and in float64."""
    outputs = case.call(for_device(device), *(_moved(x, device, False) for x in case.inputs))
    plain = case.call(Reference(), *(_moved(x, device, False) for x in case.inputs))
    exact = case.call(Reference(), *(_moved(x, device, True) for x in case.inputs))
    return zip(outputs, plain, exact, strict=True)


def error_ratio(case: Case, device: str = "cpu") -> float:
    """Error of all outputs together beside that of plain torch in the same dtype, each relative to its length.

    For kernels that round at other places than plain torch: single numbers then err more or less by chance.
    """
    mine = theirs = 0.0
    for got, same, want in outcomes(case, device):
        mine += float((got.double() - want).square().sum() / want.square().sum())
        theirs += float((same.double() - want).square().sum() / want.square().sum())
    return (mine / theirs) ** 0.5


def compare(case: Case, device: str = "cpu") -> list[tuple[float, float]]:
    """(error, limit) of every output, relative to its largest value.

    The limit is twice the error of plain torch in the same dtype against float64; four units in the last place are
    added, for outputs that torch happens to get right and for sums taken in another order.
    """
    found = []
    for got, same, want in outcomes(case, device):
        assert got.shape == want.shape, case.name
        scale = want.abs().max().clamp(min=1e-6)
        error, theirs = (float((t.double() - want).abs().max() / scale) for t in (got, same))
        # a NaN, as an unwritten output has under test, must not pass for a small error
        error = float("inf") if error != error else error
        found.append((error, 2 * theirs + 4 * torch.finfo(same.dtype).eps))
    return found


@_deterministic("error")
def repeats_differ(case: Case, device: str, times: int = 10) -> bool:
    """Whether the bits of any output change from one call to the next."""
    inputs = [_moved(x, device, False) for x in case.inputs]
    first = [t.clone() for t in case.call(for_device(device), *inputs)]
    again = (case.call(for_device(device), *inputs) for _ in range(times - 1))
    return any(not torch.equal(a, b) for outputs in again for a, b in zip(first, outputs, strict=True))


def rms_norm(rows, width, residual, dtype, models=None):
    def call(ops, x, weight, grad, more, r):
        y, total, rstd = ops.rms_norm_forward(x, weight, r)
        shares = ops.norm_shares(2, len(x), weight)
        dx = ops.rms_norm_backward(grad, total, rstd, weight, shares[0])
        dt = ops.rms_norm_backward(grad, total, rstd, weight, shares[1], more)
        # the second gain's gradient before the first one's
        flat = torch.full((*weight.shape[:-1], 2 * width + 3), 7.0, dtype=x.dtype, device=x.device)
        ops.add_norm_shares(shares, torch.tensor([width + 2, 1], device=x.device), flat)
        assert (flat[..., [0, width + 1, -1]] == 7).all()
        return y, total, rstd, dx, dt, flat[..., width + 2 : -1], flat[..., 1 : width + 1]

    x, grad, more, r = (draw(rows, width, dtype=dtype, seed=i) for i in range(4))
    # gains lie among a model's other parameters
    weight = draw(width, dtype=dtype, seed=4) if models is None else draw(models, 3 * width, seed=4)[:, width:-width]
    return call, (x, weight.to(dtype), grad, more, r if residual else None)


def rope(documents, positions, heads, width, dtype):
    def call(ops, qkv):
        table = reference.rope_table(positions, width, dtype=qkv.dtype).to(qkv.device)
        turned = ops.rope_forward(qkv, table, heads)
        # gradients as attention may give them: views of one tensor, three tensors, three that lie otherwise
        views = turned.unbind(2)
        whole = [part.contiguous() for part in views]
        odd = [whole[0].transpose(1, 2).contiguous().transpose(1, 2), *whole[1:]]
        return turned, *(ops.rope_backward(*parts, table) for parts in (views, whole, odd))

    return call, (draw(documents, positions, 3 * heads * width, dtype=dtype),)


def swiglu(rows, width, dtype):
    return (
        lambda ops, x, grad: (ops.swiglu_forward(x), ops.swiglu_backward(grad, x)),
        (draw(rows, 2 * width, dtype=dtype) * 3, draw(rows, width, dtype=dtype, seed=1)),
    )


def cross_entropy(rows, padded, vocabulary, dtype):
    targets = torch.arange(rows) * 7919 % vocabulary
    targets[rows // 2] = -1
    # rising logits, so that the running maximum of the looped kernel rises from block to block
    logits = (draw(rows, padded) * 3 + torch.linspace(0, 6, padded)).to(dtype)

    def call(ops, x, targets):
        nll, grad = ops.cross_entropy_forward(x, targets, vocabulary)
        assert grad.dtype == x.dtype
        # exactly: padding and ignored labels
        assert (grad[:, vocabulary:] == 0).all()
        assert (grad[rows // 2] == 0).all()
        assert nll[rows // 2] == 0
        return nll, grad

    return call, (logits, targets)


def cross_entropies(rows, padded, vocabularies, dtype):
    """Several models, each with rows and a vocabulary of its own; padding is no number, so that its use shows."""
    sizes = torch.tensor(vocabularies, dtype=torch.int32)
    each = sizes.long().repeat_interleave(rows)
    targets = torch.arange(len(each)) * 7919 % each
    targets[rows // 2] = -1
    logits = (draw(len(each), padded) * 3).masked_fill(torch.arange(padded) >= each.unsqueeze(1), torch.nan).to(dtype)

    def call(ops, x, targets, sizes):
        nll, grad = ops.cross_entropy_forward(x, targets, sizes)
        assert (grad[torch.arange(padded, device=x.device) >= each.to(x.device).unsqueeze(1)] == 0).all()
        written = x.clone()
        same = ops.cross_entropy_in_place(written, targets, sizes, 0.25)
        assert torch.equal(same, nll)
        assert ((written - grad * 0.25).abs() <= 2**-7 * grad.abs() + 1e-7).all()
        return nll, grad

    return call, (logits, targets, sizes)


def linear_cross_entropy(rows, width, chunk, dtype):
    targets = torch.arange(rows) % VOCABULARY
    targets[[rows // 3, rows - 1]] = -1

    def call(ops, x, weight, targets):
        # as in the trainer's buffer: what the last step left there is written over, padding stays zero
        weight_grad = torch.zeros_like(weight)
        weight_grad[:VOCABULARY] = torch.nan
        loss, grad = ops.linear_cross_entropy_backward(x, weight, targets, VOCABULARY, weight_grad, chunk)
        assert (weight_grad[VOCABULARY:] == 0).all()
        losses = ops.linear_cross_entropy_loss(x, weight, targets, VOCABULARY, chunk)
        # of logits in fp32, so within some of its last digits of what these factors give in float64
        right = ops.linear_cross_entropy_loss(x.double(), weight.double(), targets, VOCABULARY, chunk)
        assert losses.dtype in (torch.float32, x.dtype)
        assert (losses - right).abs().max() <= 1e-5 * right.max()
        return loss, grad, weight_grad, losses

    return call, (draw(rows, width, dtype=dtype), draw(24, width, dtype=dtype, seed=1), targets)


def embedding(rows, width, dtype):
    tokens = torch.cat([torch.zeros(150, dtype=torch.int64), torch.arange(rows) % 4 + 2])

    def call(ops, grad, tokens):
        out = torch.empty(8, width, dtype=grad.dtype, device=grad.device)
        ops.embedding_backward(grad, ops.embedding_order(tokens, 8), out)
        assert (out[1] == 0).all()
        return (out,)

    return call, (draw(rows + 150, width, dtype=dtype), tokens)


def embed(models, documents, positions, width, dtype):
    """Look-up and gradient of one embedding, or of several among the models' other parameters."""
    tokens = torch.arange((models or 1) * documents * positions).view(-1, positions) * 5 % 7
    shape = (7, width) if models is None else (models, 7 + 2, width)

    def call(ops, weight, grad, tokens):
        weight = weight[..., -7:, :]
        x, entries = ops.embed(tokens, weight)
        assert torch.equal(ops.embed(tokens, weight, False)[1].view_as(tokens)[:, :-1], entries.view_as(tokens)[:, 1:])
        out = torch.full(shape, torch.nan, dtype=grad.dtype, device=grad.device)
        ops.embedding_backward(grad, ops.embedding_order(entries, 7 * (models or 1)), out[..., -7:, :])
        assert out[..., :-7, :].isnan().all()
        return x, out[..., -7:, :]

    return call, (draw(*shape, dtype=dtype), draw(tokens.numel(), width, dtype=dtype, seed=1), tokens)


def adamw(n, models, clip):
    shape = (n,) if models is None else (models, n)
    groups = torch.arange(n).div(max(1, n // 5), rounding_mode="floor").clamp(max=4).to(torch.uint8)
    factors = torch.stack([torch.linspace(1.0, 0.1, 5), torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0])])
    rows = reference_adamw.adamw_settings([0.01, 0.03, 0.0], 3, (0.9, 0.95), 0.1)
    rows[1, 3] = 0.0

    def call(ops, parameters, grad, first, second, groups, factors, rows):
        state = [t.clone() for t in (parameters, grad, first, second)]
        shadow = torch.empty(shape, dtype=torch.bfloat16, device=grad.device)
        norm = ops.adamw_step(*state, groups, factors, rows, clip=clip, shadow=shadow)
        # the interpreter cuts digits off where a GPU rounds
        limit = 2**-7 if grad.device.type == "cpu" else 2**-8
        assert ((shadow - state[0]).abs() <= limit * state[0].abs()).all()
        # a row alone, so that an error in one model cannot hide behind another's large numbers
        return norm, *state[0].view(-1, n), *state[2].view(-1, n), *state[3].view(-1, n)

    tensors = [draw(*shape, seed=i) for i in range(3)] + [draw(*shape, seed=4).square()]
    return call, (*tensors, groups, factors, rows[0] if models is None else rows)


def whole_pass(config, documents, pad):
    """Loss, every gradient and the token losses of a small decoder."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, config.vocab_size, (documents, config.context), generator=generator)

    def call(ops, flat, targets):
        model = Decoder(config, flat.device, dtype=flat.dtype, pad=pad)
        model.ops = ops
        model.flat.copy_(flat)
        return model.loss_and_grad(targets), model.grad, model.token_losses(targets)

    start = Decoder(config, pad=pad)
    start.initialise(0, "llama")
    return call, (start.flat * 3, targets)


def whole_layers(config, models, documents, positions, compute, seed=2):
    """Losses and every gradient of small decoders whose layers are one kernel forward and two backward."""
    from ziplaw.kernels.triton import layer

    configs = [config] * models
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, config.vocab_size, (models * documents, positions), generator=generator)

    def call(ops, flat, targets):
        wide = flat.dtype == torch.float64
        model = Decoders(configs, flat.device, dtype=flat.dtype, compute=None if wide else compute)
        model.ops = ops
        model.flat.copy_(flat)
        model.refresh()
        model.grad.fill_(torch.nan)
        rows = layer.ROWS
        # plain torch, on a CPU that interprets no kernels, has no such kernel
        if not isinstance(ops, Reference) and ops.name != "reference":
            model.whole_layers = layer.WholeLayers(config, model.weights, model.flat)
            # several blocks of a document, the last one cut
            layer.ROWS = min(rows, config.hidden)
        try:
            loss = model.loss_and_grad(targets)
            return loss, model.token_losses(targets), *model.grads.values()
        finally:
            layer.ROWS = rows

    start = Decoders(configs)
    start.initialise(range(models), "llama")
    return call, (start.flat * 3 + 0.1 * draw(*start.flat.shape, seed=seed), targets)


def cases(large: bool = False) -> Iterator[Case]:
    """Yield all cases; ``large`` adds shapes of real models, for a GPU."""
    made = []
    for dtype in DTYPES:
        sizes = [(1, 6), (37, 8), (300, 96), (5, 300)] + [(8192, 64), (1000, 2048)] * large
        made += [(rms_norm, (*size, residual, dtype)) for size in sizes for residual in (False, True)]
        made += [(rms_norm, (*size, dtype, 3)) for size in [(9, 6, True), (300, 96, False)]]
        made += [(rope, (*s, dtype)) for s in [(1, 1, 1, 2), (2, 70, 2, 6), (1, 33, 1, 64)] + [(4, 256, 8, 64)] * large]
        made += [(swiglu, (*size, dtype)) for size in [(1, 1), (7, 15), (65, 64)] + [(8192, 512)] * large]
        sizes = [(9, 12, 10), (40, 301, 301), (3, 9000, 8500), (2, 8193, 8193)] + [(512, 2048, 2001)] * large
        made += [(cross_entropy, (*size, dtype)) for size in sizes]
        sizes = [(5, 64, (64, 10, 33)), (2, 8200, (8193, 9, 8200))]
        made += [(cross_entropies, (*size, dtype)) for size in sizes]
        # a mean over thousands of tokens in fp16 needs its loss scaled; nothing here trains in fp16
        more = large and dtype != torch.float16
        made += [(linear_cross_entropy, (*s, dtype)) for s in [(50, 8, 64), (50, 8, 16)] + [(4096, 256, 1024)] * more]
        made += [(embed, (*size, dtype)) for size in [(None, 3, 5, 6), (3, 2, 9, 64)]]
        made += [(embedding, (*size, dtype)) for size in [(50, 2), (50, 300)] + [(8192, 512)] * large]
    sizes = [(9001, 0.0), (9001, 0.5), (9001, 1e3)] + [(3_000_001, 1.0)] * large
    made += [(adamw, (n, models, clip)) for n, clip in sizes for models in (None, 3)]
    made.append((whole_layers, (ModelConfig(16, 2, 11, context=40), 1, 2, 37, torch.float32)))
    made.append((whole_layers, (ModelConfig(16, 1, 11, context=40), 2, 1, 40, torch.float32)))
    for pad in (1, 8):
        made.append((whole_pass, (ModelConfig(8, 2, 11, context=20), 2, pad)))
    if large:
        made.append((whole_pass, (ModelConfig(128, 2, 2001), 4, 64)))
    for build, arguments in made:
        words = [str(a).removeprefix("torch.") for a in arguments if not isinstance(a, ModelConfig)]
        hidden = [f"h{a.hidden}" for a in arguments if isinstance(a, ModelConfig)]
        yield Case("-".join([build.__name__, *hidden, *words]), *build(*arguments))
