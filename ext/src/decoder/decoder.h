/* The training step of a small Llama-style decoder in fp32, the same bits on every machine.
 *
 * Pre-norm RMSNorm (epsilon 1e-5), rotary positions (features 2j and 2j + 1 turn by t 10000^(-2j/d)), causal attention,
 * SwiGLU, no biases, untied embeddings. Parameters and gradients are flat buffers in this order: embedding (V, h); for
 * every layer attention_norm (h), mlp_norm (h); final_norm (h); for every layer qkv (3h, h), out (h, h), gate_up (2m, h),
 * down (h, m); head (V, h); matrices row-major.
 *
 * The order of every sum follows from the shape alone. Documents are worked on in groups of zl_decoder_group(); the
 * gradient of a batch is the sum of its groups' gradients in order, whoever computed them. */
#ifndef ZL_DECODER_H
#define ZL_DECODER_H

#include <stdint.h>

typedef struct {
    int32_t hidden, layers, heads, intermediate, vocabulary, positions;
} zl_decoder_t;

/* What AdamW is told of a stretch of parameters: factors on learning rate and weight decay. */
typedef struct {
    int64_t length;
    float rate, decay;
} zl_stretch_t;

typedef struct {
    double rate, beta1, beta2, epsilon, weight_decay, clip;
    int64_t step; /* 1 for the first update */
} zl_adamw_t;

/* Names of the builds of the core, best first, NULL at the end, and which of them this processor runs. */
extern const char *const zl_decoder_builds[];
int zl_decoder_runs(const char *build);
/* Choose one; returns ZL_ERR_VALUE when there is none of that name or the processor cannot run it. */
int zl_decoder_use(const char *build);
const char *zl_decoder_used(void);

/* ZL_OK when every number is in range: hidden 2 to 16384 and even, heads that divide it into even widths, ... */
int zl_decoder_check(const zl_decoder_t *shape);
int64_t zl_decoder_parameters(const zl_decoder_t *shape);
/* Documents that one call works on together, at most. */
int32_t zl_decoder_group(const zl_decoder_t *shape);
/* Floats of scratch space that a call needs, aligned to 64 bytes; more to compute a gradient. */
int64_t zl_decoder_scratch(const zl_decoder_t *shape, int gradient);
/* Floats of zl_decoder_turns(). */
int64_t zl_decoder_turn_floats(const zl_decoder_t *shape);
/* cos and sin of every position's rotations, used by all calls. */
void zl_decoder_turns(const zl_decoder_t *shape, float *turns);

/* -ln p of every token (documents, positions), nats, of a group. With `gradient` also its gradient (overwritten): of
 * the sum of losses times `share`. Token ids must be below the vocabulary. */
void zl_decoder_group_losses(const zl_decoder_t *shape, const float *turns, const float *parameters,
                             const uint32_t *tokens, int32_t documents, float share, float *losses, float *gradient,
                             float *scratch);
/* total += part */
void zl_decoder_add(int64_t n, const float *part, float *total);
/* One AdamW step behind a clip of the gradient's global norm, which is returned as it was before. */
double zl_decoder_adamw(const zl_adamw_t *settings, const zl_stretch_t *stretches, int64_t n_stretches,
                        const float *gradient, float *parameters, float *first, float *second);

#endif
