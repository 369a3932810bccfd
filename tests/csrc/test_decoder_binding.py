"""The binding of the decoder's core (``ext/_decoder.pyx``): what it refuses, and what changes no bit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ziplaw import _decoder
from ziplaw.errors import TrainError

SHAPE = {"hidden": 8, "layers": 2, "heads": 2, "intermediate": 13, "vocabulary": 21, "positions": 19}
ADAM = {"rate": 0.01, "step": 1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1, "clip": 1.0}


class Buffers:
    """What a pass is given, by name, and the pass."""

    def __init__(self, documents=2, **changes):
        self.passes = _decoder.Passes(**(SHAPE | changes))
        random = np.random.default_rng(0)
        size = self.passes.size
        self.given = {
            "parameters": random.normal(0, 0.3, size).astype(np.float32),
            "tokens": random.integers(0, SHAPE["vocabulary"], (documents, SHAPE["positions"])).astype(np.uint32),
            "share": 0.01,
            "losses": np.empty((documents, SHAPE["positions"]), np.float32),
            "gradient": np.empty(size, np.float32),
            "scratch": np.empty(self.passes.scratch_floats(True), np.float32),
        }

    def gradient(self, **changes):
        self.passes.gradient(**(self.given | changes))
        return self.given["losses"].tobytes(), self.given["gradient"].tobytes()

    def losses(self, **changes):
        given = {name: self.given[name] for name in ("parameters", "tokens", "losses", "scratch")}
        self.passes.losses(**(given | changes))
        return self.given["losses"].tobytes()


@pytest.fixture
def buffers():
    return Buffers()


# shapes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        *({name: bad} for name in SHAPE for bad in (0, -1, -(2**31), 2**31, 2**70, 1.5, "8", None, True)),
        {"hidden": 7, "heads": 1},
        {"hidden": 16386, "heads": 1},
        {"hidden": 8, "heads": 8},
        {"hidden": 8, "heads": 3},
        {"hidden": 12, "heads": 4},
        {"layers": 1025},
        {"intermediate": 2**22 + 1},
        {"vocabulary": 1},
        {"positions": 2**20 + 1},
    ],
)
def test_shapes_that_are_refused(changes):
    with pytest.raises(TrainError) as error:
        _decoder.Passes(**(SHAPE | changes))
    name, value = next(iter(changes.items()))
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    assert str(value)[:20] in str(error.value)


@pytest.mark.parametrize("changes", [{"hidden": 16384, "heads": 8192}, {"layers": 1024}, {"intermediate": 2**22}])
def test_sizes_at_their_limits_are_counted(changes):
    passes = _decoder.Passes(**(SHAPE | changes))
    s = SHAPE | changes
    h, m, layers, vocabulary = s["hidden"], s["intermediate"], s["layers"], s["vocabulary"]
    assert passes.size == 2 * vocabulary * h + (2 * layers + 1) * h + layers * (4 * h * h + 3 * m * h)
    assert passes.scratch_floats(True) > passes.scratch_floats(False) > 0


def test_a_pass_cannot_be_without_a_shape():
    for make in (_decoder.Passes, lambda: _decoder.Passes.__new__(_decoder.Passes)):
        with pytest.raises(TypeError):
            make()


# buffers ---------------------------------------------------------------------------------------------------------

FLOATS = ("parameters", "losses", "gradient", "scratch")


@pytest.mark.parametrize("name", [*FLOATS, "tokens"])
def test_buffers_of_another_kind_are_refused(buffers, name):
    right = buffers.given[name]
    before = buffers.gradient()
    strided = np.repeat(right, 2, axis=-1)[..., ::2]
    flat = right.reshape(-1) if right.ndim == 2 else right[None]
    others = [np.zeros(right.shape, kind) for kind in (np.float64, np.float16, np.int32, np.int64, ">f4")]
    for given in (*others, strided, flat, right[..., None]):
        with pytest.raises(ValueError, match=r"[Bb]uffer|contiguous"):
            buffers.gradient(**{name: given})
    for given in (None, 3.0, right.tolist()):
        with pytest.raises(TypeError):
            buffers.gradient(**{name: given})
    assert buffers.gradient() == before


@pytest.mark.parametrize("name", ["losses", "gradient", "scratch"])
def test_what_is_written_cannot_be_read_only(buffers, name):
    buffers.given[name].flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        buffers.gradient()


def test_what_is_read_may_be_read_only(buffers):
    before = buffers.gradient()
    for name in ("parameters", "tokens"):
        buffers.given[name].flags.writeable = False
    assert buffers.gradient() == before


@pytest.mark.parametrize("name", [*FLOATS, "tokens"])
@pytest.mark.parametrize("more", [-1, 1])
def test_buffers_of_another_size_are_refused(buffers, name, more):
    shape = list(buffers.given[name].shape)
    shape[-1] += more
    given = np.zeros(shape, buffers.given[name].dtype)
    if (name, more) == ("scratch", 1):
        buffers.gradient(scratch=given)
    else:
        with pytest.raises(TrainError):
            buffers.gradient(**{name: given})
        if name != "gradient" and name != "scratch":
            with pytest.raises(TrainError):
                buffers.losses(**{name: given})


def test_an_evaluation_needs_less_scratch_space(buffers):
    floats = buffers.passes.scratch_floats(False)
    buffers.losses(scratch=np.empty(floats, np.float32))
    with pytest.raises(TrainError, match=f"{floats - 1} floats of scratch"):
        buffers.losses(scratch=np.empty(floats - 1, np.float32))


def test_documents_of_losses_and_tokens_must_agree(buffers):
    with pytest.raises(TrainError, match="must have 19 columns and agree"):
        buffers.gradient(losses=np.empty((3, 19), np.float32))


def test_a_gradient_is_of_one_group():
    group = Buffers().passes.group
    assert group > 1
    Buffers(group).gradient()
    for documents in (0, group + 1):
        with pytest.raises(TrainError, match=f"1 to {group} documents"):
            Buffers(documents).gradient()


def test_losses_of_no_document_and_of_several_groups():
    assert Buffers(0).losses() == b""
    many = Buffers(2 * Buffers().passes.group + 3)
    tokens = many.given["tokens"]
    whole = many.losses()
    one = Buffers(1)
    assert b"".join(one.losses(tokens=row[None]) for row in tokens) == whole


@pytest.mark.parametrize("wrong", [21, 22, 2**31, 2**32 - 1])
@pytest.mark.parametrize("place", [(0, 0), (1, 18)])
def test_ids_at_the_vocabularys_size_are_refused(buffers, wrong, place):
    buffers.given["tokens"][place] = wrong
    for call in (buffers.gradient, buffers.losses):
        with pytest.raises(TrainError, match=f"token {wrong} is not below the vocabulary's size, 21"):
            call()
    buffers.given["tokens"][place] = 20
    buffers.gradient()


@pytest.mark.parametrize("floats", [-1, 2**50 + 1, 2**62, 2**70, 1.5, None])
def test_scratch_space_that_cannot_be(floats):
    with pytest.raises(TrainError, match="scratch space is"):
        _decoder.Scratch(floats)


def test_scratch_space_is_aligned_and_zero():
    for floats in (0, 1, 1000):
        space = np.asarray(memoryview(_decoder.Scratch(floats)))
        assert space.shape == (max(floats, 1),)
        assert space.ctypes.data % 64 == 0
        assert not space.any()


# sums and the optimiser ------------------------------------------------------------------------------------------


def test_sums_of_unequal_lengths_are_refused():
    with pytest.raises(TrainError, match="3 floats cannot be added to 4"):
        _decoder.add(np.zeros(3, np.float32), np.zeros(4, np.float32))
    with pytest.raises(TypeError):
        _decoder.add(None, np.zeros(4, np.float32))
    _decoder.add(np.zeros(0, np.float32), np.zeros(0, np.float32))


def moments(n=37):
    random = np.random.default_rng(1)
    return [random.normal(0, 1, n).astype(np.float32) for _ in range(3)] + [np.ones(n, np.float32)]


@pytest.mark.parametrize(
    "stretches",
    [
        [],
        [(36, 1.0, 1.0)],
        [(38, 1.0, 1.0)],
        [(-1, 1.0, 1.0), (38, 1.0, 1.0)],
        [(2**63, 1.0, 1.0), (37 - 2**63, 1.0, 1.0)],
        [(37.0, 1.0, 1.0)],
        [("37", 1.0, 1.0)],
    ],
)
def test_stretches_that_do_not_add_up_are_refused(stretches):
    before = [b.tobytes() for b in moments()]
    given = moments()
    with pytest.raises(TrainError, match="stretch"):
        _decoder.adamw(*given, stretches, **ADAM)
    assert [b.tobytes() for b in given] == before


@pytest.mark.parametrize("stretches", [None, 37, [37], [(37, 1.0)], [(37, "1", None)], [(37, 1.0, 1.0, 1.0)]])
def test_stretches_of_another_form_are_refused(stretches):
    with pytest.raises((TypeError, ValueError)):
        _decoder.adamw(*moments(), stretches, **ADAM)


@pytest.mark.parametrize("which", range(4))
def test_moments_of_unequal_lengths_are_refused(which):
    given = moments()
    given[which] = given[which][:-1]
    with pytest.raises(TrainError, match="all four buffers must agree"):
        _decoder.adamw(*given, [(37, 1.0, 1.0)], **ADAM)
    given[which] = None
    with pytest.raises(TypeError):
        _decoder.adamw(*given, [(37, 1.0, 1.0)], **ADAM)


@pytest.mark.parametrize("step", [0, -1])
def test_steps_count_from_one(step):
    with pytest.raises(TrainError, match="steps count from 1"):
        _decoder.adamw(*moments(), [(37, 1.0, 1.0)], **(ADAM | {"step": step}))


def test_nothing_to_optimise_is_refused():
    with pytest.raises(TrainError, match="over 0 gradients"):
        _decoder.adamw(*moments(0), [], **ADAM)


def test_stretches_may_be_empty_and_odd():
    whole, cut = moments(), moments()
    norm = _decoder.adamw(*whole, [(37, 0.5, 1.0)], **ADAM)
    cuts = [(0, 9.0, 9.0), (1, 0.5, 1.0), (17, 0.5, 1.0), (0, 9.0, 9.0), (19, 0.5, 1.0)]
    assert _decoder.adamw(*cut, cuts, **ADAM) == norm
    assert [b.tobytes() for b in whole] == [b.tobytes() for b in cut]


def test_a_norm_that_is_no_number_leaves_no_parameter_as_it_was():
    gradient, parameters, first, second = moments()
    gradient[5] = np.nan
    assert np.isnan(_decoder.adamw(gradient, parameters, first, second, [(37, 1.0, 1.0)], **ADAM))
    assert np.isnan(parameters).all()


# builds, threads, modes ------------------------------------------------------------------------------------------


def test_builds_that_do_not_exist_are_refused():
    best = _decoder.used()
    assert best in _decoder.builds()
    for wrong in ("", "v9", "V3"):
        with pytest.raises(TrainError, match="choose one of"):
            _decoder.use(wrong)
    assert _decoder.used() == best


def test_calls_at_once_do_not_meet():
    expected = Buffers(3).gradient()
    many = [Buffers(3) for _ in range(6)]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(20):
            assert set(pool.map(Buffers.gradient, many)) == {expected}


def test_denormals_are_kept_whatever_the_process_has_set(buffers):
    share, small = 2e-38, np.full(9, 2e-38, np.float32)
    expected = buffers.gradient(share=share)
    gradient = np.frombuffer(expected[1], np.float32)
    assert ((gradient != 0) & (abs(gradient) < np.finfo(np.float32).tiny)).mean() > 0.5
    # True where the processor has such a mode
    flushed = torch.set_flush_denormal(True)
    try:
        assert not flushed or not (small * np.float32(0.1)).any()
        assert buffers.gradient(share=share) == expected
    finally:
        torch.set_flush_denormal(False)
