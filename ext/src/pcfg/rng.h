/* xoshiro256++ (Blackman and Vigna 2019), one generator per document, keyed by (seed, stream, index). */
#ifndef ZL_RNG_H
#define ZL_RNG_H

#include <stdint.h>

typedef struct {
    uint64_t s[4];
} zl_rng_t;

static inline uint64_t
zl_mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t
zl_splitmix64(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return zl_mix64(*state);
}

static inline uint64_t
zl_rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* zl_mix64 is a bijection, so documents of one (seed, stream) never share a key */
static inline uint64_t
zl_stream_key(uint64_t seed, uint64_t stream)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

    return zl_mix64(zl_mix64(seed + golden) + stream + golden);
}

static inline void
zl_rng_seed(zl_rng_t *rng, uint64_t stream_key, uint64_t index)
{
    uint64_t state = zl_mix64(stream_key + index);
    int j;

    for (j = 0; j < 4; j++) {
        rng->s[j] = zl_splitmix64(&state);
    }
}

static inline uint64_t
zl_rng_next(zl_rng_t *rng)
{
    uint64_t *s = rng->s;
    const uint64_t result = zl_rotl(s[0] + s[3], 23) + s[0];
    const uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = zl_rotl(s[3], 45);
    return result;
}

#endif
