/* `tidy-record import`: a log of what another program predicted, from arrays or from a stream. */
#include "record/commands.h"

#include <inttypes.h>
#include <lmdb.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/label_file.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/output_file.h"
#include "common/progress.h"
#include "record/import_arrays.h"
#include "record/import_stream.h"
#include "record/interruption.h"
#include "record/provenance.h"

struct settings {
    const char *arrays[IMPORT_KINDS]; /* the first file of each option, or NULL */
    const char *labels, *truth, *class_names, *name, *output;
    uint64_t classes;
    int detail;
    bool detail_given, force;
};

static const char description[] =
    "Makes a log of what another program predicted, so that every score can be had of it.\n"
    "\n"
    "From arrays: --logits, --probs or --predictions names a NumPy file (.npy) of shape\n"
    "[epochs][samples][classes] ([epochs][samples] for --predictions), or one file an epoch, each without\n"
    "the first dimension: the option's value and all that follow, in their order. A prediction is to be\n"
    "taken before the weights are updated by its sample, as training gives it. Numbers are float16, 32 or\n"
    "64 or whole, little endian, in C or Fortran order; files are mapped, so memory does not limit them\n"
    "(a Fortran order that does not fit into memory is slow). --labels has the given labels: IDX, NPY or\n"
    "text with a line a sample (index, tab or comma, label); -1, or no line, leaves a sample out.\n"
    "--truth, of the same formats, is for evaluation, where the right labels are known.\n"
    "\n"
    "Of probabilities, logits are the logarithms; a 0 counts as the smallest positive number of its type.\n"
    "\n"
    "From a stream: 'tidy-record import -' reads from standard input what a trainer writes while it\n"
    "trains, for instance with bindings/python/tidylog.py; labels come with it. The log can be analysed\n"
    "meanwhile. Where the stream ends early or is damaged, finished epochs are kept, and the exit code\n"
    "is 1. With --force the stream's first step replaces the old log, however the stream goes on; arrays\n"
    "replace it once all is imported.\n"
    "\n"
    "The line at the end says, where samples came twice in an epoch or not at all, in how many epochs and\n"
    "how many predictions that is.";

static const char example[] =
    "tidy-record import --logits logits.npy --labels labels.npy -o run.tidy\n"
    "tidy-record import --probs epoch-*.npy --labels labels.npy --detail class --force -o run.tidy\n"
    "python3 train.py | tidy-record import - --force -o run.tidy";

static const char *const import_options[IMPORT_KINDS] = {"--logits", "--probs", "--predictions"};

/* ---- the command line ----------------------------------------------------------------------------------- */

/* What is left for the files: `positional` has room for one more than there are arguments, in front. */
static int parse(struct settings *settings, int argc, char **argv, const char **positional, int *count, bool *done)
{
    const struct option_row rows[] = {
        {"logits", 0, OPTION_TEXT, &settings->arrays[IMPORT_LOGITS], "FILE...",
         "the network's outputs before softmax", 0, 0, NULL, NULL},
        {"probs", 0, OPTION_TEXT, &settings->arrays[IMPORT_PROBABILITIES], "FILE...",
         "probabilities of the classes", 0, 0, NULL, NULL},
        {"predictions", 0, OPTION_TEXT, &settings->arrays[IMPORT_CLASSES], "FILE...", "predicted classes alone", 0,
         0, NULL, NULL},
        {"labels", 0, OPTION_TEXT, &settings->labels, "FILE", "the given labels", 0, 0, NULL, NULL},
        {"truth", 0, OPTION_TEXT, &settings->truth, "FILE", "the right labels, where known", 0, 0, NULL, NULL},
        {"output", 'o', OPTION_TEXT, &settings->output, "FILE", "the log to make", 0, 0, NULL, NULL},
        {"force", 0, OPTION_FLAG, &settings->force, NULL, "replace the log where it exists", 0, 0, NULL, NULL},
        {"detail", 0, OPTION_CHOICE, &settings->detail, "LEVEL",
         "how much to log of each prediction (of --predictions: class)", 0, 0, tidylog_detail_names,
         &settings->detail_given},
        {"classes", 0, OPTION_COUNT, &settings->classes, "N",
         "number of classes; 0 = as the arrays say, or the largest label + 1", 0, IMPORT_MOST_CLASSES, NULL, NULL},
        {"class-names", 0, OPTION_TEXT, &settings->class_names, "FILE", "the classes' names, a line each", 0, 0,
         NULL, NULL},
        {"name", 0, OPTION_TEXT, &settings->name, "NAME", "the data set's name, for titles", 0, 0, NULL, NULL},
    };
    const struct command_usage usage = {
        .program = "tidy-record",
        .name = "import",
        .arguments = "--logits FILE... --labels FILE [OPTION...] | - [OPTION...]",
        .summary = "Make a log of the predictions of another trainer.",
        .description = description,
        .example = example,
        OPTION_ROWS(rows),
    };
    return options_parse(&usage, argc, argv, positional + 1, count, done);
}

/* The one kind of array that was named, IMPORT_KINDS for a stream. */
static int choose_source(const struct settings *settings, const char **positional, int count,
                         enum import_kind *kind)
{
    *kind = IMPORT_KINDS;
    for (int i = 0; i < IMPORT_KINDS; i++) {
        if (settings->arrays[i] == NULL)
            continue;
        if (*kind != IMPORT_KINDS)
            return tidy_fail_usage("import: both %s and %s were given; a log is made of one", import_options[*kind],
                                   import_options[i]);
        *kind = (enum import_kind)i;
    }
    if (*kind != IMPORT_KINDS) {
        if (settings->labels == NULL)
            return tidy_fail_usage("import: no labels given: --labels FILE");
        for (int i = 1; i <= count; i++)
            if (strcmp(positional[i], "-") == 0)
                return tidy_fail_usage("import: - is a stream, and %s names arrays; a log is made of one",
                                       import_options[*kind]);
        if (*kind == IMPORT_CLASSES && settings->detail_given && settings->detail != TIDYLOG_CLASS)
            return tidy_fail_usage("import: predicted classes feed --detail class and no other");
        return 0;
    }
    if (count != 1 || strcmp(positional[1], "-") != 0)
        return tidy_fail_usage("import: name the arrays (--logits, --probs or --predictions), or - for a stream");
    if (isatty(STDIN_FILENO))
        return tidy_fail_usage("import: standard input is a terminal; a trainer's stream is to be piped into it");
    return 0;
}

/* ---- labels --------------------------------------------------------------------------------------------- */

/* What is known of the samples beforehand; owned. */
struct knowledge {
    uint16_t *labels, *truth, *parts;
    char *class_names, *command_line;
    char started[32], versions[96];
};

static void knowledge_destroy(struct knowledge *knowledge)
{
    free(knowledge->command_line);
    free(knowledge->class_names);
    free(knowledge->parts);
    free(knowledge->truth);
    free(knowledge->labels);
}

/* Samples that --labels leaves out get a part of their own, and a label that counts nowhere. */
static int leave_out(struct knowledge *knowledge, uint64_t samples)
{
    uint64_t out = 0;
    for (uint64_t i = 0; i < samples; i++)
        out += knowledge->labels[i] == LABEL_LEFT_OUT;
    int status = 0;
    if (out > 0)
        status =
            memory_allocate(&knowledge->parts, samples, sizeof *knowledge->parts, "which samples are left out");
    for (uint64_t i = 0; i < samples && status == 0 && out > 0; i++) {
        if (knowledge->labels[i] == LABEL_LEFT_OUT) {
            knowledge->parts[i] = TIDYLOG_LEFT_OUT;
            knowledge->labels[i] = knowledge->truth != NULL ? knowledge->truth[i] : 0;
        }
    }
    return status;
}

/* Truth where it is not said is the label, so that the sample counts as right. */
static void complete_truth(uint16_t *truth, const uint16_t *labels, uint64_t samples)
{
    for (uint64_t i = 0; i < samples; i++) {
        if (truth[i] == LABEL_LEFT_OUT)
            truth[i] = labels != NULL && labels[i] != LABEL_LEFT_OUT ? labels[i] : 0;
    }
}

static int read_labels(struct knowledge *knowledge, const struct settings *settings, uint64_t samples,
                       uint32_t classes)
{
    int status = 0;
    if (settings->labels != NULL)
        status = label_file_read(&knowledge->labels, settings->labels, samples, classes);
    if (status == 0 && settings->truth != NULL)
        status = label_file_read(&knowledge->truth, settings->truth, samples, classes);
    if (status == 0 && knowledge->truth != NULL)
        complete_truth(knowledge->truth, knowledge->labels, samples);
    if (status == 0 && knowledge->labels != NULL)
        return leave_out(knowledge, samples);
    /* A stream's labels come later; until then they are the right ones where those are known. */
    if (status == 0)
        status = memory_allocate(&knowledge->labels, samples, sizeof *knowledge->labels, "labels");
    if (status == 0 && knowledge->truth != NULL)
        memcpy(knowledge->labels, knowledge->truth, samples * sizeof *knowledge->labels);
    return status;
}

/* The largest label + 1, for predicted classes, whose files do not say how many there are. */
static uint32_t count_classes(const struct knowledge *knowledge, uint64_t samples)
{
    uint16_t largest = 0;
    for (uint64_t i = 0; i < samples; i++) {
        largest = knowledge->labels[i] > largest ? knowledge->labels[i] : largest;
        if (knowledge->truth != NULL && knowledge->truth[i] > largest)
            largest = knowledge->truth[i];
    }
    return (uint32_t)largest + 1;
}

/* Fills in what both ways have in common. `classes` 0: the labels say. */
static int describe(struct tidylog_run *run, struct knowledge *knowledge, const struct settings *settings, int argc,
                    char **argv)
{
    int major, minor, patch;
    if (settings->classes > 0 && run->classes > 0 && settings->classes != run->classes)
        return tidy_fail("--classes says %" PRIu64 ", and the predictions are of %" PRIu32 " classes",
                         settings->classes, run->classes);
    uint32_t classes = run->classes > 0 ? run->classes : (uint32_t)settings->classes;
    int status = read_labels(knowledge, settings, run->samples, classes);
    if (status == 0)
        run->classes = classes > 0 ? classes : count_classes(knowledge, run->samples);
    if (status == 0 && settings->class_names != NULL)
        status = class_names_read_text(&knowledge->class_names, settings->class_names, run->classes);
    if (status == 0)
        status = provenance_command_line(&knowledge->command_line, argc, argv);
    if (status != 0)
        return status;
    provenance_now(knowledge->started, sizeof knowledge->started);
    mdb_version(&major, &minor, &patch);
    snprintf(knowledge->versions, sizeof knowledge->versions, "tidy-record %s, LMDB %d.%d.%d", TIDY_VERSION, major,
             minor, patch);
    run->batch_size = import_batch_size(run->samples, run->classes);
    run->labels = knowledge->labels;
    run->truth = knowledge->truth;
    run->parts = knowledge->parts;
    run->class_names = knowledge->class_names;
    run->command_line = knowledge->command_line;
    run->started = knowledge->started;
    run->versions = knowledge->versions;
    run->learning_rate = run->momentum = run->weight_decay = NAN;
    return 0;
}

/* ---- arrays --------------------------------------------------------------------------------------------- */

/* "logits" of "runs/logits.npy", for titles. */
static void name_of(char out[64], const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    size_t length = strlen(base);
    if (length > 4 && strcmp(base + length - 4, ".npy") == 0)
        length -= 4;
    snprintf(out, 64, "%.*s", (int)(length < 63 ? length : 63), base);
}

/* Makes the log beside its place, and moves it there once it is whole. */
static int record_arrays(struct import_arrays *arrays, const struct tidylog_run *run,
                         const struct settings *settings)
{
    struct importer importer = {0};
    struct tidylog_writer *log = NULL;
    char *temporary, *lock = NULL;
    if (asprintf(&temporary, "%s.import-%ld", settings->output, (long)getpid()) < 0)
        return tidy_fail_memory("a path", strlen(settings->output) + 32);
    if (asprintf(&lock, "%s-lock", temporary) < 0) {
        free(temporary);
        return tidy_fail_memory("a path", strlen(settings->output) + 32);
    }
    int status = tidylog_create(&log, temporary, run, false);
    bool made = status == 0;
    interruption_watch();
    if (status == 0)
        status = importer_create(&importer, log);
    if (status == 0)
        status = import_arrays_run(arrays, &importer);
    int closed = tidylog_close(log);
    status = status != 0 ? status : closed;
    if (status == TIDY_FAILED)
        status = tidy_fail("%s; nothing was written to %s", tidy_error_message(), settings->output);
    if (status == 0)
        status = tidylog_move(temporary, settings->output, settings->force);
    progress_clear();
    if (status == 0)
        importer_report(&importer, settings->output);
    if (status != 0 && made) {
        unlink(temporary);
        unlink(lock);
    }
    importer_destroy(&importer);
    free(lock);
    free(temporary);
    return status == TIDY_INTERRUPTED ? 128 + interruption_signal() : status;
}

static int import_arrays(const struct settings *settings, enum import_kind kind, const char *const *paths,
                         int count, int argc, char **argv)
{
    struct import_arrays arrays = {0};
    struct knowledge knowledge = {0};
    char name[64];
    name_of(name, paths[0]);
    int status = import_arrays_open(&arrays, kind, paths, (size_t)count);
    struct tidylog_run run = {
        .samples = arrays.samples,
        .classes = arrays.classes,
        .epochs = arrays.epochs,
        .detail = kind == IMPORT_CLASSES ? TIDYLOG_CLASS : (enum tidylog_detail)settings->detail,
        .data_name = settings->name != NULL ? settings->name : name,
    };
    if (status == 0)
        status = describe(&run, &knowledge, settings, argc, argv);
    if (status == 0)
        status = record_arrays(&arrays, &run, settings);
    knowledge_destroy(&knowledge);
    import_arrays_close(&arrays);
    return status;
}

/* ---- a stream ------------------------------------------------------------------------------------------- */

static int record_stream(struct import_stream *stream, const struct tidylog_run *run,
                         const struct settings *settings)
{
    struct importer importer = {0};
    struct tidylog_writer *log = NULL;
    int status = tidylog_create(&log, settings->output, run, settings->force);
    if (status != 0)
        return status;
    status = importer_create(&importer, log);
    if (status == 0)
        status = import_stream_run(stream, &importer, settings->labels != NULL);
    if (status == TIDY_FAILED)
        status = tidy_fail("%s; %" PRIu64 " finished epoch%s kept in %s", tidy_error_message(), importer.epoch,
                           importer.epoch == 1 ? " is" : "s are", settings->output);
    int closed = tidylog_close(log);
    status = status != 0 ? status : closed;
    progress_clear();
    if (importer.epoch > 0)
        importer_report(&importer, settings->output);
    importer_destroy(&importer);
    return status;
}

static int import_stream(const struct settings *settings, int argc, char **argv)
{
    struct import_stream stream;
    struct knowledge knowledge = {0};
    /* Ctrl-C reaches the trainer too, and the stream then ends by itself. */
    signal(SIGINT, SIG_IGN);
    int status = import_stream_open(&stream, stdin);
    int detail = settings->detail_given || stream.detail < 0 ? settings->detail : stream.detail;
    struct tidylog_run run = {
        .samples = stream.samples,
        .classes = stream.classes,
        .epochs = stream.epochs > 0 ? stream.epochs : 1,
        .detail = (enum tidylog_detail)detail,
        .data_name = settings->name,
    };
    if (status == 0)
        status = describe(&run, &knowledge, settings, argc, argv);
    if (status == 0)
        status = record_stream(&stream, &run, settings);
    import_stream_close(&stream);
    knowledge_destroy(&knowledge);
    return status;
}

int import_command(int argc, char **argv)
{
    struct settings settings = {.output = "run.tidy", .detail = TIDYLOG_MARGIN};
    const char **positional;
    enum import_kind kind;
    int count;
    bool done;
    int status = memory_allocate(&positional, (size_t)argc + 1, sizeof *positional, "arguments");
    if (status != 0)
        return status;
    status = parse(&settings, argc, argv, positional, &count, &done);
    if (status == 0 && !done) {
        status = choose_source(&settings, positional, count, &kind);
        if (status == 0)
            status = output_file_check(settings.output, settings.force);
        if (status == 0 && kind == IMPORT_KINDS) {
            status = import_stream(&settings, argc, argv);
        } else if (status == 0) {
            positional[0] = settings.arrays[kind];
            for (int i = 0; i <= count && status == 0; i++)
                status = output_file_check_input(settings.output, positional[i]);
            if (status == 0)
                status = import_arrays(&settings, kind, positional, count + 1, argc, argv);
        }
    }
    free(positional);
    return status;
}
