/* From the text of --score to scores: names, parameters, and what the log can feed. */
#include "analyze/score_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/replay.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"

/* ---- choosing ------------------------------------------------------------------------------------------- */

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

/* Is what dynamics keep for this row taken by a score of another parameter? */
static bool is_kept_already(const struct score_set *set, const struct score_row *row)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->scores[i].row == row)
            return row->keep != NULL;
    return false;
}

/* Can the run feed it? Else a message says why not. */
static int check_fed(const struct score_row *row, const struct tidylog_run *run, const char *path)
{
    if (row->detail > run->detail)
        return tidy_fail("%s: score '%s' needs --detail %s or more; this log was recorded with --detail %s", path,
                         row->name, tidylog_detail_names[row->detail], tidylog_detail_names[run->detail]);
    if (row->of_second_split && run->second_split == 0)
        return tidy_fail(
            "%s: score '%s' needs a run in two phases, on one half of the samples and then on the other; "
            "'tidy-record train --second-split' records one",
            path, row->name);
    return 0;
}

/* Adds the score called `name` ("loss-at:3") to the set. */
static int add(struct score_set *set, const char *name, const struct tidylog_run *run, const char *path,
               const struct score_sources *sources)
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
    int status = check_fed(row, run, path);
    struct score score = {.row = row, .name = name, .sources = sources, .observes = is_kept_already(set, row)};
    if (status == 0 && row->parameter != NULL)
        status = row->parameter(colon == NULL ? NULL : colon + 1, sources->window, &score.parameter);
    if (status == 0 && (row->value == NULL || score.observes))
        status = memory_allocate(&score.column, set->samples, sizeof *score.column, name);
    if (status == 0)
        set->scores[set->count++] = score;
    return status;
}

int score_set_choose(struct score_set *set, const char *text, const struct tidylog_run *run, const char *path,
                     const struct score_sources *sources)
{
    *set = (struct score_set){.samples = run->samples};
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
            if (score_rows[i].detail <= run->detail && (!score_rows[i].of_second_split || run->second_split > 0))
                status = add(set, score_rows[i].name, run, path, sources);
        return status;
    }
    memcpy(set->names, text, strlen(text) + 1);
    for (char *name = set->names, *next; name != NULL && status == 0; name = next) {
        if ((next = strchr(name, ',')) != NULL)
            *next++ = 0;
        status = add(set, name, run, path, sources);
    }
    return status;
}

int score_set_check(const struct score_set *set, const struct tidylog_run *run, const char *path)
{
    int status = 0;
    for (size_t s = 0; s < set->count && status == 0; s++)
        status = check_fed(set->scores[s].row, run, path);
    return status;
}

static void forget_kept(struct score *score)
{
    if (score->kept != NULL)
        score->row->forget(score->kept);
    score->kept = NULL;
}

void score_set_destroy(struct score_set *set)
{
    for (size_t s = 0; s < set->count; s++) {
        forget_kept(&set->scores[s]);
        free(set->scores[s].column);
        free(set->scores[s].ranks);
    }
    free(set->scores);
    free(set->names);
}

/* ---- columns --------------------------------------------------------------------------------------------- */

bool score_set_needs_counts(const struct score_set *set)
{
    for (size_t s = 0; s < set->count; s++)
        if (set->scores[s].row->value_of_counts != NULL)
            return true;
    return false;
}

bool score_set_needs_means(const struct score_set *set)
{
    for (size_t s = 0; s < set->count; s++)
        if (set->scores[s].row->value_of_means != NULL ||
            (set->scores[s].row->fill != NULL && set->scores[s].row->detail >= TIDYLOG_PROBS))
            return true;
    return false;
}

bool score_set_observes(const struct score_set *set)
{
    for (size_t s = 0; s < set->count; s++)
        if (set->scores[s].observes)
            return true;
    return false;
}

void score_set_begin(struct score_set *set, struct score_sources *sources)
{
    for (size_t s = 0; s < set->count; s++) {
        struct score *score = &set->scores[s];
        for (size_t i = 0; i < set->samples && score->column != NULL; i++)
            score->column[i] = score->observes ? -1 : NAN;
        if (score->row->keep != NULL && !score->observes)
            score->row->keep(score, &sources->dynamics);
    }
}

int score_set_ahead(struct score_set *set, struct analysis *analysis, struct replay_observer *observers,
                    size_t *count)
{
    int status = 0;
    for (size_t s = 0; s < set->count && status == 0; s++) {
        struct score *score = &set->scores[s];
        forget_kept(score);
        if (score->row->ahead == NULL)
            continue;
        status = score->row->ahead(&score->kept, &observers[*count], analysis);
        *count += score->kept != NULL;
    }
    return status;
}

int score_set_observe(void *context, const struct tidylog_observations *step)
{
    struct score_set *set = context;
    for (size_t s = 0; s < set->count && !step->evaluated; s++) {
        const struct score *score = &set->scores[s];
        for (uint32_t i = 0; i < step->count && score->observes; i++) {
            float *item = &score->column[step->samples[i]];
            *item = score->row->observe(score, *item, step->epoch, step->loss[i]);
        }
    }
    return 0;
}

int score_set_take_counts(void *context, size_t sample, const struct class_count *counts, size_t count)
{
    struct score_set *set = context;
    for (size_t s = 0; s < set->count; s++) {
        const struct score *score = &set->scores[s];
        if (score->row->value_of_counts != NULL)
            score->column[sample] = (float)score->row->value_of_counts(score, sample, counts, count);
    }
    return 0;
}

int score_set_take_means(void *context, const struct class_means *means)
{
    struct score_set *set = context;
    for (size_t s = 0; s < set->count; s++) {
        const struct score *score = &set->scores[s];
        if (score->row->value_of_means != NULL)
            score->column[means->sample] = (float)score->row->value_of_means(score, means);
    }
    return 0;
}

int score_set_fill(struct score_set *set, struct analysis *analysis)
{
    int status = 0;
    for (size_t s = 0; s < set->count && status == 0; s++) {
        struct score *score = &set->scores[s];
        if (score->row->fill != NULL)
            status = score->row->fill(score->column, score->kept, analysis);
        forget_kept(score);
    }
    return status;
}
