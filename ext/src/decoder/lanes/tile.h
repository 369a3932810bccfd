/* A tile of a product in registers, for rows of ZL_TILE floats: included once for 16 and once for 8, with its
 * height TILE_ROWS.
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
    TILE_V sum[TILE_ROWS][TILE_REGS];
    ZL_UNROLL for (int i = 0; i < rows; i++)
        ZL_UNROLL for (int r = 0; r < TILE_REGS; r++)
            sum[i][r] = (TILE_V){0};
    for (int64_t o = 0; o < outer; o++) {
        /* every third row has a pointer, those between are one and two strides away: addresses without arithmetic */
        const float *from[(TILE_ROWS + 2) / 3], *with = b + o * b_outer;
        ZL_UNROLL for (int i = 0; i < rows; i += 3)
            from[i / 3] = a.at + o * a.outer + i * a.row;
        for (int64_t k = 0; k < inner; k++) {
            TILE_V row[TILE_REGS];
            ZL_UNROLL for (int r = 0; r < TILE_REGS; r++)
                row[r] = ZL_PASTE(load_, TILE_WIDTH)(with + r * TILE_WIDTH);
            ZL_UNROLL for (int i = 0; i < rows; i++) {
                TILE_V scalar = from[i / 3][i % 3 * a.row] - (TILE_V){0};
                ZL_UNROLL for (int r = 0; r < TILE_REGS; r++)
                    sum[i][r] = ZL_PASTE(fma_, TILE_WIDTH)(scalar, row[r], sum[i][r]);
            }
            ZL_UNROLL for (int i = 0; i < rows; i += 3)
                from[i / 3] += a.inner;
            with += b_inner;
        }
    }
    ZL_UNROLL for (int i = 0; i < rows; i++)
        ZL_UNROLL for (int r = 0; r < TILE_REGS; r++) {
            float *to = c + i * c_row + r * TILE_WIDTH;
            ZL_PASTE(store_, TILE_WIDTH)(to, add ? ZL_PASTE(load_, TILE_WIDTH)(to) + sum[i][r] : sum[i][r]);
        }
}

/* All rows of C: tiles of full height, the last two alike. */
ZL_INLINE void TILE_NAME(rows)(const int add, int64_t m, operand a, const float *b, int64_t b_inner, int64_t b_outer,
                               int64_t outer, int64_t inner, float *c, int64_t c_row)
{
    for (; m >= 2 * TILE_ROWS; m -= TILE_ROWS, a.at += TILE_ROWS * a.row, c += TILE_ROWS * c_row)
        TILE_NAME(tile)(TILE_ROWS, add, a, b, b_inner, b_outer, outer, inner, c, c_row);
    while (m > 0) {
        int64_t here = m > TILE_ROWS ? (m + 1) / 2 : m;
        switch (here) {
#define TILE_CASE(n)                                                                                                   \
    case n: TILE_NAME(tile)(n, add, a, b, b_inner, b_outer, outer, inner, c, c_row); break;
            TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4)
#if TILE_ROWS > 4
            TILE_CASE(5) TILE_CASE(6)
#endif
#if TILE_ROWS > 6
            TILE_CASE(7) TILE_CASE(8)
#endif
#if TILE_ROWS > 8
            TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12)
#endif
#undef TILE_CASE
        }
        a.at += here * a.row, c += here * c_row, m -= here;
    }
}

/* Strides must stay unknown here: gcc makes loads and shuffles of more than is asked for out of rows whose distance it
 * knows. */
static ZL_UNKNOWN void TILE_NAME(product)(int add, int64_t m, operand a, const float *b, int64_t b_inner,
                                          int64_t b_outer, int64_t outer, int64_t inner, float *c, int64_t c_row)
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
#undef TILE_ROWS
