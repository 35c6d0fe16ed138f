/* Open, choose, replay: the order in which scores come to be. */
#include "analyze/analysis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/class_counts_blocks.h"
#include "analyze/dynamics_block.h"
#include "analyze/over_runs.h"
#include "common/error.h"
#include "common/memory.h"

int analysis_open(struct analysis *out, const char *path)
{
    *out = (struct analysis){.path = path};
    out->block_bytes = (size_t)(memory_of_machine() / 4);
    int status = tidylog_open(&out->reader, path);
    if (status != 0) {
        out->reader = NULL;
        return status;
    }
    out->runs = tidylog_reader_runs(out->reader);
    out->run = tidylog_reader_run(out->reader);
    tidylog_reader_epochs(out->reader, &out->epochs);
    out->given = tidylog_given_labels(out->run);
    if (out->runs == 1)
        return 0;
    status = memory_allocate(&out->given_room, out->run->samples, sizeof *out->given_room, "labels");
    if (status != 0)
        return status;
    memcpy(out->given_room, out->given, out->run->samples * sizeof *out->given_room);
    out->given = out->given_room;
    return 0;
}

int analysis_check_same_samples(const struct analysis *analysis, const struct analysis *other)
{
    if (analysis->run->samples == other->run->samples)
        return 0;
    return tidy_fail("%s has %" PRIu64 " samples and %s has %" PRIu64 ": they are not of the same data",
                     analysis->path, analysis->run->samples, other->path, other->run->samples);
}

void analysis_forget_posterior(struct analysis *analysis)
{
    if (analysis->posterior != NULL)
        label_posterior_destroy(analysis->posterior);
    free(analysis->posterior);
    analysis->posterior = NULL;
}

void analysis_close(struct analysis *analysis)
{
    analysis_forget_posterior(analysis);
    class_means_destroy(&analysis->means);
    class_counts_destroy(&analysis->counts);
    score_set_destroy(&analysis->scores);
    dynamics_destroy(&analysis->sources.dynamics);
    free(analysis->given_room);
    if (analysis->reader != NULL)
        tidylog_close_reader(analysis->reader);
}

int analysis_select_run(struct analysis *analysis, uint32_t run)
{
    int status = 0;
    if (analysis->runs > 1 || run > 0) {
        status = tidylog_reader_select(analysis->reader, run);
        analysis->has_run_means = false;
    }
    if (status != 0)
        return status;
    analysis->run = tidylog_reader_run(analysis->reader);
    tidylog_reader_epochs(analysis->reader, &analysis->epochs);
    status = selection_window(&analysis->window, &analysis->selection, analysis->reader, analysis->path);
    struct score_sources *sources = &analysis->sources;
    sources->window = analysis->window;
    sources->given = analysis->given;
    sources->labels = analysis->run->labels;
    sources->parts = analysis->run->parts;
    sources->second_split = analysis->run->second_split;
    sources->classes = analysis->run->classes;
    return status;
}

/* Can every run feed the scores chosen? They were chosen for the first. */
static int check_other_runs(struct analysis *analysis)
{
    int status = 0;
    for (uint32_t run = 1; run < analysis->runs && status == 0; run++) {
        status = analysis_select_run(analysis, run);
        if (status == 0)
            status = score_set_check(&analysis->scores, analysis->run, analysis->path);
    }
    return status == 0 && analysis->runs > 1 ? analysis_select_run(analysis, 0) : status;
}

int analysis_choose(struct analysis *analysis, const char *text)
{
    int status = analysis_select_run(analysis, 0);
    if (status == 0)
        status = score_set_choose(&analysis->scores, text, analysis->run, analysis->path, &analysis->sources);
    return status != 0 ? status : check_other_runs(analysis);
}

int analysis_choose_one(struct analysis *analysis, const char *text)
{
    if (strchr(text, ',') != NULL || strcmp(text, "all") == 0)
        return tidy_fail_usage("--score %s: this command works on one score", text);
    return analysis_choose(analysis, text);
}

/* Starts the blocks that `sample` is the first of. */
static int begin_counts(struct analysis *a, size_t sample, size_t bytes)
{
    class_counts_destroy(&a->counts);
    return class_counts_begin(&a->counts, a->given, a->run->classes, a->run->samples, sample, bytes);
}

static int begin_means(struct analysis *a, size_t sample, size_t bytes)
{
    class_means_destroy(&a->means);
    a->has_means = a->has_run_means = false;
    return class_means_begin(&a->means, a->given, a->run->classes, a->run->samples, sample, bytes);
}

/* The same for the run whose dynamics have the right predictions; those of a probe are of another label. */
static int begin_run_counts(struct analysis *a, size_t sample, size_t bytes)
{
    int status = begin_counts(a, sample, bytes);
    a->counts.correct = a->run->given == NULL ? a->sources.dynamics.samples : NULL;
    return status;
}

typedef int replayer(struct analysis *analysis, struct replay_observer observer);

static int replay_run(struct analysis *analysis, struct replay_observer observer)
{
    return replay_epochs(analysis->reader, analysis->window, &observer, 1);
}

static int replay_all_runs(struct analysis *analysis, struct replay_observer observer)
{
    int status = 0;
    for (uint32_t run = 0; run < analysis->runs && status == 0; run++) {
        status = analysis_select_run(analysis, run);
        if (status == 0)
            status = replay_run(analysis, observer);
    }
    return status == 0 && analysis->runs > 1 ? analysis_select_run(analysis, 0) : status;
}

/* Visits the samples from `first` on, a block and a replay after the other. */
static int visit_counts(struct analysis *a, size_t first, size_t bytes,
                        int (*begin)(struct analysis *a, size_t sample, size_t bytes), replayer *replay,
                        class_counts_visitor *visit, void *context)
{
    int status = 0;
    for (size_t done = first; done < a->run->samples && status == 0; done = a->counts.end) {
        status = begin(a, done, bytes);
        if (status == 0)
            status = replay(a, (struct replay_observer){.observe = class_counts_observe, .context = &a->counts});
        if (status == 0)
            status = class_counts_visit(&a->counts, visit, context);
    }
    return status;
}

static int visit_means(struct analysis *a, size_t first, size_t bytes, replayer *replay, class_means_visitor *visit,
                       void *context)
{
    int status = 0;
    for (size_t done = first; done < a->run->samples && status == 0; done = a->means.end) {
        status = begin_means(a, done, bytes);
        if (status == 0)
            status = replay(a, (struct replay_observer){.observe = class_means_observe, .context = &a->means});
        if (status == 0)
            status = class_means_visit(&a->means, visit, context);
    }
    return status;
}

/* Replays the selected run into the scores. */
static int replay_selected(struct analysis *a, const struct replay_observer *also)
{
    bool scores_counts = score_set_needs_counts(&a->scores), scores_means = score_set_needs_means(&a->scores);
    bool counts = scores_counts || a->keeps_counts, means = scores_means || a->keeps_means;
    size_t samples = a->run->samples, bytes = a->block_bytes / (counts && means ? 2 : 1);
    struct dynamics_set *dynamics = &a->sources.dynamics;
    struct replay_observer observers[5] = {
        {.observe = dynamics_observe, .context = dynamics, .of_blocks = &dynamics_of_blocks}};
    struct class_counts_visits visits = {a->run, score_set_take_counts, &a->scores};
    size_t count = 1;
    int status = 0;

    a->has_counts = a->has_means = a->has_run_means = false;
    if (dynamics->samples == NULL)
        status = dynamics_create(dynamics, samples);
    else
        dynamics_reset(dynamics);
    if (status != 0)
        return status;
    score_set_begin(&a->scores, &a->sources);
    if (score_set_observes(&a->scores))
        observers[count++] =
            (struct replay_observer){.observe = score_set_observe, .context = &a->scores, .apart = true};
    bool by_blocks = counts && replay_is_by_blocks(a->reader, a->window);
    if (by_blocks) {
        if (scores_counts)
            observers[count++] = (struct replay_observer){.context = &visits, .of_blocks = &class_counts_of_blocks};
        counts = false;
    }
    if (counts) {
        status = begin_run_counts(a, 0, bytes);
        observers[count++] = (struct replay_observer){.observe = class_counts_observe, .context = &a->counts};
    }
    if (means && status == 0) {
        status = begin_means(a, 0, bytes);
        observers[count++] = (struct replay_observer){.observe = class_means_observe, .context = &a->means};
    }
    if (also != NULL)
        observers[count++] = *also;
    if (status == 0)
        status = score_set_ahead(&a->scores, a, observers, &count);
    if (status == 0)
        status = replay_epochs(a->reader, a->window, observers, count);
    if (status == 0 && scores_counts)
        status = by_blocks ? class_counts_visit_others(&visits)
                           : class_counts_visit(&a->counts, score_set_take_counts, &a->scores);
    if (status == 0 && scores_means)
        status = class_means_visit(&a->means, score_set_take_means, &a->scores);
    if (status == 0 && a->runs == 1) {
        a->has_counts = counts && a->counts.end == samples;
        a->has_means = means && a->means.end == samples;
    }
    a->has_run_means = status == 0 && means && a->means.end == samples;
    /* The scores of samples that the first pass had no room for. */
    if (status == 0 && scores_counts && !by_blocks)
        status =
            visit_counts(a, a->counts.end, bytes, begin_run_counts, replay_run, score_set_take_counts, &a->scores);
    if (status == 0 && scores_means)
        status = visit_means(a, a->means.end, bytes, replay_run, score_set_take_means, &a->scores);
    return status != 0 ? status : score_set_fill(&a->scores, a);
}

int analysis_replay_run(struct analysis *analysis, uint32_t run, const struct replay_observer *also)
{
    int status = analysis_select_run(analysis, run);
    return status != 0 ? status : replay_selected(analysis, also);
}

int analysis_replay(struct analysis *analysis, const struct replay_observer *also)
{
    analysis_forget_posterior(analysis);
    if (analysis->runs == 1)
        return analysis_replay_run(analysis, 0, also);
    if (also != NULL)
        return tidy_fail("%s: this needs a log of one run, and it has %" PRIu32, analysis->path, analysis->runs);

    struct over_runs_set over_runs;
    int status = over_runs_begin(&over_runs, (enum over_runs)analysis->selection.over_runs, &analysis->scores);
    for (uint32_t run = 0; run < analysis->runs && status == 0; run++) {
        status = analysis_replay_run(analysis, run, NULL);
        if (status == 0)
            over_runs_add(&over_runs, &analysis->scores);
    }
    if (status == 0)
        over_runs_end(&over_runs, &analysis->scores);
    over_runs_destroy(&over_runs);
    return status != 0 ? status : analysis_select_run(analysis, 0);
}

/* ---- sums by class, for others ---------------------------------------------------------------------------- */

int class_counts_each(struct analysis *analysis, class_counts_visitor *visit, void *context)
{
    struct class_counts *block = &analysis->counts;
    if (analysis->has_counts)
        return class_counts_visit(block, visit, context);
    /* Nothing may have been replayed before. */
    int status = analysis_select_run(analysis, 0);
    if (status != 0)
        return status;
    /* Over several runs a block's counts would have to be kept. */
    if (analysis->runs == 1 && replay_is_by_blocks(analysis->reader, analysis->window)) {
        struct class_counts_visits visits = {analysis->run, visit, context};
        const struct replay_observer observer = {.context = &visits, .of_blocks = &class_counts_of_blocks};
        status = replay_epochs(analysis->reader, analysis->window, &observer, 1);
        return status != 0 ? status : class_counts_visit_others(&visits);
    }
    status = visit_counts(analysis, 0, analysis->block_bytes, begin_counts, replay_all_runs, visit, context);
    analysis->has_counts = status == 0 && block->first == 0;
    return status;
}

/* `has`: is the block what is asked for already? */
static int means_each(struct analysis *analysis, bool *has, replayer *replay, class_means_visitor *visit,
                      void *context)
{
    struct class_means_block *block = &analysis->means;
    if (*has)
        return class_means_visit(block, visit, context);
    int status = visit_means(analysis, 0, analysis->block_bytes, replay, visit, context);
    *has = status == 0 && block->first == 0;
    return status;
}

int class_means_each(struct analysis *analysis, class_means_visitor *visit, void *context)
{
    return means_each(analysis, &analysis->has_means, replay_all_runs, visit, context);
}

int class_means_each_of_run(struct analysis *analysis, class_means_visitor *visit, void *context)
{
    return means_each(analysis, &analysis->has_run_means, replay_run, visit, context);
}
