/* Sets up and runs a recording. */
#include "record/recording.h"

#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/progress.h"
#include "record/checkpoint.h"
#include "record/interruption.h"
#include "record/sample_plan.h"
#include "record/stability.h"
#include "record/training.h"

int recording_load_data(struct recording *recording, const char *path, uint32_t classes)
{
    int status = dataset_load(&recording->data, path, classes);
    if (status == 0 && recording->data.train.samples > UINT32_MAX)
        status = tidy_fail("%s: %" PRIu64 " images; a run can have at most %" PRIu32, path,
                           recording->data.train.samples, UINT32_MAX);
    return status;
}

int recording_build_network(struct recording *recording, const struct tidylog_run *run)
{
    uint32_t height = run->resize > 0 ? run->resize : run->height;
    uint32_t width = run->resize > 0 ? run->resize : run->width;
    int status = network_create(&recording->network, run->network, height, width, run->channels, run->classes);
    if (status == 0)
        status = network_state_create(&recording->state, &recording->network, run->seed);
    return status;
}

int recording_compile(struct recording *recording, const struct tidylog_run *run, uint32_t threads,
                      const char *plans)
{
    struct tidylog_order *order;
    int status = tidylog_order_create(&order, run);
    if (status != 0)
        return status;
    interruption_watch(); /* before the backend makes threads */
    uint64_t first = tidylog_order_trained(order, 0);
    uint64_t second = run->second_split > 0 ? tidylog_order_trained(order, run->second_split) : 0;
    uint64_t most = first > second ? first : second;
    tidylog_order_destroy(order);
    struct trainer_config config = {
        .network = &recording->network,
        .train = &recording->data.train,
        .test = &recording->data.test,
        .batch_size = most < run->batch_size ? (uint32_t)most : run->batch_size,
        .epoch_samples = {first, second},
        .threads = threads,
        .momentum = (float)run->momentum,
        .weight_decay = (float)run->weight_decay,
        .precision = recording->precision,
        .deterministic = run->deterministic,
        .logits = run->detail >= TIDYLOG_PROBS,
        .plans = plans,
    };
    return recording->backend->create(&recording->trainer, &config);
}

void recording_versions(const struct recording *recording, char *text, size_t size)
{
    int major, minor, patch;
    mdb_version(&major, &minor, &patch);
    snprintf(text, size, "tidy-record %s, %s, LMDB %d.%d.%d", TIDY_VERSION, recording->backend->versions(), major,
             minor, patch);
}

/* Writes ", 600 labels planted wrong, 20 left out" or the like: what is special about the samples. */
static void describe_samples(char *text, size_t size, const struct tidylog_run *run)
{
    uint64_t left_out = sample_plan_left_out(run), probes = sample_plan_probes(run), wrong = 0;
    const uint16_t *given = tidylog_given_labels(run);
    text[0] = 0;
    for (uint64_t i = 0; run->truth != NULL && i < run->samples; i++)
        wrong += !tidylog_is_left_out(run, i) && given[i] != run->truth[i];
    const struct {
        bool said;
        uint64_t count;
        const char *what;
    } facts[] = {
        {run->truth != NULL, wrong, run->noise != NULL ? "labels planted wrong" : "labels wrong"},
        {left_out > 0, left_out, "left out"},
        {probes > 0, probes, run->probes},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof facts / sizeof *facts && used < size; i++)
        if (facts[i].said)
            used += (size_t)snprintf(text + used, size - used, ", %" PRIu64 " %s", facts[i].count, facts[i].what);
}

/* One line that says what will be in the log. */
static void announce(const struct recording *recording, const struct tidylog_run *run, const char *path,
                     uint32_t threads, const struct training *training)
{
    char samples[160], start[64] = "", precision[16] = "", memory[24];
    describe_samples(samples, sizeof samples, run);
    if (training->position.step > 0)
        snprintf(start, sizeof start, " from step %" PRIu64, training->position.step);
    if (recording->precision != PRECISION_F32)
        snprintf(precision, sizeof precision, ", %s", precision_names[recording->precision]);
    progress_bytes(memory, recording->backend->memory(recording->trainer));
    progress_line("recording %s (%zu parameters) on %s (%" PRIu64 " images, %" PRIu32 "x%" PRIu32 "x%" PRIu32
                  ", %" PRIu32 " classes%s) with %s%s, %" PRIu32 " thread%s, %s, into %s%s",
                  run->network, recording->state.parameter_count, run->data_name, run->samples, run->height,
                  run->width, run->channels, run->classes, samples, recording->backend->versions(), precision,
                  threads, threads == 1 ? "" : "s", memory, path, start);
}

/* Says how it ended and turns an interruption into its exit code. */
static int conclude(int status, const struct training *training, const struct tidylog_run *run, const char *path,
                    double started)
{
    char took[24];
    if (status == TIDY_INTERRUPTED) {
        progress_line("stopped at epoch %" PRIu64 ", step %" PRIu64 "; 'tidy-record resume %s' goes on",
                      training->epoch + 1, training->position.step, path);
        return 128 + interruption_signal();
    }
    if (status == 0)
        progress_line("recorded %" PRIu64 " epoch%s in %s; 'tidy-analyze info %s' shows what is in it", run->epochs,
                      run->epochs == 1 ? "" : "s", progress_duration(took, progress_seconds() - started), path);
    return status;
}

int recording_run(struct recording *recording, struct tidylog_writer *log, const char *path, uint32_t threads,
                  bool resumed, uint64_t epochs)
{
    double started = progress_seconds();
    const struct tidylog_run *run = tidylog_writer_run(log);
    char *checkpoint = NULL;
    int status = checkpoint_path(&checkpoint, path);
    struct training training = {
        .backend = recording->backend,
        .trainer = recording->trainer,
        .state = &recording->state,
        .log = log,
        .checkpoint_path = checkpoint,
        .test_samples = recording->data.test.samples,
        .checkpoint_seconds = TRAINING_CHECKPOINT_SECONDS,
    };
    if (status == 0)
        status = resumed ? training_restore(&training) : training_start(&training);
    if (status == 0 && recording->stop_when_stable)
        status = stability_create(&training.stability, path, run);
    if (status == 0 && epochs != run->epochs)
        status = tidylog_set_epochs(log, epochs);
    if (status == 0) {
        announce(recording, run, path, threads, &training);
        status = training_run(&training);
    }
    status = conclude(status, &training, run, path, started);
    if (status < 0)
        tidylog_close(log);
    else if (tidylog_close(log) != 0)
        status = TIDY_FAILED;
    stability_destroy(training.stability);
    free(checkpoint);
    return status;
}

void recording_destroy(struct recording *recording)
{
    if (recording->trainer != NULL)
        recording->backend->destroy(recording->trainer);
    network_state_destroy(&recording->state);
    network_destroy(&recording->network);
    dataset_unload(&recording->data);
    memset(recording, 0, sizeof *recording);
}
