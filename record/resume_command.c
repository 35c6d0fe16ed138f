/* `tidy-record resume`: goes on with a log as it says itself, from its checkpoint. */
#include "record/commands.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/options.h"
#include "common/progress.h"
#include "common/tidylog.h"
#include "record/checkpoint.h"
#include "record/machine.h"
#include "record/recording.h"
#include "record/training.h"

struct settings {
    const char *path;
    const char *data; /* NULL: where the log says */
    uint64_t epochs;  /* 0: as planned */
    uint64_t threads; /* 0: as recorded */
    int device;       /* in backend_names; -1: as recorded */
};

static const char description[] =
    "Goes on from the checkpoint beside the log (run.tidy.ckpt) with the settings in the log, to the\n"
    "values that an uninterrupted run would have recorded, where machine, library versions and threads\n"
    "are the same (and, on a GPU, --deterministic was given). What the log holds after the checkpoint's\n"
    "step is recorded again.\n"
    "\n"
    "A run may go on on another device than it began on: the checkpoint is the same for all. Its log goes\n"
    "on saying what it began on.";

static int parse(struct settings *settings, int argc, char **argv, bool *done)
{
    const struct option_row rows[] = {
        {"epochs", 0, OPTION_COUNT, &settings->epochs, "N",
         "passes over the data set, all in all; 0 = as planned (a cosine schedule cannot change them)", 0, 1e6,
         NULL, NULL},
        {"threads", 0, OPTION_COUNT, &settings->threads, "N", "threads that compute; 0 = as recorded", 0, 1024,
         NULL, NULL},
        {"device", 0, OPTION_CHOICE, &settings->device, "NAME", "what computes, if not what it was recorded on", 0,
         0, backend_names, NULL},
        {"data", 0, OPTION_TEXT, &settings->data, "DIR", "where the data set is, if no longer where it was", 0, 0,
         NULL, NULL},
    };
    const struct command_usage usage = {
        .program = "tidy-record",
        .name = "resume",
        .arguments = "run.tidy [OPTION...]",
        .summary = "Go on with a log that was interrupted, or for more epochs.",
        .description = description,
        .example = "tidy-record resume run.tidy",
        OPTION_ROWS(rows),
    };
    return command_parse(&usage, argc, argv, &settings->path, 1, done);
}

/* Says whether all is in the log that going on takes; a log of another trainer has no network, for one. */
static bool is_resumable(const struct tidylog_run *run)
{
    if (run->network == NULL || run->lr_schedule == NULL || run->data == NULL)
        return false;
    for (size_t i = 0; training_schedules[i] != NULL; i++)
        if (strcmp(run->lr_schedule, training_schedules[i]) == 0)
            return true;
    return false;
}

/* Reads how far the log is. Sets *finished where it has all the epochs that it shall have, *epochs to these. */
static int survey(const struct settings *settings, uint64_t *epochs, bool *finished)
{
    struct tidylog_reader *reader;
    char *checkpoint = NULL;
    int status = tidylog_open(&reader, settings->path);
    if (status != 0)
        return status;
    const struct tidylog_run *run = tidylog_reader_run(reader);
    uint64_t done;
    tidylog_reader_epochs(reader, &done);
    *epochs = settings->epochs > 0 ? settings->epochs : run->epochs;
    *finished = done >= *epochs;
    status = checkpoint_path(&checkpoint, settings->path);
    if (status != 0)
        goto end;
    if (!is_resumable(run))
        status =
            tidy_fail("%s: was not recorded by 'tidy-record train', which alone can be resumed", settings->path);
    else if (*epochs != run->epochs && strcmp(run->lr_schedule, "cosine") == 0)
        status =
            tidy_fail("%s: the cosine schedule ends with epoch %" PRIu64 ", which is part of every step's learning "
                      "rate: --epochs cannot change it; record anew with --epochs %" PRIu64
                      ", or with --lr-schedule constant to be free",
                      settings->path, run->epochs, *epochs);
    else if (!*finished && done > 1 && access(checkpoint, F_OK) != 0)
        /* Each epoch leaves a checkpoint. Starting again from step 0 would throw away finished epochs. */
        status =
            tidy_fail("%s: is missing, so that %" PRIu64 " recorded epochs cannot be gone on with; put it back, "
                      "or record again with 'tidy-record train --force'",
                      checkpoint, done);
end:
    free(checkpoint);
    tidylog_close_reader(reader);
    return status;
}

static int check_data(const struct dataset *train, const struct tidylog_run *run, const char *path)
{
    if (run->data_digest != NULL && strcmp(train->digest, run->data_digest) == 0 &&
        train->samples == run->samples && train->height == run->height && train->width == run->width &&
        train->channels == run->channels)
        return 0;
    return tidy_fail(
        "%s: is not the data set that the log was recorded from (its digest is %s, the log's %s); --data "
        "DIR says where that is",
        path, train->digest, run->data_digest ? run->data_digest : "unknown");
}

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void warn_of_differences(const struct recording *recording, const struct tidylog_run *run, uint32_t threads)
{
    char machine[320], versions[256];
    machine_describe(machine, sizeof machine);
    recording_versions(recording, versions, sizeof versions);
    if (same_text(machine, run->machine) && same_text(versions, run->versions) && threads == run->threads)
        return;
    progress_line("warning: values may differ in their last digits: recorded on %s with %s and %" PRIu32
                  " threads, now on %s with %s and %" PRIu32,
                  run->machine ? run->machine : "an unknown machine",
                  run->versions ? run->versions : "unknown libraries", run->threads, machine, versions, threads);
}

/* The device asked for, or the recorded one. */
static const struct backend *find_backend(const struct settings *settings, const struct tidylog_run *run)
{
    const struct backend *backend =
        backend_find(settings->device >= 0 ? backend_names[settings->device] : run->device);
    if (backend == NULL && settings->device < 0 && run->device != NULL)
        tidy_fail("%s: was recorded on '%s'. %s. --device cpu goes on with it without", settings->path, run->device,
                  tidy_error_message());
    return backend;
}

/* The recorded precision, or float32 where that is one of a GPU or of another CPU and this CPU goes on. */
static int find_precision(struct recording *recording, const struct tidylog_run *run)
{
    size_t i = 0;
    while (run->precision != NULL && precision_names[i] != NULL && strcmp(run->precision, precision_names[i]) != 0)
        i++;
    if (precision_names[i] == NULL)
        return tidy_fail("the log's precision '%s' is unknown to this program", run->precision);
    recording->precision = (enum precision)i;
    if (recording->backend == &cpu_backend && !cpu_computes_in(recording->precision)) {
        progress_line("warning: recorded in %s; the CPU goes on in %s", precision_names[i],
                      precision_names[PRECISION_F32]);
        recording->precision = PRECISION_F32;
    }
    return 0;
}

/* The plans in the checkpoint, or NULL; the caller frees them. */
static int read_plans(char **plans, const char *log_path, const struct tidylog_run *run)
{
    char *path;
    int status = checkpoint_path(&path, log_path);
    if (status == 0)
        status = checkpoint_plans(plans, path, checkpoint_fingerprint(run));
    free(path);
    return status;
}

static int go_on(const struct settings *settings, uint64_t epochs)
{
    struct recording recording = {0};
    struct tidylog_writer *log = NULL;
    char *plans = NULL;
    int status = tidylog_resume(&log, settings->path);
    if (status != 0)
        return status;
    const struct tidylog_run *run = tidylog_writer_run(log);
    const char *data = settings->data ? settings->data : run->data;
    uint32_t threads = settings->threads > 0 ? (uint32_t)settings->threads : run->threads;

    /* Who says how many epochs wants them. */
    recording.stop_when_stable = run->stop != NULL && settings->epochs == 0;
    recording.backend = find_backend(settings, run);
    status = recording.backend ? find_precision(&recording, run) : TIDY_FAILED;
    if (status == 0)
        status = read_plans(&plans, settings->path, run);
    if (status == 0)
        status = recording_load_data(&recording, data, run->classes);
    if (status == 0)
        status = check_data(&recording.data.train, run, data);
    if (status == 0)
        status = recording_build_network(&recording, run);
    if (status == 0)
        status = recording_compile(&recording, run, threads, plans);
    if (status == 0) {
        warn_of_differences(&recording, run, threads);
        status = recording_run(&recording, log, settings->path, threads, true, epochs);
        log = NULL;
    }
    tidylog_close(log);
    recording_destroy(&recording);
    free(plans);
    return status;
}

int resume_command(int argc, char **argv)
{
    struct settings settings = {.device = -1};
    bool done, finished;
    uint64_t epochs;
    int status = parse(&settings, argc, argv, &done);
    if (status != 0 || done)
        return status;
    status = survey(&settings, &epochs, &finished);
    if (status != 0)
        return status;
    if (finished) {
        progress_line("%s has all of its %" PRIu64 " epochs: nothing to do", settings.path, epochs);
        return 0;
    }
    return go_on(&settings, epochs);
}
