/* log-statistics LOG: how a run's predictions move from epoch to epoch, a line each: name, tab, value.
 *
 * For setting logs that are generated (generate_log.h) beside real ones. Entropies are bytes a prediction of margins
 * in steps of 0.25. Wrong labels count where the log knows the truth. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/tidylog.h"

enum { CODES = 256, EVENTS = 7, NO_CLASS = 65535 };

struct sample_past {
    uint16_t predicted;
    uint8_t code, events;
    bool ever_learnt;
};

struct epoch_counts {
    double count, right, changed;
};

struct statistics {
    struct sample_past *past;
    struct epoch_counts *epochs;
    uint64_t *pairs;     /* [CODES][CODES] of margins: the epoch before, this one */
    uint64_t *confusion; /* [classes][classes] of wrong predictions of right labels: truth, predicted */
    double wrong_after_wrong, same_wrong, mislabelled, mislabelled_right, mislabelled_truth;
    uint64_t *rests; /* [CODES][CODES] of the last epoch: margin, and margin less log-odds */
    double margin, margin_squares, rest, last; /* of the last epoch's predictions: last of them */
};

static uint8_t quarter_code(double value)
{
    double steps = isfinite(value) ? round(value / 0.25) : -128;
    return (uint8_t)(fmin(fmax(steps, -128), 127) + 128);
}

static void see_change(struct statistics *all, struct sample_past *past, uint16_t label, uint16_t predicted,
                       struct epoch_counts *counts)
{
    counts->changed += past->predicted != predicted;
    if (past->predicted != label && predicted != label) {
        all->wrong_after_wrong++;
        all->same_wrong += past->predicted == predicted;
    }
    if (past->predicted == label && predicted != label && past->events < EVENTS - 1)
        past->events++;
}

static void see_last(struct statistics *all, const struct tidylog_observations *seen, uint32_t i, uint16_t truth)
{
    bool mislabelled = truth != seen->labels[i];
    all->last++;
    all->mislabelled += mislabelled;
    all->mislabelled_right += mislabelled && seen->predicted[i] == seen->labels[i];
    all->mislabelled_truth += mislabelled && seen->predicted[i] == truth;
    if (seen->margin == NULL)
        return;
    double rest = seen->margin[i] + log(expm1(seen->loss[i]));
    all->margin += seen->margin[i];
    all->margin_squares += (double)seen->margin[i] * seen->margin[i];
    all->rest += isfinite(rest) ? rest : 0;
    all->rests[quarter_code(seen->margin[i]) * CODES + quarter_code(rest)]++;
}

static void see(struct statistics *all, const struct tidylog_run *run, const struct tidylog_observations *seen,
                uint64_t epochs)
{
    struct epoch_counts *counts = &all->epochs[seen->epoch];
    for (uint32_t i = 0; i < seen->count; i++) {
        uint32_t sample = seen->samples[i];
        uint16_t label = seen->labels[i], predicted = seen->predicted[i];
        uint16_t truth = run->truth != NULL ? run->truth[sample] : label;
        struct sample_past *past = &all->past[sample];
        uint8_t code = seen->margin != NULL ? quarter_code(seen->margin[i]) : 0;
        counts->count++;
        counts->right += predicted == label;
        if (past->predicted != NO_CLASS) {
            see_change(all, past, label, predicted, counts);
            all->pairs[past->code * CODES + code]++;
        }
        past->predicted = predicted;
        past->code = code;
        past->ever_learnt |= predicted == label;
        if (truth == label && predicted != label)
            all->confusion[(size_t)truth * run->classes + predicted]++;
        if (seen->epoch == epochs - 1)
            see_last(all, seen, i, truth);
    }
}

static double plogp(double count)
{
    return count > 0 ? count * log2(count) : 0;
}

/* Bytes of the second of each pair by itself, and given the first. */
static void pair_entropies(const uint64_t *pairs, double *alone, double *given)
{
    double total = 0, joint = 0, before = 0, now = 0;
    for (size_t a = 0; a < CODES; a++) {
        double row = 0, column = 0;
        for (size_t b = 0; b < CODES; b++) {
            row += (double)pairs[a * CODES + b];
            column += (double)pairs[b * CODES + a];
            joint += plogp((double)pairs[a * CODES + b]);
        }
        total += row;
        before += plogp(row);
        now += plogp(column);
    }
    *alone = (log2(total) - now / total) / 8;
    *given = (before - joint) / total / 8;
}

/* The share of wrong predictions that are one of the two classes that the true class is most often taken for. */
static double top_two_share(const uint64_t *confusion, uint32_t classes)
{
    double all = 0, top = 0;
    for (size_t c = 0; c < classes; c++) {
        uint64_t first = 0, second = 0;
        for (size_t k = 0; k < classes; k++) {
            uint64_t count = confusion[c * classes + k];
            all += (double)count;
            second = count > first ? first : count > second ? count : second;
            first = count > first ? count : first;
        }
        top += (double)(first + second);
    }
    return top / all;
}

static void print(const struct statistics *all, const struct tidylog_run *run, uint64_t epochs)
{
    double events[EVENTS] = {0}, never = 0, samples = (double)run->samples, changed = 0, compared = 0;
    for (uint64_t e = 0; e < epochs; e++) {
        const struct epoch_counts *counts = &all->epochs[e];
        printf("accuracy-%llu\t%.4f\n", (unsigned long long)e + 1, counts->right / counts->count);
        if (e > 0)
            printf("changed-%llu\t%.4f\n", (unsigned long long)e + 1, counts->changed / counts->count);
        changed += counts->changed;
        compared += e > 0 ? counts->count : 0;
    }
    for (uint64_t i = 0; i < run->samples; i++) {
        never += !all->past[i].ever_learnt;
        events[all->past[i].events] += all->past[i].ever_learnt;
    }
    printf("changed\t%.4f\n", changed / compared);
    for (int k = 0; k < EVENTS; k++)
        printf("forgotten-%d%s\t%.4f\n", k, k == EVENTS - 1 ? "-or-more" : "", events[k] / samples);
    printf("never-learnt\t%.4f\n", never / samples);
    printf("same-wrong-class\t%.4f\n", all->same_wrong / all->wrong_after_wrong);
    printf("wrong-in-top-two\t%.4f\n", top_two_share(all->confusion, run->classes));
    if (all->mislabelled > 0) {
        printf("mislabelled-learnt\t%.4f\n", all->mislabelled_right / all->mislabelled);
        printf("mislabelled-seen-through\t%.4f\n", all->mislabelled_truth / all->mislabelled);
    }
    if (run->detail == TIDYLOG_CLASS)
        return;
    double mean = all->margin / all->last;
    printf("margin-mean\t%.3f\nmargin-deviation\t%.3f\n", mean,
           sqrt(all->margin_squares / all->last - mean * mean));
    double alone, given;
    pair_entropies(all->pairs, &alone, &given);
    printf("margin-entropy\t%.4f\nmargin-entropy-given-epoch-before\t%.4f\n", alone, given);
    pair_entropies(all->rests, &alone, &given);
    printf("margin-less-log-odds\t%.3f\nlog-odds-entropy-given-margin\t%.4f\n", all->rest / all->last, given);
}

static int measure(const char *path)
{
    struct tidylog_reader *reader;
    struct tidylog_replay *replay = NULL;
    struct tidylog_observations seen;
    struct statistics all = {0};
    uint64_t epochs;
    int status = tidylog_open(&reader, path);
    if (status != 0)
        return status;
    const struct tidylog_run *run = tidylog_reader_run(reader);
    tidylog_reader_epochs(reader, &epochs);
    if ((status = memory_allocate(&all.past, run->samples, sizeof *all.past, "samples")) != 0 ||
        (status = memory_allocate(&all.epochs, run->epochs, sizeof *all.epochs, "epochs")) != 0 ||
        (status = memory_allocate(&all.pairs, CODES * CODES, sizeof *all.pairs, "pairs")) != 0 ||
        (status = memory_allocate(&all.rests, CODES * CODES, sizeof *all.rests, "pairs")) != 0 ||
        (status = memory_allocate(&all.confusion, (size_t)run->classes * run->classes, sizeof *all.confusion,
                                  "confusions")) != 0)
        goto done;
    for (uint64_t i = 0; i < run->samples; i++)
        all.past[i].predicted = NO_CLASS;
    status = tidylog_replay_begin(&replay, reader, 0, UINT64_MAX);
    while (status == 0 && (status = tidylog_replay_next(replay, &seen)) == 1) {
        see(&all, run, &seen, epochs);
        status = 0;
    }
    if (status == 0)
        print(&all, run, epochs);
done:
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    free(all.confusion);
    free(all.rests);
    free(all.pairs);
    free(all.epochs);
    free(all.past);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: log-statistics LOG\n");
        return 2;
    }
    return tidy_report_error("log-statistics", measure(argv[1]));
}
