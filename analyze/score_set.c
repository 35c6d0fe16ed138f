/* From the text of --score to columns of values: names, parameters, and what the log can feed. */
#include "analyze/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"

/* The row whose name is the first `length` characters of `name`. */
static const struct score_row *find_row(const char *name, size_t length)
{
    for (size_t i = 0; i < score_row_count; i++)
        if (strlen(score_rows[i].name) == length && strncmp(score_rows[i].name, name, length) == 0)
            return &score_rows[i];
    return NULL;
}

static int fail_unknown(const char *name)
{
    const char **names;
    int status = memory_allocate(&names, score_row_count, sizeof *names, "names of scores");
    if (status != 0)
        return status;
    for (size_t i = 0; i < score_row_count; i++)
        names[i] = score_rows[i].name;
    const char *nearest = options_nearest(name, names, score_row_count);
    free(names);
    if (nearest != NULL)
        return tidy_fail_usage("unknown score '%s'; did you mean '%s'?", name, nearest);
    return tidy_fail_usage("unknown score '%s'; 'tidy-analyze samples --help' lists them", name);
}

/* Adds the score called `name` ("loss-at:3") to the set. */
static int add(struct score_set *set, const char *name, const struct tidylog_run *run, uint64_t epochs,
               const char *path, struct accumulator_set *accumulators)
{
    const char *colon = strchr(name, ':');
    const struct score_row *row = find_row(name, colon == NULL ? strlen(name) : (size_t)(colon - name));
    if (row == NULL)
        return fail_unknown(name);
    if (colon != NULL && row->parameter == NULL)
        return tidy_fail_usage("score '%s' takes no parameter: '%s'", row->name, name);
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->scores[i].name, name) == 0)
            return tidy_fail_usage("score '%s' is asked for twice", name);
    if (row->detail > run->detail)
        return tidy_fail("%s: score '%s' needs --detail %s or more; this log was recorded with --detail %s", path,
                         row->name, tidylog_detail_names[row->detail], tidylog_detail_names[run->detail]);

    struct score *score = &set->scores[set->count++];
    *score =
        (struct score){.row = row, .name = name, .epochs = epochs, .classes = run->classes, .labels = run->labels};
    int status =
        row->parameter == NULL ? 0 : row->parameter(colon == NULL ? NULL : colon + 1, epochs, &score->parameter);
    for (enum accumulator_kind kind = 0; kind < ACCUMULATOR_KINDS && status == 0; kind++)
        if (row->needs & 1u << kind) {
            double parameter = kind == LOSS_AT || kind == LOSS_EMA ? score->parameter : 0;
            status = accumulators_need(accumulators, kind, parameter, &score->sources[kind]);
        }
    return status;
}

int score_set_choose(struct score_set *set, const char *text, struct tidylog_reader *reader, const char *path,
                     struct accumulator_set *accumulators)
{
    *set = (struct score_set){0};
    const struct tidylog_run *run = tidylog_reader_run(reader);
    uint64_t epochs;
    tidylog_reader_epochs(reader, &epochs);
    bool all = strcmp(text, "all") == 0;

    size_t most = all ? score_row_count : 1;
    for (const char *c = text; *c != 0; c++)
        most += *c == ',';
    int status = memory_allocate(&set->scores, most, sizeof *set->scores, "scores");
    if (status == 0)
        status = memory_allocate(&set->names, strlen(text) + 1, 1, "names of scores");
    if (status != 0)
        return status;

    if (all) {
        for (size_t i = 0; i < score_row_count && status == 0; i++)
            if (score_rows[i].detail <= run->detail)
                status = add(set, score_rows[i].name, run, epochs, path, accumulators);
        return status;
    }
    memcpy(set->names, text, strlen(text) + 1);
    for (char *name = set->names, *next; name != NULL && status == 0; name = next) {
        if ((next = strchr(name, ',')) != NULL)
            *next++ = 0;
        status = add(set, name, run, epochs, path, accumulators);
    }
    return status;
}

int score_set_finish(struct score_set *set, uint64_t samples)
{
    for (size_t s = 0; s < set->count; s++) {
        struct score *score = &set->scores[s];
        double (*rank)(const struct score *, size_t) =
            score->row->rank != NULL ? score->row->rank : score->row->value;
        int status = memory_allocate(&score->values, samples, sizeof *score->values, score->name);
        if (status == 0)
            status = memory_allocate(&score->keys, samples, sizeof *score->keys, score->name);
        if (status != 0)
            return status;
        for (size_t i = 0; i < samples; i++) {
            score->values[i] = (float)score->row->value(score, i);
            score->keys[i] = (float)score_from_key(score, (float)rank(score, i));
        }
    }
    return 0;
}

/* Turning the sign is its own inverse. */
double score_from_key(const struct score *score, float key)
{
    return (double)(score->row->suspicious == SUSPICIOUS_LOW ? -key : key);
}

void score_set_destroy(struct score_set *set)
{
    for (size_t s = 0; s < set->count; s++) {
        free(set->scores[s].values);
        free(set->scores[s].keys);
    }
    free(set->scores);
    free(set->names);
}
