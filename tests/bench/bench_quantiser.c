/* What coarser codes would make of a log's margins: logs of them, whose scores can be compared, and the bits that
 * they are worth to whoever knows the epoch before. scripts/bench-quantiser runs it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/packing.h"
#include "common/tidylog.h"

/* Symbols of a code, and a context for the first epoch, which knows nothing of one before. */
enum { CODES = 256, NONE = CODES, CONTEXTS = CODES + 1, MOST_CLASSES = 64 };

/* What a log recorded with --detail full holds, and room for a step of it. */
struct source {
    struct tidylog_reader *reader;
    const struct tidylog_run *run;
    float *log_odds; /* [largest step] */
};

/* What is known of each sample from the epoch before, and how often each code came in each context. */
struct statistics {
    uint16_t *margin, *predicted; /* [samples]; NONE: no epoch yet */
    uint32_t *margins;            /* [CONTEXTS][CODES] by the margin's code before */
    uint32_t *levels;             /* [CODES][CODES] by the margin's code */
    uint32_t *classes;            /* [3 C (C + 1)][C] by the margin's sign, the label and the class before */
    double predictions;
};

static int statistics_create(struct statistics *out, const struct tidylog_run *run)
{
    static const char what[] = "counts of codes";
    size_t classes = run->classes;
    *out = (struct statistics){0};
    int status = memory_allocate(&out->margin, run->samples, sizeof *out->margin, what);
    if (status == TIDY_OK)
        status = memory_allocate(&out->predicted, run->samples, sizeof *out->predicted, what);
    if (status == TIDY_OK)
        status = memory_allocate(&out->margins, CONTEXTS * CODES, sizeof *out->margins, what);
    if (status == TIDY_OK)
        status = memory_allocate(&out->levels, CODES * CODES, sizeof *out->levels, what);
    if (status == TIDY_OK)
        status = memory_allocate(&out->classes, 3 * classes * (classes + 1) * classes, sizeof *out->classes, what);
    for (uint64_t i = 0; i < run->samples && status == TIDY_OK; i++) {
        out->margin[i] = NONE;
        out->predicted[i] = (uint16_t)classes;
    }
    return status;
}

static void statistics_free(struct statistics *statistics)
{
    free(statistics->margin);
    free(statistics->predicted);
    free(statistics->margins);
    free(statistics->levels);
    free(statistics->classes);
}

static void count_step(struct statistics *counts, const struct tidylog_observations *step, const float *log_odds,
                       uint32_t classes, const struct packing_levels *levels)
{
    for (uint32_t i = 0; i < step->count; i++) {
        uint32_t sample = step->samples[i];
        int8_t code = packing_margin_code(step->margin[i], levels->codes);
        uint8_t margin = (uint8_t)code, level = packing_log_odds_code(log_odds[i], code, levels);
        size_t sign = code < 0 ? 0 : code > 0 ? 2 : 1;
        size_t context = (sign * classes + step->labels[i]) * (classes + 1) + counts->predicted[sample];
        counts->margins[counts->margin[sample] * CODES + margin]++;
        counts->levels[margin * CODES + level]++;
        counts->classes[context * classes + step->predicted[i]]++;
        counts->margin[sample] = margin;
        counts->predicted[sample] = step->predicted[i];
    }
    counts->predictions += step->count;
}

/* Bytes a prediction of an ideal code whose probabilities are the counts': entropy given the context. */
static double bytes_of(const uint32_t *counts, size_t contexts, size_t symbols, double predictions)
{
    double bits = 0;
    for (size_t c = 0; c < contexts; c++, counts += symbols) {
        double all = 0;
        for (size_t s = 0; s < symbols; s++)
            all += counts[s];
        for (size_t s = 0; s < symbols; s++)
            bits += counts[s] > 0 ? counts[s] * log2(all / counts[s]) : 0;
    }
    return bits / 8 / predictions;
}

static void print(const struct statistics *counts, const struct tidylog_run *run, struct tidylog_codes codes)
{
    size_t classes = run->classes;
    double margin = bytes_of(counts->margins, CONTEXTS, CODES, counts->predictions);
    double level = bytes_of(counts->levels, CODES, CODES, counts->predictions);
    double class = bytes_of(counts->classes, 3 * classes * (classes + 1), classes, counts->predictions);
    printf("%u\t%u\t%.3f\t%.3f\t%.3f\t%.3f\n", codes.margin_scale, codes.log_odds_density, margin, level, class,
           margin + level + class);
}

/* log(q / (1 - q)) of the labels' probabilities q; the others are summed by themselves, so that none cancels. */
static void find_log_odds(float *out, const struct tidylog_observations *step, uint32_t classes)
{
    for (uint32_t i = 0; i < step->count; i++) {
        const float *log_probs = step->log_probs + (size_t)i * classes;
        double others = 0;
        for (uint32_t c = 0; c < classes; c++)
            others += c != step->labels[i] ? exp((double)log_probs[c]) : 0;
        out[i] = (float)((double)log_probs[step->labels[i]] - log(others));
    }
}

static int append_step(struct tidylog_writer *writer, const struct tidylog_observations *step,
                       const float *log_odds)
{
    const struct tidylog_predictions predictions = {.count = step->count,
                                                    .samples = step->samples,
                                                    .predicted = step->predicted,
                                                    .margin = step->margin,
                                                    .log_odds = log_odds};
    return tidylog_append_step(writer, step->step, &predictions);
}

/* Replays the source into a log with these codes. */
static int copy(const struct source *source, struct tidylog_writer *writer, struct statistics *counts,
                struct tidylog_codes codes)
{
    struct tidylog_replay *replay;
    struct tidylog_observations step;
    struct packing_levels levels;
    uint64_t epochs, ended = 0;
    const struct tidylog_epoch *figures = tidylog_reader_epochs(source->reader, &epochs);
    int status = tidylog_replay_begin(&replay, source->reader, 0, epochs);
    packing_levels_fill(&levels, source->run->classes, codes);
    while (status == TIDY_OK && (status = tidylog_replay_next(replay, &step)) == 1) {
        status = TIDY_OK;
        for (; ended < step.epoch && status == TIDY_OK; ended++)
            status = tidylog_append_epoch(writer, &figures[ended]);
        find_log_odds(source->log_odds, &step, source->run->classes);
        count_step(counts, &step, source->log_odds, source->run->classes, &levels);
        if (status == TIDY_OK)
            status = append_step(writer, &step, source->log_odds);
    }
    for (; ended < epochs && status == TIDY_OK; ended++)
        status = tidylog_append_epoch(writer, &figures[ended]);
    tidylog_replay_end(replay);
    return status;
}

static int measure(const struct source *source, const char *folder, struct tidylog_codes codes)
{
    struct tidylog_writer *writer = NULL;
    struct statistics counts;
    struct tidylog_run run = *source->run;
    char path[4096];
    run.detail = TIDYLOG_MARGIN;
    run.codes = codes;
    snprintf(path, sizeof path, "%s/%u-%u.tidy", folder, codes.margin_scale, codes.log_odds_density);
    int status = statistics_create(&counts, &run);
    if (status == TIDY_OK)
        status = tidylog_create(&writer, path, &run, true);
    if (status == TIDY_OK)
        status = copy(source, writer, &counts, codes);
    int closed = tidylog_close(writer);
    if (status == TIDY_OK && closed == TIDY_OK)
        print(&counts, &run, codes);
    statistics_free(&counts);
    return status != TIDY_OK ? status : closed;
}

int main(int argc, char **argv)
{
    struct source source = {0};
    if (argc < 5 || argc % 2 == 0) {
        fputs("usage: bench-quantiser FULL.tidy FOLDER SCALE DENSITY...\n"
              "writes FOLDER/SCALE-DENSITY.tidy, prints scale, density, bytes a prediction of margin, log-odds, "
              "class, "
              "all\n",
              stderr);
        return 2;
    }
    int status = tidylog_open(&source.reader, argv[1]);
    if (status != TIDY_OK)
        return tidy_report_error("bench-quantiser", status);
    source.run = tidylog_reader_run(source.reader);
    if (source.run->detail != TIDYLOG_FULL || source.run->second_split > 0 || source.run->classes > MOST_CLASSES)
        status =
            tidy_fail("%s: a log with --detail full, without a second split and of at most %d classes is needed",
                      argv[1], MOST_CLASSES);
    if (status == TIDY_OK)
        status = memory_allocate(&source.log_odds, source.run->batch_size, sizeof *source.log_odds, "log-odds");
    for (int i = 3; i < argc && status == TIDY_OK; i += 2)
        status = measure(
            &source, argv[2],
            (struct tidylog_codes){(uint32_t)strtoul(argv[i], NULL, 10), (uint32_t)strtoul(argv[i + 1], NULL, 10)});
    free(source.log_odds);
    tidylog_close_reader(source.reader);
    return tidy_report_error("bench-quantiser", status);
}
