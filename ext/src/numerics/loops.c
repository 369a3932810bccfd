#include "loops.h"
#include "elementary.h"

#define ONE(name)                                                                                             \
    void zl_##name##_loop(char **arrays, const intptr_t *lengths, const intptr_t *strides, void *unused)       \
    {                                                                                                          \
        const char *in = arrays[0];                                                                            \
        char *out = arrays[1];                                                                                 \
        intptr_t i;                                                                                            \
                                                                                                               \
        (void) unused;                                                                                         \
        for (i = 0; i < lengths[0]; i++, in += strides[0], out += strides[1])                                  \
            *(double *) out = zl_##name(*(const double *) in);                                                 \
    }

#define TWO(name)                                                                                             \
    void zl_##name##_loop(char **arrays, const intptr_t *lengths, const intptr_t *strides, void *unused)       \
    {                                                                                                          \
        const char *a = arrays[0], *b = arrays[1];                                                             \
        char *out = arrays[2];                                                                                 \
        intptr_t i;                                                                                            \
                                                                                                               \
        (void) unused;                                                                                         \
        for (i = 0; i < lengths[0]; i++, a += strides[0], b += strides[1], out += strides[2])                  \
            *(double *) out = zl_##name(*(const double *) a, *(const double *) b);                             \
    }

ONE(exp)
ONE(expm1)
ONE(log)
ONE(log1p)
ONE(log10)
ONE(expit)
ONE(tanh)
ONE(normal_cdf)
TWO(pow)
TWO(logaddexp)

#define AT(base, offset) (*(const double *) ((base) + (offset)))
#define TILE 4

void zl_matmul_loop(char **arrays, const intptr_t *lengths, const intptr_t *strides, void *unused)
{
    const char *a = arrays[0], *b = arrays[1];
    char *c = arrays[2];
    const intptr_t n = lengths[1], depth = lengths[2], m = lengths[3];
    const intptr_t ai = strides[3], ak = strides[4], bk = strides[5], bj = strides[6], ci = strides[7], cj = strides[8];
    intptr_t outer, i, j, k, s, t;

    (void) unused;
    for (outer = 0; outer < lengths[0]; outer++, a += strides[0], b += strides[1], c += strides[2]) {
        for (i = 0; i < n; i += TILE) {
            const intptr_t rows = n - i < TILE ? n - i : TILE;

            for (j = 0; j < m; j += TILE) {
                const intptr_t columns = m - j < TILE ? m - j : TILE;
                const char *left = a + i * ai, *right = b + j * bj;
                double sum[TILE][TILE] = {{0.0}};

                if (rows == TILE && columns == TILE) {
                    /* sums beside each other keep the adders busy: each has an order of its own */
                    for (k = 0; k < depth; k++, left += ak, right += bk) {
                        const double r[TILE] = {AT(right, 0), AT(right, bj), AT(right, 2 * bj), AT(right, 3 * bj)};

                        for (s = 0; s < TILE; s++) {
                            const double l = AT(left, s * ai);

                            for (t = 0; t < TILE; t++)
                                sum[s][t] += l * r[t];
                        }
                    }
                } else if (columns == 1) {
                    for (k = 0; k < depth; k++, left += ak, right += bk)
                        for (s = 0; s < rows; s++)
                            sum[s][0] += AT(left, s * ai) * AT(right, 0);
                } else {
                    for (k = 0; k < depth; k++, left += ak, right += bk)
                        for (s = 0; s < rows; s++)
                            for (t = 0; t < columns; t++)
                                sum[s][t] += AT(left, s * ai) * AT(right, t * bj);
                }
                for (s = 0; s < rows; s++)
                    for (t = 0; t < columns; t++)
                        *(double *) (c + (i + s) * ci + (j + t) * cj) = sum[s][t];
            }
        }
    }
}
