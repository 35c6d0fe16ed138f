/* Names stand in rows above the plot, each beside the end of its line. */
#include "analyze/charts/rule_marks.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/text_layout.h"
#include "common/error.h"
#include "common/memory.h"

/* The house's plot, as shares of the picture of 1280 x 720 pixels, and the rows. */
static const double left = 0.105, top = 0.835, row_height = 0.035;
/* Between which names may stand. */
static const double first_pixel = 40, last_pixel = 1260;
enum { WIDTH = 1280, FONT = 13, GAP = 8 /* pixels between line and name */, NAME_BYTES = 160 };

/* ---- rules ----------------------------------------------------------------------------------------------- */

/* Those that cut the score; of the chart's own rules others are left out. */
static int keep_those_that_cut(struct rule_marks *marks, const struct chart *chart)
{
    const struct score *score = &chart->log->scores.scores[0];
    const bool asked_for = chart->request->rules != NULL;
    size_t kept = 0;
    for (size_t i = 0; i < marks->rules.count; i++) {
        const struct threshold *rule = &marks->rules.rules[i];
        const bool cuts = !threshold_ignores_score(rule), suits = threshold_suits(rule, score);
        if (asked_for && !cuts)
            return tidy_fail_usage("--threshold %s flags the same whatever the score is, so it has no place in a "
                                   "chart of one; 'plot overlap' compares it with others",
                                   rule->text);
        if (asked_for && !suits)
            return tidy_fail_usage("--threshold %s goes with --score %s, not %s", rule->text, rule->score,
                                   score->name);
        if (cuts && suits)
            marks->rules.rules[kept++] = *rule;
    }
    marks->rules.count = kept;
    if (kept > RULE_MARKS)
        return tidy_fail_usage("--threshold: a chart has room for %d rules, not %zu", RULE_MARKS, kept);
    return 0;
}

int rule_marks_begin(struct rule_marks *out, const struct chart *chart)
{
    *out = (struct rule_marks){0};
    int status = threshold_list_parse(&out->rules, chart->rules, chart->log);
    if (status == 0)
        status = keep_those_that_cut(out, chart);
    return status == 0 ? threshold_list_announce(&out->rules, chart->log) : status;
}

static struct rule_mark mark_of(const struct threshold *rule, const bool *flagged, size_t count,
                                const struct ranking *ranking, const struct truth *truth)
{
    const struct estimated unknown = {NAN, NAN, NAN};
    struct rule_mark mark = {rule->text, {count, 0, NAN, NAN, NAN}, {count, unknown, unknown}, NAN, NAN, NAN, NAN,
                             false};
    if (truth != NULL)
        mark.quality = set_quality_of_flags(flagged, truth);
    for (size_t i = 0; i < ranking->scored; i++) {
        const float key = ranking->keys[ranking->order[i]];
        if (flagged[ranking->order[i]])
            mark.last = key;
        else if (isnan(mark.next))
            mark.next = key;
    }
    return mark;
}

int rule_marks_apply(struct rule_marks *marks, const struct chart *chart, const struct ranking *ranking,
                     const struct truth *truth, const struct noise_estimate *estimate)
{
    const struct score *score = &chart->log->scores.scores[0];
    bool *flagged = NULL;
    size_t count;
    int status = memory_allocate(&flagged, ranking->samples, sizeof *flagged, "suspects");
    while (status == 0 && marks->count < marks->rules.count) {
        const struct threshold *rule = &marks->rules.rules[marks->count];
        status = threshold_apply(rule, chart->log, score, ranking, flagged, &count);
        if (status != 0)
            break;
        struct rule_mark *mark = &marks->marks[marks->count++];
        *mark = mark_of(rule, flagged, count, ranking, truth);
        if (estimate != NULL)
            mark->estimated = estimated_quality_of(estimate, score, flagged, ranking->samples);
    }
    free(flagged);
    return status;
}

void rule_marks_destroy(struct rule_marks *marks)
{
    threshold_list_destroy(&marks->rules);
}

/* ---- lines and names ---------------------------------------------------------------------------------------- */

static void name_of(char name[NAME_BYTES], const struct rule_mark *mark)
{
    char count[COUNT_TEXT], precision[PERCENT_TEXT];
    if (mark->quality.flagged == 0)
        snprintf(name, NAME_BYTES, "%.100s flags none", mark->rule);
    else if (isnan(mark->quality.precision))
        snprintf(name, NAME_BYTES, "%.100s flags %s", mark->rule, house_style_count(count, mark->quality.flagged));
    else
        snprintf(name, NAME_BYTES, "%.100s flags %s, precision %s", mark->rule,
                 house_style_count(count, mark->quality.flagged),
                 house_style_percent(precision, 100 * mark->quality.precision, 0));
}

/* How many lines of marks[0..count-1] cross the name of marks[i] on that side; more than `count` where it leaves
 * the plot. */
static size_t count_crossings(const struct rule_mark *marks, size_t count, size_t i, bool goes_left, double right)
{
    char name[NAME_BYTES];
    name_of(name, &marks[i]);
    const double pixel = 1 / ((right - left) * WIDTH), length = text_width(name, FONT) + GAP;
    const double from = marks[i].place + (goes_left ? -length - GAP : 1) * pixel,
                 to = from + (length + GAP - 1) * pixel;
    size_t crossings =
        (left + from * (right - left)) * WIDTH < first_pixel || (left + to * (right - left)) * WIDTH > last_pixel
            ? count + 1
            : 0;
    for (size_t j = 0; j < count; j++)
        crossings += marks[j].place > from && marks[j].place < to;
    return crossings;
}

/* Of marks[0..count-1], sorts the one to the end whose name the fewest of the others' lines cross: it gets the
 * lowest row, through which all of these pass. */
static void choose_lowest(struct rule_mark *marks, size_t count, double right)
{
    size_t best = 0, least = SIZE_MAX;
    for (int side = 0; side < 2; side++)
        for (size_t i = count; i-- > 0;) {
            const size_t crossings =
                isnan(marks[i].place) ? SIZE_MAX : count_crossings(marks, count, i, side == 1, right);
            if (crossings >= least)
                continue;
            least = crossings;
            best = i;
            marks[i].goes_left = side == 1;
        }
    struct rule_mark lowest = marks[best];
    marks[best] = marks[count - 1];
    marks[count - 1] = lowest;
}

/* From the left to the right, what has no line first. */
static int by_place(const void *a, const void *b)
{
    const double first = ((const struct rule_mark *)a)->place, second = ((const struct rule_mark *)b)->place;
    return isnan(first) || isnan(second) ? !isnan(first) - !isnan(second) : (first > second) - (first < second);
}

void rule_marks_write(FILE *out, struct rule_marks *marks, double right)
{
    enum { FIRST = 100 }; /* number of labels and arrows */
    qsort(marks->marks, marks->count, sizeof *marks->marks, by_place);
    for (size_t rows = marks->count; rows > 0; rows--)
        choose_lowest(marks->marks, rows, right);
    for (size_t i = 0; i < marks->count; i++) {
        const struct rule_mark *mark = &marks->marks[i];
        const bool has_line = !isnan(mark->place);
        const double height = top - row_height * (double)i;
        char name[NAME_BYTES];
        name_of(name, mark);
        if (has_line)
            fprintf(out,
                    "set arrow %zu from first %.9g, graph 0 to first %.9g, screen %.4g nohead linewidth 1.5 "
                    "linecolor rgb ink front\n",
                    FIRST + i, mark->x, mark->x, height + row_height / 3);
        fprintf(out, "set label %zu ", FIRST + i);
        house_style_quote(out, name);
        if (has_line)
            fprintf(out,
                    " at first %.9g, screen %.4g %s offset screen %.4g, 0 font ',%d' textcolor rgb ink front\n",
                    mark->x, height, mark->goes_left ? "right" : "left",
                    (mark->goes_left ? -GAP : GAP) / (double)WIDTH, FONT);
        else
            fprintf(out, " at screen %.4g, %.4g right font ',%d' textcolor rgb ink\n", right, height, FONT);
    }
    fprintf(out, "set tmargin at screen %.4g\n",
            marks->count == 0 ? 0.82 : top + 0.01 - row_height * (double)marks->count);
}
