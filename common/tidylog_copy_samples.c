/* Some of a log's samples, or several logs' samples beside each other, into one log: steps are packed anew from
 * the packed bits of the samples kept, or from what they stand for where detail is left out. */
#include "common/tidylog_copy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/packing.h"
#include "common/step_reducer.h"
#include "common/tidylog_copy_target.h"
#include "common/tidylog_meta.h"
#include "common/tidylog_read.h"
#include "common/tidylog_step.h"

/* A source while its run is copied. */
struct input {
    const struct tidylog_source *source;
    struct tidylog_reader view;
    struct step_decoder *decoder;
    struct columns_epoch *columns; /* where epochs are packed; NULL before the first of them */
    uint64_t columns_end;          /* the epoch that they have read, and one */
    uint64_t step;                 /* the next one */
    uint64_t copied;               /* predictions of the running epoch */
};

struct copy {
    const char *path;
    struct build build;
    struct input *inputs; /* [count] */
    size_t count;
    int detail;                   /* asked for */
    struct tidylog_run run;       /* of the copy */
    uint16_t *values[4];          /* its arrays: labels, truth, given, parts; or NULL */
    struct copy_target target;    /* where its steps go */
    struct step_reducer *reducer; /* NULL where the detail stays */
    uint32_t most;                /* predictions of a step of the copy */
    uint32_t *places;             /* [largest step of a source] of the predictions kept */
    uint32_t *samples;            /* [most] their numbers in the copy */
};

/* A step of a source, opened. */
struct source_step {
    uint64_t epoch;
    const uint32_t *samples; /* [count] */
    uint32_t count;
    bool evaluated;
    struct record record;             /* its packed predictions, where the detail stays */
    struct tidylog_observations seen; /* unpacked, where it does not */
};

/* ---- what the copy's run is ------------------------------------------------------------------------------- */

static const uint16_t *labels_of(const struct tidylog_run *run)
{
    return run->labels;
}

static const uint16_t *truth_of(const struct tidylog_run *run)
{
    return run->truth;
}

static const uint16_t *parts_of(const struct tidylog_run *run)
{
    return run->parts;
}

/* Gathers one array of the copy from those of the sources, where `needed`; zero for a source that has none. */
static int gather(struct copy *copy, uint16_t **out, bool needed,
                  const uint16_t *(*of)(const struct tidylog_run *run))
{
    if (!needed)
        return TIDY_OK;
    int status = memory_allocate(out, copy->run.samples, sizeof **out, "labels");
    for (size_t k = 0; k < copy->count && status == TIDY_OK; k++) {
        const struct tidylog_run *run = &copy->inputs[k].view.run;
        const uint16_t *values = of(run);
        for (uint64_t i = 0; i < run->samples && values != NULL; i++) {
            uint32_t number = copy->inputs[k].source->renumber[i];
            if (number != TIDYLOG_OMITTED)
                (*out)[number] = values[i];
        }
    }
    return status;
}

/* Can samples with these probes stand in one run? Controls can beside samples that have none; threshold samples
 * cannot, as their class is the data set's in the others. */
static bool probes_agree(const char *one, const char *other)
{
    if (one != NULL && other != NULL)
        return strcmp(one, other) == 0;
    const char *some = one != NULL ? one : other;
    return some == NULL || strcmp(some, "controls") == 0;
}

/* Is one source like the first, so that their steps can stand in one run? */
static int check_input(const struct copy *copy, const struct input *input, uint64_t samples)
{
    const struct tidylog_reader *view = &input->view, *first = &copy->inputs[0].view;
    const char *path = view->store.path, *first_path = first->store.path;
    if (view->run.classes != first->run.classes)
        return tidy_fail("%s: it has %lu classes, %s has %lu: no shards of one run", path,
                         (unsigned long)view->run.classes, first_path, (unsigned long)first->run.classes);
    if (view->run.detail != first->run.detail)
        return tidy_fail("%s: it has --detail %s, %s has %s: no shards of one run", path,
                         tidylog_detail_names[view->run.detail], first_path,
                         tidylog_detail_names[first->run.detail]);
    if (view->run.codes.margin_scale != first->run.codes.margin_scale ||
        view->run.codes.log_odds_density != first->run.codes.log_odds_density)
        return tidy_fail("%s: its margins have the codes %lu %lu, those of %s %lu %lu: no shards of one run", path,
                         (unsigned long)view->run.codes.margin_scale,
                         (unsigned long)view->run.codes.log_odds_density, first_path,
                         (unsigned long)first->run.codes.margin_scale,
                         (unsigned long)first->run.codes.log_odds_density);
    if (view->epoch_count == 0)
        return tidy_fail("%s: no epoch is finished yet, and only finished epochs are copied", path);
    if (view->epoch_count != first->epoch_count)
        return tidy_fail("%s: it has %llu finished epochs, %s has %llu: no shards of one run", path,
                         (unsigned long long)view->epoch_count, first_path, (unsigned long long)first->epoch_count);
    for (size_t k = 0; &copy->inputs[k] != input; k++) {
        const struct tidylog_reader *other = &copy->inputs[k].view;
        if (!probes_agree(view->run.probes, other->run.probes))
            return tidy_fail("%s: it has %s, %s has %s: no shards of one run", path,
                             view->run.probes != NULL ? view->run.probes : "no probes", other->store.path,
                             other->run.probes != NULL ? other->run.probes : "no probes");
    }
    if (copy->detail > (int)view->run.detail)
        return tidy_fail("%s: it has --detail %s; a copy can have as much or less, not %s", path,
                         tidylog_detail_names[view->run.detail], tidylog_detail_names[copy->detail]);
    if (view->run.second_split > 0 && (copy->count > 1 || samples != view->run.samples))
        return tidy_fail(
            "%s: its samples cannot be copied apart: it has a second split, and which steps only evaluate "
            "follows from the order of all samples",
            path);
    return TIDY_OK;
}

/* Every number of the copy must be that of one sample. */
static int check_numbers(const struct copy *copy)
{
    uint8_t *taken;
    uint64_t left = copy->run.samples;
    int status = memory_allocate(&taken, copy->run.samples, sizeof *taken, "sample numbers");
    for (size_t k = 0; k < copy->count && status == TIDY_OK; k++) {
        for (uint64_t i = 0; i < copy->inputs[k].view.run.samples && status == TIDY_OK; i++) {
            uint32_t number = copy->inputs[k].source->renumber[i];
            if (number == TIDYLOG_OMITTED)
                continue;
            if (number >= copy->run.samples || taken[number])
                status =
                    tidy_fail("%s: two samples, or none, would be sample %lu", copy->path, (unsigned long)number);
            else
                left -= ++taken[number];
        }
    }
    if (status == TIDY_OK && left > 0)
        status = tidy_fail("%s: %llu sample numbers would have no sample", copy->path, (unsigned long long)left);
    free(taken);
    return status;
}

/* What the first source says, with the samples of all. */
static int make_run(struct copy *copy, uint64_t samples)
{
    bool truth = true, given = false, parts = false;
    copy->run = copy->inputs[0].view.run;
    copy->run.samples = samples;
    copy->run.epochs = copy->inputs[0].view.epoch_count;
    copy->run.data = copy->run.data_digest = NULL;
    if (copy->detail != TIDYLOG_WHOLE_DETAIL)
        copy->run.detail = (enum tidylog_detail)copy->detail;
    if (copy->run.detail != copy->inputs[0].view.run.detail)
        copy->run.codes = packing_codes_default; /* read at TIDYLOG_MARGIN only */
    for (size_t k = 0; k < copy->count; k++) {
        const struct tidylog_run *run = &copy->inputs[k].view.run;
        truth = truth && run->truth != NULL;
        given = given || run->given != NULL;
        parts = parts || run->parts != NULL;
        if (run->batch_size > copy->run.batch_size)
            copy->run.batch_size = run->batch_size;
        if (copy->run.probes == NULL)
            copy->run.probes = run->probes;
    }
    int status = check_numbers(copy);
    if (status == TIDY_OK)
        status = gather(copy, &copy->values[0], true, labels_of);
    if (status == TIDY_OK)
        status = gather(copy, &copy->values[1], truth, truth_of);
    if (status == TIDY_OK)
        status = gather(copy, &copy->values[2], given, tidylog_given_labels);
    if (status == TIDY_OK)
        status = gather(copy, &copy->values[3], parts, parts_of);
    copy->run.labels = copy->values[0];
    copy->run.truth = copy->values[1];
    copy->run.given = copy->values[2];
    copy->run.parts = copy->values[3];
    return status == TIDY_OK ? meta_check(&copy->run, copy->path) : status;
}

/* ---- steps and epochs ------------------------------------------------------------------------------------- */

/* Puts a step with the predictions of a source's at copy->places[first..first + count - 1]. */
static int put_step(struct copy *copy, struct input *input, const struct source_step *step, uint32_t first,
                    uint32_t count)
{
    const uint32_t *renumber = input->source->renumber, *places = copy->places + first;
    const struct record *record = &step->record;
    uint8_t *body;
    for (uint32_t i = 0; i < count; i++)
        copy->samples[i] = renumber[step->samples[places[i]]];
    int status = copy_target_begin_step(&copy->target, copy->samples, count, step->evaluated, &body);
    if (status != TIDY_OK)
        return status;
    size_t packed;
    if (copy->reducer != NULL)
        packed = step_reducer_pack(copy->reducer, body, &step->seen, places, count);
    else
        packed = packing_select(body, record->body, record->body_bytes, record->count, places, count,
                                copy->run.classes, copy->run.detail);
    if (packed == 0)
        return reader_fail(&input->view, "step", input->step, "its predictions are not possible (damaged value)");
    input->copied += count;
    return copy_target_end_step(&copy->target, packed);
}

/* Opens a source's next step, whose epoch is packed. */
static int open_packed_step(const struct copy *copy, struct input *input, uint64_t epoch, struct tidylog_due *done,
                            struct source_step *out)
{
    const char *wrong;
    int status = input->columns == NULL ? columns_epoch_create(&input->columns, &input->view.layout) : TIDY_OK;
    if (status == TIDY_OK && input->columns_end != epoch + 1) {
        struct columns_source source = reader_columns(&input->view);
        status = columns_epoch_read(input->columns, &source, epoch);
    }
    if (status != TIDY_OK)
        return status;
    input->columns_end = epoch + 1;
    if (copy->reducer == NULL)
        wrong = step_open_packed(input->decoder, input->step, epoch, input->columns, done, &out->record);
    else
        wrong = step_decode_packed(input->decoder, input->step, epoch, input->columns, &out->seen);
    return wrong == NULL ? TIDY_OK : reader_fail(&input->view, "step", input->step, wrong);
}

/* Opens a source's next step, which has a record. */
static int open_recorded_step(const struct copy *copy, struct input *input, uint64_t epoch,
                              struct tidylog_due *done, struct source_step *out)
{
    const struct tidylog_reader *view = &input->view;
    uint8_t name[NUMBER_KEY_BYTES];
    record_number_key(name, input->step);
    MDB_val key = {.mv_size = sizeof name, .mv_data = name}, value;
    int code = mdb_get(view->txn, view->store.tables[TABLE_STEPS], &key, &value);
    const char *wrong;
    if (code != 0 && code != MDB_NOTFOUND)
        return store_fail(view->store.path, "read its steps", code);
    if (code == MDB_NOTFOUND)
        wrong = "missing (damaged file)";
    else if (copy->reducer == NULL)
        wrong = step_open(input->decoder, input->step, epoch, &key, &value, done, &out->record);
    else
        wrong = step_decode(input->decoder, input->step, epoch, &key, &value, &out->seen);
    return wrong == NULL ? TIDY_OK : reader_fail(view, "step", input->step, wrong);
}

/* Opens a source's next step, and unpacks it where the copy keeps less of it. */
static int open_step(const struct copy *copy, struct input *input, uint64_t epoch, struct source_step *out)
{
    struct tidylog_due done;
    *out = (struct source_step){.epoch = epoch};
    int status = input->view.packed[epoch] ? open_packed_step(copy, input, epoch, &done, out)
                                           : open_recorded_step(copy, input, epoch, &done, out);
    if (status != TIDY_OK)
        return status;
    if (copy->reducer != NULL)
        done = (struct tidylog_due){
            .samples = out->seen.samples, .count = out->seen.count, .evaluated = out->seen.evaluated};
    out->samples = done.samples;
    out->count = done.count;
    out->evaluated = done.evaluated;
    return TIDY_OK;
}

/* Copies the samples kept of a source's next step; to several steps where the copy has fewer samples than that. */
static int copy_step(struct copy *copy, struct input *input, uint64_t epoch)
{
    struct source_step step;
    int status = open_step(copy, input, epoch, &step);
    if (status != TIDY_OK)
        return status;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < step.count; i++) {
        if (input->source->renumber[step.samples[i]] != TIDYLOG_OMITTED)
            copy->places[kept++] = i;
    }
    for (uint32_t first = 0; first < kept && status == TIDY_OK; first += copy->most)
        status = put_step(copy, input, &step, first, kept - first < copy->most ? kept - first : copy->most);
    input->step++;
    return status;
}

/* The figures of the sources' epoch, each weighted by its predictions copied. */
static struct tidylog_epoch join_figures(const struct copy *copy, uint64_t epoch)
{
    struct tidylog_epoch joined = copy->inputs[0].view.epochs[epoch];
    if (copy->count == 1)
        return joined;
    double copied = 0;
    joined.loss = joined.accuracy = joined.seconds = 0;
    for (size_t k = 0; k < copy->count; k++) {
        const struct tidylog_epoch *figures = &copy->inputs[k].view.epochs[epoch];
        double weight = (double)copy->inputs[k].copied;
        if (weight > 0) {
            joined.loss += weight * figures->loss;
            joined.accuracy += weight * figures->accuracy;
        }
        joined.seconds += figures->seconds;
        copied += weight;
        if (figures->test_accuracy != joined.test_accuracy)
            joined.test_accuracy = NAN;
    }
    joined.loss /= copied;
    joined.accuracy /= copied;
    return joined;
}

static int copy_epoch(struct copy *copy, uint64_t epoch)
{
    uint64_t before = copy->target.steps;
    int status = copy_target_begin_epoch(&copy->target, epoch);
    for (size_t k = 0; k < copy->count && status == TIDY_OK; k++) {
        struct input *input = &copy->inputs[k];
        input->copied = 0;
        while (status == TIDY_OK && input->step < input->view.steps_through[epoch])
            status = copy_step(copy, input, epoch);
    }
    if (status != TIDY_OK)
        return status;
    if (copy->target.steps == before)
        return tidy_fail("%s: epoch %llu has none of the samples that are to be copied",
                         copy->inputs[0].view.store.path, (unsigned long long)epoch);
    struct tidylog_epoch figures = join_figures(copy, epoch);
    return copy_target_end_epoch(&copy->target, &figures);
}

/* ---- runs --------------------------------------------------------------------------------------------------- */

static int open_input(struct copy *copy, struct input *input, uint32_t run, uint64_t samples)
{
    int status = reader_view(&input->view, input->source->reader, run);
    if (status == TIDY_OK)
        status = check_input(copy, input, samples);
    if (status == TIDY_OK)
        status = reader_check_table(&input->view, TABLE_STEPS);
    if (status == TIDY_OK)
        status = reader_find_packed(&input->view);
    if (status == TIDY_OK)
        status = step_decoder_create(&input->decoder, &input->view.run);
    return status;
}

static void close_input(struct input *input)
{
    columns_epoch_destroy(input->columns);
    step_decoder_destroy(input->decoder);
    reader_unload_run(&input->view);
    *input = (struct input){.source = input->source};
}

/* What making steps of the copy takes: room for the largest step of a source, and of the copy. */
static int prepare_steps(struct copy *copy)
{
    size_t largest = 0;
    for (size_t k = 0; k < copy->count; k++) {
        const struct tidylog_run *run = &copy->inputs[k].view.run;
        size_t step = run->samples < run->batch_size ? (size_t)run->samples : run->batch_size;
        largest = step > largest ? step : largest;
    }
    copy->most = copy->run.samples < copy->run.batch_size ? (uint32_t)copy->run.samples : copy->run.batch_size;
    int status = copy_target_begin(&copy->target, &copy->build, &copy->run);
    if (status == TIDY_OK && copy->run.detail < copy->inputs[0].view.run.detail)
        status =
            step_reducer_create(&copy->reducer, copy->most, copy->run.classes, copy->run.detail, copy->run.codes);
    if (status == TIDY_OK)
        status = memory_allocate(&copy->places, largest, sizeof *copy->places, "a step's samples");
    if (status == TIDY_OK)
        status = memory_allocate(&copy->samples, copy->most, sizeof *copy->samples, "a step's samples");
    return status;
}

/* Copies run `number` of all sources. */
static int copy_run(struct copy *copy, uint32_t number, uint64_t samples)
{
    int status = build_add_run(&copy->build);
    for (size_t k = 0; k < copy->count && status == TIDY_OK; k++)
        status = open_input(copy, &copy->inputs[k], number, samples);
    if (status == TIDY_OK)
        status = make_run(copy, samples);
    if (status == TIDY_OK)
        status = build_put_run(&copy->build, &copy->run);
    if (status == TIDY_OK)
        status = prepare_steps(copy);
    for (uint64_t epoch = 0; epoch < copy->run.epochs && status == TIDY_OK; epoch++)
        status = copy_epoch(copy, epoch);
    copy_target_end(&copy->target);
    for (size_t k = 0; k < copy->count; k++)
        close_input(&copy->inputs[k]);
    for (int i = 0; i < 4; i++) {
        free(copy->values[i]);
        copy->values[i] = NULL;
    }
    free(copy->samples);
    free(copy->places);
    step_reducer_destroy(copy->reducer);
    copy->samples = copy->places = NULL;
    copy->reducer = NULL;
    return status;
}

int tidylog_copy_samples(const char *path, bool force, const struct tidylog_source *sources, size_t count,
                         uint64_t samples, int detail)
{
    struct copy copy = {.path = path, .count = count, .detail = detail};
    int status = build_begin(&copy.build, path, force);
    if (status == TIDY_OK)
        status = memory_allocate(&copy.inputs, count, sizeof *copy.inputs, "the logs to copy");
    uint32_t runs = sources[0].reader->store.runs;
    for (size_t k = 0; k < count && status == TIDY_OK; k++) {
        copy.inputs[k].source = &sources[k];
        if (sources[k].reader->store.runs != runs)
            status =
                tidy_fail("%s: it holds %u runs, %s holds %u", sources[k].reader->store.path,
                          (unsigned)sources[k].reader->store.runs, sources[0].reader->store.path, (unsigned)runs);
    }
    for (uint32_t run = 0; run < runs && status == TIDY_OK; run++)
        status = copy_run(&copy, run, samples);
    free(copy.inputs);
    return build_end(&copy.build, status);
}
