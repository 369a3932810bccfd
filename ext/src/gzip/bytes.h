/* Unaligned little-endian loads and bit scans, with plain fallbacks for other compilers and byte orders. */
#ifndef ZL_BYTES_H
#define ZL_BYTES_H

#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ZL_FAST_BYTES 1
#else
#define ZL_FAST_BYTES 0
#endif

/* eight bytes as an integer whose lowest byte is the first */
static inline uint64_t
zl_load64(const uint8_t *p)
{
#if ZL_FAST_BYTES
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return x;
#else
    uint64_t x = 0;
    int i;

    for (i = 7; i >= 0; i--) {
        x = x << 8 | p[i];
    }
    return x;
#endif
}

/* how many low bytes of x are zero, that is how many first bytes agree when x is a ^ b; x is not 0 */
static inline int
zl_equal_bytes(uint64_t x)
{
#if ZL_FAST_BYTES
    return __builtin_ctzll(x) >> 3;
#else
    int n = 0;

    while ((x & 255) == 0) {
        x >>= 8;
        n++;
    }
    return n;
#endif
}

/* index of the highest bit set; x is not 0 */
static inline int
zl_log2(uint32_t x)
{
#if defined(__GNUC__)
    return 31 - __builtin_clz(x);
#else
    int n = 0;

    while (x >>= 1) {
        n++;
    }
    return n;
#endif
}

#endif
