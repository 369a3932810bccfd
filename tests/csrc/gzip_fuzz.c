/* libFuzzer target: the size core against zlib itself, on the bytes as they are and as token ids of one and two bytes.
 * Built by tests/fuzz.py with clang -fsanitize=fuzzer,address,undefined and linked with zlib. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "gzip_size.h"
#include "status.h"

static uint8_t room[8 * ZL_GZIP_MAX_BYTES];

static int64_t
zlib_size(const uint8_t *data, size_t n)
{
    static z_stream stream;
    static int is_open;

    if (!is_open && deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        abort();
    }
    is_open = 1;
    deflateReset(&stream);
    stream.next_in = (Bytef *) data;
    stream.avail_in = (uInt) n;
    stream.next_out = room;
    stream.avail_out = sizeof(room);
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        abort();
    }
    return (int64_t) stream.total_out;
}

static void
compare(const char *what, int64_t size, const uint8_t *data, size_t n)
{
    int64_t want = zlib_size(data, n);

    if (size != want) {
        fprintf(stderr, "%s: %zu bytes: %lld, zlib %lld\n", what, n, (long long) size, (long long) want);
        abort();
    }
}

static void
compare_ids(zl_gzip_t *space, const uint8_t *ids, int id_bytes, size_t n)
{
    uint8_t packed[ZL_GZIP_MAX_BYTES];
    const int64_t offsets[2] = { 0, (int64_t) n };
    int64_t size;
    size_t i;

    memset(packed, 0, 4 * n);
    for (i = 0; i < n; i++) { /* native ids of a little-endian machine to big-endian ones of four bytes */
        packed[4 * i + 3] = ids[i * (size_t) id_bytes];
        packed[4 * i + 2] = id_bytes == 2 ? ids[2 * i + 1] : 0;
    }
    if (zl_gzip_sizes_of_ids(space, ids, id_bytes, offsets, 1, &size) != ZL_OK) {
        abort();
    }
    compare("ids", size, packed, 4 * n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    /* kept dirty from call to call: the core must not depend on what its scratch space holds */
    static zl_gzip_t space;
    int64_t size;

    if (n > ZL_GZIP_MAX_BYTES) {
        return zl_gzip_size(&space, data, n, &size) == ZL_ERR_VALUE ? 0 : (abort(), 0);
    }
    if (zl_gzip_size(&space, data, n, &size) != ZL_OK) {
        abort();
    }
    compare("bytes", size, data, n);
    compare_ids(&space, data, 1, n < ZL_GZIP_MAX_BYTES / 4 ? n : ZL_GZIP_MAX_BYTES / 4);
    compare_ids(&space, data, 2, n / 2 < ZL_GZIP_MAX_BYTES / 4 ? n / 2 : ZL_GZIP_MAX_BYTES / 4);
    return 0;
}
