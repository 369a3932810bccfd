/* The core for x86-64-v4: AVX-512. */
#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,bmi,bmi2")
#endif
#define ZL_WIDTH 16
#define ZL_FMA 1
#define ZL_ROWS_OF_16 8
#define ZL_ROWS_OF_8 8
#include "step.h"
const zl_build_t zl_build_v4 = {"v4", group_losses, add, adamw};
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
