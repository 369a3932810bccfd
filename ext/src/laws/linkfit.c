#include "linkfit.h"
#include "../numerics/elementary.h"
#include "descent.h"

#include <math.h>
#include <string.h>

#define INDEX 4                    /* parameters of the index: 1 to 4 of theta */
#define INNER (2 + ZL_MOST_KNOTS)  /* the most that a link looks at besides z: E and what stands behind the index */
#define LARGEST 600.0              /* of an exponent: e to it leaves room for products */

/* What is kept of a point, each (n): the share of the term of N in the index, z, and shares of the law. */
typedef struct {
    double *share, *z, *excess, *ended;
} point_t;

/* Rows with a weight, gathered. */
typedef struct {
    const zl_link_t *law;
    int64_t n;
    double *x, *y, *target, *w;
    int32_t *ix, *iy;
    double *ex, *ey; /* terms at the distinct x and y */
    point_t now, trial;
} rows_t;

/* Derivatives of ln g at one row: in z, in the inner parameters (see inner_places), and second ones. */
typedef struct {
    double z, zz, p[INNER], zp[INNER], pp[INNER][INNER];
} curve_t;

int64_t zl_link_scratch(int64_t n)
{
    return 17 * n;
}

static void gather(rows_t *rows, const zl_link_t *law, const double *z, const double *w, double *scratch, double **r,
                   double **tr)
{
    int64_t i, k = 0, n = law->n;
    double **slot[] = {&rows->x,          &rows->y,            &rows->target,      &rows->w,
                       &rows->ex,         &rows->ey,           &rows->now.share,   &rows->now.z,
                       &rows->now.excess, &rows->now.ended,    &rows->trial.share, &rows->trial.z,
                       &rows->trial.excess, &rows->trial.ended, r,                 tr};

    for (i = 0; i < 16; i++)
        *slot[i] = scratch + i * n;
    rows->law = law;
    rows->ix = (int32_t *) (scratch + 16 * n);
    rows->iy = rows->ix + n;
    for (i = 0; i < n; i++) {
        if (!(w[i] > 0.0))
            continue;
        rows->x[k] = law->x[i];
        rows->y[k] = law->y[i];
        rows->ix[k] = law->ix[i];
        rows->iy[k] = law->iy[i];
        rows->target[k] = z[i];
        rows->w[k] = w[i];
        k++;
    }
    rows->n = k;
}

static double log_sum(double a, double b)
{
    return a > b ? a + zl_log1p(zl_exp(b - a)) : b + zl_log1p(zl_exp(a - b));
}

/* Integrals from the first knot to z of the hat functions of the knots, and the hats at z. */
static void rises(const zl_link_t *law, double z, double *rise, double *hat)
{
    const double *t = law->knot;
    int j, m = law->knots;

    for (j = 0; j < m; j++)
        rise[j] = hat[j] = 0.0;
    if (z <= t[0]) {
        hat[0] = 1.0;
        rise[0] = z - t[0];
        return;
    }
    for (j = 0; j + 1 < m; j++) {
        double width = t[j + 1] - t[j], q = z < t[j + 1] ? (z - t[j]) / width : 1.0;

        rise[j] += width * (q - 0.5 * q * q);
        rise[j + 1] += width * 0.5 * q * q;
        if (z < t[j + 1]) {
            hat[j] = 1.0 - q;
            hat[j + 1] = q;
            return;
        }
    }
    hat[m - 1] = 1.0;
    rise[m - 1] += z - t[m - 1];
}

static void evaluate(zl_descent_t *descent, const double *theta)
{
    rows_t *rows = descent->law;
    const zl_link_t *law = rows->law;
    point_t *at = &rows->trial;
    double *r = descent->tr, alpha = zl_exp(theta[3]), beta = zl_exp(theta[4]), E = law->excess ? 0.0 : zl_exp(theta[0]);
    int64_t i;

    for (i = 0; i < law->nx; i++)
        rows->ex[i] = zl_exp(fmin(theta[1] - alpha * law->ux[i], LARGEST));
    for (i = 0; i < law->ny; i++)
        rows->ey[i] = zl_exp(fmin(theta[2] - beta * law->uy[i], LARGEST));
    for (i = 0; i < rows->n; i++) {
        double first = rows->ex[rows->ix[i]], sum = first + rows->ey[rows->iy[i]] + 1e-280;

        at->share[i] = first / sum;
        at->z[i] = zl_log(sum);
    }
    if (law->link == ZL_FREE) {
        double slope[ZL_MOST_KNOTS], rise[ZL_MOST_KNOTS], hat[ZL_MOST_KNOTS], zero = 0.0, whole;
        int j;

        whole = log_sum(theta[1], theta[2]);
        rises(law, 0.0, rise, hat);
        for (j = 0; j < law->knots; j++) {
            slope[j] = zl_exp(theta[6 + j]);
            zero += slope[j] * rise[j];
        }
        for (i = 0; i < rows->n; i++) {
            double h = theta[5] - zero;

            at->z[i] -= whole;
            rises(law, at->z[i], rise, hat);
            for (j = 0; j < law->knots; j++)
                h += slope[j] * rise[j];
            at->ended[i] = 0.0;
            if (law->excess || E == 0.0) {
                at->excess[i] = 1.0;
                r[i] = h - rows->target[i];
            } else {
                double g = zl_exp(fmin(h, LARGEST));

                at->excess[i] = g / (E + g);
                r[i] = zl_log(E + g) - rows->target[i];
            }
        }
    } else {
        double k = zl_exp(theta[5]), gap = law->link == ZL_BOUNDED ? zl_exp(theta[6]) - zl_exp(theta[0]) : INFINITY;
        /* U below E is no law: the objective there is not a number, and the step is refused */
        double inverse = gap > 0.0 ? 1.0 / gap : NAN;

        for (i = 0; i < rows->n; i++) {
            double h = k * at->z[i], over, g;

            g = zl_exp(fmin(h, LARGEST));
            over = g * inverse;
            g /= 1.0 + over;
            at->ended[i] = over / (1.0 + over);
            if (E == 0.0) {
                at->excess[i] = 1.0;
                r[i] = (law->link == ZL_BOUNDED ? zl_log(g) : h) - rows->target[i];
            } else {
                at->excess[i] = g / (E + g);
                r[i] = zl_log(E + g) - rows->target[i];
            }
        }
    }
}

static void accept(zl_descent_t *descent)
{
    rows_t *rows = descent->law;
    point_t swap = rows->now;

    rows->now = rows->trial;
    rows->trial = swap;
}

/* The parameters of theta that a link looks at: E, k and U, or level and slopes. */
static int inner_places(const zl_link_t *law, int *place)
{
    int j, count = 0;

    if (law->link != ZL_FREE)
        place[count++] = 0;
    for (j = 5; j < law->p; j++)
        place[count++] = j;
    return count;
}

/* What is the same at every row. */
typedef struct {
    double k, slope[ZL_MOST_KNOTS], zero[ZL_MOST_KNOTS], gap_E, gap_U, gap_EU;
} common_t;

static void prepare(const zl_link_t *law, const double *theta, common_t *common)
{
    double hat[ZL_MOST_KNOTS];
    int j;

    memset(common, 0, sizeof *common);
    if (law->link == ZL_FREE) {
        rises(law, 0.0, common->zero, hat);
        for (j = 0; j < law->knots; j++)
            common->slope[j] = zl_exp(theta[6 + j]);
        return;
    }
    common->k = zl_exp(theta[5]);
    if (law->link == ZL_BOUNDED) {
        double E = zl_exp(theta[0]), U = zl_exp(theta[6]), gap = U - E;

        common->gap_E = -E / gap;
        common->gap_U = U / gap;
        common->gap_EU = U * E / (gap * gap); /* -d2/dE2 = -d2/dU2 = d2/dE dU */
    }
}

static void curve_at(const zl_link_t *law, const common_t *common, double z, double ended, curve_t *c)
{
    if (law->link == ZL_FREE) {
        double rise[ZL_MOST_KNOTS], hat[ZL_MOST_KNOTS];
        int j, l, m = law->knots;

        rises(law, z, rise, hat);
        c->z = c->zz = 0.0;
        c->p[0] = 1.0;
        c->zp[0] = 0.0;
        for (j = 0; j <= m; j++)
            for (l = 0; l <= m; l++)
                c->pp[j][l] = 0.0;
        for (j = 0; j < m; j++) {
            c->z += common->slope[j] * hat[j];
            c->p[1 + j] = c->pp[1 + j][1 + j] = common->slope[j] * (rise[j] - common->zero[j]);
            c->zp[1 + j] = common->slope[j] * hat[j];
            if (j + 1 < m && z > law->knot[j] && z < law->knot[j + 1])
                c->zz = (common->slope[j + 1] - common->slope[j]) / (law->knot[j + 1] - law->knot[j]);
        }
    } else {
        double k = common->k, kz = k * z, open = 1.0 - ended, bend = ended * open, E = common->gap_E, U = common->gap_U;

        c->z = k * open;
        c->zz = -k * k * bend;
        c->p[0] = ended * E;
        c->p[1] = kz * open;
        c->p[2] = ended * U;
        c->zp[0] = k * bend * E;
        c->zp[1] = k * open - k * kz * bend;
        c->zp[2] = k * bend * U;
        c->pp[0][0] = -bend * E * E - ended * common->gap_EU;
        c->pp[1][1] = kz * open - kz * kz * bend;
        c->pp[2][2] = -bend * U * U - ended * common->gap_EU;
        c->pp[0][1] = c->pp[1][0] = kz * bend * E;
        c->pp[1][2] = c->pp[2][1] = kz * bend * U;
        c->pp[0][2] = c->pp[2][0] = -bend * E * U + ended * common->gap_EU;
    }
}

/* With r = ln(E + g) the derivatives in ln E and in ln g are the shares 1 - s and s of the loss, the second ones s (1 -
 * s) up to sign; those of ln g are in z and the inner parameters, those of z in the index. */
static void derivatives(const zl_descent_t *descent, const double *theta, double delta, double *gradient,
                        double *newton, double *irls)
{
    const rows_t *rows = descent->law;
    const zl_link_t *law = rows->law;
    const point_t *at = &rows->now;
    double alpha = zl_exp(theta[3]), beta = zl_exp(theta[4]), from[2] = {0.0, 0.0};
    double sum[INDEX] = {0.0}, inner[INNER] = {0.0};
    double square[2][INDEX][INDEX] = {{{0.0}}}, cross[2][INDEX][INNER] = {{{0.0}}}, block[2][INNER][INNER] = {{{0.0}}};
    int place[INNER], count = inner_places(law, place), has_E = law->link != ZL_FREE && !law->excess, a, b;
    int64_t i;
    common_t common;

    prepare(law, theta, &common);
    if (law->link == ZL_FREE)
        for (a = 0; a < 2; a++) /* shares at the centre, from which z is counted */
            from[a] = zl_exp(theta[1 + a] - log_sum(theta[1], theta[2]));
    for (i = 0; i < rows->n; i++) {
        double s = at->excess[i], t = 1.0 - s, n = at->share[i], d = 1.0 - n, nd = n * d;
        double bx = -alpha * rows->x[i], by = -beta * rows->y[i], psi, slope, bend, rz, zz;
        double gz[INDEX] = {n - from[0], d - from[1], bx * n, by * d}, g[INNER];
        curve_t c;

        curve_at(law, &common, at->z[i], at->ended[i], &c);
        zl_huber(descent->r[i], rows->w[i], delta, &psi, &slope, &bend);
        rz = s * c.z;
        for (a = 0; a < count; a++)
            g[a] = s * c.p[a];
        if (has_E)
            g[0] += t;
        for (a = 0; a < INDEX; a++)
            sum[a] += psi * rz * gz[a];
        for (a = 0; a < count; a++)
            inner[a] += psi * g[a];
        /* what stands before the squares of the gradient of z, with and without second derivatives */
        zz = bend * rz * rz + psi * (s * c.zz + s * t * c.z * c.z);
        for (a = 0; a < INDEX; a++)
            for (b = 0; b <= a; b++) {
                double pair = gz[a] * gz[b];

                square[0][a][b] += slope * rz * rz * pair;
                square[1][a][b] += zz * pair;
            }
        /* second derivatives of z itself: n d (u' - v')(u' - v') + n u'' + d v'' */
        {
            double step[INDEX] = {1.0, -1.0, bx, -by}, z2 = psi * rz;

            for (a = 0; a < INDEX; a++)
                for (b = 0; b <= a; b++)
                    square[1][a][b] += z2 * nd * step[a] * step[b];
            square[1][2][2] += z2 * n * bx;
            square[1][3][3] += z2 * d * by;
            /* less that of z at the centre; the free link holds ln B there */
            square[1][0][0] -= z2 * from[0] * from[1];
        }
        for (b = 0; b < count; b++) {
            double rzb = s * c.zp[b] + s * t * c.z * c.p[b] - (has_E && b == 0 ? s * t * c.z : 0.0);
            double one = slope * rz * g[b], two = bend * rz * g[b] + psi * rzb;

            for (a = 0; a < INDEX; a++) {
                cross[0][a][b] += one * gz[a];
                cross[1][a][b] += two * gz[a];
            }
            for (a = 0; a <= b; a++) {
                double second = s * c.pp[a][b] + s * t * c.p[a] * c.p[b];

                if (has_E && a == 0)
                    second += b == 0 ? s * t * (1.0 - 2.0 * c.p[0]) : -s * t * c.p[b];
                block[0][a][b] += slope * g[a] * g[b];
                block[1][a][b] += bend * g[a] * g[b] + psi * second;
            }
        }
    }
    memset(gradient, 0, (size_t) law->p * sizeof(double));
    for (a = 0; a < INDEX; a++)
        gradient[1 + a] = sum[a];
    for (a = 0; a < count; a++)
        gradient[place[a]] = inner[a];
    for (i = 0; i < 2; i++) {
        double *out = i ? newton : irls;
        int p = law->p;

        memset(out, 0, (size_t) (p * p) * sizeof(double));
        for (a = 0; a < INDEX; a++) {
            for (b = 0; b <= a; b++)
                out[(1 + a) * p + 1 + b] = out[(1 + b) * p + 1 + a] = square[i][a][b];
            for (b = 0; b < count; b++)
                out[(1 + a) * p + place[b]] = out[place[b] * p + 1 + a] = cross[i][a][b];
        }
        for (b = 0; b < count; b++)
            for (a = 0; a <= b; a++)
                out[place[a] * p + place[b]] = out[place[b] * p + place[a]] = block[i][a][b];
    }
}

static void begin(zl_descent_t *descent, rows_t *rows, const zl_link_t *law, const double *z, const double *w,
                  double *scratch)
{
    memset(descent, 0, sizeof *descent);
    gather(rows, law, z, w, scratch, &descent->r, &descent->tr);
    descent->p = law->p;
    descent->n = rows->n;
    descent->w = rows->w;
    descent->law = rows;
    descent->evaluate = evaluate;
    descent->accept = accept;
    descent->derivatives = derivatives;
}

void zl_link_polish(const zl_link_t *law, const double *z, const double *w, double delta, double *theta,
                    double *objective, uint8_t *converged, double *scratch)
{
    rows_t rows;
    zl_descent_t descent;

    begin(&descent, &rows, law, z, w, scratch);
    descent.free = law->free;
    descent.tie = law->tie;
    descent.low = law->low;
    descent.high = law->high;
    descent.longest = 1.5; /* an e-fold and a half is as far as logarithms bend evenly */
    descent.max_steps = law->max_steps;
    descent.anneal = law->anneal;
    zl_descend(&descent, delta, theta, objective, converged);
}

void zl_link_derivatives(const zl_link_t *law, const double *z, const double *w, double delta, const double *theta,
                         double *gradient, double *newton, double *irls, double *scratch)
{
    rows_t rows;
    zl_descent_t descent;

    begin(&descent, &rows, law, z, w, scratch);
    evaluate(&descent, theta);
    memcpy(descent.r, descent.tr, (size_t) descent.n * sizeof(double));
    accept(&descent);
    derivatives(&descent, theta, delta, gradient, newton, irls);
}
