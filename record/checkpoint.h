/* Checkpoints: the state of a network beside its log, so that a recording that stopped goes on to the same values.
 *
 * docs/checkpoint-format.md has every byte. A checkpoint is replaced whole or not at all. */
#ifndef TIDY_RECORD_CHECKPOINT_H
#define TIDY_RECORD_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/tidylog.h"
#include "record/network.h"

/* Where a recording stands. The sums are those of the running epoch: 0 where `step` ends an epoch. */
struct checkpoint_position {
    uint64_t step;    /* steps done */
    double loss_sum;  /* of the samples' losses */
    uint64_t correct; /* samples predicted as their given label */
    double seconds;
};

/* "LOG.ckpt", freed by the caller. */
int checkpoint_path(char **out, const char *log_path);

/* What ties a checkpoint to its log: a hash of all that decides the log's values, and of when it was started. */
uint64_t checkpoint_fingerprint(const struct tidylog_run *run);

/* The most bytes that a device's plans may have. */
enum { CHECKPOINT_MOST_PLANS = 1 << 20 };

/* Writes PATH.new, syncs it, renames it to `path` and syncs the folder. `plans` is what the backend's call of that
 * name gave. Where it fails the checkpoint that was there stays as it was. */
int checkpoint_save(const char *path, uint64_t fingerprint, const struct checkpoint_position *position,
                    const struct network_state *state, const char *plans);

/* Reads into `state`, which network_state_create made for the same network. Where there is no such file sets *found
 * = false and returns 0. Errors: not a checkpoint, newer version, truncated, damaged, of another run. What `state`
 * and *position hold after an error means nothing. */
int checkpoint_load(const char *path, uint64_t fingerprint, struct checkpoint_position *position,
                    struct network_state *state, bool *found);

/* Reads the plans alone, for who compiles the network before its state is loaded. *out is NULL where there is no
 * checkpoint or it has none; the caller frees it. Errors: as checkpoint_load's, but for the network, which it does
 * not know. Reads and checks the whole file where there are plans. */
int checkpoint_plans(char **out, const char *path, uint64_t fingerprint);

#endif
