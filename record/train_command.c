/* `tidy-record train`: from the command line to a new log, which is made once all else has gone well. */
#include "record/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/label_file.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/table.h"
#include "common/tidylog.h"
#include "record/checkpoint.h"
#include "record/machine.h"
#include "record/noise.h"
#include "record/provenance.h"
#include "record/recording.h"
#include "record/sample_plan.h"
#include "record/training.h"

/* The options, with their defaults. */
struct settings {
    const char *data, *network, *labels, *truth, *class_names, *noise, *output;
    uint64_t epochs, batch_size, seed, threads, resize, classes, threshold_draw, second_split;
    double learning_rate, momentum, weight_decay, controls;
    int schedule, detail, device, precision;
    bool shuffle, force, deterministic, swap_halves, stop_when_stable;
};

static const char description[] =
    "Trains a network on labelled images and logs, for every step, what it predicts for each sample\n"
    "before the step's update. --data is a folder with IDX files, plain or .gz, in MNIST's layout\n"
    "(EMNIST: the folder and the files' common prefix); colour images have three bytes a pixel and\n"
    "'idx4' for 'idx3' in their names. A test set, where there is one, is evaluated after each epoch.\n"
    "\n"
    "The learning rate of step s of S is --lr with the constant schedule, and\n"
    "--lr / 2 (1 + cos(pi s / S)) with the cosine schedule.\n"
    "\n"
    "--labels trains on the labels of a file (IDX, NPY or text, as 'tidy-analyze clean' writes them) in\n"
    "place of the data set's. Samples that it has no label for are never trained on. --truth gives labels\n"
    "that are known to be right: nothing is trained on them, they are for 'tidy-analyze eval'.\n"
    "\n"
    "The log has the classes' names for charts and reports: of --class-names, or of the data set's own "
    "file\n" DATASET_NAME_FILES " (EMNIST's), with the same prefix as the others.\n"
    "\n"
    "--noise plants wrong labels and logs the truth beside them: AMOUNT or AMOUNT,KIND. AMOUNT is\n"
    "every:K (samples whose index is divisible by K) or a rate R (exactly round(R x samples), drawn\n"
    "without replacement). KIND is uniform (a wrong class, drawn evenly; the default), pair (class c\n"
    "becomes c + 1) or matrix:FILE (for each true class a row of the given classes' probabilities).\n"
    "\n"
    "--controls trains a random share R of the samples with wrong labels, which are known to be wrong: what\n"
    "'tidy-analyze' finds of them tells what it finds of the others (flag, eval --estimate, sweep). They\n"
    "are no suspects, and every output has their given labels. 0.01 is a good R.\n"
    "\n"
    "Three ways to record a run for a certain analysis, told in docs/recording.md: --threshold-samples\n"
    "gives a random share of 1/(classes + 1) a class that nothing else has; --second-split trains on one\n"
    "half of the samples and then on the other, and logs what is forgotten; --stop-when-stable ends once\n"
    "the 1% most suspicious samples are 95% the same in 4 epochs in a row.\n"
    "\n"
    "Beside the log lies its checkpoint, run.tidy.ckpt, replaced after every epoch, every ten minutes,\n"
    "and where Ctrl-C or SIGTERM stops the recording; 'tidy-record resume' goes on from it. The same\n"
    "seed, threads and machine give the same values, also across a resume (on a GPU: with\n"
    "--deterministic).";

static const char example[] =
    "tidy-record train --data /usr/share/datasets/fashion-mnist --noise every:100 -o run.tidy\n"
    "tidy-record train --data /usr/share/datasets/fashion-mnist --second-split 8 -o split.tidy\n"
    "tidy-record train --net list";

/* Parses the command line. Returns 0 with *done set where nothing is left to do. */
static int parse(struct settings *settings, int argc, char **argv, bool *done)
{
    const struct option_row rows[] = {
        {"data", 0, OPTION_TEXT, &settings->data, "DIR", "the data set's folder", 0, 0, NULL, NULL},
        {"output", 'o', OPTION_TEXT, &settings->output, "FILE", "the log to make", 0, 0, NULL, NULL},
        {"force", 0, OPTION_FLAG, &settings->force, NULL, "replace the log where it exists", 0, 0, NULL, NULL},
        {"net", 0, OPTION_TEXT, &settings->network, "NAME", "the network; 'list' prints all", 0, 0, NULL, NULL},
        {"epochs", 0, OPTION_COUNT, &settings->epochs, "N", "passes over the data set", 1, 1e6, NULL, NULL},
        {"batch-size", 0, OPTION_COUNT, &settings->batch_size, "N", "images a step", 1, 65536, NULL, NULL},
        {"lr", 0, OPTION_REAL, &settings->learning_rate, "F", "learning rate", 0, 1000, NULL, NULL},
        {"momentum", 0, OPTION_REAL, &settings->momentum, "F", "momentum", 0, 1, NULL, NULL},
        {"weight-decay", 0, OPTION_REAL, &settings->weight_decay, "F", "weight decay", 0, 1, NULL, NULL},
        {"lr-schedule", 0, OPTION_CHOICE, &settings->schedule, "NAME", "the learning rate's schedule", 0, 0,
         training_schedules, NULL},
        {"seed", 0, OPTION_COUNT, &settings->seed, "N", "of weights, order and noise", 0, 0x1p53, NULL, NULL},
        {"threads", 0, OPTION_COUNT, &settings->threads, "N", "threads that compute", 1, 1024, NULL, NULL},
        {"shuffle", 0, OPTION_FLAG, &settings->shuffle, NULL, "a new sample order in every epoch", 0, 0, NULL,
         NULL},
        {"labels", 0, OPTION_TEXT, &settings->labels, "FILE", "train on these labels, not on the data set's", 0, 0,
         NULL, NULL},
        {"truth", 0, OPTION_TEXT, &settings->truth, "FILE", "labels known to be right, for evaluation", 0, 0, NULL,
         NULL},
        {"class-names", 0, OPTION_TEXT, &settings->class_names, "FILE",
         "the classes' names, a line each; without it, those of the data set's folder", 0, 0, NULL, NULL},
        {"noise", 0, OPTION_TEXT, &settings->noise, "SPEC", "plant wrong labels, e.g. every:100 or 0.01,pair", 0, 0,
         NULL, NULL},
        {"controls", 0, OPTION_REAL, &settings->controls, "R", "a share of controls, labelled wrong; 0 = none", 0,
         0.5, NULL, NULL},
        {"threshold-samples", 0, OPTION_COUNT, &settings->threshold_draw, "K",
         "give the K-th draw of samples an extra class; 0 = none", 0, 65536, NULL, NULL},
        {"second-split", 0, OPTION_COUNT, &settings->second_split, "N",
         "train N epochs on one half of the samples, then on the other; 0 = on all", 0, 1e6, NULL, NULL},
        {"swap-halves", 0, OPTION_FLAG, &settings->swap_halves, NULL, "with the halves of --second-split exchanged",
         0, 0, NULL, NULL},
        {"stop-when-stable", 0, OPTION_FLAG, &settings->stop_when_stable, NULL,
         "end before --epochs where the most suspicious samples no longer change", 0, 0, NULL, NULL},
        {"detail", 0, OPTION_CHOICE, &settings->detail, "LEVEL", "how much to log of each prediction", 0, 0,
         tidylog_detail_names, NULL},
        {"device", 0, OPTION_CHOICE, &settings->device, "NAME", "what computes; 'tidy-record devices' lists them",
         0, 0, backend_names, NULL},
        {"precision", 0, OPTION_CHOICE, &settings->precision, "NAME",
         "what convolutions compute in; bf16, where the device has it, and a GPU's tf32 are faster", 0, 0,
         precision_names, NULL},
        {"deterministic", 0, OPTION_FLAG, &settings->deterministic, NULL,
         "only algorithms that give the same values each time, which the CPU always does", 0, 0, NULL, NULL},
        {"resize", 0, OPTION_COUNT, &settings->resize, "N",
         "resize images to N x N pixels, bilinear; 0 = as they are", 0, 4096, NULL, NULL},
        {"classes", 0, OPTION_COUNT, &settings->classes, "N", "number of classes; 0 = the largest label + 1", 0,
         65535, NULL, NULL},
    };
    const struct command_usage usage = {
        .program = "tidy-record",
        .name = "train",
        .arguments = "--data DIR [OPTION...]",
        .summary = "Train a network and record what it predicts for every training sample.",
        .description = description,
        .example = example,
        OPTION_ROWS(rows),
    };
    return command_parse(&usage, argc, argv, NULL, 0, done);
}

static int list_networks(void)
{
    static const char *const columns[] = {"name", "summary"};
    struct table *table = table_begin(columns, 2, false);
    if (table == NULL)
        return TIDY_FAILED;
    for (size_t i = 0; i < network_row_count; i++) {
        table_add_text(table, network_rows[i].name);
        table_add_text(table, network_rows[i].summary);
    }
    return table_end(table);
}

/* Finds an output that cannot be made before anything slow begins. */
static int check_output(const char *path, bool force)
{
    char *checkpoint = NULL, *folder = NULL;
    struct stat entry;
    int status = checkpoint_path(&checkpoint, path);
    if (status != 0)
        return status;
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (!force && lstat(path, &entry) == 0)
        status = tidy_fail("%s: exists; 'tidy-record resume %s' goes on with it, --force replaces it", path, path);
    else if (!force && lstat(checkpoint, &entry) == 0)
        status = tidy_fail("%s: exists, the checkpoint of a log that is not here; --force replaces it", checkpoint);
    else
        status = memory_allocate(&folder, length + 1, 1, "a folder's path");
    if (status == 0) {
        memcpy(folder, slash ? path : ".", length);
        if (access(folder, W_OK | X_OK) != 0)
            status = tidy_fail("%s: cannot be made in folder %s: %s", path, folder, strerror(errno));
    }
    free(folder);
    free(checkpoint);
    return status;
}

/* Options that do not go together. */
static int check_settings(const struct settings *settings)
{
    if (settings->second_split >= settings->epochs)
        return tidy_fail_usage("--second-split %" PRIu64 " needs more epochs than that: --epochs %" PRIu64
                               " or more, not %" PRIu64,
                               settings->second_split, settings->second_split + 1, settings->epochs);
    if (settings->swap_halves && settings->second_split == 0)
        return tidy_fail_usage("--swap-halves exchanges the halves of --second-split N, which is missing");
    if (settings->controls > 0 && settings->threshold_draw > 0)
        return tidy_fail_usage("--controls cannot be had with --threshold-samples: leave one out");
    if (settings->stop_when_stable && settings->second_split > 0)
        return tidy_fail_usage(
            "--stop-when-stable cannot be had with --second-split, which changes what is trained "
            "on: leave one out");
    return 0;
}

/* The parts of the run that are not options. All texts must outlive the log. */
struct provenance {
    char *data, *class_names, *command_line;
    char started[32], machine[320], versions[256];
};

static void describe_run(struct tidylog_run *run, const struct settings *settings,
                         const struct recording *recording, const struct sample_plan *plan,
                         const struct provenance *provenance)
{
    const struct dataset *train = &recording->data.train;
    *run = (struct tidylog_run){
        .samples = train->samples,
        .classes = plan->classes,
        .batch_size = (uint32_t)settings->batch_size,
        .epochs = settings->epochs,
        .seed = settings->seed,
        .shuffle = settings->shuffle,
        .detail = (enum tidylog_detail)settings->detail,
        .labels = plan->labels,
        .truth = plan->truth,
        .given = plan->given,
        .probes = plan->probes,
        .parts = plan->parts,
        .second_split = settings->second_split,
        .network = settings->network,
        .learning_rate = settings->learning_rate,
        .momentum = settings->momentum,
        .weight_decay = settings->weight_decay,
        .lr_schedule = training_schedules[settings->schedule],
        .noise = settings->noise,
        .stop = settings->stop_when_stable ? "when-stable" : NULL,
        .device = recording->backend->name,
        .precision = precision_names[settings->precision],
        .deterministic = settings->deterministic,
        .threads = (uint32_t)settings->threads,
        .resize = (uint32_t)settings->resize,
        .height = train->height,
        .width = train->width,
        .channels = train->channels,
        .data = provenance->data,
        .data_name = recording->data.name,
        .data_digest = train->digest,
        .class_names = provenance->class_names,
        .command_line = provenance->command_line,
        .started = provenance->started,
        .machine = provenance->machine,
        .versions = provenance->versions,
    };
}

static int read_class_names(char **out, const struct settings *settings, const struct dataset *train)
{
    if (settings->class_names != NULL)
        return class_names_read_text(out, settings->class_names, train->classes);
    return dataset_class_names(out, settings->data, train->classes);
}

static int record(struct settings *settings, int argc, char **argv)
{
    struct recording recording = {0};
    struct provenance provenance = {0};
    struct sample_plan plan = {0};
    struct noise noise = {0};
    const struct sample_options samples = {
        .labels = settings->labels,
        .truth = settings->truth,
        .noise = settings->noise != NULL ? &noise : NULL,
        .controls = settings->controls,
        .threshold_draw = settings->threshold_draw,
        .halves = settings->second_split > 0,
        .swap_halves = settings->swap_halves,
        .seed = settings->seed,
    };
    struct tidylog_run run;
    struct tidylog_writer *log;

    recording.precision = (enum precision)settings->precision;
    recording.stop_when_stable = settings->stop_when_stable;
    recording.backend = backend_find(backend_names[settings->device]);
    int status = recording.backend ? network_check_name(settings->network) : TIDY_FAILED;
    if (status == 0)
        status = check_output(settings->output, settings->force);
    if (status == 0 && settings->noise != NULL)
        status = noise_parse(&noise, settings->noise);
    if (status == 0)
        status = recording_load_data(&recording, settings->data, (uint32_t)settings->classes);
    if (status == 0)
        status = read_class_names(&provenance.class_names, settings, &recording.data.train);
    if (status == 0)
        status = sample_plan_create(&plan, &samples, &recording.data.train);
    if (status == 0)
        status = provenance_data_path(&provenance.data, settings->data);
    if (status == 0)
        status = provenance_command_line(&provenance.command_line, argc, argv);
    if (status != 0)
        goto done;

    provenance_now(provenance.started, sizeof provenance.started);
    machine_describe(provenance.machine, sizeof provenance.machine);
    recording_versions(&recording, provenance.versions, sizeof provenance.versions);
    describe_run(&run, settings, &recording, &plan, &provenance);
    status = recording_build_network(&recording, &run);
    if (status == 0)
        status = recording_compile(&recording, &run, run.threads, NULL);
    if (status == 0)
        status = tidylog_create(&log, settings->output, &run, settings->force);
    if (status == 0)
        status = recording_run(&recording, log, settings->output, run.threads, false, run.epochs);
done:
    noise_destroy(&noise);
    free(provenance.command_line);
    free(provenance.class_names);
    free(provenance.data);
    sample_plan_destroy(&plan);
    recording_destroy(&recording);
    return status;
}

int train_command(int argc, char **argv)
{
    struct settings settings = {
        .network = "small",
        .output = "run.tidy",
        .epochs = 15,
        .batch_size = 128,
        .seed = 1,
        .threads = machine_threads(),
        .learning_rate = 0.05,
        .momentum = 0.9,
        .weight_decay = 0.005,
        .schedule = 1, /* cosine */
        .detail = TIDYLOG_MARGIN,
        .shuffle = true,
    };
    bool done;
    int status = parse(&settings, argc, argv, &done);
    if (status != 0 || done)
        return status;
    if (strcmp(settings.network, "list") == 0)
        return list_networks();
    if (settings.data == NULL)
        return tidy_fail_usage("no data set given: --data DIR, a folder with IDX files such as MNIST's");
    status = check_settings(&settings);
    return status == 0 ? record(&settings, argc, argv) : status;
}
