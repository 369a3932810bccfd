/* Fits of E + g(z), z = ln(A / N^alpha + B / D^beta), under a link g, to logarithms by the sum of weighted Huber terms.
 *
 * x and y are centred logarithms of N and D. theta holds logarithms: of E, of both terms at the centre, of alpha and
 * beta, and of what the link has:
 *   power     k                       ln g = k z
 *   bounded   k, U                    ln g = k z - ln(1 + e^(k z) / (U - E))
 *   free      level, slopes (knots)   ln g = level + the integral from 0 to z of a slope that is linear between knots
 *                                     and constant beyond them; z is counted from its value at the centre
 */
#ifndef ZL_LINKFIT_H
#define ZL_LINKFIT_H

#include <stdint.h>

#define ZL_POWER 0
#define ZL_BOUNDED 1
#define ZL_FREE 2
#define ZL_MOST_KNOTS 8

typedef struct {
    int link;               /* one of the above */
    int p;                  /* parameters: 6, 7, or 6 and one a knot */
    int64_t n;              /* rows */
    const double *x, *y;    /* (n) */
    int64_t nx, ny;         /* distinct x and y */
    const double *ux, *uy;  /* (nx), (ny) */
    const int32_t *ix, *iy; /* (n) */
    int knots;              /* of the free link */
    const double *knot;     /* (knots), rising */
    uint8_t excess;         /* what is fitted is ln g, without E */
    const uint8_t *free;    /* (p) parameters that may move */
    uint8_t tie;            /* keep alpha = beta */
    const double *low, *high; /* (p) */
    int32_t max_steps;
    uint8_t anneal;
} zl_link_t;

/* Doubles of scratch that zl_link_polish needs for n rows. */
int64_t zl_link_scratch(int64_t n);

/* Minimise from theta (p), in place. z, w: (n); w >= 0. delta > 0, or infinity for least squares. */
void zl_link_polish(const zl_link_t *law, const double *z, const double *w, double delta, double *theta,
                    double *objective, uint8_t *converged, double *scratch);

/* Derivatives of the sum at theta: gradient (p), Newton and IRLS matrices (p, p). */
void zl_link_derivatives(const zl_link_t *law, const double *z, const double *w, double delta, const double *theta,
                         double *gradient, double *newton, double *irls, double *scratch);

#endif
