/* The core for x86-64-v2, where fused multiply-adds are computed exactly without the instruction, and so slowly. */
#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("sse4.2"))), apply_to = function)
#else
#pragma GCC target("sse4.2")
#endif
#define ZL_WIDTH 4
#define ZL_FMA 0
#define ZL_ROWS_OF_16 4
#define ZL_ROWS_OF_8 4
#include "step.h"
const zl_build_t zl_build_v2 = {"v2", group_losses, add, adamw};
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
