/* Every sample has one fate: its list's, or that of all that are in none. */
#include "analyze/cleaning.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/label_file.h"
#include "common/memory.h"

/* Notes for each sample of a list which list that is, in fates[sample]: 1 + its kind, where 0 is none. */
static int note_fates(uint8_t *fates, const struct tidylog_run *run,
                      const struct cleaning_list lists[CLEANING_KINDS], enum cleaning_kind kind)
{
    const struct cleaning_list *from = &lists[kind];
    if (from->name != NULL && from->list.is_decisions && kind != CLEANING_DECIDED)
        return tidy_fail("%s is a list of decisions: give it to --decisions", from->name);
    if (from->name != NULL && !from->list.is_decisions && kind == CLEANING_DECIDED)
        return tidy_fail("%s is no list of decisions: its first line is not '#sample\tdecision\tlabel'",
                         from->name);
    for (size_t i = 0; i < from->list.count; i++) {
        uint32_t sample = from->list.samples[i];
        if (fates[sample] != 0)
            return tidy_fail("sample %" PRIu32
                             " is in two lists, %s and %s; a sample can be treated in one way only",
                             sample, lists[fates[sample] - 1].name, from->name);
        bool stays = kind == CLEANING_DECIDED ? from->list.labels[i] != LABEL_LEFT_OUT : kind != CLEANING_DROP;
        if (stays && tidylog_is_left_out(run, sample))
            return tidy_fail("%s: sample %" PRIu32 " was left out of the run, so there is no label to go on with",
                             from->name, sample);
        fates[sample] = (uint8_t)(1 + kind);
    }
    return 0;
}

static int relabel(struct cleaning *cleaning, const struct tidylog_run *run, const struct cleaning_list *from,
                   const struct suggestion *suggestions)
{
    for (size_t i = 0; i < from->list.count; i++) {
        uint32_t sample = from->list.samples[i];
        if (from->list.labels != NULL)
            cleaning->labels[sample] = from->list.labels[i];
        else if (isnan(suggestions[sample].probability))
            return tidy_fail("%s: sample %" PRIu32 " was %s, so no other label can be suggested; give it one in a "
                             "second column, or drop it",
                             from->name, sample,
                             tidylog_is_probe(run, sample) ? "trained on another label than the given one"
                                                           : "never presented");
        else
            cleaning->labels[sample] = suggestions[sample].label;
    }
    return 0;
}

static void count(struct cleaning *cleaning, const struct tidylog_run *run, const uint16_t *given)
{
    for (size_t i = 0; i < run->samples; i++) {
        bool there = cleaning->labels[i] != LABEL_LEFT_OUT;
        cleaning->left_out += !there;
        cleaning->as_given += there && cleaning->labels[i] == given[i];
        cleaning->changed += there && cleaning->labels[i] != given[i];
        cleaning->before += !tidylog_is_left_out(run, i);
        if (run->truth == NULL)
            continue;
        cleaning->wrong_before += !tidylog_is_left_out(run, i) && given[i] != run->truth[i];
        cleaning->wrong += there && cleaning->labels[i] != run->truth[i];
    }
}

int cleaning_create(struct cleaning *out, const struct tidylog_run *run,
                    const struct cleaning_list lists[CLEANING_KINDS], const struct suggestion *suggestions)
{
    const uint16_t *given = tidylog_given_labels(run);
    uint8_t *fates = NULL;
    *out = (struct cleaning){0};
    int status = memory_allocate(&out->labels, run->samples, sizeof *out->labels, "labels");
    if (status == 0)
        status = memory_allocate(&fates, run->samples, sizeof *fates, "what becomes of each sample");
    for (enum cleaning_kind kind = 0; kind < CLEANING_KINDS && status == 0; kind++)
        status = note_fates(fates, run, lists, kind);

    uint8_t of_unlisted = 1 + (lists[CLEANING_KEEP].name != NULL ? CLEANING_DROP : CLEANING_KEEP);
    for (size_t i = 0; i < run->samples && status == 0; i++) {
        uint8_t fate = tidylog_is_left_out(run, i) ? 1 + CLEANING_DROP : fates[i] != 0 ? fates[i] : of_unlisted;
        out->labels[i] = fate == 1 + CLEANING_DROP ? LABEL_LEFT_OUT : given[i];
    }
    if (status == 0)
        status = relabel(out, run, &lists[CLEANING_RELABEL], suggestions);
    if (status == 0)
        status = relabel(out, run, &lists[CLEANING_DECIDED], suggestions);
    if (status == 0)
        count(out, run, given);
    free(fates);
    return status;
}

void cleaning_destroy(struct cleaning *cleaning)
{
    free(cleaning->labels);
}
