/* Packs finished epochs in the background of recording: what their steps hold becomes columns. Internal to the log.
 *
 * All is done in pieces of a millisecond or so by the writer's thread, where it has nothing to commit. One
 * transaction then puts an epoch's columns and deletes its steps, so that a log holds each epoch in one way at
 * any time. */
#ifndef TIDY_COMMON_TIDYLOG_PACK_H
#define TIDY_COMMON_TIDYLOG_PACK_H

#include "common/tidylog_commit.h"

struct packer;

/* For a log with the finished epochs that `steps_through` ([epochs]) says; `txn` tells which of them are packed.
 * The committer and the run must outlive it. */
int packer_create(struct packer **out, struct committer *committer, const struct tidylog_run *run, MDB_txn *txn,
                  const uint64_t *steps_through, uint64_t epochs);

/* NULL is allowed. */
void packer_destroy(struct packer *packer);

/* One more epoch is finished, and committed. */
int packer_add_epoch(struct packer *packer, uint64_t steps_through);

/* Does a piece of what there is to pack. *more: is anything left? Epochs that cannot be packed are passed over;
 * where there is no space for it, all stays as it is until the log is opened anew. Errors: others of the file's. */
int packer_work(struct packer *packer, bool *more);

/* Steps that have no record, because their epochs are packed. */
uint64_t packer_packed_steps(const struct packer *packer);

/* ---- for a cut, while the thread sleeps -------------------------------------------------------------------- */

/* How many of the finished epochs end at step `step` or before. */
uint64_t packer_epochs_through(const struct packer *packer, uint64_t step);

/* The steps before epoch `epoch`, which is finished or the next one. */
uint64_t packer_steps_before(const struct packer *packer, uint64_t epoch);

/* Which epochs are packed: [finished epochs], until the next call that changes the packer. */
const bool *packer_packed(const struct packer *packer);

/* Only the first `epochs` are still there. */
void packer_cut(struct packer *packer, uint64_t epochs);

#endif
