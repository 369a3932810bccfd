#include "linear.h"
#include "elementary.h"

#define SWEEPS 60 /* Jacobi's rotations settle within about ten */

static void swap(double *a, double *b)
{
    double kept = *a;

    *a = *b;
    *b = kept;
}

int zl_eliminate(double *matrix, double *rhs, int64_t n, int64_t m, double *sign, double *log_size)
{
    int64_t i, j, k;

    *sign = 1.0;
    *log_size = 0.0;
    for (k = 0; k < n; k++) {
        int64_t pivot = k;

        for (i = k + 1; i < n; i++)
            if (fabs(matrix[i * n + k]) > fabs(matrix[pivot * n + k]))
                pivot = i;
        if (pivot != k) {
            for (j = 0; j < n; j++)
                swap(matrix + k * n + j, matrix + pivot * n + j);
            for (j = 0; j < m; j++)
                swap(rhs + k * m + j, rhs + pivot * m + j);
            *sign = -*sign;
        }
        if (matrix[k * n + k] == 0.0) {
            *sign = 0.0;
            *log_size = -INFINITY;
            return 0;
        }
        if (matrix[k * n + k] < 0.0)
            *sign = -*sign;
        *log_size += zl_log(fabs(matrix[k * n + k]));
        for (i = k + 1; i < n; i++) {
            double factor = matrix[i * n + k] / matrix[k * n + k];

            if (factor == 0.0)
                continue;
            for (j = k + 1; j < n; j++)
                matrix[i * n + j] -= factor * matrix[k * n + j];
            for (j = 0; j < m; j++)
                rhs[i * m + j] -= factor * rhs[k * m + j];
        }
    }
    for (k = n - 1; k >= 0; k--)
        for (j = 0; j < m; j++) {
            double value = rhs[k * m + j];

            for (i = k + 1; i < n; i++)
                value -= matrix[k * n + i] * rhs[i * m + j];
            rhs[k * m + j] = value / matrix[k * n + k];
        }
    return 1;
}

/* The rotation that makes [[a, c], [c, b]] diagonal: its tangent, of at most 45 degrees. */
static double tangent(double a, double b, double c)
{
    double half = (b - a) / (2.0 * c);

    if (fabs(half) > 0x1p500)
        return 0.5 / half;
    return (half < 0.0 ? -1.0 : 1.0) / (fabs(half) + sqrt(half * half + 1.0));
}

static void rotate(double *a, double *b, int64_t stride, int64_t count, double cosine, double sine)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        double x = a[i * stride], y = b[i * stride];

        a[i * stride] = cosine * x - sine * y;
        b[i * stride] = sine * x + cosine * y;
    }
}

int zl_symmetric(double *matrix, double *vectors, double *values, int64_t n)
{
    int64_t i, j, k;
    int sweep, moved = 1;

    for (i = 0; i < n * n; i++)
        vectors[i] = i % (n + 1) == 0;
    for (sweep = 0; sweep < SWEEPS && moved; sweep++) {
        moved = 0;
        for (i = 0; i < n; i++)
            for (j = i + 1; j < n; j++) {
                double off = matrix[i * n + j], t, c, s;

                /* too small to change either of its diagonal entries by what can be told */
                if (!(fabs(off) > 0x1p-54 * sqrt(fabs(matrix[i * n + i])) * sqrt(fabs(matrix[j * n + j]))) ||
                    fabs(off) < 0x1p-1000)
                    continue;
                moved = 1;
                t = tangent(matrix[i * n + i], matrix[j * n + j], off);
                c = 1.0 / sqrt(t * t + 1.0);
                s = t * c;
                rotate(matrix + i, matrix + j, n, n, c, s);
                rotate(matrix + i * n, matrix + j * n, 1, n, c, s);
                matrix[i * n + j] = matrix[j * n + i] = 0.0;
                rotate(vectors + i, vectors + j, n, n, c, s);
            }
    }
    for (i = 0; i < n; i++)
        values[i] = matrix[i * n + i];
    for (i = 0; i < n; i++) {
        k = i;
        for (j = i + 1; j < n; j++)
            if (values[j] < values[k])
                k = j;
        if (k != i) {
            swap(values + i, values + k);
            for (j = 0; j < n; j++)
                swap(vectors + j * n + i, vectors + j * n + k);
        }
    }
    return !moved;
}

int zl_singular(double *matrix, double *right, double *values, int64_t n, int64_t p)
{
    int64_t i, j, k;
    int sweep, moved = 1;

    for (i = 0; i < p * p; i++)
        right[i] = i % (p + 1) == 0;
    for (sweep = 0; sweep < SWEEPS && moved; sweep++) {
        moved = 0;
        for (i = 0; i < p; i++)
            for (j = i + 1; j < p; j++) {
                double a = 0.0, b = 0.0, off = 0.0, t, c, s;

                for (k = 0; k < n; k++) {
                    double x = matrix[k * p + i], y = matrix[k * p + j];

                    a += x * x;
                    b += y * y;
                    off += x * y;
                }
                if (!(fabs(off) > 0x1p-50 * sqrt(a) * sqrt(b)))
                    continue;
                moved = 1;
                t = tangent(a, b, off);
                c = 1.0 / sqrt(t * t + 1.0);
                s = t * c;
                rotate(matrix + i, matrix + j, p, n, c, s);
                rotate(right + i * p, right + j * p, 1, p, c, s);
            }
    }
    for (i = 0; i < p; i++) {
        double size = 0.0;

        for (k = 0; k < n; k++)
            size += matrix[k * p + i] * matrix[k * p + i];
        values[i] = sqrt(size);
    }
    for (i = 0; i < p; i++) {
        k = i;
        for (j = i + 1; j < p; j++)
            if (values[j] > values[k])
                k = j;
        if (k != i) {
            swap(values + i, values + k);
            for (j = 0; j < n; j++)
                swap(matrix + j * p + i, matrix + j * p + k);
            for (j = 0; j < p; j++)
                swap(right + i * p + j, right + k * p + j);
        }
        for (j = 0; j < n && values[i] > 0.0; j++)
            matrix[j * p + i] /= values[i];
    }
    return !moved;
}
