/* Edge coverage of code built by gcc -fsanitize-coverage=trace-pc, for a fuzzer that reads clang's 8-bit counters.
 * Linked into every core. An edge counts in the cell that its address hashes to. */
#include <stdint.h>

#define CELLS 8192

typedef struct {
    uintptr_t pc, flags;
} zl_place_t;

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __sanitizer_cov_pcs_init(const zl_place_t *start, const zl_place_t *stop);
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_cmpf(float a, float b);
void __sanitizer_cov_trace_cmpd(double a, double b);

static uint8_t counters[CELLS];
static zl_place_t places[CELLS];

__attribute__((constructor)) static void
announce(void)
{
    int i;

    for (i = 0; i < CELLS; i++) {
        places[i].pc = (uintptr_t) counters + (uintptr_t) i;
    }
    __sanitizer_cov_8bit_counters_init(counters, counters + CELLS);
    __sanitizer_cov_pcs_init(places, places + CELLS);
}

void
__sanitizer_cov_trace_pc(void)
{
    /* addresses relative to this library: the same edge has the same cell in every run */
    uintptr_t pc = (uintptr_t) __builtin_return_address(0) - (uintptr_t) &announce;

    counters[(pc * UINT64_C(0x9E3779B97F4A7C15)) >> 51]++;
}

/* gcc reports comparisons of floats too, which the fuzzer has no use for */
void
__sanitizer_cov_trace_cmpf(float a, float b)
{
    (void) a;
    (void) b;
}

void
__sanitizer_cov_trace_cmpd(double a, double b)
{
    (void) a;
    (void) b;
}
