/* What every build of the core offers. */
#ifndef ZL_DECODER_BUILD_H
#define ZL_DECODER_BUILD_H

#include "decoder.h"

typedef struct {
    const char *name;
    void (*group_losses)(const zl_decoder_t *, const float *, const float *, const uint32_t *, int32_t, float, float *,
                         float *, float *);
    void (*add)(int64_t, const float *, float *);
    double (*adamw)(const zl_adamw_t *, const zl_stretch_t *, int64_t, const float *, float *, float *, float *);
} zl_build_t;

#if defined(__x86_64__)
extern const zl_build_t zl_build_v2, zl_build_v3, zl_build_v4;
#else
extern const zl_build_t zl_build_plain;
#endif

#endif
