/* Matrix products over panels: everything that a decoder multiplies. */
#ifndef ZL_DECODER_PRODUCT_H
#define ZL_DECODER_PRODUCT_H

#include "vector.h"

/* The left side of a product: A(i, k), k = o * inner + n, is at[i * row + n * inner + o * outer]. */
typedef struct {
    const float *at;
    int64_t row, inner, outer;
} operand;

#ifdef __clang__
#define ZL_UNKNOWN __attribute__((noinline))
#else
#define ZL_UNKNOWN __attribute__((noinline, noclone))
#endif

/* A variant says how many rows a tile of 16 and one of 8 columns may have beside what is multiplied. */
#define ZL_TILE 16
#define TILE_ROWS ZL_ROWS_OF_16
#include "tile.h"
#define ZL_TILE 8
#define TILE_ROWS ZL_ROWS_OF_8
#include "tile.h"

/* Lanes of n rows in panels as k: A(i, t) of the panels from `p` on, `panel` floats apart. */
ZL_INLINE operand lanes_of(const float *p, int64_t panel) { return (operand){p, 16, 1, panel}; }

/* out panel (m, 16) (+)= W (m, k) times panel (k, 16), or the transpose of W (k, m) times it; W's rows `columns` apart. */
ZL_INLINE void rows_times(int add, int64_t m, const float *w, int64_t columns, int64_t k, const float *panel, float *out)
{
    product16(add, m, (operand){w, columns, 1, 0}, panel, 16, 0, 1, k, out, 16);
}

ZL_INLINE void columns_times(int add, int64_t m, const float *w, int64_t columns, int64_t k, const float *panel,
                             float *out)
{
    product16(add, m, (operand){w, 1, columns, 0}, panel, 16, 0, 1, k, out, 16);
}

/* out (m, n), rows n apart, (+)= sum over the lanes of `panels` panels of A (m, lanes) times B (lanes, n), B's rows n
 * apart; n is a multiple of 8. A's rows of a panel stand `a.outer` from those of the next. */
ZL_INLINE void times_rows(int add, int64_t m, operand a, int64_t panels, int64_t lanes, const float *b, int64_t n,
                          float *out)
{
    int64_t j = 0;
    for (; n - j >= 16; j += 16)
        product16(add, m, a, b + j, n, lanes * n, panels, lanes, out + j, n);
    if (n > j)
        product8(add, m, a, b + j, n, lanes * n, panels, lanes, out + j, n);
}

/* The same number of floats or more, a multiple of eight. */
ZL_INLINE int64_t padded(int64_t n) { return (n + 7) & ~(int64_t)7; }

#ifdef __clang__
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, (vi_4){i, j, k, l})
#endif

/* Rows and columns of 4 x 4 floats exchanged. */
ZL_INLINE void exchange(vf_4 r[4])
{
    vf_4 a = SHUFFLE(r[0], r[1], 0, 4, 1, 5), b = SHUFFLE(r[0], r[1], 2, 6, 3, 7);
    vf_4 c = SHUFFLE(r[2], r[3], 0, 4, 1, 5), d = SHUFFLE(r[2], r[3], 2, 6, 3, 7);
    r[0] = SHUFFLE(a, c, 0, 1, 4, 5), r[1] = SHUFFLE(a, c, 2, 3, 6, 7);
    r[2] = SHUFFLE(b, d, 0, 1, 4, 5), r[3] = SHUFFLE(b, d, 2, 3, 6, 7);
}

/* A panel (n, 16) as rows (16, padded(n)); zeros in the padding. */
static void panel_to_rows(const float *panel, int64_t n, float *rows)
{
    int64_t width = padded(n);
    for (int64_t i = 0; i < width; i += 4)
        for (int l = 0; l < 16; l += 4) {
            vf_4 r[4];
            for (int k = 0; k < 4; k++)
                r[k] = i + k < n ? load_4(panel + (i + k) * 16 + l) : (vf_4){0};
            exchange(r);
            for (int k = 0; k < 4; k++)
                store_4(rows + (l + k) * width + i, r[k]);
        }
}

/* Rows (16, padded(n)) as a panel (n, 16). */
static void rows_to_panel(const float *rows, int64_t n, float *panel)
{
    int64_t width = padded(n);
    for (int64_t i = 0; i < n; i += 4)
        for (int l = 0; l < 16; l += 4) {
            vf_4 r[4];
            for (int k = 0; k < 4; k++)
                r[k] = load_4(rows + (l + k) * width + i);
            exchange(r);
            for (int k = 0; k < 4 && i + k < n; k++)
                store_4(panel + (i + k) * 16 + l, r[k]);
        }
}

#endif
