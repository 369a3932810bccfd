/* Another C library's elementary functions, as far as results can tell: now and then a unit off in the last place.
 * Preloaded, it shows what hangs on the library's last digits; whole powers of whole numbers stay as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static double nudged(double value, double of)
{
    uint64_t bits, key;

    if (!(fabs(value) < 1e300 && fabs(value) > 1e-300))
        return value;
    memcpy(&bits, &value, sizeof bits);
    memcpy(&key, &of, sizeof key);
    key = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 61;
    bits += key == 0 ? 1 : key == 1 ? (uint64_t) -1 : 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define ONE(name)                                                                                             \
    double name(double x)                                                                                      \
    {                                                                                                          \
        static double (*real)(double);                                                                         \
                                                                                                               \
        if (!real)                                                                                             \
            *(void **) &real = dlsym(RTLD_NEXT, #name);                                                        \
        return nudged(real(x), x);                                                                             \
    }
#define TWO(name)                                                                                             \
    double name(double x, double y)                                                                            \
    {                                                                                                          \
        static double (*real)(double, double);                                                                 \
                                                                                                               \
        if (!real)                                                                                             \
            *(void **) &real = dlsym(RTLD_NEXT, #name);                                                        \
        if (x == floor(x) && y == floor(y) && fabs(real(x, y)) < 9e15)                                         \
            return real(x, y);                                                                                 \
        return nudged(real(x, y), x + y);                                                                      \
    }

ONE(exp)
ONE(exp2)
ONE(expm1)
ONE(log)
ONE(log1p)
ONE(log2)
ONE(log10)
ONE(tanh)
ONE(sinh)
ONE(cosh)
ONE(cbrt)
ONE(erf)
ONE(erfc)
ONE(lgamma)
ONE(tgamma)
TWO(pow)
TWO(hypot)
