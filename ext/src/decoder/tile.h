/* A tile of a product in registers, for rows of ZL_TILE floats: included once for 16, 8 and 4.
 *
 * C(i, :) (+)= sum over k of A(i, k) B(k, :), k in order, one fused multiply-add a term, so the order of the sum does
 * not hang on how a product is cut into tiles. k runs over `outer` blocks of `inner`, with strides of their own. */

#if ZL_TILE < ZL_WIDTH
#define TILE_WIDTH ZL_TILE
#else
#define TILE_WIDTH ZL_WIDTH
#endif
#define TILE_REGS (ZL_TILE / TILE_WIDTH)
#define TILE_NAME(x) ZL_PASTE(x, ZL_TILE)
#define TILE_V ZL_PASTE(vf_, TILE_WIDTH)

ZL_INLINE void TILE_NAME(tile)(const int rows, const int add, operand a, const float *b, int64_t b_inner,
                               int64_t b_outer, int64_t outer, int64_t inner, float *c, int64_t c_row)
{
    TILE_V sum[ZL_MOST_ROWS][TILE_REGS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int r = 0; r < TILE_REGS; r++)
            sum[i][r] = (TILE_V){0};
    for (int64_t o = 0; o < outer; o++) {
        const float *from = a.at + o * a.outer, *with = b + o * b_outer;
        for (int64_t k = 0; k < inner; k++) {
            TILE_V row[TILE_REGS];
#pragma GCC unroll 4
            for (int r = 0; r < TILE_REGS; r++)
                row[r] = ZL_PASTE(load_, TILE_WIDTH)(with + r * TILE_WIDTH);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                TILE_V scalar = from[i * a.row] - (TILE_V){0};
#pragma GCC unroll 4
                for (int r = 0; r < TILE_REGS; r++)
                    sum[i][r] = ZL_PASTE(fma_, TILE_WIDTH)(scalar, row[r], sum[i][r]);
            }
            from += a.inner, with += b_inner;
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int r = 0; r < TILE_REGS; r++)
{
            float *to = c + i * c_row + r * TILE_WIDTH;
            ZL_PASTE(store_, TILE_WIDTH)(to, add ? ZL_PASTE(load_, TILE_WIDTH)(to) + sum[i][r] : sum[i][r]);
        }
}

/* All rows of C, cut into tiles of nearly equal height. */
ZL_INLINE void TILE_NAME(rows)(const int add, int64_t m, operand a, const float *b, int64_t b_inner, int64_t b_outer,
                               int64_t outer, int64_t inner, float *c, int64_t c_row)
{
    for (int64_t left = (m + ZL_MOST_ROWS - 1) / ZL_MOST_ROWS; left > 0; left--) {
        int64_t here = (m + left - 1) / left;
        switch (here) {
#define TILE_CASE(n)                                                                                                   \
    case n: TILE_NAME(tile)(n, add, a, b, b_inner, b_outer, outer, inner, c, c_row); break;
            TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4)
#if ZL_MOST_ROWS > 4
            TILE_CASE(5) TILE_CASE(6)
#endif
#if ZL_MOST_ROWS > 6
            TILE_CASE(7) TILE_CASE(8)
#endif
#undef TILE_CASE
        }
        a.at += here * a.row, c += here * c_row, m -= here;
    }
}

static __attribute__((noinline)) void TILE_NAME(product)(int add, int64_t m, operand a, const float *b,
                                                         int64_t b_inner, int64_t b_outer, int64_t outer,
                                                         int64_t inner, float *c, int64_t c_row)
{
    if (add)
        TILE_NAME(rows)(1, m, a, b, b_inner, b_outer, outer, inner, c, c_row);
    else
        TILE_NAME(rows)(0, m, a, b, b_inner, b_outer, outer, inner, c, c_row);
}

#undef TILE_WIDTH
#undef TILE_REGS
#undef TILE_NAME
#undef TILE_V
#undef ZL_TILE
