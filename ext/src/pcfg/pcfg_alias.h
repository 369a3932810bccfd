/* Walker's alias tables. */
#ifndef ZL_PCFG_ALIAS_H
#define ZL_PCFG_ALIAS_H

#include <stddef.h>
#include <stdint.h>

typedef struct { /* an alias table over 2^bits entries, for draws of 64 bits */
    uint32_t bits;
    uint32_t first;
} pcfg_alias_t;

/* Fill an alias table over weights[0..n): draw a word w, take j = w >> (64 - bits); it stands when
 * (w << bits) < thresholds[j], else aliases[j] does. */
int pcfg_alias_fill(const double *weights, size_t n, unsigned bits, uint64_t *thresholds, uint32_t *aliases);

/* The smallest b >= 1 with 2^b >= n. */
unsigned pcfg_bits(size_t n);

#endif
