/* One step's record to observations, with every check that the record allows. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_STEP_H
#define TIDY_COMMON_TIDYLOG_STEP_H

#include <lmdb.h>

#include "common/tidylog.h"
#include "common/tidylog_columns.h"
#include "common/tidylog_format.h"

struct step_decoder; /* the order, tables and arrays that decoding needs */

/* `run` must outlive it. */
int step_decoder_create(struct step_decoder **out, const struct tidylog_run *run);
void step_decoder_destroy(struct step_decoder *decoder);

/* For an epoch that damage keeps one from knowing. */
#define STEP_EPOCH_UNKNOWN UINT64_MAX

/* Opens the record of step `step`, which is in epoch `epoch`: which samples it has, and its packed predictions, as
 * the record's body. Returns NULL, or what is wrong: static text that fits after "step 7: ". done's array lives
 * until the next call. */
const char *step_open(struct step_decoder *decoder, uint64_t step, uint64_t epoch, const MDB_val *key,
                      const MDB_val *value, struct tidylog_due *done, struct record *record);

/* Opens it and unpacks the predictions. out's arrays live until the next call. */
const char *step_decode(struct step_decoder *decoder, uint64_t step, uint64_t epoch, const MDB_val *key,
                        const MDB_val *value, struct tidylog_observations *out);

/* Makes the same of a step of a packed epoch, which `columns` has read: its packed predictions as its record had
 * them as a body, which lives until the next call. */
const char *step_open_packed(struct step_decoder *decoder, uint64_t step, uint64_t epoch,
                             const struct columns_epoch *columns, struct tidylog_due *done, struct record *record);

/* Makes the observations of a step of a packed epoch, which `columns` has read. The rest is as of step_decode. */
const char *step_decode_packed(struct step_decoder *decoder, uint64_t step, uint64_t epoch,
                               const struct columns_epoch *columns, struct tidylog_observations *out);

#endif
