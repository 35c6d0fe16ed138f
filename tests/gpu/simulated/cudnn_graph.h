/* Operation graphs of the simulated cuDNN: which convolution a graph is, and which descriptors its tensors have. */
#ifndef TIDY_TESTS_GPU_SIMULATED_CUDNN_GRAPH_H
#define TIDY_TESTS_GPU_SIMULATED_CUDNN_GRAPH_H

#include "tests/gpu/simulated/cudnn_convolution.h"
#include "tests/gpu/simulated/cudnn_descriptor.h"

struct graph_convolution {
    struct simulated_convolution shape;
    int64_t ids[TENSORS], alignment[TENSORS]; /* by TENSOR_X, ... */
};

/* Works out what a finalised graph computes. NULL, or why no engine here can do it. */
const char *graph_convolution(struct graph_convolution *out, const struct descriptor *graph);

/* 10 x major + minor of the device that a descriptor is for, by its own attribute or its graph's handle; 0
 * where neither tells. */
int graph_device(const struct descriptor *graph, const struct descriptor *device);

#endif
