/* Chooses a convolution's plan: the cached one, or the fastest by timing those that cuDNN prefers. */
#ifndef TIDY_RECORD_CUDA_PLAN_CHOICE_H
#define TIDY_RECORD_CUDA_PLAN_CHOICE_H

#include <stddef.h>

#include "record/cuda/convolution_plan.h"
#include "record/cuda/plan_cache.h"

/* Device memory that timing may overwrite: big enough for the largest tensors, weights and the workspace limit. in,
 * out and weights hold finite values that differ, as in training: zeros take less power to multiply, so that a
 * device may run faster than it does in training. */
struct plan_timing {
    cudnnHandle_t handle; /* its stream is where plans run */
    struct CUstream_st *stream;
    void *in, *out, *weights, *workspace;
};

/* Sets *out to the plan for `request`: the cache's where cuDNN takes it and it runs, else the fastest of the first
 * PLAN_CANDIDATES, which is put into the cache. Each runs once, which loads its kernels, so that a step's capture
 * need not; then PLAN_RUNS runs are captured from the stream, which must not be the default stream, as one CUDA
 * graph. Graphs are what is timed, as steps are replayed as one: the host's work for a run, longer than a small
 * kernel, is left out. All candidates' graphs are launched in turn, PLAN_ROUNDS times, and the least time of each
 * decides. A candidate that fails to run, to be captured or to be replayed is left out; where all are, the first
 * that runs is taken of the others that cuDNN has (PLANS_MOST with them: it has some 40 at most). Errors: no plan;
 * none that runs; a device that fails for good. Freed with convolution_plan_destroy. */
enum { PLAN_CANDIDATES = 8, PLAN_RUNS = 4, PLAN_ROUNDS = 3, PLANS_MOST = 64 };
int plan_choose(struct convolution_plan **out, struct plan_cache *cache, const struct plan_timing *timing,
                const struct convolution_request *request);

#endif
