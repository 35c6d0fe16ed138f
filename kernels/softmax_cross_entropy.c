/* Loss and its gradient, and what the log wants to know of each prediction, from one row of logits at a time. */
#include "kernels/element.h"
#include "kernels/kernels.h"

#include <math.h>

static void predict_row(enum tensor_type type, void *d_logits, uint16_t *predicted, float *margin, float *log_odds,
                        float *loss, const float *logits, uint16_t label, float gradient_scale, uint32_t classes)
{
    uint32_t best = 0;
    float best_logit = -INFINITY, best_other = -INFINITY;
    bool finite = true, any = false;
    for (uint32_t c = 0; c < classes; c++) {
        float z = logits[c];
        if (isnan(z)) {
            finite = false;
            continue;
        }
        if (!any || z > best_logit) {
            best_logit = z;
            best = c;
            any = true;
        }
        if (c != label && z > best_other)
            best_other = z;
    }
    /* A row whose largest logit is +-infinity has no softmax either: infinity - infinity. */
    finite = finite && isfinite(best_logit);

    double sum = 0, others = 0;
    for (uint32_t c = 0; c < classes; c++) {
        /* Differences to the largest logit never overflow, and the others' sum is taken by itself, so that
         * log-odds stay exact where the label's probability rounds to 1. */
        double e = exp((double)logits[c] - (double)best_logit);
        sum += e;
        if (c != label)
            others += e;
        if (d_logits != NULL && type == TENSOR_F32)
            ((float *)d_logits)[c] = (float)e;
    }
    double label_logit = (double)logits[label] - (double)best_logit;

    *predicted = (uint16_t)best;
    *margin = finite ? logits[label] - best_other : NAN;
    *log_odds = finite ? (float)(label_logit - log(others)) : NAN;
    *loss = finite ? (float)(log(sum) - label_logit) : NAN;
    if (d_logits == NULL)
        return;
    float scale = (float)((double)gradient_scale / sum);
    for (uint32_t c = 0; c < classes; c++) {
        /* float32 has kept the exponentials in place; bfloat16 must not, as it would be rounded twice. */
        float e =
            type == TENSOR_F32 ? ((const float *)d_logits)[c] : (float)exp((double)logits[c] - (double)best_logit);
        element_store(d_logits, c, e * scale - (c == label ? gradient_scale : 0), type);
    }
}

void softmax_cross_entropy(enum tensor_type type, void *d_logits, uint16_t *predicted, float *margin,
                           float *log_odds, float *loss, const float *logits, const uint16_t *labels,
                           uint32_t count, uint32_t classes)
{
    float gradient_scale = 1.0f / (float)count;
#pragma omp parallel for schedule(static)
    for (uint32_t i = 0; i < count; i++) {
        size_t row = (size_t)i * classes;
        predict_row(type, tensor_at_to_write(d_logits, type, row), predicted + i, margin + i, log_odds + i,
                    loss + i, logits + row, labels[i], gradient_scale, classes);
    }
}
