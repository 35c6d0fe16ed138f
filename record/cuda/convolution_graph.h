/* A convolution's pass as cuDNN sees it: an operation graph of one operation. Internal to the plans. */
#ifndef TIDY_RECORD_CUDA_CONVOLUTION_GRAPH_H
#define TIDY_RECORD_CUDA_CONVOLUTION_GRAPH_H

#include "record/cuda/convolution_plan.h"

/* The names of the tensors in the graph, by which a run gives their addresses. */
enum { CONVOLUTION_IN = 1, CONVOLUTION_OUT, CONVOLUTION_WEIGHTS, CONVOLUTION_TENSORS = 3 };

/* Makes the graph of a request. On success the caller frees it with cudnn_descriptor_destroy. Errors: cuDNN does
 * not take it. */
int convolution_graph_create(cudnnBackendDescriptor_t *out, const struct convolution_target *target,
                             const struct convolution_request *request);

#endif
