/* Dense sums: a row of all classes for each sample of the block. */
#include "analyze/class_means_block.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"

int class_means_begin(struct class_means_block *out, const uint16_t *given, uint32_t classes, size_t samples,
                      size_t first, size_t bytes)
{
    static const char what[] = "means of probabilities";
    size_t sample_bytes = (classes + 1) * sizeof(double) + sizeof(uint32_t);
    size_t most = bytes / sample_bytes > 0 ? bytes / sample_bytes : 1, left = samples - first;
    size_t count = most < left ? most : left;
    *out = (struct class_means_block){.given = given, .classes = classes, .first = first, .end = first + count};
    int status = memory_allocate(&out->sums, count, classes * sizeof *out->sums, what);
    if (status == 0)
        status = memory_allocate(&out->error_lengths, count, sizeof *out->error_lengths, what);
    if (status == 0)
        status = memory_allocate(&out->presentations, count, sizeof *out->presentations, what);
    if (status == 0)
        status = memory_allocate(&out->means, classes, sizeof *out->means, what);
    return status;
}

void class_means_destroy(struct class_means_block *block)
{
    free(block->means);
    free(block->presentations);
    free(block->error_lengths);
    free(block->sums);
    *block = (struct class_means_block){0};
}

int class_means_observe(void *context, const struct tidylog_observations *step)
{
    struct class_means_block *block = context;
    for (uint32_t i = 0; i < step->count && !step->evaluated; i++) {
        uint32_t sample = step->samples[i];
        if (sample < block->first || sample >= block->end || step->labels[i] != block->given[sample])
            continue;
        const float *log_probs = step->log_probs + (size_t)i * block->classes;
        double *sums = block->sums + (sample - block->first) * block->classes, squares = 0;
        for (uint32_t c = 0; c < block->classes; c++) {
            double probability = exp((double)log_probs[c]), difference = probability - (c == step->labels[i]);
            sums[c] += probability;
            squares += difference * difference;
        }
        block->error_lengths[sample - block->first] += sqrt(squares);
        block->presentations[sample - block->first]++;
    }
    return 0;
}

int class_means_visit(struct class_means_block *block, class_means_visitor *visit, void *context)
{
    int status = 0;
    for (size_t sample = block->first; sample < block->end && status == 0; sample++) {
        size_t at = sample - block->first;
        /* 0 / 0, NaN, where never presented. */
        for (uint32_t c = 0; c < block->classes; c++)
            block->means[c] = block->sums[at * block->classes + c] / block->presentations[at];
        const struct class_means means = {sample, block->means,
                                          block->error_lengths[at] / block->presentations[at]};
        status = visit(context, &means);
    }
    return status;
}
