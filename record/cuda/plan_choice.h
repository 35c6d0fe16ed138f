/* Chooses a convolution's plan: the cached one, or the fastest by timing those that cuDNN prefers. */
#ifndef TIDY_RECORD_CUDA_PLAN_CHOICE_H
#define TIDY_RECORD_CUDA_PLAN_CHOICE_H

#include <stddef.h>

#include "record/cuda/convolution_plan.h"
#include "record/cuda/plan_cache.h"

/* Device memory that timing may overwrite: big enough for the largest tensors, weights and the workspace limit. */
struct plan_timing {
    cudnnHandle_t handle; /* its stream is where plans run */
    struct CUstream_st *stream;
    void *in, *out, *weights, *workspace;
};

/* Sets *out to the plan for `request`: the cache's where cuDNN takes it and it runs, else the fastest of the first
 * PLAN_CANDIDATES, which is put into the cache. Each runs once to warm up (which loads its kernels, so that a step's
 * capture need not) and is captured once from the stream, which must not be the default stream; then it runs
 * PLAN_RUNS times between events, and the least of the times decides. A candidate that fails to run or cannot be
 * captured is left out. Errors: no plan; none that runs; a device that fails for good. Freed with
 * convolution_plan_destroy. */
enum { PLAN_CANDIDATES = 8, PLAN_RUNS = 5 };
int plan_choose(struct convolution_plan **out, struct plan_cache *cache, const struct plan_timing *timing,
                const struct convolution_request *request);

#endif
