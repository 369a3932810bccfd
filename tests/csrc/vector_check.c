/* The fused multiply-add, exponential and logarithm of the decoder's core beside libm's in float and double.
 *
 *     vector_check [THOUSANDS]
 *
 * Compiled with -DZL_WIDTH and -DZL_FMA for a build of the core; as it stands for the one that computes fused
 * multiply-adds without the instruction. Prints the largest errors and a hash of all results, which every build shares. */
#ifndef ZL_WIDTH
#define ZL_WIDTH 4
#define ZL_FMA 0
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder/lanes/vector.h"

static uint64_t state, hash = UINT64_C(0xcbf29ce484222325);

static uint32_t
draw(void)
{
    uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t) (x >> 32);
}

static float
from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

static uint32_t
bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    /* what is no number has any sign and payload */
    return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc00000u : bits;
}

static void
mix(float x)
{
    hash = (hash ^ bits_of(x)) * UINT64_C(0x100000001b3);
}

static const uint32_t special[] = {0, 1, 2, 0x007fffffu, 0x00800000u, 0x00800001u, 0x34000000u, 0x3effffffu, 0x3f000000u,
    0x3f7fffffu, 0x3f800000u, 0x3f800001u, 0x40000000u, 0x4b800000u, 0x7f000000u, 0x7f7fffffu, 0x7f800000u, 0x7fc00000u,
    0x7f800001u, 0x7fffffffu};

static float
any_float(void)
{
    uint32_t bits = draw(), sign = bits & 0x80000000u;

    switch (draw() % 8) {
    case 0: return from_bits(sign | special[draw() % (sizeof(special) / sizeof(special[0]))]);
    case 1: return from_bits(bits & 0x807fffffu); /* denormal */
    case 2: return from_bits((bits & 0x807fffffu) | (0x3f800000u + (draw() % 41 - 20u) * 0x00800000u));
    case 3: return (float) ((int32_t) (bits % 8193) - 4096); /* few bits: exact results and ties */
    default: return from_bits(bits);
    }
}

/* a, b and c with a sum that is hard to round: next to a tie, or of what cancels */
static void
hard_case(float *a, float *b, float *c)
{
    static const float nearly[] = {1.0f, 1.0f, 0x1.000002p0f, 0x1.fffffep-1f, 0x1.001p0f, 0x1.8p0f, 0x1.fffffep0f};
    float size = fabsf(*c);

    if (!(size <= 0x1p127f) || draw() % 2) {
        /* what cancels, but for some units in the last place */
        *c = from_bits(bits_of(-*a * *b) + draw() % 9 - 4);
        return;
    }
    *a = nearly[draw() % 7] * (draw() % 2 ? -1.0f : 1.0f);
    *b = (nextafterf(size, INFINITY) - size) * 0.5f * (float) (1 + draw() % 3); /* halves of c's last place */
    if (draw() % 4 == 0) {
        *a = ldexpf(*a, -(int) (draw() % 40));
    }
}

static int
check_fused(long n)
{
    float a[ZL_WIDTH], b[ZL_WIDTH], c[ZL_WIDTH], got[ZL_WIDTH];
    long i;
    int l;

    for (i = 0; i < n; i++) {
        for (l = 0; l < ZL_WIDTH; l++) {
            a[l] = any_float(), b[l] = any_float(), c[l] = any_float();
            if (i % 2) {
                hard_case(&a[l], &b[l], &c[l]);
            }
        }
        store(got, fused(load(a), load(b), load(c)));
        for (l = 0; l < ZL_WIDTH; l++) {
            if (bits_of(got[l]) != bits_of(fmaf(a[l], b[l], c[l]))) {
                printf("fma(%a, %a, %a) is %a, not %a\n", a[l], b[l], c[l], got[l], fmaf(a[l], b[l], c[l]));
                return 1;
            }
        }
    }
    return 0;
}

static float
one(vf f(vf), float x)
{
    float lanes_[ZL_WIDTH];
    int l;

    store(lanes_, f(ALL(x)));
    for (l = 1; l < ZL_WIDTH; l++) {
        if (bits_of(lanes_[l]) != bits_of(lanes_[0])) {
            printf("lanes differ at %a\n", x);
            exit(1);
        }
    }
    mix(lanes_[0]);
    return lanes_[0];
}

static vf e_to(vf x)
{
    vf both[ZL_TOGETHER] = {x, ALL(0.0f)};

    exponentials(both);
    return both[0];
}
static vf ln(vf x) { return logarithm(x); }

static int
is(const char *name, float got, float wanted)
{
    if (bits_of(got) != bits_of(wanted)) {
        printf("%s is %a, not %a\n", name, got, wanted);
        return 0;
    }
    return 1;
}

int
main(int argc, char **argv)
{
    long n = (argc > 1 ? atol(argv[1]) : 4000) * 1000, i;
    uint32_t step = (uint32_t) (0x42000000u / (n / 4)), bits;
    double worst_e = 0.0, worst_ln = 0.0, wanted, unit;
    float x, before, here;
    int good = 1;

    if (check_fused(n / ZL_WIDTH)) {
        return 1;
    }
    for (bits = 0; bits <= 0x43000000u; bits += step) { /* e^x down to x = -128 */
        x = from_bits(bits);
        here = one(e_to, -x);
        if (x <= 64.0f) {
            worst_e = fmax(worst_e, fabs((double) here * exp((double) x) - 1.0) / (7.2e-8 + 2.8e-9 * (double) x));
            good &= here <= 1.0f; /* a weight beside the largest, which has 1 */
        } else {
            good &= is("e^x below e^-64", here, 0.0f);
        }
    }
    /* next to the ends and to 1 no larger number has a smaller power */
    static const float places[] = {64.0f, 0x1p-22f, 0x1p-147f};
    for (i = 0; i < 3; i++) {
        x = -places[i], before = one(e_to, x);
        for (bits = 0; bits < 1000 && x < 0.0f; bits++, before = here) {
            x = nextafterf(x, INFINITY);
            here = one(e_to, x);
            if (here < before) {
                printf("e^%a is less than that of the number before\n", x);
                good = 0;
            }
        }
    }
    good &= is("e^0", one(e_to, 0.0f), 1.0f) & is("e^-0", one(e_to, -0.0f), 1.0f);
    good &= is("e^-64.00001", one(e_to, nextafterf(-64.0f, -INFINITY)), 0.0f);
    good &= is("e^least", one(e_to, -3.4028235e38f), 0.0f) & is("e^-inf", one(e_to, -INFINITY), 0.0f);
    good &= is("e^nan", one(e_to, NAN), NAN) & is("e^-nan", one(e_to, -NAN), NAN);
    good &= is("e^denormal", one(e_to, -0x1p-149f), 1.0f) & (one(e_to, -64.0f) > 0.0f);
    for (i = 0; i < 1000; i++) { /* whatever else its bits say */
        good &= is("e^nan", one(e_to, from_bits(0x7fc00000u | draw())), NAN);
        good &= is("ln nan", one(ln, from_bits(0x7fc00000u | draw())), NAN);
    }
    for (bits = 0x00800000u; bits < 0x7f800000u; bits += step) {
        x = from_bits(bits);
        wanted = log((double) x);
        unit = ldexp(1.0, ilogb(wanted) - 23);
        worst_ln = fmax(worst_ln, fabs((double) one(ln, x) - wanted) / unit);
    }
    for (i = -20000; i < 20000; i++) { /* where the logarithm goes through zero */
        x = from_bits(0x3f800000u + (uint32_t) i);
        wanted = log((double) x);
        unit = i == 0 ? 1.0 : ldexp(1.0, ilogb(wanted) - 23);
        worst_ln = fmax(worst_ln, fabs((double) one(ln, x) - wanted) / unit);
    }
    good &= is("ln 1", one(ln, 1.0f), 0.0f) & is("ln inf", one(ln, INFINITY), INFINITY);
    good &= is("ln nan", one(ln, NAN), NAN) & is("ln -nan", one(ln, -NAN), NAN);
    if (worst_e > 1.0 || worst_ln > 1.0) {
        printf("errors are larger than vector.h says\n");
        good = 0;
    }
    printf("e^x %.3g of the error allowed, ln x %.3g units in the last place, hash %016llx\n", worst_e, worst_ln,
        (unsigned long long) hash);
    printf(good ? "ok\n" : "wrong\n");
    return !good;
}
