"""Binding of the C core of the decoder's training step: check shapes and ids, release the GIL, call C."""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport calloc, free

from ziplaw.errors import TrainError, integer


cdef extern from "status.h":
    enum:
        ZL_OK


cdef extern from "decoder.h":
    ctypedef struct zl_decoder_t:
        int32_t hidden
        int32_t layers
        int32_t heads
        int32_t intermediate
        int32_t vocabulary
        int32_t positions
    ctypedef struct zl_stretch_t:
        int64_t length
        float rate
        float decay
    ctypedef struct zl_adamw_t:
        double rate
        double beta1
        double beta2
        double epsilon
        double weight_decay
        double clip
        int64_t step
    const char *zl_decoder_builds[]
    int zl_decoder_runs(const char *build)
    int zl_decoder_use(const char *build)
    const char *zl_decoder_used()
    int zl_decoder_check(const zl_decoder_t *shape)
    int64_t zl_decoder_parameters(const zl_decoder_t *shape)
    int32_t zl_decoder_group(const zl_decoder_t *shape)
    int64_t zl_decoder_scratch(const zl_decoder_t *shape, int gradient)
    int64_t zl_decoder_turn_floats(const zl_decoder_t *shape)
    void zl_decoder_turns(const zl_decoder_t *shape, float *turns)
    void zl_decoder_group_losses(const zl_decoder_t *shape, const float *turns, const float *parameters,
                                 const uint32_t *tokens, int32_t documents, float share, float *losses,
                                 float *gradient, float *scratch) nogil
    void zl_decoder_add(int64_t n, const float *part, float *total) nogil
    double zl_decoder_adamw(const zl_adamw_t *settings, const zl_stretch_t *stretches, int64_t n_stretches,
                            const float *gradient, float *parameters, float *first, float *second) nogil


def builds():
    """Names of the builds of the core that this processor runs, best first."""
    cdef int i = 0
    names = []
    while zl_decoder_builds[i] != NULL:
        if zl_decoder_runs(zl_decoder_builds[i]):
            names.append(zl_decoder_builds[i].decode())
        i += 1
    return names


def use(str build):
    """Compute with this build from now on: for tests, and to see what a build costs; all give the same bits."""
    if zl_decoder_use(build.encode()) != ZL_OK:
        raise TrainError(f"build {build!r} of the training core does not run here: choose one of {', '.join(builds())}")


def used():
    """Name of the build in use: the best that this processor runs, where none was chosen."""
    cdef const char *name = zl_decoder_used()
    if name == NULL:
        raise TrainError("this processor runs no build of the training core: x86-64-v2 (SSE 4.2) is the least it needs")
    return name.decode()


cdef class Passes:
    """Forward and backward passes of a decoder of one shape; see ``decoder.h``. Holds no state but tables."""

    cdef zl_decoder_t shape
    cdef float[::1] turns
    cdef readonly int group
    cdef readonly int64_t size

    def __cinit__(self, *, hidden, layers, heads, intermediate, vocabulary, positions):
        given = dict(hidden=hidden, layers=layers, heads=heads, intermediate=intermediate, vocabulary=vocabulary,
                     positions=positions)
        # what each may be at all; the core knows which of them go together
        sizes = [integer(name, size, 1, 2**31 - 1, "give the model's size", TrainError) for name, size in given.items()]
        used()
        self.shape = zl_decoder_t(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5])
        if zl_decoder_check(&self.shape) != ZL_OK:
            raise TrainError(f"the training core cannot have the shape {given}: see ModelConfig for the limits")
        self.group = zl_decoder_group(&self.shape)
        self.size = zl_decoder_parameters(&self.shape)
        self.turns = Scratch(zl_decoder_turn_floats(&self.shape))
        zl_decoder_turns(&self.shape, &self.turns[0])

    def scratch_floats(self, bint gradient):
        """Floats of scratch space that a call of :meth:`gradient` or :meth:`losses` needs."""
        return zl_decoder_scratch(&self.shape, gradient)

    cdef int check(self, const float[::1] parameters, const uint32_t[:, ::1] tokens, float[:, ::1] losses,
                   float[::1] scratch, bint gradient) except -1:
        cdef Py_ssize_t i, j, n = tokens.shape[0]
        cdef uint32_t largest = 0
        if tokens.shape[1] != self.shape.positions or losses.shape[0] != n or losses.shape[1] != tokens.shape[1]:
            raise TrainError(f"tokens are {n} x {tokens.shape[1]} and losses {losses.shape[0]} x {losses.shape[1]}: "
                             f"both must have {self.shape.positions} columns and agree")
        if parameters.shape[0] != self.size:
            raise TrainError(f"{parameters.shape[0]} parameters, a model of this shape has {self.size}")
        if scratch.shape[0] < zl_decoder_scratch(&self.shape, gradient):
            raise TrainError(f"{scratch.shape[0]} floats of scratch space, scratch_floats() are needed")
        for i in range(n):
            for j in range(tokens.shape[1]):
                if tokens[i, j] > largest:
                    largest = tokens[i, j]
        if n and largest >= <uint32_t> self.shape.vocabulary:
            raise TrainError(f"token {largest} is not below the vocabulary's size, {self.shape.vocabulary}")
        return 0

    def losses(self, const float[::1] parameters not None, const uint32_t[:, ::1] tokens not None,
               float[:, ::1] losses not None, float[::1] scratch not None):
        """Fill ``losses``, float32 (B, S), with -ln p of every token of documents, uint32 (B, S); nats."""
        cdef Py_ssize_t i, n = tokens.shape[0]
        cdef const float *turns = &self.turns[0]
        cdef const float *p
        cdef const uint32_t *ids
        cdef float *out
        cdef float *space
        cdef int32_t here, S = self.shape.positions
        self.check(parameters, tokens, losses, scratch, False)
        if n == 0:
            return
        p, ids, out, space = &parameters[0], &tokens[0, 0], &losses[0, 0], &scratch[0]
        with nogil:
            i = 0
            while i < n:
                here = <int32_t> min(self.group, n - i)
                zl_decoder_group_losses(&self.shape, turns, p, ids + i * S, here, 0.0, out + i * S, NULL, space)
                i += here

    def gradient(self, const float[::1] parameters not None, const uint32_t[:, ::1] tokens not None, float share,
                 float[:, ::1] losses not None, float[::1] gradient not None, float[::1] scratch not None):
        """As :meth:`losses` for one group, and the gradient of the losses' sum times ``share``, float32 (size,)."""
        cdef Py_ssize_t n = tokens.shape[0]
        cdef const float *turns = &self.turns[0]
        cdef const float *p
        cdef const uint32_t *ids
        cdef float *out
        cdef float *to
        cdef float *space
        self.check(parameters, tokens, losses, scratch, True)
        if not 1 <= n <= self.group or gradient.shape[0] != self.size:
            raise TrainError(f"{n} documents and a gradient of {gradient.shape[0]}: 1 to {self.group} documents and "
                             f"{self.size} floats are needed")
        p, ids, out, to, space = &parameters[0], &tokens[0, 0], &losses[0, 0], &gradient[0], &scratch[0]
        with nogil:
            zl_decoder_group_losses(&self.shape, turns, p, ids, <int32_t> n, share, out, to, space)


cdef class Scratch:
    """Zeroed floats aligned for vectors, as a buffer of format "f"."""

    cdef void *memory
    cdef float *floats
    cdef Py_ssize_t n
    cdef Py_ssize_t[1] shape
    cdef Py_ssize_t[1] strides

    def __cinit__(self, n):
        self.n = max(integer("scratch space", n, 0, 2**50, "give a number of floats", TrainError), 1)
        self.memory = calloc(self.n * sizeof(float) + 64, 1)
        if self.memory == NULL:
            raise MemoryError(f"not enough memory for {self.n * sizeof(float) / 2**20:.0f} MiB of scratch space")
        self.floats = <float *> ((<size_t> self.memory + 63) & ~(<size_t> 63))

    def __dealloc__(self):
        free(self.memory)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        self.shape[0], self.strides[0] = self.n, sizeof(float)
        buffer.buf, buffer.obj, buffer.len, buffer.readonly = self.floats, self, self.n * sizeof(float), 0
        buffer.itemsize, buffer.format, buffer.ndim = sizeof(float), "f", 1
        buffer.shape, buffer.strides, buffer.suboffsets, buffer.internal = self.shape, self.strides, NULL, NULL

    def __releasebuffer__(self, Py_buffer *buffer):
        pass


def add(const float[::1] part not None, float[::1] total not None):
    """Add ``part`` to ``total``."""
    if part.shape[0] != total.shape[0]:
        raise TrainError(f"{part.shape[0]} floats cannot be added to {total.shape[0]}")
    cdef int64_t n = total.shape[0]
    cdef const float *more
    cdef float *to
    used()
    if n:
        more, to = &part[0], &total[0]
        with nogil:
            zl_decoder_add(n, more, to)


def adamw(const float[::1] gradient not None, float[::1] parameters not None, float[::1] first not None,
          float[::1] second not None, stretches, *, double rate, int64_t step, double beta1,
          double beta2, double epsilon, double weight_decay, double clip):
    """One AdamW step in place behind a clip of the global norm, which is returned as it was before.

    ``stretches``: (length, factor on the rate, factor on the decay) of consecutive parameters.
    """
    cdef zl_adamw_t settings = zl_adamw_t(rate, beta1, beta2, epsilon, weight_decay, clip, step)
    cdef int64_t n = gradient.shape[0], k = len(stretches), i
    cdef zl_stretch_t *parts
    cdef double norm
    cdef const float *g
    cdef float *p
    cdef float *m
    cdef float *v
    used()
    if step < 1 or n == 0 or not n == parameters.shape[0] == first.shape[0] == second.shape[0]:
        raise TrainError(f"step {step} over {n} gradients: steps count from 1, and all four buffers must agree")
    lengths = [integer("a stretch", length, 0, n, "lengths of consecutive stretches", TrainError)
               for length, _, _ in stretches]
    if sum(lengths) != n:
        raise TrainError(f"the stretches make up {sum(lengths)} of {n} parameters: give all")
    factors = [(<float> of_rate, <float> of_decay) for _, of_rate, of_decay in stretches]
    parts = <zl_stretch_t *> calloc(k, sizeof(zl_stretch_t))
    if parts == NULL:
        raise MemoryError("not enough memory for the optimiser's stretches")
    for i in range(k):
        parts[i].length = lengths[i]
        parts[i].rate, parts[i].decay = factors[i]
    g, p, m, v = &gradient[0], &parameters[0], &first[0], &second[0]
    with nogil:
        norm = zl_decoder_adamw(&settings, parts, k, g, p, m, v)
    free(parts)
    return norm
