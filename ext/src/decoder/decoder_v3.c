/* The core for x86-64-v3: AVX2 and fused multiply-adds. */
#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,bmi,bmi2")
#endif
#define ZL_WIDTH 8
#define ZL_FMA 1
#define ZL_ROWS_OF_16 6
#define ZL_ROWS_OF_8 12
#include "step.h"
const zl_build_t zl_build_v3 = {"v3", group_losses, add, adamw};
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
