/* The charts: a table, one row and one file a chart. Each writes a gnuplot script with its data in it. */
#ifndef TIDY_ANALYZE_CHARTS_CHARTS_H
#define TIDY_ANALYZE_CHARTS_CHARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/analysis.h"
#include "analyze/charts/gnuplot.h"

enum chart_theme { CHART_LIGHT, CHART_DARK };

/* What a chart takes beside a log. */
enum {
    CHART_LOGS = 1 << 0,   /* several logs */
    CHART_EPOCHS = 1 << 1, /* --epochs and the like */
    CHART_RULES = 1 << 2,  /* --threshold */
    CHART_NAMES = 1 << 3,  /* --class-names */
    CHART_COUNT = 1 << 4,  /* --count */
    CHART_SAMPLE = 1 << 5, /* --sample, without which there is no chart */
    CHART_DATA = 1 << 6,   /* --data */
};

struct chart_row;

/* What is to be drawn, as on the command line. What the row does not take is not looked at. */
struct chart_request {
    const struct chart_row *row;
    const char *const *paths; /* [path_count] logs */
    size_t path_count;
    const char *scores;      /* NULL: the row's own */
    const char *rules;       /* "gmm,top:0.01"; NULL: the row's own */
    const char *class_names; /* a file; NULL: the names that the log has */
    const char *data;        /* the data set; NULL: where the log was recorded from */
    uint64_t count;          /* how many are shown; 0: the row's own */
    uint64_t sample;
    struct selection selection;
    enum chart_theme theme;
};

/* The same, opened. */
struct chart {
    const struct chart_request *request;
    struct analysis *logs; /* [request->path_count] */
    struct analysis *log;  /* the first */
    const char *scores;    /* of the request or the row; NULL where the row takes none */
    const char *rules;
    const char *const *class_names; /* [tidylog_data_classes], or NULL where they are not known */
};

struct chart_row {
    const char *name;
    const char *summary;                              /* one line */
    const char *scores_for_class, *scores_for_margin; /* default of --score by detail; NULL: takes none */
    const char *rules;                                /* default of --threshold, or NULL */
    unsigned takes;                                   /* CHART_... */

    /* Writes the script, without terminal and output. */
    int (*write)(FILE *out, struct chart *chart);
};

extern const struct chart_row chart_rows[];
extern const size_t chart_row_count;

/* The row of that name. Error: there is none (says the nearest). */
int chart_find(const struct chart_row **out, const char *name);

/* Opens the request's logs and writes the script, without terminal and output. Errors: the logs', the chart's. */
int chart_write(FILE *out, const struct chart_request *request);

/* The same into memory, which the caller frees; with a first line for that format, NULL: without terminal. *script is NULL
 * after a failure. Errors: also memory. */
int chart_script(char **script, size_t *bytes, const struct chart_request *request,
                 const enum gnuplot_format *format);

/* A class as people read it: its name where names are known, else its number. Lives as long as `room`, or the
 * chart. */
enum { CLASS_TEXT = 24 };
const char *chart_class(const struct chart *chart, uint32_t class, char room[CLASS_TEXT]);

/* The same with an ellipsis for what is too long for a title. Lives as long as `room`, which it returns. */
enum { CLASS_TITLE = 128 };
const char *chart_class_in_title(const struct chart *chart, uint32_t class, char room[CLASS_TITLE]);

int learning_chart(FILE *out, struct chart *chart);
int forgetting_chart(FILE *out, struct chart *chart);
int map_chart(FILE *out, struct chart *chart);
int sweep_chart(FILE *out, struct chart *chart);
int scores_chart(FILE *out, struct chart *chart);
int precision_recall_chart(FILE *out, struct chart *chart);
int noise_chart(FILE *out, struct chart *chart);
int overlap_chart(FILE *out, struct chart *chart);
int samples_chart(FILE *out, struct chart *chart);
int suspects_chart(FILE *out, struct chart *chart);

#endif
