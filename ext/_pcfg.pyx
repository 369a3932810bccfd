"""Binding of the C sampler: check arguments, release the GIL, call C, turn status codes into errors."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t

from ziplaw.errors import GrammarError, ZiplawError


cdef extern from "status.h":
    enum:
        ZL_OK
        ZL_ERR_MEMORY
        ZL_ERR_OVERFLOW
        ZL_ERR_STUCK


cdef extern from "rng.h":
    uint64_t zl_stream_key(uint64_t seed, uint64_t stream) nogil


cdef extern from "pcfg.h":
    ctypedef struct pcfg_sampler_t:
        pass
    ctypedef struct pcfg_paper_t:
        pass
    ctypedef struct pcfg_grammar_t:
        int32_t n_nonterminals
        int32_t n_productions
        const int32_t *lhs_offsets
        const int32_t *prod_offsets
        const int32_t *symbols
        const double *probabilities
        const double *start
    int pcfg_sampler_new(pcfg_sampler_t **out, const pcfg_grammar_t *grammar, int wide) nogil
    void pcfg_sampler_free(pcfg_sampler_t *self) nogil
    int pcfg_sample(const pcfg_sampler_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context,
                    void *out) nogil
    int pcfg_sampler_is_open(const pcfg_sampler_t *self) nogil
    void pcfg_sampler_set_open(pcfg_sampler_t *self, int open) nogil
    int pcfg_paper_new(pcfg_paper_t **out, const pcfg_grammar_t *grammar) nogil
    void pcfg_paper_free(pcfg_paper_t *self) nogil
    int pcfg_paper_sample(const pcfg_paper_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context,
                          int64_t max_depth, uint16_t *out16, uint32_t *out32, int32_t *lengths) nogil


cdef int check(int status) except -1:
    if status == ZL_ERR_MEMORY:
        raise MemoryError("not enough memory for the sampler")
    if status == ZL_ERR_OVERFLOW:
        raise GrammarError("the grammar is too large for the sampler's tables: use fewer or shorter productions")
    if status == ZL_ERR_STUCK:
        raise GrammarError(
            "a derivation made millions of rewrites without getting on with its document: too many sentences never "
            "end, or rho(LC) is too near to 1; draw another grammar"
        )
    if status != ZL_OK:
        raise ZiplawError(f"the sampler failed with status {status}: report this")
    return 0


cdef class Sampler:
    """Sampling tables of one grammar, given as the arrays of ``Grammar.arrays``; read-only once made."""

    cdef pcfg_sampler_t *exact
    cdef pcfg_paper_t *paper
    cdef object kept
    cdef int wide

    @cython.boundscheck(True)
    def __init__(self, bint wide, *, const int32_t[::1] lhs_offsets, const int32_t[::1] prod_offsets,
                 const int32_t[::1] symbols, const double[::1] probabilities, const double[::1] start, prod_lhs=None):
        cdef pcfg_grammar_t grammar
        cdef int status
        grammar.n_nonterminals = <int32_t> start.shape[0]
        grammar.n_productions = <int32_t> probabilities.shape[0]
        grammar.lhs_offsets = &lhs_offsets[0]
        grammar.prod_offsets = &prod_offsets[0]
        grammar.symbols = &symbols[0]
        grammar.probabilities = &probabilities[0]
        grammar.start = &start[0]
        # the paper's tables point into these
        self.kept = (lhs_offsets, prod_offsets, symbols, probabilities, start)
        self.wide = wide
        with nogil:
            status = pcfg_sampler_new(&self.exact, &grammar, wide)
            if status == ZL_OK:
                status = pcfg_paper_new(&self.paper, &grammar)
        check(status)

    def __dealloc__(self):
        pcfg_sampler_free(self.exact)
        pcfg_paper_free(self.paper)

    @property
    def open(self):
        """Which of the two loops runs; they give the same bytes."""
        return bool(pcfg_sampler_is_open(self.exact))

    @open.setter
    def open(self, bint value):
        pcfg_sampler_set_open(self.exact, value)

    def fill(self, out, uint64_t seed, uint64_t stream, uint64_t first):
        """Write documents first .. first + len(out) - 1 into a (n, context) array, without the GIL."""
        cdef uint16_t[:, ::1] narrow
        cdef uint32_t[:, ::1] broad
        cdef void *data
        cdef int64_t n = out.shape[0], context = out.shape[1]
        cdef int status
        if n == 0:
            return
        if self.wide:
            broad = out  # a view checks dtype and order; the tables are of one width
            data = &broad[0, 0]
        else:
            narrow = out
            data = &narrow[0, 0]
        with nogil:
            status = pcfg_sample(self.exact, zl_stream_key(seed, stream), first, n, context, data)
        check(status)

    def fill_like_paper(self, out, int32_t[::1] lengths, uint64_t seed, uint64_t stream, uint64_t first,
                        int64_t max_depth):
        """The same with the habits of the paper's code; lengths (n,) receives context or context - 1."""
        cdef uint16_t[:, ::1] narrow
        cdef uint32_t[:, ::1] broad
        cdef uint16_t *data16 = NULL
        cdef uint32_t *data32 = NULL
        cdef int64_t n = out.shape[0], context = out.shape[1]
        cdef int status
        if n == 0 or lengths.shape[0] != n:
            return
        if self.wide:
            broad = out
            data32 = &broad[0, 0]
        else:
            narrow = out
            data16 = &narrow[0, 0]
        with nogil:
            status = pcfg_paper_sample(self.paper, zl_stream_key(seed, stream), first, n, context, max_depth, data16,
                                       data32, &lengths[0])
        check(status)
