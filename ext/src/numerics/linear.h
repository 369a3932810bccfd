/* Small dense systems, row by row in memory, in a fixed order of operations. For tens of unknowns: O(n^3), unblocked. */
#ifndef ZL_LINEAR_H
#define ZL_LINEAR_H

#include <stdint.h>

/* Gaussian elimination with row pivoting: matrix (n, n) is destroyed, rhs (n, m) becomes the solution.
 * *sign: of the determinant, 0 when singular; *log_size: its logarithm's real part. Returns whether it was regular. */
int zl_eliminate(double *matrix, double *rhs, int64_t n, int64_t m, double *sign, double *log_size);

/* Eigenvalues, rising, of a symmetric matrix (n, n), which is destroyed; vectors (n, n): one a column. */
int zl_symmetric(double *matrix, double *vectors, double *values, int64_t n);

/* Singular values, falling, of matrix (n, p), n >= p, which becomes the left vectors; right (p, p): one a row.
 * A left vector whose singular value is 0 is 0. */
int zl_singular(double *matrix, double *right, double *values, int64_t n, int64_t p);

#endif
