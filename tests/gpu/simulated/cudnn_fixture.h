/* What the suites of the simulated cuDNN share: a convolution as a finalised graph, its plans, and its tensors
 * on the device. */
#ifndef TIDY_TESTS_GPU_SIMULATED_CUDNN_FIXTURE_H
#define TIDY_TESTS_GPU_SIMULATED_CUDNN_FIXTURE_H

#include <cudnn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FIXTURE_FORWARD, FIXTURE_BACKWARD_DATA, FIXTURE_BACKWARD_FILTER };
enum { FIXTURE_X, FIXTURE_W, FIXTURE_Y, FIXTURE_TENSORS };

struct fixture_shape {
    int pass;
    bool bf16;
    int64_t count, height, width, in_channels, out_channels, kernel, stride, padding;
};
int64_t fixture_out_size(const struct fixture_shape *shape, int64_t size);
size_t fixture_values(const struct fixture_shape *shape, int tensor);

/* Ends the process with status 3 where a call does not succeed. */
struct fixture {
    struct fixture_shape shape;
    cudnnHandle_t handle;
    cudaStream_t stream;
    cudnnBackendDescriptor_t parts[4], operation, graph;
    void *tensors[FIXTURE_TENSORS]; /* on the device */
};
void fixture_create(struct fixture *out, const struct fixture_shape *shape);
void fixture_destroy(struct fixture *fixture);

/* Writes float values to a tensor, rounded to its type, and reads them. */
void fixture_write(struct fixture *fixture, int tensor, const float *values);
void fixture_read(struct fixture *fixture, int tensor, float *values);

/* The plan of one of the configurations that heuristics A give, 0 the best; NULL where there are not so many.
 * *engine is its index. */
cudnnBackendDescriptor_t fixture_preferred_plan(struct fixture *fixture, int preference, int64_t *engine);

/* Plans by engine and one knob (negative: none). NULL where cuDNN refuses; *status says how. */
cudnnBackendDescriptor_t fixture_plan(struct fixture *fixture, int64_t engine, int knob, int64_t value,
                                      cudnnStatus_t *status);
int64_t fixture_workspace(cudnnBackendDescriptor_t plan);

/* Executes on the tensors and the workspace; what it returned. */
cudnnStatus_t fixture_execute(struct fixture *fixture, cudnnBackendDescriptor_t plan,
                              void *const tensors[FIXTURE_TENSORS], void *workspace);

#endif
