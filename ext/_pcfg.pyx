"""Binding of the C sampler: check arguments, release the GIL, call C, turn status codes into errors."""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t

from ziplaw.errors import GrammarError, ZiplawError


cdef extern from "status.h":
    enum:
        ZL_OK
        ZL_ERR_MEMORY
        ZL_ERR_STUCK


cdef extern from "rng.h":
    uint64_t zl_stream_key(uint64_t seed, uint64_t stream) nogil


cdef extern from "pcfg.h":
    ctypedef struct pcfg_sampler_t:
        pass
    ctypedef struct pcfg_grammar_t:
        int32_t n_nonterminals
        int32_t n_productions
        const int32_t *lhs_offsets
        const int32_t *prod_offsets
        const int32_t *symbols
        const double *probabilities
        const double *start
    int pcfg_sampler_new(pcfg_sampler_t **out, const pcfg_grammar_t *grammar) nogil
    void pcfg_sampler_free(pcfg_sampler_t *self) nogil
    int pcfg_sample(const pcfg_sampler_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context,
                    uint16_t *out16, uint32_t *out32) nogil


cdef int check(int status) except -1:
    if status == ZL_ERR_MEMORY:
        raise MemoryError("not enough memory for the sampler's tables")
    if status == ZL_ERR_STUCK:
        raise GrammarError("a derivation rewrote ten million times without a token: rho(LC) is too near to 1")
    if status != ZL_OK:
        raise ZiplawError(f"the sampler failed with status {status}: report this")
    return 0


cdef class Sampler:
    """Sampling tables of one grammar, given as the arrays of ``Grammar.arrays``; read-only once made."""

    cdef pcfg_sampler_t *tables

    def __init__(self, *, const int32_t[::1] lhs_offsets, const int32_t[::1] prod_offsets, const int32_t[::1] symbols,
                 const double[::1] probabilities, const double[::1] start, prod_lhs=None):
        cdef pcfg_grammar_t grammar
        cdef int status
        grammar.n_nonterminals = <int32_t> start.shape[0]
        grammar.n_productions = <int32_t> probabilities.shape[0]
        grammar.lhs_offsets = &lhs_offsets[0]
        grammar.prod_offsets = &prod_offsets[0]
        grammar.symbols = &symbols[0]
        grammar.probabilities = &probabilities[0]
        grammar.start = &start[0]
        with nogil:
            status = pcfg_sampler_new(&self.tables, &grammar)
        check(status)

    def __dealloc__(self):
        pcfg_sampler_free(self.tables)

    def fill16(self, uint16_t[:, ::1] out, uint64_t seed, uint64_t stream, uint64_t first):
        """Write documents first .. first + len(out) - 1 into a uint16 array, without the GIL."""
        cdef int status
        if out.shape[0] == 0:
            return
        with nogil:
            status = pcfg_sample(self.tables, zl_stream_key(seed, stream), first, out.shape[0], out.shape[1],
                                 &out[0, 0], NULL)
        check(status)

    def fill32(self, uint32_t[:, ::1] out, uint64_t seed, uint64_t stream, uint64_t first):
        """Write documents first .. first + len(out) - 1 into a uint32 array, without the GIL."""
        cdef int status
        if out.shape[0] == 0:
            return
        with nogil:
            status = pcfg_sample(self.tables, zl_stream_key(seed, stream), first, out.shape[0], out.shape[1],
                                 NULL, &out[0, 0])
        check(status)
