/* Fits of f(x, y) = E + A exp(-alpha x) + B exp(-beta y) to ln-losses z by the sum of weighted Huber terms of ln f - z.
 *
 * x and y are centred logarithms of N and D; theta is (E, A, B, alpha, beta) in those coordinates. E, A, B >= 0.
 */
#ifndef ZL_LAWFIT_H
#define ZL_LAWFIT_H

#include <stdint.h>

#define ZL_LAW_PARAMETERS 5

typedef struct {
    int64_t n;              /* rows */
    const double *x, *y;    /* (n) */
    int64_t nx, ny;         /* distinct x and y: a grid of sizes and budgets has few */
    const double *ux, *uy;  /* (nx), (ny) the distinct values */
    const int32_t *ix, *iy; /* (n) which of them each row has */
    uint8_t free[5];        /* parameters that may move */
    uint8_t tie;            /* keep alpha = beta */
    double low, high;       /* bounds of alpha and beta */
    int32_t max_steps;
    uint8_t anneal;         /* start with delta at the median residual and shrink it fourfold at a time */
} zl_law_t;

/* Doubles of scratch that zl_law_polish needs for n rows. */
int64_t zl_law_scratch(int64_t n);

/* Minimise from theta, in place. z, w: (n); w >= 0, or NULL for ones. delta > 0, or infinity for least squares. */
void zl_law_polish(const zl_law_t *law, const double *z, const double *w, double delta, double *theta,
                   double *objective, uint8_t *converged, double *scratch);

/* Variable projection: for each pair of m exponents, the E, A, B >= 0 that minimise sum w (f/L - 1)^2, L = exp(z).
 *
 * fixed_E: E when it is held, negative when it is free. linear: (m, m, 3), cost: (m, m).
 * scratch: (2 m + 2) n doubles.
 */
void zl_law_project(const zl_law_t *law, const double *z, const double *w, const double *exponents, int64_t m,
                    double fixed_E, double *linear, double *cost, double *scratch);

#endif
