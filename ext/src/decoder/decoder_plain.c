/* The core for other processors, aarch64 among them, which has fused multiply-adds; without them libm has. */
#if !defined(__x86_64__)
#define ZL_WIDTH 4
#define ZL_FMA 1
#define ZL_MOST_ROWS 4
#include "step.h"
const zl_build_t zl_build_plain = {"plain", group_losses, add, adamw};
#endif
