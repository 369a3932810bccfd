#include "lawfit.h"
#include "../numerics/elementary.h"
#include "descent.h"

#include <math.h>
#include <string.h>

#define P ZL_LAW_PARAMETERS

/* Rows with a weight, gathered: a resampled table leaves out a third of them. */
typedef struct {
    const zl_law_t *law;
    int64_t n;
    double *x, *y, *z, *w, *u, *v, *f, *r; /* u, v and f belong to the current point */
    double *tu, *tv, *tf, *tr;             /* the same at a trial point; r and tr are handed to the descent */
    double *eu, *ev;                       /* exponentials of the distinct x and y */
    int32_t *ix, *iy;
} rows_t;

int64_t zl_law_scratch(int64_t n)
{
    return 15 * n;
}

static void gather(rows_t *rows, const zl_law_t *law, const double *z, const double *w, double *scratch)
{
    int64_t i, k = 0, n = law->n;
    double **slot[] = {&rows->x, &rows->y, &rows->z, &rows->w, &rows->u, &rows->v,
                       &rows->f, &rows->r, &rows->tu, &rows->tv, &rows->tf, &rows->tr};

    for (i = 0; i < 12; i++)
        *slot[i] = scratch + i * n;
    rows->law = law;
    rows->eu = scratch + 12 * n;
    rows->ev = scratch + 13 * n;
    rows->ix = (int32_t *) (scratch + 14 * n);
    rows->iy = rows->ix + n;
    for (i = 0; i < n; i++) {
        if (w != NULL && !(w[i] > 0.0))
            continue;
        rows->x[k] = law->x[i];
        rows->y[k] = law->y[i];
        rows->ix[k] = law->ix[i];
        rows->iy[k] = law->iy[i];
        rows->z[k] = z[i];
        rows->w[k] = w == NULL ? 1.0 : w[i];
        k++;
    }
    rows->n = k;
}

/* Fill tu, tv, tf, tr for theta. */
static void evaluate(zl_descent_t *descent, const double *theta)
{
    rows_t *rows = descent->law;
    const zl_law_t *law = rows->law;
    double *r = descent->tr;
    int64_t i;

    /* exponentials are what a fit spends its time on: one for each distinct size and budget, not for each row */
    for (i = 0; i < law->nx; i++)
        rows->eu[i] = zl_exp(-theta[3] * law->ux[i]);
    for (i = 0; i < law->ny; i++)
        rows->ev[i] = zl_exp(-theta[4] * law->uy[i]);
    for (i = 0; i < rows->n; i++) {
        rows->tu[i] = rows->eu[rows->ix[i]];
        rows->tv[i] = rows->ev[rows->iy[i]];
        rows->tf[i] = theta[0] + theta[1] * rows->tu[i] + theta[2] * rows->tv[i];
        r[i] = zl_log(rows->tf[i]) - rows->z[i];
    }
}

static void accept(zl_descent_t *descent)
{
    rows_t *rows = descent->law;
    double *swap;

#define SWAP(a, b) (swap = (a), (a) = (b), (b) = swap)
    SWAP(rows->u, rows->tu);
    SWAP(rows->v, rows->tv);
    SWAP(rows->f, rows->tf);
#undef SWAP
}

#define PAIRS 16 /* the 15 entries of a symmetric 5 x 5 matrix, row by row, and one spare */

/* Gradient, Newton matrix and the positive semi-definite IRLS matrix at the current point. */
static void derivatives(const zl_descent_t *descent, const double *theta, double delta, double *gradient,
                        double *newton, double *irls)
{
    const rows_t *rows = descent->law;
    double majoriser[PAIRS] = {0.0}, inner[PAIRS] = {0.0}, sums[6] = {0.0}, curved[4] = {0.0};
    int64_t i;
    int a, b, k;

    for (i = 0; i < rows->n; i++) {
        double inverse = 1.0 / rows->f[i], r = descent->r[i], w = rows->w[i];
        double x = rows->x[i], y = rows->y[i], psi, slope, bend, pair[PAIRS];
        double g0 = inverse, g1 = rows->u[i] * inverse, g2 = rows->v[i] * inverse;
        double g3 = -x * theta[1] * g1, g4 = -y * theta[2] * g2;
        double g[6] = {g0, g1, g2, g3, g4, 0.0};

        /* with rho the Huber function and g = f' / f the Hessian is rho'' g g' + rho' (f'' / f - g g'): bend is what
         * stands before g g'; slope = rho' / r is that of the quadratic which touches rho and lies above it */
        zl_huber(r, w, delta, &psi, &slope, &bend);
        bend -= psi;
        /* written out so that a compiler takes two or four of these at a time */
        pair[0] = g0 * g0, pair[1] = g1 * g0, pair[2] = g1 * g1, pair[3] = g2 * g0;
        pair[4] = g2 * g1, pair[5] = g2 * g2, pair[6] = g3 * g0, pair[7] = g3 * g1;
        pair[8] = g3 * g2, pair[9] = g3 * g3, pair[10] = g4 * g0, pair[11] = g4 * g1;
        pair[12] = g4 * g2, pair[13] = g4 * g3, pair[14] = g4 * g4, pair[15] = 0.0;
        for (k = 0; k < PAIRS; k++) {
            majoriser[k] += slope * pair[k];
            inner[k] += bend * pair[k];
        }
        for (k = 0; k < 6; k++)
            sums[k] += psi * g[k];
        curved[0] -= psi * x * g1;
        curved[1] -= psi * y * g2;
        curved[2] -= psi * x * g3;
        curved[3] -= psi * y * g4;
    }
    memcpy(gradient, sums, P * sizeof(double));
    /* f'' / f: only the pairs (A, alpha), (B, beta) and the exponents themselves have second derivatives */
    inner[7] += curved[0];  /* (alpha, A) */
    inner[12] += curved[1]; /* (beta, B) */
    inner[9] += curved[2];
    inner[14] += curved[3];
    for (a = 0, k = 0; a < P; a++)
        for (b = 0; b <= a; b++, k++) {
            irls[a * P + b] = irls[b * P + a] = majoriser[k];
            newton[a * P + b] = newton[b * P + a] = inner[k];
        }
}

void zl_law_polish(const zl_law_t *law, const double *z, const double *w, double target, double *theta,
                   double *objective, uint8_t *converged, double *scratch)
{
    const double low[P] = {0.0, 0.0, 0.0, law->low, law->low};
    const double high[P] = {INFINITY, INFINITY, INFINITY, law->high, law->high};
    rows_t rows;
    zl_descent_t descent = {0};

    gather(&rows, law, z, w, scratch);
    descent.p = P;
    descent.n = rows.n;
    descent.w = rows.w;
    descent.r = rows.r;
    descent.tr = rows.tr;
    descent.free = law->free;
    descent.tie = law->tie;
    descent.low = low;
    descent.high = high;
    descent.longest = INFINITY;
    descent.max_steps = law->max_steps;
    descent.anneal = law->anneal;
    descent.law = &rows;
    descent.evaluate = evaluate;
    descent.accept = accept;
    descent.derivatives = derivatives;
    zl_descend(&descent, target, theta, objective, converged);
}

/* Least squares in the listed columns of a 3 x 3 normal system; returns x'Gx - 2 x'b, or infinity if some x < 0. */
static double support_cost(double gram[3][3], const double *rhs, const int *columns, int m, double *x)
{
    double matrix[P][P], value[P], cost = 0.0;
    int a, b;

    for (a = 0; a < m; a++) {
        double diagonal = gram[columns[a]][columns[a]];

        if (!(diagonal > 0.0))
            return INFINITY;
        for (b = 0; b < m; b++)
            matrix[a][b] = gram[columns[a]][columns[b]] / sqrt(diagonal * gram[columns[b]][columns[b]]);
        matrix[a][a] += 1e-12;
        value[a] = rhs[columns[a]] / sqrt(diagonal);
    }
    if (!zl_solve(&matrix[0][0], P, value, m))
        return INFINITY;
    x[0] = x[1] = x[2] = 0.0;
    for (a = 0; a < m; a++) {
        if (value[a] < 0.0)
            return INFINITY;
        x[columns[a]] = value[a] / sqrt(gram[columns[a]][columns[a]]);
        cost -= x[columns[a]] * rhs[columns[a]];
    }
    return cost;
}

void zl_law_project(const zl_law_t *law, const double *z, const double *w, const double *exponents, int64_t m,
                    double fixed_E, double *linear, double *cost, double *scratch)
{
    static const int SUPPORTS[7][3] = {{0, 1, 2}, {1, 2, 0}, {0, 1, 0}, {0, 2, 0}, {1, 0, 0}, {2, 0, 0}, {0, 0, 0}};
    static const int SIZES[7] = {3, 2, 2, 2, 1, 1, 1};
    int64_t n = law->n, i, j, k;
    double *u = scratch, *v = scratch + m * n, *weight = scratch + 2 * m * n, *target = weight + n;
    double gram[3][3], rhs[3], square = 0.0;

    gram[0][0] = rhs[0] = 0.0;
    for (k = 0; k < n; k++) {
        double loss = zl_exp(z[k]);

        /* errors relative to the loss: near an optimum they are the residuals of its logarithm */
        weight[k] = (w == NULL ? 1.0 : w[k]) / (loss * loss);
        target[k] = loss - (fixed_E >= 0.0 ? fixed_E : 0.0);
        gram[0][0] += weight[k];
        rhs[0] += weight[k] * target[k];
        square += weight[k] * target[k] * target[k];
    }
    for (i = 0; i < m; i++)
        for (k = 0; k < n; k++) {
            u[i * n + k] = zl_exp(-exponents[i] * law->x[k]);
            v[i * n + k] = zl_exp(-exponents[i] * law->y[k]);
        }
    for (i = 0; i < m; i++) {
        const double *ui = u + i * n;

        gram[0][1] = gram[1][1] = rhs[1] = 0.0;
        for (k = 0; k < n; k++) {
            gram[0][1] += weight[k] * ui[k];
            gram[1][1] += weight[k] * ui[k] * ui[k];
            rhs[1] += weight[k] * ui[k] * target[k];
        }
        for (j = 0; j < m; j++) {
            const double *vj = v + j * n;
            double *best = linear + (i * m + j) * 3, x[3];
            int s;

            gram[0][2] = gram[2][2] = gram[1][2] = rhs[2] = 0.0;
            for (k = 0; k < n; k++) {
                double wv = weight[k] * vj[k];

                gram[0][2] += wv;
                gram[2][2] += wv * vj[k];
                gram[1][2] += wv * ui[k];
                rhs[2] += wv * target[k];
            }
            gram[1][0] = gram[0][1];
            gram[2][0] = gram[0][2];
            gram[2][1] = gram[1][2];
            best[0] = best[1] = best[2] = 0.0;
            cost[i * m + j] = INFINITY;
            /* nonnegative least squares in three unknowns: the best of all sets of positive ones */
            for (s = 0; s < 7; s++) {
                double value;

                if (fixed_E >= 0.0 && s != 1 && s != 4 && s != 5)
                    continue;
                value = support_cost(gram, rhs, SUPPORTS[s], SIZES[s], x);
                if (value < cost[i * m + j]) {
                    cost[i * m + j] = value;
                    memcpy(best, x, sizeof x);
                }
            }
            cost[i * m + j] += square;
            if (fixed_E >= 0.0)
                best[0] = fixed_E;
        }
    }
}
