/* Multiply-adds in registers alone: the most that one core does with vectors of WIDTH floats. */
typedef float vector __attribute__((vector_size(4 * WIDTH)));
#define CHAINS 12 /* enough of them to hide the latency of each, few enough for sixteen registers */

/* x near 1 and y near 0 keep the numbers normal; the sum is returned so that nothing is left out */
float spin(long rounds, float x, float y)
{
    vector a[CHAINS], by = x - (vector){0}, plus = y - (vector){0}, sum = {0};
    float total = 0.0f;
    for (int i = 0; i < CHAINS; i++)
        a[i] = (float)(i + 1) - (vector){0};
    for (long r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            a[i] = a[i] * by + plus;
    for (int i = 0; i < CHAINS; i++)
        sum += a[i];
    for (int l = 0; l < WIDTH; l++)
        total += sum[l];
    return total;
}

long flops_of(long rounds) { return rounds * CHAINS * WIDTH * 2; }
