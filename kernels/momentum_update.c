/* Momentum SGD on a flat array of parameters. */
#include "kernels/kernels.h"
#include "kernels/vector_clones.h"

enum { BLOCK = 16384 }; /* parameters a task updates: few enough to share out evenly */

VECTOR_CLONES static void update_block(float *restrict weights, float *restrict velocity,
                                       const float *restrict gradients, size_t count, float learning_rate,
                                       float momentum, float weight_decay)
{
    for (size_t i = 0; i < count; i++) {
        float v = momentum * velocity[i] + (gradients[i] + weight_decay * weights[i]);
        velocity[i] = v;
        weights[i] -= learning_rate * v;
    }
}

void momentum_update(float *weights, float *velocity, const float *gradients, size_t count, float learning_rate,
                     float momentum, float weight_decay)
{
#pragma omp parallel for schedule(static)
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t size = count - start < BLOCK ? count - start : BLOCK;
        update_block(weights + start, velocity + start, gradients + start, size, learning_rate, momentum,
                     weight_decay);
    }
}
