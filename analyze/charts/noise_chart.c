/* plot noise: which labels are taken for which, as the suspects say. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/heat_map.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/text_layout.h"
#include "analyze/suspects.h"
#include "common/error.h"
#include "common/memory.h"

/* A matrix of all classes up to MOST_CLASSES; of more, those of the most frequent pairs. */
enum { MOST_CLASSES = 20, CHOSEN_CLASSES = 12, MOST_SIDE = MOST_CLASSES + 1 };

/* Samples of one given label that have another. */
struct pair {
    uint32_t classes; /* the given label times 65536, and the other one */
    size_t count;
};

struct pairs {
    struct pair *pairs; /* [count] the most frequent first */
    size_t count;
};

/* What a cell counts. */
struct tally {
    size_t suspects;
    size_t found, wrong; /* labels that are wrong in that way, and those among its suspects; 0 without the truth */
};

struct matrix {
    const struct chart *chart;
    struct suspects suspects;
    struct pairs pairs;        /* of the suspects' given and suggested labels */
    size_t same;               /* suspects whose suggested label is the given one */
    uint16_t shown[MOST_SIDE]; /* [side - has_rest] classes in their order */
    size_t side;
    bool has_rest; /* the last row and column are all other classes */
    struct tally tallies[MOST_SIDE][MOST_SIDE];
};

static uint16_t given_of(const struct pair *pair)
{
    return (uint16_t)(pair->classes >> 16);
}

static uint16_t other_of(const struct pair *pair)
{
    return (uint16_t)(pair->classes & UINT16_MAX);
}

/* ---- pairs ----------------------------------------------------------------------------------------------- */

static int by_classes(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int by_count(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : by_classes(a, b);
}

/* Counts the suspects of each pair: sorted, equal ones are neighbours. A table of all pairs of 21,000 classes would
 * not fit into memory. */
static int count_pairs(struct matrix *matrix)
{
    const struct suspects *suspects = &matrix->suspects;
    const uint16_t *given = suspects->analysis->given;
    uint32_t *keys;
    size_t count = 0;
    int status = memory_allocate(&keys, suspects->count, sizeof *keys, "a chart");
    for (size_t i = 0; i < suspects->ranking.samples && status == 0; i++) {
        uint16_t suggested = suspects->suggestions[i].label;
        if (!suspects->flagged[i])
            continue;
        if (suggested == given[i])
            matrix->same++;
        else
            keys[count++] = (uint32_t)given[i] << 16 | suggested;
    }
    if (status == 0)
        status = memory_allocate(&matrix->pairs.pairs, count, sizeof *matrix->pairs.pairs, "a chart");
    if (status == 0 && count > 0)
        qsort(keys, count, sizeof *keys, by_classes);
    for (size_t i = 0; i < count && status == 0; i++) {
        if (i == 0 || keys[i] != keys[i - 1])
            matrix->pairs.pairs[matrix->pairs.count++].classes = keys[i];
        matrix->pairs.pairs[matrix->pairs.count - 1].count++;
    }
    if (status == 0 && count > 0)
        qsort(matrix->pairs.pairs, matrix->pairs.count, sizeof *matrix->pairs.pairs, by_count);
    free(keys);
    return status;
}

/* ---- the matrix ------------------------------------------------------------------------------------------ */

/* All classes, or of too many those of the most frequent pairs. place: [classes] row and column of each, those not
 * shown in the last. */
static int choose_classes(struct matrix *matrix, uint16_t *place, uint32_t classes)
{
    bool *chosen;
    size_t count = 0;
    int status = memory_allocate(&chosen, classes, sizeof *chosen, "a chart");
    if (status != 0)
        return status;
    matrix->has_rest = classes > MOST_CLASSES;
    for (size_t i = 0; i < matrix->pairs.count && count + 2 <= CHOSEN_CLASSES && matrix->has_rest; i++) {
        const uint16_t of_pair[] = {given_of(&matrix->pairs.pairs[i]), other_of(&matrix->pairs.pairs[i])};
        for (size_t j = 0; j < 2; j++) {
            count += !chosen[of_pair[j]];
            chosen[of_pair[j]] = true;
        }
    }
    for (uint32_t class = 0; class < classes; class ++)
        if (chosen[class] || !matrix->has_rest) {
            place[class] = (uint16_t)matrix->side;
            matrix->shown[matrix->side++] = (uint16_t) class;
        }
    for (uint32_t class = 0; class < classes && matrix->has_rest; class ++)
        if (!chosen[class])
            place[class] = (uint16_t)matrix->side;
    matrix->side += matrix->has_rest;
    free(chosen);
    return 0;
}

static void count_cells(struct matrix *matrix, const uint16_t *place)
{
    const struct suspects *suspects = &matrix->suspects;
    const uint16_t *given = suspects->analysis->given, *truth = suspects->analysis->run->truth;
    for (size_t i = 0; i < suspects->ranking.samples; i++) {
        uint16_t suggested = suspects->suggestions[i].label;
        if (suspects->flagged[i] && suggested != given[i])
            matrix->tallies[place[given[i]]][place[suggested]].suspects++;
        if (truth == NULL || truth[i] == given[i])
            continue;
        struct tally *tally = &matrix->tallies[place[given[i]]][place[truth[i]]];
        tally->wrong++;
        tally->found += suspects->flagged[i] && suggested == truth[i];
    }
}

static int make_matrix(struct matrix *matrix)
{
    uint16_t *place;
    const uint32_t classes = tidylog_data_classes(matrix->suspects.analysis->run);
    int status = memory_allocate(&place, classes, sizeof *place, "a chart");
    if (status == 0)
        status = choose_classes(matrix, place, classes);
    if (status == 0)
        count_cells(matrix, place);
    free(place);
    return status;
}

/* ---- the chart ------------------------------------------------------------------------------------------- */

static void write_count(char text[HEAT_TEXT], size_t count)
{
    char digits[COUNT_TEXT];
    snprintf(text, HEAT_TEXT, "%s", house_style_count(digits, count));
}

/* Rest's cells are sums of many pairs, so that their shade would say nothing. */
static void fill_cells(const struct matrix *matrix, struct heat_cell *cells, bool has_below)
{
    const size_t side = matrix->side, most = matrix->pairs.pairs[0].count;
    for (size_t row = 0; row < side; row++)
        for (size_t column = 0; column < side; column++) {
            struct heat_cell *cell = &cells[row * side + column];
            const struct tally *tally = &matrix->tallies[row][column];
            bool of_rest = matrix->has_rest && (row == side - 1 || column == side - 1);
            cell->shade = of_rest || row == column ? NAN : (double)tally->suspects / (double)most;
            if (tally->suspects > 0)
                write_count(cell->text, tally->suspects);
            if (has_below && tally->wrong > 0)
                snprintf(cell->below, HEAT_TEXT, "%zu/%zu", tally->found, tally->wrong);
        }
}

/* A class's name that is not too long for a sentence. */
static void make_title(char *title, size_t room, const struct matrix *matrix)
{
    const struct pair *pair = &matrix->pairs.pairs[0];
    char given[CLASS_TITLE], other[CLASS_TITLE], count[COUNT_TEXT], all[COUNT_TEXT];
    snprintf(title, room, "Most suspects: '%s' that looks like '%s' (%s of %s)",
             chart_class_in_title(matrix->chart, given_of(pair), given),
             chart_class_in_title(matrix->chart, other_of(pair), other), house_style_count(count, pair->count),
             house_style_count(all, matrix->suspects.count));
}

static void make_caption(char *caption, size_t room, const struct matrix *matrix, bool has_below)
{
    const struct suspects *suspects = &matrix->suspects;
    const struct pair *pair = &matrix->pairs.pairs[0];
    const struct label_posterior *posterior = suspects->analysis->posterior;
    size_t used = (size_t)snprintf(caption, room, "Suspects by %.60s, %.60s%s", suspects->score, suspects->rule,
                                   has_below ? "; x/y: found of all labels wrong in that way" : "");
    if (matrix->same > 0 && used < room)
        used += (size_t)snprintf(caption + used, room - used, "; %zu have no other label suggested", matrix->same);
    if (posterior != NULL && used < room) {
        char given[CLASS_TITLE], other[CLASS_TITLE];
        used += (size_t)snprintf(
            caption + used, room - used, "; estimated: %.2g%% of '%s' are labelled '%s'",
            100 * noise_transition_probability(&posterior->transition, other_of(pair), given_of(pair)),
            chart_class_in_title(matrix->chart, other_of(pair), other),
            chart_class_in_title(matrix->chart, given_of(pair), given));
    }
    if (used < room - 1)
        strcpy(caption + used, ".");
}

static int draw(FILE *out, const struct matrix *matrix)
{
    struct heat_cell *cells;
    const char *names[MOST_SIDE];
    char numbers[MOST_SIDE][CLASS_TEXT], title[512], caption[512];
    int status = memory_allocate(&cells, matrix->side * matrix->side, sizeof *cells, "a chart");
    if (status != 0)
        return status;
    for (size_t i = 0; i < matrix->side; i++)
        names[i] = matrix->has_rest && i == matrix->side - 1
                       ? "all others"
                       : chart_class(matrix->chart, matrix->shown[i], numbers[i]);
    const bool has_truth = matrix->suspects.analysis->run->truth != NULL;
    const struct heat_map map = {.side = matrix->side,
                                 .cells = cells,
                                 .names = names,
                                 .row_title = "given label",
                                 .column_title = "suggested label",
                                 .below_title = has_truth ? "found/wrong in that way" : NULL,
                                 .left = 30,
                                 .right = 1250,
                                 .bottom = 70,
                                 .top = 632,
                                 .most_name = 210};
    const bool has_below = has_truth && heat_map_has_room_below(&map);
    fill_cells(matrix, cells, has_below);
    make_title(title, sizeof title, matrix);
    make_caption(caption, sizeof caption, matrix, has_below);
    house_style_begin(out, matrix->chart, title, caption);
    heat_map_write(out, &map, matrix->chart->request->theme);
    free(cells);
    return 0;
}

int noise_chart(FILE *out, struct chart *chart)
{
    const struct suspects_request request = {.score = chart->request->scores, .rule = chart->request->rules};
    struct matrix *matrix;
    int status = memory_allocate(&matrix, 1, sizeof *matrix, "a chart");
    if (status != 0)
        return status;
    matrix->chart = chart;
    status = suspects_find(&matrix->suspects, chart->log, &request);
    if (status == 0)
        status = count_pairs(matrix);
    if (status == 0 && matrix->pairs.count == 0)
        status =
            tidy_fail("%s: none of the %zu suspects by %s, %s has another label suggested, so there is no matrix "
                      "to draw; another --threshold may flag more",
                      chart->log->path, matrix->suspects.count, matrix->suspects.score, matrix->suspects.rule);
    if (status == 0)
        status = make_matrix(matrix);
    if (status == 0)
        status = draw(out, matrix);
    free(matrix->pairs.pairs);
    suspects_destroy(&matrix->suspects);
    free(matrix);
    return status;
}
