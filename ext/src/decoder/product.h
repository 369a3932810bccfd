/* Matrix products over panels: everything that a decoder multiplies. */
#ifndef ZL_DECODER_PRODUCT_H
#define ZL_DECODER_PRODUCT_H

#include "vector.h"

/* The left side of a product: A(i, k), k = o * inner + n, is at[i * row + n * inner + o * outer]. */
typedef struct {
    const float *at;
    int64_t row, inner, outer;
} operand;

/* rows of a tile: a variant's registers hold so many sums beside what is multiplied */
#ifndef ZL_MOST_ROWS
#error "a variant defines ZL_MOST_ROWS"
#endif

#define ZL_TILE 16
#include "tile.h"
#define ZL_TILE 8
#include "tile.h"
#define ZL_TILE 4
#include "tile.h"

/* Columns of a row-major matrix W (rows, columns) as A(i, k) = W(k, i), or its rows as A(i, k) = W(i, k). */
ZL_INLINE operand rows_of(const float *w, int64_t columns) { return (operand){w, columns, 1, 0}; }
ZL_INLINE operand columns_of(const float *w, int64_t columns) { return (operand){w, 1, columns, 0}; }

/* Lanes of n rows in panels as k: A(i, t) of the panels from `p` on, `panel` floats apart. */
ZL_INLINE operand lanes_of(const float *p, int64_t panel) { return (operand){p, 16, 1, panel}; }

/* out panel (m, 16) (+)= A (m, k) times panel (k, 16). */
ZL_INLINE void times_panel(int add, int64_t m, operand a, int64_t k, const float *panel, float *out)
{
    product16(add, m, a, panel, 16, 0, 1, k, out, 16);
}

/* out (m, n), rows n apart, (+)= sum over the lanes of `panels` panels of A (m, lanes) times B (lanes, n), B's rows n
 * apart; n is a multiple of 4. */
ZL_INLINE void times_rows(int add, int64_t m, operand a, int64_t panels, int64_t lanes, const float *b, int64_t n,
                          float *out)
{
    int64_t j = 0;
    for (; n - j >= 16; j += 16)
        product16(add, m, a, b + j, n, lanes * n, panels, lanes, out + j, n);
    if (n - j >= 8) {
        product8(add, m, a, b + j, n, lanes * n, panels, lanes, out + j, n);
        j += 8;
    }
    if (n - j >= 4)
        product4(add, m, a, b + j, n, lanes * n, panels, lanes, out + j, n);
}

/* The same number of floats or more, a multiple of four. */
ZL_INLINE int64_t padded(int64_t n) { return (n + 3) & ~(int64_t)3; }

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
    for (int64_t i = 0; i < n; i += 4)
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
