/* Which build of the core runs, sizes, and the table of rotations. */
#include "decoder.h"

#include <fenv.h>
#include <string.h>

#include "build.h"
#include "layout.h"
#include "status.h"

#if defined(__x86_64__)
const char *const zl_decoder_builds[] = {"v4", "v3", "v2", NULL};
static const zl_build_t *const builds[] = {&zl_build_v4, &zl_build_v3, &zl_build_v2};
#else
const char *const zl_decoder_builds[] = {"plain", NULL};
static const zl_build_t *const builds[] = {&zl_build_plain};
#endif

/* the one thing that stands outside of a call: which build was chosen, before any work */
static const zl_build_t *used;

int zl_decoder_runs(const char *build)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    int v2 = __builtin_cpu_supports("sse4.2") != 0;
    int v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    if (strcmp(build, "v4") == 0)
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (strcmp(build, "v3") == 0)
        return v3;
    return v2 && strcmp(build, "v2") == 0;
#else
    return strcmp(build, "plain") == 0;
#endif
}

int zl_decoder_use(const char *build)
{
    for (int i = 0; zl_decoder_builds[i] != NULL; i++)
        if (strcmp(zl_decoder_builds[i], build) == 0 && zl_decoder_runs(build)) {
            used = builds[i];
            return ZL_OK;
        }
    return ZL_ERR_VALUE;
}

const char *zl_decoder_used(void)
{
    for (int i = 0; used == NULL && zl_decoder_builds[i] != NULL; i++)
        zl_decoder_use(zl_decoder_builds[i]);
    return used == NULL ? NULL : used->name;
}

int zl_decoder_check(const zl_decoder_t *s)
{
    int64_t h = s->hidden;
    if (h < 2 || h > 16384 || h % 2 || s->layers < 1 || s->layers > 1024 || s->heads < 1 || h % (2 * s->heads) ||
        s->intermediate < 1 || s->intermediate > 1 << 22 || s->vocabulary < 2 || s->positions < 1 ||
        s->positions > 1 << 20)
        return ZL_ERR_VALUE;
    return ZL_OK;
}

int64_t zl_decoder_parameters(const zl_decoder_t *s) { return zl_layout(s, 0).end; }

int32_t zl_decoder_group(const zl_decoder_t *s)
{
    int64_t tokens = zl_panels(s) * ZL_LANES;
    return tokens >= ZL_GROUP_TOKENS ? 1 : (int32_t)(ZL_GROUP_TOKENS / tokens);
}

int64_t zl_decoder_scratch(const zl_decoder_t *s, int gradient)
{
    zl_scratch_t w;
    return zl_lay_out(s, zl_decoder_group(s), gradient, NULL, &w, 0, NULL);
}

int64_t zl_decoder_turn_floats(const zl_decoder_t *s) { return zl_panels(s) * (s->hidden / s->heads) * ZL_LANES; }

/* sin and cos of x = k pi/2 + r, |r| <= pi/4, by Taylor series in double: error below 1e-15 for x up to 1e6 */
static void sin_cos(double x, double *sine, double *cosine)
{
    double k = (double)(int64_t)(x * 0.63661977236758134308 + 0.5);
    /* pi/2 in three parts, the first two short enough for exact products */
    double r = ((x - k * 1.57079632673412561417) - k * 6.07710050630396597660e-11) - k * 2.02226624879595063154e-21;
    double z = r * r, s = 1.0, c = 1.0;
    for (int i = 20; i >= 2; i -= 2) {
        s = 1.0 - s * z / (double)(i * (i + 1));
        c = 1.0 - c * z / (double)(i * (i - 1));
    }
    s *= r;
    switch ((int64_t)k & 3) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}

/* 10000^-x for x in [0, 1]: e^-y with y = x ln 10000, as (e^(-y/64))^64 by its series */
static double ten_thousand_to_minus(double x)
{
    double y = x * 9.21034037197618273607 / 64.0, e = 1.0;
    for (int i = 20; i >= 1; i--)
        e = 1.0 - e * y / (double)i;
    for (int i = 0; i < 6; i++)
        e *= e;
    return e;
}

/* The modes that C begins with, whatever the process has set: other libraries let denormals count as zero (those built
 * with -ffast-math when they are loaded, torch when asked to), and round in other ways. */
static void usual_modes(fenv_t *before)
{
    fegetenv(before);
    fesetenv(FE_DFL_ENV);
}

/* apart from usual_modes(), so that no arithmetic moves across its call */
static __attribute__((noinline)) void fill_turns(const zl_decoder_t *s, float *turns)
{
    int64_t d = s->hidden / s->heads;
    for (int64_t j = 0; j < d / 2; j++) {
        double frequency = ten_thousand_to_minus(2.0 * (double)j / (double)d);
        for (int64_t t = 0; t < zl_panels(s) * ZL_LANES; t++) {
            double sine, cosine;
            sin_cos((double)t * frequency, &sine, &cosine);
            float *at = turns + (t / ZL_LANES * (d / 2) + j) * 2 * ZL_LANES + t % ZL_LANES;
            at[0] = (float)cosine, at[ZL_LANES] = (float)sine;
        }
    }
}

void zl_decoder_turns(const zl_decoder_t *shape, float *turns)
{
    fenv_t before;
    usual_modes(&before);
    fill_turns(shape, turns);
    fesetenv(&before);
}

void zl_decoder_group_losses(const zl_decoder_t *shape, const float *turns, const float *parameters,
                             const uint32_t *tokens, int32_t documents, float share, float *losses, float *gradient,
                             float *scratch)
{
    fenv_t before;
    usual_modes(&before);
    used->group_losses(shape, turns, parameters, tokens, documents, share, losses, gradient, scratch);
    fesetenv(&before);
}

void zl_decoder_add(int64_t n, const float *part, float *total)
{
    fenv_t before;
    usual_modes(&before);
    used->add(n, part, total);
    fesetenv(&before);
}

double zl_decoder_adamw(const zl_adamw_t *settings, const zl_stretch_t *stretches, int64_t n_stretches,
                        const float *gradient, float *parameters, float *first, float *second)
{
    fenv_t before;
    usual_modes(&before);
    double norm = used->adamw(settings, stretches, n_stretches, gradient, parameters, first, second);
    fesetenv(&before);
    return norm;
}
