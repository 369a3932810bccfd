/* The core for other processors, aarch64 among them, which has fused multiply-adds; without them libm has. */
#if !defined(__x86_64__)
#define ZL_WIDTH 4
#define ZL_FMA 1
#define ZL_ROWS_OF_16 6
#define ZL_ROWS_OF_8 8
#include "step.h"
const zl_build_t zl_build_plain = {"plain", group_losses, add, adamw};
#endif
