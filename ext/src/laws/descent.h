/* Damped Newton steps on a sum of weighted Huber terms, while its delta shrinks to a target: what all laws share. */
#ifndef ZL_DESCENT_H
#define ZL_DESCENT_H

#include <stdint.h>

#define ZL_MOST_PARAMETERS 16

typedef struct zl_descent {
    int p;                 /* parameters */
    int64_t n;             /* rows with a weight */
    const double *w;       /* (n) */
    double *r, *tr;        /* (n) residuals at the current point, and at a trial point */
    const uint8_t *free;   /* (p) parameters that may move */
    uint8_t tie;           /* keep parameters 3 and 4 equal */
    const double *low, *high; /* (p) */
    double longest;        /* of a step in any parameter */
    int32_t max_steps;
    uint8_t anneal; /* start with delta at the median residual and shrink it fourfold at a time */
    void *law;
    /* fill tr, and what else the law keeps of a trial point */
    void (*evaluate)(struct zl_descent *descent, const double *theta);
    /* the trial point becomes the current one: swap what the law keeps; r and tr are swapped here */
    void (*accept)(struct zl_descent *descent);
    /* gradient (p), Newton matrix and the positive semi-definite IRLS matrix (p, p) at the current point */
    void (*derivatives)(const struct zl_descent *descent, const double *theta, double delta, double *gradient,
                        double *newton, double *irls);
} zl_descent_t;

/* What a residual adds to gradient and matrices: psi = w rho', slope = w rho'/r, bend = w rho'' for the Huber rho. */
static inline void zl_huber(double r, double w, double delta, double *psi, double *slope, double *bend)
{
    double size = r < 0.0 ? -r : r;

    if (size <= delta) {
        *psi = w * r;
        *slope = *bend = w;
    } else {
        *psi = r > 0.0 ? w * delta : -w * delta;
        *slope = w * delta / size;
        *bend = 0.0;
    }
}

/* Solve the m x m positive definite system in place by Cholesky, rows stride apart; 0 when it is not one. */
int zl_solve(double *matrix, int stride, double *rhs, int m);

/* Minimise from theta, in place, to delta = target (infinity for least squares). */
void zl_descend(zl_descent_t *descent, double target, double *theta, double *objective, uint8_t *converged);

#endif
