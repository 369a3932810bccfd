#include "lawfit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define P ZL_LAW_PARAMETERS

/* Rows with a weight, gathered: a resampled table leaves out a third of them. */
typedef struct {
    int64_t n;
    double *x, *y, *z, *w, *u, *v, *f, *r; /* f and r belong to the current point */
    double *tu, *tv, *tf, *tr;             /* the same at a trial point */
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

static double huber_sum(const rows_t *rows, const double *r, double delta)
{
    double total = 0.0;
    int64_t i;

    for (i = 0; i < rows->n; i++) {
        double size = fabs(r[i]);
        /* Huber: r^2 / 2 up to delta, delta (|r| - delta / 2) beyond, without a branch */
        double clipped = size < delta ? size : delta;
        total += rows->w[i] * clipped * (size - 0.5 * clipped);
    }
    return isfinite(total) ? total : INFINITY;
}

/* Fill tu, tv, tf, tr for theta and return the objective there. */
static double evaluate(const zl_law_t *law, const rows_t *rows, const double *theta, double delta)
{
    int64_t i;

    /* exponentials are what a fit spends its time on: one for each distinct size and budget, not for each row */
    for (i = 0; i < law->nx; i++)
        rows->eu[i] = exp(-theta[3] * law->ux[i]);
    for (i = 0; i < law->ny; i++)
        rows->ev[i] = exp(-theta[4] * law->uy[i]);
    for (i = 0; i < rows->n; i++) {
        rows->tu[i] = rows->eu[rows->ix[i]];
        rows->tv[i] = rows->ev[rows->iy[i]];
        rows->tf[i] = theta[0] + theta[1] * rows->tu[i] + theta[2] * rows->tv[i];
        rows->tr[i] = log(rows->tf[i]) - rows->z[i];
    }
    return huber_sum(rows, rows->tr, delta);
}

static void accept_trial(rows_t *rows)
{
    double *swap;

#define SWAP(a, b) (swap = (a), (a) = (b), (b) = swap)
    SWAP(rows->u, rows->tu);
    SWAP(rows->v, rows->tv);
    SWAP(rows->f, rows->tf);
    SWAP(rows->r, rows->tr);
#undef SWAP
}

#define PAIRS 16 /* the 15 entries of a symmetric 5 x 5 matrix, row by row, and one spare */

/* Gradient, Newton matrix and the positive semi-definite IRLS matrix at the current point. */
static void derivatives(const rows_t *rows, const double *theta, double delta, double *gradient, double newton[P][P],
                        double irls[P][P])
{
    double majoriser[PAIRS] = {0.0}, inner[PAIRS] = {0.0}, sums[6] = {0.0}, curved[4] = {0.0};
    int64_t i;
    int a, b, k;

    for (i = 0; i < rows->n; i++) {
        double inverse = 1.0 / rows->f[i], r = rows->r[i], w = rows->w[i], size = fabs(r);
        double x = rows->x[i], y = rows->y[i], psi, slope, bend, pair[PAIRS];
        double g0 = inverse, g1 = rows->u[i] * inverse, g2 = rows->v[i] * inverse;
        double g3 = -x * theta[1] * g1, g4 = -y * theta[2] * g2;
        double g[6] = {g0, g1, g2, g3, g4, 0.0};

        /* with rho the Huber function and g = f' / f the Hessian is rho'' g g' + rho' (f'' / f - g g'): bend is what
         * stands before g g'; slope = rho' / r is that of the quadratic which touches rho and lies above it */
        if (size <= delta) {
            psi = w * r;
            slope = w;
            bend = w - psi;
        } else {
            psi = r > 0.0 ? w * delta : -w * delta;
            slope = w * delta / size;
            bend = -psi;
        }
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
            irls[a][b] = irls[b][a] = majoriser[k];
            newton[a][b] = newton[b][a] = inner[k];
        }
}

/* Solve the m x m positive definite system in place by Cholesky; 0 when the matrix is not positive definite. */
static int solve(double matrix[P][P], double *rhs, int m)
{
    int i, j, k;

    for (i = 0; i < m; i++) {
        for (j = 0; j <= i; j++) {
            double sum = matrix[i][j];

            for (k = 0; k < j; k++)
                sum -= matrix[i][k] * matrix[j][k];
            if (i == j) {
                /* of a matrix with a diagonal near 1, by the scaling of damped_step */
                if (!(sum > 1e-14))
                    return 0;
                matrix[i][i] = sqrt(sum);
            } else {
                matrix[i][j] = sum / matrix[j][j];
            }
        }
    }
    for (i = 0; i < m; i++) {
        for (k = 0; k < i; k++)
            rhs[i] -= matrix[i][k] * rhs[k];
        rhs[i] /= matrix[i][i];
    }
    for (i = m - 1; i >= 0; i--) {
        for (k = i + 1; k < m; k++)
            rhs[i] -= matrix[k][i] * rhs[k];
        rhs[i] /= matrix[i][i];
    }
    return 1;
}

/* The damped step of the moving parameters, in scaled coordinates; returns the predicted decrease. */
static double damped_step(double newton[P][P], double irls[P][P], const double *gradient, const int *moving, int m,
                          double damping, double *step)
{
    double matrix[P][P], scale[P], move[P], predicted = 0.0;
    int a, b, attempt;

    for (a = 0; a < m; a++)
        scale[a] = sqrt(irls[moving[a]][moving[a]]);
    for (attempt = 0; attempt < 2; attempt++) {
        /* where the Newton matrix is indefinite, the IRLS matrix takes its place: a shorter step, always downhill */
        for (a = 0; a < m; a++) {
            for (b = 0; b < m; b++) {
                int i = moving[a], j = moving[b];
                double metric = irls[i][j] / (scale[a] * scale[b]) + (a == b ? 1e-10 : 0.0);

                matrix[a][b] = attempt ? (1.0 + damping) * metric
                                       : newton[i][j] / (scale[a] * scale[b]) + damping * metric;
            }
            move[a] = -gradient[moving[a]] / scale[a];
        }
        if (solve(matrix, move, m))
            break;
    }
    memset(step, 0, P * sizeof(double));
    if (attempt == 2)
        return 0.0;
    for (a = 0; a < m; a++) {
        predicted -= 0.5 * gradient[moving[a]] / scale[a] * move[a];
        step[moving[a]] = move[a] / scale[a];
    }
    return predicted;
}

static int compare(const void *a, const void *b)
{
    double d = *(const double *) a - *(const double *) b;

    return (d > 0.0) - (d < 0.0);
}

static double median_size(const rows_t *rows)
{
    int64_t i, n = rows->n;

    for (i = 0; i < n; i++) {
        double size = fabs(rows->r[i]);
        rows->tr[i] = isfinite(size) ? size : 1e300;
    }
    qsort(rows->tr, (size_t) n, sizeof(double), compare);
    return n % 2 ? rows->tr[n / 2] : 0.5 * (rows->tr[n / 2 - 1] + rows->tr[n / 2]);
}

static void move_by(double *out, const double *from, const double *step, double length, const double *low,
                    const double *high)
{
    int a;

    for (a = 0; a < P; a++) {
        double value = from[a] + length * step[a];
        out[a] = value < low[a] ? low[a] : value > high[a] ? high[a] : value;
    }
}

void zl_law_polish(const zl_law_t *law, const double *z, const double *w, double target, double *theta,
                   double *objective, uint8_t *converged, double *scratch)
{
    rows_t rows;
    double low[P] = {0.0, 0.0, 0.0, law->low, law->low};
    double high[P] = {INFINITY, INFINITY, INFINITY, law->high, law->high};
    double delta = target, damping = 1e-2, value, tiny;
    int32_t iteration;
    int64_t i;

    gather(&rows, law, z, w, scratch);
    *converged = 0;
    *objective = INFINITY;
    if (rows.n == 0)
        return;
    value = evaluate(law, &rows, theta, delta);
    accept_trial(&rows);
    if (law->anneal && isfinite(target)) {
        double typical = median_size(&rows);

        if (typical > target && typical < 1e300) {
            delta = typical;
            value = huber_sum(&rows, rows.r, delta);
        }
    }
    /* an objective that is zero to rounding is an optimum too */
    for (i = 0, tiny = 0.0; i < rows.n; i++)
        tiny += rows.w[i];
    tiny *= 1e-28;
    for (iteration = 0; iteration < law->max_steps; iteration++) {
        double gradient[P], newton[P][P], irls[P][P], step[P], trial[P], trial_value, predicted, gain;
        int moving[P], m = 0, a, better, small, stuck;

        derivatives(&rows, theta, delta, gradient, newton, irls);
        /* alpha = beta moves both: the chain rule adds the rows, then the columns, into alpha's */
        if (law->tie) {
            for (a = 0; a < P; a++) {
                newton[3][a] += newton[4][a];
                irls[3][a] += irls[4][a];
            }
            for (a = 0; a < P; a++) {
                newton[a][3] += newton[a][4];
                irls[a][3] += irls[a][4];
            }
            gradient[3] += gradient[4];
        }
        for (a = 0; a < P; a++) {
            /* at a bound with the slope pushing outward, or without any effect on f */
            int held = !law->free[a] || (a == 4 && law->tie) || (theta[a] <= low[a] && gradient[a] > 0.0) ||
                       (theta[a] >= high[a] && gradient[a] < 0.0) || !(irls[a][a] > 1e-200);
            if (!held)
                moving[m++] = a;
        }
        predicted = damped_step(newton, irls, gradient, moving, m, damping, step);
        if (law->tie)
            step[4] = step[3];
        move_by(trial, theta, step, 1.0, low, high);
        trial_value = evaluate(law, &rows, trial, delta);
        better = trial_value < value;
        gain = better ? value - trial_value : 0.0;
        small = predicted <= 1e-14 * value + tiny || (better && gain <= 1e-13 * value && damping < 1.0);
        /* a step too short to change any digit */
        stuck = !better && damping > 1e10;
        if (better) {
            double origin[P], longer = 2.0;

            memcpy(origin, theta, sizeof origin);
            memcpy(theta, trial, sizeof trial);
            value = trial_value;
            accept_trial(&rows);
            /* nearly straight along the step (few residuals within delta): go on doubling it while that pays */
            while (gain > 1.2 * predicted && longer < 1e6) {
                move_by(trial, origin, step, longer, low, high);
                trial_value = evaluate(law, &rows, trial, delta);
                if (!(trial_value < value))
                    break;
                memcpy(theta, trial, sizeof trial);
                value = trial_value;
                accept_trial(&rows);
                longer *= 2.0;
            }
            if (gain > 0.5 * predicted)
                damping = damping * 0.1 > 1e-9 ? damping * 0.1 : 1e-9;
        } else {
            damping *= 8.0;
        }
        if (delta <= target) {
            if (small || stuck) {
                *converged = 1;
                break;
            }
        /* far from the last delta an optimum need not be exact: the next delta moves it anyway */
        } else if (small || stuck || (better && gain < 0.02 * value)) {
            delta = delta / 4.0 > target ? delta / 4.0 : target;
            damping = 1e-2;
            value = huber_sum(&rows, rows.r, delta);
        }
    }
    *objective = huber_sum(&rows, rows.r, target);
    if (!isfinite(*objective))
        *converged = 0;
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
    if (!solve(matrix, value, m))
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
        double loss = exp(z[k]);

        /* errors relative to the loss: near an optimum they are the residuals of its logarithm */
        weight[k] = (w == NULL ? 1.0 : w[k]) / (loss * loss);
        target[k] = loss - (fixed_E >= 0.0 ? fixed_E : 0.0);
        gram[0][0] += weight[k];
        rhs[0] += weight[k] * target[k];
        square += weight[k] * target[k] * target[k];
    }
    for (i = 0; i < m; i++)
        for (k = 0; k < n; k++) {
            u[i * n + k] = exp(-exponents[i] * law->x[k]);
            v[i * n + k] = exp(-exponents[i] * law->y[k]);
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
