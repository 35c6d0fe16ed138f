/* How far apart the accesses of a tensor lie in a step: what decides whether a cache still holds it. */
#include <math.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "tests/bench/gpu_step.h"

/* Steps follow each other, so that what comes before the first access is the end of the step before. */
int gpu_step_measure_reuse(struct gpu_step *step)
{
    size_t *seen; /* [tensors]: 1 + the access for which a tensor was last counted */
    int status = memory_allocate(&seen, step->tensor_count, sizeof *seen, "the tensors seen");
    for (size_t i = 0; i < step->access_count && status == TIDY_OK; i++) {
        struct step_access *access = &step->accesses[i];
        size_t at = i;
        for (size_t back = 1; back <= step->access_count; back++) {
            at = at == 0 ? step->access_count - 1 : at - 1;
            int tensor = step->accesses[at].tensor;
            if (tensor == access->tensor)
                break;
            if (seen[tensor] != i + 1)
                access->between += step->tensors[tensor].bytes;
            seen[tensor] = i + 1;
        }
        if (step->tensors[access->tensor].fresh)
            access->between = HUGE_VAL;
    }
    free(seen);
    return status;
}
