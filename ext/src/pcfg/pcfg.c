#include "pcfg.h"

#include <stdlib.h>
#include <string.h>

#include "pcfg_tables.h"
#include "rng.h"
#include "status.h"

#if defined(__GNUC__) || defined(__clang__)
#define ZL_INLINE inline __attribute__((always_inline))
#define ZL_NOINLINE __attribute__((noinline))
#define ZL_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define ZL_INLINE inline
#define ZL_NOINLINE
#define ZL_UNLIKELY(x) (x)
#endif
#if defined(__clang__)
#define ZL_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define ZL_UNROLL _Pragma("GCC unroll 4")
#else
#define ZL_UNROLL
#endif

/* documents derived at a time; more hide no more latency */
#define PCFG_LANES 4
/* random words made at a time: about what a document of 256 tokens needs */
#define PCFG_WORDS 12
/* after so many rounds of four draws without a token a derivation is stuck */
#define PCFG_ROUNDS (1 << 18)

#define PCFG_TOKEN uint16_t
#define PCFG_NAME(x) x##_16
#include "pcfg_loop.h"
#undef PCFG_TOKEN
#undef PCFG_NAME

#define PCFG_TOKEN uint32_t
#define PCFG_NAME(x) x##_32
#include "pcfg_loop.h"
#undef PCFG_TOKEN
#undef PCFG_NAME

int
pcfg_sample(const pcfg_sampler_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context, void *out)
{
    if (n < 0 || context < 1 || context > (int64_t) 1 << 30) {
        return ZL_ERR_VALUE;
    }
    if (self->wide) {
        return sample_32(self, stream_key, first, n, context, out);
    }
    return sample_16(self, stream_key, first, n, context, out);
}

int
pcfg_sampler_is_open(const pcfg_sampler_t *self)
{
    return self->open;
}

void
pcfg_sampler_set_open(pcfg_sampler_t *self, int open)
{
    self->open = open != 0;
}
