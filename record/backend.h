/* The seam between training and a device: a backend compiles a network into a trainer.
 *
 * Behind these calls a backend chooses layouts, fuses, and keeps weights and data where it likes. */
#ifndef TIDY_RECORD_BACKEND_H
#define TIDY_RECORD_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dataset.h"
#include "common/tidylog.h"
#include "record/network.h"

struct trainer; /* one backend's compiled network; opaque */

/* What convolutions compute in. bf16: tensors too; master weights, their updates and batch norm's statistics stay float32. */
enum precision { PRECISION_F32, PRECISION_TF32, PRECISION_BF16 };

/* "f32", "tf32", "bf16", NULL: indexed by enum precision. */
extern const char *const precision_names[];

struct trainer_config {
    const struct network *network; /* must outlive the trainer, as must the data sets */
    const struct dataset *train;   /* images only: labels come with each step */
    const struct dataset *test;    /* images and labels; samples may be 0 */
    uint32_t batch_size;           /* the largest step */
    uint64_t epoch_samples[2];     /* that an epoch of the first, of the second phase trains on; 0: there is none */
    uint32_t threads;
    float momentum, weight_decay; /* v = momentum v + g + weight_decay w;  w = w - learning rate v */
    enum precision precision;
    bool deterministic; /* only algorithms that give the same values each time */
    bool logits;        /* collect gives logits too */
    const char *plans;  /* what `plans` gave for the run that is gone on with; NULL: choose anew */
};

/* What one step gave. Arrays live until the next call of `collect` or `predict`. */
struct step_result {
    struct tidylog_predictions predictions; /* logits NULL unless the config asks for them */
    const float *loss;                      /* [count] -log of the given label's probability */
};

struct backend {
    const char *name;     /* "cpu", "cuda" */
    uint32_t steps_ahead; /* steps that may be submitted before the oldest is collected: 1 = none ahead */

    /* Says whether it can be used on this machine now. Writes one line: what it computes on ("NVIDIA A100, 40 GiB,
     * ..."), or why it cannot and what to do about it. */
    bool (*probe)(char *text, size_t size);

    /* Compiles. Steps will have batch_size samples, an epoch's last step what is left of epoch_samples. On success
     * the trainer is freed with destroy. Errors: a precision that the device has not; out of memory, and what would
     * fit. */
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

    /* Classifies the test set with the running statistics; *correct of test->samples are right. Nothing may be
     * uncollected, here and in predict. */
    int (*evaluate)(struct trainer *trainer, uint64_t *correct);

    /* Classifies training images samples[0..count-1], at most batch_size of them, as evaluate does: with the
     * running statistics, and nothing is learned. Losses and margins are those of these labels. */
    int (*predict)(struct trainer *trainer, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                   struct step_result *out);

    /* What create chose that the values depend on, as printable text for the checkpoint; "" where nothing is.
     * Lives as long as the trainer. */
    const char *(*plans)(const struct trainer *trainer);

    /* Bytes of the memory that tensors, parameters and resident data take. */
    uint64_t (*memory)(const struct trainer *trainer);

    /* Library names and versions that compute, for the log: "oneDNN 2.6.3 (AVX2)". Static text. */
    const char *(*versions)(void);
};

extern const struct backend cpu_backend;

/* Has this processor instructions for it? */
bool cpu_computes_in(enum precision precision);

/* What --device may say: "auto" and the backends' names, ended by NULL. */
extern const char *const backend_names[];

/* Says whether the device of that name (not "auto") can be used here. Writes what its probe says, or why it cannot
 * be loaded. */
bool backend_probe(const char *name, char *text, size_t size);

/* "auto" (NULL counts as it) or a name -> backend. Errors: unknown or not usable here, and why. */
const struct backend *backend_find(const char *name);

#endif
