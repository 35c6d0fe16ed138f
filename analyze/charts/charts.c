/* The table of charts, and what all of them have opened. */
#include "analyze/charts/charts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/agreement.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/text_layout.h"
#include "analyze/class_names.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"

const struct chart_row chart_rows[] = {
    {.name = "learning",
     .summary = "accuracy, loss and learning rate by epoch; several runs together",
     .takes = CHART_LOGS,
     .write = learning_chart},
    {.name = "forgetting",
     .summary = "how many samples were forgotten how often, and never learned",
     .takes = CHART_EPOCHS,
     .write = forgetting_chart},
    {.name = "map",
     .summary = "data map: how much the label's probability varied, its mean, how often it won",
     .takes = CHART_EPOCHS,
     .write = map_chart},
    {.name = "scores",
     .summary = "how many samples have which score, where rules cut it, and the mixtures they fit",
     .scores_for_class = "majority-disagreement",
     .scores_for_margin = DEFAULT_SCORE,
     .rules = "auto,gmm,otsu,mean+2.5std",
     .takes = CHART_EPOCHS | CHART_RULES,
     .write = scores_chart},
    {.name = "sweep",
     .summary = "precision, recall and F1 by how many are flagged: true, estimated or expected",
     .scores_for_class = "majority-disagreement",
     .scores_for_margin = DEFAULT_SCORE,
     .rules = "auto,gmm,otsu,mean+2.5std",
     .takes = CHART_EPOCHS | CHART_RULES,
     .write = sweep_chart},
    {.name = "pr",
     .summary = "precision against recall over all thresholds of several scores, and what rules flag",
     .scores_for_class = "correctness,forgetting-events,majority-disagreement,mean-correct-epoch-or-never",
     .scores_for_margin = "label-posterior,aum,mean-loss,forgetting-events",
     .rules = "auto,gmm",
     .takes = CHART_EPOCHS | CHART_RULES,
     .write = precision_recall_chart},
    {.name = "noise",
     .summary = "which labels are suspected to be which others: counts of given and suggested labels",
     .scores_for_class = "majority-disagreement",
     .scores_for_margin = "label-posterior",
     .rules = "auto",
     .takes = CHART_EPOCHS | CHART_RULES | CHART_NAMES,
     .write = noise_chart},
    {.name = "overlap",
     .summary = "how far scores, or logs by one score, agree in what they flag, and how right that is",
     .scores_for_class = "majority-disagreement,correctness,forgetting-events,mean-correct-epoch-or-never",
     .scores_for_margin = "label-posterior,aum,mean-loss,forgetting-events,confidence",
     .rules = AGREEMENT_RULE,
     .takes = CHART_LOGS | CHART_EPOCHS | CHART_RULES,
     .write = overlap_chart},
    {.name = "samples",
     .summary = "one sample: what it was taken for epoch by epoch, its margin, where it was forgotten, its image",
     .takes = CHART_EPOCHS | CHART_NAMES | CHART_SAMPLE | CHART_DATA,
     .write = samples_chart},
    {.name = "suspects",
     .summary = "the most suspicious images, each with its given label, the suggested one and its score",
     .scores_for_class = "majority-disagreement",
     .scores_for_margin = DEFAULT_SCORE,
     .takes = CHART_EPOCHS | CHART_NAMES | CHART_COUNT | CHART_DATA,
     .write = suspects_chart},
};
const size_t chart_row_count = sizeof chart_rows / sizeof *chart_rows;

int chart_find(const struct chart_row **out, const char *name)
{
    const char *names[sizeof chart_rows / sizeof *chart_rows];
    *out = NULL;
    for (size_t i = 0; i < chart_row_count; i++) {
        names[i] = chart_rows[i].name;
        if (strcmp(name, names[i]) == 0)
            *out = &chart_rows[i];
    }
    if (*out != NULL)
        return 0;
    const char *nearest = options_nearest(name, names, chart_row_count);
    if (nearest != NULL)
        return tidy_fail_usage("unknown chart '%s'; did you mean '%s'?", name, nearest);
    return tidy_fail_usage("unknown chart '%s'; 'tidy-analyze plot --help' lists them", name);
}

int chart_write(FILE *out, const struct chart_request *request)
{
    const struct chart_row *row = request->row;
    struct chart chart = {.request = request, .scores = request->scores, .rules = request->rules};
    size_t opened = 0;
    int status = memory_allocate(&chart.logs, request->path_count, sizeof *chart.logs, "a chart");
    while (status == 0 && opened < request->path_count) {
        struct analysis *log = &chart.logs[opened];
        status = analysis_open(log, request->paths[opened++]);
        log->selection = request->selection;
    }
    chart.log = chart.logs;
    if (status == 0 && chart.scores == NULL)
        chart.scores = chart.log->run->detail == TIDYLOG_CLASS ? row->scores_for_class : row->scores_for_margin;
    if (chart.rules == NULL)
        chart.rules = row->rules;
    if (status == 0 && (row->takes & CHART_NAMES) != 0)
        status = class_names_of(&chart.class_names, chart.log->run, request->class_names);
    if (status == 0)
        status = row->write(out, &chart);
    free((void *)chart.class_names);
    for (size_t i = 0; i < opened; i++)
        analysis_close(&chart.logs[i]);
    free(chart.logs);
    return status;
}

int chart_script(char **script, size_t *bytes, const struct chart_request *request,
                 const enum gnuplot_format *format)
{
    *script = NULL;
    *bytes = 0;
    FILE *out = open_memstream(script, bytes);
    if (out == NULL)
        return tidy_fail_memory("a chart", 1);
    if (format != NULL)
        gnuplot_write_terminal(out, *format, house_style_theme(request->theme)->background);
    int status = chart_write(out, request);
    if (fclose(out) != 0 && status == 0)
        status = tidy_fail_memory("a chart", *bytes);
    if (status != 0) {
        free(*script);
        *script = NULL;
    }
    return status;
}

const char *chart_class(const struct chart *chart, uint32_t class, char room[CLASS_TEXT])
{
    if (chart->class_names != NULL && chart->class_names[class][0] != 0)
        return chart->class_names[class];
    snprintf(room, CLASS_TEXT, "%" PRIu32, class);
    return room;
}

const char *chart_class_in_title(const struct chart *chart, uint32_t class, char room[CLASS_TITLE])
{
    char number[CLASS_TEXT];
    return text_fit(room, CLASS_TITLE, chart_class(chart, class, number), 20, 280);
}
