#include "descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST ZL_MOST_PARAMETERS

static double huber_sum(const zl_descent_t *d, const double *r, double delta)
{
    double total = 0.0;
    int64_t i;

    for (i = 0; i < d->n; i++) {
        double size = fabs(r[i]);
        /* Huber: r^2 / 2 up to delta, delta (|r| - delta / 2) beyond, without a branch */
        double clipped = size < delta ? size : delta;
        total += d->w[i] * clipped * (size - 0.5 * clipped);
    }
    return isfinite(total) ? total : INFINITY;
}

static double at_trial(zl_descent_t *d, const double *theta, double delta)
{
    d->evaluate(d, theta);
    return huber_sum(d, d->tr, delta);
}

static void accept_trial(zl_descent_t *d)
{
    double *swap = d->r;

    d->r = d->tr;
    d->tr = swap;
    d->accept(d);
}

int zl_solve(double *matrix, int stride, double *rhs, int m)
{
    int i, j, k;

    for (i = 0; i < m; i++) {
        double *row = matrix + i * stride;

        for (j = 0; j <= i; j++) {
            const double *other = matrix + j * stride;
            double sum = row[j];

            for (k = 0; k < j; k++)
                sum -= row[k] * other[k];
            if (i == j) {
                /* of a matrix with a diagonal near 1, by the scaling of damped_step */
                if (!(sum > 1e-14))
                    return 0;
                row[i] = sqrt(sum);
            } else {
                row[j] = sum / other[j];
            }
        }
    }
    for (i = 0; i < m; i++) {
        for (k = 0; k < i; k++)
            rhs[i] -= matrix[i * stride + k] * rhs[k];
        rhs[i] /= matrix[i * stride + i];
    }
    for (i = m - 1; i >= 0; i--) {
        for (k = i + 1; k < m; k++)
            rhs[i] -= matrix[k * stride + i] * rhs[k];
        rhs[i] /= matrix[i * stride + i];
    }
    return 1;
}

/* The damped step of the moving parameters, in scaled coordinates; returns the predicted decrease. */
static double damped_step(const zl_descent_t *d, const double *newton, const double *irls, const double *gradient,
                          const int *moving, int m, double damping, double *step)
{
    double matrix[MOST * MOST], scale[MOST], move[MOST], predicted = 0.0, shorter = 1.0;
    int a, b, attempt, p = d->p;

    for (a = 0; a < m; a++)
        scale[a] = sqrt(irls[moving[a] * p + moving[a]]);
    for (attempt = 0; attempt < 2; attempt++) {
        /* where the Newton matrix is indefinite, the IRLS matrix takes its place: a shorter step, always downhill */
        for (a = 0; a < m; a++) {
            for (b = 0; b < m; b++) {
                int at = moving[a] * p + moving[b];
                double metric = irls[at] / (scale[a] * scale[b]) + (a == b ? 1e-10 : 0.0);

                matrix[a * MOST + b] = attempt ? (1.0 + damping) * metric
                                               : newton[at] / (scale[a] * scale[b]) + damping * metric;
            }
            move[a] = -gradient[moving[a]] / scale[a];
        }
        if (zl_solve(matrix, MOST, move, m))
            break;
    }
    memset(step, 0, (size_t) p * sizeof(double));
    if (attempt == 2)
        return 0.0;
    for (a = 0; a < m; a++) {
        predicted -= 0.5 * gradient[moving[a]] / scale[a] * move[a];
        step[moving[a]] = move[a] / scale[a];
    }
    for (a = 0; a < p; a++)
        if (fabs(step[a]) * shorter > d->longest)
            shorter = d->longest / fabs(step[a]);
    if (shorter < 1.0) {
        for (a = 0; a < p; a++)
            step[a] *= shorter;
        /* along the step the quadratic falls by (2 t - t^2) of its whole decrease */
        predicted *= shorter * (2.0 - shorter);
    }
    return predicted;
}

static int compare(const void *a, const void *b)
{
    double d = *(const double *) a - *(const double *) b;

    return (d > 0.0) - (d < 0.0);
}

static double median_size(zl_descent_t *d)
{
    int64_t i, n = d->n;

    for (i = 0; i < n; i++) {
        double size = fabs(d->r[i]);
        d->tr[i] = isfinite(size) ? size : 1e300;
    }
    qsort(d->tr, (size_t) n, sizeof(double), compare);
    return n % 2 ? d->tr[n / 2] : 0.5 * (d->tr[n / 2 - 1] + d->tr[n / 2]);
}

static void move_by(const zl_descent_t *d, double *out, const double *from, const double *step, double length)
{
    int a;

    for (a = 0; a < d->p; a++) {
        double value = from[a] + length * step[a];
        if (step[a] == 0.0)
            value = from[a]; /* what is held may lie anywhere */
        else
            value = value < d->low[a] ? d->low[a] : value > d->high[a] ? d->high[a] : value;
        out[a] = value;
    }
}

/* Parameters 3 and 4 are one: the chain rule adds the rows, then the columns, of the second into the first's. */
static void tie(double *gradient, double *newton, double *irls, int p)
{
    int a;

    for (a = 0; a < p; a++) {
        newton[3 * p + a] += newton[4 * p + a];
        irls[3 * p + a] += irls[4 * p + a];
    }
    for (a = 0; a < p; a++) {
        newton[a * p + 3] += newton[a * p + 4];
        irls[a * p + 3] += irls[a * p + 4];
    }
    gradient[3] += gradient[4];
}

void zl_descend(zl_descent_t *d, double target, double *theta, double *objective, uint8_t *converged)
{
    double delta = target, damping = 1e-2, value, tiny;
    size_t bytes = (size_t) d->p * sizeof(double);
    int32_t iteration;
    int64_t i;
    int p = d->p;

    *converged = 0;
    *objective = INFINITY;
    if (d->n == 0)
        return;
    value = at_trial(d, theta, delta);
    accept_trial(d);
    if (d->anneal && isfinite(target)) {
        double typical = median_size(d);

        if (typical > target && typical < 1e300) {
            delta = typical;
            value = huber_sum(d, d->r, delta);
        }
    }
    /* an objective that is zero to rounding is an optimum too */
    for (i = 0, tiny = 0.0; i < d->n; i++)
        tiny += d->w[i];
    tiny *= 1e-28;
    for (iteration = 0; iteration < d->max_steps; iteration++) {
        double gradient[MOST], newton[MOST * MOST], irls[MOST * MOST], step[MOST], trial[MOST];
        double trial_value, predicted, gain;
        int moving[MOST], m = 0, a, better, small, stuck;

        d->derivatives(d, theta, delta, gradient, newton, irls);
        if (d->tie)
            tie(gradient, newton, irls, p);
        for (a = 0; a < p; a++) {
            /* at a bound with the slope pushing outward, or without any effect on the law */
            int held = !d->free[a] || (a == 4 && d->tie) || (theta[a] <= d->low[a] && gradient[a] > 0.0) ||
                       (theta[a] >= d->high[a] && gradient[a] < 0.0) || !(irls[a * p + a] > 1e-200);
            if (!held)
                moving[m++] = a;
        }
        predicted = damped_step(d, newton, irls, gradient, moving, m, damping, step);
        if (d->tie)
            step[4] = step[3];
        move_by(d, trial, theta, step, 1.0);
        trial_value = at_trial(d, trial, delta);
        better = trial_value < value;
        gain = better ? value - trial_value : 0.0;
        small = predicted <= 1e-14 * value + tiny || (better && gain <= 1e-13 * value && damping < 1.0);
        /* a step too short to change any digit */
        stuck = !better && damping > 1e10;
        if (better) {
            double origin[MOST], longer = 2.0;

            memcpy(origin, theta, bytes);
            memcpy(theta, trial, bytes);
            value = trial_value;
            accept_trial(d);
            /* nearly straight along the step (few residuals within delta): go on doubling it while that pays */
            while (gain > 1.2 * predicted && longer < 1e6) {
                move_by(d, trial, origin, step, longer);
                trial_value = at_trial(d, trial, delta);
                if (!(trial_value < value))
                    break;
                memcpy(theta, trial, bytes);
                value = trial_value;
                accept_trial(d);
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
            value = huber_sum(d, d->r, delta);
        }
    }
    *objective = huber_sum(d, d->r, target);
    if (!isfinite(*objective))
        *converged = 0;
}
