/* What a run holds from the data set to the trainer, set up in the same way by `train` and `resume`.
 *
 * The calls come in the order in which they stand here; nothing is written before recording_run. */
#ifndef TIDY_RECORD_RECORDING_H
#define TIDY_RECORD_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dataset.h"
#include "common/tidylog.h"
#include "record/backend.h"
#include "record/network.h"

/* Starts as {0}; recording_destroy frees whatever was made. */
struct recording {
    const struct backend *backend; /* this, the precision and whether to stop are the caller's to set */
    enum precision precision;
    bool stop_when_stable; /* ends where the most suspicious samples no longer change */
    struct dataset_pair data;
    struct network network;
    struct network_state state; /* initial values from the run's seed */
    struct trainer *trainer;
};

/* Loads the data set. classes: 0 = as many as its labels show. */
int recording_load_data(struct recording *recording, const char *path, uint32_t classes);

/* Builds run->network for the run's images, and its initial state. */
int recording_build_network(struct recording *recording, const struct tidylog_run *run);

/* Compiles the network for the backend, with that many threads, and starts to watch for interruptions. plans: those in
 * the checkpoint that is gone on from, or NULL; they must outlive the recording. */
int recording_compile(struct recording *recording, const struct tidylog_run *run, uint32_t threads,
                      const char *plans);

/* Writes "tidy-record 0.1.0, oneDNN 2.6.3, LMDB 0.9.24" into text. */
void recording_versions(const struct recording *recording, char *text, size_t size);

/* Says on stderr what is recorded, trains, and says how it ended. `log` is closed in every case.
 * resumed: goes back to the checkpoint first, else starts at step 0. epochs: what the run shall have.
 * Returns 0, a negative tidy_error, or the exit code 128 + signal where one asked to stop. */
int recording_run(struct recording *recording, struct tidylog_writer *log, const char *path, uint32_t threads,
                  bool resumed, uint64_t epochs);

void recording_destroy(struct recording *recording);

#endif
