/* Gathers the predictions asked for, makes of them what the lower detail holds, and packs that. */
#include "common/step_reducer.h"

#include <math.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/half.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/packing.h"

struct step_reducer {
    uint32_t classes;
    enum tidylog_detail detail;
    struct packing_levels levels; /* TIDYLOG_MARGIN only */
    /* [most] of the predictions that are packed. */
    uint16_t *labels, *predicted;
    float *margin, *log_odds;
};

int step_reducer_create(struct step_reducer **out, uint32_t most, uint32_t classes, enum tidylog_detail detail,
                        struct tidylog_codes codes)
{
    static const char what[] = "a step's predictions";
    struct step_reducer *reducer;
    *out = NULL;
    int status = memory_allocate(&reducer, 1, sizeof *reducer, what);
    if (status != TIDY_OK)
        return status;
    reducer->classes = classes;
    reducer->detail = detail;
    if (detail == TIDYLOG_MARGIN)
        packing_levels_fill(&reducer->levels, classes, codes);
    status = memory_allocate(&reducer->labels, most, sizeof *reducer->labels, what);
    if (status == TIDY_OK)
        status = memory_allocate(&reducer->predicted, most, sizeof *reducer->predicted, what);
    if (status == TIDY_OK)
        status = memory_allocate(&reducer->margin, most, sizeof *reducer->margin, what);
    if (status == TIDY_OK)
        status = memory_allocate(&reducer->log_odds, most, sizeof *reducer->log_odds, what);
    if (status != TIDY_OK) {
        step_reducer_destroy(reducer);
        return status;
    }
    *out = reducer;
    return TIDY_OK;
}

void step_reducer_destroy(struct step_reducer *reducer)
{
    if (reducer == NULL)
        return;
    free(reducer->log_odds);
    free(reducer->margin);
    free(reducer->predicted);
    free(reducer->labels);
    free(reducer);
}

/* log(q / (1 - q)) of the label's probability q. NaN where the probabilities are. */
static float log_odds_of_row(const float *log_probs, uint32_t label, uint32_t classes)
{
    double others = 0;
    for (uint32_t c = 0; c < classes; c++) {
        if (c != label)
            others += exp((double)log_probs[c]);
    }
    return (float)((double)log_probs[label] - log(others));
}

/* The section of log-probabilities, docs/log-format.md. They were made as packing_pack makes them, and are not to be
 * rounded by a second softmax. Returns the end. */
static uint8_t *pack_log_probs(uint8_t *out, const struct tidylog_observations *step, const uint32_t *places,
                               uint32_t count, uint32_t classes)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < classes; c++, out += 2)
            store_u16(out, half_from_float(step->log_probs[(size_t)places[i] * classes + c]));
    }
    return out;
}

size_t step_reducer_pack(struct step_reducer *reducer, uint8_t *out, const struct tidylog_observations *step,
                         const uint32_t *places, uint32_t count)
{
    uint32_t classes = reducer->classes;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = places[i];
        reducer->labels[i] = step->labels[place];
        reducer->predicted[i] = step->predicted[place];
        if (reducer->detail != TIDYLOG_MARGIN)
            continue;
        reducer->margin[i] = step->margin[place];
        reducer->log_odds[i] =
            log_odds_of_row(step->log_probs + (size_t)place * classes, reducer->labels[i], classes);
    }
    const struct tidylog_predictions predictions = {
        .count = count,
        .predicted = reducer->predicted,
        .margin = reducer->margin,
        .log_odds = reducer->log_odds,
    };
    if (reducer->detail != TIDYLOG_PROBS)
        return packing_pack(out, &predictions, reducer->labels, classes, reducer->detail, &reducer->levels);
    uint8_t *end = out + packing_pack(out, &predictions, reducer->labels, classes, TIDYLOG_CLASS, NULL);
    return (size_t)(pack_log_probs(end, step, places, count, classes) - out);
}
