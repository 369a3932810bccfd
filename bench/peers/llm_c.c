/* A training step of llm.c's train_gpt2.c (github.com/karpathy/llm.c), which is included from a checkout of the user's. */
#include <stdio.h>
#include <stdlib.h>
/* what it says of sizes on the way would stand among the rows of a table */
#define printf(...) ((void)0)
#define TESTING
#include "train_gpt2.c"

GPT2 *ziplaw_load(const char *checkpoint)
{
    GPT2 *model = calloc(1, sizeof(GPT2));
    gpt2_build_from_checkpoint(model, checkpoint);
    return model;
}

float ziplaw_step(GPT2 *model, int *inputs, int *targets, int documents, int positions, float rate, int t)
{
    gpt2_forward(model, inputs, targets, (size_t)documents, (size_t)positions);
    gpt2_zero_grad(model);
    gpt2_backward(model);
    gpt2_update(model, rate, 0.9f, 0.95f, 1e-8f, 0.0f, t);
    return model->mean_loss;
}
