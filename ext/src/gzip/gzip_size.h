/* The size of the gzip member that zlib's level 9 would write, without writing it. */
#ifndef ZL_GZIP_SIZE_H
#define ZL_GZIP_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* Longest payload: its symbols fill one deflate block, and every match in it is near enough for zlib. */
#define ZL_GZIP_MAX_BYTES 4096
#define ZL_GZIP_TABLE (2 * ZL_GZIP_MAX_BYTES)
#define ZL_GZIP_TOO_LONG (-1)

/* Scratch space of one thread; needs no initialisation. Anchors are the nonzero bytes, counted from 1. */
typedef struct {
    uint8_t bytes[ZL_GZIP_MAX_BYTES + 16];     /* the payload, then zeros */
    uint16_t anchor_at[ZL_GZIP_MAX_BYTES];     /* position -> first anchor there or behind it */
    uint16_t position[ZL_GZIP_MAX_BYTES + 2];  /* anchor -> its position; one behind the last: the end */
    uint16_t zeros[ZL_GZIP_MAX_BYTES + 2];     /* anchor -> zeros before it that a match may start in */
    uint16_t same1[ZL_GZIP_MAX_BYTES + 2];     /* anchor -> latest earlier anchor with the same byte, 0 if none */
    uint16_t same2[ZL_GZIP_MAX_BYTES + 2];     /* ... with the same hash of two bytes */
    uint16_t same8[ZL_GZIP_MAX_BYTES + 2];     /* ... with the same hash of eight bytes, where has_same8 */
    uint16_t latest1[256], latest2[ZL_GZIP_TABLE], latest8[ZL_GZIP_TABLE];
    uint32_t symbols[286], distances[30];      /* how often the block uses each code */
    int has_same8;
} zl_gzip_t;

/* Size in bytes of gzip.compress(payload, 9). ZL_ERR_VALUE when the payload is longer than ZL_GZIP_MAX_BYTES. */
int zl_gzip_size(zl_gzip_t *self, const uint8_t *payload, size_t n_bytes, int64_t *size);

/* The same for many rows: row i is payload[offsets[i]] up to payload[offsets[i + 1]]. A row too long for zl_gzip_size
 * gets ZL_GZIP_TOO_LONG. */
int zl_gzip_sizes(zl_gzip_t *self, const uint8_t *payload, const int64_t *offsets, int64_t n_rows, int64_t *sizes);

/* The same for rows of token ids, each taken as a 4-byte big-endian integer. ids holds native integers of id_bytes = 1,
 * 2, 4 or 8 bytes from 0 to 2^31 - 1; offsets count ids. */
int zl_gzip_sizes_of_ids(
    zl_gzip_t *self, const uint8_t *ids, int id_bytes, const int64_t *offsets, int64_t n_rows, int64_t *sizes);

#endif
