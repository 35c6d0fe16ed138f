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

/* Sets *out to the plan for `request`, and puts a newly chosen one into the cache. Each of the first PLAN_CANDIDATES
 * plans runs once to warm up and then PLAN_RUNS times between events; the least of the times decides. A candidate that
 * fails to run is left out. Errors: no plan; none that runs. */
enum { PLAN_CANDIDATES = 8, PLAN_RUNS = 5 };
int plan_choose(struct convolution_plan **out, struct plan_cache *cache, const struct plan_timing *timing,
                const struct convolution_request *request);

#endif
