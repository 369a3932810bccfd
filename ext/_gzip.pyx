"""Binding of the gzip-size core: check arguments, release the GIL, call C, turn status codes into errors."""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc

from ziplaw.errors import ZiplawError


cdef extern from "status.h":
    enum:
        ZL_OK


cdef extern from "gzip_size.h":
    enum:
        ZL_GZIP_MAX_BYTES
        ZL_GZIP_TOO_LONG
    ctypedef struct zl_gzip_t:
        pass
    int zl_gzip_sizes(zl_gzip_t *self, const uint8_t *payload, const int64_t *offsets, int64_t n_rows,
                      int64_t *sizes) nogil
    int zl_gzip_sizes_of_ids(zl_gzip_t *self, const uint8_t *ids, int id_bytes, const int64_t *offsets, int64_t n_rows,
                             int64_t *sizes) nogil


MAX_BYTES = ZL_GZIP_MAX_BYTES
TOO_LONG = ZL_GZIP_TOO_LONG


cdef int check(const int64_t[::1] offsets, Py_ssize_t n_items, const int64_t[::1] sizes) except -1:
    """The C core trusts its offsets: refuse any that would make it read or write elsewhere."""
    cdef Py_ssize_t i
    if offsets.shape[0] != sizes.shape[0] + 1:
        raise ZiplawError(f"{offsets.shape[0]} offsets for {sizes.shape[0]} sizes: one more offset than rows is needed")
    if offsets[0] < 0 or offsets[sizes.shape[0]] > n_items:
        raise ZiplawError(f"offsets reach outside 0 to {n_items}: give offsets of this array")
    for i in range(sizes.shape[0]):
        if offsets[i + 1] < offsets[i]:
            raise ZiplawError(f"offset {i + 1} is {offsets[i + 1]}, less than the one before: sort them")
    return 0


def sizes_of_bytes(const uint8_t[::1] payload, const int64_t[::1] offsets, int64_t[::1] sizes):
    """Write to ``sizes`` the gzip size of every row of bytes, TOO_LONG where a row exceeds MAX_BYTES."""
    _sizes(payload, 0, offsets, sizes)


def sizes_of_ids(const uint8_t[::1] ids, int id_bytes, const int64_t[::1] offsets, int64_t[::1] sizes):
    """The same for rows of native integers, ``id_bytes`` each, as 4-byte big-endian integers; ids below 2^31."""
    if id_bytes not in (1, 2, 4, 8):
        raise ZiplawError(f"an id has {id_bytes} bytes, must have 1, 2, 4 or 8: convert the array")
    _sizes(ids, id_bytes, offsets, sizes)


cdef int _sizes(const uint8_t[::1] data, int id_bytes, const int64_t[::1] offsets, int64_t[::1] sizes) except -1:
    cdef int64_t n_rows = sizes.shape[0]
    cdef const uint8_t *first
    cdef const int64_t *starts
    cdef int64_t *out
    cdef zl_gzip_t *space
    cdef int status
    check(offsets, data.shape[0] // (id_bytes if id_bytes else 1), sizes)  # offsets count ids, or bytes
    if n_rows == 0:
        return 0
    starts = &offsets[0]
    out = &sizes[0]
    # rows of nothing read nothing, but C wants a pointer that points somewhere
    first = &data[0] if data.shape[0] > 0 else <const uint8_t *> starts
    space = <zl_gzip_t *> malloc(sizeof(zl_gzip_t))  # one a call: threads share nothing
    if space == NULL:
        raise MemoryError("not enough memory for the scratch space of one thread")
    with nogil:
        if id_bytes:
            status = zl_gzip_sizes_of_ids(space, first, id_bytes, starts, n_rows, out)
        else:
            status = zl_gzip_sizes(space, first, starts, n_rows, out)
    free(space)
    if status != ZL_OK:
        raise ZiplawError(f"the gzip-size core failed with status {status}: report this")
    return 0
