/* Threshold rules in a chart of one score: what each flags, and a line with a name where it cuts. */
#ifndef TIDY_ANALYZE_CHARTS_RULE_MARKS_H
#define TIDY_ANALYZE_CHARTS_RULE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analyze/charts/charts.h"
#include "analyze/estimated_quality.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "analyze/threshold_list.h"

enum { RULE_MARKS = 8 }; /* that a chart has room for */

struct rule_mark {
    const char *rule;
    struct set_quality quality;         /* flagged; the rest is NaN where the truth is not known */
    struct estimated_quality estimated; /* as controls say; NaN where nothing does */
    /* Keys of the least suspicious that is flagged, and of the most suspicious scored that is not: NaN where there
     * is none. */
    float last, next;

    /* Set by the chart: where its line stands, on the x axis, and as a share of the plot's width. NaN: there is
     * none. */
    double x, place;
    bool goes_left; /* set by rule_marks_write: its name, from the line */
};

struct rule_marks {
    struct threshold_list rules;
    struct rule_mark marks[RULE_MARKS];
    size_t count;
};

/* Reads the chart's rules, before the replay, with one score chosen: of the chart's own those that suit it. Freed
 * with rule_marks_destroy, also after a failure. Errors: a rule that is asked for does not suit the score, or
 * flags whatever the score is; more rules than there is room for; threshold_list_parse's, threshold_announce's. */
int rule_marks_begin(struct rule_marks *out, const struct chart *chart);

/* Applies them. `truth` and `estimate` are NULL where there is none. */
int rule_marks_apply(struct rule_marks *marks, const struct chart *chart, const struct ranking *ranking,
                     const struct truth *truth, const struct noise_estimate *estimate);
void rule_marks_destroy(struct rule_marks *marks);

/* Sets the top margin, below which the plot has room, and writes the lines, and names above the plot: a row each,
 * in the order and on the side of their lines in which lines cross the fewest names. Sorts the marks: the top row
 * first. `right` is the plot's right margin, a share of the picture. */
void rule_marks_write(FILE *out, struct rule_marks *marks, double right);

#endif
