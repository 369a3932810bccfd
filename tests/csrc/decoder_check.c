/* Trains small decoders of many shapes with the C core and prints hashes of all that it computes: the builds of the core,
 * whatever compiled them, must print the same.
 *
 *     decoder_check [--list | --long | --lines FROM TO] [BUILD ...]
 *
 * --list: names of the builds that this processor runs; --long: larger shapes too; --lines: only lines from one to before another.
 * Of several builds (all that run here, where none is named) the first one's lines are printed, and any other line is an
 * error. Nothing here needs libm, whose bits are its own. */
#define _POSIX_C_SOURCE 200112L
#include "decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

typedef struct {
    zl_decoder_t shape; /* hidden, layers, heads, intermediate, vocabulary, positions */
    int32_t documents, steps;
} case_t;

/* cheap enough for a processor that is emulated */
static const case_t few[] = {
    {{2, 1, 1, 1, 2, 1}, 1, 3},
    {{2, 2, 1, 3, 3, 2}, 64, 3},
    {{4, 1, 2, 5, 17, 15}, 3, 3},
    {{6, 2, 3, 13, 301, 33}, 5, 3},
    {{10, 1, 5, 21, 70, 17}, 40, 2},
    {{8, 2, 1, 16, 301, 256}, 2, 2},
    {{8, 1, 4, 7, 50, 16}, 33, 2},
    {{4, 12, 1, 9, 5, 18}, 2, 2},
    {{14, 1, 1, 29, 2, 31}, 4, 2},
    {{12, 3, 2, 24, 19, 100}, 4, 2},
    {{16, 2, 8, 31, 33, 47}, 9, 2},
    {{18, 1, 3, 35, 1025, 64}, 2, 2},
    {{24, 2, 3, 48, 301, 65}, 2, 2},
    {{32, 1, 4, 64, 101, 130}, 2, 1},
    {{64, 1, 1, 128, 47, 49}, 1, 1},
    {{96, 1, 8, 191, 64, 20}, 2, 1},
    {{256, 1, 8, 31, 16, 17}, 1, 1},
    {{256, 1, 1, 3, 5, 9}, 1, 2},
    {{2, 1, 1, 7, 65536, 3}, 1, 1},
    {{2, 1, 1, 5, 9, 2900}, 1, 1}, /* attention weights are not kept */
};
static const case_t many[] = {
    {{2, 1, 1, 2, 3, 4096}, 1, 1},
    {{32, 1, 4, 65, 301, 4096}, 1, 1},
    {{16, 2, 8, 33, 65536, 64}, 5, 1},
    {{2, 1, 1, 5, 65536, 256}, 2, 1},
    {{6, 2, 1, 12, 301, 256}, 64, 2},
    {{24, 4, 1, 48, 301, 256}, 4, 3},
    {{128, 2, 8, 256, 1000, 200}, 3, 2},
    {{256, 2, 4, 512, 301, 128}, 2, 2},
    {{200, 2, 5, 333, 77, 77}, 3, 2},
    {{64, 3, 2, 129, 5000, 1000}, 2, 1},
};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* random numbers: a Weyl sequence through the finalizer of MurmurHash3 */
static uint64_t state;

static uint32_t
draw(void)
{
    uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t) (x >> 32);
}

/* uniform in [-size, size); size is a power of two */
static float
spread(float size)
{
    return (float) ((int32_t) (draw() >> 8) - (1 << 23)) * 0x1p-23f * size;
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
    return bits;
}

static int
finite(float x)
{
    return (bits_of(x) & 0x7f800000u) != 0x7f800000u;
}

/* FNV-1a over words; what is no number counts as one and the same, as IEEE 754 leaves its sign and payload open */
static uint64_t
hash_more(uint64_t hash, int64_t n, const float *x)
{
    int64_t i;

    for (i = 0; i < n; i++) {
        uint32_t bits = bits_of(x[i]);

        hash = (hash ^ ((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc00000u : bits)) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t
hash_of(int64_t n, const float *x)
{
    return hash_more(UINT64_C(0xcbf29ce484222325), n, x);
}

static void
fail(const char *what)
{
    printf("%s: %s\n", zl_decoder_used(), what);
    exit(1);
}

/* exactly as large as asked for, so that a sanitizer sees every stray access */
static float *
floats(int64_t n)
{
    void *memory;

    if (posix_memalign(&memory, 64, (size_t) n * sizeof(float)) != 0) {
        fail("no memory");
    }
    return memory;
}

/* A model in training, with all the memory that it needs. */
typedef struct {
    const zl_decoder_t *s;
    int64_t n, tokens, space, seen_space;
    int32_t documents, group;
    uint32_t *ids;
    float *turns, *parameters, *first, *second, *total, *part, *losses, *scratch, *seen, *seen_scratch;
} model_t;

static model_t
model_new(const zl_decoder_t *s, int32_t documents)
{
    model_t x;
    int64_t i, norms = (2 * (int64_t) s->layers + 1) * s->hidden, embedding = (int64_t) s->vocabulary * s->hidden;
    float size = 1.0f;

    if (zl_decoder_check(s) != ZL_OK) {
        fail("the core refuses a shape");
    }
    x.s = s;
    x.documents = documents;
    x.n = zl_decoder_parameters(s);
    x.group = zl_decoder_group(s);
    x.tokens = (int64_t) documents * s->positions;
    x.space = zl_decoder_scratch(s, 1);
    x.seen_space = zl_decoder_scratch(s, 0);
    x.turns = floats(zl_decoder_turn_floats(s));
    x.parameters = floats(x.n);
    x.first = floats(x.n);
    x.second = floats(x.n);
    x.total = floats(x.n);
    x.part = floats(x.n);
    x.losses = floats(x.tokens);
    x.seen = floats(x.tokens);
    x.scratch = floats(x.space);
    x.seen_scratch = floats(x.seen_space);
    x.ids = (uint32_t *) (void *) floats(x.tokens);
    zl_decoder_turns(s, x.turns);
    while (size * size * (float) s->hidden > 2.0f) {
        size *= 0.5f;
    }
    for (i = 0; i < x.n; i++) {
        x.parameters[i] = i < embedding ? spread(1.0f) : i < embedding + norms ? 1.0f + spread(0.25f) : spread(size);
        x.first[i] = x.second[i] = 0.0f;
    }
    return x;
}

static void
model_free(model_t *x)
{
    free(x->turns);
    free(x->parameters);
    free(x->first);
    free(x->second);
    free(x->total);
    free(x->part);
    free(x->losses);
    free(x->seen);
    free(x->scratch);
    free(x->seen_scratch);
    free(x->ids);
}

static void
draw_tokens(model_t *x)
{
    int64_t i;

    for (i = 0; i < x->tokens; i++) {
        x->ids[i] = draw() % (uint32_t) x->s->vocabulary;
    }
    x->ids[0] = (uint32_t) x->s->vocabulary - 1;
    x->ids[x->tokens - 1] = 0;
}

/* What a call must write before it reads. */
static void
spoil(int64_t n, float *x, uint32_t bits)
{
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
    bits = 0;
#endif
#endif
    while (bits != 0 && n-- > 0) {
        x[n] = from_bits(bits);
    }
}

static void
gradient(model_t *x, float share, uint32_t garbage)
{
    int32_t d, here;
    int64_t i, S = x->s->positions;

    for (i = 0; i < x->n; i++) {
        x->total[i] = 0.0f;
    }
    spoil(x->tokens, x->losses, garbage);
    for (d = 0; d < x->documents; d += here) {
        here = x->documents - d < x->group ? x->documents - d : x->group;
        spoil(x->space, x->scratch, garbage);
        spoil(x->n, x->part, garbage);
        zl_decoder_group_losses(x->s, x->turns, x->parameters, x->ids + d * S, here, share, x->losses + d * S, x->part,
            x->scratch);
        zl_decoder_add(x->n, x->part, x->total);
    }
}

static double
update(model_t *x, int64_t step)
{
    zl_adamw_t settings = {0x1p-7, 0.9, 0.95, 1e-8, 0.1, 1.0, step};
    zl_stretch_t stretches[3] = {{0, 1.0f, 0.0f}, {0, 0.5f, 0.25f}, {0, 0.375f, 1.0f}};

    stretches[0].length = x->n / 3;
    stretches[2].length = x->n > 2 ? 1 + x->n / 5 : 0;
    stretches[1].length = x->n - stretches[0].length - stretches[2].length;
    return zl_decoder_adamw(&settings, stretches, 3, x->total, x->parameters, x->first, x->second);
}

/* The evaluation pass, `together` documents a call. */
static void
evaluate(model_t *x, int32_t together)
{
    int32_t d, here;
    int64_t S = x->s->positions;

    spoil(x->tokens, x->seen, 0xffffffffu);
    for (d = 0; d < x->documents; d += here) {
        here = x->documents - d < together ? x->documents - d : together;
        spoil(x->seen_space, x->seen_scratch, 0xffffffffu);
        zl_decoder_group_losses(x->s, x->turns, x->parameters, x->ids + d * S, here, 0.0f, x->seen + d * S, NULL,
            x->seen_scratch);
    }
}

static int
say(char *to, size_t room, const model_t *x, double norm)
{
    uint64_t n;

    memcpy(&n, &norm, sizeof(n));
    return snprintf(to, room, "losses %016llx gradient %016llx parameters %016llx moments %016llx norm %016llx",
        (unsigned long long) hash_of(x->tokens, x->losses), (unsigned long long) hash_of(x->n, x->total),
        (unsigned long long) hash_of(x->n, x->parameters),
        (unsigned long long) hash_more(hash_of(x->n, x->first), x->n, x->second),
        (unsigned long long) (norm != norm ? 0 : n));
}

/* Some steps of training and an evaluation; one line. */
static void
train(const case_t *c, char *line, size_t room)
{
    model_t x = model_new(&c->shape, c->documents);
    int32_t step;
    int64_t i;
    double norm = 0.0;
    uint64_t once;
    int n;

    for (step = 1; step <= c->steps; step++) {
        draw_tokens(&x);
        gradient(&x, 1.0f / (float) x.tokens, 0xffffffffu);
        if (step == 1) {
            /* nothing of what stood in the memory shows */
            once = hash_more(hash_of(x.n, x.total), x.tokens, x.losses);
            gradient(&x, 1.0f / (float) x.tokens, 0x7f000000u);
            if (hash_more(hash_of(x.n, x.total), x.tokens, x.losses) != once) {
                fail("a call reads what it did not write");
            }
        }
        evaluate(&x, x.group);
        if (memcmp(x.seen, x.losses, (size_t) x.tokens * sizeof(float)) != 0) {
            fail("evaluation and training differ in losses");
        }
        norm = update(&x, step);
    }
    for (i = 0; i < x.tokens; i++) {
        if (!(x.losses[i] >= 0.0f && x.losses[i] < 100.0f)) {
            fail("a loss that cannot be");
        }
    }
    evaluate(&x, x.group);
    once = hash_of(x.tokens, x.seen);
    evaluate(&x, 1);
    if (hash_of(x.tokens, x.seen) != once) {
        fail("losses of a document hang on those beside it");
    }
    n = snprintf(line, room, "hidden %d layers %d heads %d intermediate %d vocabulary %d positions %d x %d: ",
        c->shape.hidden, c->shape.layers, c->shape.heads, c->shape.intermediate, c->shape.vocabulary,
        c->shape.positions, c->documents);
    n += say(line + n, room - (size_t) n, &x, norm);
    snprintf(line + n, room - (size_t) n, " seen %016llx", (unsigned long long) once);
    model_free(&x);
}

/* The processor's modes: how it rounds, and whether denormals count as zero. `odd` is none that C begins with. */
#if defined(__x86_64__)
static uint32_t modes(void) { return __builtin_ia32_stmxcsr() & ~0x3fu; }
static void set_modes(uint32_t to) { __builtin_ia32_ldmxcsr(to); }
static const uint32_t odd_modes[] = {0x9fc0u, 0x5f80u, 0x7f80u};
#elif defined(__aarch64__)
static uint32_t modes(void)
{
    uint64_t now;

    __asm__ volatile("mrs %0, fpcr" : "=r"(now));
    return (uint32_t) now;
}
static void set_modes(uint32_t to) { __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t) to) : "memory"); }
static const uint32_t odd_modes[] = {1u << 24, 1u << 22, 3u << 22};
#else
static uint32_t modes(void) { return 0; }
static void set_modes(uint32_t to) { (void) to; }
static const uint32_t odd_modes[] = {0};
#endif

/* A step from parameters and moments of a given size, the smallest of them denormal, the core called in these modes. */
static uint64_t
small_step(model_t *x, float size, uint32_t in)
{
    int64_t i, angles = zl_decoder_turn_floats(x->s);
    uint64_t start = state;
    uint32_t usual = modes(), after;
    char line[400];
    double norm;

    for (i = 0; i < x->n; i++) {
        x->parameters[i] = spread(size);
        x->first[i] = spread(0x1p-99f);
        x->second[i] = from_bits((bits_of(spread(0x1p-99f)) & 0x7fffffffu) >> (i % 3 ? 0 : 5));
    }
    set_modes(in);
    zl_decoder_turns(x->s, x->turns);
    gradient(x, 0x1p-20f, 0xffffffffu);
    norm = update(x, 3);
    evaluate(x, x->group);
    after = modes();
    set_modes(usual);
    if (after != in) {
        fail("the processor's modes were not put back");
    }
    for (i = 0; i < x->n; i++) {
        float m = from_bits(bits_of(x->first[i]) & 0x7fffffffu), v = x->second[i];

        if ((m != 0.0f && m < 0x1p-100f) || (v != 0.0f && v < 0x1p-100f)) {
            fail("a moment below 2^-100 stayed");
        }
    }
    say(line, sizeof(line), x, norm);
    state = start;
    return hash_more(hash_more(hash_of(x->tokens, x->seen), angles, x->turns), (int64_t) strlen(line) / 4,
        (const float *) (const void *) line);
}

/* Denormals, and the processor's modes; one line. */
static void
denormals(char *line, size_t room)
{
    static const zl_decoder_t shape = {8, 2, 2, 13, 33, 21};
    static const float sizes[] = {0x1p-60f, 0x1p-120f, 0x1p-140f, 0x1p-147f};
    model_t x = model_new(&shape, 3);
    size_t i, k;
    int n = snprintf(line, room, "denormals:");

    draw_tokens(&x);
    for (i = 0; i < COUNT(sizes); i++) {
        uint64_t hash = small_step(&x, sizes[i], modes());

        n += snprintf(line + n, room - (size_t) n, " %016llx", (unsigned long long) hash);
        for (k = 0; k < COUNT(odd_modes); k++) {
            if (small_step(&x, sizes[i], odd_modes[k]) != hash) {
                fail("results hang on the processor's modes");
            }
        }
    }
    model_free(&x);
}

/* Infinities, what is no number, and what overflows, in one parameter after another, in gradients and in `share`. */
static void
not_finite(char *line, size_t room)
{
    static const zl_decoder_t shape = {8, 2, 2, 13, 33, 21};
    static const uint32_t odd[] = {0x7fc00000u, 0xffc12345u, 0x7f800000u, 0xff800000u, 0x7f7fffffu, 0xff7fffffu,
        0x5f000000u, 0xe0000000u};
    model_t x = model_new(&shape, 3);
    int64_t i, t, embedding = (int64_t) shape.vocabulary * shape.hidden;
    size_t k;
    uint64_t passes = 0, updates = 0;
    char text[400];

    draw_tokens(&x);
    for (k = 0; k < COUNT(odd); k++) {
        for (i = (int64_t) k % 5; i < x.n; i += k < 2 ? 37 : 127) {
            float before = x.parameters[i];

            x.parameters[i] = from_bits(odd[k]);
            gradient(&x, 0.015625f, 0x7f000000u);
            passes = hash_more(hash_more(passes, x.tokens, x.losses), x.n, x.total);
            evaluate(&x, x.group);
            if (hash_of(x.tokens, x.seen) != hash_of(x.tokens, x.losses)) {
                fail("evaluation and training differ in losses that are not finite");
            }
            for (t = 0; k < 2 && i >= embedding && t < x.tokens; t++) {
                if (finite(x.losses[t])) {
                    fail("a finite loss of a parameter that is no number");
                }
            }
            x.parameters[i] = before;
        }
    }
    /* a row of the embedding spoils what comes behind it in its document, and nothing else */
    for (k = 0; k < 2; k++) {
        int32_t d;
        float before = x.parameters[shape.hidden * 5];

        x.parameters[shape.hidden * 5] = from_bits(odd[k]);
        evaluate(&x, x.group);
        for (d = 0; d < x.documents; d++) {
            int met = 0;

            for (t = 0; t < shape.positions; t++) {
                met |= t > 0 && x.ids[d * shape.positions + t - 1] == 5;
                if (met && finite(x.seen[d * shape.positions + t])) {
                    fail("a finite loss behind a token that is no number");
                }
            }
        }
        x.parameters[shape.hidden * 5] = before;
    }
    for (k = 0; k < COUNT(odd); k++) {
        gradient(&x, from_bits(odd[k]), 0xffffffffu);
        passes = hash_more(passes, x.n, x.total);
        gradient(&x, 0.015625f, 0xffffffffu);
        x.total[(int64_t) k * 37 % x.n] = from_bits(odd[k]);
        x.first[(int64_t) k * 41 % x.n] = from_bits(odd[COUNT(odd) - 1 - k]);
        x.second[(int64_t) k * 43 % x.n] = from_bits(odd[k] & 0x7fffffffu);
        x.second[(int64_t) k * 47 % x.n] = -1.0f;
        say(text, sizeof(text), &x, update(&x, 1));
        updates = hash_more(updates, (int64_t) strlen(text) / 4, (const float *) (const void *) text);
    }
    snprintf(line, room, "not finite: passes %016llx updates %016llx", (unsigned long long) passes,
        (unsigned long long) updates);
    model_free(&x);
}

/* Line number `which` of a build; 0 when there are no more. */
static int
line_of(size_t which, int longer, char *line, size_t room)
{
    state = which;
    if (which == 0) {
        denormals(line, room);
    } else if (which == 1) {
        not_finite(line, room);
    } else if (which - 2 < COUNT(few)) {
        train(&few[which - 2], line, room);
    } else if (longer && which - 2 - COUNT(few) < COUNT(many)) {
        train(&many[which - 2 - COUNT(few)], line, room);
    } else {
        return 0;
    }
    return 1;
}

int
main(int argc, char **argv)
{
    const char *names[16];
    char line[600], other[600];
    int i, n = 0, longer = 0;
    size_t which = 0, most = SIZE_MAX;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0) {
            longer = 1;
        } else if (strcmp(argv[i], "--lines") == 0 && i + 2 < argc) {
            which = (size_t) atoi(argv[++i]);
            most = (size_t) atoi(argv[++i]);
        } else if (strcmp(argv[i], "--list") == 0) {
            most = 0;
        } else if (n < 16) {
            names[n++] = argv[i];
        }
    }
    if (n == 0) {
        for (i = 0; zl_decoder_builds[i] != NULL; i++) {
            if (zl_decoder_runs(zl_decoder_builds[i])) {
                names[n++] = zl_decoder_builds[i];
            }
        }
    }
    for (i = 0; most == 0 && i < n; i++) {
        puts(names[i]);
    }
    for (; which < most; which++) {
        for (i = 0; i < n; i++) {
            if (zl_decoder_use(names[i]) != ZL_OK) {
                return printf("build %s does not run here\n", names[i]), 1;
            }
            if (!line_of(which, longer, i == 0 ? line : other, sizeof(line))) {
                return 0;
            }
            if (i > 0 && strcmp(line, other) != 0) {
                return printf("%s: %s\n%s: %s\n", names[0], line, names[i], other), 1;
            }
        }
        puts(line);
        fflush(stdout); /* so that a crash shows behind which shape it came */
    }
    return 0;
}
