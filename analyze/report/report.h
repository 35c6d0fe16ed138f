/* The report: one page of HTML with all it needs in it. Its parts, in the order in which the page has them. */
#ifndef TIDY_ANALYZE_REPORT_REPORT_H
#define TIDY_ANALYZE_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/analysis.h"
#include "analyze/evaluation.h"
#include "analyze/flag_summary.h"
#include "analyze/images.h"
#include "analyze/suspects.h"

/* What is asked for, as on the command line. */
struct report_request {
    const char *path; /* the log */
    struct suspects_request suspects;
    struct selection selection;
    const char *class_names; /* a file; NULL: the names that the log has */
    bool images;             /* show them where the log or `data` says where they are */
    const char *data;        /* their data set; NULL: where the log was recorded from */
    uint64_t count;          /* suspects shown at the most */
};

struct report {
    const struct report_request *request;
    struct analysis analysis;
    struct suspects suspects;
    const char *const *class_names; /* [tidylog_data_classes], or NULL where they are not known */
    uint32_t *rows;                 /* [shown] samples, the most suspicious first */
    size_t shown;
    struct flag_summary summary;
    struct images images;
    bool has_images;
    struct truth truth; /* mislabelled is NULL where it is not known */
    struct set_quality quality;
};

/* Finds all that the page says. `*out` stays where it is meanwhile. Freed with report_destroy, also after a
 * failure. Errors: the log's, the suspects', the class names', the images'. */
int report_create(struct report *out, const struct report_request *request);
void report_destroy(struct report *report);

/* Writes the page. The stream keeps its own errors. Errors: gnuplot is missing, memory. */
int report_write(FILE *out, struct report *report);

/* The parts. What the report found, as a sentence for title and heading: */
void report_write_finding(FILE *out, const struct report *report);
/* what the run is; what was flagged, by which rule, and how sure that is; */
void report_write_run(FILE *out, const struct report *report);
void report_write_flagged(FILE *out, const struct report *report);
/* the charts that this log feeds, as pictures that follow the page's colours, and of which colours these are; */
int report_write_charts(FILE *out, const struct report *report);
void report_write_colours(FILE *out);
/* the suspects, and what scripts know of them. */
int report_write_suspects(FILE *out, struct report *report);
void report_write_data(FILE *out, const struct report *report);

/* A class as people read it: its name where it has one, else its number, as HTML. */
void report_write_class(FILE *out, const struct report *report, uint32_t class);

/* "images", or "samples" where the log does not say that it is about images. */
const char *report_noun(const struct report *report);

#endif
