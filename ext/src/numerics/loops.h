/* Loops over arrays in the form that numpy's ufuncs call: pointers, lengths and strides in bytes. */
#ifndef ZL_LOOPS_H
#define ZL_LOOPS_H

#include <stdint.h>

typedef void zl_loop_t(char **arrays, const intptr_t *lengths, const intptr_t *strides, void *unused);

zl_loop_t zl_exp_loop, zl_expm1_loop, zl_log_loop, zl_log1p_loop, zl_log10_loop, zl_expit_loop, zl_tanh_loop;
zl_loop_t zl_normal_cdf_loop;
zl_loop_t zl_pow_loop, zl_logaddexp_loop;

/* (n, k), (k, m) -> (n, m): every entry is the sum of its products from the first to the last, whatever the strides. */
zl_loop_t zl_matmul_loop;

#endif
