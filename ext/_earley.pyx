"""Binding of the C parser: check arguments, release the GIL, call C, turn status codes into errors."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from ziplaw.errors import GrammarError, ZiplawError


cdef extern from "status.h":
    enum:
        ZL_OK
        ZL_ERR_MEMORY
        ZL_ERR_OVERFLOW
        ZL_ERR_STUCK
        ZL_ERR_TOKEN
        ZL_ERR_IMPOSSIBLE


cdef extern from "earley.h":
    ctypedef struct zl_earley_t:
        pass
    ctypedef struct zl_earley_space_t:
        pass
    int zl_earley_new(int32_t n_nonterminals, int32_t n_terminals, int64_t n_productions, const int32_t *lhs,
                      const int32_t *offsets, const int32_t *symbols, const double *probabilities,
                      const double *start, zl_earley_t **grammar) nogil
    void zl_earley_free(zl_earley_t *grammar) nogil
    int zl_earley_space_new(zl_earley_space_t **space) nogil
    void zl_earley_space_free(zl_earley_space_t *space) nogil
    int zl_earley_documents(const zl_earley_t *grammar, zl_earley_space_t *space, const uint32_t *tokens,
                            int64_t n_documents, int64_t context, int wide, double *nll, double *positions,
                            int64_t *where) nogil
    int zl_earley_next(const zl_earley_t *grammar, zl_earley_space_t *space, const uint32_t *tokens,
                       int64_t n_tokens, int wide, double *next, int64_t *where) nogil


class Refused(Exception):
    """Tokens that the grammar cannot produce: args are (reason "token" or "impossible", document, position)."""


cdef int check(int status, int64_t *where) except -1:
    if status == ZL_ERR_MEMORY:
        raise MemoryError("not enough memory for the chart")
    if status == ZL_ERR_OVERFLOW:
        raise ZiplawError("a sentence times the nonterminals passes 2**31 cells: give shorter documents")
    if status == ZL_ERR_STUCK:
        raise GrammarError("rho(LC) is not below 1: a derivation may never reach its next token; redraw the grammar")
    if status == ZL_ERR_TOKEN or status == ZL_ERR_IMPOSSIBLE:
        raise Refused("token" if status == ZL_ERR_TOKEN else "impossible", where[0], where[1])
    if status != ZL_OK:
        raise ZiplawError(f"the parser failed with status {status}: report this")
    return 0


cdef class Parser:
    """A grammar compiled for parsing, given as the arrays of ``Grammar.arrays``; read-only once made."""

    cdef zl_earley_t *grammar
    cdef readonly int n_terminals

    def __init__(self, int n_terminals, *, const int32_t[::1] prod_lhs, const int32_t[::1] prod_offsets,
                 const int32_t[::1] symbols, const double[::1] probabilities, const double[::1] start,
                 lhs_offsets=None):
        cdef int status
        if self.grammar != NULL:
            raise ZiplawError("a parser is made once: make another")
        if not (prod_lhs.shape[0] == prod_offsets.shape[0] - 1 == probabilities.shape[0] and start.shape[0] > 0
                and prod_lhs.shape[0] > 0 and prod_offsets[prod_lhs.shape[0]] == symbols.shape[0]):
            raise GrammarError("the grammar's arrays do not fit together: make them with Grammar.arrays")
        self.n_terminals = n_terminals
        with nogil:
            status = zl_earley_new(<int32_t> start.shape[0], n_terminals, prod_lhs.shape[0], &prod_lhs[0],
                                   &prod_offsets[0], &symbols[0], &probabilities[0], &start[0], &self.grammar)
        check(status, NULL)

    def __dealloc__(self):
        zl_earley_free(self.grammar)

    def documents(self, const uint32_t[:, ::1] tokens, double[::1] nll, double[:, ::1] positions=None,
                  bint wide=False):
        """Write each document's -ln p into ``nll`` and, when given, each token's into ``positions``; no GIL."""
        cdef zl_earley_space_t *space = NULL
        cdef int64_t[2] where
        cdef int status
        cdef double *out = NULL
        if tokens.shape[0] != nll.shape[0]:
            raise ZiplawError(f"nll has {nll.shape[0]} entries, must have one a document ({tokens.shape[0]})")
        if tokens.shape[0] == 0 or tokens.shape[1] == 0:
            return
        if positions is not None:
            if positions.shape[0] != tokens.shape[0] or positions.shape[1] != tokens.shape[1]:
                raise ZiplawError("positions must have the shape of tokens: allocate it so")
            out = &positions[0, 0]
        with nogil:
            status = zl_earley_space_new(&space)  # one a call: threads share the grammar only
            if status == ZL_OK:
                status = zl_earley_documents(self.grammar, space, &tokens[0, 0], tokens.shape[0], tokens.shape[1],
                                             wide, &nll[0], out, where)
                zl_earley_space_free(space)
        check(status, where)

    def next(self, const uint32_t[::1] prefix, double[::1] out, bint wide=False):
        """Write the probability of every token id after ``prefix`` into ``out``, without the GIL."""
        cdef zl_earley_space_t *space = NULL
        cdef int64_t[2] where
        cdef int status
        cdef const uint32_t *tokens = NULL
        if out.shape[0] != self.n_terminals + 1:
            raise ZiplawError(f"out has {out.shape[0]} entries, must have {self.n_terminals + 1}: allocate it so")
        if prefix.shape[0] > 0:
            tokens = &prefix[0]
        with nogil:
            status = zl_earley_space_new(&space)
            if status == ZL_OK:
                status = zl_earley_next(self.grammar, space, tokens, prefix.shape[0], wide, &out[0], where)
                zl_earley_space_free(space)
        check(status, where)
