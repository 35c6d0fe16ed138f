/* The charts: a table, one row and one file a chart. Each writes a gnuplot script with its data in it. */
#ifndef TIDY_ANALYZE_CHARTS_CHARTS_H
#define TIDY_ANALYZE_CHARTS_CHARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analyze/analysis.h"

struct chart_row {
    const char *name;
    const char *summary;                              /* one line */
    const char *scores_for_class, *scores_for_margin; /* default of --score by detail; NULL: takes none */
    bool selects;                                     /* takes --epochs and the like */

    /* Writes the script, without terminal and output. `scores` is NULL where the chart takes none. */
    int (*write)(FILE *out, struct analysis *analysis, const char *scores);
};

extern const struct chart_row chart_rows[];
extern const size_t chart_row_count;

int learning_chart(FILE *out, struct analysis *analysis, const char *scores);
int forgetting_chart(FILE *out, struct analysis *analysis, const char *scores);
int precision_recall_chart(FILE *out, struct analysis *analysis, const char *scores);

#endif
