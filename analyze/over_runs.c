/* Mean, worst and Toneva's sum, a function each; a sample without a value in a run is left out of that run. */
#include "analyze/over_runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

int over_runs_begin(struct over_runs_set *out, enum over_runs how, const struct score_set *scores)
{
    static const char what[] = "scores of several runs";
    *out = (struct over_runs_set){.how = how, .samples = scores->samples};
    for (size_t s = 0; s < scores->count && how == OVER_RUNS_TONEVA; s++)
        if (strcmp(scores->scores[s].row->name, "forgetting-events") != 0)
            return tidy_fail_usage("--over-runs toneva orders by forgetting-events only, not by '%s'",
                                   scores->scores[s].name);
    int status = memory_allocate(&out->columns, scores->count, sizeof *out->columns, what);
    for (size_t s = 0; s < scores->count && status == 0; s++) {
        struct over_runs_column *column = &out->columns[out->count++];
        status = memory_allocate(&column->values, out->samples, sizeof *column->values, what);
        if (status == 0)
            status = memory_allocate(&column->runs, out->samples, sizeof *column->runs, what);
        if (status == 0 && scores->scores[s].row->rank != NULL)
            status = memory_allocate(&column->ranks, out->samples, sizeof *column->ranks, what);
    }
    return status;
}

void over_runs_destroy(struct over_runs_set *set)
{
    for (size_t s = 0; s < set->count; s++) {
        free(set->columns[s].ranks);
        free(set->columns[s].runs);
        free(set->columns[s].values);
    }
    free(set->columns);
}

static void add_to_mean(float *mean, double value, uint16_t runs)
{
    *mean = (float)((double)*mean + (value - (double)*mean) / runs);
}

/* Ranks are infinite where all runs' are; else an infinite one counts as the value it stands for. */
static void add_mean(struct over_runs_column *column, size_t i, double value, double rank)
{
    uint16_t runs = ++column->runs[i];
    if (column->ranks != NULL) {
        bool all_infinite = isinf(rank) && (runs == 1 || isinf(column->ranks[i]));
        if (!all_infinite && isinf(column->ranks[i]))
            column->ranks[i] = column->values[i];
        if (all_infinite)
            column->ranks[i] = (float)rank;
        else
            add_to_mean(&column->ranks[i], isinf(rank) ? value : rank, runs);
    }
    add_to_mean(&column->values[i], value, runs);
}

/* Equally suspicious: the first run. */
static void add_worst(struct over_runs_column *column, size_t i, double value, double rank, bool low)
{
    double held = (double)(column->ranks != NULL ? column->ranks[i] : column->values[i]);
    if (column->runs[i]++ > 0 && (low ? rank >= held : rank <= held))
        return;
    column->values[i] = (float)value;
    if (column->ranks != NULL)
        column->ranks[i] = (float)rank;
}

static void add_sum(struct over_runs_column *column, size_t i, double rank)
{
    column->runs[i]++;
    column->ranks[i] += (float)rank;
    column->values[i] = column->ranks[i];
}

void over_runs_add(struct over_runs_set *set, const struct score_set *scores)
{
    for (size_t s = 0; s < set->count; s++) {
        const struct score *score = &scores->scores[s];
        for (size_t i = 0; i < set->samples; i++) {
            double value = score_value(score, i), rank = score_rank(score, i);
            if (isnan(value))
                continue;
            switch (set->how) {
            case OVER_RUNS_MEAN:
                add_mean(&set->columns[s], i, value, rank);
                break;
            case OVER_RUNS_WORST:
                add_worst(&set->columns[s], i, value, rank, score->row->suspicious == SUSPICIOUS_LOW);
                break;
            case OVER_RUNS_TONEVA:
                add_sum(&set->columns[s], i, rank);
                break;
            }
        }
    }
}

void over_runs_end(struct over_runs_set *set, struct score_set *scores)
{
    for (size_t s = 0; s < set->count; s++) {
        struct over_runs_column *column = &set->columns[s];
        struct score *score = &scores->scores[s];
        for (size_t i = 0; i < set->samples; i++)
            if (column->runs[i] == 0) {
                column->values[i] = NAN;
                if (column->ranks != NULL)
                    column->ranks[i] = NAN;
            }
        free(score->column);
        score->column = column->values;
        score->ranks = column->ranks;
        score->over_runs = true;
        column->values = column->ranks = NULL;
    }
}
