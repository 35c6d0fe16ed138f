/* The seam between training and a device: a backend compiles a network into a trainer.
 *
 * Behind these calls a backend chooses layouts, fuses, and keeps weights and data where it likes. */
#ifndef TIDY_RECORD_BACKEND_H
#define TIDY_RECORD_BACKEND_H

#include <stdint.h>

#include "common/dataset.h"
#include "common/tidylog.h"
#include "record/network.h"

struct trainer; /* one backend's compiled network; opaque */

struct trainer_config {
    const struct network *network;  /* must outlive the trainer, as must the data sets */
    const struct dataset *train;    /* images only: labels come with each step */
    const struct dataset *test;     /* images and labels; samples may be 0 */
    uint32_t batch_size;            /* the largest step */
    uint32_t threads;
    float momentum, weight_decay;   /* v = momentum v + g + weight_decay w;  w = w - learning rate v */
};

/* What one step gave. Arrays live until the next call of `collect`. */
struct step_result {
    struct tidylog_predictions predictions; /* logits always set */
    const float *loss; /* [count] -log of the given label's probability */
};

struct backend {
    const char *name;      /* "cpu" */
    uint32_t steps_ahead;  /* steps that may be submitted before the oldest is collected: 1 = none ahead */

    /* Compiles. On success the trainer is freed with destroy. */
    int (*create)(struct trainer **out, const struct trainer_config *config);
    void (*destroy)(struct trainer *trainer);

    /* Copies the state in and out, in the layout of network_state. Nothing may be uncollected. */
    int (*load)(struct trainer *trainer, const struct network_state *state);
    int (*save)(struct trainer *trainer, struct network_state *state);

    /* Submits one training step on the training images samples[0..count-1] with these labels (copied). */
    int (*step)(struct trainer *trainer, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                float learning_rate);

    /* Waits for the oldest submitted step: its predictions are those of its forward pass, before its update. */
    int (*collect)(struct trainer *trainer, struct step_result *out);

    /* Classifies the test set with the running statistics; *correct of test->samples are right. */
    int (*evaluate)(struct trainer *trainer, uint64_t *correct);

    /* Library names and versions that compute, for the log: "oneDNN 2.6.3 (AVX2)". Static text. */
    const char *(*versions)(void);
};

extern const struct backend cpu_backend;

/* What --device may say: "auto" and the backends' names, ended by NULL. */
extern const char *const backend_names[];

/* "auto" (NULL counts as it) or a name -> backend. Errors: unknown or not usable here, and why. */
const struct backend *backend_find(const char *name);

#endif
