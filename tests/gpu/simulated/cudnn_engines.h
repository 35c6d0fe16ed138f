/* The engines of the simulated cuDNN. */
#ifndef TIDY_TESTS_GPU_SIMULATED_CUDNN_ENGINES_H
#define TIDY_TESTS_GPU_SIMULATED_CUDNN_ENGINES_H

#include "tests/gpu/simulated/cudnn_graph.h"

struct engine_choice {
    struct graph_convolution convolution;
    struct simulated_method method; /* without workspace and first part */
    size_t workspace;               /* bytes */
    bool nondeterministic;
    bool fails; /* the engine that finalises and cannot run */
};

/* What a finalised plan runs. */
void plan_choice(struct engine_choice *out, const struct descriptor *plan);

#endif
